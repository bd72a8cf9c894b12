//! What the tests share: a stage and a follower that stamp the audit log, and the same test program as a child.

#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::{
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::{ClipId, Clock, Id, WallTime, provenance::StageVersion};
use clipmill_store::{
    Store, StoreError, Tx,
    audit::audit,
    jobs::{Job, JobState},
    testing::TestStore,
};
use clipmill_worker::{
    Engine, EngineBuilder, EngineOptions, JobCtx, Lease, QueueName, RetryPolicy, Stage, StageError,
    SystemClock, Wake, WorkerError,
};
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest wait for anything that must happen.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// What the stamping stage does in `run`.
pub type Act = Arc<dyn Fn(JobCtx, ClipId) -> BoxFuture<'static, Result<String, StageError>> + Send + Sync>;

/// An [`Act`] of an async closure.
pub fn act<F>(f: impl Fn(JobCtx, ClipId) -> F + Send + Sync + 'static) -> Act
where
    F: Future<Output = Result<String, StageError>> + Send + 'static,
{
    Arc::new(move |cx, id| Box::pin(f(cx, id)))
}

/// A stage over a list of ids; its output is a line `stamped` in the audit log of the id.
#[derive(Clone)]
pub struct Stamp {
    pub name: &'static str,
    pub queue: QueueName,
    pub priority: i32,
    pub deadline: Duration,
    pub stall: Option<Duration>,
    pub inputs: Arc<Mutex<Vec<ClipId>>>,
    pub act: Act,
}

impl Stamp {
    pub fn new(inputs: &[ClipId], act: Act) -> Self {
        Self {
            name: "test.stamp",
            queue: QueueName::Small,
            priority: 0,
            deadline: Duration::from_secs(60),
            stall: None,
            inputs: Arc::new(Mutex::new(inputs.to_vec())),
            act,
        }
    }
}

#[async_trait]
impl Stage for Stamp {
    type Input = ClipId;
    type Output = String;

    fn name(&self) -> &'static str {
        self.name
    }
    fn queue(&self) -> QueueName {
        self.queue
    }
    fn priority(&self) -> i32 {
        self.priority
    }
    fn version(&self) -> StageVersion {
        StageVersion::new("stamp/1")
    }
    fn deadline(&self) -> Duration {
        self.deadline
    }
    fn stall(&self) -> Option<Duration> {
        self.stall
    }
    async fn find(&self, store: &Store, limit: u32) -> Result<Vec<ClipId>, StoreError> {
        let all = self.inputs.lock().unwrap().clone();
        let mut lacking = Vec::new();
        for id in all {
            if stamps(store, id).await.is_empty() {
                lacking.push(id);
            }
        }
        lacking.truncate(usize::try_from(limit).unwrap());
        Ok(lacking)
    }
    async fn run(&self, cx: &JobCtx, id: ClipId) -> Result<String, StageError> {
        (self.act)(cx.clone(), id).await
    }
    async fn commit(
        &self,
        tx: &mut Tx<'_>,
        id: ClipId,
        out: String,
        now: WallTime,
    ) -> Result<(), StageError> {
        audit(tx, now, "test", "stamped", &id.to_string(), Some(&out)).await?;
        Ok(())
    }
}

/// The outputs committed for an id.
pub async fn stamps(store: &Store, id: ClipId) -> Vec<String> {
    let lines = store.audit_of(&id.to_string()).await.unwrap();
    lines.into_iter().filter(|l| l.action == "stamped").map(|l| l.detail.unwrap_or_default()).collect()
}

/// A new id.
pub fn new_id() -> ClipId {
    ClipId::new_at(SystemClock.now())
}

/// The only job of an input.
pub async fn job_of(store: &Store, id: ClipId) -> Option<Job> {
    let jobs = store.jobs_of(&id.to_string()).await.unwrap();
    assert!(jobs.len() <= 1, "one input, one job: {jobs:?}");
    jobs.into_iter().next()
}

/// Waits until the job of an input is in a state, and gives it.
pub async fn job_reaches(store: &Store, id: ClipId, state: JobState) -> Job {
    until(&format!("the job reaches {state:?}"), async || {
        job_of(store, id).await.filter(|job| job.state == state)
    })
    .await
}

/// Asks every 20 ms until there is an answer.
pub async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Quick retries; a lease long enough for a loaded machine.
pub fn options() -> EngineOptions {
    EngineOptions {
        tick: Duration::from_millis(100),
        poll: Duration::from_millis(100),
        follow: Duration::from_millis(50),
        grace: Duration::from_secs(5),
        retry: RetryPolicy {
            first: Duration::from_millis(300),
            factor: 2,
            ceiling: Duration::from_secs(2),
            max_attempts: 3,
        },
        follower_backoff_scale: 0.05,
        ..EngineOptions::default()
    }
}

/// As [`options`], with a lease that lapses after 1.5 s.
pub fn short_lease() -> EngineOptions {
    EngineOptions { lease: Lease { heartbeat: Duration::from_millis(300), missed: 5 }, ..options() }
}

/// An engine running in this process.
pub struct Running {
    pub wake: Wake,
    pub status: clipmill_worker::StatusHandle,
    pub stop: CancellationToken,
    ended: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    /// Starts what `builder` describes.
    pub fn start(store: &Store, builder: EngineBuilder) -> Self {
        let engine = builder.build();
        let (wake, status, stop) = (engine.wake(), engine.status(), CancellationToken::new());
        let ended = tokio::spawn(engine.run(store.clone(), stop.clone()));
        Self { wake, status, stop, ended }
    }

    /// Starts one stage with [`options`].
    pub fn stage(store: &Store, stage: Stamp) -> Self {
        Self::start(store, Engine::builder().stage(stage).options(options()))
    }

    /// Stops it and waits for its end.
    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.ended).await.expect("it stops").unwrap().unwrap();
    }
}

/// Variables by which a child knows what to do.
pub const ROLE: &str = "CLIPMILL_TEST_ROLE";
pub const URL: &str = "CLIPMILL_TEST_URL";
pub const DIR: &str = "CLIPMILL_TEST_DIR";
pub const ID: &str = "CLIPMILL_TEST_ID";

/// Reads a variable of a child.
pub fn told(variable: &str) -> String {
    std::env::var(variable).unwrap_or_default()
}

/// This test program again, running its ignored test `child`, as a process that can be killed.
pub fn child(role: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(ROLE, role)
        .envs(variables.iter().copied());
    command
}

/// A child on the same store.
pub fn child_on(fresh: &TestStore, role: &str, id: &str) -> Killed {
    let mut command = child(role, &[(URL, &fresh.url), (DIR, fresh.data_dir.as_str()), (ID, id)]);
    Killed(command.stdin(Stdio::null()).spawn().unwrap())
}

/// The store that a child was told of.
pub async fn told_store() -> Store {
    Store::open(&told(URL), Utf8Path::new(&told(DIR))).await.unwrap()
}

/// A child that does not outlive its test.
pub struct Killed(pub Child);

impl Killed {
    /// Sends a signal by name, for example `KILL`.
    pub fn signal(&self, name: &str) {
        signal(self.0.id(), name);
    }

    /// Kills it and waits until it is gone.
    pub fn kill(mut self) {
        self.signal("KILL");
        self.0.wait().unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends a signal to a process.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
    assert!(sent.success(), "signal {name} to {pid}");
}

/// A file by which processes tell each other something.
pub fn flag(dir: &Utf8Path, name: &str) -> Utf8PathBuf {
    dir.join(format!("flag-{name}"))
}

/// Waits for a flag.
pub async fn flagged(dir: &Utf8Path, name: &str) {
    let path = flag(dir, name);
    until(&format!("{path} is there"), async || path.exists().then_some(())).await;
}
