//! What is not media, or never comes, ends in a plain error in time.

use std::{
    fs, io,
    io::Read,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clipmill_media::{Input, InputFrom, MediaError, OpenOptions, doctor, probe};

use crate::studio::{Source, probed};

fn quick() -> OpenOptions {
    let one = Duration::from_secs(1);
    OpenOptions { open_deadline: one, read_deadline: one, ..OpenOptions::default() }
}

fn fail(from: InputFrom) -> (MediaError, Duration) {
    let began = Instant::now();
    let opened = Input::open(from, &quick(), Arc::default());
    (opened.err().unwrap(), began.elapsed())
}

#[test]
fn files_that_are_not_media_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let noise: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let cases: [(&str, &[u8]); 3] = [("empty.mp4", b""), ("noise.flv", &noise), ("text.ts", b"not media\n")];
    for (name, bytes) in cases {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        let probed = probe(&path).unwrap_err();
        assert!(matches!(probed, MediaError::NotMedia { .. }), "{name}: {probed}");
        assert!(probed.to_string().contains(name) && probed.to_string().contains("check that"), "{probed}");
        let (e, _) = fail(InputFrom::Url(path.to_str().unwrap().into()));
        assert!(
            matches!(
                e,
                MediaError::NotMedia { .. } | MediaError::Open { .. } | MediaError::Unsupported { .. }
            ),
            "{name}: {e}"
        );
        let reader = Box::new(io::Cursor::new(bytes.to_vec()));
        let (e, _) = fail(InputFrom::Reader { reader, format: "flv" });
        assert!(matches!(e, MediaError::NotMedia { .. }), "{name} pushed: {e}");
    }
    assert!(matches!(probe(&dir.path().join("absent.mp4")), Err(MediaError::Io { .. })));
}

/// A sender that holds its connection open and says nothing.
struct Silent;

impl Read for Silent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        loop {
            thread::park();
        }
    }
}

#[test]
fn a_reader_that_never_returns_is_given_up_on() {
    let (e, took) = fail(InputFrom::Reader { reader: Box::new(Silent), format: "flv" });
    assert!(matches!(e, MediaError::Stalled { .. }), "{e}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn servers_that_accept_and_stay_silent_are_given_up_on() {
    for scheme in ["rtmp", "http"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (e, took) = fail(InputFrom::Url(format!("{scheme}://127.0.0.1:{port}/live/very-secret-key")));
        assert!(matches!(e, MediaError::Stalled { .. }), "{scheme}: {e:?}");
        assert!(took < Duration::from_secs(4), "{scheme}: {took:?}");
        assert!(!format!("{e} {e:?}").contains("secret"), "{e:?}");
    }
}

#[test]
fn an_address_nobody_serves_is_refused_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (e, took) = fail(InputFrom::Url(format!("rtmp://127.0.0.1:{port}/live/very-secret-key")));
    assert!(matches!(e, MediaError::Open { .. }), "{e:?}");
    assert!(took < Duration::from_secs(2) && !format!("{e} {e:?}").contains("secret"), "{e:?} {took:?}");
}

/// Gives its bytes, then nothing for ever.
struct ThenSilent(io::Cursor<Vec<u8>>);

impl Read for ThenSilent {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buf)? {
            0 => Silent.read(buf),
            n => Ok(n),
        }
    }
}

#[test]
fn a_stall_in_the_middle_ends_within_the_deadline_and_stop_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 3, ..Source::default() }.make(&live);
    for stopping in [false, true] {
        let reader = Box::new(ThenSilent(io::Cursor::new(fs::read(&live).unwrap())));
        let stop = Arc::new(AtomicBool::new(false));
        // All bytes are there at once, so only the analysis window keeps the opening short.
        let options = OpenOptions { open_deadline: Duration::from_secs(5), ..quick() };
        let mut input =
            Input::open(InputFrom::Reader { reader, format: "flv" }, &options, stop.clone()).unwrap();
        let mut packets = 0;
        let mut began = Instant::now();
        let e = loop {
            match input.read_packet() {
                Ok(Some(_)) => packets += 1,
                Ok(None) => panic!("a stall is not an end"),
                Err(e) => break e,
            }
            began = Instant::now();
            if stopping && packets == 100 {
                stop.store(true, Ordering::Relaxed);
            }
        };
        assert!(packets >= 100 && began.elapsed() < Duration::from_secs(3));
        assert_eq!(matches!(e, MediaError::Stopped), stopping, "{e}");
        assert_eq!(matches!(e, MediaError::Stalled { .. }), !stopping, "{e}");
    }
}

#[test]
fn codecs_the_recording_cannot_carry_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.flv");
    let args = [
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=160x120:d=2",
        "-c:v",
        "flv1",
        path.to_str().unwrap(),
    ];
    crate::studio::run("ffmpeg", &args);
    let (e, _) = fail(InputFrom::Url(path.to_str().unwrap().into()));
    assert!(matches!(e, MediaError::Unsupported { .. }) && e.to_string().contains("send H.264"), "{e}");
}

#[test]
fn probe_agrees_with_ffprobe() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    Source { seconds: 3, fps: 30, ..Source::default() }.make(&path);
    let report = probe(&path).unwrap();
    let video = report.video.unwrap();
    assert_eq!((video.codec.as_str(), video.width, video.height, video.frames), ("h264", 320, 240, 90));
    assert!((video.fps - 30.0).abs() < 0.01);
    let audio = report.audio.unwrap();
    assert_eq!((audio.codec.as_str(), audio.sample_rate, audio.channels), ("aac", 44_100, 1));
    let truth: f64 = probed(&path, "", "format=duration").parse().unwrap();
    assert!((report.duration_s - truth).abs() < 0.001);
    assert_eq!(report.bytes, fs::metadata(&path).unwrap().len());
}

#[test]
fn the_doctor_finds_this_machine_fit() {
    let lines = doctor();
    for name in ["ffmpeg", "encoder libx264", "filter ass", "protocol rtmp"] {
        assert!(lines.iter().any(|l| l.name == name && l.ok), "{lines:?}");
    }
    assert!(lines.iter().any(|l| l.name.starts_with("font") && l.ok), "{lines:?}");
}
