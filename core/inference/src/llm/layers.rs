//! The forward pass: token ids to the residual stream after the last loaded layer.

use candle_core::{Device, Result, Tensor, quantized::QTensor};

use super::{
    arithmetic::{Heads, add, add_bias, attend, gated, norm_rows, rotate},
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
    pub qkv_bias: [Vec<f32>; 3],
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
}

impl Layers {
    /// The states after the last loaded layer: `ids.len()` rows of `shape.width`.
    pub(super) fn forward(&self, ids: &[u32]) -> Result<Vec<f32>> {
        let s = &self.shape;
        let heads = Heads { queries: s.heads, keys: s.kv_heads, width: s.head_width };
        let mut x = flat(&self.embedding.embedding(&Tensor::new(ids, &Device::Cpu)?)?)?;
        for layer in &self.layers {
            let rows = norm_rows(&x, &layer.norm, s.epsilon, layer.qkv[0].columns()?);
            let [mut q, mut k, mut v] = product(&layer.qkv, rows, ids.len())?;
            for (x, bias) in [&mut q, &mut k, &mut v].into_iter().zip(&layer.qkv_bias) {
                add_bias(x, bias);
            }
            rotate(&mut q, s.heads, s.head_width, s.rope_base);
            rotate(&mut k, s.kv_heads, s.head_width, s.rope_base);
            let seen = attend(&q, &k, &v, heads, layer.output[0].columns()?);
            let [seen] = product(&layer.output, seen, ids.len())?;
            add(&mut x, &seen);

            let rows = norm_rows(&x, &layer.inner_norm, s.epsilon, layer.gate_up[0].columns()?);
            let [gate, up] = product(&layer.gate_up, rows, ids.len())?;
            let inner = gated(&gate, &up, s.inner, layer.down[0].columns()?);
            let [inner] = product(&layer.down, inner, ids.len())?;
            add(&mut x, &inner);
        }
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
