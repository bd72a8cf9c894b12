//! `clipmill eval`: how good the machine's answers are, measured against known truth.

mod asr;
mod hearing;
mod spans;

use clap::Subcommand;

use super::{Cli, Failure};

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Transcribes a file as a live is transcribed, and compares with what is said in it.
    Asr(asr::Args),
    /// Finds the selling points of a file as in a live, and compares with what is said in it.
    Spans(spans::Args),
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    match args {
        Args::Asr(args) => asr::run(cli, args).await,
        Args::Spans(args) => spans::run(cli, args).await,
    }
}
