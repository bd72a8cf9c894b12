//! The RTMP listener: encoders push to `rtmp://<bind>/live/<stream key>`, or to `rtmps://` with a certificate.
//!
//! Every connection is a task of its own; a broken one takes nothing with it. Reading is bounded in time and
//! in bytes, and the stream key appears in no log line and no error.

mod amf;
mod chunks;
mod codec;
mod flv;
mod session;
mod tap;
mod tls;
mod wire;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use codec::Unsupported;
pub use tls::{Certificate, TlsError, TlsFiles};

use super::{
    door::{Door, Limits},
    publishers::Publishers,
};

/// The only RTMP application served.
pub const APP: &str = "live";
/// Connections open at once; one more is closed at once.
pub const CONNECTIONS_MAX: usize = 64;

/// A bound listener.
pub struct RtmpListener {
    listener: TcpListener,
    addr: SocketAddr,
    certificate: Option<Arc<Certificate>>,
}

impl RtmpListener {
    /// Binds. `AddrInUse` when another program (or another recorder) has the port.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(128)?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr, certificate: None })
    }

    /// Serves RTMPS with this certificate instead of plain RTMP.
    pub fn with_tls(self, certificate: Certificate) -> Self {
        Self { certificate: Some(Arc::new(certificate)), ..self }
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
            let certificate = self.certificate.clone();
            sessions.spawn(async move {
                let _seat = seat;
                run(connection, stream, certificate).await;
            });
        }
        sessions.close();
        if tokio::time::timeout(Duration::from_secs(5), sessions.wait()).await.is_err() {
            tracing::warn!(left = sessions.len(), "RTMP connections did not end in time");
        }
    }
}

async fn run(connection: session::Connection, stream: TcpStream, certificate: Option<Arc<Certificate>>) {
    let peer = connection.peer;
    let _ = stream.set_nodelay(true);
    let ended = match certificate {
        None => connection.serve(stream).await,
        Some(certificate) => match encrypt(stream, certificate, connection.limits.handshake).await {
            Ok(stream) => connection.serve(stream).await,
            Err(error) => return tracing::warn!(%peer, %error, "RTMPS handshake failed"),
        },
    };
    match ended {
        Ok(()) => tracing::debug!(%peer, "RTMP connection closed"),
        Err(error) => tracing::warn!(%peer, %error, "RTMP connection ended"),
    }
}

async fn encrypt(
    stream: TcpStream,
    certificate: Arc<Certificate>,
    patience: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    let config =
        tokio::task::spawn_blocking(move || certificate.current()).await.map_err(io::Error::other)?;
    let accepted = tokio::time::timeout(patience, TlsAcceptor::from(config).accept(stream)).await;
    accepted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
