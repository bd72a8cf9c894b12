//! `clipmill train classify`: trains a classification head from labelled talk.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Subcommand;
use clipmill_domain::Clock as _;
use clipmill_inference::{
    classify::{self, TrainOptions, Trained},
    llm::Qwen,
    registry::Registry,
};
use clipmill_worker::SystemClock;

use super::{Cli, Failure, error_chain, examples, heads, load, open_store};
use crate::config::Config;

/// Who the library names for heads trained here.
const ACTOR: &str = "operator";

/// What to train.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// The head that labels talk.
    Classify {
        /// Labelled talk, JSON Lines with `text` and `label`.
        #[arg(long, required = true, value_name = "FILE")]
        data: Vec<Utf8PathBuf>,
        /// Learns from what people said about selling points, too (`clipmill examples export` shows it).
        #[arg(long)]
        with_corrections: bool,
        /// For this source and its brand: what they said is learnt from, besides the shared pool.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Writes the head to this file instead of into the library.
        #[arg(long, value_name = "FILE")]
        out: Option<Utf8PathBuf>,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let Args::Classify { data, with_corrections, source, out } = args;
    let io = |e: std::io::Error| Failure::new(format!("no temporary folder can be made: {e}"));
    let folder = tempfile::tempdir().map_err(io)?;
    let in_folder = |name: &str| {
        let path = Utf8PathBuf::from_path_buf(folder.path().join(name));
        path.map_err(|p| Failure::new(format!("{} cannot be used: it is not UTF-8", p.display())))
    };
    // The database is looked at only for what is in it.
    let store = match (with_corrections, source, out) {
        (false, None, Some(_)) => None,
        _ => Some(open_store(&config).await?),
    };
    let mut files = data.clone();
    let mut source_row = None;
    if let Some(store) = &store {
        source_row = examples::source_named(store, source.as_deref()).await?;
        if *with_corrections {
            let said = in_folder("corrections.jsonl")?;
            let count = examples::write(store, source_row.as_ref(), &said).await?;
            println!("{count} examples come from what people said");
            files.push(said);
        }
    }
    let file = match out {
        Some(out) => out.clone(),
        None => in_folder("head.safetensors")?,
    };
    let trained = fit(config, files, file.clone()).await?;
    println!("held out, as written:\n{}", trained.as_written);
    println!("held out, without punctuation:\n{}", trained.spoken);
    if out.is_some() {
        println!("wrote {file}; use it with classify.head = {file:?}, or `clipmill heads add {file}`");
    } else if let Some(store) = &store {
        let figures = serde_json::to_value(&trained.as_written).ok();
        let head = heads::keep(store, &file, source_row.as_ref(), figures, ACTOR, SystemClock.now()).await?;
        println!("head {} ({}) is in the library", head.id, head.short_hash());
        println!("`clipmill heads promote {}` takes it into use if it wins", head.short_hash());
    }
    if let Some(store) = store {
        store.close().await;
    }
    Ok(())
}

/// Fits a head on the labelled talk in `files`, and writes it.
async fn fit(config: Config, files: Vec<Utf8PathBuf>, out: Utf8PathBuf) -> Result<Trained, Failure> {
    let work = tokio::task::spawn_blocking(move || -> Result<Trained, Failure> {
        let bad = |e: &dyn std::error::Error| Failure::new(error_chain(e));
        let registry = Registry::new(config.models_dir(), None).map_err(|e| bad(&e))?;
        let model = registry.verify(&config.classify.model).map_err(|e| bad(&e))?;
        let qwen = Qwen::open(&model.path).map_err(|e| bad(&e))?;
        let files: Vec<&Utf8Path> = files.iter().map(Utf8PathBuf::as_path).collect();
        let mut tell = |done: usize, all: usize| {
            if done.is_multiple_of(100) || done == all {
                eprintln!("{done} of {all} texts read");
            }
        };
        let trained =
            classify::train_files(&qwen, &files, &TrainOptions::default(), &mut tell).map_err(|e| bad(&e))?;
        trained.head.save(&out).map_err(|e| bad(&e))?;
        Ok(trained)
    });
    work.await.map_err(|e| Failure::new(format!("training failed: {e}")))?
}
