//! Clips to send, made once per build folder: every frame differs from every other, and so does every block of
//! sound, so that a hash says which one it is.

use std::{
    collections::HashSet,
    fs::{self, File},
    process::Command,
};

use camino::{Utf8Path, Utf8PathBuf};

/// One frame or block of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// MD5 of the decoded picture, or of the encoded sound.
    pub hash: String,
    /// Presentation time in its file, microseconds.
    pub pts_us: i64,
}

/// A file with known frames.
#[derive(Debug, Clone)]
pub struct Clip {
    pub name: &'static str,
    /// MP4.
    pub path: Utf8PathBuf,
    pub fps: u32,
    pub seconds: u32,
    pub video: Vec<Unit>,
    pub audio: Vec<Unit>,
}

/// Frames from key frame to key frame: one second of each clip but [`sparse`].
pub fn gop(clip: &Clip) -> usize {
    usize::try_from(clip.fps).unwrap()
}

/// 40 s, 320x180 at 25 frames a second with B-frames, mono at 44.1 kHz.
pub fn plain() -> Clip {
    make("plain", 40, 25, 25, "320x180", "null", 2, ["44100", "1", "11"])
}

/// As [`plain`], with other pictures and other sound: what an encoder sends at its second start.
pub fn other() -> Clip {
    make("other", 40, 25, 25, "320x180", "negate", 2, ["44100", "1", "12"])
}

/// As [`plain`], with pictures and sound that differ from both: what is sent at the third start.
pub fn third() -> Clip {
    make("third", 40, 25, 25, "320x180", "hflip", 2, ["44100", "1", "13"])
}

/// 20 s of another size, frame rate and sample rate, without B-frames.
pub fn larger() -> Clip {
    make("larger", 20, 30, 30, "480x270", "null", 0, ["48000", "2", "14"])
}

/// 20 s as [`plain`], with a key frame every 4 s only.
pub fn sparse() -> Clip {
    make("sparse", 20, 100, 25, "320x180", "vflip", 2, ["44100", "1", "15"])
}

#[allow(clippy::too_many_arguments, reason = "said once for each clip, above")]
fn make(
    name: &'static str,
    seconds: u32,
    group: u32,
    fps: u32,
    size: &str,
    filter: &str,
    b_frames: u32,
    [rate, channels, seed]: [&str; 3],
) -> Clip {
    let dir = Utf8PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chaos-clips-2");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("{name}.mp4"));
    // The first test process that comes makes it; the others wait.
    let lock = File::create(dir.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if !path.exists() {
        let fresh = dir.join(format!("{name}.new.mp4"));
        let video = format!("testsrc2=size={size}:rate={fps}:duration={seconds},{filter}");
        let sound = format!("anoisesrc=sample_rate={rate}:duration={seconds}:amplitude=0.2:seed={seed}");
        let group = group.to_string();
        let made = Command::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
            .args(["-f", "lavfi", "-i", &video, "-f", "lavfi", "-i", &sound])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", &b_frames.to_string(), "-crf", "30"])
            .args(["-g", &group, "-keyint_min", &group, "-sc_threshold", "0", "-pix_fmt", "yuv420p"])
            .args(["-threads", "1", "-c:a", "aac", "-b:a", "48k", "-ac", channels, fresh.as_str()])
            .status()
            .expect("the ffmpeg program is installed");
        assert!(made.success());
        fs::rename(fresh, &path).unwrap();
    }
    drop(lock);
    let (video, audio) = units(&path);
    assert_eq!(video.len(), usize::try_from(seconds * fps).unwrap());
    for (what, units) in [("frames", &video), ("sound", &audio)] {
        let differ = units.iter().map(|u| &u.hash).collect::<HashSet<_>>().len();
        assert_eq!(differ, units.len(), "{name}: all {what} differ");
    }
    Clip { name, path, fps, seconds, video, audio }
}

/// Frames (decoded) and blocks of sound (as encoded) of a file, in the order in which they are shown.
pub fn units(path: &Utf8Path) -> (Vec<Unit>, Vec<Unit>) {
    let out = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1"])
        .args(["-copyts", "-i", path.as_str()])
        .args(["-map", "0:v?", "-map", "0:a?", "-fps_mode", "passthrough", "-autoscale", "0"])
        .args(["-c:a", "copy", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let complaint = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{path}: {complaint}");
    if !complaint.is_empty() {
        eprintln!("judge on {path}: {}", complaint.lines().take(5).collect::<Vec<_>>().join(" / "));
    }
    let mut tracks: Vec<(bool, i64, i64)> = vec![];
    let (mut video, mut audio) = (vec![], vec![]);
    for line in text.lines() {
        if let Some(tb) = line.strip_prefix("#tb ") {
            let (num, den) = tb.split_once(": ").unwrap().1.split_once('/').unwrap();
            tracks.push((false, num.parse().unwrap(), den.parse().unwrap()));
        } else if let Some(kind) = line.strip_prefix("#media_type ") {
            tracks.last_mut().unwrap().0 = kind.ends_with("video");
        } else if !line.starts_with('#') {
            let field: Vec<&str> = line.split(',').map(str::trim).collect();
            let (is_video, num, den) = tracks[field[0].parse::<usize>().unwrap()];
            let pts: i64 = field[2].parse().unwrap();
            let unit = Unit { hash: field[5].to_owned(), pts_us: pts * 1_000_000 * num / den };
            if is_video { video.push(unit) } else { audio.push(unit) }
        }
    }
    (video, audio)
}
