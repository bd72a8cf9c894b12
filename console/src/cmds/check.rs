//! `clipmill check`: proves that rows and files agree.

use clipmill_domain::Clock as _;
use clipmill_store::check::{CheckOptions, check};
use clipmill_worker::SystemClock;

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
    let options = CheckOptions { deep: args.deep, ..CheckOptions::at(SystemClock.now()) };
    let report = check(&store, &options).await?;
    store.close().await;
    if args.json {
        let json = serde_json::to_string_pretty(&report).map_err(|e| Failure::new(e.to_string()))?;
        println!("{json}");
    } else {
        for problem in &report.problems {
            println!("{problem}");
        }
        println!(
            "{} files ({} MiB), {} rows that name one, {} hashed, {} too young to be judged, {} problems",
            report.files,
            report.bytes >> 20,
            report.rows,
            report.hashed,
            report.in_flight,
            report.problems.len()
        );
    }
    if report.is_clean() {
        Ok(())
    } else {
        Err(Failure::new(format!("{} problems found", report.problems.len())))
    }
}
