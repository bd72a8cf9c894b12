//! A recorder under test: in this process, or in one of its own that can be killed.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::{
    Clock, Id, SourceId, WallTime,
    recording::{Epoch, Recording},
    source::SourceKind,
};
use clipmill_ingest::record::{RecordConfig, RecordError, StatusBoard, run_recorder};
use clipmill_store::{
    Store,
    sources::{self, NewSource},
    testing::{self, TestStore},
};
use clipmill_worker::SystemClock;
use tokio::{
    process::{Child, Command},
    sync::oneshot,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{clips::Clip, figure, free_port, truth::Found, until};

/// The stream key of the push source.
pub const KEY: &str = "k-5e0c1d-chaos-key";

/// The stall limit of these recorders, unless a test is about another.
pub const STALL: Duration = Duration::from_millis(2500);

pub fn now() -> WallTime {
    SystemClock.now()
}

/// How the recorders of this suite are set: short stalls, a quiet time longer than any test.
pub fn config() -> RecordConfig {
    RecordConfig {
        rtmp_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        part: Duration::from_secs(2),
        stall: STALL,
        quiet_end: Duration::from_secs(600),
        free_space_floor: 1 << 20,
        ..RecordConfig::default()
    }
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RecordError>>,
}

/// A recorder with its store.
pub struct Lab {
    store: Store,
    url: String,
    data_dir: Utf8PathBuf,
    _test: Option<TestStore>,
    board: StatusBoard,
    addr: SocketAddr,
    running: Option<Running>,
}

impl Lab {
    /// A recorder as [`config`] says.
    pub async fn start() -> Self {
        Self::start_with(config()).await
    }

    /// A recorder as the test says.
    pub async fn start_with(config: RecordConfig) -> Self {
        let mut lab = Self::open().await;
        lab.record(config).await;
        lab
    }

    /// A store with the push source, no recorder yet.
    pub async fn open() -> Self {
        let test = TestStore::sqlite().await;
        let (store, url, data_dir) = (test.store.clone(), test.url.clone(), test.data_dir.clone());
        Self::over(store, url, data_dir, Some(test)).await
    }

    /// As [`Lab::open`], with the library in `data_dir` and the rows in `rows_dir`.
    pub async fn open_at(data_dir: &Utf8Path, rows_dir: &Utf8Path) -> Self {
        let url = format!("sqlite:{rows_dir}/clipmill.db");
        let store = Store::open(&url, data_dir).await.unwrap();
        Self::over(store, url, data_dir.to_owned(), None).await
    }

    async fn over(store: Store, url: String, data_dir: Utf8PathBuf, test: Option<TestStore>) -> Self {
        logs();
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        let board = StatusBoard::default();
        let lab = Self { store, url, data_dir, _test: test, board, addr, running: None };
        lab.add("studio", SourceKind::Push, KEY).await;
        lab
    }

    /// Starts the recorder in this process.
    pub async fn record(&mut self, config: RecordConfig) {
        let (ready, is_ready) = oneshot::channel();
        let stop = CancellationToken::new();
        let config = RecordConfig { board: self.board.clone(), ..config };
        let (store, token) = (self.store.clone(), stop.clone());
        let task = tokio::spawn(async move {
            run_recorder(store, config, token, move |addr| {
                let _ = ready.send(addr);
            })
            .await
        });
        self.addr = is_ready.await.expect("the recorder starts").rtmp;
        self.running = Some(Running { stop, task });
    }

    async fn add(&self, name: &str, kind: SourceKind, secret: &str) -> SourceId {
        let id = SourceId::new_at(now());
        let new = NewSource { id, kind, secret: secret.into(), ..testing::new_source(name) };
        let mut tx = self.store.begin().await.unwrap();
        sources::add_source(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Adds a source that is pulled from `url` from now on.
    pub async fn pull(&self, url: &str) -> SourceId {
        self.add("room", SourceKind::Pull, url).await
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn board(&self) -> &StatusBoard {
        &self.board
    }

    /// Where it listens for RTMP.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address encoders push to.
    pub fn push_url(&self) -> String {
        push_url(self.addr)
    }

    /// A folder for the judge, outside the library.
    pub fn scratch(&self) -> Utf8PathBuf {
        let dir = self.data_dir.join("scratch");
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// All epochs of all recordings, in order.
    pub async fn epochs(&self) -> Vec<Epoch> {
        let mut all = vec![];
        for rec in self.store.recordings(10).await.unwrap().iter().rev() {
            all.extend(self.store.epochs(rec.id).await.unwrap());
        }
        all
    }

    /// Waits for the `n`th epoch (1 is the first); when its row was seen.
    pub async fn epoch_begins(&self, n: usize, seconds: u64) -> Instant {
        until(&format!("epoch {n} begins"), seconds, async || self.epochs().await.len() >= n).await;
        Instant::now()
    }

    /// Waits until no epoch is open.
    pub async fn epoch_ends(&self, seconds: u64) {
        until("the epoch ends", seconds, async || self.store.open_epochs().await.unwrap().is_empty()).await;
    }

    /// Waits until so many seconds of media lie in closed parts, over all epochs.
    pub async fn keeps(&self, media_seconds: f64) {
        self.keeps_within(media_seconds, 90).await;
    }

    /// As [`Lab::keeps`], within a given time.
    pub async fn keeps_within(&self, media_seconds: f64, seconds: u64) {
        let what = format!("{media_seconds} s of media are kept");
        until(&what, seconds, async || self.kept().await >= media_seconds).await;
    }

    /// Seconds of media in closed parts.
    pub async fn kept(&self) -> f64 {
        let mut micros = 0;
        for rec in self.store.recordings(10).await.unwrap() {
            micros += self.store.parts(rec.id).await.unwrap().iter().map(|p| p.span.micros()).sum::<i64>();
        }
        micros as f64 / 1e6
    }

    /// The one recording there is.
    pub async fn only_recording(&self) -> Recording {
        let all = self.store.recordings(10).await.unwrap();
        assert_eq!(all.len(), 1, "the recording is one: {all:?}");
        all[0].clone()
    }

    /// Ends the recorder in good order, if it runs.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.cancel();
            let ended = tokio::time::timeout(Duration::from_secs(60), running.task).await;
            ended.expect("the recorder stops within a minute").unwrap().unwrap();
        }
    }

    /// Stops the recorder and holds what it kept against the clips, given in the order in which they were sent.
    pub async fn judge(&mut self, clips: &[&Clip]) -> Found {
        self.stop().await;
        let rec = self.only_recording().await;
        let found = Found::of(&self.store, &self.scratch(), &rec, clips).await;
        eprintln!("{found}");
        found
    }

    /// A recorder in a process of its own, on the same store.
    pub fn child(&mut self) -> ChildRecorder {
        let port = free_port();
        self.addr = (Ipv4Addr::LOCALHOST, port).into();
        ChildRecorder { url: self.url.clone(), data_dir: self.data_dir.clone(), port, child: None }
    }
}

/// The moment at which what was broken works again.
pub struct Back {
    wall: WallTime,
    at: Instant,
    epochs: usize,
}

impl Lab {
    /// What was broken works again, now.
    pub async fn back(&self) -> Back {
        Back { epochs: self.epochs().await.len(), wall: now(), at: Instant::now() }
    }

    /// Waits for the first epoch after `back` and prints how long after it its first picture came in, and its row
    /// was there. The bound is for a loaded machine; the figure is what counts.
    pub async fn recovers(&self, what: &str, back: &Back) {
        let n = back.epochs + 1;
        self.epoch_begins(n, 45).await;
        let row = back.at.elapsed().as_millis();
        let first = self.epochs().await[n - 1].started_at.millis_since(back.wall);
        figure(&format!("{what}: first picture taken after {first} ms, epoch in the rows after {row} ms"));
    }
}

/// The address encoders push to, of a recorder at `addr`.
pub fn push_url(addr: SocketAddr) -> String {
    format!("rtmp://{addr}/live/{KEY}")
}

/// A recorder that can be killed.
pub struct ChildRecorder {
    url: String,
    data_dir: Utf8PathBuf,
    port: u16,
    child: Option<Child>,
}

impl ChildRecorder {
    /// Starts it, first or again: this test program, told to run the one ignored test that records.
    pub fn start(&mut self) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["kill::child_records_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
            .env("CHAOS_URL", &self.url)
            .env("CHAOS_DATA", &self.data_dir)
            .env("CHAOS_PORT", self.port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().await.unwrap();
    }
}

/// What the child process does.
pub async fn record_as_child() {
    logs();
    let data = Utf8PathBuf::from(std::env::var("CHAOS_DATA").unwrap());
    let port = std::env::var("CHAOS_PORT").unwrap().parse().unwrap();
    let store = Store::open(&std::env::var("CHAOS_URL").unwrap(), &data).await.unwrap();
    let config = RecordConfig { rtmp_bind: (Ipv4Addr::LOCALHOST, port).into(), ..config() };
    run_recorder(store, config, CancellationToken::new(), |_| ()).await.unwrap();
}

fn logs() {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "info,sqlx=warn,clipmill_ingest=debug".into());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .try_init();
}
