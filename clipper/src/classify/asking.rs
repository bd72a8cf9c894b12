//! Asks a classifier about utterances in order, each with what stood around it: the same however many come at once.

use clipmill_domain::{product::Product, transcript::Utterance};
use clipmill_inference::classify::{Answer, Classifier, ClassifyError, Live, Talk};
use serde::{Deserialize, Serialize};

use crate::{
    product::{OnSale, Said},
    reader::Setting,
};

/// How many utterances before are told.
const BEFORE: usize = 3;
/// In microseconds.
const HOUR_US: i64 = 3_600_000_000;

/// What was said last, and what was on sale as far as the words alone tell. Serialisable, so that a restart asks the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Asking {
    before: Vec<String>,
    on_sale: OnSale,
}

impl Asking {
    /// One answer for each of `utterances`. Blocks for the whole work.
    pub fn ask(
        &mut self,
        classifier: &dyn Classifier,
        (setting, products): (&Setting, &[Product]),
        utterances: &[Utterance],
    ) -> Result<Vec<Answer>, ClassifyError> {
        let texts = utterances.iter().map(|u| u.text.as_str());
        let said: Vec<&str> = self.before.iter().map(String::as_str).chain(texts).collect();
        let first = self.before.len();
        let mut talk = vec![];
        for (i, u) in (first..).zip(utterances) {
            // What is small talk is not known yet.
            let heard = Said { text: &u.text, at: u.span.start(), chat: 0.0 };
            let bound = self.on_sale.hear(&setting.products, heard, setting.language);
            let product = bound.and_then(|b| products.iter().find(|p| p.sku == b.sku));
            let before = &said[i.saturating_sub(BEFORE)..i];
            talk.push(Talk { text: said[i], before, on_sale: product.map(|p| p.name.as_str()) });
        }
        let first = utterances.first().map_or(0, |u| u.span.start().as_micros());
        let recording = utterances.first().map(|u| u.recording_id.to_string()).unwrap_or_default();
        let live = Live { recording: &recording, hour: u32::try_from(first / HOUR_US).unwrap_or(0) };
        let answers = classifier.classify_live(&talk, live)?;
        let last = said[said.len().saturating_sub(BEFORE)..].iter().map(|s| (*s).to_owned()).collect();
        self.before = last;
        Ok(answers)
    }
}
