//! Makes sources with the `ffmpeg` program, records them with the room, and measures files independently.

use std::{
    collections::VecDeque,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, atomic::AtomicBool},
};

use clipmill_domain::{MediaTime, Span, recording::Tracks};
use clipmill_media::{Input, InputFrom, MediaPart, OpenOptions, PartEvent, PartPlan, PartWriter};

/// Runs a program; its standard output. Panics with its error text when it fails.
pub fn run(program: &str, args: &[&str]) -> Vec<u8> {
    let out = Command::new(program).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// What a source looks and sounds like.
#[derive(Clone, Copy)]
pub struct Source {
    pub size: &'static str,
    pub fps: u32,
    pub gop: u32,
    pub seconds: u32,
    /// Sampling rate; `None` for no sound.
    pub rate: Option<u32>,
    pub video: bool,
}

impl Default for Source {
    fn default() -> Self {
        Self { size: "320x240", fps: 25, gop: 25, seconds: 6, rate: Some(44_100), video: true }
    }
}

impl Source {
    /// Moving pictures with B-frames; a 50 ms beep at every whole second.
    pub fn make(self, path: &Path) {
        self.encode(path, &["-c:v", "libx264", "-preset", "veryfast"]);
    }

    /// With another encoder; the groups are asked for by x264's parameters where it is that.
    pub fn encode(self, path: &Path, encoder: &[&str]) {
        let Self { size, fps, gop, seconds, rate, .. } = self;
        let picture = format!("testsrc2=s={size}:r={fps}:d={seconds}");
        let keys = format!("keyint={gop}:min-keyint={gop}:scenecut=0:bframes=2:threads=1");
        let r = rate.unwrap_or(44_100);
        let beep = format!("aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.05)':s={r}:d={seconds}");
        let mut args: Vec<&str> = vec!["-v", "error", "-y"];
        if self.video {
            args.extend(["-f", "lavfi", "-i", &picture]);
        }
        if rate.is_some() {
            args.extend(["-f", "lavfi", "-i", &beep]);
        }
        if self.video {
            args.extend(encoder);
            args.extend(["-pix_fmt", "yuv420p"]);
            if encoder.contains(&"libx264") {
                args.extend(["-x264-params", &keys]);
            }
        }
        if rate.is_some() {
            args.extend(["-c:a", "aac", "-b:a", "128k"]);
        }
        args.push(path.to_str().unwrap());
        run("ffmpeg", &args);
    }
}

/// A recorded epoch.
pub struct Recorded {
    pub init: PathBuf,
    pub parts: Vec<MediaPart>,
    pub events: Vec<PartEvent>,
    pub broke: Option<clipmill_domain::recording::EndReason>,
    pub tracks: Tracks,
}

pub fn paths(r: &Recorded) -> Vec<PathBuf> {
    r.parts.iter().map(|p| p.path.clone()).collect()
}

/// Records an input to its end, in as many epochs as it takes; those without a part do not count.
pub fn record_epochs(mut input: Input, dir: &Path) -> Vec<Recorded> {
    let plan = |n: usize, seq| PartPlan {
        dir: dir.to_owned(),
        init_name: format!("init-{n}.mp4"),
        first_seq: seq,
        part_us: 1_000_000,
        sound_before_us: 0,
    };
    let mut writer = PartWriter::new(plan(0, 0), input.streams()).unwrap();
    let mut n = 0;
    let mut epochs: Vec<Recorded> = vec![];
    let mut events = vec![];
    while let Some(packet) = input.read_packet().unwrap() {
        let mut todo = VecDeque::from([packet]);
        while let Some(packet) = todo.pop_front() {
            let got = writer.push(&packet).unwrap();
            if !got.iter().any(|e| matches!(e, PartEvent::Break(_))) {
                events.extend(got);
                continue;
            }
            events.extend(writer.finish().unwrap());
            events.extend(got);
            epochs.push(Recorded { tracks: writer.tracks(), ..gather(std::mem::take(&mut events), 0) });
            n += 1;
            let left_over = writer.left_over();
            writer = writer.follow(plan(n, writer.next_seq()), packet.streams()).unwrap();
            todo.extend([packet]);
            todo.extend(left_over);
        }
    }
    events.extend(writer.finish().unwrap());
    epochs.push(Recorded { tracks: writer.tracks(), ..gather(events, 0) });
    epochs.retain(|e| !e.parts.is_empty());
    epochs
}

pub fn open(path: &Path) -> Input {
    let bytes = fs::read(path).unwrap();
    let from = match path.extension().and_then(|e| e.to_str()) {
        Some("flv") => InputFrom::Reader { reader: Box::new(Cursor::new(bytes)), format: "flv" },
        _ => InputFrom::Url(path.to_str().unwrap().to_owned()),
    };
    Input::open(from, &OpenOptions::default(), Arc::new(AtomicBool::new(false))).unwrap()
}

/// Records a file as one epoch of parts of `part_us`, lying at `offset_us` of media time.
pub fn record(source: &Path, dir: &Path, part_us: i64, offset_us: i64) -> Recorded {
    let mut input = open(source);
    let streams = input.streams().clone();
    let plan = PartPlan {
        dir: dir.to_owned(),
        init_name: "init-0.mp4".into(),
        first_seq: 0,
        part_us,
        sound_before_us: 0,
    };
    let mut writer = PartWriter::new(plan, &streams).unwrap();
    let mut events = vec![];
    while let Some(packet) = input.read_packet().unwrap() {
        events.extend(writer.push(&packet).unwrap());
    }
    events.extend(writer.finish().unwrap());
    gather(events, offset_us)
}

/// Turns events into the parts the stages would be given.
pub fn gather(events: Vec<PartEvent>, offset_us: i64) -> Recorded {
    let mut init = PathBuf::new();
    let mut parts = vec![];
    let mut broke = None;
    for event in &events {
        match event {
            PartEvent::Init { path, .. } => init.clone_from(path),
            PartEvent::Part { path, start_us, end_us, .. } => parts.push(MediaPart {
                path: path.clone(),
                init_path: init.clone(),
                offset_us,
                span: span(start_us + offset_us, end_us + offset_us),
            }),
            PartEvent::Break(reason) => broke = Some(*reason),
        }
    }
    Recorded { init, parts, events, broke, tracks: Tracks::default() }
}

pub fn span(from_us: i64, to_us: i64) -> Span {
    Span::new(MediaTime::from_micros(from_us), MediaTime::from_micros(to_us)).unwrap()
}

/// Header and parts as one file that any player opens.
pub fn join(init: &Path, parts: &[PathBuf], out: &Path) {
    let mut bytes = fs::read(init).unwrap();
    for part in parts {
        bytes.extend(fs::read(part).unwrap());
    }
    fs::write(out, bytes).unwrap();
}

/// Presentation time in seconds and hash of every decoded picture, from the `ffmpeg` program.
pub fn frame_hashes(path: &Path) -> Vec<(f64, String)> {
    let out = run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-copyts",
            "-i",
            path.to_str().unwrap(),
            "-map",
            "0:v",
            "-vsync",
            "passthrough",
            "-enc_time_base",
            "1:1000000",
            "-f",
            "framemd5",
            "-",
        ],
    );
    String::from_utf8(out)
        .unwrap()
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| {
            let fields: Vec<&str> = l.split(',').map(str::trim).collect();
            (fields[2].parse::<f64>().unwrap() / 1e6, fields[5].to_owned())
        })
        .collect()
}

/// Every picture as grey bytes of 80 x 60.
pub fn grey_frames(path: &Path) -> Vec<Vec<u8>> {
    let out = run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-i",
            path.to_str().unwrap(),
            "-map",
            "0:v",
            "-vsync",
            "passthrough",
            "-vf",
            "scale=80:60:flags=area,format=gray",
            "-f",
            "rawvideo",
            "-",
        ],
    );
    out.chunks(80 * 60).map(<[u8]>::to_vec).collect()
}

/// Index of the source picture that looks most like `picture`.
pub fn nearest(picture: &[u8], among: &[Vec<u8>]) -> usize {
    let distance = |other: &Vec<u8>| -> u64 {
        picture.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum()
    };
    (0..among.len()).min_by_key(|i| distance(&among[*i])).unwrap()
}

/// The sound as mono floats, from the `ffmpeg` program.
pub fn sound(path: &Path, rate: u32) -> Vec<f32> {
    let rate = rate.to_string();
    let out = run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-i",
            path.to_str().unwrap(),
            "-map",
            "0:a",
            "-ac",
            "1",
            "-ar",
            &rate,
            "-f",
            "f32le",
            "-",
        ],
    );
    out.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

/// Seconds at which beeps begin: loud after at least 0.3 s of quiet (the start counts as quiet).
pub fn onsets(samples: &[f32], rate: u32) -> Vec<f64> {
    let mut found = vec![];
    let quiet_needed = rate as usize * 3 / 10;
    let mut quiet = quiet_needed;
    for (i, s) in samples.iter().enumerate() {
        if s.abs() > 0.1 {
            if quiet >= quiet_needed {
                found.push(i as f64 / f64::from(rate));
            }
            quiet = 0;
        } else {
            quiet += 1;
        }
    }
    found
}

/// One value of `ffprobe`'s.
pub fn probed(path: &Path, track: &str, entry: &str) -> String {
    let mut args = vec!["-v", "error"];
    if !track.is_empty() {
        args.extend(["-select_streams", track]);
    }
    args.extend(["-show_entries", entry, "-of", "default=nw=1:nk=1", path.to_str().unwrap()]);
    String::from_utf8(run("ffprobe", &args)).unwrap().trim().to_owned()
}
