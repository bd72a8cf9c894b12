//! The local language model as a feature extractor: text in, one vector out.
//!
//! A small decoder (Qwen2 family) is run up to a middle layer ([`FEATURE_LAYERS`]); the mean of that layer's states over the
//! tokens is what the classifier's head reads. The output layer and the layers above are never loaded.
//!
//! Order of things: `shape` reads what the GGUF file says about itself, `padded` makes the weights fast on
//! a CPU and keeps them on disk, `layers` is the forward pass over the arithmetic in `arithmetic`, and
//! [`Qwen`] joins them with the tokenizer. [`Decoder`] is the same loaded whole, for larger models that are to answer.
//! [`limit_threads`] is for `main`.

mod arithmetic;
mod decoder;
mod layers;
mod padded;
mod qwen;
mod shape;
mod threads;

pub(crate) use arithmetic::{add, dot, softmax};
#[cfg(test)]
pub(crate) use decoder::tests::tiny_decoder;
pub use decoder::{Decoder, DecoderOptions, MAX_READ_TOKENS, Memory};
pub use qwen::{Embedding, Qwen, QwenOptions};
pub use threads::{limit_threads, threads};

use camino::Utf8PathBuf;

/// How many layers of the model the feature uses: its state is tapped after this one (counted from 1).
pub const FEATURE_LAYERS: usize = 10;

/// Tokens of one text that are read at most; what follows is dropped and the drop is logged.
pub const MAX_TOKENS: usize = 512;

/// Why the language model cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// The model file cannot be read.
    #[error("cannot read the model {path}: {source}; fetch it with `clipmill models fetch`")]
    Read {
        /// The model file.
        path: Utf8PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{path} is not a GGUF file (it starts with {start:?}); fetch the model again")]
    NotGguf {
        /// The file.
        path: Utf8PathBuf,
        /// Its first bytes, as text.
        start: String,
    },
    /// A GGUF file that is cut short or lacks something.
    #[error("the model {path} is broken or incomplete: {reason}; fetch it again")]
    Broken {
        /// The model file.
        path: Utf8PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A sound GGUF file of a kind that this code does not run.
    #[error("the model {path} cannot be used here: {reason}")]
    Unsupported {
        /// The model file.
        path: Utf8PathBuf,
        /// Why not.
        reason: String,
    },
    /// The text could not be split into tokens.
    #[error("cannot split a text of {bytes} bytes into tokens: {reason}")]
    Tokenize {
        /// Length of the text.
        bytes: usize,
        /// What the tokenizer said.
        reason: String,
    },
    /// More than is read at all.
    #[error("a question of {tokens} tokens is too long: at most {MAX_READ_TOKENS} are read")]
    TooLong {
        /// Tokens with what was read before.
        tokens: usize,
    },
    /// Nothing to read: the text holds no token.
    #[error("an empty text has no state to average; leave blank texts out")]
    Empty,
    /// The arithmetic failed: a fault of the program or of memory.
    #[error("the model's arithmetic failed: {0}")]
    Compute(#[from] candle_core::Error),
}
