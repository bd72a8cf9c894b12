//! Legal holds, the retention plan, and what recordings cost.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a recording is to be held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// Why, in words: 1 to 500 characters.
    pub why: String,
}

/// A legal hold: nothing of the recording is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// Since when.
    pub at: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub why: String,
}

/// The hold of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldState {
    /// The recording.
    pub recording_id: String,
    /// Null when it is under none.
    pub hold: Option<HoldView>,
}

/// What the retention rules would remove now. Nothing is changed by asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RetentionPlan {
    /// When it was made.
    pub made_at: String,
    /// What is removed, in the order of execution; at most 1000.
    pub removals: Vec<RemovalView>,
    /// Recordings of which nothing is removed, by reason.
    pub kept: Vec<KeptSum>,
    /// The ones kept in spite of a rule, or because they are held: at most 1000.
    pub kept_recordings: Vec<KeptView>,
    /// Recordings of which something is removed, in all.
    pub recordings_removed: u64,
    /// Parts that are removed.
    pub parts_removed: i64,
    /// Their bytes.
    pub bytes_removed: i64,
    /// Bytes of all recordings before.
    pub bytes_before: i64,
    /// Bytes by which recordings exceed `retention.max_gigabytes` even afterwards.
    pub size_short_bytes: i64,
    /// Free bytes that `retention.make_room_gigabytes` still misses afterwards.
    pub room_short_bytes: i64,
}

/// What is removed of one recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RemovalView {
    /// The recording.
    pub recording_id: String,
    /// Its source.
    pub source_name: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// `age`, `size` or `room`.
    pub rule: String,
    /// The rule in words.
    pub why: String,
    /// Parts that are removed.
    pub parts: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Parts that stay because clips use them.
    pub parts_for_clips: i64,
    /// Their bytes.
    pub bytes_for_clips: i64,
}

/// Recordings that stay for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptSum {
    /// `live`, `held`, `not_heard`, `uncut`, `unreviewed`, `clips` or `not_due`.
    pub reason: String,
    /// How many recordings.
    pub recordings: u64,
    /// Their bytes.
    pub bytes: i64,
}

/// A recording that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptView {
    /// The recording.
    pub recording_id: String,
    /// Its source.
    pub source_name: String,
    /// When it ended; null while live.
    pub ended_at: Option<String>,
    /// As in `kept`.
    pub reason: String,
    /// The reason in words.
    pub why: String,
    /// Its bytes.
    pub bytes: i64,
}

/// The disk that recordings are kept on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DiskView {
    /// Bytes it holds, used or free.
    pub total_bytes: u64,
    /// Free bytes.
    pub free_bytes: u64,
    /// Recording stops when fewer are free.
    pub floor_bytes: u64,
    /// Bytes of all recordings.
    pub recordings_bytes: i64,
    /// Bytes of recordings by source, the largest first; at most 100.
    pub by_source: Vec<SourceBytes>,
    /// Bytes recorded a day, over the last seven days.
    pub bytes_per_day: i64,
    /// Days until recording stops at that rate, when nothing is removed; null when nothing was recorded lately.
    pub days_left: Option<f64>,
}

/// Bytes of a source's recordings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceBytes {
    /// The source.
    pub source_id: String,
    /// Its name.
    pub source_name: String,
    /// Bytes on disk.
    pub bytes: i64,
}

/// What recordings cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CostView {
    /// The disk.
    pub disk: DiskView,
    /// Every source that ever recorded, the largest on disk first.
    pub sources: Vec<SourceCostView>,
}

/// What one source's recordings cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceCostView {
    /// The source.
    pub source_id: String,
    /// Its name.
    pub source_name: String,
    /// Recordings, removed ones too.
    pub recordings: i64,
    /// Hours of media recorded, removed ones too.
    pub hours: f64,
    /// Bytes of its parts on disk.
    pub bytes: i64,
    /// Bytes of its scrub pictures on disk.
    pub picture_bytes: i64,
    /// Bytes of parts that were removed.
    pub removed_bytes: i64,
    /// Of `bytes`, those under a legal hold.
    pub held_bytes: i64,
    /// Gigabytes (10^9 bytes) of an hour of media; null before the first part.
    pub gigabytes_per_hour: Option<f64>,
    /// Minutes of its recordings without media.
    pub gap_minutes: f64,
    /// `bytes` as a share of the disk, 0 to 1.
    pub disk_share: f64,
}
