//! The forward pass: embeddings, three branches of convolutions over 2, 3 and 5 pieces, a sum over the pieces, and a
//! few dense layers.

use std::ops::Range;

use candle_core::{Device, Result, Tensor};
use safetensors::{Dtype, SafeTensors};

use super::SENTENCE_WIDTH;
use crate::llm::{add, dot};

/// Width of a branch.
const BRANCH: usize = 256;
/// Of each branch: its name in the file, pieces that a window covers, and how many of them lie before its own.
const BRANCHES: [(&str, usize, usize); 3] = [("2", 2, 0), ("3", 3, 1), ("5", 5, 2)];
/// Width of all branches, and of those with the embedding before them.
const BRANCHES_WIDTH: usize = BRANCH * BRANCHES.len();
const ALL: usize = SENTENCE_WIDTH + BRANCHES_WIDTH;
/// Width of the inner dense layers.
const INNER: usize = 320;
/// The embedding table is kept as bytes; piece `id` is scaled as group `id % GROUPS` is.
const GROUPS: usize = 17;
/// Keeps a division from being one by zero.
const EPSILON: f32 = 1e-12;

/// The loaded network. The file's bytes stay as they are: most of them are the embedding table.
pub(super) struct Network {
    file: Vec<u8>,
    table: Range<usize>,
    scale: Vec<f32>,
    low: Vec<f32>,
    entry: Tensor,
    entry_bias: Vec<f32>,
    entry_norm: Norm,
    branches: Vec<[(Tensor, Vec<f32>); 2]>,
    norm: Norm,
    joined: Tensor,
    joined_bias: Vec<f32>,
    first: Tensor,
    second: [Tensor; 2],
    third: Tensor,
    last: [Tensor; 2],
}

struct Norm {
    gain: Vec<f32>,
    shift: Vec<f32>,
}

impl Network {
    /// From the bytes of a model file.
    pub(super) fn new(file: Vec<u8>) -> std::result::Result<Self, String> {
        let tensors = SafeTensors::deserialize(&file).map_err(|e| e.to_string())?;
        let numbers = |name: &str, shape: &[usize]| {
            let tensor = tensors.tensor(name).map_err(|e| format!("{name}: {e}"))?;
            if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
                return Err(format!("{name} has the form {:?} where {shape:?} is wanted", tensor.shape()));
            }
            let numbers: Vec<f32> =
                tensor.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            if numbers.iter().all(|n| n.is_finite()) {
                Ok(numbers)
            } else {
                Err(format!("{name} is not finite"))
            }
        };
        let vector = |name: &str, width: usize| numbers(name, &[width]);
        let matrix = |name: &str, rows: usize, columns: usize| {
            Tensor::from_vec(numbers(name, &[rows, columns])?, (rows, columns), &Device::Cpu)
                .map_err(|e| format!("{name}: {e}"))
        };
        let norm = |name: &str, width: usize| {
            let (gain, shift) =
                (vector(&format!("{name}.gain"), width)?, vector(&format!("{name}.shift"), width)?);
            Ok::<_, String>(Norm { gain, shift })
        };
        let branch = |(name, covers, _): &(&str, usize, usize)| {
            let layer = |n: u8| {
                let name = format!("branch{name}.{n}");
                let weight = matrix(&format!("{name}.weight"), covers * BRANCH, BRANCH)?;
                Ok::<_, String>((weight, vector(&format!("{name}.bias"), BRANCH)?))
            };
            Ok::<_, String>([layer(1)?, layer(2)?])
        };
        let table = tensors.tensor("table").map_err(|e| format!("table: {e}"))?;
        let [rows, SENTENCE_WIDTH] = *table.shape() else {
            return Err(format!("table has the form {:?}", table.shape()));
        };
        if table.dtype() != Dtype::U8 || rows == 0 {
            return Err("table does not hold bytes".to_owned());
        }
        let from = table.data().as_ptr() as usize - file.as_ptr() as usize;
        let table = from..from + table.data().len();
        Ok(Self {
            scale: vector("scale", GROUPS)?,
            low: vector("low", GROUPS)?,
            entry: matrix("entry.weight", SENTENCE_WIDTH, BRANCHES_WIDTH)?,
            entry_bias: vector("entry.bias", BRANCHES_WIDTH)?,
            entry_norm: norm("entry_norm", BRANCHES_WIDTH)?,
            branches: BRANCHES.iter().map(branch).collect::<std::result::Result<_, _>>()?,
            norm: norm("norm", ALL)?,
            joined: matrix("joined.weight", ALL, SENTENCE_WIDTH)?,
            joined_bias: vector("joined.bias", SENTENCE_WIDTH)?,
            first: matrix("dense0.weight", SENTENCE_WIDTH, INNER)?,
            second: [matrix("pass1.weight", SENTENCE_WIDTH, INNER)?, matrix("dense1.weight", INNER, INNER)?],
            third: matrix("dense2.weight", INNER, SENTENCE_WIDTH)?,
            last: [
                matrix("pass3.weight", INNER, SENTENCE_WIDTH)?,
                matrix("dense3.weight", SENTENCE_WIDTH, SENTENCE_WIDTH)?,
            ],
            table,
            file,
        })
    }

    /// Pieces that have a vector.
    pub(super) fn rows(&self) -> usize {
        self.table.len() / SENTENCE_WIDTH
    }

    /// The vector of a row of pieces, of length 1. `ids` is not empty and each is below [`Network::rows`].
    pub(super) fn encode(&self, ids: &[u32]) -> Result<Vec<f32>> {
        let n = ids.len();
        let embedded = self.embed(ids);
        let mut entry = product(&embedded, &self.entry)?;
        entry.chunks_exact_mut(BRANCHES_WIDTH).for_each(|row| add(row, &self.entry_bias));
        self.entry_norm.apply(&mut entry);

        let mut all = vec![0.0; n * ALL];
        for (row, embedded) in all.chunks_exact_mut(ALL).zip(embedded.chunks_exact(SENTENCE_WIDTH)) {
            row[..SENTENCE_WIDTH].copy_from_slice(embedded);
        }
        for (b, (layers, (_, covers, before))) in self.branches.iter().zip(BRANCHES).enumerate() {
            let mut x: Vec<f32> = entry
                .chunks_exact(BRANCHES_WIDTH)
                .flat_map(|row| &row[b * BRANCH..][..BRANCH])
                .copied()
                .collect();
            for (weight, bias) in layers {
                let mut y = product(&windows(&x, covers, before), weight)?;
                for row in y.chunks_exact_mut(BRANCH) {
                    add(row, bias);
                    rectify(row);
                }
                add(&mut x, &y);
            }
            for (row, x) in all.chunks_exact_mut(ALL).zip(x.chunks_exact(BRANCH)) {
                row[SENTENCE_WIDTH + b * BRANCH..][..BRANCH].copy_from_slice(x);
            }
        }
        self.norm.apply(&mut all);

        let mut sum = vec![0.0; ALL];
        all.chunks_exact(ALL).for_each(|row| add(&mut sum, row));
        let mut x = product(&sum, &self.joined)?;
        #[expect(clippy::cast_precision_loss, reason = "bounded by the limit of pieces")]
        let count = n as f32;
        for (x, bias) in x.iter_mut().zip(&self.joined_bias) {
            *x = (*x + count * bias) / count.sqrt();
        }
        let mut first = product(&x, &self.first)?;
        rectify(&mut first);
        let mut second = product(&x, &self.second[0])?;
        add(&mut second, &product(&first, &self.second[1])?);
        rectify(&mut second);
        let mut third = product(&second, &self.third)?;
        rectify(&mut third);
        let mut out = product(&second, &self.last[0])?;
        add(&mut out, &product(&third, &self.last[1])?);
        out.iter_mut().for_each(|x| *x = x.tanh());
        let length = dot(&out, &out).max(EPSILON).sqrt();
        out.iter_mut().for_each(|x| *x /= length);
        Ok(out)
    }

    fn embed(&self, ids: &[u32]) -> Vec<f32> {
        let table = &self.file[self.table.clone()];
        let mut out = Vec::with_capacity(ids.len() * SENTENCE_WIDTH);
        for id in ids {
            let id = *id as usize;
            let (scale, low) = (self.scale[id % GROUPS], self.low[id % GROUPS]);
            let row = &table[id * SENTENCE_WIDTH..][..SENTENCE_WIDTH];
            out.extend(row.iter().map(|byte| f32::from(*byte) * scale + low));
        }
        out
    }
}

impl Norm {
    /// Each row to mean 0 and deviation 1, then stretched and shifted.
    fn apply(&self, x: &mut [f32]) {
        #[expect(clippy::cast_precision_loss, reason = "a width is small")]
        let width = self.gain.len() as f32;
        for row in x.chunks_exact_mut(self.gain.len()) {
            let mean = row.iter().sum::<f32>() / width;
            row.iter_mut().for_each(|x| *x -= mean);
            let scale = 1.0 / (dot(row, row) / width + EPSILON).sqrt();
            for ((x, gain), shift) in row.iter_mut().zip(&self.gain).zip(&self.shift) {
                *x = *x * scale * gain + shift;
            }
        }
    }
}

/// For each row of `x`, the `covers` rows of the window around it side by side, `before` of them before its own;
/// zeros outside.
fn windows(x: &[f32], covers: usize, before: usize) -> Vec<f32> {
    let edge = |rows: usize| std::iter::repeat_n(0.0, rows * BRANCH);
    let padded: Vec<f32> = edge(before).chain(x.iter().copied()).chain(edge(covers - 1 - before)).collect();
    padded.windows(covers * BRANCH).step_by(BRANCH).flatten().copied().collect()
}

fn rectify(x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x = x.max(0.0));
}

/// The rows of `x` times `weight`, row by row.
fn product(x: &[f32], weight: &Tensor) -> Result<Vec<f32>> {
    let width = weight.dims2()?.0;
    Tensor::from_slice(x, (x.len() / width, width), &Device::Cpu)?.matmul(weight)?.flatten_all()?.to_vec1()
}
