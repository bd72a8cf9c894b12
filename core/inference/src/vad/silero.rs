//! Silero's network through whisper.cpp.
//!
//! whisper.cpp forgets the network's state at each call, so a stream is run in small blocks, each with half a second before it
//! for context; only the block's own probabilities are kept. Blocks lie at fixed places from the start of the stream,
//! whatever sizes the samples come in.

use camino::Utf8Path;
use whisper_rs::{WhisperVadContext, WhisperVadContextParams};

use super::{FRAME, Memory, Voice};

/// Frames in a block: 192 ms, the most that detection lags behind the sound.
const BLOCK: usize = 6;
/// Frames of context before a block: half a second. A second gives the same decisions (1.5 % of frames differ from those over the
/// whole sound, either way) for nearly twice the work.
const CONTEXT: usize = 16;

/// How long the network goes on after the last sound of speech: 135, 130 and 108 ms in the median over 22, 24 and 18 ends of
/// two Chinese lives and an English one. Taken off, ends are 10 to 24 ms off; starts need nothing (6 to 16 ms).
const LAG_S: f64 = 0.125;

/// Voice activity detection failed.
#[derive(Debug, thiserror::Error)]
pub enum VadError {
    /// The model could not be loaded.
    #[error("the voice activity model {0} does not load: run `clipmill models verify silero-vad`")]
    Load(String),
    /// The network failed on samples.
    #[error("voice activity detection failed: {0}")]
    Run(String),
}

/// The loaded network. Used by one stream at a time.
#[derive(Debug)]
pub struct Vad {
    context: WhisperVadContext,
}

impl Vad {
    /// Loads the model file at `path`.
    pub fn load(path: &Utf8Path) -> Result<Self, VadError> {
        whisper_rs::install_logging_hooks();
        let mut params = WhisperVadContextParams::new();
        params.set_n_threads(1);
        let context =
            WhisperVadContext::new(path.as_str(), params).map_err(|_| VadError::Load(path.to_string()))?;
        Ok(Self { context })
    }

    /// The probability of speech for each frame of `samples`, from a fresh state; the last frame is padded with silence.
    pub fn speech_probs(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        if samples.is_empty() {
            return Ok(vec![]);
        }
        self.context.detect_speech(samples).map_err(|e| VadError::Run(e.to_string()))?;
        Ok(self.context.probabilities().to_vec())
    }

    /// A stream over this network.
    pub fn into_stream(self) -> SileroStream {
        SileroStream { vad: self, held: vec![], context: 0 }
    }
}

/// Speech probabilities of a stream. See [`Voice`].
#[derive(Debug)]
pub struct SileroStream {
    vad: Vad,
    /// Context frames already answered, then samples not yet answered.
    held: Vec<f32>,
    /// How many samples of `held` are context; whole frames.
    context: usize,
}

impl SileroStream {
    /// Runs the block of `samples` samples after the context and moves on past it.
    fn block(&mut self, samples: usize) -> Result<Vec<f32>, VadError> {
        let end = self.context + samples;
        let probs = self.vad.speech_probs(&self.held[..end])?;
        let answer = probs.get(self.context / FRAME..).unwrap_or_default().to_vec();
        let keep = end.saturating_sub(CONTEXT * FRAME);
        self.held.drain(..keep);
        self.context = end - keep;
        Ok(answer)
    }
}

impl Voice for SileroStream {
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        self.held.extend_from_slice(samples);
        let mut probs = vec![];
        while self.held.len() - self.context >= BLOCK * FRAME {
            probs.extend(self.block(BLOCK * FRAME)?);
        }
        Ok(probs)
    }

    fn lag_s(&self) -> f64 {
        LAG_S
    }

    fn memory(&self) -> Memory {
        Memory { block: BLOCK as u64, context: CONTEXT as u64 }
    }

    fn finish(&mut self) -> Result<Vec<f32>, VadError> {
        let rest = self.held.len() - self.context;
        let probs = if rest > 0 { self.block(rest)? } else { vec![] };
        self.held.clear();
        self.context = 0;
        Ok(probs)
    }
}
