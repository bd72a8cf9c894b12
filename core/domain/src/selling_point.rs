//! Stretches of talk on one topic, and those of them that sell.

use serde::{Deserialize, Serialize};

use crate::{RecordingId, SegmentId, SellingPointId, Span, WallTime, taxonomy::Label};

/// Consecutive utterances on one topic. Closed once, never silently changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// The recording it lies in.
    pub recording_id: RecordingId,
    /// 0, 1, 2 … within the recording.
    pub seq: i64,
    /// `seq` of its first utterance.
    pub first_utterance: i64,
    /// `seq` of its last utterance.
    pub last_utterance: i64,
    /// From the first utterance's start to the last one's end.
    pub span: Span,
    /// The topic.
    pub label: Label,
    /// Mean probability of `label` over its utterances, 0 to 1.
    pub confidence: f32,
    /// When it was closed.
    pub closed_at: WallTime,
}

/// A segment that sells: with its product and the evidence for both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SellingPoint {
    /// Its id.
    pub id: SellingPointId,
    /// The segment it is.
    pub segment_id: SegmentId,
    /// The recording it lies in.
    pub recording_id: RecordingId,
    /// Same as the segment's.
    pub span: Span,
    /// The primary label.
    pub label: Label,
    /// SKU of the product on sale; `None` when unsure.
    pub product_sku: Option<String>,
    /// Name of that product, as the brand writes it.
    pub product_name: Option<String>,
    /// 0 to 1.
    pub confidence: f32,
    /// What it rests on.
    pub evidence: Evidence,
    /// Classifier and version.
    pub made_by: String,
}

/// Why a selling point is what it is said to be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The words said, whole utterances joined.
    pub quote: String,
    /// The best labels with their mean probabilities, best first (at most three).
    pub top: Vec<(Label, f32)>,
    /// Rules that fired, in words ("price pattern: 89.9", "link number 5").
    pub rule_hits: Vec<String>,
    /// How the product was bound, in words ("said 开衫 at 0:12").
    pub product_why: Option<String>,
}
