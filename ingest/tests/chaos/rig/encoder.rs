//! The ffmpeg program as an encoder that sends a clip in real time, and says how far it got.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
};

use super::{clips::Clip, signal, until};

/// A running encoder.
pub struct Encoder {
    child: Child,
    sent: Arc<AtomicUsize>,
}

impl Encoder {
    /// Sends `clip` with these output arguments (format, address) after `-c copy`.
    pub fn start(clip: &Clip, output: &[&str]) -> Self {
        Self::with(Command::new("ffmpeg"), &["-i", clip.path.as_str()], output)
    }

    /// Pushes `clip` to an RTMP address.
    pub fn push(clip: &Clip, url: &str) -> Self {
        Self::start(clip, &["-f", "flv", url])
    }

    /// `program` is `ffmpeg`, or what runs it elsewhere; `input` comes after `-re`.
    pub fn with(mut program: Command, input: &[&str], output: &[&str]) -> Self {
        let mut child = program
            .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-nostats"])
            .args(["-progress", "pipe:1", "-stats_period", "0.1", "-re"])
            .args(input)
            .args(["-c", "copy"])
            .args(output)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the ffmpeg program is installed");
        let sent = Arc::new(AtomicUsize::new(0));
        let (lines, count) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&sent));
        tokio::spawn(async move {
            let mut lines = lines.lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(n) = line.strip_prefix("frame=").and_then(|n| n.trim().parse().ok()) {
                    count.store(n, Ordering::Relaxed);
                }
            }
        });
        Self { child, sent }
    }

    /// Frames handed to the network, as of a tenth of a second ago: no fewer were sent.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Waits until so many frames were sent.
    pub async fn reaches(&self, frames: usize) {
        let seconds = u64::try_from(frames / 20).unwrap() + 30;
        until(&format!("the encoder sends {frames} frames"), seconds, async || self.sent() >= frames).await;
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGSTOP: it stands still and says nothing.
    pub fn freeze(&self) {
        signal(self.pid(), "STOP");
    }

    pub fn thaw(&self) {
        signal(self.pid(), "CONT");
    }

    /// SIGKILL; how many frames it had surely sent.
    pub async fn kill(mut self) -> usize {
        let sent = self.sent();
        self.child.kill().await.unwrap();
        sent
    }

    /// Waits for its end; whether it was a good one, and what it said.
    pub async fn ends(mut self, seconds: u64) -> (bool, String) {
        let wait = tokio::time::timeout(Duration::from_secs(seconds), self.child.wait());
        let ok =
            wait.await.unwrap_or_else(|_| panic!("the encoder ends within {seconds} s")).unwrap().success();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        (ok, said)
    }
}
