//! Speech to words with times: the recogniser, and the live composition of voice activity, recogniser and guards.

mod endpoint;
pub mod live;
mod whisper;
mod words;

pub use endpoint::{Endpoint, EndpointOptions};
pub use whisper::{Search, Weights, Whisper, WhisperOptions};

use clipmill_domain::transcript::Mended;

use crate::{script::join_words, vad::VadError};

/// A recognised word: usually one character in Chinese.
#[derive(Debug, Clone, PartialEq)]
pub struct RecognizedWord {
    /// Without surrounding space; punctuation stays with the word before it.
    pub text: String,
    /// Start, in seconds from the first sample given.
    pub start_s: f64,
    /// End, in seconds from the first sample given; not before `start_s`.
    pub end_s: f64,
    /// The recogniser's probability, 0 to 1.
    pub p: f32,
    /// What the recogniser itself gave, where it was put right.
    pub mended: Option<Mended>,
}

/// A run of words that the recogniser closed: a clause or a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct RecognizedSegment {
    /// Start, in seconds from the first sample given.
    pub start_s: f64,
    /// End, in seconds from the first sample given.
    pub end_s: f64,
    /// In order, inside the segment; never empty.
    pub words: Vec<RecognizedWord>,
}

impl RecognizedSegment {
    /// The words as running text.
    pub fn text(&self) -> String {
        join_words(self.words.iter().map(|w| w.text.as_str()))
    }
}

/// How hard to try: more effort costs more time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Effort {
    /// The cheapest way: what is left when the machine is behind.
    Quick,
    /// As configured.
    #[default]
    Usual,
    /// A second look at sound whose first transcript cannot be right.
    Careful,
}

/// What to recognise, and how.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// 16 kHz mono, -1 to 1; not empty. Silence gives no segments or made-up ones: gate it first.
    pub samples: &'a [f32],
    /// What the words are to be written in, two letters.
    pub language: &'a str,
    /// What else it may be spoken in, two letters each: the recogniser says which of them and `language` it sounds like.
    /// Empty: that is not looked at.
    pub or: &'a [&'a str],
    /// How hard to try.
    pub effort: Effort,
    /// What may be said, as hints. Recognisers are free not to use them.
    pub terms: &'a Terms,
}

/// What may be said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// Names and terms of what is on sale, the likelier first.
    pub names: Vec<String>,
    /// Phrases that are said in every live.
    pub usual: Vec<String>,
}

impl Terms {
    /// No hint at all.
    pub const NONE: &Self = &Self { names: vec![], usual: vec![] };

    /// Of names alone.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        Self { names: names.into_iter().collect(), usual: vec![] }
    }
}

/// What was said. Times are in seconds from the first sample and lie inside the samples.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recognized {
    /// In order.
    pub segments: Vec<RecognizedSegment>,
    /// What it sounds like of the languages asked about; `None` where that was not asked or is not known.
    pub spoken: Option<Spoken>,
}

/// What language sound is in.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoken {
    /// The likeliest of those asked about, two letters.
    pub language: String,
    /// How likely it is among them, 0 to 1.
    pub p: f32,
}

/// Turns sound into words. Implementations hold a loaded model and may be called from any thread.
pub trait Recognizer: Send + Sync {
    /// What is said in the request's samples.
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError>;

    /// Whether [`Effort::Careful`] can give another answer than the usual effort.
    fn can_try_harder(&self) -> bool {
        false
    }

    /// Model, hash, precision and search, for provenance: `whisper-base@60ed5bc3dd/q8/greedy`.
    fn id(&self) -> String;
}

impl<R: Recognizer + ?Sized> Recognizer for std::sync::Arc<R> {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        (**self).transcribe(request)
    }

    fn can_try_harder(&self) -> bool {
        (**self).can_try_harder()
    }

    fn id(&self) -> String {
        (**self).id()
    }
}

/// Speech could not be recognised.
#[derive(Debug, thiserror::Error)]
pub enum AsrError {
    /// The model could not be loaded.
    #[error("the speech model {path} does not load ({why}): run `clipmill models verify`")]
    Load {
        /// Path of the model.
        path: String,
        /// What the engine said.
        why: String,
    },
    /// No samples were given.
    #[error("there is no sound to recognise: no samples were given")]
    NoSound,
    /// A language the model has never heard of.
    #[error("\"{0}\" is not a language the speech model knows: use two letters such as zh or en")]
    UnknownLanguage(String),
    /// The engine failed.
    #[error("speech recognition failed on {seconds:.1} s of sound: {why}")]
    Run {
        /// How much sound it was given, in seconds.
        seconds: f64,
        /// What it said.
        why: String,
    },
    /// Recognition took longer than it may.
    #[error(
        "speech recognition of {seconds:.1} s of sound was given up after {limit_s} s: the machine is overloaded"
    )]
    TooSlow {
        /// How much sound it was given, in seconds.
        seconds: f64,
        /// The deadline in seconds.
        limit_s: u64,
    },
    /// A transcription service failed.
    #[error("the transcription service at {host} failed: {why}")]
    Endpoint {
        /// Its host.
        host: String,
        /// What went wrong; without secrets.
        why: String,
        /// Trying again cannot help: the address, the key or the model is wrong.
        is_final: bool,
    },
    /// Voice activity detection failed.
    #[error(transparent)]
    Vad(#[from] VadError),
}
