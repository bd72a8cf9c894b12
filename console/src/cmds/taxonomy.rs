//! `clipmill taxonomy list|check`: what talk can be about.

use camino::Utf8PathBuf;
use clap::Subcommand;
use clipmill_domain::taxonomy::{Label, Taxonomy};

use super::{Cli, Failure, load};
use crate::{api::view::TaxonomyView, config::read_pack_file};

/// What to do with the labels.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Lists the base labels and the finer ones of every pack: built-in ones and those of `classify.packs`.
    List {
        /// As JSON, with definitions and examples, as the API gives them.
        #[arg(long)]
        json: bool,
    },
    /// Checks a file of finer labels and says everything that is wrong with it.
    Check {
        /// The file, TOML: key, version, zh, en, and for each label its key, under, zh, en, define, examples, not.
        file: Utf8PathBuf,
    },
}

pub(super) fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    match args {
        Args::List { json } => list(&config.taxonomy().map_err(Failure::configuration)?, *json),
        Args::Check { file } => {
            let text = read_pack_file(file).map_err(|e| Failure::new(e.to_string()))?;
            // With the other packs beside it: keys must differ. A file that is in use already is checked alone.
            let in_use = config.classify.packs.contains(file);
            let others = if in_use {
                Taxonomy::built_in().clone()
            } else {
                config.taxonomy().map_err(Failure::configuration)?
            };
            let whole = others.with(&[(file.as_str(), text)]).map_err(|e| Failure::new(e.to_string()))?;
            let pack = whole.packs().last().ok_or_else(|| Failure::new("no pack was read"))?;
            println!(
                "{file}: in order: pack {}, version {}, {} labels",
                pack.key,
                pack.version,
                pack.labels.len()
            );
            Ok(())
        }
    }
}

fn list(taxonomy: &Taxonomy, json: bool) -> Result<(), Failure> {
    if json {
        let view = TaxonomyView::from(taxonomy);
        println!("{}", serde_json::to_string_pretty(&view).map_err(|e| Failure::new(e.to_string()))?);
        return Ok(());
    }
    println!("{}", taxonomy.version());
    for label in Label::ALL {
        println!("{:<13} {} / {}", label.key(), label.zh(), label.en());
        for pack in taxonomy.packs() {
            for fine in pack.labels.iter().filter(|l| l.parent() == Some(label)) {
                let id = format!("{}.{}", pack.key, fine.key);
                println!("    {id:<26} {} / {} ({} examples)", fine.zh, fine.en, fine.examples.all().count());
            }
        }
    }
    Ok(())
}
