//! Puts it together: one engine per process.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use clipmill_domain::Clock;
use clipmill_store::{Store, StoreError, jobs};
use futures::future::BoxFuture;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    clock::SystemClock,
    follower::{FollowCtx, Follower, Pursuit},
    queue::{Lease, Queue, QueueError, Serve},
    retry::{RetryPolicy, jittered},
    runner::Runner,
    stage::{ErasedStage, QueueName, Stage},
    status::{RunningJobs, StatusHandle},
    tick::Ticker,
    wake::Wake,
};

/// Extra time, after the grace, for giving jobs back.
const GIVE_BACK: Duration = Duration::from_secs(3);

/// Why an engine ended other than by its stop token.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store failed at the start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed at the start.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A part of the engine itself panicked; start the process again.
    #[error("a part of the engine ended: {0}")]
    Broken(String),
}

/// Times and limits of an engine.
#[derive(Debug, Clone, Copy)]
pub struct EngineOptions {
    /// Proof of life, of queue workers and of running attempts.
    pub lease: Lease,
    /// Longest time between two looks for new and due work.
    pub tick: Duration,
    /// Longest time between two looks at the queue while a slot is free.
    pub poll: Duration,
    /// Longest time between two rounds of a follower that had nothing to do.
    pub follow: Duration,
    /// How long attempts and steps in hand may take to end after a stop.
    pub grace: Duration,
    /// Attempts and back-off of stages that bring none of their own.
    pub retry: RetryPolicy,
    /// Multiplies the followers' waits after failures (1 s to 30 s); 1 but in tests.
    pub follower_backoff_scale: f64,
}

impl Default for EngineOptions {
    /// 5 s × 4 of lease, a tick every 250 ms, a poll every 200 ms, followers every 250 ms, 10 s of grace.
    fn default() -> Self {
        Self {
            lease: Lease::default(),
            tick: Duration::from_millis(250),
            poll: Duration::from_millis(200),
            follow: Duration::from_millis(250),
            grace: Duration::from_secs(10),
            retry: RetryPolicy::default(),
            follower_backoff_scale: 1.0,
        }
    }
}

/// Collects stages and followers.
pub struct EngineBuilder {
    stages: BTreeMap<&'static str, Arc<dyn ErasedStage>>,
    followers: Vec<Arc<dyn Follower>>,
    slots: BTreeMap<QueueName, usize>,
    instance: Option<String>,
    options: EngineOptions,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineBuilder").field("slots", &self.slots).field("instance", &self.instance).finish()
    }
}

impl EngineBuilder {
    /// Adds a stage; of two with one name the later counts.
    #[must_use]
    pub fn stage(mut self, stage: impl Stage) -> Self {
        let stage: Arc<dyn ErasedStage> = Arc::new(stage);
        self.stages.insert(stage.name(), stage);
        self
    }

    /// Adds a follower.
    #[must_use]
    pub fn follower(mut self, follower: impl Follower) -> Self {
        self.followers.push(Arc::new(follower));
        self
    }

    /// Slots of a queue in this process, at least 1. Without it: 1 for `cpu`, 2 for the others.
    #[must_use]
    pub fn concurrency(mut self, queue: QueueName, slots: usize) -> Self {
        self.slots.insert(queue, slots.max(1));
        self
    }

    /// Names the engine, for example `work@host`. No two running engines of one database may share a name: an
    /// engine takes over at its start what an earlier one of the same name left running. Without it the name is
    /// new every time, and such jobs wait until their lease lapses.
    #[must_use]
    pub fn instance(mut self, name: impl Into<String>) -> Self {
        self.instance = Some(name.into());
        self
    }

    /// Times and limits.
    #[must_use]
    pub fn options(mut self, options: EngineOptions) -> Self {
        self.options = options;
        self
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The engine, not running yet.
    pub fn build(self) -> Engine {
        let instance = self.instance.unwrap_or_else(|| format!("engine-{}", Uuid::now_v7().simple()));
        let slots: BTreeMap<QueueName, usize> = QueueName::ALL
            .into_iter()
            .filter(|queue| self.stages.values().any(|stage| stage.queue() == *queue))
            .map(|queue| {
                (
                    queue,
                    self.slots.get(&queue).copied().unwrap_or(if queue == QueueName::Cpu { 1 } else { 2 }),
                )
            })
            .collect();
        Engine {
            stages: self.stages,
            followers: self.followers,
            status: StatusHandle::new(instance.clone(), slots.clone()),
            slots,
            instance,
            options: self.options,
            clock: self.clock,
            wake: Wake::new(),
        }
    }
}

/// The stages and followers of one process.
pub struct Engine {
    stages: BTreeMap<&'static str, Arc<dyn ErasedStage>>,
    followers: Vec<Arc<dyn Follower>>,
    slots: BTreeMap<QueueName, usize>,
    instance: String,
    options: EngineOptions,
    clock: Arc<dyn Clock>,
    status: StatusHandle,
    wake: Wake,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stages: Vec<_> = self.stages.keys().collect();
        f.debug_struct("Engine")
            .field("instance", &self.instance)
            .field("stages", &stages)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Begins one.
    pub fn builder() -> EngineBuilder {
        EngineBuilder {
            stages: BTreeMap::new(),
            followers: Vec::new(),
            slots: BTreeMap::new(),
            instance: None,
            options: EngineOptions::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Tells the engine that rows changed, so that it looks at once.
    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }

    /// Asks how it is, also while it runs.
    pub fn status(&self) -> StatusHandle {
        self.status.clone()
    }

    /// Runs until `stop`. Then no attempt begins; those in hand may end within the grace; what is left is given back
    /// for another process to begin again.
    ///
    /// # Errors
    /// When the database cannot be used at the start, or a part of the engine itself breaks. Later trouble with the
    /// database is waited out.
    pub fn run(self, store: Store, stop: CancellationToken) -> BoxFuture<'static, Result<(), WorkerError>> {
        // Boxed, so that callers may spawn it: its type is too deep for the compiler to see that it can be sent.
        Box::pin(self.work(store, stop))
    }

    async fn work(self, store: Store, stop: CancellationToken) -> Result<(), WorkerError> {
        let queue = Queue::open(&store).await?;
        // Its own tokens: what breaks here stops this engine, not the caller's other tasks.
        let stop = stop.child_token();
        let abandon = CancellationToken::new();
        let runner = Arc::new(Runner {
            store: store.clone(),
            clock: self.clock.clone(),
            stages: self.stages,
            retry: self.options.retry,
            lease: self.options.lease,
            instance: self.instance.clone(),
            wake: self.wake.clone(),
            slots: self.slots.iter().map(|(&q, &n)| (q, Arc::new(Semaphore::new(n)))).collect(),
            running: RunningJobs(self.status.clone()),
            attempts: TaskTracker::new(),
            stop: stop.clone(),
            abandon: abandon.clone(),
        });
        take_over(&runner).await?;

        let mut parts = JoinSet::new();
        let mut doors = HashMap::new();
        for (&name, &slots) in &self.slots {
            let (door, bell) = mpsc::channel(1);
            doors.insert(name, door);
            parts.spawn(keep_serving(runner.clone(), queue.clone(), name, slots, self.options, bell));
        }
        if !runner.stages.is_empty() {
            let ticker = Ticker::new(runner.clone(), queue, doors);
            parts.spawn(ticker.run(self.options.tick, self.wake.listen()));
        }
        for follower in self.followers {
            let pursuit = Pursuit {
                follower,
                cx: FollowCtx { store: store.clone(), stop: stop.clone(), clock: self.clock.clone() },
                wake: self.wake.clone(),
                status: self.status.clone(),
                every: self.options.follow,
                backoff_scale: self.options.follower_backoff_scale,
                abandon: abandon.clone(),
            };
            parts.spawn(pursuit.run(self.wake.listen()));
        }
        tracing::info!(instance = self.instance, "engine runs");

        let broken = tokio::select! {
            // First: after a stop the parts end too.
            biased;
            () = stop.cancelled() => None,
            // Before it no part ends but by a panic.
            Some(end) = parts.join_next() => Some(end.err().map_or("it returned".to_owned(), |e| e.to_string())),
        };
        let broken = broken.filter(|_| !stop.is_cancelled());
        stop.cancel();
        wind_down(&runner, &mut parts, self.options.grace).await;
        tracing::info!(instance = self.instance, "engine stopped");
        broken.map_or(Ok(()), |why| Err(WorkerError::Broken(why)))
    }
}

/// Begins again what an engine of this name left running when it died.
async fn take_over(runner: &Runner) -> Result<(), StoreError> {
    let mut tx = runner.store.begin().await?;
    let taken = jobs::reclaim_owned(&mut tx, &runner.instance, runner.clock.now()).await?;
    tx.commit().await?;
    for job in taken {
        tracing::warn!(%job, instance = runner.instance, "left running by an earlier process of this name: again");
    }
    Ok(())
}

/// Waits for everything in hand within the grace, then gives the rest back.
async fn wind_down(runner: &Runner, parts: &mut JoinSet<()>, grace: Duration) {
    runner.attempts.close();
    let ended = async {
        runner.attempts.wait().await;
        while parts.join_next().await.is_some() {}
    };
    tokio::pin!(ended);
    if tokio::time::timeout(grace, &mut ended).await.is_err() {
        tracing::warn!("not everything ended within the grace: giving the rest back");
        runner.abandon.cancel();
        if tokio::time::timeout(GIVE_BACK, &mut ended).await.is_err() {
            tracing::warn!("some attempts do not let go: their leases will lapse");
        }
    }
}

/// Serves one queue; a worker that loses its lease is followed by one with a new name.
async fn keep_serving(
    runner: Arc<Runner>,
    queue: Queue,
    name: QueueName,
    slots: usize,
    options: EngineOptions,
    mut bell: mpsc::Receiver<()>,
) {
    let part = format!("queue {name}");
    let mut failures: u32 = 0;
    while !runner.stop.is_cancelled() {
        // The bell outlives the worker that listens to it.
        let (ring, rung) = mpsc::channel(1);
        let serve = Serve {
            queue: name,
            worker: format!("{}-{name}-{}", runner.instance, Uuid::now_v7().simple()),
            slots,
            lease: options.lease,
            poll: options.poll,
        };
        let began = std::time::Instant::now();
        let mut serving = queue.serve(serve, rung, runner.handler(name), runner.stop.clone());
        let proven = tokio::time::sleep(options.lease.heartbeat.saturating_mul(2));
        tokio::pin!(proven);
        let mut well = false;
        let end = loop {
            tokio::select! {
                end = &mut serving => break end,
                () = &mut proven, if !well => {
                    well = true;
                    runner.running.0.trouble(&part, None);
                }
                Some(()) = bell.recv() => {
                    let _ = ring.try_send(());
                }
            }
        };
        let Err(error) = end else { continue };
        failures = if began.elapsed() > Duration::from_secs(30) { 1 } else { failures.saturating_add(1) };
        runner.running.0.trouble(&part, Some(error.to_string()));
        let wait =
            Duration::from_millis(200).saturating_mul(1 << failures.min(5)).min(Duration::from_secs(5));
        tokio::select! {
            () = tokio::time::sleep(jittered(wait, rand::random())) => {}
            () = runner.stop.cancelled() => {}
        }
    }
}
