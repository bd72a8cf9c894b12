//! A head held against the one in use, on labelled talk that neither was trained on.

use camino::Utf8PathBuf;
use clipmill_domain::head::{HeadRow, Promotion, in_use};
use clipmill_inference::classify::{
    Classifier, ClassifyError, Example, Head, Judged, Report, Talk, data_sha256, read_examples,
};
use clipmill_store::Store;
use serde_json::json;

use crate::{
    cmds::{Failure, error_chain, labeller::configured},
    config::Config,
};

/// The set that heads are judged on unless another is given. Nobody trains on it.
const BUILT_IN: &str = include_str!("../../../../fixtures/selling-points/dev.jsonl");

/// Both heads' figures on the same set.
#[derive(Debug)]
pub(super) struct Compared {
    /// Which set: its name and what identifies it.
    set: (String, String),
    /// Of the head to be promoted.
    new: Report,
    /// Of the head in use.
    old: Report,
}

impl Compared {
    /// Why the new head does not win; `None`: it does. It wins when accuracy and macro-F1 are not lower and one of them
    /// is higher, and no more small talk with the words of selling is taken for selling.
    pub(super) fn refusal(&self) -> Option<String> {
        let (new, old) = (&self.new, &self.old);
        let pair = |what: &str, a: f64, b: f64| format!("{what} is {a:.3} where the head in use has {b:.3}");
        if new.accuracy < old.accuracy {
            return Some(pair("its accuracy", new.accuracy, old.accuracy));
        }
        if new.macro_f1 < old.macro_f1 {
            return Some(pair("its macro-F1", new.macro_f1, old.macro_f1));
        }
        if let (Some(n), Some(o)) = (new.hard_negatives_kept, old.hard_negatives_kept)
            && n < o
        {
            return Some(pair("the share of hard small talk that it keeps", n, o));
        }
        (new.accuracy <= old.accuracy && new.macro_f1 <= old.macro_f1).then(|| {
            format!(
                "it is no better than the head in use (accuracy {:.3} and {:.3}, macro-F1 {:.3} and {:.3})",
                new.accuracy, old.accuracy, new.macro_f1, old.macro_f1
            )
        })
    }

    /// Both figures in one line.
    pub(super) fn in_words(&self) -> String {
        let (new, old) = (&self.new, &self.old);
        let hard = match (old.hard_negatives_kept, new.hard_negatives_kept) {
            (Some(o), Some(n)) => format!(", hard small talk kept {o:.3} -> {n:.3}"),
            _ => String::new(),
        };
        format!(
            "on {} ({} items): accuracy {:.3} -> {:.3}, macro-F1 {:.3} -> {:.3}{hard}",
            self.set.0, new.items, old.accuracy, new.accuracy, old.macro_f1, new.macro_f1
        )
    }

    /// The new head's figures, to be kept with it.
    pub(super) fn figures(&self) -> serde_json::Value {
        let r = &self.new;
        json!({
            "set": self.set.0, "set_sha256": self.set.1, "items": r.items, "accuracy": r.accuracy,
            "macro_f1": r.macro_f1, "chat_f1": r.chat_f1, "hard_negatives_kept": r.hard_negatives_kept, "ece": r.ece,
        })
    }
}

/// Runs the head and the one in use in its scope over the frozen set.
pub(super) async fn judge(
    config: &Config,
    store: &Store,
    head: &HeadRow,
    set: Option<&Utf8PathBuf>,
) -> Result<Compared, Failure> {
    let bytes = async |row: &HeadRow| {
        let path = store.library().local_path(&row.path)?;
        std::fs::read(&path).map_err(|e| Failure::new(format!("{path} cannot be read: {e}")))
    };
    let new = bytes(head).await?;
    let old = match used_now(store, head).await? {
        Some(row) => Some(bytes(&row).await?),
        None => None,
    };
    let (config, set) = (config.clone(), set.cloned());
    let work = tokio::task::spawn_blocking(move || {
        compare(&config, &new, old.as_deref(), set).map_err(|e| Failure::new(error_chain(&*e)))
    });
    work.await.map_err(|e| Failure::new(format!("judging the head failed: {e}")))?
}

/// The head of the library that is in use where `head` would be; `None`: the configured one.
async fn used_now(store: &Store, head: &HeadRow) -> Result<Option<HeadRow>, Failure> {
    let promotions = store.promotions().await?;
    let for_all: Vec<Promotion>;
    let id = match head.source_id {
        Some(source) => in_use(source, &store.sources().await?, &promotions),
        None => {
            for_all = promotions.into_iter().filter(|p| p.scope.is_none() && p.undone_at.is_none()).collect();
            for_all.iter().max_by_key(|p| p.seq).map(|p| p.head_id)
        }
    };
    match id {
        Some(id) => Ok(store.head(id).await?),
        None => Ok(None),
    }
}

fn compare(
    config: &Config,
    new: &[u8],
    old: Option<&[u8]>,
    set: Option<Utf8PathBuf>,
) -> Result<Compared, Box<dyn std::error::Error>> {
    let (name, examples) = match set {
        Some(path) => (path.to_string(), read_examples(&path)?),
        None => {
            let lines = BUILT_IN.lines().filter(|l| !l.trim().is_empty());
            ("the built-in set".to_owned(), lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
        }
    };
    let configured = configured(config).map_err(|f| f.message)?;
    let with = |bytes: &[u8]| configured.with_head(Head::from_bytes(bytes, "the head of the library")?);
    let old = match old {
        Some(bytes) => report(&with(bytes)?, &examples)?,
        None => report(&configured, &examples)?,
    };
    Ok(Compared { set: (name, data_sha256(&examples)), new: report(&with(new)?, &examples)?, old })
}

fn report(classifier: &dyn Classifier, examples: &[Example]) -> Result<Report, ClassifyError> {
    let talk: Vec<Talk<'_>> = examples.iter().map(|e| Talk::alone(&e.text)).collect();
    let answers = classifier.classify(&talk)?;
    let judged: Vec<Judged<'_>> =
        examples.iter().zip(answers).map(|(example, a)| Judged { example, probs: a.probs }).collect();
    Ok(Report::of(&judged))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(accuracy: f64, macro_f1: f64, hard: Option<f64>) -> Report {
        Report { accuracy, macro_f1, hard_negatives_kept: hard, ..Report::of(&[]) }
    }

    fn refusal(new: Report, old: Report) -> Option<String> {
        Compared { set: (String::new(), String::new()), new, old }.refusal()
    }

    #[test]
    fn a_head_wins_when_nothing_is_worse_and_something_is_better() {
        let old = || report(0.9, 0.9, Some(0.8));
        assert_eq!(refusal(report(0.91, 0.9, Some(0.8)), old()), None);
        assert_eq!(refusal(report(0.9, 0.92, None), old()), None);
        assert!(refusal(report(0.9, 0.9, Some(0.9)), old()).unwrap().contains("no better"));
        assert!(refusal(report(0.95, 0.89, Some(0.9)), old()).unwrap().contains("macro-F1 is 0.890"));
        assert!(
            refusal(report(0.89, 0.95, Some(0.9)), old())
                .unwrap()
                .contains("0.890 where the head in use has 0.900")
        );
        assert!(refusal(report(0.95, 0.95, Some(0.7)), old()).unwrap().contains("hard small talk"));
    }

    #[test]
    fn the_built_in_set_can_be_read() {
        let all: Vec<Example> = BUILT_IN.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(all.len() >= 60);
    }
}
