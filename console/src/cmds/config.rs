//! `clipmill config check|show`.

use clap::Subcommand;

use super::{Cli, Failure, load};

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Says whether the configuration can be used.
    Check,
    /// Prints the effective configuration and where each value came from; secrets are masked.
    Show,
}

pub(super) fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    match args {
        Args::Check => println!("the configuration is in order"),
        Args::Show => print!("{}", config.show()),
    }
    Ok(())
}
