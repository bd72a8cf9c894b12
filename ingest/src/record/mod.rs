//! The recorder: streams in, parts and rows out, and nothing else.
//!
//! Each live source has a thread of its own that demuxes, writes parts and then their rows, in that order. One
//! recording goes on across drops: every connection, and every change of format, is an epoch of it. What is in
//! which recording, and when on its clock, is decided in `plan`.

mod backfill;
mod clock;
mod desk;
mod flow;
mod journal;
mod knock;
mod lock;
pub mod plan;
mod pulls;
mod salvage;
mod status;
mod supervise;
mod take;

use std::{
    collections::{HashMap, HashSet},
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, atomic::AtomicUsize},
    time::Duration,
};

use camino::Utf8PathBuf;
use clipmill_domain::Clock;
use clipmill_store::{Store, StoreError};
use clipmill_worker::SystemClock;
use thiserror::Error;
use tokio::{
    runtime::Handle,
    sync::{Mutex as AsyncMutex, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use status::{Problem, RecorderStatus, SourceState, SourceStatus, StatusBoard};

pub use crate::source::rtmp::{TlsError, TlsFiles};

use crate::source::{
    door::Limits,
    publishers::Publishers,
    pull::resolver::Resolvers,
    rtmp::{Certificate, RtmpListener},
    srt::SrtListener,
};
use clock::{Machine, SteadyClock};
use desk::{Desk, FrontDoor};
use lock::RecorderLock;

/// How long a stopping recorder waits for its sources to be closed.
const STOP_GRACE: Duration = Duration::from_secs(20);

/// How the recorder works.
#[derive(Clone)]
pub struct RecordConfig {
    /// Where encoders push to. Port 0 takes any free port.
    pub rtmp_bind: SocketAddr,
    /// Where encoders push RTMPS to, if anywhere, and the certificate for it.
    pub rtmps: Option<(SocketAddr, TlsFiles)>,
    /// Where encoders push SRT to, if anywhere.
    pub srt_bind: Option<SocketAddr>,
    /// Intended length of a part; the next key frame ends it.
    pub part: Duration,
    /// No packet for so long ends the epoch.
    pub stall: Duration,
    /// Nothing for so long ends the recording.
    pub quiet_end: Duration,
    /// Below so many free bytes nothing is recorded.
    pub free_space_floor: u64,
    /// Programs that turn a room page into a stream's address.
    pub resolvers: Resolvers,
    /// The system's clock, which may be set at any time. Recordings go by a steady clock of the recorder's own.
    pub clock: Arc<dyn Clock>,
    /// Where the recorder shows what it does.
    pub board: StatusBoard,
}

impl Default for RecordConfig {
    /// RTMP on port 1935 of loopback and nothing else, parts of 2 s, stalls after 8 s, quiet after 5 minutes, 2 GiB to stay free.
    fn default() -> Self {
        Self {
            rtmp_bind: (Ipv4Addr::LOCALHOST, 1935).into(),
            rtmps: None,
            srt_bind: None,
            part: Duration::from_secs(2),
            stall: Duration::from_secs(8),
            quiet_end: Duration::from_secs(300),
            free_space_floor: 2 << 30,
            resolvers: Resolvers::default(),
            clock: Arc::new(SystemClock),
            board: StatusBoard::default(),
        }
    }
}

impl fmt::Debug for RecordConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordConfig")
            .field("rtmp_bind", &self.rtmp_bind)
            .field("rtmps", &self.rtmps)
            .field("srt_bind", &self.srt_bind)
            .field("part", &self.part)
            .field("stall", &self.stall)
            .field("quiet_end", &self.quiet_end)
            .field("free_space_floor", &self.free_space_floor)
            .finish_non_exhaustive()
    }
}

/// Why the recorder cannot run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Another program has the port.
    #[error("port {} is taken: another program listens on {addr}; stop it, or set {key} to another port", addr.port())]
    PortTaken {
        /// The configuration key.
        key: &'static str,
        /// The address asked for.
        addr: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {addr}: {source}; check {key}")]
    Bind {
        /// The configuration key.
        key: &'static str,
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate for RTMPS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Another recorder works on the same data.
    #[error("another recorder is at work on {data_dir}; only one may be")]
    AlreadyRunning {
        /// The data folder.
        data_dir: Utf8PathBuf,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {path}: {source}")]
    Lock {
        /// The lock file.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Rows or files could not be read at the start.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RecordError {
    /// Whether the configuration or the machine must be changed before another try makes sense.
    pub fn needs_operator(&self) -> bool {
        matches!(
            self,
            Self::PortTaken { .. } | Self::Bind { .. } | Self::Tls(_) | Self::AlreadyRunning { .. }
        )
    }
}

/// The addresses listened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// RTMP.
    pub rtmp: SocketAddr,
    /// RTMPS, if configured.
    pub rtmps: Option<SocketAddr>,
    /// SRT, if configured.
    pub srt: Option<SocketAddr>,
}

struct Listeners {
    rtmp: RtmpListener,
    rtmps: Option<RtmpListener>,
    srt: Option<SrtListener>,
}

impl Listeners {
    fn bind(config: &RecordConfig) -> Result<Self, RecordError> {
        let explain = |key, addr| {
            move |source: io::Error| match source.kind() {
                io::ErrorKind::AddrInUse => RecordError::PortTaken { key, addr },
                _ => RecordError::Bind { key, addr, source },
            }
        };
        let addr = config.rtmp_bind;
        let rtmp = RtmpListener::bind(addr).map_err(explain("record.rtmp_bind", addr))?;
        let rtmps = config.rtmps.as_ref().map(|(addr, files)| {
            let certificate = Certificate::load(files.clone())?;
            let bound = RtmpListener::bind(*addr).map_err(explain("record.rtmps_bind", *addr))?;
            Ok::<_, RecordError>(bound.with_tls(certificate))
        });
        let srt =
            config.srt_bind.map(|addr| SrtListener::bind(addr).map_err(explain("record.srt_bind", addr)));
        Ok(Self { rtmp, rtmps: rtmps.transpose()?, srt: srt.transpose()? })
    }

    fn addrs(&self) -> Listening {
        Listening {
            rtmp: self.rtmp.addr(),
            rtmps: self.rtmps.as_ref().map(RtmpListener::addr),
            srt: self.srt.as_ref().map(SrtListener::addr),
        }
    }

    async fn serve(
        self,
        door: Arc<FrontDoor>,
        publishers: Arc<Publishers>,
        limits: Limits,
        stop: CancellationToken,
    ) {
        let (a, b) = (Arc::clone(&door), Arc::clone(&publishers));
        let rtmp = self.rtmp.serve(a, b, limits, stop.clone());
        let rtmps = async {
            if let Some(listener) = self.rtmps {
                listener.serve(Arc::clone(&door) as _, Arc::clone(&publishers), limits, stop.clone()).await;
            }
        };
        let srt = async {
            if let Some(listener) = self.srt {
                listener.serve(Arc::clone(&door) as _, Arc::clone(&publishers), limits, stop.clone()).await;
            }
        };
        tokio::join!(rtmp, rtmps, srt);
    }
}

/// Runs the recorder until `stop`: brings back what a dead one left, listens for encoders, pulls what is to be
/// pulled. `on_ready` is told the addresses listened on. Sources may be added, changed and removed meanwhile.
///
/// A stop closes the open epochs and leaves their recordings live: a start within the quiet time continues them.
/// Dropping the future is as good as killing the process: the next start brings the open parts back.
pub async fn run_recorder(
    store: Store,
    config: RecordConfig,
    stop: CancellationToken,
    on_ready: impl FnOnce(Listening),
) -> Result<(), RecordError> {
    clipmill_media::init();
    let data_dir = store.library().root().parent().unwrap_or(store.library().root()).to_owned();
    let lock = RecorderLock::take(&data_dir).await?;
    let listeners = Listeners::bind(&config)?;
    let is_live = !store.live_recordings().await?.is_empty();
    let clock = SteadyClock::start(&data_dir, Arc::clone(&config.clock), Arc::new(Machine), is_live);
    salvage::all(&store).await?;

    let abandon = CancellationToken::new();
    let dropped = abandon.clone().drop_guard();
    let publishers = Publishers::new();
    let limits = Limits::with_stall(config.stall);
    let desk = Arc::new(Desk {
        store,
        board: config.board.clone(),
        clock: Arc::new(clock),
        data_dir,
        config,
        publishers: Arc::clone(&publishers),
        runtime: Handle::current(),
        abandon,
        threads: TaskTracker::new(),
        pushing: Mutex::new(HashMap::new()),
        writing: AsyncMutex::new(HashSet::new()),
        remembered: Mutex::default(),
        lock,
        cuts: Mutex::default(),
        lives: AtomicUsize::new(0),
        one_file: Arc::new(Semaphore::new(1)),
    });
    let addrs = listeners.addrs();
    tracing::info!(rtmp = %addrs.rtmp, rtmps = ?addrs.rtmps, srt = ?addrs.srt, "the recorder listens");
    let door = Arc::new(FrontDoor(Arc::clone(&desk)));
    on_ready(addrs);
    tokio::join!(
        listeners.serve(door, publishers, limits, stop.clone()),
        supervise::supervise(Arc::clone(&desk), stop.clone()),
    );
    desk.threads.close();
    if tokio::time::timeout(STOP_GRACE, desk.threads.wait()).await.is_err() {
        tracing::warn!(
            left = desk.threads.len(),
            "some sources could not be closed in time; the next start will"
        );
    }
    drop(dropped);
    tracing::info!("the recorder has stopped");
    Ok(())
}
