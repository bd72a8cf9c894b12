//! Samples in, curves out: peaks, energy, loudness and pitch on a fixed grid of the recording's time.
//!
//! A point belongs to 100 ms counted from media time zero, so how the sound is divided among calls changes nothing. What
//! reaches over a point's edge, the weighting filter and the 400 ms of momentary loudness, is carried along and begins anew
//! after a gap.

mod pitch;
#[cfg(test)]
mod tests;

use clipmill_domain::sound::{FLOOR_DB, PEAKS_PER_POINT};
use ebur128::{EbuR128, Mode};

use crate::vad::SAMPLE_RATE;

/// Samples a point is for: 100 ms.
pub const POINT: usize = SAMPLE_RATE as usize / 10;
/// Samples a peak is for: 20 ms.
const PEAK: usize = POINT / PEAKS_PER_POINT;
/// Sound so close to where it is expected goes on without a break: 1 ms. Times come in whole microseconds.
const SEAM: u64 = SAMPLE_RATE as u64 / 1000;
/// Points until 400 ms have passed: before, the momentary loudness would count sound that was never there.
const POINTS_OF_LOUDNESS: u32 = 4;

/// What is known of 100 ms of sound. See [`clipmill_domain::sound::Curves`] for what the values mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// It begins this many tenths of a second after media time zero.
    pub number: u64,
    /// Five of 20 ms.
    pub peaks: [Option<u8>; PEAKS_PER_POINT],
    /// In decibels, to a tenth; none if more than half of the sound is missing.
    pub energy_db: Option<f32>,
    /// In LUFS, to a tenth; none before there was sound for 400 ms.
    pub loudness_lufs: Option<f32>,
    /// In hertz, to a tenth.
    pub pitch_hz: Option<f32>,
}

/// The sound could not be measured.
#[derive(Debug, thiserror::Error)]
#[error("measuring loudness failed: {0}")]
pub struct SoundError(#[from] ebur128::Error);

/// Measures a running stream of 16 kHz mono.
pub struct SoundMeter {
    /// Position of the sample expected next; `None` before the first.
    next: Option<u64>,
    /// The sound of the point that is not full yet, and how much of its beginning is missing.
    held: Vec<f32>,
    missing: usize,
    loudness: EbuR128,
    /// Whole points since the last gap.
    unbroken: u32,
}

impl std::fmt::Debug for SoundMeter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoundMeter").field("next", &self.next).finish_non_exhaustive()
    }
}

impl SoundMeter {
    /// At the beginning of anything.
    pub fn new() -> Result<Self, SoundError> {
        let loudness = EbuR128::new(1, SAMPLE_RATE, Mode::M)?;
        Ok(Self { next: None, held: Vec::with_capacity(POINT), missing: 0, loudness, unbroken: 0 })
    }

    /// Position of the sample before which every point was given.
    pub fn settled(&self) -> u64 {
        self.next.map_or(0, |next| next - (self.held.len() + self.missing) as u64)
    }

    /// Takes samples (-1 to 1) that start at position `at`; gives the points that are complete now. Samples from before
    /// the expected position are passed over; a jump ahead is a gap.
    pub fn push(&mut self, at: u64, samples: &[f32]) -> Result<Vec<Point>, SoundError> {
        let mut points = vec![];
        let mut samples = samples;
        match self.next {
            Some(next) if at.abs_diff(next) <= SEAM => {}
            Some(next) if at < next => {
                samples = samples.get(usize::try_from(next - at).unwrap_or(usize::MAX)..).unwrap_or_default();
            }
            _ if samples.is_empty() => {}
            _ => {
                points.extend(self.end()?);
                self.missing = usize::try_from(at % POINT as u64).unwrap_or(0);
                self.next = Some(at);
            }
        }
        while !samples.is_empty() {
            let room = POINT - self.missing - self.held.len();
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.held.extend_from_slice(now);
            self.next = self.next.map(|next| next + now.len() as u64);
            samples = later;
            if self.missing + self.held.len() == POINT {
                points.push(self.point()?);
            }
        }
        Ok(points)
    }

    /// The sound breaks off here: gives the point that was begun. What is pushed later begins anew.
    pub fn end(&mut self) -> Result<Option<Point>, SoundError> {
        let last = if self.held.is_empty() { None } else { Some(self.point()?) };
        self.loudness.reset();
        (self.next, self.missing, self.unbroken) = (None, 0, 0);
        Ok(last)
    }

    /// The point of what is held, which is let go.
    fn point(&mut self) -> Result<Point, SoundError> {
        let begin = self.settled();
        let whole = self.held.len() == POINT;
        self.loudness.add_frames_f32(&self.held)?;
        self.unbroken = if whole { self.unbroken.saturating_add(1) } else { 0 };
        let loudness = if self.unbroken >= POINTS_OF_LOUDNESS {
            #[expect(clippy::cast_possible_truncation, reason = "a tenth of a decibel is kept")]
            let lufs = self.loudness.loudness_momentary()? as f32;
            Some(tenth(lufs.max(FLOOR_DB)))
        } else {
            None
        };
        let energy = (self.held.len() * 2 >= POINT).then(|| tenth(energy_db(&self.held)));
        let pitch = if whole { pitch::fundamental(&self.held) } else { None };
        let point = Point {
            number: begin / POINT as u64,
            peaks: peaks(self.missing, &self.held),
            energy_db: energy,
            loudness_lufs: loudness,
            pitch_hz: pitch.map(tenth),
        };
        self.held.clear();
        self.missing = 0;
        Ok(point)
    }
}

fn tenth(value: f32) -> f32 {
    (value * 10.0).round() / 10.0
}

fn energy_db(samples: &[f32]) -> f32 {
    let square: f32 = samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32;
    (10.0 * square.log10()).max(FLOOR_DB)
}

/// The peaks of a point whose first `missing` samples are not there; those at its end may not be either.
fn peaks(missing: usize, samples: &[f32]) -> [Option<u8>; PEAKS_PER_POINT] {
    let mut peaks = [None; PEAKS_PER_POINT];
    let mut samples = samples;
    let mut at = missing;
    while !samples.is_empty() && at < POINT {
        let (now, later) = samples.split_at((PEAK - at % PEAK).min(samples.len()));
        let highest = now.iter().fold(0.0f32, |most, s| most.max(s.abs()));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 to 255")]
        let eight_bits = (highest.min(1.0) * 255.0).round() as u8;
        if let Some(peak) = peaks.get_mut(at / PEAK) {
            *peak = Some(eight_bits);
        }
        at += now.len();
        samples = later;
    }
    peaks
}
