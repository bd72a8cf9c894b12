//! `clipmill transcript …`: what was said, as a file.

use std::{io::Write as _, path::PathBuf};

use clap::Subcommand;

use super::{Cli, Failure, load, open_store, recording};
use crate::api::transcript::{Format, Range, file};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Writes the transcript of a recording, or of a range of it.
    Export {
        /// Id of a recording, or the name of a source: then its newest recording.
        recording: String,
        /// From this second of the recording.
        #[arg(long, value_name = "S")]
        from: Option<f64>,
        /// To this second.
        #[arg(long, value_name = "S")]
        to: Option<f64>,
        /// Times of captions count from `--from` instead of from the beginning of the recording.
        #[arg(long)]
        zero: bool,
        /// Which file.
        #[arg(long, value_enum)]
        format: Format,
        /// Where to write it; to standard output when left out.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let Args::Export { recording: which, from, to, zero, format, out } = args;
    let range = Range::new(*from, *to).map_err(Failure::new)?;
    let store = open_store(&load(cli)?).await?;
    let found = recording::find(&store, which).await;
    let content = match found {
        Ok(recording) => file(&store, &recording, range, *zero, *format).await.map_err(Failure::from),
        Err(e) => Err(e),
    };
    store.close().await;
    let content = content?;
    match out {
        Some(path) => std::fs::write(path, content)
            .map_err(|e| Failure::new(format!("{} cannot be written: {e}", path.display()))),
        // Whoever reads us may have had enough.
        None => match std::io::stdout().write_all(content.as_bytes()) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(e.to_string())),
            _ => Ok(()),
        },
    }
}
