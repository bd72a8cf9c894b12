//! The default classifier: the local language model and a head, offline.

use std::sync::Arc;

use camino::Utf8Path;
use clipmill_domain::taxonomy::Label;

use super::{Answer, Classifier, ClassifyError, Head, LabelProbs, Talk};
use crate::llm::{LlmError, Qwen};

/// The language model's feature under a head fitted on it.
#[derive(Debug)]
pub struct QwenClassifier {
    llm: Arc<Qwen>,
    head: Head,
    id: Arc<str>,
}

impl QwenClassifier {
    /// Opens the model at `model` with the head at `head`, or with the built-in one.
    pub fn open(model: &Utf8Path, head: Option<&Utf8Path>) -> Result<Self, ClassifyError> {
        let head = head.map_or_else(Head::built_in, Head::load)?;
        Self::new(Qwen::open(model)?, head)
    }

    /// Joins the two; refuses a head that was fitted on another feature.
    pub fn new(llm: impl Into<Arc<Qwen>>, head: Head) -> Result<Self, ClassifyError> {
        let llm = llm.into();
        let feature = llm.feature_id();
        if head.facts().feature != feature || head.width() != llm.width() {
            return Err(ClassifyError::OtherFeature { head: head.facts().feature.clone(), model: feature });
        }
        let id = format!("{feature}/head@{}", head.short_hash()?).into();
        Ok(Self { llm, head, id })
    }

    /// The model and the head apart, so that another head can be put under the same model.
    pub fn into_parts(self) -> (Arc<Qwen>, Head) {
        (self.llm, self.head)
    }

    /// Another head over the same model, which both share.
    pub fn with_head(&self, head: Head) -> Result<Self, ClassifyError> {
        Self::new(Arc::clone(&self.llm), head)
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
    fn classify(&self, talk: &[Talk<'_>]) -> Result<Vec<Answer>, ClassifyError> {
        let answer = |talk: &Talk<'_>| {
            let probs = match self.llm.hidden_mean(talk.text.trim()) {
                Ok(feature) => self.head.apply(&feature),
                Err(LlmError::Empty) => LabelProbs::certain(Label::Chat),
                Err(e) => return Err(e.into()),
            };
            Ok(Answer { probs, quotes: vec![], by: Arc::clone(&self.id) })
        };
        talk.iter().map(answer).collect()
    }

    fn id(&self) -> String {
        self.id.to_string()
    }
}
