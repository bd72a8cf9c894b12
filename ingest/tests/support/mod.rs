//! A recorder on a store of its own, and the ffmpeg program as encoder and judge.

#![allow(dead_code, reason = "each test program uses its part")]

pub mod beeps;

use std::{
    net::SocketAddr,
    process::{Command as StdCommand, Stdio},
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::{
    Clock, Id, RecordingId, SourceId, WallTime,
    source::{Language, SourceKind, SourceSettings},
};
use clipmill_ingest::record::{Listening, RecordConfig, RecordError, StatusBoard, run_recorder};
use clipmill_store::{
    Store, StoreError, Tx,
    sources::{self, Header, NewSource},
    testing::TestStore,
};
use clipmill_worker::SystemClock;
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
    sync::oneshot,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub const KEY: &str = "k-7f3a9c-stream-key";

pub fn now() -> WallTime {
    SystemClock.now()
}

/// Waits until `yes` says so; fails after `seconds`.
pub async fn until(what: &str, seconds: u64, yes: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !yes().await {
        assert!(begun.elapsed() < Duration::from_secs(seconds), "waited {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RecordError>>,
}

pub struct Bench {
    test: TestStore,
    config: RecordConfig,
    pub board: StatusBoard,
    pub addr: SocketAddr,
    pub addrs: Option<Listening>,
    pub push: SourceId,
    running: Option<Running>,
}

impl Bench {
    /// A store with one push source, no recorder.
    pub async fn open() -> Self {
        logs();
        let test = TestStore::sqlite().await;
        let push = add(&test.store, "studio", SourceKind::Push, KEY).await;
        let board = StatusBoard::default();
        let config = RecordConfig { board: board.clone(), ..RecordConfig::default() };
        Self { test, config, board, addr: ([127, 0, 0, 1], 0).into(), addrs: None, push, running: None }
    }

    pub async fn start(config: RecordConfig) -> Self {
        let mut bench = Self::open().await;
        let usual = RecordConfig::default();
        bench.config = RecordConfig {
            board: bench.board.clone(),
            rtmp_bind: bench.addr,
            // Short parts and a small floor, unless the test is about them.
            part: if config.part == usual.part { Duration::from_secs(1) } else { config.part },
            free_space_floor: if config.free_space_floor == usual.free_space_floor {
                1 << 20
            } else {
                config.free_space_floor
            },
            ..config
        };
        bench.restart().await;
        bench
    }

    /// Before the recorder is started.
    pub fn configure(&mut self, config: RecordConfig) {
        self.config = RecordConfig {
            rtmp_bind: self.addr,
            part: Duration::from_secs(1),
            free_space_floor: 1 << 20,
            ..config
        };
    }

    pub fn config(&self) -> RecordConfig {
        self.config.clone()
    }

    pub async fn restart(&mut self) {
        let (ready, is_ready) = oneshot::channel();
        let stop = CancellationToken::new();
        let (store, config, token) = (self.test.store.clone(), self.config.clone(), stop.clone());
        let task = tokio::spawn(async move {
            run_recorder(store, config, token, move |addr| {
                let _ = ready.send(addr);
            })
            .await
        });
        let addrs: Listening = is_ready.await.expect("the recorder starts");
        (self.addr, self.addrs) = (addrs.rtmp, Some(addrs));
        self.running = Some(Running { stop, task });
    }

    /// Ends the recorder without a chance to tidy up.
    pub async fn crash(&mut self) {
        let running = self.running.take().unwrap();
        running.task.abort();
        let _ = running.task.await;
    }

    pub async fn stop(mut self) {
        self.halt().await;
    }

    /// Ends the recorder in good order.
    pub async fn halt(&mut self) {
        let running = self.running.take().unwrap();
        running.stop.cancel();
        running.task.await.unwrap().unwrap();
    }

    pub fn store(&self) -> &Store {
        &self.test.store
    }

    pub fn dir(&self) -> Utf8PathBuf {
        // Beside the library, not in it.
        let dir = self.test.data_dir.join("made");
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    pub async fn add_pull(&self, name: &str, url: &str) -> SourceId {
        add(self.store(), name, SourceKind::Pull, url).await
    }

    /// A pull source with request headers and settings.
    pub async fn add_pull_with(
        &self,
        name: &str,
        url: &str,
        headers: &[(&str, &str)],
        settings: SourceSettings,
    ) -> SourceId {
        let headers = headers.iter().map(|(n, v)| Header { name: (*n).into(), value: (*v).into() }).collect();
        let new = NewSource { headers, settings, ..new_source(name, SourceKind::Pull, url) };
        let mut tx = self.store().begin().await.unwrap();
        sources::add_source(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        new.id
    }

    pub fn push_id(&self) -> SourceId {
        self.push
    }

    pub async fn request(&self, id: SourceId, requested: bool) {
        let mut tx = self.store().begin().await.unwrap();
        sources::set_source_requested(&mut tx, id, requested).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn set(&self, id: SourceId, settings: SourceSettings) {
        let mut source = self.store().source(id).await.unwrap().unwrap();
        source.settings = settings;
        let mut tx = self.store().begin().await.unwrap();
        sources::update_source(&mut tx, &source).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn switch_off(&self) {
        let mut tx = self.store().begin().await.unwrap();
        sources::set_source_enabled(&mut tx, self.push, false).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Changes the push source.
    pub async fn change(&self, what: impl AsyncFnOnce(&mut Tx<'_>, SourceId) -> Result<(), StoreError>) {
        let mut tx = self.store().begin().await.unwrap();
        what(&mut tx, self.push).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Everything logged so far, by every test of this program.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&log_text().lock().unwrap()).into_owned()
    }

    /// An encoder that pushes in real time.
    pub fn push(&self, media: &Media, key: &str) -> Child {
        self.push_to(media, "flv", &format!("rtmp://{}/live/{key}", self.addr))
    }

    pub fn push_tls(&self, media: &Media, key: &str) -> Child {
        let addr = self.addrs.and_then(|a| a.rtmps).expect("RTMPS is on");
        self.push_to(media, "flv", &format!("rtmps://{addr}/live/{key}"))
    }

    pub fn push_srt(&self, media: &Media, query: &str) -> Child {
        let addr = self.addrs.and_then(|a| a.srt).expect("SRT is on");
        self.push_to(media, "mpegts", &format!("srt://{addr}?{query}"))
    }

    fn push_to(&self, media: &Media, format: &str, url: &str) -> Child {
        Command::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-re", "-i", media.path.as_str()])
            .args(["-c", "copy", "-f", format, url])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Hashes of the pictures of an epoch, in order.
    pub async fn frames_of(&self, rec: RecordingId, epoch: usize) -> Vec<String> {
        let epoch = self.store().epochs(rec).await.unwrap().remove(epoch);
        let file = |path: &str| std::fs::read(self.store().library().local_path(path).unwrap()).unwrap();
        let mut bytes = file(&epoch.init_path);
        for part in self.store().parts(rec).await.unwrap().iter().filter(|p| p.epoch_id == epoch.id) {
            bytes.extend(file(&part.path));
        }
        let whole = self.dir().join(format!("epoch-{}.mp4", epoch.id));
        std::fs::write(&whole, bytes).unwrap();
        frame_hashes(&whole)
    }

    pub fn log_holds_key(&self) -> bool {
        self.log_holds(KEY)
    }

    pub fn log_holds(&self, what: &str) -> bool {
        log_text().lock().unwrap().windows(what.len()).any(|w| w == what.as_bytes())
    }
}

async fn add(store: &Store, name: &str, kind: SourceKind, secret: &str) -> SourceId {
    let new = new_source(name, kind, secret);
    let mut tx = store.begin().await.unwrap();
    sources::add_source(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    new.id
}

fn new_source(name: &str, kind: SourceKind, secret: &str) -> NewSource {
    NewSource {
        id: SourceId::new_at(now()),
        name: name.into(),
        kind,
        secret: secret.into(),
        language: Language::Zh,
        category: None,
        headers: vec![],
        settings: SourceSettings::default(),
        now: now(),
    }
}

/// A small H.264 and AAC file, 25 frames a second, a key frame every 12.
pub struct Media {
    path: Utf8PathBuf,
    frames: Vec<String>,
}

impl Media {
    pub fn make(dir: &Utf8Path, seconds: u32) -> Self {
        let path = dir.join(format!("sent-{seconds}.mp4"));
        let video = format!("testsrc2=size=160x96:rate=25:duration={seconds}");
        let sound = format!("sine=frequency=440:sample_rate=44100:duration={seconds}");
        let made = StdCommand::new("ffmpeg")
            .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
            .args(["-f", "lavfi", "-i", &video, "-f", "lavfi", "-i", &sound])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "12", "-pix_fmt", "yuv420p"])
            .args(["-threads", "1", "-c:a", "aac", "-b:a", "64k", path.as_str()])
            .status()
            .expect("the ffmpeg program is installed");
        assert!(made.success());
        let frames = frame_hashes(&path);
        assert_eq!(frames.len(), usize::try_from(seconds).unwrap() * 25);
        Self { path, frames }
    }

    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Whether `kept` is where this begins. A stream that breaks off between re-ordered frames may lack up to two
    /// of those before its last.
    pub fn begins_with(&self, kept: &[String]) -> bool {
        let (sure, rest) = kept.split_at(kept.len().saturating_sub(2));
        let near = &self.frames[sure.len()..self.frames.len().min(sure.len() + 4)];
        !kept.is_empty() && self.frames.starts_with(sure) && rest.iter().all(|f| near.contains(f))
    }

    pub fn frames(&self) -> Vec<String> {
        self.frames.clone()
    }
}

fn frame_hashes(path: &Utf8Path) -> Vec<String> {
    let out = StdCommand::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1", "-i", path.as_str()])
        .args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| l.rsplit(',').next().unwrap().trim().to_owned())
        .collect()
}

/// Waits for an encoder to end; whether well.
pub async fn ends(encoder: &mut Child) -> bool {
    tokio::time::timeout(Duration::from_secs(30), encoder.wait()).await.expect("it ends").unwrap().success()
}

/// Waits for an encoder to fail; what it said.
pub async fn fails(encoder: &mut Child) -> String {
    assert!(!ends(encoder).await, "it was expected to fail");
    let mut said = String::new();
    encoder.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    said
}

pub fn signal(encoder: &Child, name: &str) {
    let pid = encoder.id().expect("it runs").to_string();
    assert!(StdCommand::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
}

fn log_text() -> &'static Arc<Mutex<Vec<u8>>> {
    static TEXT: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    TEXT.get_or_init(Arc::default)
}

struct Tee;

impl std::io::Write for Tee {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        log_text().lock().unwrap().extend_from_slice(buf);
        eprint!("{}", String::from_utf8_lossy(buf));
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything logged, down to debug, is kept so that a test can look for secrets in it.
fn logs() {
    let _ = tracing_subscriber::fmt()
        .with_env_filter("debug,sqlx=info,whisper_rs=warn")
        .with_ansi(false)
        .with_writer(|| Tee)
        .try_init();
}
