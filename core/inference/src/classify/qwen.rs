//! The default classifier: the local language model and a head, offline.

use camino::Utf8Path;
use clipmill_domain::taxonomy::Label;

use super::{Classifier, ClassifyError, Head, LabelProbs};
use crate::llm::{LlmError, Qwen};

/// The language model's feature under a head fitted on it.
#[derive(Debug)]
pub struct QwenClassifier {
    llm: Qwen,
    head: Head,
    id: String,
}

impl QwenClassifier {
    /// Opens the model at `model` with the head at `head`, or with the built-in one.
    pub fn open(model: &Utf8Path, head: Option<&Utf8Path>) -> Result<Self, ClassifyError> {
        let head = head.map_or_else(Head::built_in, Head::load)?;
        Self::new(Qwen::open(model)?, head)
    }

    /// Joins the two; refuses a head that was fitted on another feature.
    pub fn new(llm: Qwen, head: Head) -> Result<Self, ClassifyError> {
        let feature = llm.feature_id();
        if head.facts().feature != feature || head.width() != llm.width() {
            return Err(ClassifyError::OtherFeature { head: head.facts().feature.clone(), model: feature });
        }
        let id = format!("{feature}/head@{}", head.short_hash()?);
        Ok(Self { llm, head, id })
    }

    /// The model and the head apart, so that another head can be put under the same model.
    pub fn into_parts(self) -> (Qwen, Head) {
        (self.llm, self.head)
    }

    /// The head in use.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The model in use.
    pub fn llm(&self) -> &Qwen {
        &self.llm
    }
}

impl Classifier for QwenClassifier {
    fn classify(&self, texts: &[&str]) -> Result<Vec<LabelProbs>, ClassifyError> {
        texts
            .iter()
            .map(|text| match self.llm.hidden_mean(text.trim()) {
                Ok(feature) => Ok(self.head.apply(&feature)),
                Err(LlmError::Empty) => Ok(LabelProbs::certain(Label::Chat)),
                Err(e) => Err(e.into()),
            })
            .collect()
    }

    fn id(&self) -> String {
        self.id.clone()
    }
}
