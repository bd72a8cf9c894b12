//! The sound of files of any container, judged by the `ffmpeg` program.

use std::path::Path;

use clipmill_media::{AudioChunk, MediaError, read_sound};

use crate::studio::{Source, onsets, run};

/// All of it on one time line, and where it starts.
fn whole(path: &Path) -> (i64, Vec<f32>) {
    let chunks: Vec<AudioChunk> = read_sound(path).unwrap().map(Result::unwrap).collect();
    let start = chunks[0].start_us;
    let mut samples = vec![];
    for c in &chunks {
        let at = usize::try_from((c.start_us - start + 31) * 16 / 1000).unwrap();
        assert!(at + 1 >= samples.len(), "time goes back");
        samples.resize(samples.len().max(at), 0.0);
        samples.extend_from_slice(&c.samples);
    }
    (start, samples)
}

/// What players show: the file's sound from its beginning.
fn reference(path: &Path) -> Vec<f32> {
    let file = path.to_str().unwrap();
    let bytes = run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-i",
            file,
            "-af",
            "aresample=async=1:first_pts=0",
            "-ac",
            "1",
            "-ar",
            "16000",
            "-f",
            "f32le",
            "-",
        ],
    );
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[test]
fn beeps_lie_where_players_hear_them_in_any_container() {
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("made.mp4");
    Source { seconds: 4, ..Source::default() }.make(&made);
    for (name, how) in [
        ("a.wav", &["-vn", "-c:a", "pcm_s16le"][..]),
        ("a.opus", &["-vn", "-c:a", "libopus", "-ar", "48000"]),
        ("a.m4a", &["-vn", "-c:a", "copy"]),
        ("a.ts", &["-c", "copy"]),
        ("a.flv", &["-c", "copy"]),
        ("a.mp3", &["-vn", "-c:a", "libmp3lame", "-ac", "2"]),
        ("a.mkv", &["-c:v", "copy", "-c:a", "flac"]),
    ] {
        let file = dir.path().join(name);
        let (from, to) = (made.to_str().unwrap(), file.to_str().unwrap());
        run("ffmpeg", &[&["-v", "error", "-y", "-i", from], how, &[to]].concat());
        let (start_us, samples) = whole(&file);
        let heard: Vec<f64> = onsets(&samples, 16_000)
            .iter()
            .map(|t| t + f64::from(i32::try_from(start_us).unwrap()) / 1e6)
            .collect();
        let theirs = onsets(&reference(&file), 16_000);
        assert!(heard.len() >= 3 && heard.len() == theirs.len(), "{name}: {heard:?} {theirs:?}");
        for (h, t) in heard.iter().zip(&theirs) {
            assert!((h - t).abs() < 0.004, "{name}: {heard:?}, by ffmpeg {theirs:?}");
        }
    }
}

#[test]
fn a_hole_in_the_sound_keeps_what_follows_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let (made, holed) = (dir.path().join("made.mp4"), dir.path().join("holed.mkv"));
    Source { seconds: 5, ..Source::default() }.make(&made);
    let (from, to) = (made.to_str().unwrap(), holed.to_str().unwrap());
    let cut = "aselect='not(between(t,1.4,2.6))'";
    run("ffmpeg", &["-v", "error", "-i", from, "-c:v", "copy", "-af", cut, "-c:a", "flac", to]);
    let chunks: Vec<AudioChunk> = read_sound(&holed).unwrap().map(Result::unwrap).collect();
    let mut jumps = chunks.windows(2).filter(|w| {
        w[1].start_us - w[0].start_us > i64::try_from(w[0].samples.len()).unwrap() * 1000 / 16 + 500_000
    });
    assert!(jumps.next().is_some(), "the hole is seen");
    let (start_us, samples) = whole(&holed);
    let late =
        onsets(&samples, 16_000).into_iter().map(|t| t + start_us as f64 / 1e6).find(|t| *t > 2.5).unwrap();
    assert!((late - 3.0).abs() < 0.03, "{late}");
}

#[test]
fn what_is_no_sound_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let mute = dir.path().join("mute.mp4");
    Source { seconds: 1, rate: None, ..Source::default() }.make(&mute);
    assert!(matches!(read_sound(&mute), Err(MediaError::Unsupported { .. })));
    let text = dir.path().join("text.mp4");
    std::fs::write(&text, "not media").unwrap();
    assert!(matches!(read_sound(&text), Err(MediaError::NotMedia { .. })));
    assert!(matches!(read_sound(&dir.path().join("none")), Err(MediaError::Io { .. })));
}
