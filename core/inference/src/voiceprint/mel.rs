//! Mel spectra as the network was trained on: 40 bands of the power of 25 ms, every 10 ms, as librosa computes them
//! (Slaney's scale and norm, periodic Hann window).

use std::f64::consts::PI;

use candle_core::{Device, Result, Tensor};

use crate::vad::SAMPLE_RATE;

/// Samples of a window and from one window to the next.
const WINDOW: usize = SAMPLE_RATE as usize / 40;
pub(super) const STEP: usize = SAMPLE_RATE as usize / 100;
/// Frequencies of a window's spectrum, and bands they are put into.
const FREQUENCIES: usize = WINDOW / 2 + 1;
pub(super) const BANDS: usize = 40;

#[derive(Debug)]
pub(super) struct Mel {
    /// From the samples of a window to the real, then the imaginary parts.
    transform: Tensor,
    /// From powers to bands.
    bands: Tensor,
}

impl Mel {
    pub(super) fn new() -> Result<Self> {
        let mut transform = vec![0.0f32; WINDOW * 2 * FREQUENCIES];
        for (t, row) in transform.chunks_mut(2 * FREQUENCIES).enumerate() {
            let hann = 0.5 - 0.5 * (2.0 * PI * t as f64 / WINDOW as f64).cos();
            for k in 0..FREQUENCIES {
                let turn = 2.0 * PI * (t * k % WINDOW) as f64 / WINDOW as f64;
                row[k] = (hann * turn.cos()) as f32;
                row[FREQUENCIES + k] = (hann * turn.sin()) as f32;
            }
        }
        Ok(Self {
            transform: Tensor::from_vec(transform, (WINDOW, 2 * FREQUENCIES), &Device::Cpu)?,
            bands: Tensor::from_vec(filters(), (FREQUENCIES, BANDS), &Device::Cpu)?,
        })
    }

    /// The bands of `frames` windows, the first around the first sample: a table of frames by bands. Sound that is not
    /// there is silence.
    pub(super) fn frames(&self, samples: &[f32], frames: usize) -> Result<Tensor> {
        let mut windows = Vec::with_capacity(frames * WINDOW);
        for n in 0..frames {
            let from = n * STEP;
            let sample = |i: usize| (from + i).checked_sub(WINDOW / 2).and_then(|i| samples.get(i));
            windows.extend((0..WINDOW).map(|i| sample(i).copied().unwrap_or(0.0)));
        }
        let windows = Tensor::from_vec(windows, (frames, WINDOW), &Device::Cpu)?;
        let spectrum = windows.matmul(&self.transform)?.sqr()?;
        let real = spectrum.narrow(1, 0, FREQUENCIES)?;
        let imaginary = spectrum.narrow(1, FREQUENCIES, FREQUENCIES)?;
        (real + imaginary)?.matmul(&self.bands)
    }
}

/// Slaney's mel scale ("Auditory Toolbox", 1998): straight up to 1 kHz, logarithmic above.
fn hertz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * (6.4f64.ln() / 27.0 * (mel - 15.0)).exp() }
}

fn mel(hertz: f64) -> f64 {
    if hertz < 1000.0 { hertz * 3.0 / 200.0 } else { 15.0 + (hertz / 1000.0).ln() * 27.0 / 6.4f64.ln() }
}

/// Triangles of equal area, frequencies by bands.
fn filters() -> Vec<f32> {
    let top = f64::from(SAMPLE_RATE) / 2.0;
    let edge = |n: usize| hertz(mel(top) * n as f64 / (BANDS + 1) as f64);
    let mut all = vec![0.0; FREQUENCIES * BANDS];
    for (k, row) in all.chunks_mut(BANDS).enumerate() {
        let at = top * k as f64 / (FREQUENCIES - 1) as f64;
        for (band, value) in row.iter_mut().enumerate() {
            let (low, middle, high) = (edge(band), edge(band + 1), edge(band + 2));
            let rise = ((at - low) / (middle - low)).min((high - at) / (high - middle));
            *value = (rise.max(0.0) * 2.0 / (high - low)) as f32;
        }
    }
    all
}
