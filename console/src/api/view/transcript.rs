//! Transcripts: what was said, when, and what the numbers in it mean.

use clipmill_domain::{
    quantity::{self, Currency, Unit, quantities},
    source,
    transcript::{self, Utterance},
};
use clipmill_inference::{
    punctuation::Marks,
    script::{shown_in, written_in},
};
use clipmill_store::utterances::DroppedText;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Language, seconds, share, wall};

/// A recognised word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptWord {
    /// The text.
    pub text: String,
    /// Start in the recording, in seconds.
    pub start_s: f64,
    /// End in the recording, in seconds.
    pub end_s: f64,
    /// How sure the recogniser is, 0 to 1.
    pub p: f64,
    /// What the recogniser gave, where it was put right. A repair of several words has all of it in its first.
    pub heard: Option<String>,
    /// Who put it right: `sound`, `rule`, `likelihood` or `operator`.
    pub mended_by: Option<String>,
}

impl From<transcript::Word> for TranscriptWord {
    fn from(w: transcript::Word) -> Self {
        let (heard, by) = w.mended.map(|m| (m.heard, key(&m.by))).unzip();
        Self {
            text: w.text,
            start_s: seconds(w.start),
            end_s: seconds(w.end),
            p: share(w.p),
            heard,
            mended_by: by.flatten(),
        }
    }
}

/// The stable key of one of the domain's words.
fn key(word: &impl Serialize) -> Option<String> {
    serde_json::to_value(word).ok().and_then(|v| v.as_str().map(str::to_owned))
}

/// A number that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuantityView {
    /// The exact value in decimal digits, for example `89.9`.
    pub value: String,
    /// What it is of: `money`, `percent`, `discount` (the factor on the price), `discount_on_nth`, `rebate`, `bundle`
    /// (the price of several pieces), `offer` (pieces given), `count`, `size`, `length`, `weight`, `volume`, `power`
    /// (watts), `capacity` (milliamp hours), `time`, `link` or `plain`.
    pub unit: String,
    /// The currency (`yuan`), the measure (`gram`) or the classifier (`件`); null where none is known.
    pub of: Option<String>,
    /// The piece of `discount_on_nth`, the pieces of a `bundle`, the pieces paid for in an `offer`.
    pub pieces: Option<u32>,
    /// From which sum a `rebate` is given.
    pub over: Option<String>,
    /// As said.
    pub raw: String,
    /// Where it begins in the utterance's text, in characters (Unicode code points).
    pub start: usize,
    /// Where it ends, in the same.
    pub end: usize,
}

impl QuantityView {
    /// `text` as the rows have it, shown with `marks`; it has as many characters in each script.
    fn new(text: &str, marks: &Marks, q: quantity::Quantity, script: source::Script) -> Self {
        let shown = marks.moved(text, q.range);
        let currency = |c: Option<Currency>| c.and_then(|c| key(&c));
        let (unit, of, pieces, over) = match q.unit {
            Unit::Money(c) => ("money", currency(c), None, None),
            Unit::Percent => ("percent", None, None, None),
            Unit::Discount => ("discount", None, None, None),
            Unit::DiscountOnNth(n) => ("discount_on_nth", None, Some(n), None),
            Unit::Rebate { over } => ("rebate", None, None, Some(over.to_string())),
            Unit::Bundle { count, currency: c } => ("bundle", currency(c), Some(count), None),
            Unit::Offer { buy, .. } => ("offer", None, Some(buy), None),
            Unit::Count(what) => ("count", Some(what), None, None),
            Unit::Size => ("size", None, None, None),
            Unit::Length(u) => ("length", key(&u), None, None),
            Unit::Weight(u) => ("weight", key(&u), None, None),
            Unit::Volume(u) => ("volume", key(&u), None, None),
            Unit::Power => ("power", None, None, None),
            Unit::Capacity => ("capacity", None, None, None),
            Unit::Time(u) => ("time", key(&u), None, None),
            Unit::Link => ("link", None, None, None),
            Unit::Plain => ("plain", None, None, None),
        };
        Self {
            value: q.value.to_string(),
            unit: unit.to_owned(),
            of,
            pieces,
            over,
            start: shown.start,
            end: shown.end,
            raw: written_in(script, &q.raw),
        }
    }
}

/// A sentence of the transcript with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UtteranceView {
    /// Its id.
    pub id: String,
    /// Its number in the recording.
    pub seq: i64,
    /// Start in the recording, in seconds.
    pub start_s: f64,
    /// End in the recording, in seconds.
    pub end_s: f64,
    /// The text.
    pub text: String,
    /// What the recogniser gave, before repairs; without the punctuation that was put in.
    pub raw: String,
    /// The language it is said in; null where that was not looked at.
    pub language: Option<Language>,
    /// Which voice of the recording, from 0; null where that is not known.
    pub speaker: Option<u32>,
    /// What recognised it.
    pub made_by: String,
    /// When a person last changed its text.
    pub edited_at: Option<String>,
    /// Its words.
    pub words: Vec<TranscriptWord>,
    /// The numbers said in it.
    pub quantities: Vec<QuantityView>,
}

impl UtteranceView {
    /// `language`: of the recording, where the utterance has none of its own. Shown in `script`.
    pub(crate) fn new(u: Utterance, language: source::Language, script: source::Script) -> Self {
        let said = quantities(&u.text, u.language.unwrap_or(language)).into_iter();
        let marks = Marks::of(&u);
        let said = said.map(|q| QuantityView::new(&u.text, &marks, q, script)).collect();
        let heard: Vec<&str> =
            u.words.iter().map(transcript::Word::heard).filter(|h| !h.is_empty()).collect();
        let separator = if u.text.contains(' ') { " " } else { "" };
        let raw = written_in(script, &heard.join(separator));
        let u = shown_in(script, u);
        Self {
            id: u.id.to_string(),
            seq: u.seq,
            start_s: seconds(u.span.start()),
            end_s: seconds(u.span.end()),
            raw,
            language: u.language.map(Language::from),
            speaker: u.speaker,
            edited_at: u.edited_at.map(wall),
            words: u.words.into_iter().map(TranscriptWord::from).collect(),
            quantities: said,
            text: u.text,
            made_by: u.made_by,
        }
    }
}

/// Text that the recogniser gave and a guard threw away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DroppedView {
    /// Start in the recording, in seconds.
    pub start_s: f64,
    /// End in the recording, in seconds.
    pub end_s: f64,
    /// What was recognised.
    pub text: String,
    /// Why it was thrown away.
    pub reason: String,
}

impl From<DroppedText> for DroppedView {
    fn from(d: DroppedText) -> Self {
        Self {
            start_s: seconds(d.span.start()),
            end_s: seconds(d.span.end()),
            text: d.text,
            reason: d.reason,
        }
    }
}

/// The transcript of a recording, or of a range of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptView {
    /// The recording.
    pub recording_id: String,
    /// The language of its source.
    pub language: Language,
    /// Which revision this is; 0 is the live's own.
    pub revision: i64,
    /// Where what is told here begins, in seconds.
    pub from_s: f64,
    /// Where it ends, in seconds: what begins there or later is not told here.
    pub to_s: f64,
    /// Pass as `from` for what follows; null when this was all there is now.
    pub next_s: Option<f64>,
    /// Up to here everything is heard and final; null before the first step of the transcriber.
    pub heard_until_s: Option<f64>,
    /// The sentences that share an instant with the range, in order.
    pub utterances: Vec<UtteranceView>,
    /// What was thrown away in it.
    pub dropped: Vec<DroppedView>,
}
