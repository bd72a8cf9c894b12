//! `clipmill point …`: selling points, and what people say about them.

use clap::Subcommand;
use clipmill_clipper::review::Change;
use clipmill_domain::{
    Clock as _, SellingPointId,
    review::{PointAnswer, Reviewed, Verdict},
    taxonomy::Label,
};
use clipmill_store::Store;
use clipmill_worker::SystemClock;

use super::{Cli, Failure, load, open_store, recording};
use crate::api::point_words::{Say, SayError, say};

/// Who the audit log names for changes made here.
const ACTOR: &str = "operator";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Args {
    /// Lists the selling points of a recording, also rejected ones.
    List {
        /// Id of a recording, or the name of a source: then its newest recording.
        recording: String,
    },
    /// Shows a selling point: what is shown, what the machine said, what people said.
    Show {
        /// Its id.
        point: SellingPointId,
    },
    /// Says that a selling point is right.
    Approve {
        /// Its id.
        point: SellingPointId,
        #[command(flatten)]
        said: Said,
    },
    /// Says that it is no selling point.
    Reject {
        /// Its id.
        point: SellingPointId,
        #[command(flatten)]
        said: Said,
    },
    /// Goes back to the machine's answer.
    Restore {
        /// Its id.
        point: SellingPointId,
        #[command(flatten)]
        said: Said,
    },
    /// Puts a selling point right; what is left out stays.
    Correct {
        /// Its id.
        point: SellingPointId,
        /// The primary label, for example fabric.
        #[arg(long)]
        label: Option<Label>,
        /// Other labels that it has, with commas, in place of all there are; `none` for none.
        #[arg(long, value_name = "LABELS")]
        also: Option<String>,
        /// SKU of the product, or `none`.
        #[arg(long, value_name = "SKU")]
        product: Option<String>,
        /// Number of its first sentence in the transcript that is shown.
        #[arg(long, value_name = "N")]
        first: Option<i64>,
        /// Number of its last sentence.
        #[arg(long, value_name = "N")]
        last: Option<i64>,
        #[command(flatten)]
        said: Said,
    },
}

/// What goes with every word.
#[derive(Debug, clap::Args)]
pub struct Said {
    /// The version that you have seen; refused when somebody has changed it since. Left out: the one that is shown now.
    #[arg(long, value_name = "VERSION")]
    seen: Option<i64>,
    /// Why, in your own words.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(super) async fn run(cli: &Cli, args: &Args) -> Result<(), Failure> {
    let store = open_store(&load(cli)?).await?;
    let done = match args {
        Args::List { recording } => list(&store, recording).await,
        Args::Show { point } => show(&store, *point).await,
        Args::Approve { point, said } => tell(&store, *point, &Say::Approve, said).await,
        Args::Reject { point, said } => tell(&store, *point, &Say::Reject, said).await,
        Args::Restore { point, said } => tell(&store, *point, &Say::Restore, said).await,
        Args::Correct { point, label, also, product, first, last, said } => {
            let change = Change {
                label: *label,
                also: also.as_deref().map(labels).transpose()?,
                product: product.as_ref().map(|sku| Some(sku.clone()).filter(|s| s != "none")),
                first: *first,
                last: *last,
            };
            match change.is_empty() {
                true => {
                    Err(Failure::new("say what to put right: --label, --also, --product, --first or --last"))
                }
                false => tell(&store, *point, &Say::Correct(change), said).await,
            }
        }
    };
    store.close().await;
    done
}

fn labels(text: &str) -> Result<Vec<Label>, Failure> {
    let keys = text.split(',').map(str::trim).filter(|k| !k.is_empty() && *k != "none");
    keys.map(|k| k.parse().map_err(|e| Failure::new(format!("{e}")))).collect()
}

async fn list(store: &Store, which: &str) -> Result<(), Failure> {
    let recording = recording::find(store, which).await?;
    println!("recording {}, labelling {}", recording.id, store.shown_labelling(recording.id).await?);
    store.reviewed_points(recording.id).await?.iter().for_each(|r| println!("{}", line(r)));
    Ok(())
}

fn line(r: &Reviewed) -> String {
    let about = answer(&PointAnswer::of(&r.point));
    let quote: String = r.point.evidence.quote.chars().take(40).collect();
    format!(
        "{}  {about}  {:.2}  {} (version {})  {quote}",
        r.point.id,
        r.point.confidence,
        word(r.verdict),
        r.version
    )
}

fn answer(a: &PointAnswer) -> String {
    let also: Vec<_> = a.details.also.iter().map(|(l, _)| l.key()).collect();
    let also = if also.is_empty() { String::new() } else { format!(" (also {})", also.join(", ")) };
    format!("{}  {}{also}  {}", a.span, a.label, a.product_sku.as_deref().unwrap_or("no product"))
}

fn word(v: Verdict) -> &'static str {
    match v {
        Verdict::Open => "open",
        Verdict::Approved => "approved",
        Verdict::Corrected => "corrected",
        Verdict::Rejected => "rejected",
    }
}

async fn show(store: &Store, id: SellingPointId) -> Result<(), Failure> {
    let found = store.reviewed_point(id).await?;
    let r = found.ok_or_else(|| Failure::new(format!("there is no selling point {id}")))?;
    println!("{}", line(&r));
    println!("classified by {}", r.point.made_by);
    let words = store.corrections(id).await?;
    if let Some(first) = words.first() {
        println!("the machine said: {}", answer(&first.was));
    }
    for c in words {
        let note = c.note.map(|n| format!("  {n}")).unwrap_or_default();
        let carried = if c.carried_from.is_some() { ", carried over" } else { "" };
        println!("{}  {} by {}{carried}: {}{note}", c.at, word(c.verdict), c.by, answer(&c.became));
    }
    Ok(())
}

async fn tell(store: &Store, id: SellingPointId, what: &Say, said: &Said) -> Result<(), Failure> {
    let version = match said.seen {
        Some(version) => version,
        None => store.reviewed_point(id).await?.map_or(0, |r| r.version),
    };
    let done = say(store, id, version, what, said.note.as_deref(), ACTOR, SystemClock.now()).await;
    let now = done.map_err(|e| match e {
        SayError::Invalid(why) => Failure::new(why),
        SayError::Store(e) => e.into(),
    })?;
    println!("{}", line(&now));
    if let Some((clip, true)) = store.clip_of_point(id).await? {
        println!("clip {} still shows the old bounds: it is not cut anew", clip.id);
    }
    Ok(())
}
