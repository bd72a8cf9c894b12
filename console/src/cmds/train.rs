//! `clipmill train classify`: trains a classification head from labelled talk.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Subcommand;
use clipmill_inference::classify::{self, CachedEncoder, Tier, TrainOptions};
use serde_json::json;

use super::{Cli, Failure, error_chain, eval::figures, labeller::features, load};

/// What to train.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// The head that labels talk.
    Classify {
        /// Labelled talk, JSON Lines with `text` and `label`.
        #[arg(long, required = true, value_name = "FILE", num_args = 1..)]
        data: Vec<Utf8PathBuf>,
        /// Where to write the head.
        #[arg(long, value_name = "FILE")]
        out: Utf8PathBuf,
        /// What the head reads: `full` or `short`. By default what is configured.
        #[arg(long, value_name = "TIER")]
        tier: Option<Tier>,
        /// How freely weights may grow (the inverse of the penalty); by default what suits the built-in data.
        #[arg(long, value_name = "NUMBER")]
        c: Option<f32>,
        /// Prints the figures as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let Args::Classify { data, out, tier, c, json } = args;
    let (data, out, json) = (data.clone(), out.clone(), *json);
    let tier = tier.unwrap_or(config.classify.tier);
    let mut options = TrainOptions::default();
    if let Some(c) = *c {
        if !(c > 0.0 && c.is_finite()) {
            return Err(Failure::configuration("--c must be a number above 0".to_owned()));
        }
        options.c = c;
    }
    let work = tokio::task::spawn_blocking(move || -> Result<(), Failure> {
        let bad = |e: &dyn std::error::Error| Failure::new(error_chain(e));
        let features = features(&config, tier)?;
        let read = CachedEncoder::open(&features, &config.models_dir().join("features"));
        let files: Vec<&Utf8Path> = data.iter().map(Utf8PathBuf::as_path).collect();
        let mut tell = |done: usize, all: usize| {
            if done.is_multiple_of(500) || done == all {
                eprintln!("{done} of {all} texts read");
            }
            if done.is_multiple_of(2000)
                && let Err(e) = read.save()
            {
                tracing::warn!(error = %e, "what was read cannot be kept, it will be read again next time");
            }
        };
        let trained = classify::train_files(&read, &files, &options, &mut tell).map_err(|e| bad(&e))?;
        if let Err(e) = read.save() {
            tracing::warn!(error = %e, "what was read cannot be kept, it will be read again next time");
        }
        trained.head.save(&out).map_err(|e| bad(&e))?;
        if json {
            let facts = trained.head.facts();
            let unseen = trained.unseen.as_ref().map(figures).transpose()?;
            let all = json!({
                "as_written": figures(&trained.as_written)?, "spoken": figures(&trained.spoken)?, "unseen": unseen,
                "feature": facts.feature, "examples": facts.examples, "texts": facts.texts,
                "temperature": facts.temperature, "c": options.c,
            });
            println!("{all:#}");
            return Ok(());
        }
        println!("held out, as written:\n{}", trained.as_written);
        println!("held out, without punctuation:\n{}", trained.spoken);
        if let Some(unseen) = &trained.unseen {
            println!("whole styles held out (hosts who are new):\n{unseen}");
        }
        println!("wrote {out}; use it with classify.head = {out:?} and classify.tier = {:?}", tier.key());
        Ok(())
    });
    work.await.map_err(|e| Failure::new(format!("training failed: {e}")))?
}
