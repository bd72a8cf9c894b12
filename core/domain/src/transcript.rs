//! Recognised words and sentences.

use serde::{Deserialize, Serialize};

use crate::{MediaTime, RecordingId, Span, UtteranceId, WallTime, source::Language};

/// Recognised text with its time and probability: a word in English, usually a character in Chinese.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// As recognised, without surrounding space.
    pub text: String,
    /// When it starts.
    pub start: MediaTime,
    /// When it ends; not before `start`.
    pub end: MediaTime,
    /// The recogniser's probability, 0 to 1.
    pub p: f32,
    /// What the recogniser itself gave, where it was put right; `None`: the text is what it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended: Option<Mended>,
}

impl Word {
    /// What the recogniser gave; empty where a repair made more words of fewer.
    pub fn heard(&self) -> &str {
        self.mended.as_ref().map_or(&self.text, |m| &m.heard)
    }
}

/// How a word came to differ from what the recogniser gave. A repair of several words keeps all of what was heard in
/// its first word; the others have heard nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// The recogniser's text.
    pub heard: String,
    /// Who put it right.
    pub by: MendedBy,
}

/// Who puts words right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MendedBy {
    /// It sounds like a term of the lexicon.
    Sound,
    /// A rule of the lexicon: what is heard so is written so.
    Rule,
    /// It is likelier in this language than what was heard, and sounds alike.
    Likelihood,
    /// A person.
    Operator,
}

/// A sentence: a run of words closed by pause or punctuation. The unit that may never be cut inside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    /// Its id; each revision of a transcript has its own.
    pub id: UtteranceId,
    /// The recording it was said in.
    pub recording_id: RecordingId,
    /// 0, 1, 2 … within the recording, in time order.
    pub seq: i64,
    /// From the first word's start to the last word's end.
    pub span: Span,
    /// The text matched on (Simplified Chinese, normalised); what is shown may be in another script.
    pub text: String,
    /// The words, in order, inside `span`.
    pub words: Vec<Word>,
    /// What recognised it: model name and version.
    pub made_by: String,
    /// What it is said in; `None` where that was not looked at.
    pub language: Option<Language>,
    /// Which voice of the recording says it, from 0 in the order of first speaking; `None` where nobody can tell.
    pub speaker: Option<u32>,
    /// When a person last changed its text.
    pub edited_at: Option<WallTime>,
}

/// A transcript revision: a recording heard again, by the model that was asked for. Revision 0, the live's own, has no
/// such record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The recording.
    pub recording_id: RecordingId,
    /// 1, 2, 3 … within the recording.
    pub number: i64,
    /// The model that was asked for, by its name.
    pub model: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: WallTime,
    /// When it was complete, or failed; `None` while it is being made.
    pub finished_at: Option<WallTime>,
    /// Why it could not be made; `None` unless it failed.
    pub failed: Option<String>,
}

/// Media time before which no further utterance will begin: the one word that the transcriber's stored state says to
/// whoever reads its utterances. `None` before the first step.
///
/// It is the field `final_until` of that state, in samples of 16 kHz from media time zero, or the start of the first word
/// that closes no sentence yet (`sentences.pending`), whichever is earlier.
pub fn heard_until(transcriber_state: &serde_json::Value) -> Option<MediaTime> {
    let samples = transcriber_state.get("final_until")?.as_i64()?;
    let heard = MediaTime::from_micros(samples.saturating_mul(1_000_000) / 16_000);
    let pending = transcriber_state.pointer("/sentences/pending/0/start").and_then(serde_json::Value::as_i64);
    Some(pending.map_or(heard, |start| heard.min(MediaTime::from_micros(start))))
}
