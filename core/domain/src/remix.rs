//! A finished short video and the plan it was rendered from.

use serde::{Deserialize, Serialize};

use crate::{ClipId, RecordingId, RemixId, WallTime, clip::Edl};

/// Everything a render needs to decide nothing: printable, stored, and hashed into the artifact's key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemixPlan {
    /// The recording the pictures come from.
    pub recording_id: RecordingId,
    /// What to play.
    pub edl: Edl,
    /// Output width in pixels; even.
    pub width: u32,
    /// Output height in pixels; even.
    pub height: u32,
    /// Frames per second of the output.
    pub fps: u32,
    /// Captions in playing time, already broken into lines that fit.
    pub captions: Vec<Caption>,
    /// Integrated loudness to reach, in LUFS.
    pub loudness_lufs: f32,
    /// Name and version of the template.
    pub template: String,
}

/// One caption event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caption {
    /// Start in microseconds of playing time.
    pub start_us: i64,
    /// End in microseconds of playing time; after `start_us`.
    pub end_us: i64,
    /// The lines, top to bottom: one or two.
    pub lines: Vec<String>,
}

/// A rendered short video.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remix {
    /// Its id.
    pub id: RemixId,
    /// The clip it shows.
    pub clip_id: ClipId,
    /// What was rendered.
    pub plan: RemixPlan,
    /// Library path of the MP4.
    pub path: String,
    /// When it was committed.
    pub made_at: WallTime,
    /// Code and template version.
    pub made_by: String,
}
