//! `clipmill check`: proves that rows and files agree.

use super::{Cli, Failure, load, open_store};

/// How far to look.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also reads every file and compares its hash.
    #[arg(long)]
    deep: bool,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let store = open_store(&config).await?;
    let report = clipmill_store::check::check(&store, args.deep).await?;
    store.close().await;
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(|e| Failure::new(e.to_string()))?;
        println!("{json}");
    } else {
        print!("{report}");
    }
    if report.problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("{} problems found", report.problems.len())))
    }
}
