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
        thread::park_timeout(Duration::from_millis(20));
        Err(io::ErrorKind::Interrupted.into())
    }
}

#[test]
fn a_reader_that_stays_silent_is_given_up_on() {
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
    for name in ["ffmpeg", "encoder libx264", "filter ass", "protocol rtmp", "library libsrt"] {
        assert!(lines.iter().any(|l| l.name == name && l.ok), "{lines:?}");
    }
    assert!(lines.iter().any(|l| l.name.starts_with("font") && l.ok), "{lines:?}");
}

/// An FLV file by hand: a header, then tags of (kind, milliseconds, payload).
fn flv(tags: &[(u8, u32, &[u8])]) -> Vec<u8> {
    let mut out = b"FLV\x01\x01\0\0\0\x09\0\0\0\0".to_vec();
    for (kind, ms, payload) in tags {
        let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let [high, a, b, c] = ms.to_be_bytes();
        out.extend([*kind, size[1], size[2], size[3], a, b, c, high, 0, 0, 0]);
        out.extend(*payload);
        out.extend(u32::try_from(payload.len() + 11).unwrap().to_be_bytes());
    }
    out
}

#[test]
fn hevc_in_flv_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let config: &[u8] = &[1; 40];
    let picture: &[u8] = &[0x26; 300];
    let enhanced = |kind: u8, fourcc: &[u8], body: &[u8]| [&[0x90 | kind][..], fourcc, body].concat();
    let numbered = |kind: u8, body: &[u8]| [&[0x1c, kind, 0, 0, 0][..], body].concat();
    let names: [(&[u8], &str); 3] = [(b"hvc1", "HEVC"), (b"av01", "AV1"), (b"vp09", "VP9")];
    let mut cases: Vec<(Vec<Vec<u8>>, &str, &str)> = names
        .map(|(fourcc, name)| {
            let tags = (0..60).map(|i| match i {
                0 => enhanced(0, fourcc, config),
                i if i % 2 == 0 => enhanced(1, fourcc, &[&[0, 0, 0], picture].concat()),
                _ => enhanced(3, fourcc, picture),
            });
            (tags.collect(), name, "6.1")
        })
        .into();
    let tags = (0..60).map(|i| if i == 0 { numbered(0, config) } else { numbered(1, picture) });
    cases.push((tags.collect(), "HEVC", "number 12"));
    for (tags, name, needs) in cases {
        let tags: Vec<(u8, u32, &[u8])> =
            tags.iter().zip(0..).map(|(t, i)| (9, i * 40, t.as_slice())).collect();
        let path = dir.path().join("live.flv");
        fs::write(&path, flv(&tags)).unwrap();
        let pushed = InputFrom::Reader { reader: Box::new(fs::File::open(&path).unwrap()), format: "flv" };
        for from in [InputFrom::Url(path.to_str().unwrap().into()), pushed] {
            let options = OpenOptions { open_deadline: Duration::from_secs(5), ..quick() };
            let e = Input::open(from, &options, Arc::default()).err().unwrap().to_string();
            for word in [name, needs, "H.264", "SRT"] {
                assert!(e.contains(word), "{word} is not in: {e}");
            }
        }
    }
}
