//! What heads read: the direction of a sentence, joined with the mean state of the language model.

use std::str::FromStr;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use super::{ClassifyError, Encoder, Part};
use crate::{
    llm::{FEATURE_LAYERS, Qwen, QwenOptions},
    sentence::{SENTENCE_WIDTH, SentenceEncoder},
};

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The sentence encoder and the language model: the best answers.
    #[default]
    Full,
    /// The sentence encoder alone: a tenth of the time, no language model in memory.
    Short,
}

impl Tier {
    /// Both, the better one first.
    pub const ALL: [Self; 2] = [Self::Full, Self::Short];

    /// `full` or `short`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Short => "short",
        }
    }
}

impl FromStr for Tier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|t| t.key() == text)
            .ok_or_else(|| format!("{text:?} is not full or short"))
    }
}

/// The models of a tier, loaded.
#[derive(Debug)]
pub struct Features {
    sentence: SentenceEncoder,
    llm: Option<Qwen>,
}

impl Features {
    /// Loads the sentence encoder at `sentence`, and with [`Tier::Full`] the language model at `llm`.
    pub fn open(tier: Tier, sentence: &Utf8Path, llm: &Utf8Path) -> Result<Self, ClassifyError> {
        let options = QwenOptions { layers: FEATURE_LAYERS, ..QwenOptions::default() };
        let llm = match tier {
            Tier::Full => Some(Qwen::open_with(llm, &options)?),
            Tier::Short => None,
        };
        Ok(Self { sentence: SentenceEncoder::load(sentence)?, llm })
    }

    /// Which tier these are.
    pub fn tier(&self) -> Tier {
        if self.llm.is_some() { Tier::Full } else { Tier::Short }
    }

    /// The same without the language model.
    pub fn short(self) -> Self {
        Self { sentence: self.sentence, llm: None }
    }
}

impl Encoder for SentenceEncoder {
    fn parts(&self) -> Vec<Part> {
        vec![Part { id: self.id().to_owned(), width: SENTENCE_WIDTH, unit: true }]
    }

    fn encode(&self, text: &str) -> Result<Vec<f32>, ClassifyError> {
        Ok(Self::encode(self, text)?)
    }
}

impl Encoder for Features {
    fn parts(&self) -> Vec<Part> {
        let sentence = Part { id: self.sentence.id().to_owned(), width: SENTENCE_WIDTH, unit: true };
        let llm = self.llm.iter().map(|llm| Part { id: llm.feature_id(), width: llm.width(), unit: false });
        std::iter::once(sentence).chain(llm).collect()
    }

    fn encode(&self, text: &str) -> Result<Vec<f32>, ClassifyError> {
        let mut out = self.sentence.encode(text)?;
        if let Some(llm) = &self.llm {
            out.extend(llm.hidden_mean(text)?);
        }
        Ok(out)
    }
}
