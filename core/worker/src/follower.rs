//! Followers: supervised loops over growing recordings.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use clipmill_domain::{Clock, RecordingId, WallTime, recording::Recording, source::Source};
use clipmill_store::{Store, StoreError, audit::audit, followers};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    retry::jittered,
    runner::{ACTOR, panic_text},
    stage::StageError,
    status::{FollowerStatus, StatusHandle},
    wake::{Listener, Wake},
};

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It moved on; there may be more at once.
    Advanced,
    /// Nothing new yet.
    Idle,
    /// The recording is over and everything of it is done; the engine marks it so.
    Done,
}

/// Handed to [`Follower::step`].
#[derive(Clone)]
pub struct FollowCtx {
    /// Rows and files.
    pub store: Store,
    /// Cancelled when the step should end soon: shutdown, or its deadline has passed.
    pub stop: CancellationToken,
    pub(crate) clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for FollowCtx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FollowCtx").field("store", &self.store).finish_non_exhaustive()
    }
}

impl FollowCtx {
    /// For steps made by hand, without an engine: in tests.
    pub fn by_hand(store: Store, stop: CancellationToken, clock: Arc<dyn Clock>) -> Self {
        Self { store, stop, clock }
    }

    /// The present, by the engine's clock.
    pub fn now(&self) -> WallTime {
        self.clock.now()
    }
}

/// A loop over a growing recording with a durable position. A step reads from its position on, computes, and writes
/// its output and its new position in one transaction: a crash at any moment repeats a step and doubles nothing.
///
/// One process at a time may run a follower: positions are not fenced between processes.
#[async_trait]
pub trait Follower: Send + Sync + 'static {
    /// Its name, unique and lasting; positions are kept under it.
    fn name(&self) -> &'static str;

    /// How many recordings may be stepped at once in this process.
    fn at_once(&self) -> usize {
        1
    }

    /// Longest time one step may take before it is stopped and counted as failed.
    fn step_deadline(&self) -> Duration {
        Duration::from_secs(600)
    }

    /// Moves on by one bounded piece. Runs on a task of its own: a panic fails the step alone. Blocking work belongs
    /// in `spawn_blocking` and must watch `cx.stop`. [`StageError::GiveUp`] ends the recording for this follower;
    /// any other error is tried again with back-off.
    async fn step(&self, cx: &FollowCtx, rec: &Recording) -> Result<Progress, StageError>;
}

/// Longest wait between two tries on one recording.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// The wait after `failures` failed steps in a row (from 1): 1, 2, 4 … 30 s, times `scale`, with jitter.
fn backoff(failures: u32, scale: f64, unit: f64) -> Duration {
    let whole = Duration::from_secs(1 << failures.saturating_sub(1).min(5)).min(BACKOFF_MAX);
    jittered(whole.mul_f64(scale), unit)
}

/// What decides whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// On the air now; a finished live that is being played in is not.
    is_live: bool,
    priority: i32,
}

/// The recordings in groups of one rank each: live before finished, then by their sources' priority. Within a group
/// they stay in the order given.
fn groups(recordings: Vec<Recording>, sources: &[Source]) -> Vec<(Rank, Vec<Recording>)> {
    let mut ranked: Vec<(Rank, Recording)> = recordings
        .into_iter()
        .map(|r| {
            let source = sources.iter().find(|s| s.id == r.source_id);
            let is_live = r.ended_at.is_none() && !source.is_some_and(Source::is_backfill);
            (Rank { is_live, priority: source.map_or(0, |s| s.settings.priority) }, r)
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    let mut groups: Vec<(Rank, Vec<Recording>)> = vec![];
    for (rank, rec) in ranked {
        match groups.last_mut() {
            Some((last, group)) if *last == rank => group.push(rec),
            _ => groups.push((rank, vec![rec])),
        }
    }
    groups
}

/// One follower on one recording, in this process.
#[derive(Debug, Default)]
struct Trail {
    failures: u32,
    not_before: Option<Instant>,
    said: Option<String>,
}

/// Runs one follower over every recording that it has not finished.
pub(crate) struct Pursuit {
    pub(crate) follower: Arc<dyn Follower>,
    pub(crate) cx: FollowCtx,
    pub(crate) wake: Wake,
    pub(crate) status: StatusHandle,
    pub(crate) every: Duration,
    /// Multiplies the waits after failures; 1 but in tests.
    pub(crate) backoff_scale: f64,
    /// Cancelled when a step that does not end must be dropped.
    pub(crate) abandon: CancellationToken,
}

impl Pursuit {
    pub(crate) async fn run(self, mut ear: Listener) {
        let mut trails: HashMap<RecordingId, Trail> = HashMap::new();
        let part = format!("follower {}", self.follower.name());
        while !self.cx.stop.is_cancelled() {
            let (trouble, advanced) = match self.round(&mut trails).await {
                Ok(advanced) => (None, advanced),
                Err(error) => (Some(error.to_string()), false),
            };
            let wait = if trouble.is_some() { Duration::from_secs(1).max(self.every) } else { self.every };
            self.status.trouble(&part, trouble);
            if advanced {
                self.wake.ring();
                continue;
            }
            tokio::select! {
                () = self.cx.stop.cancelled() => {}
                () = ear.heard_or(wait) => {}
            }
        }
    }

    /// One step on each recording of the first group that moves on, in the order of [`groups`]. As long as a group
    /// moves on, those after it wait. Whether anything moved.
    async fn round(&self, trails: &mut HashMap<RecordingId, Trail>) -> Result<bool, StoreError> {
        let recordings = self.cx.store.recordings_to_follow(self.follower.name()).await?;
        trails.retain(|id, _| recordings.iter().any(|r| r.id == *id));
        let name = self.follower.name();
        self.status.change(|s| {
            s.followers.retain(|f| f.follower != name || trails.contains_key(&f.recording_id));
        });
        let sources = self.cx.store.sources().await?;
        for (rank, group) in groups(recordings, &sources) {
            let mut visits: Vec<(&Recording, Trail)> =
                group.iter().map(|rec| (rec, trails.remove(&rec.id).unwrap_or_default())).collect();
            // Those that are not live come one at a time: a recording that goes live meanwhile must not wait for
            // the pile.
            let at_once = if rank.is_live { self.follower.at_once().max(1) } else { 1 };
            let mut steps: Vec<BoxFuture<'_, _>> = vec![];
            for (rec, trail) in &mut visits {
                steps.push(self.visit(rec, trail).boxed());
            }
            let mut steps = stream::iter(steps).buffer_unordered(at_once);
            let mut moved = Ok(false);
            while let Some(step) = steps.next().await {
                moved = match (moved, step) {
                    (Ok(before), Ok(now)) => Ok(before || now),
                    (Err(error), _) | (_, Err(error)) => Err(error),
                };
                if !rank.is_live && !matches!(moved, Ok(false)) {
                    break;
                }
            }
            drop(steps);
            trails.extend(visits.into_iter().map(|(rec, trail)| (rec.id, trail)));
            if moved? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One step on one recording, unless it is backing off. Whether it moved on.
    async fn visit(&self, rec: &Recording, trail: &mut Trail) -> Result<bool, StoreError> {
        if self.cx.stop.is_cancelled() || trail.not_before.is_some_and(|at| Instant::now() < at) {
            return Ok(false);
        }
        let stepped_at = self.cx.now();
        let outcome = self.step(rec).await;
        let moved = match &outcome {
            Ok(Progress::Idle) => false,
            Ok(Progress::Advanced) => true,
            Ok(Progress::Done) => {
                self.finish(rec, None).await?;
                true
            }
            Err(StageError::GiveUp { .. }) => {
                let why = outcome.as_ref().err().map(ToString::to_string);
                tracing::error!(follower = self.follower.name(), recording = %rec.id, error = why, "gives up");
                self.finish(rec, why.as_deref()).await?;
                true
            }
            Err(_) if self.cx.stop.is_cancelled() => false,
            Err(StageError::Retry { after, .. }) => {
                self.note_failure(rec, trail, outcome.as_ref().err(), *after);
                false
            }
            Err(StageError::NeedsOperator { .. }) => {
                self.note_failure(rec, trail, outcome.as_ref().err(), Some(BACKOFF_MAX));
                false
            }
        };
        if outcome.is_ok() {
            if trail.failures > 0 {
                tracing::info!(follower = self.follower.name(), recording = %rec.id, "follows again");
            }
            *trail = Trail::default();
        }
        self.show(rec, trail, stepped_at);
        Ok(moved)
    }

    /// Runs the step on a task of its own, under its deadline.
    async fn step(&self, rec: &Recording) -> Result<Progress, StageError> {
        let stop = self.cx.stop.child_token();
        let work = {
            let (follower, rec) = (self.follower.clone(), rec.clone());
            let cx = FollowCtx { stop: stop.clone(), ..self.cx.clone() };
            async move { follower.step(&cx, &rec).await }
        };
        let mut work = AbortOnDropHandle::new(tokio::spawn(work));
        let limit = self.follower.step_deadline();
        let error = tokio::select! {
            done = &mut work => return match done {
                Ok(done) => done,
                Err(join) => Err(StageError::retry(match join.try_into_panic() {
                    Ok(panic) => format!("it panicked: {}", panic_text(panic.as_ref())),
                    Err(join) => format!("its task ended: {join}"),
                })),
            },
            () = tokio::time::sleep(limit) => format!("a step took longer than {limit:?}"),
            () = self.abandon.cancelled() => "the engine stops".to_owned(),
        };
        stop.cancel();
        let _ = tokio::time::timeout(Duration::from_millis(300), &mut work).await;
        Err(StageError::retry(error))
    }

    /// Marks the recording done for this follower; with `gave_up` also in the audit log.
    async fn finish(&self, rec: &Recording, gave_up: Option<&str>) -> Result<(), StoreError> {
        let name = self.follower.name();
        // Most followers say so themselves, in the transaction of their last output.
        if gave_up.is_none() && self.cx.store.follower_done(rec.id, name).await? {
            return Ok(());
        }
        let pos = self.cx.store.follower(rec.id, name).await?;
        let mut tx = self.cx.store.begin().await?;
        followers::finish_follower(&mut tx, rec.id, name, &pos).await?;
        if let Some(why) = gave_up {
            let detail = format!("{name}: {why}");
            audit(&mut tx, self.cx.now(), ACTOR, "follower.gave_up", &rec.id.to_string(), Some(&detail))
                .await?;
        }
        tx.commit().await
    }

    fn note_failure(
        &self,
        rec: &Recording,
        trail: &mut Trail,
        error: Option<&StageError>,
        after: Option<Duration>,
    ) {
        trail.failures = trail.failures.saturating_add(1);
        let wait = after.unwrap_or_else(|| backoff(trail.failures, self.backoff_scale, rand::random()));
        trail.not_before = Some(Instant::now() + wait);
        let text = error.map(ToString::to_string);
        if trail.said != text {
            tracing::warn!(follower = self.follower.name(), recording = %rec.id, error = text, "cannot follow");
            trail.said = text;
        }
    }

    fn show(&self, rec: &Recording, trail: &Trail, stepped_at: WallTime) {
        let follower = self.follower.name();
        let entry = FollowerStatus {
            follower,
            recording_id: rec.id,
            stepped_at,
            failures: trail.failures,
            error: trail.said.clone(),
        };
        self.status.change(|s| {
            match s.followers.iter_mut().find(|f| f.follower == follower && f.recording_id == rec.id) {
                Some(old) => *old = entry,
                None => s.followers.push(entry),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_goes_before_finished_and_higher_priority_before_lower() {
        use clipmill_domain::{
            Id as _, SourceId,
            source::{Language, SourceKind, SourceSettings},
        };
        let at = WallTime::from_millis;
        let source = |url: Option<&str>, priority| Source {
            id: SourceId::new_at(at(1)),
            name: String::new(),
            kind: if url.is_some() { SourceKind::Pull } else { SourceKind::Push },
            url_shown: url.map(str::to_owned),
            language: Language::Zh,
            category: None,
            enabled: true,
            requested: false,
            settings: SourceSettings { priority, ..SourceSettings::default() },
            created_at: at(1),
        };
        let sources =
            [source(None, 0), source(None, 5), source(Some("file:///old"), 9), source(Some("rtmp://h/a"), 0)];
        let recording = |n: usize, over: bool| Recording {
            id: RecordingId::new_at(at(1)),
            source_id: sources[n].id,
            language: Language::Zh,
            started_at: at(1),
            ended_at: over.then_some(at(2)),
            end_reason: None,
            hold: None,
        };
        let all = vec![
            recording(2, false),
            recording(1, true),
            recording(0, false),
            recording(3, false),
            recording(1, false),
        ];
        let ids: Vec<_> = all.iter().map(|r| r.id).collect();
        let order: Vec<Vec<_>> =
            groups(all, &sources).iter().map(|(_, g)| g.iter().map(|r| r.id).collect()).collect();
        assert_eq!(order, [vec![ids[4]], vec![ids[2], ids[3]], vec![ids[0]], vec![ids[1]]]);
    }

    #[test]
    fn the_wait_doubles_to_thirty_seconds() {
        let whole: Vec<u64> = (1..=8).map(|n| backoff(n, 1.0, 1.0).as_secs()).collect();
        assert_eq!(whole, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(backoff(3, 1.0, 0.0), Duration::from_secs(2));
        assert_eq!(backoff(2, 0.01, 1.0), Duration::from_millis(20));
    }
}
