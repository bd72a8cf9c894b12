//! One live session of a source, in epochs and parts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{EpochId, MediaTime, PartId, RecordingId, SourceId, Span, WallTime, source::Language};

/// Why a recording or an epoch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The encoder said it was done, or the file ended.
    Finished,
    /// The connection dropped or answered with an error.
    Disconnected,
    /// No packet arrived for longer than the stall limit.
    Stalled,
    /// Codec, size or sample rate changed.
    FormatChanged,
    /// Timestamps jumped.
    TimestampJump,
    /// The operator, or the shutdown of the service, stopped it.
    Stopped,
    /// The recorder died; the epoch was closed at the next start.
    Crashed,
    /// Nothing came for the quiet time.
    Quiet,
    /// The disk ran below its floor.
    DiskFull,
    /// It had run for as long as its source may record in one go.
    TimeLimit,
    /// It had grown as large as its source's recordings may.
    SizeLimit,
    /// The window of its source's schedule closed.
    WindowEnd,
}

/// One live session of a source, across drops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Its id.
    pub id: RecordingId,
    /// Where it came from.
    pub source_id: SourceId,
    /// Language of the source when it began.
    pub language: Language,
    /// Wall time of media time zero.
    pub started_at: WallTime,
    /// Set when it is over; `None` while live.
    pub ended_at: Option<WallTime>,
    /// Why it is over.
    pub end_reason: Option<EndReason>,
    /// Set while nothing of it may be deleted.
    pub hold: Option<Hold>,
}

/// A legal hold on a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Since when.
    pub at: WallTime,
    /// By whom.
    pub by: String,
    /// Why.
    pub why: String,
}

/// A stretch of a recording with one connection and one codec configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its id.
    pub id: EpochId,
    /// The recording it belongs to.
    pub recording_id: RecordingId,
    /// 0, 1, 2 … within the recording.
    pub seq: i64,
    /// Library path of the CMAF header (`init`) that all its parts need.
    pub init_path: String,
    /// What the tracks are, as probed.
    pub tracks: Tracks,
    /// Media time of its first frame.
    pub media_start: MediaTime,
    /// When its first packet arrived.
    pub started_at: WallTime,
    /// Why it ended; `None` while open.
    pub end_reason: Option<EndReason>,
}

/// Codec facts of an epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracks {
    /// Video codec by libavcodec's name, for example `h264`.
    pub video_codec: String,
    /// Coded width in pixels.
    pub width: u32,
    /// Coded height in pixels.
    pub height: u32,
    /// Audio codec by libavcodec's name; `None` without sound.
    pub audio_codec: Option<String>,
    /// Audio sampling rate in hertz.
    pub sample_rate: Option<u32>,
}

/// One GOP-aligned media file of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its id.
    pub id: PartId,
    /// The recording it belongs to.
    pub recording_id: RecordingId,
    /// The epoch it belongs to.
    pub epoch_id: EpochId,
    /// 0, 1, 2 … within the recording, in media-time order; no number is skipped.
    pub seq: i64,
    /// Library path of the file.
    pub path: String,
    /// File length in bytes.
    pub bytes: i64,
    /// Media time covered by its video frames (or audio, without video).
    pub span: Span,
    /// Key frames inside: media time and byte offset of the fragment that starts with it.
    pub key_frames: Vec<KeyFrame>,
    /// Wall time at which its first packet arrived.
    pub wall_start: WallTime,
    /// When a retention rule took its file away; `None` while it is there.
    pub removed_at: Option<WallTime>,
}

/// Where a key frame lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFrame {
    /// Its presentation time.
    pub at: MediaTime,
    /// Offset in bytes, inside the part, of the fragment (moof box) that begins with it.
    pub offset: i64,
}

/// The files of a part on this machine, as one room hands them to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPart {
    /// The fragments.
    pub path: PathBuf,
    /// The header of its epoch.
    pub init_path: PathBuf,
    /// Media time, in microseconds, of the epoch's first key frame: where the file's own clock is zero.
    pub offset_us: i64,
    /// The media time it covers.
    pub span: Span,
}
