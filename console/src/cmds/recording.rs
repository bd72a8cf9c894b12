//! `clipmill recording …`: lists recordings, and puts them under a legal hold.

use clap::Subcommand;
use clipmill_domain::{Clock as _, RecordingId, cost::size_words};
use clipmill_store::Store;
use clipmill_worker::SystemClock;

use super::{Cli, Failure, load, open_store};
use crate::api::{hold, release};

/// Who the audit log names for changes made here.
const ACTOR: &str = "operator";

/// What to do with the recordings.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Lists the recordings that hold media, oldest first.
    List,
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
    let now = SystemClock.now();
    match args {
        Args::List => list(&store).await?,
        Args::Hold { recording, why } => {
            let id = named(&store, recording).await?;
            hold(&store, id, ACTOR, why, now).await?;
            println!("recording {id} is held; `clipmill recording release {id}` ends that");
        }
        Args::Release { recording, why } => {
            let id = named(&store, recording).await?;
            release(&store, id, ACTOR, why, now).await?;
            println!("recording {id} is no longer held; the retention rules apply to it again");
        }
    }
    store.close().await;
    Ok(())
}

async fn list(store: &Store) -> Result<(), Failure> {
    let sources = store.sources().await?;
    for r in store.recording_sums().await?.iter().filter(|r| r.kept.parts > 0) {
        let name = sources.iter().find(|s| s.id == r.source_id).map_or("", |s| s.name.as_str());
        let ended = r.ended_at.map_or_else(|| "live".to_owned(), |at| format!("ended {at}"));
        let held = if r.held { "  held" } else { "" };
        println!("{}  {name}  {}  {ended}  {}{held}", r.id, r.started_at, size_words(r.kept.bytes));
    }
    Ok(())
}

/// The recording that `text` means.
async fn named(store: &Store, text: &str) -> Result<RecordingId, Failure> {
    if let Ok(id) = text.parse::<RecordingId>() {
        return match store.recording(id).await? {
            Some(r) => Ok(r.id),
            None => Err(Failure::new(format!("no recording {id}; `clipmill recording list` shows them"))),
        };
    }
    let Some(source) = store.source_by_name(text).await? else {
        return Err(Failure::new(format!(
            "{text:?} is neither the id of a recording nor the name of a source; `clipmill recording list` shows both"
        )));
    };
    let newest = store.newest_recording_of(source.id).await?;
    newest.map(|r| r.id).ok_or_else(|| Failure::new(format!("{text} has no recording yet")))
}
