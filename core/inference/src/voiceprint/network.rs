//! The speaker encoder of Resemblyzer: three LSTM layers over 1.6 s of mel spectra, trained to put one person's speech
//! in one direction (Wan et al., "Generalized end-to-end loss for speaker verification", 2018).

use std::collections::HashMap;

use camino::Utf8Path;
use candle_core::{Device, Result, Tensor};

use super::{
    PRINT, Print, Printer, SECONDS_MIN, VoiceprintError, cannot_load,
    mel::{BANDS, Mel, STEP},
};
use crate::vad::SAMPLE_RATE;

/// Frames the network was trained on: 1.6 s.
const FRAMES: usize = 160;
/// Looks of that length taken at a stretch of speech at most: more of them tell little more.
const LOOKS_MAX: usize = 3;
const LAYERS: usize = 3;
/// Quiet speech is made this loud first, as in training: -30 dB of full scale.
const LOUDNESS: f32 = 0.031_622_8;

#[derive(Debug)]
struct Layer {
    input: Tensor,
    again: Tensor,
    bias: Vec<f32>,
}

/// The loaded network.
#[derive(Debug)]
pub struct Voiceprints {
    mel: Mel,
    layers: Vec<Layer>,
    last: Tensor,
    last_bias: Tensor,
}

impl Voiceprints {
    /// Loads the model file `path`.
    pub fn load(path: &Utf8Path) -> std::result::Result<Self, VoiceprintError> {
        let tensors =
            candle_core::safetensors::load(path, &Device::Cpu).map_err(|e| cannot_load(path, &e))?;
        Self::from_tensors(&tensors).map_err(|e| cannot_load(path, &e))
    }

    fn from_tensors(tensors: &HashMap<String, Tensor>) -> Result<Self> {
        let get = |name: &str, shape: &[usize]| match tensors.get(name) {
            Some(t) if t.dims() == shape => Ok(t.clone()),
            _ => candle_core::bail!("{name} is missing or has another shape"),
        };
        let layer = |n: usize| {
            let width = if n == 0 { BANDS } else { PRINT };
            let bias = (get(&format!("lstm.bias_ih_l{n}"), &[4 * PRINT])?
                + get(&format!("lstm.bias_hh_l{n}"), &[4 * PRINT])?)?;
            Ok(Layer {
                input: get(&format!("lstm.weight_ih_l{n}"), &[4 * PRINT, width])?.t()?.contiguous()?,
                again: get(&format!("lstm.weight_hh_l{n}"), &[4 * PRINT, PRINT])?.t()?.contiguous()?,
                bias: bias.to_vec1()?,
            })
        };
        Ok(Self {
            mel: Mel::new()?,
            layers: (0..LAYERS).map(layer).collect::<Result<_>>()?,
            last: get("linear.weight", &[PRINT, PRINT])?.t()?.contiguous()?,
            last_bias: get("linear.bias", &[PRINT])?,
        })
    }

    /// Of looks by frames by bands.
    fn directions(&self, looks: &Tensor) -> Result<Vec<Print>> {
        let count = looks.dim(0)?;
        // Frames first, so that each step of time is one block.
        let mut x = looks.transpose(0, 1)?.contiguous()?;
        let mut hidden = Tensor::zeros((count, PRINT), candle_core::DType::F32, &Device::Cpu)?;
        for layer in &self.layers {
            (x, hidden) = run(layer, &x, count)?;
        }
        let out = hidden.matmul(&self.last)?.broadcast_add(&self.last_bias)?.relu()?;
        let zero = || candle_core::Error::Msg("a print has no direction".to_owned());
        out.to_vec2()?.into_iter().map(|row| Print::new(row).ok_or_else(zero)).collect()
    }
}

impl Printer for Voiceprints {
    fn prints(&self, speech: &[&[f32]]) -> std::result::Result<Vec<Option<Print>>, VoiceprintError> {
        let mut looks = vec![];
        let mut looks_at = vec![];
        for samples in speech {
            let before = looks.len();
            if samples.len() as f64 >= SECONDS_MIN * f64::from(SAMPLE_RATE) {
                let gain = gain(samples);
                let loud: Vec<f32> = samples.iter().map(|s| s * gain).collect();
                for from in starts(samples.len()) {
                    looks.push(self.mel.frames(&loud[from..], FRAMES)?);
                }
            }
            looks_at.push(before..looks.len());
        }
        if looks.is_empty() {
            return Ok(vec![None; speech.len()]);
        }
        let found = self.directions(&Tensor::stack(&looks, 0)?)?;
        let mean = |range: std::ops::Range<usize>| {
            let mut sum = vec![0.0; PRINT];
            for look in found.get(range).unwrap_or_default() {
                sum.iter_mut().zip(look.values()).for_each(|(sum, v)| *sum += v);
            }
            Print::new(sum)
        };
        Ok(looks_at.into_iter().map(mean).collect())
    }
}

/// One layer over all frames: what it gives at each frame, and at the last.
fn run(layer: &Layer, x: &Tensor, count: usize) -> Result<(Tensor, Tensor)> {
    let frames = x.dim(0)?;
    let flat = x.reshape((frames * count, x.dim(2)?))?;
    let inputs: Vec<f32> = flat.matmul(&layer.input)?.flatten_all()?.to_vec1()?;
    let mut cell = vec![0.0f32; count * PRINT];
    let mut hidden = vec![0.0f32; count * PRINT];
    let mut all = Vec::with_capacity(frames * count * PRINT);
    for input in inputs.chunks(count * 4 * PRINT) {
        let before = Tensor::from_slice(&hidden, (count, PRINT), &Device::Cpu)?;
        let again: Vec<f32> = before.matmul(&layer.again)?.flatten_all()?.to_vec1()?;
        let rows = input.chunks(4 * PRINT).zip(again.chunks(4 * PRINT));
        let states = cell.chunks_mut(PRINT).zip(hidden.chunks_mut(PRINT));
        for ((input, again), (cell, hidden)) in rows.zip(states) {
            let gate = |which: usize, i: usize| {
                let at = which * PRINT + i;
                input[at] + again[at] + layer.bias[at]
            };
            for i in 0..PRINT {
                let kept = sigmoid(gate(1, i)) * cell[i];
                cell[i] = kept + sigmoid(gate(0, i)) * gate(2, i).tanh();
                hidden[i] = sigmoid(gate(3, i)) * cell[i].tanh();
            }
        }
        all.extend_from_slice(&hidden);
    }
    let last = Tensor::from_vec(hidden, (count, PRINT), &Device::Cpu)?;
    Ok((Tensor::from_vec(all, (frames, count, PRINT), &Device::Cpu)?, last))
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn gain(samples: &[f32]) -> f32 {
    let square: f32 = samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32;
    if square > 0.0 { (LOUDNESS / square.sqrt()).max(1.0) } else { 1.0 }
}

/// Where looks begin: side by side if there is little, spread evenly if there is much.
fn starts(samples: usize) -> Vec<usize> {
    let look = FRAMES * STEP;
    let looks = (samples / look).clamp(1, LOOKS_MAX);
    let spare = samples.saturating_sub(look);
    (0..looks).map(|n| if looks == 1 { spare / 2 } else { spare * n / (looks - 1) }).collect()
}
