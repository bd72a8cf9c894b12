//! What a stretch of talk is about: texts in, label probabilities out.
//!
//! Order of things: [`Example`]s are read and varied the way recognised talk varies, an [`Encoder`] makes each a
//! vector, [`train_files`] fits a [`Head`] on them and cross-validates it, a [`Report`] says how good that is,
//! and [`HeadClassifier`] joins [`Features`] with a head behind the [`Classifier`] seam. [`answering`] asks larger
//! models in words, here or at a [`Service`], and [`Cascade`] asks them about what the default is unsure of.

pub mod answering;
mod cascade;
mod data;
pub mod endpoint;
mod fine;
mod finer;
mod features;
mod cache;
mod fit;
mod folds;
mod head;
mod head_classifier;
mod probs;
mod report;
mod train;

pub use cache::CachedEncoder;
pub use cascade::{Cascade, CascadeOptions};
pub use data::{Example, Variant, data_sha256, read_examples, variants};
pub use endpoint::{Service, ServiceOptions};
pub use features::{Features, Tier};
pub use fine::{FineFigures, FineLabels};
pub use finer::Finer;
pub use head::{Head, HeadFacts};
pub use head_classifier::HeadClassifier;
pub use probs::LabelProbs;
pub use report::{Judged, LabelFigures, Report};
pub use train::{TrainOptions, Trained, train, train_files};

use std::sync::Arc;

use camino::Utf8PathBuf;

use crate::{llm::LlmError, sentence::SentenceError};

/// Labels that a head tells apart: all of the taxonomy.
pub const LABELS: usize = clipmill_domain::taxonomy::Label::ALL.len();

/// What is asked about: an utterance, with what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk<'a> {
    /// What was said.
    pub text: &'a str,
    /// What was said just before, oldest first; empty at the beginning. For understanding only: the answer is about
    /// `text`.
    pub before: &'a [&'a str],
    /// The product on sale as far as that is known by then: its name.
    pub on_sale: Option<&'a str>,
}

impl<'a> Talk<'a> {
    /// A text by itself.
    pub fn alone(text: &'a str) -> Self {
        Self { text, before: &[], on_sale: None }
    }
}

/// What a stretch of talk is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// A calibrated probability for each label.
    pub probs: LabelProbs,
    /// Words of the text that it rests on, letter for letter as they stand there; empty where the back end names none.
    pub quotes: Vec<String>,
    /// Which model and head answered: a cascade answers with several.
    pub by: Arc<str>,
}

/// Says what talk is about. One answer for each, in order; a blank text is small talk.
pub trait Classifier: Send + Sync {
    /// Blocks for the whole work; not for asynchronous code.
    fn classify(&self, talk: &[Talk<'_>]) -> Result<Vec<Answer>, ClassifyError>;

    /// As [`Classifier::classify`], saying of which live it is, for back ends that keep accounts of what each costs.
    fn classify_live(&self, talk: &[Talk<'_>], live: Live<'_>) -> Result<Vec<Answer>, ClassifyError> {
        let _ = live;
        self.classify(talk)
    }

    /// Which model and head answer; changes whenever the answers may.
    fn id(&self) -> String;
}

/// The hour of a live that talk is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Live<'a> {
    /// Its recording's id; empty where that is not known: all such talk counts as one live.
    pub recording: &'a str,
    /// Whole hours of media time since its beginning.
    pub hour: u32,
}

impl Live<'_> {
    /// Talk of which nobody says where it is from.
    pub const UNKNOWN: Self = Live { recording: "", hour: 0 };
}

/// A stretch of an encoder's vectors: what one model gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Names the model and what is taken of it.
    pub id: String,
    /// Its numbers.
    pub width: usize,
    /// A direction already, to be read as it is; else each number is brought to mean 0 and deviation 1, and then all
    /// of them to length 1.
    pub unit: bool,
}

/// Makes a text a vector of fixed width.
pub trait Encoder: Sync {
    /// What its vectors are made of, in order.
    fn parts(&self) -> Vec<Part>;

    /// The vector of a text that is not blank.
    fn encode(&self, text: &str) -> Result<Vec<f32>, ClassifyError>;

    /// Names models and feature; a head serves only the feature that it was fitted on.
    fn feature_id(&self) -> String {
        self.parts().into_iter().map(|p| p.id).collect::<Vec<_>>().join("+")
    }

    /// Numbers in every vector.
    fn width(&self) -> usize {
        self.parts().iter().map(|p| p.width).sum()
    }
}

/// Why texts cannot be classified or a head cannot be fitted.
#[derive(Debug, thiserror::Error)]
pub enum ClassifyError {
    /// The language model failed.
    #[error(transparent)]
    Llm(#[from] LlmError),
    /// The sentence encoder failed.
    #[error(transparent)]
    Sentence(#[from] SentenceError),
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: Utf8PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of labelled text is not what it should be.
    #[error("{path}, line {line}: {reason}; each line is a JSON object with id, text and label")]
    BadLine {
        /// The file.
        path: Utf8PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file is no head, or one of another taxonomy.
    #[error("{origin} is not a usable head: {reason}; train one with `clipmill train classify`")]
    BadHead {
        /// The file, or "the built-in head".
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// The head was fitted on another feature.
    #[error(
        "the head reads {head} and the model gives {model}; train a head for this model, or fetch the other model"
    )]
    OtherFeature {
        /// What the head was fitted on.
        head: String,
        /// What the model gives.
        model: String,
    },
    /// There is too little to fit on.
    #[error("label {label} has {found} examples and {needed} are needed; add some")]
    TooFew {
        /// The label.
        label: &'static str,
        /// Examples there are.
        found: usize,
        /// Examples there must be.
        needed: usize,
    },
    /// The work was told to stop.
    #[error("classification was told to stop")]
    Stopped,
    /// The arithmetic failed: a fault of the program or of memory.
    #[error("fitting failed: {0}")]
    Compute(#[from] candle_core::Error),
}
