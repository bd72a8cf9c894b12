//! The RTMP listener: encoders push to `rtmp://<bind>/live/<stream key>`.
//!
//! Every connection is a task of its own; a broken one takes nothing with it. Reading is bounded in time and
//! in bytes, and the stream key appears in no log line and no error.

mod codec;
mod flv;
mod publishers;
mod session;
mod tap;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use clipmill_domain::source::Source;
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use codec::Unsupported;
pub use publishers::{Busy, Claim, Publishers, TAKEOVER_SILENCE};

use super::feed::Feed;

/// The only RTMP application served.
pub const APP: &str = "live";
/// Connections open at once; one more is closed at once.
pub const CONNECTIONS_MAX: usize = 64;

/// Why a publisher is turned away, in words for the person at the encoder.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No source has this key.
    #[error("this stream key is not known; copy it again from the source's page")]
    WrongKey,
    /// The source is switched off.
    #[error("the source {0:?} is disabled; enable it first")]
    Disabled(String),
    /// It waits for its window, or to be asked.
    #[error("the source {0:?} does not record now: outside its schedule, or not asked to record")]
    NotWanted(String),
    /// Somebody else is publishing.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// No room to record.
    #[error(
        "the disk is too full to record ({free_bytes} bytes free, {floor_bytes} needed); free some space"
    )]
    DiskFull {
        /// Free now.
        free_bytes: u64,
        /// The configured floor.
        floor_bytes: u64,
    },
    /// The recorder cannot answer now.
    #[error("the recorder cannot take this stream just now; try again in some seconds")]
    NotNow,
}

/// A publisher that was let in.
pub struct Publisher {
    /// What it publishes on.
    pub source: Source,
    /// Its media.
    pub feed: Feed,
    /// Its place, to be kept until the recording side has finished.
    pub claim: Arc<Claim>,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// Ends the reading side of its feed.
    pub stop: CancellationToken,
}

/// Who decides about publishers, and takes their media.
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// The source behind a stream key, if it may record now.
    async fn admit(&self, key: &str) -> Result<Source, Refusal>;
    /// Takes a publisher. Called once the publisher was told that it may send.
    fn enter(&self, publisher: Publisher);
    /// Notes that `source` sends what cannot be recorded.
    fn refuse_media(&self, source: &Source, why: &Unsupported);
    /// The present instant.
    fn now(&self) -> clipmill_domain::WallTime;
    /// A token that ends the reading side of one publisher's feed.
    fn stop_token(&self) -> CancellationToken;
}

/// The deadlines of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From connecting to the end of the handshake.
    pub handshake: Duration,
    /// From the handshake to an accepted publish.
    pub publish: Duration,
    /// No byte for so long is a stall: the epoch ends, the connection stays.
    pub stall: Duration,
    /// No byte for so long ends the connection.
    pub hold: Duration,
    /// The longest wait for one write to the peer, and for room in the feed.
    pub write: Duration,
}

impl Limits {
    /// The usual ones, with the given stall limit.
    pub fn with_stall(stall: Duration) -> Self {
        let s = Duration::from_secs;
        Self { handshake: s(5), publish: s(15), stall, hold: stall + s(60), write: s(10) }
    }
}

/// A bound listener.
pub struct RtmpListener {
    listener: TcpListener,
    addr: SocketAddr,
}

impl RtmpListener {
    /// Binds. `AddrInUse` when another program (or another recorder) has the port.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(128)?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr })
    }

    /// The address bound, with the port that the system chose if 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop`, then ends the connections and waits for them. Dropping the future closes them.
    pub async fn serve(
        self,
        door: Arc<dyn Door>,
        publishers: Arc<Publishers>,
        limits: Limits,
        stop: CancellationToken,
    ) {
        let sessions = TaskTracker::new();
        let all_stop = stop.child_token();
        let _drop_guard = all_stop.clone().drop_guard();
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "an incoming RTMP connection was lost");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(seat) = Arc::clone(&room).try_acquire_owned() else {
                tracing::warn!(%peer, limit = CONNECTIONS_MAX, "too many RTMP connections; this one is closed");
                continue;
            };
            let connection = session::Connection {
                peer,
                door: Arc::clone(&door),
                publishers: Arc::clone(&publishers),
                limits,
                stop: all_stop.clone(),
            };
            sessions.spawn(async move {
                let _seat = seat;
                run(connection, stream).await;
            });
        }
        sessions.close();
        if tokio::time::timeout(Duration::from_secs(5), sessions.wait()).await.is_err() {
            tracing::warn!(left = sessions.len(), "RTMP connections did not end in time");
        }
    }
}

async fn run(connection: session::Connection, stream: TcpStream) {
    let peer = connection.peer;
    let _ = stream.set_nodelay(true);
    match connection.serve(stream).await {
        Ok(()) => tracing::debug!(%peer, "RTMP connection closed"),
        Err(error) => tracing::warn!(%peer, %error, "RTMP connection ended"),
    }
}
