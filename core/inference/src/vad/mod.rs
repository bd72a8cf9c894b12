//! Where people speak: a probability of speech for each 32 ms, and chunks of speech cut at pauses.

mod chunker;
mod silero;

pub use chunker::{Chunk, ChunkerConfig, Closed, VadChunker};
pub use silero::{SileroStream, Vad, VadError};

/// Samples a probability is for: 32 ms at 16 kHz.
pub const FRAME: usize = 512;

/// Samples a second of everything in this crate that is sound.
pub const SAMPLE_RATE: u32 = 16_000;

/// Length of a frame in seconds.
pub const FRAME_SECONDS: f64 = FRAME as f64 / SAMPLE_RATE as f64;

/// How far a frame's probability depends on what was heard before it, in frames. With the same sound from a block's border
/// on, `context` frames or more before a frame's block, the probability is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Frames that are answered together, counted from the start of the stream; at least 1.
    pub block: u64,
    /// Frames before a block that weigh in.
    pub context: u64,
}

impl Memory {
    /// Of a voice to which every frame is new.
    pub const NONE: Self = Self { block: 1, context: 0 };
}

/// A source of speech probabilities that is fed a running stream.
pub trait Voice {
    /// Takes the next samples (any number; 16 kHz mono, -1 to 1) and gives the probabilities, 0 to 1, of the frames that
    /// they completed. How the stream is divided among calls does not change the probabilities.
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError>;

    /// How long after the end of speech, in seconds, the probabilities still stay high.
    fn lag_s(&self) -> f64 {
        0.0
    }

    /// How far back it remembers.
    fn memory(&self) -> Memory {
        Memory::NONE
    }

    /// Gives the probabilities of the frames still held back, the last padded with silence, and starts afresh.
    fn finish(&mut self) -> Result<Vec<f32>, VadError>;
}
