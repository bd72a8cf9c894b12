//! How good transcripts are: a file with a known script is heard as a live is heard, and what came out is measured.
//!
//! Everything but [`mod@hear`] and [`peer`] is pure. The data flows: [`truth`] and [`lexicon`] files are read, the sound is
//! heard ([`hear()`]), both texts are brought into one form ([`normalise`]) and laid side by side ([`align`]); from that
//! come errors, times (`timing`), what was made of silence (`silence`), [`terms`] and `numbers`, together a [`Report`].

pub mod truth;
pub mod lexicon;
pub mod hear;
pub mod normalise;
pub mod align;
mod timing;
mod silence;
pub mod terms;
mod numbers;
mod score;
mod report;
pub mod peer;

pub use hear::{Heard, With, cpu_time, hear};
pub use lexicon::{Term, read_terms};
pub use report::{PeerReport, Report, SentenceReport};
pub use score::{score, score_peer};
pub use truth::{Truth, read_truth};

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
    /// The script goes on after the sound is over.
    #[error(
        "the truth's last sentence ends at {truth_s:.1} s, but the sound lasts {audio_s:.1} s: give the truth that \
         belongs to this file"
    )]
    TruthTooLong {
        /// End of the last sentence, in seconds.
        truth_s: f64,
        /// Length of the sound, in seconds.
        audio_s: f64,
    },
    /// There is a track, but no sample came out of it.
    #[error("{0} holds no sound that can be decoded: check that it plays")]
    NoSound(String),
    /// The sound could not be read.
    #[error(transparent)]
    Media(#[from] clipmill_media::MediaError),
    /// It could not be recognised.
    #[error(transparent)]
    Asr(#[from] clipmill_inference::asr::AsrError),
    /// The other recogniser gave no answer.
    #[error("{0}")]
    Peer(String),
}
