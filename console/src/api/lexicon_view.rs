//! The lexicon as the API speaks of it.

use clipmill_domain::{lexicon::LexiconEntry, transcript};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    lexicon_rules::{Changed, Changes},
    view::{Language, seconds, share, wall},
};

/// A term that hosts say, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LexiconEntryView {
    /// Its id.
    pub id: String,
    /// The source it is for; null for all of them.
    pub source_id: Option<String>,
    /// The language it is said in; null for any.
    pub language: Option<Language>,
    /// How it is written.
    pub term: String,
    /// Other names that are right as they are.
    pub aliases: Vec<String>,
    /// What is heard when it is said: rewritten wherever it is met.
    pub misheard: Vec<String>,
    /// Who entered it.
    pub entered_by: String,
    /// When.
    pub entered_at: String,
}

impl From<LexiconEntry> for LexiconEntryView {
    fn from(e: LexiconEntry) -> Self {
        Self {
            id: e.id.to_string(),
            source_id: e.source_id.map(|id| id.to_string()),
            language: e.language.map(Into::into),
            term: e.term,
            aliases: e.aliases,
            misheard: e.misheard,
            entered_by: e.entered_by,
            entered_at: wall(e.entered_at),
        }
    }
}

/// A term to enter. An entry of the same term and source is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLexiconEntry {
    /// The source it is for; without it: all of them.
    #[serde(default)]
    pub source_id: Option<String>,
    /// The language it is said in; without it: any.
    #[serde(default)]
    pub language: Option<Language>,
    /// How it is written: one line of at most 60 characters.
    pub term: String,
    /// Other names that are right as they are.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What is heard when it is said.
    #[serde(default)]
    pub misheard: Vec<String>,
}

/// A rule to try on the transcripts that are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleToTry {
    /// Only in recordings of this source; without it: in all.
    #[serde(default)]
    pub source_id: Option<String>,
    /// What is heard, letter for letter: at least two characters.
    pub heard: String,
    /// What it is.
    pub term: String,
    /// Whether to carry it out: what a person has edited is left alone.
    #[serde(default)]
    pub apply: bool,
}

/// What a rule changes in the transcripts that are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RulePreview {
    /// Utterances that it changes, in all.
    pub count: u64,
    /// Whether there may be more: very long searches end early.
    pub more: bool,
    /// The first of them, at most 50.
    pub changes: Vec<RuleChange>,
    /// Utterances that were changed now; null where nothing was to be carried out.
    pub applied: Option<u64>,
}

impl RulePreview {
    pub(super) fn new(changes: Changes, applied: Option<u64>) -> Self {
        let shown = changes.shown.into_iter().map(Into::into).collect();
        Self { count: changes.count, more: changes.more, changes: shown, applied }
    }
}

/// An utterance that a rule changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleChange {
    /// Its recording.
    pub recording_id: String,
    /// When that began.
    pub recording_began: String,
    /// The utterance.
    pub utterance_id: String,
    /// Where it starts, in seconds of the recording.
    pub start_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// Its text.
    pub before: String,
    /// Its text with the rule.
    pub after: String,
}

impl From<Changed> for RuleChange {
    fn from(c: Changed) -> Self {
        Self {
            recording_id: c.before.recording_id.to_string(),
            recording_began: wall(c.recording_began),
            utterance_id: c.before.id.to_string(),
            start_s: seconds(c.before.span.start()),
            end_s: seconds(c.before.span.end()),
            before: c.before.text,
            after: c.after.text,
        }
    }
}

/// What was really said in an utterance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The whole text, as it should be: 1 to 1000 characters.
    pub text: String,
    /// Whether the difference becomes a rule of the lexicon, for what is heard from now on.
    #[serde(default)]
    pub make_rule: bool,
}

/// A corrected utterance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CorrectedUtterance {
    /// The utterance.
    pub id: String,
    /// Its recording.
    pub recording_id: String,
    /// Its text now.
    pub text: String,
    /// Its words now.
    pub words: Vec<CorrectedWord>,
    /// When it was edited.
    pub edited_at: String,
    /// The rule that the change makes; null where it makes none. `POST /api/lexicon/preview` tells what it would change.
    pub suggested: Option<SuggestedRule>,
    /// The rule that was made; null where none was asked for, or the change makes none.
    pub rule: Option<LexiconEntryView>,
    /// What is heard by that rule, letter for letter.
    pub rule_heard: Option<String>,
    /// What the rule would change elsewhere. Nothing else was changed.
    pub preview: Option<RulePreview>,
}

/// A rule that is not entered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuggestedRule {
    /// What is heard, letter for letter.
    pub heard: String,
    /// What it is.
    pub term: String,
}

/// A word of a corrected utterance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CorrectedWord {
    /// As it is written.
    pub text: String,
    /// Its start in seconds of the recording.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// The recogniser's probability.
    pub p: f64,
    /// What the recogniser gave, where it was put right.
    pub heard: Option<String>,
}

impl From<&transcript::Word> for CorrectedWord {
    fn from(w: &transcript::Word) -> Self {
        Self {
            text: w.text.clone(),
            start_s: seconds(w.start),
            end_s: seconds(w.end),
            p: share(w.p),
            heard: w.mended.as_ref().map(|m| m.heard.clone()),
        }
    }
}
