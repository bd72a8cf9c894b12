//! `clipmill transcript …`: what was said, as a file, and recordings heard again.

use std::{io::Write as _, path::PathBuf};

use clap::Subcommand;
use clipmill_domain::Clock as _;
use clipmill_store::Store;
use clipmill_worker::SystemClock;

use super::{Cli, Failure, load, open_store, recording};
use crate::{
    api::{
        revisions::{self, AskError},
        transcript::{Format, Range, file},
        view::{RevisionState, RevisionView},
    },
    config::Config,
};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Writes the transcript of a recording, or of a range of it.
    Export {
        /// Id of a recording, or the name of a source: then its newest recording.
        recording: String,
        /// From this second of the recording.
        #[arg(long, value_name = "S")]
        from: Option<f64>,
        /// To this second.
        #[arg(long, value_name = "S")]
        to: Option<f64>,
        /// Times of captions count from `--from` instead of from the beginning of the recording.
        #[arg(long)]
        zero: bool,
        /// Which file.
        #[arg(long, value_enum)]
        format: Format,
        /// Where to write it; to standard output when left out.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Has a finished recording heard again, into a new revision of its transcript.
    ///
    /// The running service does it, after everything that is live. Sentences that a person has corrected stay as they
    /// are; clips and selling points are not made anew.
    Again {
        /// Id of a recording, or the name of a source: then its newest recording.
        recording: String,
        /// The speech model (`clipmill models list`); the one that hears the lives when left out.
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
    /// Lists the revisions of a recording's transcript.
    Revisions {
        /// Id of a recording, or the name of a source: then its newest recording.
        recording: String,
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Shows another revision of a recording's transcript.
    Use {
        /// Id of a recording, or the name of a source: then its newest recording.
        recording: String,
        /// The number of the revision; 0 is the live's own.
        revision: i64,
    },
}

/// Who the audit log names for changes made here.
const ACTOR: &str = "operator";

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let Args::Export { recording: which, from, to, zero, format, out } = args else {
        return revise(cli, args).await;
    };
    let range = Range::new(*from, *to).map_err(Failure::new)?;
    let store = open_store(&load(cli)?).await?;
    let found = recording::find(&store, which).await;
    let content = match found {
        Ok(recording) => file(&store, &recording, range, *zero, *format).await.map_err(Failure::from),
        Err(e) => Err(e),
    };
    store.close().await;
    let content = content?;
    match out {
        Some(path) => std::fs::write(path, content)
            .map_err(|e| Failure::new(format!("{} cannot be written: {e}", path.display()))),
        // Whoever reads us may have had enough.
        None => match std::io::stdout().write_all(content.as_bytes()) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(e.to_string())),
            _ => Ok(()),
        },
    }
}

async fn revise(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let store = open_store(&config).await?;
    let done = match args {
        Args::Again { recording, model } => again(&config, &store, recording, model.as_deref()).await,
        Args::Revisions { recording, json } => list(&store, recording, *json).await,
        Args::Use { recording, revision } => choose(&store, recording, *revision).await,
        Args::Export { .. } => Ok(()),
    };
    store.close().await;
    done
}

async fn again(config: &Config, store: &Store, which: &str, model: Option<&str>) -> Result<(), Failure> {
    let id = recording::find(store, which).await?.id;
    let number =
        revisions::ask(config, store, id, model, ACTOR, SystemClock.now()).await.map_err(|e| match e {
            AskError::Model(why) => Failure::new(why),
            AskError::Store(e) => e.into(),
        })?;
    println!("recording {id} will be heard again, into revision {number} of its transcript");
    println!("`clipmill transcript revisions {id}` shows how far it is; `clipmill run` must be up");
    Ok(())
}

async fn list(store: &Store, which: &str, json: bool) -> Result<(), Failure> {
    let recording = recording::find(store, which).await?;
    let all = revisions::told(store, &recording).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
        return Ok(());
    }
    println!("recording {}", recording.id);
    all.iter().for_each(|r| println!("{}", line(r)));
    Ok(())
}

fn line(r: &RevisionView) -> String {
    let state = match (r.state, r.percent, &r.failed) {
        (RevisionState::Asked, ..) => "asked for".to_owned(),
        (RevisionState::Running, percent, _) => format!("{:.0} % heard", percent.unwrap_or(0.0)),
        (RevisionState::Ready, ..) => "ready".to_owned(),
        (RevisionState::Failed, _, why) => format!("failed: {}", why.as_deref().unwrap_or("")),
    };
    let made = r.made_by.as_ref().or(r.model.as_ref()).map_or("-", String::as_str);
    let shown = if r.shown { "*" } else { " " };
    let mut line = format!("{shown}{}  {state}  {made}  {} sentences", r.number, r.utterances);
    if r.edited > 0 {
        line.push_str(&format!(", {} corrected", r.edited));
    }
    if let (Some(by), Some(at)) = (&r.asked_by, &r.asked_at) {
        line.push_str(&format!("  asked for by {by}, {at}"));
    }
    line
}

async fn choose(store: &Store, which: &str, number: i64) -> Result<(), Failure> {
    let id = recording::find(store, which).await?.id;
    revisions::choose(store, id, number, ACTOR, SystemClock.now()).await?;
    println!("revision {number} of the transcript of recording {id} is shown now");
    Ok(())
}
