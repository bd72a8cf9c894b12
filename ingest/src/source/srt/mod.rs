//! The SRT listener: encoders call `srt://<bind>?streamid=<source>&passphrase=<stream key>`.
//!
//! The stream id names the source (its name, its id, or the form `#!::r=NAME,m=publish`); the stream key is the
//! passphrase, so it never travels, and an unencrypted caller is refused. The media is a transport stream. SRT has
//! no word for an orderly end: a connection that closes is a disconnect, and its recording ends when it has been
//! quiet for long enough.

mod guests;
mod ts;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::BytesMut;
use clipmill_domain::{recording::EndReason, source::Source};
use clipmill_media::srt::{SRT_PACKET_BYTES_MAX, SrtConnection, SrtListener as Socket, SrtRead};
use secrecy::SecretString;
use thiserror::Error;
use tokio::{
    sync::Semaphore,
    time::{Instant, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::guests::Guests;
use super::{
    door::{Door, Limits, Publisher, Refusal},
    feed::{FeedError, FeedWriter, feed},
    publishers::{Claim, Leave, Publishers},
    rtmp::CONNECTIONS_MAX,
};

/// How often the port is looked at for new callers.
const ACCEPT_EVERY: Duration = Duration::from_millis(50);
/// How often a connection is looked at: what came meanwhile is taken in one go.
const READ_EVERY: Duration = Duration::from_millis(20);
/// Taken in one go at most.
const READ_BYTES_MAX: usize = 256 << 10;
/// How often the list of sources is read: a new key opens this door so much later.
const LIST_EVERY: Duration = Duration::from_secs(2);
/// And when somebody was turned away.
const LIST_AGAIN: Duration = Duration::from_millis(300);

/// Why a connection ended.
#[derive(Debug, Error)]
enum Ended {
    #[error("refused a publisher: {0}")]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Evicted(#[from] Leave),
    #[error("the encoder sent no media for {0:?}")]
    Silent(Duration),
    #[error("the encoder closed the connection, or the network did")]
    Closed,
    #[error("the recorder stops")]
    Stopped,
}

/// A bound listener.
pub struct SrtListener {
    socket: Socket,
    guests: Arc<Guests>,
}

impl SrtListener {
    /// Binds. `AddrInUse` when another program has the port.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let guests = Arc::<Guests>::default();
        let socket = Socket::bind(addr, Arc::clone(&guests) as _)?;
        Ok(Self { socket, guests })
    }

    /// The address bound, with the port that the system chose if 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.socket.addr()
    }

    /// Serves until `stop`, then ends the connections and waits for them.
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
        let listing = list(Arc::clone(&self.guests), Arc::clone(&door));
        let accepting = async {
            let mut clock = interval(ACCEPT_EVERY);
            loop {
                clock.tick().await;
                for gone in self.socket.given_up() {
                    let why = "the passphrase is not the stream key of the source (or the caller went away)";
                    self.guests.turned_away(gone.peer, &gone.stream_id, why);
                    self.guests.stale.notify_one();
                }
                while let Some(connection) = self.socket.accept() {
                    let Ok(seat) = Arc::clone(&room).try_acquire_owned() else {
                        let peer = connection.peer();
                        tracing::warn!(%peer, limit = CONNECTIONS_MAX, "too many SRT connections; this one is closed");
                        continue;
                    };
                    let session = Session {
                        connection,
                        guests: Arc::clone(&self.guests),
                        door: Arc::clone(&door),
                        publishers: Arc::clone(&publishers),
                        limits,
                        stop: all_stop.clone(),
                    };
                    sessions.spawn(async move {
                        let _seat = seat;
                        session.run().await;
                    });
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = accepting => {}
            () = listing => {}
        }
        sessions.close();
        if timeout(Duration::from_secs(5), sessions.wait()).await.is_err() {
            tracing::warn!(left = sessions.len(), "SRT connections did not end in time");
        }
    }
}

/// Keeps the list of sources fresh.
async fn list(guests: Arc<Guests>, door: Arc<dyn Door>) {
    loop {
        if let Ok(Some(list)) = timeout(LIST_EVERY * 2, door.guests()).await {
            guests.set(list);
        }
        sleep(LIST_AGAIN).await;
        let _ = timeout(LIST_EVERY, guests.stale.notified()).await;
    }
}

struct Session {
    connection: SrtConnection,
    guests: Arc<Guests>,
    door: Arc<dyn Door>,
    publishers: Arc<Publishers>,
    limits: Limits,
    stop: CancellationToken,
}

impl Session {
    async fn run(self) {
        let peer = self.connection.peer();
        let ended = match self.admit().await {
            Ok((source, key, claim)) => {
                let writer = self.enter(source, key, Arc::clone(&claim));
                let ended = self.pass_on(&writer, &claim).await;
                claim.leave();
                writer.end(match &ended {
                    Ended::Stopped => EndReason::Stopped,
                    Ended::Silent(_) => EndReason::Stalled,
                    _ => EndReason::Disconnected,
                });
                ended
            }
            Err(refusal) => refusal.into(),
        };
        match ended {
            Ended::Stopped => tracing::debug!(%peer, "SRT connection closed"),
            why => tracing::warn!(%peer, %why, "SRT connection ended"),
        }
    }

    /// The passphrase was right for the list as it was; the door has the last word.
    async fn admit(&self) -> Result<(Source, SecretString, Arc<Claim>), Refusal> {
        let guest = self.guests.find(self.connection.stream_id()).map_err(|_| Refusal::WrongKey)?;
        let key = guest.key.ok_or(Refusal::WrongKey)?;
        let asked = timeout(self.limits.write, self.door.admit(&key)).await;
        let source = asked.map_err(|_| Refusal::NotNow)??;
        if source.id != guest.id {
            return Err(Refusal::WrongKey);
        }
        let claim = Arc::new(self.publishers.claim(source.id).await?);
        Ok((source, key, claim))
    }

    fn enter(&self, source: Source, key: SecretString, claim: Arc<Claim>) -> FeedWriter {
        let silence = self.limits.hold + Duration::from_secs(5);
        let stop = self.door.stop_token();
        let (writer, feed) = feed(self.limits.write + self.limits.stall, silence, stop.clone());
        claim.touch();
        let peer = self.connection.peer();
        self.door.enter(Publisher { source, key, feed, format: "ts", claim, peer, stop });
        writer
    }

    /// Until the connection is over. While the feed is full nothing is read, and libsrt's own buffer fills.
    async fn pass_on(&self, writer: &FeedWriter, claim: &Claim) -> Ended {
        let (mut last_media, mut stalled) = (Instant::now(), false);
        let mut bytes = BytesMut::new();
        loop {
            let over = self.read(&mut bytes);
            if !bytes.is_empty() {
                claim.touch();
                let key_at = ts::holds_key_frame(&bytes).then(|| self.door.now());
                if let Err(error) = writer.data(bytes.split().freeze(), key_at).await {
                    return error.into();
                }
                (last_media, stalled) = (Instant::now(), false);
            }
            if over {
                return Ended::Closed;
            }
            if !stalled && last_media.elapsed() >= self.limits.stall {
                stalled = true;
                if let Err(error) = writer.split(EndReason::Stalled).await {
                    return error.into();
                }
            }
            if last_media.elapsed() >= self.limits.hold {
                return Ended::Silent(self.limits.hold);
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ended::Stopped,
                why = claim.evicted() => return why.into(),
                () = sleep(READ_EVERY) => {}
            }
        }
    }

    /// Takes what is there; whether the connection is over.
    fn read(&self, bytes: &mut BytesMut) -> bool {
        let mut packet = [0u8; SRT_PACKET_BYTES_MAX];
        while bytes.len() < READ_BYTES_MAX {
            match self.connection.read(&mut packet) {
                SrtRead::Data(n) => bytes.extend_from_slice(&packet[..n]),
                SrtRead::Nothing => return false,
                SrtRead::Over => return true,
            }
        }
        false
    }
}
