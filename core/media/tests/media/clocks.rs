//! Clocks of senders: they wrap, jump and stop, and no frame is lost.

use std::{fs, path::Path};

use clipmill_domain::recording::EndReason;

use crate::studio::{Recorded, Source, frame_hashes, join, open, paths, record_epochs, run};

fn hashes(epochs: &[Recorded], out: &Path) -> Vec<String> {
    let of = |e: &Recorded| {
        join(&e.init, &paths(e), out);
        frame_hashes(out).into_iter().map(|f| f.1)
    };
    epochs.iter().flat_map(of).collect()
}

fn check_wrap(live: &Path, frames: usize) {
    let dir = tempfile::tempdir().unwrap();
    let epochs = record_epochs(open(live), dir.path());
    let truth: Vec<String> = frame_hashes(live).into_iter().map(|f| f.1).collect();
    assert_eq!(truth.len(), frames);
    assert_eq!(hashes(&epochs, &dir.path().join("whole.mp4")), truth);
    let length: i64 = epochs.iter().map(|e| e.parts.last().unwrap().span.end().as_micros()).sum();
    let due = frames as i64 * 40_000;
    assert!((length - due).abs() < 100_000, "{length} of {due}");
    for e in &epochs {
        for w in e.parts.windows(2) {
            assert_eq!(w[0].span.end(), w[1].span.start());
        }
    }
}

fn with_offset(live: &Path, seconds: &str, offset: &str, format: &str) {
    let picture = format!("testsrc2=s=160x120:r=25:d={seconds}");
    let tone = format!("sine=f=440:r=48000:d={seconds}");
    let mut args = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &tone];
    args.extend(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac", "-muxdelay", "0"]);
    args.extend(["-output_ts_offset", offset, "-f", format, live.to_str().unwrap()]);
    run("ffmpeg", &args);
}

#[test]
fn a_transport_stream_wraps_shortly_after_it_began() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.ts");
    with_offset(&live, "6", "95440.7", "mpegts");
    check_wrap(&live, 150);
}

#[test]
fn a_transport_stream_wraps_long_after_it_began() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.ts");
    with_offset(&live, "80", "95370", "mpegts");
    check_wrap(&live, 2000);
}

/// FLV counts milliseconds in 32 bits: the times of a file are moved so that they wrap in its middle.
#[test]
fn the_milliseconds_of_flv_wrap() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 6, ..Source::default() }.make(&live);
    for start in [u32::MAX - 3_000, u32::MAX - 3_000_000] {
        let moved = dir.path().join("moved.flv");
        let bytes = at_times(&fs::read(&live).unwrap(), |ms| {
            // The second case: a long way before the wrap, with a part left out.
            if start < u32::MAX - 1_000_000 && ms >= 3_000 {
                ms.wrapping_add(start).wrapping_add(2_999_000)
            } else {
                ms.wrapping_add(start)
            }
        });
        fs::write(&moved, bytes).unwrap();
        let epochs = record_epochs(open(&moved), dir.path());
        let truth: Vec<String> = frame_hashes(&live).into_iter().map(|f| f.1).collect();
        assert_eq!(hashes(&epochs, &dir.path().join("whole.mp4")), truth, "from {start}");
    }
}

/// Jumps of any size, also in the middle of a group: the epoch ends at the next key frame, every frame is there.
#[test]
fn jumps_lose_no_frame() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 6, ..Source::default() }.make(&live);
    let truth: Vec<String> = frame_hashes(&live).into_iter().map(|f| f.1).collect();
    let source = fs::read(&live).unwrap();
    for (at_ms, by_ms) in [(3_300, 700_000), (2_700, -2_600), (3_023, 5_000), (3_500, 1_500)] {
        let moved = dir.path().join("moved.flv");
        let jump = |ms: u32| if ms >= at_ms { ms.wrapping_add_signed(by_ms) } else { ms };
        fs::write(&moved, at_times(&source, jump)).unwrap();
        let epochs = record_epochs(open(&moved), dir.path());
        assert_eq!(hashes(&epochs, &dir.path().join("whole.mp4")), truth, "{by_ms} ms at {at_ms} ms");
        assert_eq!(epochs.len(), 2, "{by_ms} ms at {at_ms} ms");
        assert_eq!(epochs[0].broke, Some(EndReason::TimestampJump));
        let length: i64 = epochs.iter().map(|e| e.parts.last().unwrap().span.end().as_micros()).sum();
        assert!((length - 6_000_000).abs() < 100_000, "{by_ms} ms at {at_ms} ms: {length}");
    }
}

/// An FLV file with its times changed.
fn at_times(flv: &[u8], time: impl Fn(u32) -> u32) -> Vec<u8> {
    let mut out = flv.to_vec();
    let mut at = 13;
    while at + 11 <= out.len() {
        let size = u32::from_be_bytes([0, out[at + 1], out[at + 2], out[at + 3]]) as usize;
        let [high, a, b, c] =
            time(u32::from_be_bytes([out[at + 7], out[at + 4], out[at + 5], out[at + 6]])).to_be_bytes();
        out[at + 4..at + 8].copy_from_slice(&[a, b, c, high]);
        at += 11 + size + 4;
    }
    out
}

/// Raw H.264 has no times at all.
#[test]
fn pictures_without_any_time_are_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let (flv, raw) = (dir.path().join("live.flv"), dir.path().join("live.h264"));
    Source { seconds: 3, rate: None, ..Source::default() }.make(&flv);
    run("ffmpeg", &["-v", "error", "-i", flv.to_str().unwrap(), "-c", "copy", raw.to_str().unwrap()]);
    let epochs = record_epochs(open(&raw), dir.path());
    let truth: Vec<String> = frame_hashes(&flv).into_iter().map(|f| f.1).collect();
    assert_eq!(hashes(&epochs, &dir.path().join("whole.mp4")).len(), truth.len());
}
