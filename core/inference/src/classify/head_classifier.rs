//! The default classifier: features and a head, offline.

use std::sync::Arc;

use camino::Utf8Path;
use clipmill_domain::taxonomy::Label;

use super::{Answer, Classifier, ClassifyError, Encoder as _, Features, Head, LabelProbs, Talk, Tier};

/// Features under a head fitted on them.
#[derive(Debug)]
pub struct HeadClassifier {
    features: Arc<Features>,
    head: Head,
    id: Arc<str>,
}

impl HeadClassifier {
    /// Opens the models of `tier` (the sentence encoder at `sentence`, the language model at `llm`) with the head at
    /// `head`, or with the tier's built-in one.
    pub fn open(
        tier: Tier,
        sentence: &Utf8Path,
        llm: &Utf8Path,
        head: Option<&Utf8Path>,
    ) -> Result<Self, ClassifyError> {
        let head = head.map_or_else(|| Head::built_in(tier), Head::load)?;
        Self::new(Features::open(tier, sentence, llm)?, head)
    }

    /// Joins the two; refuses a head that was fitted on other features.
    pub fn new(features: impl Into<Arc<Features>>, head: Head) -> Result<Self, ClassifyError> {
        let features = features.into();
        let feature = features.feature_id();
        let widths: Vec<usize> = features.parts().iter().map(|p| p.width).collect();
        if head.facts().feature != feature || head.facts().widths != widths {
            return Err(ClassifyError::OtherFeature { head: head.facts().feature.clone(), model: feature });
        }
        let id = format!("{feature}/head@{}", head.short_hash()?).into();
        Ok(Self { features, head, id })
    }

    /// The models and the head apart, so that another head can be put under the same models.
    pub fn into_parts(self) -> (Arc<Features>, Head) {
        (self.features, self.head)
    }

    /// Another head over the same models, which both share.
    pub fn with_head(&self, head: Head) -> Result<Self, ClassifyError> {
        Self::new(Arc::clone(&self.features), head)
    }

    /// The head in use.
    pub fn head(&self) -> &Head {
        &self.head
    }
}

impl Classifier for HeadClassifier {
    fn classify(&self, talk: &[Talk<'_>]) -> Result<Vec<Answer>, ClassifyError> {
        let answer = |talk: &Talk<'_>| {
            let text = talk.text.trim();
            let probs = if text.is_empty() {
                LabelProbs::certain(Label::Chat)
            } else {
                self.head.apply(&self.features.encode(text)?)
            };
            Ok(Answer { probs, quotes: vec![], by: Arc::clone(&self.id) })
        };
        talk.iter().map(answer).collect()
    }

    fn id(&self) -> String {
        self.id.to_string()
    }
}
