//! What the engine is doing, as data for the console.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use clipmill_domain::{JobId, RecordingId, WallTime};
use clipmill_store::{Store, StoreError, jobs::JobCount};
use serde::Serialize;

use crate::stage::QueueName;

/// One attempt at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunningJob {
    /// The job.
    pub job: JobId,
    /// Name of the stage.
    pub stage: &'static str,
    /// The queue whose slot it holds.
    pub queue: QueueName,
    /// What it works on.
    pub input_id: String,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// When it began.
    pub started_at: WallTime,
}

/// One follower on one recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FollowerStatus {
    /// Name of the follower.
    pub follower: &'static str,
    /// The recording.
    pub recording_id: RecordingId,
    /// When its last step began.
    pub stepped_at: WallTime,
    /// Steps that failed in a row; 0 when all is well.
    pub failures: u32,
    /// What the last failed step said; `None` when all is well.
    pub error: Option<String>,
}

/// The engine of one process at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineStatus {
    /// Name of the engine.
    pub instance: String,
    /// Slots of every served queue.
    pub slots: BTreeMap<QueueName, usize>,
    /// Attempts at work, oldest first.
    pub running: Vec<RunningJob>,
    /// Recordings being followed.
    pub followers: Vec<FollowerStatus>,
    /// Parts of the engine that cannot do their work now, and why: the tick, a stage's `find`, a queue.
    pub troubles: BTreeMap<String, String>,
}

impl EngineStatus {
    /// One line per thing that is wrong; empty when all is well.
    pub fn problems(&self) -> Vec<String> {
        let troubles = self.troubles.iter().map(|(part, why)| format!("{part}: {why}"));
        let followers = self.followers.iter().filter_map(|f| {
            let error = f.error.as_ref()?;
            Some(format!(
                "{} on recording {}: {error} ({} times in a row)",
                f.follower, f.recording_id, f.failures
            ))
        });
        troubles.chain(followers).collect()
    }
}

/// Asks a running engine how it is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StatusHandle(pub(crate) Arc<Mutex<EngineStatus>>);

impl StatusHandle {
    pub(crate) fn new(instance: String, slots: BTreeMap<QueueName, usize>) -> Self {
        Self(Arc::new(Mutex::new(EngineStatus {
            instance,
            slots,
            running: Vec::new(),
            followers: Vec::new(),
            troubles: BTreeMap::new(),
        })))
    }

    /// As it is now.
    pub fn snapshot(&self) -> EngineStatus {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change(&self, edit: impl FnOnce(&mut EngineStatus)) {
        edit(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes that `part` works or does not; says in the log only what is new.
    pub(crate) fn trouble(&self, part: &str, why: Option<String>) {
        let mut status = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match why {
            Some(why) => {
                if status.troubles.get(part) != Some(&why) {
                    tracing::warn!(part, error = why, "trouble");
                    status.troubles.insert(part.to_owned(), why);
                }
            }
            None => {
                if status.troubles.remove(part).is_some() {
                    tracing::info!(part, "works again");
                }
            }
        }
    }
}

/// The list of attempts at work.
#[derive(Debug, Clone)]
pub(crate) struct RunningJobs(pub(crate) StatusHandle);

impl RunningJobs {
    /// Shows the attempt until the answer is dropped.
    pub(crate) fn enter(&self, job: RunningJob) -> Shown {
        let shown = Shown { list: self.clone(), job: job.job, attempt: job.attempt };
        self.0.change(|s| s.running.push(job));
        shown
    }
}

/// Takes its attempt off the list when dropped.
pub(crate) struct Shown {
    list: RunningJobs,
    job: JobId,
    attempt: i64,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.list.0.change(|s| s.running.retain(|r| (r.job, r.attempt) != (self.job, self.attempt)));
    }
}

/// How many jobs of every stage stand where, in all processes.
///
/// # Errors
/// When the database fails.
pub async fn job_counts(store: &Store) -> Result<Vec<JobCount>, StoreError> {
    store.job_counts().await
}
