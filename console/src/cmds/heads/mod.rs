//! `clipmill heads …`: the library of trained heads, and which of them labels talk.

mod frozen;
mod keep;

use camino::Utf8PathBuf;
use clap::Subcommand;
use clipmill_clipper::heads::CONFIGURED;
use clipmill_domain::{
    Clock as _, SourceId,
    head::{HeadRow, Promotion},
};
use clipmill_store::{Store, audit, heads as rows};
use clipmill_worker::SystemClock;

use super::{Cli, Failure, examples::source_named, load, open_store};
use crate::{
    api::{labellings::all_heads, view::HeadView},
    config::Config,
};
pub(super) use keep::keep;

/// Who the audit log names for changes made here.
const ACTOR: &str = "operator";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Lists the heads, oldest first; a star marks those in use.
    List {
        /// As JSON, for programs.
        #[arg(long)]
        json: bool,
    },
    /// Takes a head file into the library. It is not in use before it is promoted.
    Add {
        /// The file that `clipmill train classify` wrote.
        file: Utf8PathBuf,
        /// For this source and its brand; for all when left out.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
    /// Takes a head into use, if it wins against the one in use on a frozen set. Running workers take it up at once.
    Promote {
        /// Its id, the beginning of its hash, or `newest`.
        head: String,
        /// Labelled talk that no head was trained on; the built-in set when left out.
        #[arg(long, value_name = "FILE")]
        frozen: Option<Utf8PathBuf>,
        /// Takes it into use although it does not win; say why with --why.
        #[arg(long, requires = "why")]
        force: bool,
        /// Why it is forced; kept in the audit log.
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
    },
    /// Goes back to the head that was in use before.
    Rollback {
        /// Of this source; of all when left out.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let config = load(cli)?;
    let store = open_store(&config).await?;
    let done = match args {
        Args::List { json } => list(&store, *json).await,
        Args::Add { file, source } => add(&store, file, source.as_deref()).await,
        Args::Promote { head, frozen, force, why } => {
            let why = why.as_deref().filter(|_| *force);
            promote(&config, &store, head, frozen.as_ref(), why).await
        }
        Args::Rollback { source } => roll_back(&store, source.as_deref()).await,
    };
    store.close().await;
    done
}

async fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let all = all_heads(store).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
        return Ok(());
    }
    if all.is_empty() {
        println!("no head is in the library; `clipmill train classify` trains one");
    }
    all.iter().for_each(|h| println!("{}", line(h)));
    Ok(())
}

fn line(h: &HeadView) -> String {
    let used = if h.in_use { "*" } else { " " };
    let figure = |from: Option<&serde_json::Value>, key: &str| {
        from.and_then(|v| v.get(key))
            .and_then(serde_json::Value::as_f64)
            .map_or("-".to_owned(), |x| format!("{x:.3}"))
    };
    let (facts, frozen) = (Some(&h.facts), h.frozen.as_ref());
    let examples = h.facts.get("examples").and_then(serde_json::Value::as_u64).unwrap_or(0);
    format!(
        "{used}{}  {}  for {}  {examples} examples  held out {} / {}  frozen set {} / {}  by {}, {}",
        h.id,
        h.short_hash,
        h.source_name.as_deref().unwrap_or("all"),
        figure(facts, "cv_accuracy"),
        figure(facts, "cv_macro_f1"),
        figure(frozen, "accuracy"),
        figure(frozen, "macro_f1"),
        h.made_by,
        h.made_at
    )
}

async fn add(store: &Store, file: &Utf8PathBuf, source: Option<&str>) -> Result<(), Failure> {
    let source = source_named(store, source).await?;
    let head = keep(store, file, source.as_ref(), None, ACTOR, SystemClock.now()).await?;
    println!("head {} ({}) is in the library", head.id, head.short_hash());
    println!("`clipmill heads promote {}` takes it into use if it wins", head.short_hash());
    Ok(())
}

/// The head of an id, the beginning of a hash, or `newest`.
async fn find(store: &Store, which: &str) -> Result<HeadRow, Failure> {
    let all = store.heads().await?;
    let none = || Failure::new(format!("there is no head {which:?}; `clipmill heads list` shows them"));
    if which == "newest" {
        return all.into_iter().next_back().ok_or_else(none);
    }
    let fits = |h: &&HeadRow| h.id.to_string() == which || (which.len() >= 4 && h.sha256.starts_with(which));
    let mut found = all.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.clone()),
        (Some(_), Some(_)) => {
            Err(Failure::new(format!("more than one head begins with {which}: use its id")))
        }
        (None, _) => Err(none()),
    }
}

/// The id of a head, as rows name it; `configured` stays.
pub(super) async fn named(store: &Store, which: &str) -> Result<String, Failure> {
    if which == CONFIGURED { Ok(which.to_owned()) } else { Ok(find(store, which).await?.id.to_string()) }
}

async fn promote(
    config: &Config,
    store: &Store,
    which: &str,
    frozen_set: Option<&Utf8PathBuf>,
    forced: Option<&str>,
) -> Result<(), Failure> {
    let head = find(store, which).await?;
    let scope = head.source_id;
    let judged = frozen::judge(config, store, &head, frozen_set).await?;
    println!("{}", judged.in_words());
    let at = SystemClock.now();
    let refusal = judged.refusal();
    if let (Some(why_not), None) = (&refusal, forced) {
        let mut tx = store.begin().await?;
        rows::set_frozen(&mut tx, head.id, &judged.figures()).await?;
        tx.commit().await?;
        return Err(Failure::new(format!(
            "head {} is not taken into use: {why_not}; --force --why TEXT does it all the same",
            head.short_hash()
        )));
    }
    let is_forced = refusal.is_some();
    let reason = match (is_forced, forced) {
        (true, Some(why)) => format!("forced: {why}; {}", judged.in_words()),
        _ => judged.in_words(),
    };
    let promotions = store.promotions().await?;
    let seq = promotions.iter().filter(|p| p.scope == scope).map(|p| p.seq).max().unwrap_or(0) + 1;
    let promotion = Promotion {
        scope,
        seq,
        head_id: head.id,
        forced: is_forced,
        reason: reason.clone(),
        by: ACTOR.to_owned(),
        at,
        undone_at: None,
    };
    let mut tx = store.begin().await?;
    rows::set_frozen(&mut tx, head.id, &judged.figures()).await?;
    rows::promote(&mut tx, &promotion).await?;
    audit::audit(&mut tx, at, ACTOR, "promote head", &head.id.to_string(), Some(&reason)).await?;
    tx.commit().await?;
    println!("head {} labels talk from now on, {}", head.short_hash(), for_whom(store, scope).await?);
    Ok(())
}

async fn roll_back(store: &Store, source: Option<&str>) -> Result<(), Failure> {
    let scope = source_named(store, source).await?.map(|s| s.id);
    let at = SystemClock.now();
    let mut tx = store.begin().await?;
    let Some(undone) = rows::roll_back(&mut tx, scope, ACTOR, at).await? else {
        drop(tx);
        return Err(Failure::new(format!("no head was promoted {}", for_whom(store, scope).await?)));
    };
    audit::audit(&mut tx, at, ACTOR, "roll back head", &undone.head_id.to_string(), None).await?;
    tx.commit().await?;
    let standing = store.promotions().await?;
    let now = standing.iter().filter(|p| p.scope == scope && p.undone_at.is_none()).max_by_key(|p| p.seq);
    let before = match now {
        Some(p) => format!("head {}", p.head_id),
        None => "the head that is configured, or that for all,".to_owned(),
    };
    println!(
        "head {} is out of use; {before} labels talk again, {}",
        undone.head_id,
        for_whom(store, scope).await?
    );
    Ok(())
}

async fn for_whom(store: &Store, scope: Option<SourceId>) -> Result<String, Failure> {
    let Some(id) = scope else { return Ok("for all sources".to_owned()) };
    let name = store.source(id).await?.map_or_else(|| id.to_string(), |s| s.name);
    Ok(format!("for source {name} and its brand"))
}
