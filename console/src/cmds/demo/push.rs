//! Plays a file into the RTMP listener in real time, as an encoder does: a lost connection is taken up again at the
//! place the live has reached meanwhile.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use camino::Utf8Path;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Waits this long before it connects again.
const RECONNECT: Duration = Duration::from_millis(700);

/// Gives up after this many connections in a row that lasted under a second.
const FAILURES_MAX: u32 = 40;

/// How a push went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// Connections taken up again.
    pub reconnects: u32,
}

/// Pushes `file`, `seconds` long, to `url`; `url` holds the stream key and is never logged.
///
/// # Errors
/// When the listener refuses again and again, or `ffmpeg` is missing.
pub async fn push(file: &Utf8Path, seconds: f64, url: &str, stop: &CancellationToken) -> Result<Pushed> {
    let began = Instant::now();
    let (mut reconnects, mut failures) = (0, 0);
    loop {
        let at = began.elapsed().as_secs_f64();
        if at >= seconds - 0.5 {
            return Ok(Pushed { reconnects });
        }
        let connected = Instant::now();
        let mut child = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-re", "-ss", &format!("{at:.3}"), "-i", file.as_str()])
            .args(["-t", &format!("{:.3}", seconds - at), "-c", "copy"])
            .args(["-f", "flv", "-flvflags", "no_duration_filesize", url])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start ffmpeg (apt-get install -y ffmpeg)")?;
        let left = Duration::from_secs_f64(seconds - at + 20.0);
        let status = tokio::select! {
            status = child.wait() => status.context("wait for ffmpeg")?,
            () = stop.cancelled() => {
                child.kill().await.ok();
                return Ok(Pushed { reconnects });
            }
            () = tokio::time::sleep(left) => {
                child.kill().await.ok();
                bail!("the push did not end {} s after it should have", 20);
            }
        };
        if status.success() {
            return Ok(Pushed { reconnects });
        }
        failures = if connected.elapsed() < Duration::from_secs(1) { failures + 1 } else { 0 };
        if failures > FAILURES_MAX {
            bail!("the RTMP listener refused the stream {failures} times in a row; see the log");
        }
        reconnects += 1;
        tokio::select! {
            () = tokio::time::sleep(RECONNECT) => {}
            () = stop.cancelled() => return Ok(Pushed { reconnects }),
        }
    }
}
