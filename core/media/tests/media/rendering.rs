//! Finished videos: captions in their box, loudness on target, sound always there, steady frame rate.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::AtomicBool,
};

use clipmill_domain::remix::Caption;
use clipmill_media::{MediaError, MediaPart, RenderSpec, render};

use crate::studio::{Source, onsets, probed, record, run, sound, span};

fn spec(parts: Vec<MediaPart>, from_us: i64, to_us: i64) -> RenderSpec {
    RenderSpec {
        parts,
        spans: vec![span(from_us, to_us)],
        width: 360,
        height: 640,
        fps: 30,
        captions: vec![],
        fonts_dir: None,
        loudness_lufs: -14.0,
        preset: "veryfast".into(),
    }
}

fn make(spec: &RenderSpec, out: &Path) -> clipmill_media::RenderReport {
    render(spec, out, &|_| {}, &AtomicBool::new(false)).unwrap()
}

/// One picture as grey bytes.
fn grey(path: &Path, at: &str, width: usize, height: usize) -> Vec<u8> {
    let args = [
        "-v",
        "error",
        "-ss",
        at,
        "-i",
        path.to_str().unwrap(),
        "-frames:v",
        "1",
        "-vf",
        "format=gray",
        "-f",
        "rawvideo",
        "-",
    ];
    let out = run("ffmpeg", &args);
    assert_eq!(out.len(), width * height);
    out
}

/// Mean difference over a box.
fn differs(a: &[u8], b: &[u8], width: usize, x: std::ops::Range<usize>, y: std::ops::Range<usize>) -> f64 {
    let mut sum = 0.0;
    let mut n = 0.0;
    for row in y {
        for i in x.clone().map(|col| row * width + col) {
            sum += f64::from(a[i].abs_diff(b[i]));
            n += 1.0;
        }
    }
    sum / n
}

#[test]
fn captions_appear_in_their_time_and_box_and_never_leave_the_frame() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 4, ..Source::default() }.make(&live);
    let parts = record(&live, dir.path(), 2_000_000, 0).parts;
    let plain_spec = spec(parts, 500_000, 3_500_000);
    let (plain, drawn) = (dir.path().join("plain.mp4"), dir.path().join("a 'quoted', [odd]: name.mp4"));
    make(&plain_spec, &plain);
    let long = "这款保湿面霜今天直播间只要九十九块钱买一送一还包邮到家不满意可以退货".to_owned();
    let mut with = plain_spec.clone();
    with.captions = vec![
        Caption {
            start_us: 0, end_us: 1_000_000, lines: vec!["今天直播间".into(), "只要九十九块".into()]
        },
        Caption { start_us: 1_000_000, end_us: 2_000_000, lines: vec![long] },
        Caption { start_us: 2_000_000, end_us: 2_000_001, lines: vec!["{\\pos(0,0)}".into()] },
    ];
    let report = make(&with, &drawn);
    assert_eq!((report.frames, report.missing_glyphs), (90, 0));
    assert!(!dir.path().join("a 'quoted', [odd]: name.ass").exists());
    for (at, shown) in [("0.5", true), ("1.5", true), ("2.5", false)] {
        let (a, b) = (grey(&plain, at, 360, 640), grey(&drawn, at, 360, 640));
        let inside = differs(&a, &b, 360, 60..300, 400..470);
        assert_eq!(inside > 4.0, shown, "{at}: caption box differs by {inside}");
        for (edge, columns) in [("left", 0..16), ("right", 344..360)] {
            let d = differs(&a, &b, 360, columns, 0..640);
            assert!(d < 2.5, "{at}: the {edge} margin differs by {d}");
        }
        let above = differs(&a, &b, 360, 0..360, 0..300);
        assert!(above < 2.5, "{at}: the picture above differs by {above}");
    }
}

#[test]
fn a_character_no_font_has_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 2, size: "160x120", ..Source::default() }.make(&live);
    let mut spec = spec(record(&live, dir.path(), 2_000_000, 0).parts, 0, 500_000);
    spec.captions = vec![Caption { start_us: 0, end_us: 500_000, lines: vec!["价格\u{10fffd}".into()] }];
    assert!(make(&spec, &dir.path().join("x.mp4")).missing_glyphs > 0);
}

/// Integrated loudness and true peak by the `ffmpeg` program.
fn loudness(path: &Path) -> (f64, f64) {
    let args = [
        "-hide_banner",
        "-i",
        path.to_str().unwrap(),
        "-map",
        "0:a",
        "-af",
        "ebur128=peak=true",
        "-f",
        "null",
        "-",
    ];
    let out = Command::new("ffmpeg").args(args).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    let summary = text.rsplit("Summary:").next().unwrap().to_owned();
    let value = |key: &str| -> f64 {
        let at = summary.find(key).unwrap() + key.len();
        summary[at..].split_whitespace().next().unwrap().parse().unwrap()
    };
    (value("I:"), value("Peak:"))
}

#[test]
fn speech_is_brought_to_the_target_loudness() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    let speech = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/speech/zh_live.opus");
    for (gain, target) in [("-12dB", -14.0), ("3dB", -16.0)] {
        let volume = format!("volume={gain}");
        run(
            "ffmpeg",
            &[
                "-v",
                "error",
                "-y",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=s=160x120:r=25:d=10",
                "-i",
                speech.to_str().unwrap(),
                "-t",
                "10",
                "-af",
                &volume,
                "-c:v",
                "libx264",
                "-g",
                "50",
                "-c:a",
                "aac",
                "-ar",
                "44100",
                live.to_str().unwrap(),
            ],
        );
        let mut spec = spec(record(&live, dir.path(), 2_000_000, 0).parts, 1_000_000, 9_000_000);
        (spec.width, spec.height, spec.loudness_lufs) = (160, 120, target as f32);
        let out = dir.path().join("out.mp4");
        let report = make(&spec, &out);
        let (lufs, peak) = loudness(&out);
        assert!((lufs - target).abs() < 0.6, "{lufs} LUFS, not {target} ({report:?})");
        assert!(peak < -1.0, "true peak {peak} dBTP");
        assert!(
            (report.lufs - lufs).abs() < 0.5 && (report.true_peak - peak).abs() < 1.5,
            "{report:?} {lufs} {peak}"
        );
    }
}

#[test]
fn any_source_becomes_a_steady_tagged_mp4_with_sound() {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in [
        ("landscape", Source { size: "640x360", fps: 25, seconds: 3, ..Source::default() }),
        ("mute", Source { size: "180x320", fps: 30, seconds: 3, rate: None, ..Source::default() }),
        ("odd", Source { size: "322x178", fps: 15, gop: 15, seconds: 3, ..Source::default() }),
    ] {
        let live = dir.path().join(format!("{name}.flv"));
        source.make(&live);
        let parts = record(&live, dir.path(), 1_000_000, 0).parts;
        let mut spec = spec(parts, 500_000, 2_500_000);
        (spec.width, spec.height) = (202, 358);
        let out = dir.path().join(format!("{name}.mp4"));
        let seen = RefCell::new(vec![]);
        let report = render(&spec, &out, &|p| seen.borrow_mut().push(p), &AtomicBool::new(false)).unwrap();
        assert_eq!(report.frames, 60, "{name}");
        let seen = seen.into_inner();
        assert!(seen.is_sorted() && seen.last() == Some(&1.0), "{seen:?}");
        let entries = "stream=width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,r_frame_rate,nb_frames";
        let facts = probed(&out, "v:0", entries);
        assert_eq!(facts, "202\n358\nyuv420p\ntv\nbt709\nbt709\nbt709\n30/1\n60", "{name}");
        assert_eq!(probed(&out, "a:0", "stream=codec_name,sample_rate,channels"), "aac\n48000\n2", "{name}");
        for track in ["v:0", "a:0"] {
            let d: f64 = probed(&out, track, "stream=duration").parse().unwrap();
            assert!((d - 2.0).abs() < 0.002, "{name} {track}: {d}");
        }
        let bytes = std::fs::read(&out).unwrap();
        let at = |tag: &[u8]| bytes.windows(4).position(|w| w == tag).unwrap();
        assert!(at(b"moov") < at(b"mdat"), "{name}: the header comes first");
        if source.rate.is_some() {
            let heard = onsets(&sound(&out, 48_000), 48_000);
            assert!(heard.iter().zip([0.5, 1.5]).all(|(h, d)| (h - d).abs() < 0.004), "{name}: {heard:?}");
        }
    }
}

#[test]
fn stopping_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 2, ..Source::default() }.make(&live);
    let mut spec = spec(record(&live, dir.path(), 2_000_000, 0).parts, 0, 1_000_000);
    let out: PathBuf = dir.path().join("x.mp4");
    let stopped = render(&spec, &out, &|_| {}, &AtomicBool::new(true));
    assert!(matches!(stopped, Err(MediaError::Stopped)) && !out.exists());
    spec.width = 361;
    assert!(matches!(render(&spec, &out, &|_| {}, &AtomicBool::new(false)), Err(MediaError::BadRequest(_))));
}

/// Looked at by a person: `CLIPMILL_SHOW_DIR=… cargo test -- --ignored a_frame_to_look_at`. Also prints the cost.
#[test]
#[ignore = "writes pictures and times for a person to look at"]
fn a_frame_to_look_at() {
    let show = PathBuf::from(std::env::var("CLIPMILL_SHOW_DIR").unwrap());
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { size: "720x1280", fps: 30, gop: 60, seconds: 12, rate: Some(44_100), ..Source::default() }
        .make(&live);
    let parts = record(&live, dir.path(), 2_000_000, 0).parts;
    let spans = [span(1_300_000, 11_300_000)];
    let cost = |name: &str, work: &dyn Fn()| {
        let before = cpu_seconds();
        let began = std::time::Instant::now();
        work();
        let (cpu, wall) = (cpu_seconds() - before, began.elapsed().as_secs_f64());
        println!("{name}: {cpu:.2} CPU-s, {wall:.2} s wall for 10 s of 720x1280 at 30 frames");
    };
    cost("cut_draft", &|| drop(clipmill_media::cut_draft(&parts, &spans, &show.join("draft.mp4")).unwrap()));
    cost("thumbnail", &|| clipmill_media::thumbnail(&parts, 2_900_000, 360, &show.join("t.jpg")).unwrap());
    cost("decode_audio", &|| drop(clipmill_media::decode_audio(&parts, 0, 10_000_000).unwrap()));
    cost("cut_exact", &|| drop(clipmill_media::cut_exact(&parts, &spans, &show.join("exact.mp4")).unwrap()));
    let mut spec = spec(parts.clone(), 1_300_000, 11_300_000);
    (spec.width, spec.height) = (720, 1280);
    spec.captions = vec![
        Caption {
            start_us: 0,
            end_us: 4_000_000,
            lines: vec!["家人们今天直播间".into(), "只要九十九块买一送一".into()],
        },
        Caption {
            start_us: 4_000_000,
            end_us: 8_000_000,
            lines: vec!["这一行没有断行而且特别特别长它也必须完整地留在画面里面才行".into()],
        },
        Caption {
            start_us: 8_000_000,
            end_us: 10_000_000,
            lines: vec!["This moisturiser keeps".into(), "for 24 hours {really}".into()],
        },
    ];
    let out = show.join("render.mp4");
    cost("render", &|| {
        make(&spec, &out);
    });
    for at in ["2", "6", "9"] {
        let png = show.join(format!("at-{at}.png"));
        run(
            "ffmpeg",
            &[
                "-v",
                "error",
                "-y",
                "-ss",
                at,
                "-i",
                out.to_str().unwrap(),
                "-frames:v",
                "1",
                png.to_str().unwrap(),
            ],
        );
    }
}

/// User and system time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|f| f.parse().unwrap())
        .collect();
    (fields[0] + fields[1]) / 100.0
}
