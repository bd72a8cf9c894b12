//! `clipmill source cost`: what each stream's recordings cost.

use clipmill_domain::{Clock as _, cost::size_words};
use clipmill_store::Store;
use clipmill_worker::SystemClock;

use super::Failure;
use crate::{api::cost_view, config::Config};

/// How to print.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, store: &Store, args: &Args) -> Result<(), Failure> {
    let view = cost_view(config, store, &store.recording_sums().await?, SystemClock.now()).await?;
    if args.json {
        let json = serde_json::to_string_pretty(&view).map_err(|e| Failure::new(e.to_string()))?;
        println!("{json}");
        return Ok(());
    }
    for s in &view.sources {
        let rate = s.gigabytes_per_hour.map_or_else(|| "-".to_owned(), |g| format!("{g:.2} GB an hour"));
        println!(
            "{}  {:.1} h recorded  {} on disk ({:.1} % of it)  {rate}  {:.1} min of gaps",
            s.source_name,
            s.hours,
            size_words(s.bytes + s.picture_bytes),
            s.disk_share * 100.0,
            s.gap_minutes
        );
    }
    let d = &view.disk;
    let size = |bytes: u64| size_words(i64::try_from(bytes).unwrap_or(i64::MAX));
    let left = d.days_left.map_or_else(
        || "nothing was recorded in the last week".to_owned(),
        |days| format!("{} a day: {days:.1} days left", size_words(d.bytes_per_day)),
    );
    println!(
        "disk: {} free of {}, recording stops at {}; {} of recordings; {left}",
        size(d.free_bytes),
        size(d.total_bytes),
        size(d.floor_bytes),
        size_words(d.recordings_bytes)
    );
    Ok(())
}
