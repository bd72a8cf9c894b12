//! A probability for each label.

use clipmill_domain::taxonomy::Label;
use serde::{Deserialize, Serialize};

use super::LABELS;
use crate::llm::softmax;

/// A probability for each label, in the order of [`Label::ALL`]; they sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelProbs([f32; LABELS]);

impl LabelProbs {
    /// From a head's scores (logits): their softmax.
    pub fn from_scores(mut scores: [f32; LABELS]) -> Self {
        softmax(&mut scores);
        Self(scores)
    }

    /// From weights of any sum; alike for all labels where there is no weight. Weights below zero or beyond all numbers
    /// count for nothing.
    pub fn from_weights(weights: [f32; LABELS]) -> Self {
        let weights = weights.map(|w| if w.is_finite() { w.max(0.0) } else { 0.0 });
        let sum: f32 = weights.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "eighteen labels")]
        let even = 1.0 / LABELS as f32;
        Self(weights.map(|w| if sum > 0.0 { w / sum } else { even }))
    }

    /// All on one label.
    pub fn certain(label: Label) -> Self {
        let mut p = [0.0; LABELS];
        p[label.index()] = 1.0;
        Self(p)
    }

    /// The mean of several, each counting by its weight (for example its length); `None` without any weight.
    pub fn mean<'a>(of: impl IntoIterator<Item = (&'a Self, f32)>) -> Option<Self> {
        let (mut sum, mut whole) = ([0.0; LABELS], 0.0);
        for (p, weight) in of {
            whole += weight;
            for (s, p) in sum.iter_mut().zip(&p.0) {
                *s += p * weight;
            }
        }
        (whole > 0.0).then(|| Self(sum.map(|s| s / whole)))
    }

    /// The probability of `label`, 0 to 1.
    pub fn of(&self, label: Label) -> f32 {
        self.0[label.index()]
    }

    /// The most probable label with its probability; the earlier one in the taxonomy on a tie.
    pub fn best(&self) -> (Label, f32) {
        Label::ALL
            .into_iter()
            .zip(self.0)
            .fold((Label::Chat, f32::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
    }

    /// The `n` most probable labels, best first.
    pub fn top(&self, n: usize) -> Vec<(Label, f32)> {
        let mut all: Vec<_> = Label::ALL.into_iter().zip(self.0).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all.truncate(n);
        all
    }

    /// All probabilities, in the order of [`Label::ALL`].
    pub fn as_array(&self) -> &[f32; LABELS] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn probabilities_sum_to_one_and_agree_about_the_best(scores in prop::array::uniform18(-40.0f32..40.0), n in 0usize..30) {
            let p = LabelProbs::from_scores(scores);
            prop_assert!((p.as_array().iter().sum::<f32>() - 1.0).abs() < 1e-4);
            let top = p.top(n);
            prop_assert_eq!(top.len(), n.min(LABELS));
            prop_assert!(top.windows(2).all(|w| w[0].1 >= w[1].1));
            if let Some(first) = top.first() {
                prop_assert_eq!(*first, p.best());
            }
            prop_assert!(top.iter().all(|(label, q)| p.of(*label) == *q));
        }
    }

    #[test]
    fn a_mean_counts_by_weight() {
        let (a, b) = (LabelProbs::certain(Label::Fabric), LabelProbs::certain(Label::Chat));
        let mean = LabelProbs::mean([(&a, 3.0), (&b, 1.0)]).unwrap();
        assert_eq!((mean.of(Label::Fabric), mean.of(Label::Chat)), (0.75, 0.25));
        assert_eq!(LabelProbs::mean([(&a, 0.0)]), None);
        assert_eq!(LabelProbs::mean([]), None);
    }
}
