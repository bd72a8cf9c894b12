//! The brand's product feed beside the talk of a recording: what it says, in media time, in its place among the
//! utterances.

use clipmill_domain::{MediaTime, WallTime, product::OnAir, recording::Recording};
use clipmill_store::{Store, StoreError};

use crate::reader::{Reader, Setting};

/// What was said so long before the live began counts for its beginning: ten minutes, in milliseconds.
const BEFORE_MS: i64 = 600_000;
/// Words of the feed taken at a time; the rest come with the next step.
const AT_ONCE: u32 = 1_000;

/// What the feed said of a recording and what is not told to the reader yet, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    events: Vec<OnAir>,
    began: WallTime,
    next: usize,
}

impl Feed {
    /// Reads what came after `told`, the instant of the last word that the reader was told; `None`: from the beginning.
    pub async fn read(
        store: &Store,
        recording: &Recording,
        told: Option<WallTime>,
    ) -> Result<Self, StoreError> {
        let began = recording.started_at;
        let from = told.map_or(began.plus_millis(-BEFORE_MS), |t| t.plus_millis(1));
        let until = recording.ended_at.unwrap_or(WallTime::from_millis(i64::MAX));
        let mut events = store.on_air(recording.source_id, from, until, AT_ONCE).await?;
        if told.is_none() {
            // Of what came before the live, the last word.
            let before = events.iter().filter(|e| e.at < began).count();
            events.drain(..before.saturating_sub(1));
        }
        Ok(Self { events, began, next: 0 })
    }

    /// Tells `reader` what was on air by `at`; answers the instant of the last word told.
    pub fn tell(&mut self, reader: &mut Reader, setting: &Setting, at: MediaTime) -> Option<WallTime> {
        let mut told = None;
        while let Some(event) = self.events.get(self.next) {
            let when = MediaTime::from_micros(event.at.millis_since(self.began).max(0).saturating_mul(1000));
            if when > at {
                break;
            }
            reader.fed(setting, event.sku.as_deref(), when);
            told = Some(event.at);
            self.next += 1;
        }
        told
    }
}
