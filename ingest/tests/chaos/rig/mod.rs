//! What the tests of this suite share: clips to send, peers to send them, a recorder, and a judge.

#![allow(dead_code, reason = "each test uses its part")]

pub mod clips;
pub mod encoder;
pub mod flv;
pub mod flv_server;
pub mod lab;
pub mod nginx;
pub mod room;
pub mod rtsp;
pub mod truth;
pub mod wire;

use std::{
    fs::OpenOptions,
    io::Write,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    process::Command,
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

/// Waits until `yes` says so; fails after `seconds`.
pub async fn until(what: &str, seconds: u64, yes: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !yes().await {
        assert!(begun.elapsed() < Duration::from_secs(seconds), "waited {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn pause(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// A port nobody listens on, below the range from which the system takes ports for outgoing connections, so that
/// a server can be stopped and started again on it.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes run side by side: each begins elsewhere.
    let start = u16::try_from(u64::from(std::process::id()) * 37 % 11_000).unwrap_or(0);
    for _ in 0..1000 {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 11_000;
        let here = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(here).is_ok() && UdpSocket::bind(here).is_ok() {
            return port;
        }
    }
    panic!("no free port between 20000 and 31000");
}

/// A figure that a person wants to see after a run: printed, and added to `target/tmp/chaos-figures.txt`.
pub fn figure(words: &str) {
    eprintln!("FIGURE {words}");
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/chaos-figures.txt");
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.unwrap().write_all(format!("{words}\n").as_bytes()).unwrap();
}

/// Sends a signal, by name, to a process we started.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.is_ok_and(|s| s.success()), "kill -{name} {pid}");
}
