//! What the recorder is doing now, for health pages.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use clipmill_domain::{RecordingId, SourceId, WallTime};
use serde::Serialize;

use super::flow::Flow;

/// What a source is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Connecting, or connected and waiting for the first whole group of pictures.
    Opening,
    /// Packets come in and parts are written.
    Recording,
    /// Connected, but nothing comes.
    Stalled,
    /// A pull source between two tries.
    Retrying,
    /// Not connected.
    Idle,
    /// Waits for its window, or to be asked.
    Waiting,
    /// Not recording because the disk is too full.
    DiskFull,
    /// Given up until an operator acts; the problem says why.
    Failed,
}

/// Something that went wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// In words, without secrets.
    pub what: String,
    /// When it was last seen, by the system's clock.
    pub at: WallTime,
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
    /// Milliseconds since the last packet, while connected.
    pub silent_ms: Option<u64>,
    /// What is wrong now: the last thing that went wrong, until media flows again.
    pub last_error: Option<String>,
    /// The last thing that went wrong, also when it is over.
    pub last_problem: Option<Problem>,
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
    inner: Arc<Mutex<Board>>,
}

#[derive(Debug, Default)]
struct Board {
    shown: RecorderStatus,
    flows: BTreeMap<SourceId, Arc<Flow>>,
}

impl StatusBoard {
    /// As it is now. A source counts as recording as long as packets come, whatever its connection says.
    pub fn snapshot(&self) -> RecorderStatus {
        let board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown = board.shown.clone();
        for (id, flow) in &board.flows {
            let Some(s) = shown.sources.get_mut(id) else { continue };
            s.silent_ms = u64::try_from(flow.silence().as_millis()).ok();
            if s.state == SourceState::Recording && flow.is_still() {
                s.state = SourceState::Stalled;
            }
        }
        if shown.disk_full.is_some() {
            for s in shown.sources.values_mut() {
                if matches!(s.state, SourceState::Idle | SourceState::Opening | SourceState::Retrying) {
                    s.state = SourceState::DiskFull;
                }
            }
        }
        shown
    }

    /// The connection that a source has from now on; none: it has none.
    pub(crate) fn flow(&self, id: SourceId, flow: Option<Arc<Flow>>) {
        let mut board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match flow {
            Some(flow) => drop(board.flows.insert(id, flow)),
            None => drop(board.flows.remove(&id)),
        }
    }

    /// Whether that is what a source was last seen doing.
    pub(crate) fn is(&self, id: SourceId, state: SourceState) -> bool {
        let board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        board.shown.sources.get(&id).is_some_and(|s| s.state == state)
    }

    /// Notes what a source does; its error stays unless it is recording.
    pub(crate) fn set(
        &self,
        id: SourceId,
        name: &str,
        state: SourceState,
        rec: Option<RecordingId>,
        now: WallTime,
    ) {
        let mut board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entry(&mut board.shown, id, name, now);
        if entry.state != state {
            entry.since = now;
        }
        name.clone_into(&mut entry.name);
        entry.state = state;
        entry.recording_id = rec;
        if matches!(state, SourceState::Recording | SourceState::Waiting) {
            entry.last_error = None;
        }
    }

    /// Notes what went wrong with a source; whether that is news.
    pub(crate) fn problem(&self, id: SourceId, name: &str, error: &str, now: WallTime) -> bool {
        let mut board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entry(&mut board.shown, id, name, now);
        let news = entry.last_error.as_deref() != Some(error);
        entry.last_error = Some(error.to_owned());
        entry.last_problem = Some(Problem { what: error.to_owned(), at: now });
        news
    }

    pub(crate) fn disk(&self, full: Option<String>) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).shown.disk_full = full;
    }

    /// Forgets sources that are gone.
    pub(crate) fn keep(&self, ids: &[SourceId]) {
        let mut board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        board.shown.sources.retain(|id, _| ids.contains(id));
        board.flows.retain(|id, _| ids.contains(id));
    }
}

fn entry<'a>(shown: &'a mut RecorderStatus, id: SourceId, name: &str, now: WallTime) -> &'a mut SourceStatus {
    shown.sources.entry(id).or_insert_with(|| SourceStatus {
        name: name.to_owned(),
        state: SourceState::Idle,
        recording_id: None,
        since: now,
        silent_ms: None,
        last_error: None,
        last_problem: None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clipmill_domain::Id;

    use super::*;

    #[tokio::test]
    async fn recording_means_that_packets_come() {
        let (board, now) = (StatusBoard::default(), WallTime::from_millis(5));
        let id = SourceId::new_at(now);
        let flow = Arc::new(Flow::new(Duration::from_secs(1)));
        board.flow(id, Some(Arc::clone(&flow)));
        board.set(id, "shop", SourceState::Recording, None, now);
        flow.packet();
        assert_eq!(board.snapshot().sources[&id].state, SourceState::Recording);
        tokio::time::sleep(Duration::from_millis(550)).await;
        let shown = board.snapshot();
        assert_eq!(shown.sources[&id].state, SourceState::Stalled);
        assert!(shown.sources[&id].silent_ms.is_some_and(|ms| ms >= 500));
    }

    #[test]
    fn a_full_disk_is_why_nothing_is_opened() {
        let (board, now) = (StatusBoard::default(), WallTime::from_millis(5));
        let id = SourceId::new_at(now);
        board.set(id, "shop", SourceState::Retrying, None, now);
        board.disk(Some("no room".into()));
        assert_eq!(board.snapshot().sources[&id].state, SourceState::DiskFull);
    }

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
        let past = board.snapshot().sources[&id].last_problem.clone();
        assert_eq!(past, Some(Problem { what: "nobody answers".into(), at: now }), "it stays to be read");
        board.keep(&[]);
        assert!(board.snapshot().sources.is_empty());
    }
}
