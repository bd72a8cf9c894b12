//! `clipmill eval`: how good the machine's answers are, measured against known truth.

mod asr;
mod hearing;
mod spans;
mod classify;

use clap::Subcommand;

pub(super) use classify::figures;

use super::{Cli, Failure};

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Transcribes a file as a live is transcribed, and compares with what is said in it.
    Asr(asr::Args),
    /// Finds the selling points of a file as in a live, and compares with what is said in it.
    Spans(spans::Args),
    /// Labels talk whose labels are known, and counts what is right.
    Classify(classify::Args),
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    match args {
        Args::Asr(args) => asr::run(cli, args).await,
        Args::Spans(args) => spans::run(cli, args).await,
        Args::Classify(args) => classify::run(cli, args).await,
    }
}
