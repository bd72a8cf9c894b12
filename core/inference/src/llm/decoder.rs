//! The whole model as an answerer: it goes on from what it has read, and says how likely each next token is.

use camino::{Utf8Path, Utf8PathBuf};
use candle_core::{
    Device, Tensor,
    quantized::{QTensor, gguf_file::Content, tokenizer::TokenizerFromGguf},
};
use tokenizers::Tokenizer;

use super::{
    LlmError,
    arithmetic::{dot, norm_rows},
    layers::{Layers, Past},
    padded,
    qwen::{Loader, check, slow_matrices},
    shape::{self, Gguf, Shape},
};

/// Tokens read in one go: bounds the memory for the numbers between layers.
const BLOCK: usize = 256;

/// Tokens that a beginning and a question may have together.
pub const MAX_READ_TOKENS: usize = 8192;

/// How to open a model for answering.
#[derive(Debug, Clone)]
pub struct DecoderOptions {
    /// Keep the padded weights in a file beside the model. Without it they are made at each start.
    pub cache: bool,
    /// Full-precision weights instead of padded Q8_0: slow and four times as large, for checking only.
    pub full_precision: bool,
}

impl Default for DecoderOptions {
    fn default() -> Self {
        Self { cache: true, full_precision: false }
    }
}

/// A decoder of the Qwen2, Qwen3 or Llama family, loaded whole.
///
/// The output layer is not multiplied out: only the rows of the tokens that are asked about are, which for the names of
/// the labels is some dozens of a hundred thousand.
pub struct Decoder {
    name: String,
    stamp: padded::Stamp,
    tokenizer: Tokenizer,
    begin: Option<u32>,
    layers: Layers,
    norm: Vec<f32>,
    /// One row for each token; `None` where the rows of the embedding serve for both.
    output: Option<QTensor>,
    path: Utf8PathBuf,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("path", &self.path).field("id", &self.id()).finish_non_exhaustive()
    }
}

/// What a decoder has read; reading goes on from there.
#[derive(Debug, Clone, Default)]
pub struct Memory(Past);

impl Memory {
    /// Tokens read.
    pub fn tokens(&self) -> usize {
        self.0.len()
    }

    /// Forgets all but the first `tokens`.
    pub fn back_to(&mut self, tokens: usize) {
        self.0.truncate(tokens);
    }
}

impl Decoder {
    /// Opens the GGUF file at `path` whole. The first opening of a model takes a while and writes the padded weights beside
    /// it, where its own are slow on a CPU; later ones read them.
    pub fn open(path: &Utf8Path) -> Result<Self, LlmError> {
        Self::open_with(path, &DecoderOptions::default())
    }

    /// Opens the GGUF file at `path` as `options` say.
    pub fn open_with(path: &Utf8Path, options: &DecoderOptions) -> Result<Self, LlmError> {
        let mut gguf = shape::open(path)?;
        let shape = Shape::of(path, &gguf.content)?;
        let kind =
            gguf.content.metadata.get("tokenizer.ggml.model").and_then(|k| k.to_string().ok().cloned());
        if let Some(kind) = kind.filter(|k| k != "gpt2") {
            let reason = format!("its tokenizer is {kind:?} and only \"gpt2\" (byte pairs) is run");
            return Err(LlmError::Unsupported { path: path.to_owned(), reason });
        }
        let tokenizer = Tokenizer::from_gguf(&gguf.content)
            .map_err(|e| LlmError::Broken { path: path.to_owned(), reason: format!("its tokenizer: {e}") })?;
        let slow = if options.full_precision { vec![] } else { slow_matrices(path, &gguf, shape.layers)? };
        let keep = options.cache && !options.full_precision && !slow.is_empty();
        let (stamp, padded) = padded::load_or_make(path, &mut gguf, &slow, shape.layers, keep)?;
        let mut loader = Loader { path, gguf: &mut gguf, padded, full: options.full_precision };
        let layers = (0..shape.layers).map(|i| loader.layer(i, &shape)).collect::<Result<_, _>>()?;
        let embedding = padded::tensor(path, &mut gguf, "token_embd.weight")?;
        check(path, "token_embd.weight", &embedding, None, shape.width)?;
        let norm = numbers(path, &mut gguf, "output_norm.weight", shape.width)?;
        let has = |gguf: &Gguf, name: &str| gguf.content.tensor_infos.contains_key(name);
        let rope_factors = if has(&gguf, "rope_freqs.weight") {
            Some(numbers(path, &mut gguf, "rope_freqs.weight", shape.head_width / 2)?)
        } else {
            None
        };
        let output = if has(&gguf, "output.weight") {
            let output = padded::tensor(path, &mut gguf, "output.weight")?;
            check(path, "output.weight", &output, Some(embedding.shape().dims()[0]), shape.width)?;
            Some(output)
        } else {
            None
        };
        let name = shape::name(path, &gguf.content);
        let begin = begin(&gguf.content);
        let layers = Layers { shape, embedding, layers, rope_factors };
        Ok(Self { name, stamp, tokenizer, begin, layers, norm, output, path: path.to_owned() })
    }

    /// Name and first eight digits of the file's SHA-256.
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.stamp.sha256.get(..8).unwrap_or_default())
    }

    /// The model's file.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Tokens that the model knows.
    pub fn vocabulary(&self) -> usize {
        self.layers.embedding.shape().dims()[0]
    }

    /// The token that a text begins with, where the model wants one.
    pub fn begin(&self) -> Option<u32> {
        self.begin
    }

    /// The token ids of `text`, without any added beginning or end; not bounded.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, LlmError> {
        let bad = |reason: String| LlmError::Tokenize { bytes: text.len(), reason };
        let encoded = self.tokenizer.encode_fast(text, false).map_err(|e| bad(e.to_string()))?;
        let ids = encoded.get_ids().to_vec();
        match ids.iter().find(|id| **id as usize >= self.vocabulary()) {
            Some(id) => Err(bad(format!("token {id} has no row in the model"))),
            None => Ok(ids),
        }
    }

    /// Reads `ids` after what `memory` holds: the normed state of the last of them. `memory` then holds them too.
    ///
    /// # Errors
    /// [`LlmError::Empty`] without any token, [`LlmError::TooLong`] beyond [`MAX_READ_TOKENS`]; `memory` is then as before.
    pub fn read(&self, ids: &[u32], memory: &mut Memory) -> Result<Vec<f32>, LlmError> {
        let tokens = memory.tokens() + ids.len();
        if tokens > MAX_READ_TOKENS {
            return Err(LlmError::TooLong { tokens });
        }
        let mut last = vec![];
        for block in ids.chunks(BLOCK) {
            last = self.layers.go_on(block, &mut memory.0)?;
        }
        let width = self.layers.shape.width;
        let from = last.len().checked_sub(width).ok_or(LlmError::Empty)?;
        Ok(norm_rows(&last[from..], &self.norm, self.layers.shape.epsilon, width))
    }

    /// The scores (logits) of `tokens` to be the next one after a state that [`Decoder::read`] gave.
    pub fn scores(&self, state: &[f32], tokens: &[u32]) -> Result<Vec<f32>, LlmError> {
        if tokens.is_empty() {
            return Ok(vec![]);
        }
        let rows = self.output.as_ref().unwrap_or(&self.layers.embedding);
        let rows: Vec<f32> = rows.embedding(&Tensor::new(tokens, &Device::Cpu)?)?.flatten_all()?.to_vec1()?;
        Ok(rows.chunks_exact(state.len()).map(|row| dot(row, state)).collect())
    }
}

/// A vector of the file that belongs to no layer.
fn numbers(path: &Utf8Path, gguf: &mut Gguf, name: &str, len: usize) -> Result<Vec<f32>, LlmError> {
    let tensor = padded::tensor(path, gguf, name)?.dequantize(&Device::Cpu)?;
    if tensor.dims() != [len] {
        let reason = format!("{name} has the form {:?} where {len} is wanted", tensor.dims());
        return Err(LlmError::Broken { path: path.to_owned(), reason });
    }
    Ok(tensor.to_vec1()?)
}

/// The token that texts begin with, if the file says that they do; Llama's do unless it says that they do not.
fn begin(content: &Content) -> Option<u32> {
    let value = |key: &str| content.metadata.get(key);
    let is_llama = value("general.architecture").is_some_and(|a| a.to_string().is_ok_and(|a| a == "llama"));
    let wanted = value("tokenizer.ggml.add_bos_token").and_then(|v| v.to_bool().ok()).unwrap_or(is_llama);
    value("tokenizer.ggml.bos_token_id").and_then(|v| v.to_u32().ok()).filter(|_| wanted)
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
pub(super) mod tests;
