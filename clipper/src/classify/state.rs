//! What the follower keeps between steps, in the same transaction as its output.

use clipmill_domain::WallTime;
use serde::{Deserialize, Serialize};

use super::asking::Asking;
use crate::reader::Reader;

/// The whole running state; `null` is the beginning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// What is read and not closed yet, and what is on sale.
    pub reader: Reader,
    /// What was said last.
    pub asking: Asking,
    /// When what the product feed said last was said.
    pub fed: Option<WallTime>,
    /// `seq` of the next segment.
    pub next_segment: i64,
}

impl State {
    pub(super) fn read(value: &serde_json::Value) -> Result<Self, serde_json::Error> {
        if value.is_null() { Ok(Self::default()) } else { Self::deserialize(value) }
    }

    pub(super) fn write(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}
