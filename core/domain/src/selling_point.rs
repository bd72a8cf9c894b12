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
    /// What was said besides: other labels, values, and what is written from them.
    pub details: PointDetails,
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
    /// The words that it rests on, letter for letter as they were said: what a model named, and values.
    #[serde(default)]
    pub words: Vec<String>,
    /// Rules that fired, in words ("price pattern: 89.9", "link number 5").
    pub rule_hits: Vec<String>,
    /// How the product was bound, in words ("said 开衫 at 0:12").
    pub product_why: Option<String>,
}

/// What a selling point says beyond its primary label.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PointDetails {
    /// Other labels that it has too, with their mean probabilities, best first.
    pub also: Vec<(Label, f32)>,
    /// Finer labels of category packs and of the brand, best first.
    pub fine: Vec<FineLabel>,
    /// Values that were said.
    pub attributes: Vec<Attribute>,
    /// One line to begin a video with; each of its claims was said or stands in the product list.
    pub hook: String,
    /// Titles to choose from, best first, under the same rule.
    pub titles: Vec<String>,
    /// What a person should look at before it is published.
    pub warnings: Vec<Warning>,
}

/// A label under a base label: of a category pack, or a brand's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FineLabel {
    /// Its key, unique within its pack.
    pub key: String,
    /// The base label that it lies under.
    pub under: Label,
    /// 0 to 1.
    pub p: f32,
}

/// A value that was said, with the words it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// What kind of value.
    pub kind: AttributeKind,
    /// Of what, as said: the material ("亚麻"), the colour ("抹茶绿"), the size ("M"), which price ("日常价"), which term
    /// ("质保"), what is measured ("厚度"); empty where the amount says all.
    pub what: String,
    /// The amount, where one was said: 55 of a share, 89.9 of a price.
    pub amount: Option<f64>,
    /// The upper end, where a range was said: 125 of "80 to 125 jin".
    #[serde(default)]
    pub to: Option<f64>,
    /// What the amount counts. "%"; money as a sign ("¥", "$", "€", "£"; empty: which was not said; "-¥": so much less);
    /// of an offer "x", the factor on the price (on the nth piece, with `pieces`), or "free" pieces; measures ("g", "ml",
    /// "cm", "jin", "mAh", "day"); "size"; pieces as said ("件", "pairs"). Empty without an amount.
    pub unit: String,
    /// Of an offer: the amount is for so many pieces together, or on the nth, or free on buying so many.
    #[serde(default)]
    pub pieces: Option<u32>,
    /// The words, letter for letter.
    pub raw: String,
    /// `seq` of the utterance that they stand in.
    pub utterance: i64,
}

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeKind {
    /// A material or ingredient, with its share where said.
    Material,
    /// An amount of money.
    Price,
    /// A reduction, a bundle, pieces for free.
    Offer,
    /// A size, length, weight or capacity.
    Size,
    /// A colour.
    Color,
    /// A number of pieces.
    Count,
    /// A date, a term, a length of time.
    Date,
}

/// What a person should look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
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
