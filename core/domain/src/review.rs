//! What people say about selling points. The machine's own answer stays readable under it.

use serde::{Deserialize, Serialize};

use crate::{
    CorrectionId, RecordingId, SellingPointId, SourceId, Span, WallTime,
    selling_point::{Evidence, PointDetails, SellingPoint},
    taxonomy::Label,
};

/// How a selling point stands with people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody has said anything, or what was said is taken back.
    #[default]
    Open,
    /// A person says that it is right as it is shown.
    Approved,
    /// A person has changed it.
    Corrected,
    /// A person says that it is no selling point.
    Rejected,
}

/// What a selling point says: all of it that a person may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointAnswer {
    /// The primary label.
    pub label: Label,
    /// SKU of the product on sale.
    pub product_sku: Option<String>,
    /// Name of that product.
    pub product_name: Option<String>,
    /// From where to where, on the borders of utterances.
    pub span: Span,
    /// What it rests on.
    pub evidence: Evidence,
    /// Other labels and values.
    pub details: PointDetails,
}

impl PointAnswer {
    /// What `point` says now.
    pub fn of(point: &SellingPoint) -> Self {
        let p = point.clone();
        Self {
            label: p.label,
            product_sku: p.product_sku,
            product_name: p.product_name,
            span: p.span,
            evidence: p.evidence,
            details: p.details,
        }
    }

    /// Lets `point` say this.
    pub fn put_on(self, point: &mut SellingPoint) {
        let Self { label, product_sku, product_name, span, evidence, details } = self;
        (point.label, point.span) = (label, span);
        (point.product_sku, point.product_name) = (product_sku, product_name);
        (point.evidence, point.details) = (evidence, details);
    }
}

/// A selling point as it is shown, with how it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// As it is shown.
    pub point: SellingPoint,
    /// Which labelling of its recording it belongs to; 0 is the live's own.
    pub labelling: i64,
    /// How it stands with people.
    pub verdict: Verdict,
    /// How many times somebody said something about it: whoever changes it names the number that they have seen.
    pub version: i64,
}

/// One thing that a person said about a selling point. Never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// Its id.
    pub id: CorrectionId,
    /// About which one.
    pub point_id: SellingPointId,
    /// 1, 2, 3 … within the selling point.
    pub version: i64,
    /// How the selling point stands from here on.
    pub verdict: Verdict,
    /// What was shown before; of the first one, the machine's answer.
    pub was: PointAnswer,
    /// What is shown from here on.
    pub became: PointAnswer,
    /// Said about this selling point of an earlier labelling, and carried over.
    pub carried_from: Option<SellingPointId>,
    /// Why, in the person's words.
    pub note: Option<String>,
    /// Who.
    pub by: String,
    /// When.
    pub at: WallTime,
}

/// Talk that a person has judged: what a head can be taught by. Its text is read from the transcript when it is needed,
/// so that it never holds a word that is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedTalk {
    /// The selling point that was judged.
    pub point_id: SellingPointId,
    /// The source it was said on.
    pub source_id: SourceId,
    /// The recording it was said in.
    pub recording_id: RecordingId,
    /// From where to where.
    pub span: Span,
    /// What it is about: small talk where the selling point was rejected.
    pub label: Label,
    /// Other labels that it has.
    pub also: Vec<Label>,
    /// Approved, corrected or rejected.
    pub verdict: Verdict,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: WallTime,
}

/// A recording's talk labelled again: labelling 0, the live's own, has no such record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelling {
    /// The recording.
    pub recording_id: RecordingId,
    /// 1, 2, 3 … within the recording.
    pub number: i64,
    /// The head that was asked for; `None`: the one in use.
    pub head: Option<String>,
    /// Whether clips are made where no clip covers the talk.
    pub cut: bool,
    /// The revision of the transcript that it is about; `None` until it is complete.
    pub transcript_revision: Option<i64>,
    /// What labelled; `None` until it is complete.
    pub classifier: Option<String>,
    /// How many selling points that people had judged were carried over.
    pub carried: i64,
    /// How many were not, because the talk is divided otherwise now.
    pub dropped: i64,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: WallTime,
    /// When it was complete, or failed; `None` while it is being made.
    pub finished_at: Option<WallTime>,
    /// Why it could not be made; `None` unless it failed.
    pub failed: Option<String>,
}
