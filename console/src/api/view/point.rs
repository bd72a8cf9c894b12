//! Selling points, what people said about them, and labellings, as the API speaks of them.

use clipmill_domain::{
    product::Product,
    review::{self, Correction, PointAnswer, Reviewed},
    selling_point as domain,
    taxonomy::Label,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{EvidenceView, LabelName, LabelShare, seconds, share, wall};

/// How a selling point stands with people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody has said anything, or it was taken back.
    Open,
    /// It is right as it is shown.
    Approved,
    /// A person has changed it.
    Corrected,
    /// A person says that it is no selling point.
    Rejected,
}

impl From<review::Verdict> for Verdict {
    fn from(v: review::Verdict) -> Self {
        match v {
            review::Verdict::Open => Self::Open,
            review::Verdict::Approved => Self::Approved,
            review::Verdict::Corrected => Self::Corrected,
            review::Verdict::Rejected => Self::Rejected,
        }
    }
}

/// Something a person should look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PointWarning {
    /// The price that was said is none of the product's prices.
    PriceDiffers {
        /// As said.
        said: f64,
        /// The list price.
        listed: f64,
    },
    /// It is not sure which product this is about.
    ProductUnsure,
}

/// What a selling point says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PointAnswerView {
    /// Key of the primary label.
    pub label: String,
    /// Its names.
    pub label_name: LabelName,
    /// Other labels that it has.
    pub also: Vec<LabelShare>,
    /// Keys of finer labels.
    pub fine: Vec<String>,
    /// The product on sale.
    pub product_sku: Option<String>,
    /// Its name.
    pub product_name: Option<String>,
    /// Where it starts in the recording, in seconds.
    pub start_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// What it rests on.
    pub evidence: EvidenceView,
    /// What to look at.
    pub warnings: Vec<PointWarning>,
}

impl From<&PointAnswer> for PointAnswerView {
    fn from(a: &PointAnswer) -> Self {
        let shares = |all: &[(Label, f32)]| {
            all.iter().map(|(l, p)| LabelShare { label: l.key().to_owned(), p: share(*p) }).collect()
        };
        let warning = |w: &domain::Warning| match w {
            domain::Warning::PriceDiffers { said, listed } => {
                PointWarning::PriceDiffers { said: *said, listed: *listed }
            }
            domain::Warning::ProductUnsure => PointWarning::ProductUnsure,
        };
        Self {
            label: a.label.key().to_owned(),
            label_name: a.label.into(),
            also: shares(&a.details.also),
            fine: a.details.fine.iter().map(|f| f.key.clone()).collect(),
            product_sku: a.product_sku.clone(),
            product_name: a.product_name.clone(),
            start_s: seconds(a.span.start()),
            end_s: seconds(a.span.end()),
            evidence: EvidenceView {
                quote: a.evidence.quote.clone(),
                top: shares(&a.evidence.top),
                rule_hits: a.evidence.rule_hits.clone(),
                product_why: a.evidence.product_why.clone(),
            },
            warnings: a.details.warnings.iter().map(warning).collect(),
        }
    }
}

/// A selling point as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PointView {
    /// Its id.
    pub id: String,
    /// The recording it lies in.
    pub recording_id: String,
    /// Which labelling of the recording it belongs to; 0 is the live's own.
    pub labelling: i64,
    /// How it stands with people.
    pub verdict: Verdict,
    /// Name this number when you change it: it grows with every change.
    pub version: i64,
    /// What it says.
    #[serde(flatten)]
    pub answer: PointAnswerView,
    /// How sure the classifier was, 0 to 1.
    pub confidence: f64,
    /// Which model and head classified it.
    pub made_by: String,
}

impl From<&Reviewed> for PointView {
    fn from(r: &Reviewed) -> Self {
        Self {
            id: r.point.id.to_string(),
            recording_id: r.point.recording_id.to_string(),
            labelling: r.labelling,
            verdict: r.verdict.into(),
            version: r.version,
            answer: (&PointAnswer::of(&r.point)).into(),
            confidence: share(r.point.confidence),
            made_by: r.point.made_by.clone(),
        }
    }
}

/// One thing that was said about a selling point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PointWord {
    /// 1, 2, 3 …
    pub version: i64,
    /// How it stood from then on.
    pub verdict: Verdict,
    /// What was shown before.
    pub was: PointAnswerView,
    /// What was shown from then on.
    pub became: PointAnswerView,
    /// Whether it was said about an earlier labelling and carried over.
    pub carried: bool,
    /// Why.
    pub note: Option<String>,
    /// Who.
    pub by: String,
    /// When.
    pub at: String,
}

impl From<&Correction> for PointWord {
    fn from(c: &Correction) -> Self {
        Self {
            version: c.version,
            verdict: c.verdict.into(),
            was: (&c.was).into(),
            became: (&c.became).into(),
            carried: c.carried_from.is_some(),
            note: c.note.clone(),
            by: c.by.clone(),
            at: wall(c.at),
        }
    }
}

/// A sentence in or near a selling point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PointSentence {
    /// Its number in the transcript that is shown.
    pub seq: i64,
    /// Start in the recording, in seconds.
    pub start_s: f64,
    /// End in the recording, in seconds.
    pub end_s: f64,
    /// The text.
    pub text: String,
    /// Whether it belongs to the selling point.
    pub inside: bool,
    /// Words of it that are evidence: prices, link numbers, values, product names; each stands in the text.
    pub marks: Vec<String>,
}

/// A product that a selling point may be about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductChoice {
    /// Its stock-keeping unit.
    pub sku: String,
    /// Its name.
    pub name: String,
}

impl From<&Product> for ProductChoice {
    fn from(p: &Product) -> Self {
        Self { sku: p.sku.clone(), name: p.name.clone() }
    }
}

/// Everything about one selling point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PointDetail {
    /// As it is shown.
    #[serde(flatten)]
    pub point: PointView,
    /// The machine's own answer, where people have said something.
    pub machine: Option<PointAnswerView>,
    /// What people said, oldest first.
    pub words: Vec<PointWord>,
    /// Its sentences, with some before and after.
    pub sentences: Vec<PointSentence>,
    /// What its source sells.
    pub products: Vec<ProductChoice>,
    /// Its clip, once cut.
    pub clip_id: Option<String>,
    /// Whether its bounds were moved after the clip was cut, so that the clip still shows the old ones.
    pub clip_shows_old_bounds: bool,
}

/// What to do with a selling point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointAction {
    /// It is right.
    Approve,
    /// It is no selling point.
    Reject,
    /// Back to the machine's answer.
    Restore,
    /// It is put right, as the other fields say.
    Correct,
}

/// Another product, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductChange {
    /// Its stock-keeping unit; null: it is about no product.
    pub sku: Option<String>,
}

/// What a person says about a selling point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SayOfPoint {
    /// The `version` that the person has seen; refused when somebody has changed it since.
    pub version: i64,
    /// What to do.
    pub action: PointAction,
    /// Correct: another primary label.
    #[serde(default)]
    pub label: Option<String>,
    /// Correct: other labels beside it, in place of all there are.
    #[serde(default)]
    pub also: Option<Vec<String>>,
    /// Correct: another product, or none.
    #[serde(default)]
    pub product: Option<ProductChange>,
    /// Correct: the number of its first sentence.
    #[serde(default)]
    pub first: Option<i64>,
    /// Correct: the number of its last sentence.
    #[serde(default)]
    pub last: Option<i64>,
    /// Why, in one's own words.
    #[serde(default)]
    pub note: Option<String>,
}

/// Asks for a recording's talk to be labelled again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewLabelling {
    /// Id of a head of the library, or `configured`; left out: the one in use for the source.
    pub head: Option<String>,
    /// Whether clips are made of new selling points where no clip shows at least half of the talk.
    pub cut: bool,
}

/// How far a labelling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabellingState {
    /// Asked for, or under way.
    Running,
    /// Complete.
    Ready,
    /// It could not be made.
    Failed,
}

/// A labelling of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabellingView {
    /// Its number; 0 is the live's own.
    pub number: i64,
    /// Whether it is the one that is shown.
    pub shown: bool,
    /// How far it is.
    pub state: LabellingState,
    /// Why it could not be made.
    pub failed: Option<String>,
    /// The head that was asked for.
    pub head: Option<String>,
    /// What labelled.
    pub classifier: Option<String>,
    /// How many segments.
    pub segments: i64,
    /// How many selling points, without rejected ones.
    pub points: i64,
    /// How many of them people have judged.
    pub judged: i64,
    /// How many judgements were carried over into it.
    pub carried: i64,
    /// How many were not, because the talk is divided otherwise.
    pub dropped: i64,
    /// Who asked for it.
    pub asked_by: Option<String>,
    /// When.
    pub asked_at: Option<String>,
    /// When it was complete.
    pub finished_at: Option<String>,
}

/// A trained head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeadView {
    /// Its id.
    pub id: String,
    /// As a selling point's `made_by` ends with it.
    pub short_hash: String,
    /// The source whose brand it is for; null: all.
    pub source_name: Option<String>,
    /// What it is and how it came about.
    #[schema(value_type = Object)]
    pub facts: serde_json::Value,
    /// Figures on the frozen set on which it was judged last.
    #[schema(value_type = Option<Object>)]
    pub frozen: Option<serde_json::Value>,
    /// Whether it labels talk now.
    pub in_use: bool,
    /// Who trained it.
    pub made_by: String,
    /// When.
    pub made_at: String,
}
