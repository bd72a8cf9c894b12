//! The text of playlists, read back by a reader of its own.

use clipmill_domain::{
    EpochId, Id as _, MediaTime, PartId, RecordingId, Span, WallTime,
    gap::GAP_MICROS_MIN,
    recording::{Epoch, Part, Tracks},
};
use proptest::prelude::*;

use super::{number, playlist::Playlist};

const ZERO: WallTime = WallTime::from_millis(1_700_000_000_000);

/// One entry as a player sees it.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    seq: i64,
    us: i64,
    header: String,
    /// Discontinuities up to here.
    turn: usize,
    /// Wall time in milliseconds: told, or counted on from the last that was.
    at_ms: f64,
}

#[derive(Debug, Default, PartialEq)]
struct Read {
    target: i64,
    skipped: usize,
    first: i64,
    over: bool,
    event: bool,
    entries: Vec<Entry>,
}

/// A small reader of playlists, by the standard and not by the writer.
fn read(text: &str) -> Read {
    let mut out = Read::default();
    let (mut header, mut turn, mut at_ms, mut us) = (String::new(), 0, f64::NAN, 0);
    assert_eq!(text.lines().next(), Some("#EXTM3U"));
    for line in text.lines().skip(1) {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-TARGETDURATION" => out.target = value.parse().unwrap(),
            "#EXT-X-MEDIA-SEQUENCE" => out.first = value.parse().unwrap(),
            "#EXT-X-SKIP" => {
                out.skipped = value.strip_prefix("SKIPPED-SEGMENTS=").unwrap().parse().unwrap();
            }
            "#EXT-X-PLAYLIST-TYPE" => out.event = value == "EVENT",
            "#EXT-X-ENDLIST" => out.over = true,
            "#EXT-X-DISCONTINUITY" => turn += 1,
            "#EXT-X-MAP" => value.trim_matches('"').trim_start_matches("URI=\"").clone_into(&mut header),
            "#EXT-X-PROGRAM-DATE-TIME" => {
                #[expect(clippy::cast_precision_loss, reason = "a date in milliseconds")]
                let ms = value.parse::<jiff::Timestamp>().unwrap().as_millisecond() as f64;
                at_ms = ms;
            }
            "#EXTINF" => us = (value.trim_end_matches(',').parse::<f64>().unwrap() * 1e6).round() as i64,
            _ if line.starts_with('#') => assert!(
                ["#EXT-X-VERSION", "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-SERVER-CONTROL"].contains(&tag),
                "{line}"
            ),
            _ => {
                let seq = line.strip_prefix("parts/").unwrap().strip_suffix(".m4s").unwrap().parse().unwrap();
                out.entries.push(Entry { seq, us, header: header.clone(), turn, at_ms });
                at_ms += us as f64 / 1000.0;
            }
        }
    }
    out
}

fn epoch(seq: i64, start: i64) -> Epoch {
    Epoch {
        id: EpochId::new_at(ZERO),
        recording_id: RecordingId::new_at(ZERO),
        seq,
        init_path: String::new(),
        tracks: Tracks::default(),
        media_start: MediaTime::from_micros(start),
        started_at: ZERO,
        end_reason: None,
    }
}

fn part(epoch: &Epoch, seq: i64, start: i64, us: i64, removed: bool) -> Part {
    Part {
        id: PartId::new_at(ZERO),
        recording_id: epoch.recording_id,
        epoch_id: epoch.id,
        seq,
        path: String::new(),
        bytes: 1,
        span: Span::new(MediaTime::from_micros(start), MediaTime::from_micros(start + us)).unwrap(),
        key_frames: vec![],
        wall_start: ZERO,
        removed_at: removed.then_some(ZERO),
    }
}

fn list(rows: &[(Epoch, Part)]) -> Playlist {
    let mut list = Playlist::new(ZERO);
    rows.iter().for_each(|(e, p)| list.push(p, e));
    list
}

#[test]
fn a_drop_a_hole_and_the_end_read_as_the_standard_says() {
    let (a, b) = (epoch(0, 0), epoch(1, 9_000_000));
    let rows = [
        (a.clone(), part(&a, 0, 0, 2_000_000, false)),
        (a.clone(), part(&a, 1, 2_000_000, 2_040_000, false)),
        (a.clone(), part(&a, 2, 5_000_000, 2_000_000, false)),
        (b.clone(), part(&b, 3, 9_000_000, 1_500_000, false)),
    ];
    let text = list(&rows).text(true, false);
    let expected = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-INDEPENDENT-SEGMENTS\n\
        #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n\
        #EXT-X-MAP:URI=\"init/0.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z\n\
        #EXTINF:2.000000,\nparts/0.m4s\n#EXTINF:2.040000,\nparts/1.m4s\n\
        #EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:25.000Z\n\
        #EXTINF:2.000000,\nparts/2.m4s\n\
        #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init/1.mp4\"\n\
        #EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:29.000Z\n#EXTINF:1.500000,\nparts/3.m4s\n#EXT-X-ENDLIST\n";
    assert_eq!(text, expected);
}

#[test]
fn holes_too_small_to_be_gaps_do_not_add_up() {
    let e = epoch(0, 0);
    // 12 ms are lost after every part: a minute and a half of parts loses half a second.
    let rows: Vec<_> = (0..45).map(|n| (e.clone(), part(&e, n, n * 2_012_000, 2_000_000, false))).collect();
    let got = read(&list(&rows).text(true, false));
    let told = got.entries[44].at_ms - 1_700_000_000_000.0;
    assert!((told - 44.0 * 2012.0).abs() <= 21.0, "{told}");
    assert_eq!(got.entries[44].turn, 0);
}

#[test]
fn only_our_own_way_to_write_a_number_names_a_file() {
    assert_eq!(number("17.m4s", ".m4s"), Some(17));
    assert_eq!(number("0.jpg", ".jpg"), Some(0));
    for bad in
        ["017.m4s", "+1.m4s", "-1.m4s", ".m4s", "1.mp4", "1.m4s.m4s", "../1.m4s", "99999999999999999999.m4s"]
    {
        assert_eq!(number(bad, ".m4s"), None, "{bad}");
    }
}

/// Rows of a recording: steps of (length, hole before, new epoch, removed).
fn rows() -> impl Strategy<Value = Vec<(Epoch, Part)>> {
    let hole = prop_oneof![4 => Just(0i64), 1 => 1..GAP_MICROS_MIN, 1 => GAP_MICROS_MIN..90_000_000];
    let step = (400_000i64..9_000_000, hole, prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    prop::collection::vec(step, 0..60).prop_map(|steps| {
        let (mut at, mut epochs, mut rows) = (0, vec![epoch(0, 0)], vec![]);
        for (seq, (us, hole, new_epoch, removed)) in (0i64..).zip(steps) {
            at += hole;
            if new_epoch {
                epochs.push(epoch(i64::try_from(epochs.len()).unwrap(), at));
            }
            let e = epochs.last().unwrap().clone();
            rows.push((e.clone(), part(&e, seq, at, us, removed)));
            at += us;
        }
        rows
    })
}

proptest! {
    /// What a player reads is what was recorded: every part that is there, once, in order, with its own header,
    /// length and date; and a discontinuity exactly where media is missing or the encoding may have changed.
    #[test]
    fn a_player_reads_what_was_recorded(rows in rows()) {
        let got = read(&list(&rows).text(true, false));
        let there: Vec<_> = rows.iter().filter(|(_, p)| p.removed_at.is_none()).collect();
        prop_assert_eq!(got.entries.len(), there.len());
        prop_assert!(got.over && got.event && got.skipped == 0);
        for (entry, (e, p)) in got.entries.iter().zip(&there) {
            prop_assert_eq!((entry.seq, entry.us), (p.seq, p.span.micros()));
            prop_assert_eq!(&entry.header, &format!("init/{}.mp4", e.seq));
            prop_assert!((entry.us + 500_000) / 1_000_000 <= got.target);
            #[expect(clippy::cast_precision_loss, reason = "a date in milliseconds")]
            let at = ZERO.as_millis() as f64 + p.span.start().as_micros() as f64 / 1000.0;
            prop_assert!((entry.at_ms - at).abs() <= 21.0, "{entry:?} should be at {at}");
        }
        for (pair, rows) in got.entries.windows(2).zip(there.windows(2)) {
            let hole = rows[1].1.span.start() - rows[0].1.span.end();
            let breaks = hole >= GAP_MICROS_MIN || rows[0].0.id != rows[1].0.id;
            prop_assert_eq!(pair[1].turn - pair[0].turn, usize::from(breaks));
        }
    }

    /// Grown bit by bit it is the same, the text only grows, and a player that skips what it knows ends up with
    /// the same entries.
    #[test]
    fn growing_and_skipping_lose_nothing(rows in rows(), at in 0.0f64..1.0) {
        let at = ((rows.len() as f64) * at) as usize;
        let mut grown = list(&rows[..at]);
        let early = read(&grown.text(false, false));
        rows[at..].iter().for_each(|(e, p)| grown.push(p, e));
        prop_assert_eq!(&grown, &list(&rows));
        let whole = read(&grown.text(false, false));
        prop_assert_eq!(&whole.entries[..early.entries.len()], &early.entries[..]);
        let news = read(&grown.text(false, true));
        prop_assert_eq!(news.skipped + news.entries.len(), whole.entries.len());
        for (a, b) in news.entries.iter().zip(&whole.entries[news.skipped..]) {
            prop_assert_eq!((a.seq, a.us), (b.seq, b.us));
            prop_assert!((a.at_ms - b.at_ms).abs() <= 21.0);
        }
        // The standard: nothing nearer to the end than six target lengths may be left out.
        let told: i64 = news.entries.iter().map(|e| e.us).sum();
        prop_assert!(news.skipped == 0 || told >= 6 * news.target * 1_000_000);
    }
}
