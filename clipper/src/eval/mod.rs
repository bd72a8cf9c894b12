//! How good segments are, from sound to closed segments: what is known of a file against what the reader made of it. Pure
//! but for reading the files.

pub mod truth;
mod score;
mod report;

pub use report::{Report, Shown};
pub use score::{Predicted, score};
pub use truth::{TruthLine, read_products, read_truth};

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// A line of a file is not what it should be.
    #[error("{path}, line {line}: {why}")]
    Line {
        /// The file.
        path: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong and what would be right.
        why: String,
    },
}
