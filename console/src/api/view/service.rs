//! The service itself: health, numbers, access, changes, errors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::DiskView;

/// Numbers over the newest clips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// How many clips there are.
    pub clips: u64,
    /// How many posts are live.
    pub published: u64,
    /// Median seconds from the end of the talk to a reviewable clip, over the newest 1000 clips; null without
    /// any.
    pub median_latency_s: Option<f64>,
    /// Clips by label key, over the newest 1000 clips.
    pub by_label: BTreeMap<String, u64>,
}

/// A process of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProcessView {
    /// `record`, `work` or `serve`.
    pub role: String,
    /// Its number on its machine.
    pub pid: i64,
    /// Whether it reported lately.
    pub alive: bool,
    /// When it last reported.
    pub last_beat: String,
    /// What it says about itself.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// Whether all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// No problem is known.
    Ok,
    /// Something in `problems` needs a look.
    Degraded,
}

/// How the service is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// In one word.
    pub status: HealthStatus,
    /// The program's version.
    pub version: String,
    /// The processes that reported in the last minute.
    pub processes: Vec<ProcessView>,
    /// Free bytes where recordings are kept.
    pub disk_free_bytes: u64,
    /// The disk that recordings are kept on.
    pub disk: DiskView,
    /// The recordings that are being transcribed.
    pub transcribing: Vec<TranscribingView>,
    /// What is wrong and what to do, in words.
    pub problems: Vec<String>,
}

/// A recording that is being transcribed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TranscribingView {
    /// The recording.
    pub recording_id: String,
    /// Name of its source.
    pub source_name: String,
    /// Seconds of recorded sound that wait to be heard.
    pub behind_seconds: f64,
    /// With how much care it is heard: `full`, `quick`, `bulk` (both cheaper, when the machine is behind) or `import`.
    pub rung: String,
}

/// The token of `serve.auth_token_file`.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The token.
    #[schema(value_type = String)]
    pub token: secrecy::SecretString,
}

/// A login that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoggedIn {
    /// Always true.
    pub ok: bool,
}

/// Data of the event stream's `change` event: fetch these again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Of `clips`, `remixes`, `posts`, `recordings`, `sources`.
    pub kinds: Vec<String>,
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorText,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorText {
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}
