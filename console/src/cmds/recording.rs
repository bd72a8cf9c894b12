//! `clipmill recording …`: what was recorded, the map of its gaps, and legal holds.

use std::collections::HashMap;

use clap::Subcommand;
use clipmill_domain::{
    Clock as _, RecordingId,
    gap::{Gap, coverage, gap_map},
    recording::{Part, Recording},
};
use clipmill_store::Store;
use clipmill_worker::SystemClock;

use super::{Cli, Failure, load, open_store};
use crate::api::{hold, release};

/// Who the audit log names for changes made here.
const ACTOR: &str = "operator";

/// What to show.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Lists the newest recordings.
    List {
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Shows which stretches of a recording hold no media, and why.
    Gaps {
        /// The recording's id, or the name of a source for its newest recording.
        which: String,
    },
    /// Puts a recording under a legal hold: nothing of it is removed.
    Hold {
        /// Id of a recording, or the name of a source: then its newest recording.
        recording: String,
        /// Why it is held; kept with the hold and in the audit log.
        #[arg(long)]
        why: String,
    },
    /// Takes the legal hold off a recording.
    Release {
        /// Id of a recording, or the name of a source: then its newest recording.
        recording: String,
        /// Why it is released; kept in the audit log.
        #[arg(long)]
        why: String,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let store = open_store(&config).await?;
    let done = match args {
        Args::List { limit } => list(&store, *limit).await,
        Args::Gaps { which } => gaps(&store, which).await,
        Args::Hold { recording, why } => set_hold(&store, recording, why, true).await,
        Args::Release { recording, why } => set_hold(&store, recording, why, false).await,
    };
    store.close().await;
    done
}

async fn list(store: &Store, limit: u32) -> Result<(), Failure> {
    let names: HashMap<_, _> = store.sources().await?.into_iter().map(|s| (s.id, s.name)).collect();
    for rec in store.recordings(limit).await? {
        let name = names.get(&rec.source_id).map_or("?", String::as_str);
        let parts = store.parts(rec.id).await?;
        let gaps = gap_map(&parts, &store.epochs(rec.id).await?);
        let held = if rec.hold.is_some() { "  held" } else { "" };
        println!("{}  {name}  {}  {}  {}{held}", rec.id, rec.started_at, state(&rec), summary(&parts, &gaps));
    }
    Ok(())
}

async fn gaps(store: &Store, which: &str) -> Result<(), Failure> {
    let rec = find(store, which).await?;
    let parts = store.parts(rec.id).await?;
    let gaps = gap_map(&parts, &store.epochs(rec.id).await?);
    println!("recording {}, began {}, {}", rec.id, rec.started_at, state(&rec));
    println!("{}", summary(&parts, &gaps));
    gaps.iter().for_each(|gap| println!("{}", line(gap)));
    Ok(())
}

async fn set_hold(store: &Store, which: &str, why: &str, held: bool) -> Result<(), Failure> {
    let id: RecordingId = find(store, which).await?.id;
    let now = SystemClock.now();
    if held {
        hold(store, id, ACTOR, why, now).await?;
        println!("recording {id} is held; `clipmill recording release {id}` ends that");
    } else {
        release(store, id, ACTOR, why, now).await?;
        println!("recording {id} is no longer held; the retention rules apply to it again");
    }
    Ok(())
}

/// The recording of this id, or the newest of the source of this name.
pub(super) async fn find(store: &Store, which: &str) -> Result<Recording, Failure> {
    if let Ok(id) = which.parse()
        && let Some(rec) = store.recording(id).await?
    {
        return Ok(rec);
    }
    let Some(source) = store.source_by_name(which).await? else {
        let said =
            format!("no recording and no source is called {which:?}; `clipmill recording list` shows them");
        return Err(Failure::new(said));
    };
    let newest = store.newest_recording_of(source.id).await?;
    newest.ok_or_else(|| Failure::new(format!("the source {which:?} has recorded nothing yet")))
}

fn state(rec: &Recording) -> String {
    match (rec.ended_at, rec.end_reason) {
        (None, _) => "live".to_owned(),
        (Some(at), Some(reason)) => format!("ended {at} ({})", words(reason)),
        (Some(at), None) => format!("ended {at}"),
    }
}

fn words(reason: clipmill_domain::recording::EndReason) -> &'static str {
    use clipmill_domain::recording::EndReason as R;
    match reason {
        R::Finished => "ended normally",
        R::Disconnected => "connection lost",
        R::Stalled => "no data came",
        R::FormatChanged => "encoding changed",
        R::TimestampJump => "timestamps jumped",
        R::Stopped => "stopped",
        R::Crashed => "the recorder died",
        R::Quiet => "nothing for a long time",
        R::DiskFull => "disk full",
        R::TimeLimit => "time limit reached",
        R::SizeLimit => "size limit reached",
        R::WindowEnd => "its window closed",
    }
}

/// Length, share kept and number of gaps.
fn summary(parts: &[Part], gaps: &[Gap]) -> String {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return "nothing recorded".to_owned();
    };
    let bytes: i64 = parts.iter().map(|p| p.bytes).sum();
    // Rounded down: 100 % means all of it.
    let share = (coverage(parts, gaps) * 1000.0).floor() / 10.0;
    let length = last.span.end() + -first.span.start().as_micros();
    format!("{length} long, {share} % kept, {} gaps, {} MB", gaps.len(), bytes / 1_000_000)
}

fn line(gap: &Gap) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    let seconds = gap.span.micros() as f64 / 1e6;
    let why = gap.reason.map_or("reason unknown", words);
    format!("  {} to {}  {seconds:.3} s missing  {why}", gap.span.start(), gap.span.end())
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{MediaTime, Span, recording::EndReason};

    use super::*;

    #[test]
    fn a_gap_reads_as_from_to_length_and_reason() {
        let at = MediaTime::from_micros;
        let span = Span::new(at(4_000_000), at(67_250_000)).unwrap();
        let gap = Gap { span, reason: Some(EndReason::Stalled) };
        assert_eq!(line(&gap), "  0:04.000 to 1:07.250  63.250 s missing  no data came");
        assert_eq!(summary(&[], &[]), "nothing recorded");
    }
}
