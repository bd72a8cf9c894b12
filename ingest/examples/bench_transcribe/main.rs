//! What hearing lives costs, how long a sentence waits for its text, and whether memory stays flat over hours.
//!
//! ```sh
//! cargo run --release -p clipmill-ingest --example bench_transcribe -- --lives 8 --seconds 120
//! cargo run --release -p clipmill-ingest --example bench_transcribe -- --hours 10 --accelerated
//! cargo run --release -p clipmill-ingest --example bench_transcribe -- --hours 10 --accelerated --scripted
//! ```
//!
//! Needs the ffmpeg program, and the models in `target/models` (or `CLIPMILL_MODELS`). With `--lives`, encoders push a
//! spoken fixture (`--speech zh_live`) to a recorder in a process of its own in real time; this process follows the recordings as a worker does,
//! as many inferences at once as there are cores. Printed are words, how long after the true end of a sentence its text
//! was written (parts are 2 s) and where that time went (`waits`; `BENCH_EACH=1` shows each sentence), CPU seconds of this process for a second of sound, how far the worst live was behind and
//! on which rung, and memory. With `--accelerated`, hours of sound (the fixtures, a minute of music and noise in which nobody
//! speaks, a minute of silence, over and over) are taken in as fast as they are heard, and memory is printed for every
//! `--every` minutes of sound; `--scripted` hears nothing and says something instead, to soak all but the model.
//!
//! Exit status 1: memory grew, or a live stayed behind. `--no-goals` only reports.

mod ears;
mod lives;
#[path = "../bench_recorder/own.rs"]
mod own;
#[allow(dead_code, reason = "it serves two programs")]
#[path = "../bench_recorder/peers.rs"]
mod peers;
#[allow(dead_code, reason = "it serves two programs")]
#[path = "../bench_recorder/proc.rs"]
mod proc;
mod soak;
mod waits;

use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};

/// From the arguments.
struct Plan {
    lives: usize,
    seconds: u64,
    speech: String,
    hours: f64,
    accelerated: bool,
    scripted: bool,
    every_minutes: f64,
    goals: bool,
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let Some(words) = own::words().await? else { return Ok(()) };
    let plan = parse(&words)?;
    own::logs();
    let folder = tempfile::Builder::new().prefix("clipmill-bench").tempdir()?;
    let dir =
        Utf8PathBuf::from_path_buf(folder.path().to_owned()).map_err(|_| "the folder's name is not UTF-8")?;
    let good = if plan.accelerated {
        soak::run(&dir, plan.hours, plan.every_minutes, plan.scripted).await?
    } else {
        lives::run(&dir, &plan).await?
    };
    if !good && plan.goals {
        drop(folder);
        std::process::exit(1);
    }
    Ok(())
}

fn parse(words: &[String]) -> Result<Plan, Failure> {
    let mut plan = Plan {
        lives: 4,
        seconds: 120,
        speech: "zh_live".to_owned(),
        hours: 10.0,
        accelerated: false,
        scripted: false,
        every_minutes: 10.0,
        goals: true,
    };
    own::options(words, |word, value| {
        match word {
            "--lives" => plan.lives = value()?.parse()?,
            "--seconds" => plan.seconds = value()?.parse()?,
            "--speech" => plan.speech = value()?,
            "--hours" => plan.hours = value()?.parse()?,
            "--every" => plan.every_minutes = value()?.parse()?,
            "--accelerated" => plan.accelerated = true,
            "--scripted" => plan.scripted = true,
            "--no-goals" => plan.goals = false,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(plan)
}

/// A file of the spoken fixtures.
fn fixture(name: &str) -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/speech").join(name)
}

/// Runs the ffmpeg program to its end.
fn ffmpeg(words: &[&str]) -> Result<(), Failure> {
    let done = std::process::Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
        .args(words)
        .status()?;
    if done.success() { Ok(()) } else { Err("ffmpeg could not make the sound".into()) }
}

/// The most memory this process ever had, in MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
    peak.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
}
