//! `clipmill eval`: how good the machine's answers are, measured against known truth.

mod asr;

use clap::Subcommand;

use super::{Cli, Failure};

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Transcribes a file as a live is transcribed, and compares with what is said in it.
    Asr(asr::Args),
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    match args {
        Args::Asr(args) => asr::run(cli, args).await,
    }
}
