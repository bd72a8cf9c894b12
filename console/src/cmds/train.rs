//! `clipmill train classify`: trains a classification head from labelled talk.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Subcommand;
use clipmill_domain::Clock as _;
use clipmill_inference::classify::{self, CachedEncoder, Tier, TrainOptions, Trained};
use clipmill_worker::SystemClock;
use serde_json::json;

use super::{
    Cli, Failure, error_chain, eval::figures, examples, heads, labeller::features, load, open_store,
};
use crate::config::Config;

/// Who the library names for heads trained here.
const ACTOR: &str = "operator";

/// What to train.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// The head that labels talk.
    Classify(Classify),
}

/// What to learn from, and how.
#[derive(Debug, clap::Args)]
pub struct Classify {
    /// Labelled talk, JSON Lines with `text` and `label`.
    #[arg(long, required = true, value_name = "FILE", num_args = 1..)]
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
    /// What the head reads: `full` or `short`. By default what is configured.
    #[arg(long, value_name = "TIER")]
    tier: Option<Tier>,
    /// How freely weights may grow (the inverse of the penalty); by default what suits the built-in data.
    #[arg(long, value_name = "NUMBER")]
    c: Option<f32>,
    /// Prints the figures as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let Args::Classify(args) = args;
    let tier = args.tier.unwrap_or(config.classify.tier);
    let mut options = TrainOptions::default();
    if let Some(c) = args.c {
        if !(c > 0.0 && c.is_finite()) {
            return Err(Failure::configuration("--c must be a number above 0".to_owned()));
        }
        options.c = c;
    }
    let io = |e: std::io::Error| Failure::new(format!("no temporary folder can be made: {e}"));
    let folder = tempfile::tempdir().map_err(io)?;
    let in_folder = |name: &str| {
        let path = Utf8PathBuf::from_path_buf(folder.path().join(name));
        path.map_err(|p| Failure::new(format!("{} cannot be used: it is not UTF-8", p.display())))
    };
    // The database is looked at only for what is in it.
    let store = match (args.with_corrections, &args.source, &args.out) {
        (false, None, Some(_)) => None,
        _ => Some(open_store(&config).await?),
    };
    let mut files = args.data.clone();
    let mut source_row = None;
    if let Some(store) = &store {
        source_row = examples::source_named(store, args.source.as_deref()).await?;
        if args.with_corrections {
            let said = in_folder("corrections.jsonl")?;
            let count = examples::write(store, source_row.as_ref(), &said).await?;
            eprintln!("{count} examples come from what people said");
            files.push(said);
        }
    }
    let file = match &args.out {
        Some(out) => out.clone(),
        None => in_folder("head.safetensors")?,
    };
    let c = options.c;
    let trained = fit(config, files, file.clone(), tier, options).await?;
    show(&trained, c, args.json)?;
    if args.out.is_some() {
        let tier = tier.key();
        eprintln!(
            "wrote {file}; use it with classify.head = {file:?} and classify.tier = {tier:?}, or `clipmill heads add \
             {file}`"
        );
    } else if let Some(store) = &store {
        let figures = serde_json::to_value(&trained.as_written).ok();
        let head = heads::keep(store, &file, source_row.as_ref(), figures, ACTOR, SystemClock.now()).await?;
        eprintln!("head {} ({}) is in the library", head.id, head.short_hash());
        eprintln!("`clipmill heads promote {}` takes it into use if it wins", head.short_hash());
    }
    if let Some(store) = store {
        store.close().await;
    }
    Ok(())
}

fn show(trained: &Trained, c: f32, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let facts = trained.head.facts();
        let unseen = trained.unseen.as_ref().map(figures).transpose()?;
        let all = json!({
            "as_written": figures(&trained.as_written)?, "spoken": figures(&trained.spoken)?, "unseen": unseen,
            "feature": facts.feature, "examples": facts.examples, "texts": facts.texts,
            "temperature": facts.temperature, "c": c,
        });
        println!("{all:#}");
        return Ok(());
    }
    println!("held out, as written:\n{}", trained.as_written);
    println!("held out, without punctuation:\n{}", trained.spoken);
    if let Some(unseen) = &trained.unseen {
        println!("whole styles held out (hosts who are new):\n{unseen}");
    }
    Ok(())
}

/// Fits a head on the labelled talk in `files`, and writes it.
async fn fit(
    config: Config,
    files: Vec<Utf8PathBuf>,
    out: Utf8PathBuf,
    tier: Tier,
    options: TrainOptions,
) -> Result<Trained, Failure> {
    let work = tokio::task::spawn_blocking(move || -> Result<Trained, Failure> {
        let bad = |e: &dyn std::error::Error| Failure::new(error_chain(e));
        let features = features(&config, tier)?;
        let read = CachedEncoder::open(&features, &config.models_dir().join("features"));
        let keep = || {
            if let Err(e) = read.save() {
                tracing::warn!(error = %e, "what was read cannot be kept, it will be read again next time");
            }
        };
        let files: Vec<&Utf8Path> = files.iter().map(Utf8PathBuf::as_path).collect();
        let mut tell = |done: usize, all: usize| {
            if done.is_multiple_of(500) || done == all {
                eprintln!("{done} of {all} texts read");
            }
            if done.is_multiple_of(2000) {
                keep();
            }
        };
        let trained = classify::train_files(&read, &files, &options, &mut tell).map_err(|e| bad(&e))?;
        keep();
        trained.head.save(&out).map_err(|e| bad(&e))?;
        Ok(trained)
    });
    work.await.map_err(|e| Failure::new(format!("training failed: {e}")))?
}
