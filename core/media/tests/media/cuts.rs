//! Cuts hold the right pictures and the right sound.

use std::{fs, path::Path};

use clipmill_domain::Span;
use clipmill_media::{MediaError, MediaPart, PartEvent, cut_draft, cut_exact, key_picture, thumbnail};

use crate::studio::{Source, frame_hashes, grey_frames, nearest, onsets, probed, record, run, sound, span};

struct Stage {
    dir: tempfile::TempDir,
    parts: Vec<MediaPart>,
    source: Source,
}

impl Stage {
    /// A recording whose media time begins at `offset_us`.
    fn new(source: Source, offset_us: i64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let live = dir.path().join("live.flv");
        source.make(&live);
        let parts = record(&live, dir.path(), 2_000_000, offset_us).parts;
        Self { dir, parts, source }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Only the parts a caller would hand over for these spans.
    fn parts_of(&self, spans: &[Span]) -> Vec<MediaPart> {
        self.parts.iter().filter(|p| spans.iter().any(|s| p.span.overlaps(*s))).cloned().collect()
    }

    /// Numbers of the source frames whose (millisecond) time lies in the span.
    fn frames_in(&self, s: Span, offset_us: i64) -> Vec<usize> {
        let fps = f64::from(self.source.fps);
        // FLV keeps milliseconds, counted from a start that is itself a rounded one.
        let time = |i: usize| ((i as f64 * 1000.0 / fps + 23.0).round() - 23.0) as i64 * 1000 + offset_us;
        (0..(self.source.fps * self.source.seconds) as usize)
            .filter(|i| (s.start().as_micros()..s.end().as_micros()).contains(&time(*i)))
            .collect()
    }
}

fn exact(source: Source, offset_us: i64, spans: &[(i64, i64)]) {
    let stage = Stage::new(source, offset_us);
    let spans: Vec<Span> = spans.iter().map(|(a, b)| span(a + offset_us, b + offset_us)).collect();
    let out = stage.path("exact.mp4");
    let report = cut_exact(&stage.parts_of(&spans), &spans, &out).unwrap();
    let expected: Vec<usize> = spans.iter().flat_map(|s| stage.frames_in(*s, offset_us)).collect();
    let source_frames = grey_frames(&stage.path("live.flv"));
    let shown: Vec<usize> = grey_frames(&out).iter().map(|f| nearest(f, &source_frames)).collect();
    assert_eq!(shown, expected, "exactly the frames of the spans, in order");
    assert_eq!(report.frames, expected.len() as u64);
    assert_eq!(report.damaged_frames, 0);

    let length: f64 = spans.iter().map(|s| s.micros() as f64 / 1e6).sum();
    for track in ["v:0", "a:0"] {
        let d: f64 = probed(&out, track, "stream=duration").parse().unwrap();
        assert!((d - length).abs() < 0.001, "{track} lasts {d}, not {length}");
        let s: f64 = probed(&out, track, "stream=start_time").parse().unwrap();
        assert!(s.abs() < 0.001, "{track} starts at {s}");
    }
    if source.rate.is_some() {
        // Beeps lie at the whole seconds of the source.
        let heard = onsets(&sound(&out, 48_000), 48_000);
        let mut base = 0.0;
        let mut due = vec![];
        for s in &spans {
            let (a, b) = (
                (s.start().as_micros() - offset_us) as f64 / 1e6,
                (s.end().as_micros() - offset_us) as f64 / 1e6,
            );
            due.extend((0..20).map(f64::from).filter(|t| *t >= a && *t < b - 0.06).map(|t| base + t - a));
            base += b - a;
        }
        assert_eq!(heard.len(), due.len(), "{heard:?} {due:?}");
        for (h, d) in heard.iter().zip(&due) {
            assert!((h - d).abs() < 0.003, "beep at {h}, due {d}");
        }
    }
}

#[test]
fn exact_from_mid_group_to_mid_group() {
    exact(Source::default(), 0, &[(1_503_000, 4_217_000)]);
}

#[test]
fn exact_at_30_frames_with_an_offset_and_two_spans() {
    exact(
        Source { fps: 30, gop: 60, rate: Some(48_000), ..Source::default() },
        77_123_456,
        &[(733_000, 2_611_000), (3_420_000, 5_090_000)],
    );
}

#[test]
fn exact_without_sound_gets_silence() {
    exact(Source { rate: None, seconds: 4, ..Source::default() }, 0, &[(500_000, 2_520_000)]);
}

#[test]
fn a_draft_is_copied_bit_for_bit_from_the_key_frame_before() {
    let stage = Stage::new(Source::default(), 5_000_000);
    let spans = [span(5_000_000 + 2_300_000, 5_000_000 + 4_130_000)];
    let out = stage.path("draft.mp4");
    let report = cut_draft(&stage.parts_of(&spans), &spans, &out).unwrap();
    let (truth, got) = (frame_hashes(&stage.path("live.flv")), frame_hashes(&out));
    assert_eq!(report.start_us, 7_000_000, "the last key frame before the start");
    assert_eq!(report.reencoded, None);
    let want: Vec<&String> = truth[50..50 + got.len()].iter().map(|f| &f.1).collect();
    assert_eq!(got.iter().map(|f| &f.1).collect::<Vec<_>>(), want);
    assert!((104..108).contains(&(50 + got.len())), "ends just beyond the end: {}", got.len());
    assert_eq!(report.frames, got.len() as u64);
    assert!(got[0].0.abs() < 1e-6, "the first picture is shown at zero: {}", got[0].0);
    for (i, f) in got.iter().enumerate() {
        assert!((f.0 - i as f64 * 0.04).abs() < 0.001, "frame {i} at {}", f.0);
    }
    let start: f64 = probed(&out, "a:0", "stream=start_time").parse().unwrap();
    assert!(start.abs() < 0.001, "sound starts at {start}");
    let heard = onsets(&sound(&out, 48_000), 48_000);
    assert_eq!(heard.len(), 3, "{heard:?}");
    // The first beep sits on the cut itself, where the decoder is not warm yet.
    for (h, d) in heard.iter().zip([0.0, 1.0, 2.0]).skip(1) {
        assert!((h - d).abs() < 0.015, "beep at {h}, due {d}");
    }
}

#[test]
fn a_draft_of_two_spans_plays_through() {
    let stage = Stage::new(Source::default(), 0);
    let spans = [span(100_000, 900_000), span(4_050_000, 5_000_000)];
    let out = stage.path("draft.mp4");
    cut_draft(&stage.parts_of(&spans), &spans, &out).unwrap();
    let (truth, got) = (frame_hashes(&stage.path("live.flv")), frame_hashes(&out));
    let second = got.iter().position(|f| f.1 == truth[100].1).unwrap();
    assert!(got[..second].iter().zip(&truth).all(|(g, t)| g.1 == t.1));
    assert!(got[second..].iter().zip(&truth[100..]).all(|(g, t)| g.1 == t.1));
    for w in got.windows(2) {
        assert!((w[1].0 - w[0].0 - 0.04).abs() < 0.001, "{} then {}", w[0].0, w[1].0);
    }
}

#[test]
fn two_epochs_of_different_size_make_one_clip() {
    let a = Stage::new(Source { seconds: 3, ..Source::default() }, 0);
    let b = Stage::new(
        Source { seconds: 3, size: "400x304", rate: Some(48_000), ..Source::default() },
        10_000_000,
    );
    let parts = [a.parts.clone(), b.parts.clone()].concat();
    let spans = [span(1_000_000, 2_000_000), span(11_000_000, 12_500_000)];
    let out = a.path("both.mp4");
    let report = cut_draft(&parts, &spans, &out).unwrap();
    assert!(report.reencoded.is_some());
    assert_eq!(report.frames, 25 + 38);
    assert_eq!(probed(&out, "v:0", "stream=width,height"), "320\n240");
    let first = grey_frames(&a.path("live.flv"));
    let shown = grey_frames(&out);
    assert_eq!(shown.len(), 25 + 38);
    assert_eq!(nearest(&shown[0], &first), 25);
    // One span over the hole between the epochs: time stays true, the last picture stands.
    let over = [span(2_000_000, 11_000_000)];
    let report = cut_exact(&parts, &over, &out).unwrap();
    assert_eq!(report.frames, 50);
    let heard = onsets(&sound(&out, 48_000), 48_000);
    for due in [0.0, 8.0] {
        assert!(heard.iter().any(|h| (h - due).abs() < 0.004), "{heard:?}");
    }
}

#[test]
fn empty_and_impossible_requests_are_refused_and_leave_no_file() {
    let stage = Stage::new(Source { seconds: 2, ..Source::default() }, 0);
    let out = stage.path("none.mp4");
    let beyond = [span(50_000_000, 51_000_000)];
    for cut in [cut_draft, cut_exact] {
        assert!(matches!(cut(&stage.parts, &[], &out), Err(MediaError::BadRequest(_))));
        assert!(matches!(cut(&stage.parts, &beyond, &out), Err(MediaError::NothingInSpan { .. })));
        let lost = stage.path("no/such/dir/x.mp4");
        let e = cut(&stage.parts, &[span(0, 500_000)], &lost).unwrap_err();
        assert!(matches!(e, MediaError::Io { .. }), "{e}");
        let full = cut(&stage.parts, &[span(0, 900_000)], Path::new("/dev/full")).unwrap_err();
        assert!(full.is_disk_full(), "{full:?}");
    }
    assert!(!out.exists());
}

#[test]
fn a_damaged_part_is_counted_not_fatal() {
    let stage = Stage::new(Source { seconds: 4, ..Source::default() }, 0);
    let path = &stage.parts[0].path;
    let mut bytes = fs::read(path).unwrap();
    let from = bytes.len() / 2;
    for i in 0..60 {
        bytes[from + i * 97] ^= 0xff;
    }
    fs::write(path, bytes).unwrap();
    let report = cut_exact(&stage.parts, &[span(0, 3_000_000)], &stage.path("x.mp4")).unwrap();
    assert!(report.damaged_frames > 0 && report.frames >= 40, "{report:?}");
}

#[test]
fn a_thumbnail_shows_the_picture_of_its_instant() {
    let stage = Stage::new(Source::default(), 3_000_000);
    let out = stage.path("t.jpg");
    // 2.29 s into the recording: frame 57 (2.28 s) is on the screen.
    thumbnail(&stage.parts, 3_000_000 + 2_290_000, 120, &out).unwrap();
    assert_eq!(probed(&out, "v:0", "stream=codec_name,width,height"), "mjpeg\n160\n120");
    let frames = grey_frames(&stage.path("live.flv"));
    assert_eq!(nearest(&grey_frames(&out)[0], &frames), 57);
    thumbnail(&stage.parts, 99_000_000, 500, &out).unwrap();
    assert_eq!(probed(&out, "v:0", "stream=height"), "240", "never larger than the source");
    run("ffmpeg", &["-v", "error", "-xerror", "-i", out.to_str().unwrap(), "-f", "null", "-"]);
}

#[test]
fn a_key_picture_shows_its_key_frame() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source::default().make(&live);
    let recorded = record(&live, dir.path(), 3_000_000, 0);
    let frames = grey_frames(&live);
    let out = dir.path().join("key.jpg");
    let mut seen = vec![];
    for (event, part) in
        recorded.events.iter().filter(|e| matches!(e, PartEvent::Part { .. })).zip(&recorded.parts)
    {
        let PartEvent::Part { key_frames, .. } = event else { continue };
        for (_, offset) in key_frames {
            fs::write(&out, key_picture(part, *offset, 120).unwrap()).unwrap();
            assert_eq!(probed(&out, "v:0", "stream=codec_name,width,height"), "mjpeg\n160\n120");
            seen.push(nearest(&grey_frames(&out)[0], &frames));
        }
        for nonsense in [1, 40, u64::MAX] {
            assert!(key_picture(part, nonsense, 120).is_err());
        }
    }
    assert_eq!(seen, [0, 25, 50, 75, 100, 125]);
}
