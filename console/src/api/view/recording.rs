//! Recordings, their epochs and gaps.

use clipmill_domain::{gap, recording};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HoldView, Language, reason, seconds, wall};

/// A stretch without media.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// Start in the recording, in seconds.
    pub start_s: f64,
    /// End in the recording, in seconds.
    pub end_s: f64,
    /// Why the media before it ended.
    pub reason: Option<String>,
}

impl From<&gap::Gap> for Gap {
    fn from(g: &gap::Gap) -> Self {
        Self { start_s: seconds(g.span.start()), end_s: seconds(g.span.end()), reason: g.reason.map(reason) }
    }
}

/// One live session of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordingView {
    /// Its id.
    pub id: String,
    /// Its source.
    pub source_id: String,
    /// Name of its source.
    pub source_name: String,
    /// The language spoken.
    pub language: Language,
    /// Wall time of media time zero.
    pub started_at: String,
    /// When it was over; null while live.
    pub ended_at: Option<String>,
    /// Why it was over.
    pub end_reason: Option<String>,
    /// From its first to its last frame, gaps counted, in seconds.
    pub duration_s: f64,
    /// Files it consists of, removed ones not counted.
    pub parts: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Files that a retention rule removed. What they held is no gap.
    pub removed_parts: u64,
    /// Set while it is under a legal hold: nothing of it is removed.
    pub hold: Option<HoldView>,
    /// The share of its duration that was kept, 0 to 1.
    pub coverage: f64,
    /// Stretches without media.
    pub gaps: Vec<Gap>,
}

/// A recording and the connections it came by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordingDetail {
    /// As in the list.
    #[serde(flatten)]
    pub recording: RecordingView,
    /// Its epochs, in order.
    pub epochs: Vec<EpochView>,
}

/// A stretch of a recording with one connection and one codec configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EpochView {
    /// Its number in the recording.
    pub seq: i64,
    /// Media time of its first frame, in seconds.
    pub start_s: f64,
    /// When its first packet arrived.
    pub started_at: String,
    /// Why it ended; null while open.
    pub end_reason: Option<String>,
    /// Video codec.
    pub video_codec: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Audio codec; null without sound.
    pub audio_codec: Option<String>,
    /// Audio sampling rate in hertz.
    pub sample_rate: Option<u32>,
}

impl From<recording::Epoch> for EpochView {
    fn from(e: recording::Epoch) -> Self {
        Self {
            seq: e.seq,
            start_s: seconds(e.media_start),
            started_at: wall(e.started_at),
            end_reason: e.end_reason.map(reason),
            video_codec: e.tracks.video_codec,
            width: e.tracks.width,
            height: e.tracks.height,
            audio_codec: e.tracks.audio_codec,
            sample_rate: e.tracks.sample_rate,
        }
    }
}

/// A small picture of a moment in a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScrubPictureView {
    /// Its number: rising, with holes.
    pub seq: i64,
    /// The moment, in seconds of the recording.
    pub at_s: f64,
    /// Where the JPEG is; at most 160 pixels wide and high.
    pub url: String,
}

/// The waveform of a stretch of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaveformView {
    /// Where the first point begins, in seconds of the recording.
    pub start_s: f64,
    /// From one point to the next, in seconds.
    pub step_s: f64,
    /// The highest sample in each point, its sign left out, 255 being full scale; null where there is no sound.
    pub peaks: Vec<Option<u8>>,
    /// The curves, if asked for.
    pub curves: Option<CurvesView>,
}

/// Energy, loudness and pitch along a stretch of a recording; null where there is no sound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CurvesView {
    /// Where the first point begins, in seconds of the recording.
    pub start_s: f64,
    /// From one point to the next, in seconds.
    pub step_s: f64,
    /// Mean energy of each point, in decibels of full scale.
    pub energy_db: Vec<Option<f32>>,
    /// Highest momentary loudness of each point, in LUFS.
    pub loudness_lufs: Vec<Option<f32>>,
    /// Median fundamental of the voiced sound of each point, in hertz; null also where nothing is voiced.
    pub pitch_hz: Vec<Option<f32>>,
}
