//! How the sound of a recording runs: the shape of its wave, how loud and how high it is.
//!
//! Points lie on one grid of media time, the same however the recording was cut into parts. Where no sound is, there is
//! no value: silence is a value, a gap is none.

use serde::{Deserialize, Serialize};

use crate::{MediaTime, MicrosDelta, RecordingId};

/// From one peak to the next: 20 ms.
pub const PEAK_MICROS: MicrosDelta = 20_000;
/// From one point of energy, loudness and pitch to the next: 100 ms.
pub const CURVE_MICROS: MicrosDelta = 100_000;
/// Peaks for each point of the curves.
pub const PEAKS_PER_POINT: usize = 5;
/// What digital silence is given as, in decibels.
pub const FLOOR_DB: f32 = -100.0;

/// The curves of a stretch of sound.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// The largest sample of each 20 ms without its sign; 255 is full scale.
    pub peaks: Vec<Option<u8>>,
    /// Root mean square of each 100 ms, in decibels below full scale.
    pub energy_db: Vec<Option<f32>>,
    /// Momentary loudness in LUFS: the K-weighted energy of the 400 ms that end with these 100 ms.
    pub loudness_lufs: Vec<Option<f32>>,
    /// Fundamental of the voice in the middle of these 100 ms, in hertz; none where nothing is voiced.
    pub pitch_hz: Vec<Option<f32>>,
}

impl Curves {
    /// How many points of 100 ms there are.
    pub fn len(&self) -> usize {
        self.energy_db.len()
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.energy_db.is_empty()
    }
}

/// The curves of one part of a recording: all points from the one that begins in it up to the next part's first.
#[derive(Debug, Clone, PartialEq)]
pub struct PartCurves {
    /// The recording.
    pub recording_id: RecordingId,
    /// Number of the part.
    pub part_seq: i64,
    /// Where the first point begins; a multiple of [`CURVE_MICROS`].
    pub start: MediaTime,
    /// The points.
    pub curves: Curves,
}
