//! A cut of a recording.

use serde::{Deserialize, Serialize};

use crate::{ClipId, RecordingId, SellingPointId, Span, WallTime, taxonomy::Label};

/// The edit decision list of a clip: which spans of the recording, in playing order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edl {
    /// One continuous window is a list of one. Never empty.
    pub spans: Vec<Span>,
}

impl Edl {
    /// Playing time in microseconds.
    pub fn micros(&self) -> i64 {
        self.spans.iter().map(|s| s.micros()).sum()
    }
}

/// A cut of a recording, first draft (key-frame copy), then exact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    /// Its id.
    pub id: ClipId,
    /// What it shows.
    pub selling_point_id: SellingPointId,
    /// Where it is cut from.
    pub recording_id: RecordingId,
    /// From the first span's start to the last one's end.
    pub span: Span,
    /// What to play.
    pub edl: Edl,
    /// One line for the feed.
    pub title: String,
    /// The primary label.
    pub label: Label,
    /// Product name, where bound.
    pub product_name: Option<String>,
    /// Sentences that explain the cut to a person.
    pub why: Vec<String>,
    /// Wall time at which the talk it shows ended: latency counts from here.
    pub talk_ended_at: WallTime,
    /// When the draft could first be played: what "reviewable" means.
    pub reviewable_at: WallTime,
    /// Library path of the draft.
    pub draft_path: String,
    /// Library path of the thumbnail (JPEG).
    pub thumbnail_path: String,
    /// Library path of the exact cut, once made.
    pub exact_path: Option<String>,
}
