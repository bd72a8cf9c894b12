//! FLV as servers send it to who joins in the middle: sound at once, pictures when the next key frame is due.

use std::{
    collections::VecDeque,
    fs,
    io::{self, Cursor, Read},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use clipmill_domain::recording::EndReason;
use clipmill_media::{Input, InputFrom, OpenOptions};

use crate::studio::{Recorded, Source, frame_hashes, join, open, paths, record_epochs};

const AUDIO: u8 = 8;
const VIDEO: u8 = 9;
const SCRIPT: u8 = 18;

/// The tags of an FLV file, each with the number of bytes to the next: kind, time in milliseconds, all its bytes.
fn tags(flv: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut found = vec![];
    let mut rest = &flv[13..];
    while rest.len() >= 15 {
        let size = u32::from_be_bytes([0, rest[1], rest[2], rest[3]]) as usize;
        let at = u32::from_be_bytes([rest[7], rest[4], rest[5], rest[6]]);
        let (tag, after) = rest.split_at(size + 15);
        found.push((tag[0], at, tag.to_vec()));
        rest = after;
    }
    found
}

fn is_video_header(kind: u8, tag: &[u8]) -> bool {
    kind == VIDEO && tag[12] == 0
}

/// The stream as who joins at the beginning gets it when pictures begin at `from_ms`, a key frame: with these flags in
/// the file header, with or without metadata.
fn joined_early(flv: &[u8], from_ms: u32, flags: u8, metadata: bool) -> Vec<u8> {
    let all = tags(flv);
    let header = all.iter().find(|(kind, _, tag)| is_video_header(*kind, tag)).unwrap().2.clone();
    let mut out = [b"FLV\x01", &[flags][..], &[0, 0, 0, 9, 0, 0, 0, 0]].concat();
    let mut begun = false;
    for (kind, at, tag) in all {
        match kind {
            SCRIPT if !metadata => continue,
            VIDEO if at < from_ms || is_video_header(kind, &tag) => continue,
            VIDEO if !begun => {
                begun = true;
                let mut header = header.clone();
                header[4..8].copy_from_slice(&tag[4..8]);
                out.extend(header);
            }
            _ => {}
        }
        out.extend(tag);
    }
    out
}

fn frames(epoch: &Recorded, dir: &Path) -> Vec<String> {
    let whole = dir.join("whole.mp4");
    join(&epoch.init, &paths(epoch), &whole);
    frame_hashes(&whole).into_iter().map(|f| f.1).collect()
}

/// Makes 9 s whose pictures come from the 5th second on; the epochs and the frames that were sent.
fn record_joined(flags: u8, metadata: bool) -> (Vec<Recorded>, Vec<Vec<String>>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let (whole, live) = (dir.path().join("whole.flv"), dir.path().join("live.flv"));
    Source { seconds: 9, ..Source::default() }.make(&whole);
    fs::write(&live, joined_early(&fs::read(&whole).unwrap(), 5_000, flags, metadata)).unwrap();
    let sent = frame_hashes(&whole).into_iter().map(|f| f.1).skip(125).collect();
    let epochs = record_epochs(open(&live), dir.path());
    let kept = epochs.iter().map(|e| if e.tracks.width > 0 { frames(e, dir.path()) } else { vec![] });
    let kept = kept.collect();
    (epochs, kept, sent)
}

#[test]
fn pictures_that_are_promised_are_waited_for() {
    for (flags, metadata) in [(4, true), (5, false)] {
        let (epochs, kept, sent) = record_joined(flags, metadata);
        assert_eq!(epochs.len(), 1, "flags {flags}");
        assert_eq!((epochs[0].tracks.width, epochs[0].tracks.height), (320, 240));
        assert_eq!(epochs[0].tracks.sample_rate, Some(44_100));
        assert_eq!(kept[0], sent, "all from the first key frame on, flags {flags}");
    }
}

#[test]
fn pictures_that_nobody_promised_begin_an_epoch_and_none_is_lost() {
    let (epochs, kept, sent) = record_joined(4, false);
    assert_eq!(epochs.len(), 2);
    assert_eq!((epochs[0].tracks.width, epochs[0].broke), (0, Some(EndReason::FormatChanged)));
    assert_eq!((epochs[1].tracks.width, epochs[1].tracks.height), (320, 240));
    assert_eq!(kept[1], sent);
}

/// Gives its bytes, then says nothing any more.
struct ThenSilent(Cursor<Vec<u8>>);

impl Read for ThenSilent {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buf)?;
        if n == 0 {
            thread::park_timeout(Duration::from_millis(20));
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(n)
    }
}

#[test]
fn sound_alone_is_not_kept_waiting_though_the_file_header_claims_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sound.flv");
    Source { seconds: 4, video: false, ..Source::default() }.make(&path);
    let mut bytes = fs::read(&path).unwrap();
    assert!(tags(&bytes).iter().any(|t| t.0 == AUDIO) && tags(&bytes).iter().all(|t| t.0 != VIDEO));
    bytes[4] = 5;
    let begun = Instant::now();
    let wait = Duration::from_secs(30);
    let options = OpenOptions { open_deadline: wait, read_deadline: wait, ..OpenOptions::default() };
    let reader = Box::new(ThenSilent(Cursor::new(bytes)));
    let mut input =
        Input::open(InputFrom::Reader { reader, format: "flv" }, &options, Arc::default()).unwrap();
    assert!(input.read_packet().unwrap().is_some());
    assert!(begun.elapsed() < Duration::from_secs(8), "it came after {:?}", begun.elapsed());
    assert!(!input.streams().has_pictures());
}

#[test]
fn a_packet_that_broke_off_is_left_out_and_all_before_it_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, live) = (dir.path().join("whole.flv"), dir.path().join("live.flv"));
    Source { seconds: 3, rate: None, ..Source::default() }.make(&whole);
    let bytes = fs::read(&whole).unwrap();
    let mut sent: VecDeque<_> = tags(&bytes).into();
    // The encoder's goodbye holds no picture.
    while sent.back().is_some_and(|t| t.0 != VIDEO || t.2[12] != 1) {
        sent.pop_back();
    }
    let last = sent.pop_back().unwrap().2;
    let before: usize = 13 + sent.iter().map(|t| t.2.len()).sum::<usize>();
    for torn in [12, 17, last.len() / 2, last.len() - 5] {
        fs::write(&live, [&bytes[..before], &last[..torn]].concat()).unwrap();
        let epochs = record_epochs(open(&live), dir.path());
        let sent: Vec<String> = frame_hashes(&whole).into_iter().map(|f| f.1).collect();
        let kept = frames(&epochs[0], dir.path());
        assert_eq!(kept.len(), sent.len() - 1, "{torn} bytes of the last tag");
        assert!(kept.iter().all(|k| sent.contains(k)), "none is altered, {torn} bytes of the last tag");
    }
}
