//! How hard to listen. A recording that is heard late is heard more cheaply, rung by rung, until it has caught up:
//! what is said is never left out, only the care with which it is written down.
//!
//! | rung | when | what is left out |
//! |---|---|---|
//! | full | at most 10 s of sound wait | nothing |
//! | quick | more than 10 s wait | the second look at doubtful speech, and the wide search |
//! | bulk | more than 30 s wait | also the short chunks: text comes later, a second of speech costs less |
//! | import | nobody waits for it: a finished recording | the short chunks only |
//!
//! A rung is left upwards when less than half of what led to it waits.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use clipmill_domain::RecordingId;
use clipmill_inference::{asr::Effort, vad::ChunkerConfig};
use serde::Serialize;

/// More sound than this waiting, in microseconds of media time, is heard quickly …
const QUICK_BEHIND_US: i64 = 10_000_000;
/// … and more than this in bulk.
const BULK_BEHIND_US: i64 = 30_000_000;

/// How hard one recording is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// With all care.
    #[default]
    Full,
    /// Without second looks.
    Quick,
    /// In long chunks too.
    Bulk,
    /// With care, in long chunks.
    Import,
}

impl Rung {
    /// The rung of a recording of which `behind_us` of sound waits to be heard, and which is heard on this rung now.
    #[must_use]
    pub fn next(self, behind_us: i64, is_live: bool) -> Self {
        if !is_live {
            return Self::Import;
        }
        let stays = |rung: Self, limit: i64| self >= rung && self != Self::Import && behind_us > limit / 2;
        if behind_us > BULK_BEHIND_US || stays(Self::Bulk, BULK_BEHIND_US) {
            Self::Bulk
        } else if behind_us > QUICK_BEHIND_US || stays(Self::Quick, QUICK_BEHIND_US) {
            Self::Quick
        } else {
            Self::Full
        }
    }

    /// How hard the recogniser tries.
    pub fn effort(self) -> Effort {
        match self {
            Self::Full | Self::Import => Effort::Usual,
            Self::Quick | Self::Bulk => Effort::Quick,
        }
    }

    /// Where speech is cut.
    pub fn chunks(self) -> ChunkerConfig {
        match self {
            Self::Full | Self::Quick => ChunkerConfig::default(),
            Self::Bulk | Self::Import => ChunkerConfig::long(),
        }
    }
}

/// How far a recording is behind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pace {
    /// Seconds of recorded sound that wait to be heard.
    pub behind_seconds: f64,
    /// How hard it is listened to.
    pub rung: Rung,
}

/// The paces of everything that is being heard in this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Paces(Arc<Mutex<BTreeMap<String, Pace>>>);

impl Paces {
    /// As they are now, by recording.
    pub fn snapshot(&self) -> BTreeMap<String, Pace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how `recording` is heard from now on; says so in the log when that is another way than before.
    pub(crate) fn set(&self, recording: RecordingId, behind_us: i64, rung: Rung) {
        #[expect(clippy::cast_precision_loss, reason = "seconds, for show")]
        let behind_seconds = behind_us as f64 / 1e6;
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = paces.insert(recording.to_string(), Pace { behind_seconds, rung });
        tracing::debug!(%recording, ?rung, histogram.clipmill_transcribe_behind_seconds = behind_seconds, "hearing");
        let before = before.map(|p| p.rung);
        match rung {
            Rung::Quick | Rung::Bulk if before != Some(rung) => {
                tracing::warn!(%recording, ?rung, behind_seconds, "transcribing falls behind: it goes on with less care");
            }
            Rung::Full if before.is_some_and(|b| b != Rung::Full) => {
                tracing::info!(%recording, behind_seconds, "transcribing has caught up");
            }
            _ => {}
        }
    }

    /// The rung on which `recording` is heard.
    pub(crate) fn rung(&self, recording: RecordingId) -> Rung {
        let paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paces.get(&recording.to_string()).map_or(Rung::Full, |p| p.rung)
    }

    /// It is heard to its end.
    pub(crate) fn forget(&self, recording: RecordingId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&recording.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    #[test]
    fn care_is_dropped_rung_by_rung_and_comes_back_late() {
        let mut rung = Rung::Full;
        let mut seen = vec![];
        for behind in [0, 9, 11, 8, 6, 4, 9, 31, 16, 14, 6, 5] {
            rung = rung.next(behind * S, true);
            seen.push(rung);
        }
        use Rung::{Bulk, Full, Quick};
        assert_eq!(seen, [Full, Full, Quick, Quick, Quick, Full, Full, Bulk, Bulk, Quick, Quick, Full]);
    }

    #[test]
    fn what_is_over_is_imported_whatever_waits_and_a_live_is_not() {
        for behind in [0, 20 * S, 9_999 * S] {
            assert_eq!(Rung::Full.next(behind, false), Rung::Import);
        }
        assert_eq!(Rung::Import.next(6 * S, true), Rung::Full);
        assert_eq!(Rung::Import.next(20 * S, true), Rung::Quick);
    }
}
