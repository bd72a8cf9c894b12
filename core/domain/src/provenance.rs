//! Which code, with which parameters, made a row.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Version of a stage: code, parameters and model folded into one short text, for example
/// `cut.draft/1` or `classify/1+qwen2.5-coder-0.5b@1d9614638d`. A changed version makes new work by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StageVersion(String);

impl StageVersion {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StageVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
