//! Who speaks, by sound alone: a print of each stretch of speech, and voices told apart by their prints.

mod mel;
mod network;
mod voices;

use camino::Utf8Path;

pub use network::Voiceprints;
pub use voices::Voices;

/// Numbers of a print.
pub const PRINT: usize = 256;
/// Speech shorter than this, in seconds, has no print: too little of a voice is in it.
pub const SECONDS_MIN: f64 = 1.0;

/// What a voice sounds like: a direction of length 1. The more alike two voices, the nearer to 1 is their product.
#[derive(Debug, Clone, PartialEq)]
pub struct Print(Vec<f32>);

impl Print {
    /// Of any numbers; `None` where they have no direction.
    pub fn new(mut values: Vec<f32>) -> Option<Self> {
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        if !(length.is_finite() && length > 0.0) {
            return None;
        }
        values.iter_mut().for_each(|v| *v /= length);
        Some(Self(values))
    }

    /// How alike two are: -1 to 1.
    pub fn likeness(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }

    /// Its numbers.
    pub fn values(&self) -> &[f32] {
        &self.0
    }
}

/// Gives prints of speech. Implementations hold a loaded model and may be called from any thread.
pub trait Printer: Send + Sync + std::fmt::Debug {
    /// The prints of stretches of speech (16 kHz mono, -1 to 1), one for each; `None` for one that is too short.
    fn prints(&self, speech: &[&[f32]]) -> Result<Vec<Option<Print>>, VoiceprintError>;
}

/// The network could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum VoiceprintError {
    /// The model file is unusable.
    #[error("cannot load the voice model {path}: {why}; fetch it again with `clipmill models fetch`")]
    Load {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// It failed while running.
    #[error("telling voices apart failed: {0}")]
    Run(#[from] candle_core::Error),
}

fn cannot_load(path: &Utf8Path, why: &impl ToString) -> VoiceprintError {
    VoiceprintError::Load { path: path.to_string(), why: why.to_string() }
}
