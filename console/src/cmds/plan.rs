//! `clipmill plan …`: what the service would do by itself, shown before it does.

use clap::Subcommand;
use clipmill_domain::{Clock as _, cost::size_words};
use clipmill_worker::SystemClock;

use super::{Cli, Failure, keeper, load, open_store, stop_signal};
use crate::api::{plan_view, view::RetentionPlan};

/// Which plan.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Which parts of old recordings the retention rules remove now, and what stays and why.
    Retention {
        /// Prints the plan as JSON.
        #[arg(long)]
        json: bool,
        /// Carries the plan out after printing it.
        #[arg(long)]
        execute: bool,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let Args::Retention { json, execute } = args;
    let config = load(cli)?;
    let store = open_store(&config).await?;
    let keeper = keeper(&config);
    let plan = keeper.plan(&store, &SystemClock).await?;
    let view = plan_view(&store, &plan, SystemClock.now()).await?;
    if *json {
        let json = serde_json::to_string_pretty(&view).map_err(|e| Failure::new(e.to_string()))?;
        println!("{json}");
    } else {
        print(&view);
    }
    if *execute {
        let done = keeper.carry_out(&store, &plan, &SystemClock, &stop_signal()).await?;
        let size = size_words(done.gone.bytes);
        eprintln!("removed {} parts ({size}) of {} recordings", done.gone.parts, done.recordings);
    }
    store.close().await;
    Ok(())
}

fn print(plan: &RetentionPlan) {
    if plan.removals.is_empty() {
        println!("nothing is to be removed");
    }
    for r in &plan.removals {
        let stays = match r.parts_for_clips {
            0 => String::new(),
            n => format!("; {n} parts ({}) stay for clips", size_words(r.bytes_for_clips)),
        };
        println!(
            "remove  {}  {}  ended {}  {} parts  {}: {}{stays}",
            r.recording_id,
            r.source_name,
            r.ended_at.as_deref().unwrap_or("-"),
            r.parts,
            size_words(r.bytes),
            r.why
        );
    }
    for k in &plan.kept_recordings {
        println!("keep    {}  {}  {}: {}", k.recording_id, k.source_name, size_words(k.bytes), k.why);
    }
    for k in &plan.kept {
        println!("kept    {} recordings, {}: {}", k.recordings, size_words(k.bytes), k.reason);
    }
    println!(
        "{} of {} go: {} parts of {} recordings",
        size_words(plan.bytes_removed),
        size_words(plan.bytes_before),
        plan.parts_removed,
        plan.recordings_removed
    );
    if plan.size_short_bytes > 0 {
        println!(
            "still {} above retention.max_gigabytes: the rest may not be removed",
            size_words(plan.size_short_bytes)
        );
    }
    if plan.room_short_bytes > 0 {
        println!(
            "still {} short of the free space wanted: the rest may not be removed",
            size_words(plan.room_short_bytes)
        );
    }
}
