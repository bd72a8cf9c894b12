//! Finer labels of a text: the fitted packs with the encoder they were fitted on.

use camino::Utf8Path;
use clipmill_domain::{selling_point::FineLabel, taxonomy::Taxonomy};

use super::{ClassifyError, FineLabels, LabelProbs};
use crate::sentence::SentenceEncoder;

/// Finds finer labels in texts.
#[derive(Debug)]
pub struct Finer {
    encoder: SentenceEncoder,
    labels: FineLabels,
    /// Packs that are not built in: a brand's own, which always answer.
    own: Vec<String>,
}

impl Finer {
    /// Loads the sentence encoder at `sentence` and fits every pack of `taxonomy`: about a second of CPU time.
    pub fn open(sentence: &Utf8Path, taxonomy: &Taxonomy) -> Result<Self, ClassifyError> {
        let encoder = SentenceEncoder::load(sentence)?;
        let labels = FineLabels::fit(taxonomy, &encoder)?;
        let known: Vec<&str> = Taxonomy::built_in().packs().iter().map(|p| p.key.as_str()).collect();
        let packs = taxonomy.packs().iter().map(|p| p.key.clone());
        let own = packs.filter(|key| !known.contains(&key.as_str())).collect();
        Ok(Self { encoder, labels, own })
    }

    /// The finer labels of a text whose base labels are `probs`, best first: those of the packs outside the built-in
    /// ones, and of the pack `category`, if there is one of that name.
    pub fn labels(
        &self,
        text: &str,
        probs: &LabelProbs,
        category: Option<&str>,
    ) -> Result<Vec<FineLabel>, ClassifyError> {
        let mut packs: Vec<&str> = self.own.iter().map(String::as_str).collect();
        packs.extend(category);
        if packs.is_empty() {
            return Ok(vec![]);
        }
        Ok(self.labels.labels(&self.encoder.encode(text)?, probs, &packs))
    }
}
