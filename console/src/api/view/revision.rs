//! Transcript revisions as the API speaks of them.

use clipmill_store::revisions::Contents;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a transcript revision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevisionState {
    /// Nobody has begun with it: whatever is live goes first.
    Asked,
    /// The recording is being heard.
    Running,
    /// Complete.
    Ready,
    /// It could not be made; `failed` says why.
    Failed,
}

/// A new transcript revision to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRevision {
    /// The speech model, by its name in `clipmill models list`; without it: the one that hears the lives.
    #[serde(default)]
    pub model: Option<String>,
}

/// A revision of a recording's transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RevisionView {
    /// Its number; 0 is the live's own.
    pub number: i64,
    /// Whether it is the one that is shown, exported and searched.
    pub shown: bool,
    /// How far it is.
    pub state: RevisionState,
    /// How much of the recording is heard, while that is under way.
    pub percent: Option<f64>,
    /// The model that was asked for; null for the live's own.
    pub model: Option<String>,
    /// What recognised it: model, version and parameters; null before the first sentence.
    pub made_by: Option<String>,
    /// How many sentences it has.
    pub utterances: i64,
    /// How many of them a person has corrected.
    pub edited: i64,
    /// Who asked for it; null for the live's own.
    pub asked_by: Option<String>,
    /// When.
    pub asked_at: Option<String>,
    /// When it was complete, or failed.
    pub finished_at: Option<String>,
    /// Why it could not be made.
    pub failed: Option<String>,
}

impl RevisionView {
    /// Asked for, by nobody and of no model.
    pub(crate) fn new(number: i64, shown: bool, contents: Option<&Contents>) -> Self {
        Self {
            number,
            shown,
            state: RevisionState::Asked,
            percent: None,
            model: None,
            made_by: contents.and_then(|c| c.made_by.clone()),
            utterances: contents.map_or(0, |c| c.utterances),
            edited: contents.map_or(0, |c| c.edited),
            asked_by: None,
            asked_at: None,
            finished_at: None,
            failed: None,
        }
    }
}
