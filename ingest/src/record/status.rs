//! What the recorder is doing now, for health pages.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use clipmill_domain::{RecordingId, SourceId, WallTime};
use serde::Serialize;

/// What a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Connected; waits for the first whole group of pictures.
    Opening,
    /// Parts are being written.
    Recording,
    /// A pull source between two tries.
    Retrying,
    /// Not connected.
    Idle,
    /// Given up until an operator acts; the problem says why.
    Failed,
}

/// A source as the recorder sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// The operator's name for it.
    pub name: String,
    /// What it does.
    pub state: SourceState,
    /// The recording being written.
    pub recording_id: Option<RecordingId>,
    /// When the state was entered.
    pub since: WallTime,
    /// The last thing that went wrong, until media flows again.
    pub last_error: Option<String>,
}

/// The recorder as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RecorderStatus {
    /// By source.
    pub sources: BTreeMap<SourceId, SourceStatus>,
    /// Whether recording is refused for lack of space, and the figures.
    pub disk_full: Option<String>,
}

impl RecorderStatus {
    /// What an operator should look at, in words.
    pub fn problems(&self) -> Vec<String> {
        let of_sources = self
            .sources
            .values()
            .filter_map(|s| Some(format!("source {:?}: {}", s.name, s.last_error.as_ref()?)));
        self.disk_full.clone().into_iter().chain(of_sources).collect()
    }
}

/// The status, shared. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StatusBoard {
    inner: Arc<Mutex<RecorderStatus>>,
}

impl StatusBoard {
    /// As it is now.
    pub fn snapshot(&self) -> RecorderStatus {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what a source does; its last error stays unless it is recording.
    pub(crate) fn set(
        &self,
        id: SourceId,
        name: &str,
        state: SourceState,
        rec: Option<RecordingId>,
        now: WallTime,
    ) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = inner.sources.entry(id).or_insert_with(|| SourceStatus {
            name: name.to_owned(),
            state,
            recording_id: rec,
            since: now,
            last_error: None,
        });
        if entry.state != state {
            entry.since = now;
        }
        name.clone_into(&mut entry.name);
        entry.state = state;
        entry.recording_id = rec;
        if state == SourceState::Recording {
            entry.last_error = None;
        }
    }

    /// Notes what went wrong with a source; whether that is news.
    pub(crate) fn problem(&self, id: SourceId, name: &str, error: &str, now: WallTime) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = inner.sources.entry(id).or_insert_with(|| SourceStatus {
            name: name.to_owned(),
            state: SourceState::Idle,
            recording_id: None,
            since: now,
            last_error: None,
        });
        let news = entry.last_error.as_deref() != Some(error);
        entry.last_error = Some(error.to_owned());
        news
    }

    pub(crate) fn disk(&self, full: Option<String>) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).disk_full = full;
    }

    /// Forgets sources that are gone.
    pub(crate) fn keep(&self, ids: &[SourceId]) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).sources.retain(|id, _| ids.contains(id));
    }
}

#[cfg(test)]
mod tests {
    use clipmill_domain::Id;

    use super::*;

    #[test]
    fn a_problem_is_news_once_and_goes_when_media_flows() {
        let (board, now) = (StatusBoard::default(), WallTime::from_millis(5));
        let id = SourceId::new_at(now);
        assert!(board.problem(id, "shop", "nobody answers", now));
        assert!(!board.problem(id, "shop", "nobody answers", now));
        board.set(id, "shop", SourceState::Retrying, None, now);
        assert_eq!(board.snapshot().problems(), ["source \"shop\": nobody answers"]);
        board.set(id, "shop", SourceState::Recording, None, now);
        assert!(board.snapshot().problems().is_empty());
        board.keep(&[]);
        assert!(board.snapshot().sources.is_empty());
    }
}
