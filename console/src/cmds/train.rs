//! `clipmill train classify`: trains a classification head from labelled talk.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Subcommand;
use clipmill_inference::{
    classify::{self, TrainOptions},
    llm::Qwen,
    registry::Registry,
};

use super::{Cli, Failure, error_chain, load};

/// What to train.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// The head that labels talk.
    Classify {
        /// Labelled talk, JSON Lines with `text` and `label`.
        #[arg(long, required = true, value_name = "FILE")]
        data: Vec<Utf8PathBuf>,
        /// Where to write the head.
        #[arg(long, value_name = "FILE")]
        out: Utf8PathBuf,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let Args::Classify { data, out } = args;
    let (data, out) = (data.clone(), out.clone());
    let work = tokio::task::spawn_blocking(move || -> Result<(), Failure> {
        let bad = |e: &dyn std::error::Error| Failure::new(error_chain(e));
        let registry = Registry::new(config.models_dir(), None).map_err(|e| bad(&e))?;
        let model = registry.verify(&config.classify.model).map_err(|e| bad(&e))?;
        let qwen = Qwen::open(&model.path).map_err(|e| bad(&e))?;
        let files: Vec<&Utf8Path> = data.iter().map(Utf8PathBuf::as_path).collect();
        let mut tell = |done: usize, all: usize| {
            if done.is_multiple_of(100) || done == all {
                eprintln!("{done} of {all} texts read");
            }
        };
        let trained =
            classify::train_files(&qwen, &files, &TrainOptions::default(), &mut tell).map_err(|e| bad(&e))?;
        trained.head.save(&out).map_err(|e| bad(&e))?;
        println!("held out, as written:\n{}", trained.as_written);
        println!("held out, without punctuation:\n{}", trained.spoken);
        println!("wrote {out}; use it with classify.head = {out:?}");
        Ok(())
    });
    work.await.map_err(|e| Failure::new(format!("training failed: {e}")))?
}
