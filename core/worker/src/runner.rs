//! Runs one attempt: take the row, run under a deadline, commit behind the fence, or note the failure.

use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use clipmill_domain::{Clock, JobId, WallTime};
use clipmill_store::{
    Store, StoreError,
    audit::audit,
    jobs::{self, AfterFailure, Job},
};
use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use tracing::Instrument as _;

use crate::{
    context::{JobCtx, Pulse, TempDir},
    outcome,
    queue::{Handler, Lease, Ticket},
    retry::RetryPolicy,
    stage::{AnyOutput, ErasedStage, QueueName, StageError},
    status::{RunningJob, RunningJobs},
    wake::Wake,
};

/// Longest time a commit may take, its wait for the write lock included.
const COMMIT_DEADLINE: Duration = Duration::from_secs(60);

/// Time a stopped attempt gets to notice, before its task is dropped.
const COURTESY: Duration = Duration::from_millis(300);

/// The engine's name in the audit log.
pub(crate) const ACTOR: &str = "engine";

/// All that attempts share.
pub(crate) struct Runner {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stages: BTreeMap<&'static str, Arc<dyn ErasedStage>>,
    pub(crate) retry: RetryPolicy,
    pub(crate) lease: Lease,
    pub(crate) instance: String,
    pub(crate) wake: Wake,
    pub(crate) slots: HashMap<QueueName, Arc<Semaphore>>,
    pub(crate) running: RunningJobs,
    /// Every attempt in hand.
    pub(crate) attempts: TaskTracker,
    /// Cancelled when no attempt may begin any more.
    pub(crate) stop: CancellationToken,
    /// Cancelled when those in hand must be given back.
    pub(crate) abandon: CancellationToken,
}

/// How the run of an attempt ended.
enum End {
    Output(AnyOutput),
    Failed(StageError),
    /// Another attempt owns the job.
    Fenced,
    /// The engine stops.
    Abandoned,
}

impl Runner {
    /// What a queue calls for every ticket.
    ///
    /// An attempt is a task of its own, not part of the queue worker's stream: a worker that loses its lease over a
    /// hiccup of the database must not take an hour of rendering with it. The job's row has its own lease.
    pub(crate) fn handler(self: &Arc<Self>, queue: QueueName) -> Handler {
        let runner = self.clone();
        Arc::new(move |ticket| {
            let attempt = runner.attempts.spawn(runner.clone().handle(queue, ticket));
            async move {
                if let Err(error) = attempt.await {
                    tracing::error!(job = %ticket.job, %error, "the attempt's own task ended badly");
                }
            }
            .boxed()
        })
    }

    async fn handle(self: Arc<Self>, queue: QueueName, ticket: Ticket) {
        // A restarted worker may bring more tickets than there are slots while its old ones still run.
        let Some(slots) = self.slots.get(&queue).cloned() else { return };
        let Ok(slot) = slots.acquire_owned().await else { return };
        if self.stop.is_cancelled() {
            return;
        }
        match self.begin(&ticket).await {
            Ok(Some((stage, job, attempt))) => {
                let span = tracing::info_span!("job", stage = job.stage, job.id = %job.id, input.id = job.input_id, attempt = attempt);
                self.attempt(stage, job, attempt).instrument(span).await
            }
            Ok(None) => tracing::debug!(job = %ticket.job, attempt = ticket.attempt, "a ticket without work"),
            // The ticket is handed out again after a while.
            Err(error) => tracing::warn!(job = %ticket.job, %error, "cannot begin a job"),
        }
        // Free first: the tick that the ring causes hands out as many tickets as there are free slots.
        drop(slot);
        self.wake.ring();
    }

    /// Takes the job's row. `None` when there is nothing to begin.
    async fn begin(&self, ticket: &Ticket) -> Result<Option<(Arc<dyn ErasedStage>, Job, i64)>, StoreError> {
        let Some(job) = self.store.job(ticket.job).await? else { return Ok(None) };
        let Some(stage) = self.stages.get(job.stage.as_str()).cloned() else { return Ok(None) };
        if stage.version() != job.version {
            return Ok(None);
        }
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let Some(attempt) = jobs::start_job(&mut tx, job.id, &self.instance, now).await? else {
            return Ok(None);
        };
        let policy = stage.retry().unwrap_or(self.retry);
        if outcome::may_begin(attempt, job.last_error.as_deref(), &policy) {
            tx.commit().await?;
            return Ok(Some((stage, job, attempt)));
        }
        let last = job.last_error.as_deref().unwrap_or("its attempts ended with their process");
        let error = format!("{} attempts used up; the last: {last}", policy.max_attempts);
        jobs::fail_job(&mut tx, job.id, attempt, &error, AfterFailure::Dead, now).await?;
        audit(&mut tx, now, ACTOR, "job.dead", &job.input_id, Some(&format!("{}: {error}", job.stage)))
            .await?;
        tx.commit().await?;
        tracing::error!(job = %job.id, stage = job.stage, input = job.input_id, error, "a job is dead");
        Ok(None)
    }

    async fn attempt(&self, stage: Arc<dyn ErasedStage>, job: Job, attempt: i64) {
        let _shown = self.running.enter(RunningJob {
            job: job.id,
            stage: stage.name(),
            queue: stage.queue(),
            input_id: job.input_id.clone(),
            attempt,
            started_at: self.clock.now(),
        });
        let began = Instant::now();
        // The library makes the name unique: a thread of an abandoned attempt may still be writing into its own.
        let folder = format!("attempt-{}-{attempt}", job.id);
        let cx = JobCtx {
            store: self.store.clone(),
            stop: self.abandon.child_token(),
            job: job.id,
            attempt,
            clock: self.clock.clone(),
            pulse: Pulse::new(),
            temp: Arc::new(TempDir::at(self.store.library().temp_path(&folder))),
        };
        let failed = match self.run(&stage, &job, attempt, &cx).await {
            End::Output(out) => match self.commit(&stage, &job, attempt, out).await {
                Ok(()) => {
                    let seconds = began.elapsed().as_secs_f64();
                    tracing::info!(
                        stage = job.stage,
                        input = job.input_id,
                        attempt,
                        histogram.clipmill_job_seconds = seconds,
                        "job done"
                    );
                    return;
                }
                Err(error) => error,
            },
            End::Failed(error) => error,
            End::Fenced => StoreError::Fenced { job: job.id, attempt }.into(),
            End::Abandoned => return self.give_back(&job, attempt).await,
        };
        if is_fenced(&failed) {
            tracing::info!(stage = job.stage, input = job.input_id, attempt, "another attempt took over");
            return;
        }
        self.note_failure(&stage, &job, attempt, &failed).await;
    }

    /// Runs the stage on a task of its own, beating its lease, until it ends or must end.
    async fn run(&self, stage: &Arc<dyn ErasedStage>, job: &Job, attempt: i64, cx: &JobCtx) -> End {
        let work = {
            let (stage, cx, input) = (stage.clone(), cx.clone(), job.input_id.clone());
            async move { stage.run(&cx, &input).await }
        };
        let mut work = AbortOnDropHandle::new(tokio::spawn(work.in_current_span()));
        let deadline = tokio::time::sleep(stage.deadline());
        tokio::pin!(deadline);
        let mut beat = tokio::time::interval(self.lease.heartbeat);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut watch =
            tokio::time::interval(stage.stall().unwrap_or(Duration::from_secs(3600)).div_f64(4.0));
        let end = loop {
            tokio::select! {
                ended = &mut work => return match ended {
                    Ok(Ok(out)) => End::Output(out),
                    Ok(Err(error)) => End::Failed(error),
                    Err(join) => End::Failed(StageError::retry(why_ended(join))),
                },
                () = &mut deadline => {
                    let limit = stage.deadline();
                    break End::Failed(StageError::retry(format!("stopped at its deadline of {limit:?}")));
                }
                () = self.abandon.cancelled() => break End::Abandoned,
                _ = watch.tick() => {
                    let silence = cx.pulse.silence();
                    if stage.stall().is_some_and(|limit| silence > limit) {
                        let s = silence.as_secs_f64();
                        break End::Failed(StageError::retry(format!("stopped: no progress for {s:.1} s")));
                    }
                }
                _ = beat.tick() => match self.beat(job.id, attempt).await {
                    Err(StoreError::Fenced { .. }) => break End::Fenced,
                    // The lease tells: if this lasts, another takes over and the fence holds this one off.
                    Err(error) => tracing::debug!(job = %job.id, %error, "cannot beat"),
                    Ok(()) => {}
                },
            }
        };
        cx.stop.cancel();
        let _ = tokio::time::timeout(COURTESY, &mut work).await;
        end
    }

    async fn beat(&self, job: JobId, attempt: i64) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        jobs::beat_job(&mut tx, job, attempt, self.clock.now()).await?;
        tx.commit().await
    }

    /// The end of the job and the rows of its output, both or neither.
    async fn commit(
        &self,
        stage: &Arc<dyn ErasedStage>,
        job: &Job,
        attempt: i64,
        out: AnyOutput,
    ) -> Result<(), StageError> {
        let now = self.clock.now();
        let work = async {
            let mut tx = self.store.begin().await?;
            // First, so that a late attempt is turned away before it writes anything.
            jobs::finish_job(&mut tx, job.id, attempt, now).await?;
            stage.commit(&mut tx, &job.input_id, out, now).await?;
            tx.commit().await?;
            Ok(())
        };
        match tokio::time::timeout(COMMIT_DEADLINE, AssertUnwindSafe(work).catch_unwind()).await {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => {
                Err(StageError::retry(format!("its commit panicked: {}", panic_text(panic.as_ref()))))
            }
            Err(_) => {
                Err(StageError::retry(format!("its commit took longer than {} s", COMMIT_DEADLINE.as_secs())))
            }
        }
    }

    async fn give_back(&self, job: &Job, attempt: i64) {
        let given = async {
            let mut tx = self.store.begin().await?;
            jobs::release_job(&mut tx, job.id, attempt, self.clock.now()).await?;
            tx.commit().await
        };
        match given.await {
            Ok(()) => {
                tracing::info!(stage = job.stage, input = job.input_id, attempt, "job given back, not ended")
            }
            // Its lease lapses instead.
            Err(error) => {
                tracing::warn!(stage = job.stage, input = job.input_id, %error, "cannot give a job back")
            }
        }
    }

    async fn note_failure(&self, stage: &Arc<dyn ErasedStage>, job: &Job, attempt: i64, error: &StageError) {
        let now = self.clock.now();
        let policy = stage.retry().unwrap_or(self.retry);
        let after = outcome::after_failure(attempt, error, &policy, now, rand::random());
        let text = error.to_string();
        match after {
            AfterFailure::RetryAt(at) => {
                let wait_ms = at.millis_since(now);
                tracing::warn!(
                    stage = job.stage,
                    input = job.input_id,
                    attempt,
                    wait_ms,
                    error = text,
                    "job failed"
                );
            }
            AfterFailure::Dead => {
                tracing::error!(
                    stage = job.stage,
                    input = job.input_id,
                    attempt,
                    error = text,
                    "a job is dead"
                );
            }
        }
        if let Err(error) = self.write_failure(job, attempt, error, &text, after, now).await {
            // Its lease lapses instead, and the attempt is counted.
            tracing::warn!(stage = job.stage, input = job.input_id, %error, "cannot note a failed attempt");
        }
    }

    async fn write_failure(
        &self,
        job: &Job,
        attempt: i64,
        error: &StageError,
        text: &str,
        after: AfterFailure,
        now: WallTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        jobs::fail_job(&mut tx, job.id, attempt, text, after, now).await?;
        if after == AfterFailure::Dead {
            let action = match error {
                StageError::NeedsOperator { .. } => "job.needs_operator",
                StageError::Retry { .. } | StageError::GiveUp { .. } => "job.dead",
            };
            audit(&mut tx, now, ACTOR, action, &job.input_id, Some(&format!("{}: {text}", job.stage)))
                .await?;
        }
        tx.commit().await
    }
}

fn is_fenced(error: &StageError) -> bool {
    matches!(error.cause().downcast_ref::<StoreError>(), Some(StoreError::Fenced { .. }))
}

fn why_ended(join: tokio::task::JoinError) -> String {
    match join.try_into_panic() {
        Ok(panic) => format!("it panicked: {}", panic_text(panic.as_ref())),
        Err(join) => format!("its task ended: {join}"),
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
