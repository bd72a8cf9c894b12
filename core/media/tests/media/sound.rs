//! Sound for the recogniser, true to the clock.

use clipmill_media::{AudioFollower, decode_audio};

use crate::studio::{Source, onsets, record, sound};

#[test]
fn beeps_are_heard_at_their_seconds_in_any_window() {
    for rate in [44_100, 48_000] {
        let dir = tempfile::tempdir().unwrap();
        let live = dir.path().join("live.flv");
        Source { rate: Some(rate), ..Source::default() }.make(&live);
        let parts = record(&live, dir.path(), 2_000_000, 1_000_000).parts;
        let chunk = decode_audio(&parts, 1_000_000 + 750_000, 1_000_000 + 4_500_000).unwrap();
        assert_eq!((chunk.start_us, chunk.samples.len()), (1_750_000, 60_000));
        let heard = onsets(&chunk.samples, 16_000);
        assert_eq!(heard.len(), 4, "{heard:?}");
        for (h, due) in heard.iter().zip([0.25, 1.25, 2.25, 3.25]) {
            assert!((h - due).abs() < 0.003, "{rate} Hz: {h}, due {due}");
        }
    }
}

#[test]
fn what_is_missing_is_silence() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 2, ..Source::default() }.make(&live);
    let parts = record(&live, dir.path(), 1_000_000, 0).parts;
    let chunk = decode_audio(&parts, -500_000, 5_000_000).unwrap();
    assert_eq!(chunk.samples.len(), 88_000);
    // Up to two packets from just before the first key frame are kept.
    assert!(chunk.samples[..7_200].iter().chain(&chunk.samples[42_000..]).all(|s| *s == 0.0));
    assert_eq!(onsets(&chunk.samples, 16_000).len(), 2);
    let silent = dir.path().join("silent.flv");
    Source { seconds: 2, rate: None, ..Source::default() }.make(&silent);
    let parts = record(&silent, dir.path(), 1_000_000, 0).parts;
    assert!(decode_audio(&parts, 0, 1_000_000).unwrap().samples.iter().all(|s| *s == 0.0));
    assert!(AudioFollower::new().push(&parts[0]).unwrap().is_empty());
}

/// Part by part gives the same sound as the `ffmpeg` program gives of the whole file, without a seam.
#[test]
fn following_part_by_part_has_no_seams() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    // A steady tone shows any seam.
    crate::studio::run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=160x120:r=25:d=6",
            "-f",
            "lavfi",
            "-i",
            "sine=f=440:r=44100:d=6",
            "-c:v",
            "libx264",
            "-g",
            "25",
            "-c:a",
            "aac",
            "-b:a",
            "160k",
            live.to_str().unwrap(),
        ],
    );
    let parts = record(&live, dir.path(), 1_000_000, 0).parts;
    assert!(parts.len() >= 5);
    let mut follower = AudioFollower::new();
    let mut chunks = vec![];
    for part in &parts {
        chunks.extend(follower.push(part).unwrap());
    }
    chunks.extend(follower.finish().unwrap());
    let mut all: Vec<f32> = vec![];
    let start = chunks[0].start_us;
    for chunk in chunks {
        let due = start + all.len() as i64 * 1_000_000 / 16_000;
        assert!((chunk.start_us - due).abs() <= 2, "chunk at {} but {due} was due", chunk.start_us);
        all.extend(chunk.samples);
    }
    assert!(
        start.abs() < 24_000 && (all.len() as f64 / 16_000.0 - 6.0).abs() < 0.06,
        "{start} {}",
        all.len()
    );
    // Best fit against the reference within 40 ms; then the difference is rounding, seams included.
    let truth = sound(&live, 16_000);
    let n = 80_000;
    let error =
        |shift: usize| -> f32 { (2_000..n).map(|i| (all[i] - truth[i + shift]).abs()).fold(0.0, f32::max) };
    let best = (0..700).map(error).fold(f32::MAX, f32::min);
    assert!(best < 0.01, "largest difference {best}");
}
