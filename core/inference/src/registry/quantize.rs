//! Whisper's matrices in eight bits: half the file and memory of half precision, a sixth less work, and the same words.
//! Pure: a model file's bytes in, another's out.
//!
//! The format is whisper.cpp's `q8_0`: blocks of 32 numbers, each block its scale in half precision and 32 signed bytes.
//! Vectors, position tables and convolutions stay as they are, as in whisper.cpp's own quantiser.

use half::f16;

use super::{convert::MAGIC, error::RegistryError};

const WHAT: &str = "the speech model";
/// Numbers in a block.
const BLOCK: usize = 32;
/// whisper.cpp's numbers for the kinds of elements.
const F32: u32 = 0;
const F16: u32 = 1;
const Q8_0: u32 = 8;
/// What the header says of a file in `q8_0`: version 2 of the quantised formats, kind 7.
const FILE_TYPE: u32 = 2007;
/// Which of the header's numbers that is.
const FILE_TYPE_AT: usize = 11;
const LIMIT: &str = "it ends in the middle";

/// `model`, a file in whisper.cpp's format with half or single precision, with its matrices in eight bits.
pub fn quantize(model: &[u8]) -> Result<Vec<u8>, RegistryError> {
    let mut from = Reader { rest: model };
    let mut to = Vec::with_capacity(model.len() * 6 / 10);
    if from.u32()? != MAGIC {
        return Err(bad("it is not a file in whisper.cpp's format"));
    }
    put(&mut to, MAGIC);
    for i in 1..=FILE_TYPE_AT {
        let n = from.u32()?;
        if i == FILE_TYPE_AT && n > F16 {
            return Err(bad("it is quantised already"));
        }
        put(&mut to, if i == FILE_TYPE_AT { FILE_TYPE } else { n });
    }
    // Mel filters and token table, as they are.
    let (rows, columns) = (from.u32()?, from.u32()?);
    [rows, columns].into_iter().for_each(|n| put(&mut to, n));
    to.extend_from_slice(from.bytes(size(&[rows, columns], 4)?)?);
    let tokens = from.u32()?;
    put(&mut to, tokens);
    for _ in 0..tokens {
        let length = from.u32()?;
        put(&mut to, length);
        to.extend_from_slice(from.bytes(length as usize)?);
    }
    while !from.rest.is_empty() {
        tensor(&mut from, &mut to)?;
    }
    Ok(to)
}

fn tensor(from: &mut Reader<'_>, to: &mut Vec<u8>) -> Result<(), RegistryError> {
    let (rank, name_length, kind) = (from.u32()?, from.u32()?, from.u32()?);
    if rank > 4 {
        return Err(bad("a tensor has more than four dimensions"));
    }
    // The innermost dimension comes first.
    let dims = (0..rank).map(|_| from.u32()).collect::<Result<Vec<_>, _>>()?;
    let name = from.bytes(name_length as usize)?;
    let width = match kind {
        F32 => 4,
        F16 => 2,
        other => return Err(bad(format!("a tensor has elements of kind {other}"))),
    };
    let data = from.bytes(size(&dims, width)?)?;
    let text = String::from_utf8_lossy(name);
    let matrix = rank == 2
        && (dims[0] as usize).is_multiple_of(BLOCK)
        && !text.ends_with("positional_embedding")
        && !text.ends_with("bias");
    put(to, rank);
    put(to, name_length);
    put(to, if matrix { Q8_0 } else { kind });
    dims.iter().for_each(|d| put(to, *d));
    to.extend_from_slice(name);
    if !matrix {
        to.extend_from_slice(data);
        return Ok(());
    }
    for block in data.chunks_exact(BLOCK * width) {
        let mut numbers = [0f32; BLOCK];
        for (n, b) in numbers.iter_mut().zip(block.chunks_exact(width)) {
            *n = match *b {
                [a, b] => f16::from_le_bytes([a, b]).to_f32(),
                [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
                _ => 0.0,
            };
        }
        put_block(&numbers, to);
    }
    Ok(())
}

/// Scale and bytes: the largest number becomes 127.
fn put_block(numbers: &[f32; BLOCK], to: &mut Vec<u8>) {
    let scale = numbers.iter().fold(0f32, |most, n| most.max(n.abs())) / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    to.extend_from_slice(&f16::from_f32(scale).to_le_bytes());
    to.extend(numbers.iter().map(|n| ((n * inverse).round() as i8).to_le_bytes()[0]));
}

fn put(to: &mut Vec<u8>, n: u32) {
    to.extend_from_slice(&n.to_le_bytes());
}

fn size(dims: &[u32], width: usize) -> Result<usize, RegistryError> {
    let count = dims.iter().try_fold(width, |all, d| all.checked_mul(*d as usize));
    count.ok_or_else(|| bad("a tensor is too large"))
}

fn bad(why: impl Into<String>) -> RegistryError {
    RegistryError::Convert { what: WHAT.to_owned(), why: why.into() }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], RegistryError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| bad(LIMIT))?;
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, RegistryError> {
        let bytes = self.bytes(4)?;
        Ok(bytes.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file with a matrix of `numbers` (a multiple of 32), a vector and a table of positions.
    fn model(numbers: &[f32]) -> Vec<u8> {
        let mut out = vec![];
        put(&mut out, MAGIC);
        (1..=10).for_each(|n| put(&mut out, n));
        [1, 1, 2, 7, 8, 1, 2, 0x4241].into_iter().for_each(|n| put(&mut out, n));
        out.truncate(out.len() - 2);
        let mut one = |name: &str, kind: u32, dims: &[u32], data: Vec<u8>| {
            [dims.len() as u32, name.len() as u32, kind].into_iter().for_each(|n| put(&mut out, n));
            dims.iter().for_each(|d| put(&mut out, *d));
            out.extend_from_slice(name.as_bytes());
            out.extend(data);
        };
        let halves: Vec<u8> = numbers.iter().flat_map(|n| f16::from_f32(*n).to_le_bytes()).collect();
        let singles: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let rows = (numbers.len() / BLOCK) as u32;
        one("encoder.positional_embedding", F32, &[32, rows], singles.clone());
        one("decoder.ln.weight", F32, &[numbers.len() as u32], singles);
        one("decoder.mlp.0.weight", F16, &[32, rows], halves);
        out
    }

    #[test]
    fn a_block_is_a_scale_and_bytes() {
        let mut numbers = [0.0; BLOCK];
        (numbers[0], numbers[1], numbers[2]) = (-12.7, 0.1, 6.35);
        let mut out = vec![];
        put_block(&numbers, &mut out);
        assert_eq!(out.len(), 34);
        assert_eq!(out[..2], f16::from_f32(0.1).to_le_bytes());
        assert_eq!((out[2] as i8, out[3] as i8, out[4] as i8, out[5]), (-127, 1, 64, 0));
    }

    #[test]
    fn only_matrices_change_and_damage_is_told() {
        let before = model(&[0.5; 64]);
        let after = quantize(&before).unwrap();
        // The matrix is the last: 64 halves became two blocks of 34 bytes.
        assert_eq!(before.len() - after.len(), 128 - 68);
        assert_eq!(after[FILE_TYPE_AT * 4..][..4], 2007u32.to_le_bytes());
        assert!(quantize(&after).unwrap_err().to_string().contains("already"));
        for cut in [0, 3, 40, 90, before.len() - 1] {
            assert!(quantize(&before[..cut]).is_err(), "{cut}");
        }
        assert!(quantize(&[0; 100]).is_err());
    }

    proptest! {
        #[test]
        fn a_damaged_model_is_quantised_or_refused(damaged in crate::mangled::damaged(model(&[0.5; 64]))) {
            if let Ok(made) = quantize(&damaged) {
                prop_assert!(made.len() <= damaged.len());
            }
        }

        /// Every number comes back to half a step of its block's scale, and half precision's own error.
        #[test]
        fn numbers_come_back_nearly(numbers in prop::collection::vec(-3.0f32..3.0, 64)) {
            let after = quantize(&model(&numbers)).unwrap();
            for (block, truth) in after[after.len() - 68..].chunks(34).zip(numbers.chunks(BLOCK)) {
                let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
                for (b, n) in block[2..].iter().zip(truth) {
                    let back = f32::from(*b as i8) * scale;
                    prop_assert!((back - n).abs() <= scale * 0.5 + n.abs() * 2e-3 + 1e-4, "{n} came back as {back}");
                }
            }
        }
    }
}
