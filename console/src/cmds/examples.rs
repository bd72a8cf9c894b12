//! `clipmill examples …`: what people said about selling points, as labelled talk.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Subcommand;
use clipmill_clipper::examples::examples;
use clipmill_domain::source::Source;
use clipmill_store::Store;

use super::{Cli, Failure, load, open_store};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Writes approved, corrected and rejected selling points as labelled talk, one JSON object a line.
    ///
    /// Without --source: those that sources give to the shared pool. With it: those of its brand, and the pool.
    Export {
        /// Where to write them.
        #[arg(long, value_name = "FILE")]
        out: Utf8PathBuf,
        /// Those that a head for this source may learn from.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let Args::Export { out, source } = args;
    let store = open_store(&load(cli)?).await?;
    let done = async {
        let source = source_named(&store, source.as_deref()).await?;
        write(&store, source.as_ref(), out).await
    };
    let done = done.await;
    store.close().await;
    println!("wrote {} examples to {out}", done?);
    Ok(())
}

/// The source of a name, where one is given.
pub(super) async fn source_named(store: &Store, name: Option<&str>) -> Result<Option<Source>, Failure> {
    let Some(name) = name else { return Ok(None) };
    match store.source_by_name(name).await? {
        Some(source) => Ok(Some(source)),
        None => Err(Failure::new(format!("there is no source {name:?}; `clipmill source list` shows them"))),
    }
}

/// Writes what a head for `source` may learn from. Answers how many.
pub(super) async fn write(store: &Store, source: Option<&Source>, out: &Utf8Path) -> Result<usize, Failure> {
    let all = examples(store, source).await?;
    let mut text = String::new();
    for example in &all {
        let line = serde_json::to_string(example).map_err(|e| Failure::new(e.to_string()))?;
        text.push_str(&line);
        text.push('\n');
    }
    std::fs::write(out, text).map_err(|e| Failure::new(format!("{out} cannot be written: {e}")))?;
    Ok(all.len())
}
