//! `clipmill relabel …`: the talk of finished recordings labelled again.

use clipmill_domain::Clock as _;
use clipmill_store::Store;
use clipmill_worker::SystemClock;

use super::{Cli, Failure, heads, load, open_store, recording};
use crate::api::{
    labellings,
    view::{LabellingState, LabellingView},
};

/// Who the audit log names for changes made here.
const ACTOR: &str = "operator";

/// Has a finished recording's talk labelled again, into a new labelling that is shown when it is complete.
///
/// The running service does it, one recording at a time. What people said about selling points is carried over
/// where it is about the same sentences. Clips that were made before stay as they are.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a recording, or the name of a source: then its newest recording.
    recording: String,
    /// The head (`clipmill heads list`), or `configured`; the one in use for the source when left out.
    #[arg(long, value_name = "HEAD")]
    head: Option<String>,
    /// Makes clips of new selling points, where no clip shows at least half of the talk.
    #[arg(long)]
    cut: bool,
    /// Lists the labellings there are instead.
    #[arg(long, conflicts_with_all = ["head", "cut"])]
    list: bool,
    /// As JSON, for programs (with --list).
    #[arg(long, requires = "list")]
    json: bool,
    /// Shows another labelling instead; 0 is the live's own.
    #[arg(long = "use", value_name = "N", conflicts_with_all = ["head", "cut", "list"])]
    number: Option<i64>,
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let store = open_store(&load(cli)?).await?;
    let done = match (args.list, args.number) {
        (true, _) => list(&store, args).await,
        (false, Some(number)) => choose(&store, args, number).await,
        (false, None) => again(&store, args).await,
    };
    store.close().await;
    done
}

async fn again(store: &Store, args: &Args) -> Result<(), Failure> {
    let id = recording::find(store, &args.recording).await?.id;
    let head = match args.head.as_deref() {
        None => None,
        Some(name) => Some(heads::named(store, name).await?),
    };
    let number = labellings::ask(store, id, head.as_deref(), args.cut, ACTOR, SystemClock.now()).await?;
    println!("the talk of recording {id} will be labelled again, into labelling {number}");
    println!("`clipmill relabel {id} --list` shows how far it is; `clipmill run` must be up");
    Ok(())
}

async fn list(store: &Store, args: &Args) -> Result<(), Failure> {
    let recording = recording::find(store, &args.recording).await?;
    let all = labellings::told(store, &recording).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
        return Ok(());
    }
    println!("recording {}", recording.id);
    all.iter().for_each(|l| println!("{}", line(l)));
    Ok(())
}

fn line(l: &LabellingView) -> String {
    let state = match (l.state, &l.failed) {
        (LabellingState::Running, _) => "being made".to_owned(),
        (LabellingState::Ready, _) => "ready".to_owned(),
        (LabellingState::Failed, why) => format!("failed: {}", why.as_deref().unwrap_or("")),
    };
    let shown = if l.shown { "*" } else { " " };
    let by = l.classifier.as_ref().or(l.head.as_ref()).map_or("-", String::as_str);
    let mut line = format!("{shown}{}  {state}  {by}  {} selling points", l.number, l.points);
    if l.judged > 0 {
        line.push_str(&format!(", {} judged", l.judged));
    }
    if l.dropped > 0 {
        line.push_str(&format!(", {} judgements not carried over", l.dropped));
    }
    if let (Some(by), Some(at)) = (&l.asked_by, &l.asked_at) {
        line.push_str(&format!("  asked for by {by}, {at}"));
    }
    line
}

async fn choose(store: &Store, args: &Args, number: i64) -> Result<(), Failure> {
    let id = recording::find(store, &args.recording).await?.id;
    labellings::choose(store, id, number, ACTOR, SystemClock.now()).await?;
    println!("labelling {number} of recording {id} is shown now");
    Ok(())
}
