//! The fundamental of a voice, by the normalised square difference of McLeod and Wyvill ("A smarter way to find pitch",
//! 2005): a lag at which the sound repeats itself, taken where it first does so nearly as well as it ever does.

use crate::vad::SAMPLE_RATE;

use super::POINT;

/// Half of the samples' rate is plenty for a fundamental, and a quarter of the work.
const RATE: f32 = SAMPLE_RATE as f32 / 2.0;
/// Samples looked at, at that rate: 64 ms, nearly four periods of the lowest voice.
const WINDOW: usize = 512;
/// Voices, in hertz.
const LOWEST: f32 = 60.0;
const HIGHEST: f32 = 500.0;
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "133 and 16")]
const LAGS: std::ops::Range<usize> = (RATE / HIGHEST) as usize..(RATE / LOWEST) as usize + 1;
/// The first peak this near to the best is the fundamental, not one of its multiples (McLeod and Wyvill: 0.8 to 1).
const NEAR_BEST: f32 = 0.9;
/// A sound that repeats itself less well than this is no voice; 1 is a perfect repeat.
const CLEAR: f32 = 0.6;
/// Sound below this has no voice worth naming: -60 dB, as a mean square.
const QUIET: f32 = 1e-6;

/// The fundamental in the middle of 100 ms of sound at 16 kHz, in hertz; `None` where nothing is voiced.
pub(super) fn fundamental(point: &[f32]) -> Option<f32> {
    let from = (POINT - 2 * WINDOW) / 2;
    let middle = point.get(from..from + 2 * WINDOW)?;
    let mut x = [0.0f32; WINDOW];
    for (x, pair) in x.iter_mut().zip(middle.as_chunks::<2>().0) {
        *x = (pair[0] + pair[1]) / 2.0;
    }
    let mean = x.iter().sum::<f32>() / WINDOW as f32;
    x.iter_mut().for_each(|s| *s -= mean);
    let energy: f32 = x.iter().map(|s| s * s).sum();
    if energy / (WINDOW as f32) < QUIET {
        return None;
    }
    let repeats = normalised(&x, energy);
    let lag = first_good_peak(&repeats)?;
    let hertz = RATE / lag;
    (LOWEST..=HIGHEST).contains(&hertz).then_some(hertz)
}

/// How well the sound repeats itself at each lag, -1 to 1, from lag 0 on.
fn normalised(x: &[f32; WINDOW], energy: f32) -> [f32; LAGS.end + 1] {
    let mut out = [0.0; LAGS.end + 1];
    // Twice the energy of what is compared; each lag leaves a sample out at both ends.
    let mut both = 2.0 * energy;
    for (lag, out) in out.iter_mut().enumerate() {
        if lag > 0 {
            both -= x[lag - 1] * x[lag - 1] + x[WINDOW - lag] * x[WINDOW - lag];
        }
        *out = if both > 0.0 { 2.0 * dot(&x[..WINDOW - lag], &x[lag..]) / both } else { 0.0 };
    }
    out
}

/// In eight sums at once, which the compiler turns into vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// The lag, in fractions of a sample, of the first peak that is clear and nearly the best.
fn first_good_peak(repeats: &[f32; LAGS.end + 1]) -> Option<f32> {
    // The slope down from lag 0, where everything repeats itself, is no peak.
    let down = repeats.iter().position(|r| *r < 0.0)?;
    let peaks = (down.max(LAGS.start)..LAGS.end)
        .filter(|i| repeats[*i] > repeats[i - 1] && repeats[*i] >= repeats[i + 1])
        .collect::<Vec<_>>();
    let best = peaks.iter().map(|i| repeats[*i]).fold(f32::MIN, f32::max);
    let i = peaks.into_iter().find(|i| repeats[*i] >= CLEAR.max(NEAR_BEST * best))?;
    let (before, at, after) = (repeats[i - 1], repeats[i], repeats[i + 1]);
    let bend = before - 2.0 * at + after;
    let aside = if bend < 0.0 { (before - after) / (2.0 * bend) } else { 0.0 };
    Some(i as f32 + aside)
}
