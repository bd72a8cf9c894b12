//! Models that answer in words what talk is about: what they are asked, and what of their answers is believed.
//!
//! A language model here and a service elsewhere are asked the same ([`prompt`]): a fixed beginning with the task, the
//! taxonomy in two languages and examples, then what stands around the talk, then the talk. Talk is data: whatever it
//! tells the model to do is part of what is to be labelled. Of a service's answer [`read_answer`] believes only what
//! holds up: labels of the taxonomy, and quotes that stand letter for letter in the text.

mod local;
pub mod prompt;
mod quote;
mod read;
mod taxonomy;

pub use local::LocalAnswerer;
pub use quote::stands_in;
pub use read::{BadAnswer, Reading, Said, read_answer};
pub use taxonomy::{CALIBRATION, Definition, EXAMPLES, definition};

use std::fmt;

use super::{LABELS, LabelProbs, Live, Talk};

/// Says in words what talk is about; slower, dearer and less dependable than the default.
pub trait Answerer: Send + Sync {
    /// One outcome for each, in order. Blocks, with a deadline of its own; not for asynchronous code.
    fn ask(&self, talk: &[Talk<'_>], live: Live<'_>) -> Vec<Result<Opinion, NoAnswer>>;

    /// Which model answers, and to which prompt; changes whenever the answers may.
    fn id(&self) -> String;
}

/// What a model that answers in words thinks of a stretch of talk.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// How far each label is spoken for, *after* allowing for the model's undependability: see [`Opinion::of_words`].
    pub probs: LabelProbs,
    /// Words of the text that it rests on, letter for letter.
    pub quotes: Vec<String>,
}

/// The largest probability that a stated confidence of 1 is taken for. Models asked for their confidence say 0.9 and
/// more nearly always, right or wrong. Nothing here measures the operator's model, and the talk that reaches it is what
/// the default was unsure about; so it is never believed further than six times in seven.
pub const MOST_BELIEVED: f32 = 0.85;

/// Share that the labels named beside the primary one get of what the primary one leaves.
const ALSO_SHARE: f32 = 0.5;

impl Opinion {
    /// From the probabilities of a model that was scored on every label. They are scaled back towards even ones so that none
    /// is above [`MOST_BELIEVED`], for the same reason.
    pub fn of_probs(probs: &LabelProbs, quotes: Vec<String>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "eighteen labels")]
        let even = 1.0 / LABELS as f32;
        let share = (MOST_BELIEVED - even) / (1.0 - even);
        Self { probs: LabelProbs::from_weights(probs.as_array().map(|p| even + (p - even) * share)), quotes }
    }

    /// From a label, others that hold too, and a stated confidence from 0 to 1. A confidence of 0 says nothing: all labels
    /// alike. One of 1 puts [`MOST_BELIEVED`] on the label. Half of the rest goes to `also`, what remains to all others.
    pub fn of_words(said: Said) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "eighteen labels")]
        let even = 1.0 / LABELS as f32;
        let first = even + (MOST_BELIEVED - even) * said.confidence.clamp(0.0, 1.0);
        #[expect(clippy::cast_precision_loss, reason = "a few labels")]
        let (n, others) = (said.also.len() as f32, (LABELS - 1 - said.also.len().min(LABELS - 1)) as f32);
        // With a confidence of 0, the labels beside it are no likelier than the rest either.
        let rest = 1.0 - first;
        let flat = rest / (n + others).max(1.0);
        let lift = if said.also.is_empty() { 0.0 } else { ALSO_SHARE * said.confidence.clamp(0.0, 1.0) };
        let each = if others > 0.0 { flat * (1.0 - lift) } else { flat };
        let mut p = [each; LABELS];
        p[said.label.index()] = first;
        for label in &said.also {
            p[label.index()] = (rest - each * others) / n;
        }
        Self { probs: LabelProbs::from_weights(p), quotes: said.quotes }
    }
}

/// Why there is no answer for a stretch of talk. The default's answer stands then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoAnswer {
    /// It does not answer, or answers with errors; asked again after a while.
    Down,
    /// It did not answer in time.
    Late,
    /// The limit of requests or tokens a minute leaves no room before the deadline.
    Busy,
    /// The money for this hour of the live, or for the day, is spent.
    OverBudget,
    /// It refused to answer.
    Refused,
    /// Its answer is not what was asked for.
    Unreadable,
    /// The local model failed.
    Failed,
}

impl NoAnswer {
    /// One word, for provenance and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Late => "late",
            Self::Busy => "busy",
            Self::OverBudget => "over-budget",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use clipmill_domain::taxonomy::Label;
    use proptest::prelude::*;

    use super::*;

    fn said(label: Label, also: &[Label], confidence: f32) -> Said {
        Said { label, also: also.to_vec(), confidence, quotes: vec![] }
    }

    #[test]
    fn a_stated_confidence_is_believed_up_to_a_limit_only() {
        let p = Opinion::of_words(said(Label::Gift, &[], 1.0)).probs;
        assert!((p.of(Label::Gift) - MOST_BELIEVED).abs() < 1e-4);
        let certain = Opinion::of_probs(&LabelProbs::certain(Label::Gift), vec![]).probs;
        assert!((certain.of(Label::Gift) - MOST_BELIEVED).abs() < 1e-4);
        let p = Opinion::of_words(said(Label::Gift, &[Label::Promo], 1.0)).probs;
        assert!(p.of(Label::Promo) > 10.0 * p.of(Label::Chat) && p.best().0 == Label::Gift);
        let p = Opinion::of_words(said(Label::Gift, &[Label::Promo], 0.0)).probs;
        assert!(
            p.as_array().iter().all(|p| (p - 1.0 / 18.0).abs() < 1e-4),
            "no confidence says nothing: {p:?}"
        );
    }

    proptest! {
        #[test]
        fn an_opinion_is_a_distribution_with_its_label_first(
            label in 0..LABELS, also in prop::collection::hash_set(0..LABELS, 0..6), confidence in 0.01f32..=1.0,
        ) {
            let label = Label::ALL[label];
            let also: Vec<Label> = also.into_iter().map(|i| Label::ALL[i]).filter(|l| *l != label).take(3).collect();
            let p = Opinion::of_words(said(label, &also, confidence)).probs;
            prop_assert!((p.as_array().iter().sum::<f32>() - 1.0).abs() < 1e-4);
            prop_assert!(p.as_array().iter().all(|p| *p > 0.0));
            prop_assert!(p.of(label) >= p.best().1 - 1e-6);
            let other = Label::ALL.into_iter().find(|l| *l != label && !also.contains(l)).unwrap();
            prop_assert!(also.iter().all(|a| p.of(*a) > p.of(other) && p.of(*a) < p.of(label) ));
        }
    }
}
