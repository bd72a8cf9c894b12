//! The default first; what it is unsure of goes to a model that answers in words.
//!
//! How two answers become one: as evidence that is joined. The default gives calibrated probabilities; the other one's
//! opinion is taken for a witness that is right as often as [`super::answering::Opinion`] allows it to be. By Bayes' rule
//! for two witnesses that err apart from each other, the joined probability of a label is the product of both, scaled
//! so that all sum to one. So agreement makes sure, disagreement makes unsure, and an opinion without confidence changes
//! nothing. They do not err quite apart (both read the same misheard words), and the default's smallest probabilities
//! are not to be trusted to the last digit: before the product, [`EVEN_SHARE`] of it is spread over all labels, so that a
//! label which it thinks impossible can still win by a sure opinion, and barely.

use std::{collections::HashMap, sync::Arc};

use super::{
    Answer, Classifier, ClassifyError, LABELS, LabelProbs, Live, Talk,
    answering::{Answerer, NoAnswer, Opinion},
};

/// Share of the default's probability that is spread evenly before it is joined. Measured on held-out talk, the right label
/// is among the default's first two for 985 in 1000, so of the unsure fifth about one in thirteen lies beyond them; the
/// share is of that size.
const EVEN_SHARE: f32 = 0.08;

/// What goes on to the second model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CascadeOptions {
    /// Talk whose best label has a calibrated probability below this is asked about; 0 asks about nothing, 1 about all.
    pub below: f32,
}

/// Two classifiers as one.
pub struct Cascade {
    first: Arc<dyn Classifier>,
    second: Arc<dyn Answerer>,
    options: CascadeOptions,
}

impl std::fmt::Debug for Cascade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cascade").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Cascade {
    /// `first` answers everything, `second` is asked about what that is unsure of.
    pub fn new(first: Arc<dyn Classifier>, second: Arc<dyn Answerer>, options: CascadeOptions) -> Self {
        Self { first, second, options }
    }

    fn is_unsure(&self, talk: &Talk<'_>, answer: &Answer) -> bool {
        !talk.text.trim().is_empty()
            && (answer.probs.best().1 < self.options.below || self.options.below >= 1.0)
    }
}

impl Classifier for Cascade {
    fn classify(&self, talk: &[Talk<'_>]) -> Result<Vec<Answer>, ClassifyError> {
        self.classify_live(talk, Live::UNKNOWN)
    }

    fn classify_live(&self, talk: &[Talk<'_>], live: Live<'_>) -> Result<Vec<Answer>, ClassifyError> {
        let mut answers = self.first.classify_live(talk, live)?;
        let unsure: Vec<usize> = talk
            .iter()
            .zip(&answers)
            .enumerate()
            .filter(|(_, (t, a))| self.is_unsure(t, a))
            .map(|(i, _)| i)
            .collect();
        if unsure.is_empty() {
            return Ok(answers);
        }
        let asked: Vec<Talk<'_>> = unsure.iter().map(|i| talk[*i]).collect();
        let opinions = self.second.ask(&asked, live);
        let second = self.second.id();
        let mut without: HashMap<NoAnswer, usize> = HashMap::new();
        // An answerer that gives too few leaves the default's answer for the rest.
        let opinions = opinions.into_iter().chain(std::iter::repeat(Err(NoAnswer::Unreadable)));
        for (i, opinion) in unsure.iter().zip(opinions) {
            let answer = &mut answers[*i];
            match opinion {
                Ok(opinion) => *answer = joined(answer, opinion, &second),
                Err(why) => {
                    *without.entry(why).or_default() += 1;
                    answer.by = format!("{}, no answer of {second} ({why})", answer.by).into();
                }
            }
        }
        tracing::debug!(
            talk = talk.len(),
            unsure = unsure.len(),
            monotonic_counter.clipmill_cascade_asked = unsure.len() as u64,
            "asked about what the default is unsure of"
        );
        for (why, count) in without {
            tracing::info!(
                why = why.word(),
                monotonic_counter.clipmill_cascade_fallback = count as u64,
                "the default's answer stands: there is none of the language model"
            );
        }
        Ok(answers)
    }

    fn id(&self) -> String {
        format!("{} below {} > {}", self.first.id(), self.options.below, self.second.id())
    }
}

/// The default's answer and an opinion, as one.
fn joined(first: &Answer, opinion: Opinion, second: &str) -> Answer {
    #[expect(clippy::cast_precision_loss, reason = "eighteen labels")]
    let even = EVEN_SHARE / LABELS as f32;
    let mut p = *first.probs.as_array();
    for (p, q) in p.iter_mut().zip(opinion.probs.as_array()) {
        *p = ((1.0 - EVEN_SHARE) * *p + even) * q;
    }
    let mut quotes = opinion.quotes;
    quotes.extend(first.quotes.iter().filter(|q| !quotes.contains(q)).cloned().collect::<Vec<_>>());
    Answer { probs: LabelProbs::from_weights(p), quotes, by: format!("{} + {second}", first.by).into() }
}

#[cfg(test)]
mod tests;
