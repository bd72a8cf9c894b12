//! The SRT listener against the ffmpeg program as caller, over a network that loses packets, and against noise.

#![allow(clippy::disallowed_methods, reason = "a test may sleep")]

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clipmill_media::srt::{SRT_PACKET_BYTES_MAX, SrtConnection, SrtGate, SrtListener, SrtRead, SrtReject};
use secrecy::SecretString;

const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

struct OneStream;

impl SrtGate for OneStream {
    fn passphrase(&self, id: &str, peer: Option<SocketAddr>) -> Result<SecretString, SrtReject> {
        assert!(peer.is_some());
        if id == "show" { Ok(SECRET.into()) } else { Err(SrtReject::NotFound) }
    }
}

fn listen() -> SrtListener {
    SrtListener::bind((Ipv4Addr::LOCALHOST, 0).into(), Arc::new(OneStream)).unwrap()
}

/// Three seconds of transport stream; the same bytes are sent and expected.
fn made(dir: &std::path::Path) -> std::path::PathBuf {
    let path = dir.join("sent.ts");
    let made = Command::new("ffmpeg")
        .args([
            "-nostdin",
            "-loglevel",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:rate=25:duration=3",
        ])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "3M", "-g", "25", "-pix_fmt", "yuv420p"])
        .arg(&path)
        .status()
        .expect("the ffmpeg program is installed");
    assert!(made.success());
    path
}

/// An encoder that sends the bytes as they are.
fn call(addr: SocketAddr, file: &std::path::Path, query: &str) -> Child {
    Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-re", "-i"])
        .arg(file)
        .args(["-c", "copy", "-f", "mpegts", &format!("srt://{addr}?{query}")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn accept(listener: &SrtListener) -> SrtConnection {
    let begun = Instant::now();
    loop {
        if let Some(connection) = listener.accept() {
            return connection;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody was let in");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn read_all(connection: &SrtConnection) -> Vec<u8> {
    let (mut all, mut buf) = (vec![], vec![0; SRT_PACKET_BYTES_MAX]);
    let begun = Instant::now();
    loop {
        match connection.read(&mut buf) {
            SrtRead::Data(n) => all.extend_from_slice(&buf[..n]),
            SrtRead::Nothing => std::thread::sleep(Duration::from_millis(10)),
            SrtRead::Over => return all,
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not end");
    }
}

/// Hashes of the pictures, in order.
fn frames(path: &std::path::Path) -> Vec<String> {
    let out = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-i"])
        .arg(path)
        .args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let hash = |l: &str| l.rsplit(',').next().unwrap().trim().to_owned();
    text.lines().filter(|l| !l.starts_with('#')).map(hash).collect()
}

/// Passes packets on in both directions and loses some.
fn lossy(to: SocketAddr, per_thousand: u32, stop: Arc<AtomicBool>) -> SocketAddr {
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (outside, inside) = (bind(), bind());
    inside.connect(to).unwrap();
    let addr = outside.local_addr().unwrap();
    outside.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    inside.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let (mut buf, mut caller, mut seed) = ([0; 2048], None, 7u32);
        let mut lost = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % 1000 < per_thousand
        };
        while !stop.load(Ordering::Relaxed) {
            if let Ok((n, from)) = outside.recv_from(&mut buf) {
                caller = Some(from);
                if !lost() {
                    let _ = inside.send(&buf[..n]);
                }
            }
            while let (Ok(n), Some(caller)) = (inside.recv(&mut buf), caller) {
                if !lost() {
                    let _ = outside.send_to(&buf[..n], caller);
                }
            }
        }
    });
    addr
}

#[test]
fn an_encrypted_stream_comes_whole_over_a_network_that_loses_packets() {
    let dir = tempfile::tempdir().unwrap();
    let file = made(dir.path());
    let listener = listen();
    let stop = Arc::new(AtomicBool::new(false));
    let addr = lossy(listener.addr(), 30, Arc::clone(&stop));
    for bits in [16, 32] {
        let query = format!("streamid=show&passphrase={SECRET}&pbkeylen={bits}&latency=400000");
        let mut encoder = call(addr, &file, &query);
        let connection = accept(&listener);
        assert_eq!(connection.stream_id(), "show");
        let all = read_all(&connection);
        assert!(encoder.wait().unwrap().success());
        let kept = dir.path().join("kept.ts");
        std::fs::write(&kept, &all).unwrap();
        assert!(all.len().is_multiple_of(188));
        let (kept, sent) = (frames(&kept), frames(&file));
        // The sender drops what it has not sent again by its end.
        assert!(kept.len() + 3 >= sent.len() && sent.starts_with(&kept[..kept.len() - 1]), "{}", kept.len());
    }
    stop.store(true, Ordering::Relaxed);
}

#[test]
fn callers_without_the_passphrase_or_with_an_unknown_stream_are_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let file = made(dir.path());
    let listener = listen();
    let addr = listener.addr();
    for query in [
        "streamid=show&passphrase=not-the-right-one",
        "streamid=show",
        &format!("streamid=other&passphrase={SECRET}"),
        &format!("passphrase={SECRET}"),
    ] {
        assert!(!call(addr, &file, query).wait().unwrap().success(), "{query}");
        assert!(listener.accept().is_none(), "{query}");
    }
    let begun = Instant::now();
    let mut said = listener.given_up();
    while said.is_empty() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(100));
        said = listener.given_up();
    }
    assert!(said.iter().all(|s| s.stream_id == "show" && s.peer.is_some()) && !said.is_empty(), "{said:?}");
    let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let holder = UdpSocket::bind(other).unwrap();
    for taken in [addr, holder.local_addr().unwrap()] {
        let error = SrtListener::bind(taken, Arc::new(OneStream)).err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse, "{error}");
    }
}

#[test]
fn noise_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let file = made(dir.path());
    let listener = listen();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut seed = 11u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33).to_le_bytes()[0]
    };
    for round in 0..20_000u32 {
        let mut packet: Vec<u8> = (0..usize::from(random())).map(|_| random()).collect();
        // Half of them look like handshakes and other control packets.
        if round.is_multiple_of(2) && packet.len() >= 64 {
            packet[..4].copy_from_slice(&[0x80, random() % 9, 0, 0]);
            packet[12..16].fill(0);
            packet[16..24].copy_from_slice(&[0, 0, 0, 4 + random() % 2, 0, 0, 0, random() % 8]);
        }
        let _ = socket.send_to(&packet, listener.addr());
    }
    let mut encoder = call(listener.addr(), &file, &format!("streamid=show&passphrase={SECRET}"));
    let all = read_all(&accept(&listener));
    assert!(encoder.wait().unwrap().success() && !all.is_empty());
}
