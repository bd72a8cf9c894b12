//! The model as the rest of the crate sees it: a path in, vectors of texts out.

use camino::{Utf8Path, Utf8PathBuf};
use candle_core::{
    Device,
    quantized::{QTensor, tokenizer::TokenizerFromGguf},
};
use tokenizers::Tokenizer;

use super::{
    FEATURE_LAYERS, LlmError, MAX_TOKENS,
    layers::{Layer, Layers, Matrix},
    padded,
    shape::{self, Gguf, Shape},
};

/// How to open a model.
#[derive(Debug, Clone)]
pub struct QwenOptions {
    /// Layers to load, counted from the bottom; the feature is the state after the last of them.
    pub layers: usize,
    /// Keep the padded weights in a file beside the model. Without it they are made at each start.
    pub cache: bool,
    /// Full-precision weights instead of padded Q8_0: slow and four times as large, for checking only.
    pub full_precision: bool,
}

impl Default for QwenOptions {
    fn default() -> Self {
        Self { layers: FEATURE_LAYERS, cache: true, full_precision: false }
    }
}

/// What the model makes of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// Mean over the tokens of the state after the last loaded layer; [`Qwen::width`] numbers, not normalised.
    pub mean: Vec<f32>,
    /// Tokens that went in, [`MAX_TOKENS`] at most.
    pub tokens: usize,
    /// Tokens dropped at the end because the text was too long.
    pub dropped: usize,
}

/// A decoder of the Qwen2 family, loaded up to the layer that the feature is taken from.
///
/// Work happens on the calling thread and on the process-wide pool of the quantised kernels, whose size is
/// chosen once per process: see [`super::limit_threads`]. May be shared between threads; calls at the same time
/// wait for each other inside that pool when it has more than one thread.
pub struct Qwen {
    path: Utf8PathBuf,
    name: String,
    stamp: padded::Stamp,
    tokenizer: Tokenizer,
    layers: Layers,
}

impl std::fmt::Debug for Qwen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Qwen").field("path", &self.path).field("feature", &self.feature_id()).finish()
    }
}

impl Qwen {
    /// Opens the GGUF file at `path` for features: [`FEATURE_LAYERS`] layers, padded weights cached beside it.
    ///
    /// The first opening of a model takes seconds of CPU time and writes the cache (about 230 MB for a model of
    /// half a billion weights); later ones read it.
    pub fn open(path: &Utf8Path) -> Result<Self, LlmError> {
        Self::open_with(path, &QwenOptions::default())
    }

    /// Opens the GGUF file at `path` as `options` say.
    pub fn open_with(path: &Utf8Path, options: &QwenOptions) -> Result<Self, LlmError> {
        let mut gguf = shape::open(path)?;
        let shape = Shape::of(path, &gguf.content)?;
        if options.layers == 0 || options.layers > shape.layers {
            let reason = format!("layer {} is wanted and it has {}", options.layers, shape.layers);
            return Err(LlmError::Unsupported { path: path.to_owned(), reason });
        }
        let slow = slow_matrices(path, &gguf, options.layers)?;
        let slow = if options.full_precision { vec![] } else { slow };
        let (stamp, padded) = padded::load_or_make(
            path,
            &mut gguf,
            &slow,
            options.layers,
            options.cache && !options.full_precision,
        )?;
        let mut loader = Loader { path, gguf: &mut gguf, padded, full: options.full_precision };
        let layers = (0..options.layers).map(|i| loader.layer(i, &shape)).collect::<Result<_, _>>()?;
        let embedding = padded::tensor(path, &mut gguf, "token_embd.weight")?;
        check(path, "token_embd.weight", &embedding, None, shape.width)?;
        let tokenizer = Tokenizer::from_gguf(&gguf.content)
            .map_err(|e| LlmError::Broken { path: path.to_owned(), reason: format!("its tokenizer: {e}") })?;
        let name = shape::name(path, &gguf.content);
        let layers = Layers { shape, embedding, layers, rope_factors: None };
        Ok(Self { path: path.to_owned(), name, stamp, tokenizer, layers })
    }

    /// What the feature is, for a head to be bound to: model, first eight digits of its SHA-256, layer, pooling.
    /// For example `qwen2.5-coder-0.5b@1d961463/l18-mean`.
    pub fn feature_id(&self) -> String {
        let hash = self.stamp.sha256.get(..8).unwrap_or_default();
        format!("{}@{hash}/l{}-mean", self.name, self.layers.layers.len())
    }

    /// Numbers in a feature vector.
    pub fn width(&self) -> usize {
        self.layers.shape.width
    }

    /// The token ids of `text`, without any added beginning or end; not bounded.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, LlmError> {
        let encoded = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|e| LlmError::Tokenize { bytes: text.len(), reason: e.to_string() })?;
        Ok(encoded.get_ids().to_vec())
    }

    /// The mean state of `text`. Only its first [`MAX_TOKENS`] tokens are read; a longer text is cut and the
    /// cut is logged. Fails with [`LlmError::Empty`] where there is no token.
    pub fn hidden_mean(&self, text: &str) -> Result<Vec<f32>, LlmError> {
        Ok(self.embed(text)?.mean)
    }

    /// As [`Qwen::hidden_mean`], with the token counts.
    pub fn embed(&self, text: &str) -> Result<Embedding, LlmError> {
        let mut ids = self.tokens(text)?;
        let dropped = ids.len().saturating_sub(MAX_TOKENS);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                limit = MAX_TOKENS,
                "a text is too long for the language model, its end is left out"
            );
            ids.truncate(MAX_TOKENS);
        }
        if ids.is_empty() {
            return Err(LlmError::Empty);
        }
        let states = self.layers.forward(&ids)?;
        let mut mean = vec![0.0f32; self.width()];
        for row in states.chunks_exact(mean.len()) {
            super::arithmetic::add(&mut mean, row);
        }
        #[expect(clippy::cast_precision_loss, reason = "bounded by the token limit")]
        let tokens = ids.len() as f32;
        mean.iter_mut().for_each(|x| *x /= tokens);
        Ok(Embedding { mean, tokens: ids.len(), dropped })
    }
}

/// The matrices of a layer by their names in the file.
const MATRICES: [&str; 7] = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];

/// Names of the matrices in the first `layers` layers that have no quick kernel as they are.
pub(super) fn slow_matrices(path: &Utf8Path, gguf: &Gguf, layers: usize) -> Result<Vec<String>, LlmError> {
    let broken = |reason: String| LlmError::Broken { path: path.to_owned(), reason };
    let mut slow = vec![];
    for layer in 0..layers {
        for matrix in MATRICES {
            let name = format!("blk.{layer}.{matrix}.weight");
            let info =
                gguf.content.tensor_infos.get(&name).ok_or_else(|| broken(format!("it lacks {name}")))?;
            let (rows, columns) = info.shape.dims2().map_err(|e| broken(format!("{name}: {e}")))?;
            if !padded::is_quick(info.ggml_dtype, rows, columns) {
                slow.push(name);
            }
        }
    }
    Ok(slow)
}

/// Takes the layers out of an open file.
pub(super) struct Loader<'a> {
    pub path: &'a Utf8Path,
    pub gguf: &'a mut Gguf,
    pub padded: padded::Padded,
    pub full: bool,
}

impl Loader<'_> {
    /// Whether the file has this of a layer; not every family does.
    fn has(&self, layer: usize, name: &str) -> bool {
        self.gguf.content.tensor_infos.contains_key(&format!("blk.{layer}.{name}"))
    }

    pub(super) fn layer(&mut self, i: usize, s: &Shape) -> Result<Layer, LlmError> {
        let (q, kv) = (s.heads * s.head_width, s.kv_heads * s.head_width);
        Ok(Layer {
            norm: self.vector(i, "attn_norm.weight", s.width)?,
            qkv: [
                self.matrix(i, "attn_q", q, s.width)?,
                self.matrix(i, "attn_k", kv, s.width)?,
                self.matrix(i, "attn_v", kv, s.width)?,
            ],
            qkv_bias: if self.has(i, "attn_q.bias") {
                let (k, v) = (self.vector(i, "attn_k.bias", kv)?, self.vector(i, "attn_v.bias", kv)?);
                Some([self.vector(i, "attn_q.bias", q)?, k, v])
            } else {
                None
            },
            head_norms: if self.has(i, "attn_q_norm.weight") {
                let k = self.vector(i, "attn_k_norm.weight", s.head_width)?;
                Some([self.vector(i, "attn_q_norm.weight", s.head_width)?, k])
            } else {
                None
            },
            output: [self.matrix(i, "attn_output", s.width, q)?],
            inner_norm: self.vector(i, "ffn_norm.weight", s.width)?,
            gate_up: [
                self.matrix(i, "ffn_gate", s.inner, s.width)?,
                self.matrix(i, "ffn_up", s.inner, s.width)?,
            ],
            down: [self.matrix(i, "ffn_down", s.width, s.inner)?],
        })
    }

    fn matrix(&mut self, layer: usize, name: &str, rows: usize, columns: usize) -> Result<Matrix, LlmError> {
        let name = format!("blk.{layer}.{name}.weight");
        if let Some(padded) = self.padded.remove(&name) {
            check(self.path, &name, &padded, Some(rows), padded::padded_columns(columns))?;
            return Ok(Matrix::Quantised(padded));
        }
        let tensor = padded::tensor(self.path, self.gguf, &name)?;
        check(self.path, &name, &tensor, Some(rows), columns)?;
        Ok(if self.full { Matrix::Full(tensor.dequantize(&Device::Cpu)?) } else { Matrix::Quantised(tensor) })
    }

    fn vector(&mut self, layer: usize, name: &str, len: usize) -> Result<Vec<f32>, LlmError> {
        let name = format!("blk.{layer}.{name}");
        let tensor = padded::tensor(self.path, self.gguf, &name)?.dequantize(&Device::Cpu)?;
        if tensor.dims() != [len] {
            let reason = format!("{name} has the form {:?} where {len} is wanted", tensor.dims());
            return Err(LlmError::Broken { path: self.path.to_owned(), reason });
        }
        Ok(tensor.to_vec1()?)
    }
}

/// Fails unless `tensor` has `rows` rows (where given) of `columns` columns.
pub(super) fn check(
    path: &Utf8Path,
    name: &str,
    tensor: &QTensor,
    rows: Option<usize>,
    columns: usize,
) -> Result<(), LlmError> {
    let dims = tensor.shape().dims();
    if dims.len() == 2 && dims[1] == columns && rows.is_none_or(|r| r == dims[0]) {
        return Ok(());
    }
    let reason = format!("{name} has the form {dims:?} where {rows:?} rows of {columns} are wanted");
    Err(LlmError::Broken { path: path.to_owned(), reason })
}

#[cfg(test)]
#[path = "tests.rs"]
pub(super) mod tests;
