//! A server that sends again what it sent before the connection dropped: everything is in the recording once.

use std::{collections::VecDeque, path::Path};

use clipmill_domain::WallTime;
use clipmill_media::{
    Arrived, AudioFollower, Gate, MediaPart, Packet, PartEvent, PartPlan, PartWriter, Repeats, cut_draft,
    cut_exact, decode_audio, thumbnail,
};

use crate::studio::{Source, frame_hashes, gather, grey_frames, nearest, open, probed, record, span};

fn packets(live: &Path) -> Vec<Packet> {
    let mut input = open(live);
    std::iter::from_fn(|| input.read_packet().unwrap()).collect()
}

/// What a recorder makes of connections that each bring some packets: the parts, and where each epoch lies.
struct Recording {
    parts: Vec<MediaPart>,
    epochs: Vec<(i64, bool)>,
}

/// Records as the recorder does; an epoch that is no splice lies 5 s after what came before.
fn connections(dir: &Path, connections: &[&[Packet]], part_us: i64) -> Recording {
    let mut done = Recording { parts: vec![], epochs: vec![] };
    let mut repeats = Repeats::default();
    let mut seq = 0;
    for (n, packets) in connections.iter().enumerate() {
        let mut gate = Gate::new(repeats);
        let mut writer: Option<PartWriter> = None;
        let mut media_start = done.parts.last().map_or(0, |p| p.span.end().as_micros() + 5_000_000);
        let mut spliced = false;
        let mut events = vec![];
        let mut coming: VecDeque<Packet> = packets.iter().cloned().collect();
        loop {
            let passed = match coming.pop_front() {
                Some(packet) => {
                    let passed = gate.take(Arrived { packet, at: WallTime::from_millis(0) });
                    if let Some(at) = passed.splice_us {
                        (media_start, spliced) = (at, true);
                    }
                    passed.packets
                }
                None => gate.end(),
            };
            let over = coming.is_empty();
            for item in passed {
                let writer = writer.get_or_insert_with(|| {
                    let plan = PartPlan {
                        dir: dir.to_owned(),
                        init_name: format!("init-{n}.mp4"),
                        first_seq: seq,
                        part_us,
                        sound_before_us: if spliced { 500_000 } else { 0 },
                    };
                    PartWriter::new(plan, item.packet.streams()).unwrap()
                });
                let got = writer.push(&item.packet).unwrap();
                assert!(!got.iter().any(|e| matches!(e, PartEvent::Break(_))));
                gate.recorded(&item.packet);
                events.extend(got);
            }
            if over {
                break;
            }
        }
        if let Some(mut writer) = writer {
            events.extend(writer.finish().unwrap());
            gate.placed(media_start);
            seq = writer.next_seq();
            done.epochs.push((media_start, spliced));
            for mut part in gather(events, media_start).parts {
                // The rule of the recorder's rows.
                let from = done.parts.last().map_or(0, |p| p.span.end().as_micros());
                part.span = span(part.span.start().as_micros().max(from), part.span.end().as_micros());
                done.parts.push(part);
            }
        }
        repeats = gate.into_repeats();
    }
    done
}

fn heard(parts: &[MediaPart]) -> (i64, Vec<f32>) {
    let mut follower = AudioFollower::new();
    let mut all = vec![];
    for part in parts {
        all.extend(follower.push(part).unwrap());
    }
    all.extend(follower.finish().unwrap());
    for w in all.windows(2) {
        let end = w[0].start_us + w[0].samples.len() as i64 * 1_000_000 / 16_000;
        assert!((end - w[1].start_us).abs() <= 2, "sound goes on without a hole: {end} {}", w[1].start_us);
    }
    (all[0].start_us, all.into_iter().flat_map(|c| c.samples).collect())
}

/// Everything read from the spliced recording is what an undisturbed one gives.
fn check_same(whole: &[MediaPart], spliced: &[MediaPart], dir: &Path, live: &Path, cut_us: i64) {
    let end = whole.last().unwrap().span.end().as_micros();
    assert_eq!(spliced.last().unwrap().span.end().as_micros(), end);
    for w in spliced.windows(2) {
        assert_eq!(w[0].span.end(), w[1].span.start());
    }
    let ((from, truth), (at, got)) = (heard(whole), heard(spliced));
    assert_eq!((from, truth.len()), (at, got.len()));
    let off = truth.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-3, "the sound differs by {off}");
    let around = (cut_us - 700_000, cut_us + 700_000);
    let (a, b) = (decode_audio(whole, around.0, around.1), decode_audio(spliced, around.0, around.1));
    let (a, b) = (a.unwrap().samples, b.unwrap().samples);
    let off = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(a.len() == b.len() && off < 1e-3, "the sound around the splice differs by {off}");

    let frames = grey_frames(live);
    let out = dir.join("cut.mp4");
    for s in [span(0, end), span(around.0, around.1), span(cut_us - 40_000, cut_us + 200_000)] {
        let truth = cut_exact(whole, &[s], &out).unwrap();
        let want: Vec<usize> = grey_frames(&out).iter().map(|f| nearest(f, &frames)).collect();
        let got = cut_exact(spliced, &[s], &out).unwrap();
        let shown: Vec<usize> = grey_frames(&out).iter().map(|f| nearest(f, &frames)).collect();
        assert_eq!(shown, want, "an exact cut of {s}");
        assert_eq!((got.frames, got.damaged_frames), (truth.frames, 0));
        // The parts that a caller hands over for the span.
        let near: Vec<MediaPart> = spliced.iter().filter(|p| p.span.overlaps(s)).cloned().collect();
        let copied = cut_draft(&near, &[s], &out).unwrap();
        assert_eq!(copied.reencoded, None);
        let hashes = frame_hashes(&out);
        let near: Vec<MediaPart> = whole.iter().filter(|p| p.span.overlaps(s)).cloned().collect();
        cut_draft(&near, &[s], &out).unwrap();
        let truth = frame_hashes(&out);
        assert_eq!(hashes.len(), truth.len(), "a draft of {s}");
        for (a, b) in hashes.iter().zip(&truth) {
            assert!(a.1 == b.1 && (a.0 - b.0).abs() < 0.002, "{a:?} {b:?}");
        }
        for track in ["v:0", "a:0"] {
            let start: f64 = probed(&out, track, "stream=start_time").parse().unwrap();
            assert!(start.abs() < 0.03, "{track} starts at {start}");
        }
    }
    for at in [cut_us - 20_000, cut_us + 20_000] {
        let shown = |parts: &[MediaPart]| {
            thumbnail(parts, at, 240, &out.with_extension("jpg")).unwrap();
            nearest(&grey_frames(&out.with_extension("jpg"))[0], &frames)
        };
        assert_eq!(shown(spliced), shown(whole));
    }
}

fn spliced_recording_is_whole(extension: &str, cut_at: f64, from: f64) {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join(format!("live.{extension}"));
    Source { rate: Some(48_000), ..Source::default() }.make(&live);
    let folders = [dir.path().join("whole"), dir.path().join("spliced")];
    folders.iter().for_each(|f| std::fs::create_dir(f).unwrap());
    let whole = record(&live, &folders[0], 2_000_000, 0).parts;
    let all = packets(&live);
    let base = all.iter().find(|p| p.is_key() && p.bytes() > 2_000).unwrap().pts_us().unwrap();
    let before = |s: f64| {
        let due = base + (s * 1e6) as i64;
        all.iter().position(|p| p.dts_us().unwrap() >= due).unwrap()
    };
    let (cut, again) = (before(cut_at), before(from));
    let recorded = connections(&folders[1], &[&all[..cut], &all[again..]], 2_000_000);
    assert!(recorded.epochs.len() == 2 && recorded.epochs[1].1, "{:?}", recorded.epochs);
    let key = recorded.epochs[1].0;
    let at = recorded.parts.iter().find(|p| p.offset_us == key).unwrap().span.start().as_micros();
    assert!((at - (cut_at * 1e6) as i64).abs() < 200_000 && key <= at, "{key} {at}");
    check_same(&whole, &recorded.parts, dir.path(), &live, at);
}

#[test]
fn nothing_is_remembered_of_a_sender_that_never_repeats() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 3, ..Source::default() }.make(&live);
    let packets = packets(&live);
    for (mut gate, remembers) in [(Gate::new(Repeats::default()), true), (Gate::passing(), false)] {
        // Twice the same: it passes all the same.
        for packet in packets.iter().chain(&packets) {
            let passed = gate.take(Arrived { packet: packet.clone(), at: WallTime::from_millis(0) });
            assert_eq!(passed.packets.len(), 1);
            gate.recorded(packet);
        }
        assert!(gate.end().is_empty());
        gate.placed(0);
        assert_eq!(gate.into_repeats().is_empty(), !remembers);
    }
}

#[test]
fn a_connection_that_dropped_inside_a_group_goes_on_inside_it() {
    spliced_recording_is_whole("flv", 3.5, 0.9);
}

#[test]
fn a_connection_that_dropped_just_after_a_key_frame_goes_on_with_it() {
    spliced_recording_is_whole("flv", 3.0, 1.7);
}

#[test]
fn a_transport_stream_goes_on_as_well() {
    spliced_recording_is_whole("ts", 4.3, 3.8);
}

#[test]
fn any_drop_and_any_repeat_give_the_frames_and_the_sound_once() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { rate: Some(44_100), ..Source::default() }.make(&live);
    let folder = dir.path().join("whole");
    std::fs::create_dir(&folder).unwrap();
    let whole = record(&live, &folder, 1_000_000, 0).parts;
    let all = packets(&live);
    let truth = heard(&whole);
    let end = whole.last().unwrap().span.end();
    let cuts: Vec<usize> = (0..24).map(|i| all.len() / 3 + i * 5 % 97 + i).collect();
    for (i, cut) in cuts.into_iter().enumerate() {
        let folder = dir.path().join(format!("spliced-{i}"));
        std::fs::create_dir(&folder).unwrap();
        let again = all.len() / 16 + i * 3;
        let recorded = connections(&folder, &[&all[..cut], &all[again..cut - 9], &all[again..]], 1_000_000);
        assert_eq!(
            recorded.epochs.len(),
            2,
            "drop at {cut}: a connection that dropped in the repeat adds nothing"
        );
        assert_eq!(recorded.parts.last().unwrap().span.end(), end);
        let got = heard(&recorded.parts);
        assert_eq!((got.0, got.1.len()), (truth.0, truth.1.len()), "drop at {cut}");
        let off = truth.1.iter().zip(&got.1).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-3, "drop at {cut}: the sound differs by {off}");
        let from = recorded.epochs[1].0;
        let report =
            cut_exact(&recorded.parts, &[span(from - 500_000, from + 1_500_000)], &dir.path().join("x.mp4"));
        assert_eq!(report.unwrap().frames, 50, "drop at {cut}");
    }
}

#[test]
fn sound_alone_is_spliced_too() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    let noise = "anoisesrc=r=44100:d=6:a=0.3:seed=7";
    crate::studio::run(
        "ffmpeg",
        &["-v", "error", "-f", "lavfi", "-i", noise, "-c:a", "aac", live.to_str().unwrap()],
    );
    let folders = [dir.path().join("whole"), dir.path().join("spliced")];
    folders.iter().for_each(|f| std::fs::create_dir(f).unwrap());
    let whole = record(&live, &folders[0], 2_000_000, 0).parts;
    let all = packets(&live);
    let recorded = connections(&folders[1], &[&all[..150], &all[100..]], 2_000_000);
    assert!(recorded.epochs[1].1);
    let (truth, got) = (heard(&whole), heard(&recorded.parts));
    assert_eq!(truth.1.len(), got.1.len());
}

#[test]
fn what_begins_anew_is_recorded_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.flv"), dir.path().join("b.flv"));
    Source::default().make(&a);
    Source { seconds: 2, gop: 20, ..Source::default() }.make(&b);
    let (all, other) = (packets(&a), packets(&b));
    let recorded = connections(dir.path(), &[&all[..300], &other], 1_000_000);
    assert!(!recorded.epochs[1].1);
    let last = &recorded.parts.last().unwrap().span;
    assert_eq!(last.end().as_micros() - recorded.epochs[1].0, 2_000_000);
}
