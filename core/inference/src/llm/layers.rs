//! The forward pass: token ids to the residual stream after the last loaded layer.

use candle_core::{Device, Result, Tensor, quantized::QTensor};

use super::{
    arithmetic::{Heads, Turns, add, add_bias, attend, gated, norm_rows},
    shape::Shape,
};

/// A weight matrix of `n` rows, ready to be multiplied with rows of `k` columns.
pub(super) enum Matrix {
    /// Quantised; `k` may be padded.
    Quantised(QTensor),
    /// Full precision, for checking the quantised one.
    Full(Tensor),
}

impl Matrix {
    /// Columns that an input row must have.
    pub(super) fn columns(&self) -> Result<usize> {
        Ok(match self {
            Self::Quantised(w) => w.shape().dims2()?.1,
            Self::Full(w) => w.dims2()?.1,
        })
    }
}

/// One decoder layer.
pub(super) struct Layer {
    pub norm: Vec<f32>,
    /// Queries, keys, values; they share their input.
    pub qkv: [Matrix; 3],
    /// Of those, where the model has some.
    pub qkv_bias: Option<[Vec<f32>; 3]>,
    /// Gains by which each head of the queries and of the keys is normed, where the model does that.
    pub head_norms: Option<[Vec<f32>; 2]>,
    pub output: [Matrix; 1],
    pub inner_norm: Vec<f32>,
    /// Gate and up; they share their input.
    pub gate_up: [Matrix; 2],
    pub down: [Matrix; 1],
}

/// The loaded part of the decoder.
pub(super) struct Layers {
    pub shape: Shape,
    pub embedding: QTensor,
    pub layers: Vec<Layer>,
    /// What the rotary frequencies are divided by, where the model says so; one for each pair of a head.
    pub rope_factors: Option<Vec<f32>>,
}

/// Keys and values of the tokens read so far, of each layer: reading goes on from there.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    tokens: usize,
    /// Rows of keys and rows of values, a row for each token.
    layers: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Past {
    /// Tokens read so far.
    pub(super) fn len(&self) -> usize {
        self.tokens
    }

    /// Forgets all but the first `tokens`.
    pub(super) fn truncate(&mut self, tokens: usize) {
        for (keys, values) in &mut self.layers {
            for rows in [keys, values] {
                let row = rows.len() / self.tokens.max(1);
                rows.truncate(tokens * row);
            }
        }
        self.tokens = self.tokens.min(tokens);
    }
}

impl Layers {
    /// The states after the last loaded layer: `ids.len()` rows of `shape.width`.
    pub(super) fn forward(&self, ids: &[u32]) -> Result<Vec<f32>> {
        self.go_on(ids, &mut Past::default())
    }

    /// As [`Layers::forward`], after what `past` holds; `past` then holds `ids` too. After an error it is to be thrown away.
    pub(super) fn go_on(&self, ids: &[u32], past: &mut Past) -> Result<Vec<f32>> {
        let s = &self.shape;
        let heads = Heads { queries: s.heads, keys: s.kv_heads, width: s.head_width };
        let turns =
            Turns::new(past.tokens, ids.len(), s.head_width, s.rope.base, self.rope_factors.as_deref());
        past.layers.resize_with(self.layers.len(), Default::default);
        let mut x = flat(&self.embedding.embedding(&Tensor::new(ids, &Device::Cpu)?)?)?;
        for (layer, (keys, values)) in self.layers.iter().zip(&mut past.layers) {
            let rows = norm_rows(&x, &layer.norm, s.epsilon, layer.qkv[0].columns()?);
            let [mut q, mut k, mut v] = product(&layer.qkv, rows, ids.len())?;
            if let Some(bias) = &layer.qkv_bias {
                for (x, bias) in [&mut q, &mut k, &mut v].into_iter().zip(bias) {
                    add_bias(x, bias);
                }
            }
            if let Some([q_gain, k_gain]) = &layer.head_norms {
                q = norm_rows(&q, q_gain, s.epsilon, s.head_width);
                k = norm_rows(&k, k_gain, s.epsilon, s.head_width);
            }
            turns.apply(&mut q, s.heads, s.rope.neighbours);
            turns.apply(&mut k, s.kv_heads, s.rope.neighbours);
            keys.append(&mut k);
            values.append(&mut v);
            let seen = attend(&q, keys, values, heads, layer.output[0].columns()?);
            let [seen] = product(&layer.output, seen, ids.len())?;
            add(&mut x, &seen);

            let rows = norm_rows(&x, &layer.inner_norm, s.epsilon, layer.gate_up[0].columns()?);
            let [gate, up] = product(&layer.gate_up, rows, ids.len())?;
            let inner = gated(&gate, &up, s.inner, layer.down[0].columns()?);
            let [inner] = product(&layer.down, inner, ids.len())?;
            add(&mut x, &inner);
        }
        past.tokens += ids.len();
        Ok(x)
    }
}

/// `x` (`rows` rows) times each matrix transposed. Matrices that share an input share its quantisation where
/// the processor has a kernel for that.
fn product<const N: usize>(matrices: &[Matrix; N], x: Vec<f32>, rows: usize) -> Result<[Vec<f32>; N]> {
    let k = x.len() / rows;
    let x = Tensor::from_vec(x, (rows, k), &Device::Cpu)?;
    let quantised: Vec<&QTensor> =
        matrices.iter().filter_map(|m| if let Matrix::Quantised(w) = m { Some(w) } else { None }).collect();
    let fused =
        if quantised.len() == N && N > 1 { QTensor::gemv_fused_shared_lhs(&quantised, &x)? } else { None };
    let outs = match fused {
        Some(outs) => outs,
        None => matrices
            .iter()
            .map(|m| match m {
                Matrix::Quantised(w) => x.apply_op1_no_bwd(w),
                Matrix::Full(w) => x.matmul(&w.t()?),
            })
            .collect::<Result<_>>()?,
    };
    let outs = outs.iter().map(flat).collect::<Result<Vec<_>>>()?;
    outs.try_into()
        .map_err(|_| candle_core::Error::msg("a product gave another number of answers than matrices"))
}

/// The numbers of `t`, row by row.
fn flat(t: &Tensor) -> Result<Vec<f32>> {
    t.flatten_all()?.to_vec1()
}
