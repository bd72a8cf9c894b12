//! One RTMP connection, from its first byte to its last.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use clipmill_domain::{WallTime, recording::EndReason, source::Source};
use rml_rtmp::{
    handshake::{Handshake, HandshakeProcessResult, PeerType},
    sessions::ServerSessionEvent,
};
use secrecy::SecretString;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    APP, Unsupported,
    chunks::ChunkError,
    tap::{Step, Tap},
    wire::{Said, Wire, farewell, guarded},
};
use crate::source::{
    door::{Door, Limits, Publisher, Refusal},
    feed::{FeedError, FeedWriter, feed},
    publishers::{Claim, Leave, Publishers},
};

const READ_BYTES: usize = 64 << 10;
/// Media handed on at once at the latest.
const BATCH_BYTES: usize = 256 << 10;
/// A live is looked at so often: what came meanwhile is taken in one go, which saves most of the cost of a packet.
const READ_EVERY: Duration = Duration::from_millis(100);
/// A peer may send this much before it is let in: commands are small.
const STRANGER_BYTES_MAX: usize = 64 << 10;

/// Why a connection ended badly. Never holds a stream key.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The socket failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// Handshake or publish took too long.
    #[error("no publish within {0:?}")]
    TooSlow(Duration),
    /// The peer does not read what it is sent.
    #[error("the peer took no answer within {0:?}")]
    WriteDeadline(Duration),
    /// Not RTMP, or broken RTMP.
    #[error("the peer does not speak RTMP as expected: {0}")]
    Protocol(String),
    /// More bytes than commands need, before publishing.
    #[error("more than {STRANGER_BYTES_MAX} bytes came before a publish")]
    TooMuch,
    /// The publisher was turned away.
    #[error("refused a publisher: {0}")]
    Refused(#[from] Refusal),
    /// What it sends cannot be recorded.
    #[error("{0}")]
    Unsupported(#[from] Unsupported),
    /// The recorder takes no more.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// It dropped without a word.
    #[error("the encoder dropped the connection")]
    Dropped,
    /// It stayed silent.
    #[error("the encoder sent no media for {0:?}")]
    Silent(Duration),
    /// It has to go.
    #[error(transparent)]
    Evicted(#[from] Leave),
}

impl From<ChunkError> for SessionError {
    fn from(e: ChunkError) -> Self {
        Self::Protocol(e.to_string())
    }
}

/// What a connection runs over: a socket, or TLS on one.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What a connection needs.
pub struct Connection {
    pub peer: SocketAddr,
    pub door: Arc<dyn Door>,
    pub publishers: Arc<Publishers>,
    pub limits: Limits,
    pub stop: CancellationToken,
}

struct Live {
    source: Source,
    claim: Arc<Claim>,
    writer: FeedWriter,
    tap: Tap,
    /// Media of one look at the socket, on its way to the feed; and when its first key frame came.
    batch: BytesMut,
    key_at: Option<WallTime>,
    /// When the last whole message of media came: bytes that make none do not count.
    last_media: Instant,
    /// Whether the stall was noted.
    stalled: bool,
}

impl Live {
    /// Hands the batch on.
    async fn flush(&mut self) -> Result<(), FeedError> {
        if !self.batch.is_empty() {
            // Bytes that make no message are no sign of life: such a publisher may be replaced.
            self.claim.touch();
            self.writer.data(self.batch.split().freeze(), self.key_at.take()).await?;
            // What was held back by us is no stall.
            self.last_media = Instant::now();
        }
        Ok(())
    }
}

enum Flow {
    Go,
    /// The encoder said goodbye.
    Finished,
}

impl Connection {
    pub async fn serve(self, mut socket: impl Stream) -> Result<(), SessionError> {
        let mut wire = self.greet(&mut socket).await?;
        let mut live = None;
        let ended = self.talk(&mut socket, &mut wire, &mut live).await;
        // The place becomes free first: saying why may take a moment.
        let was_live = live.is_some();
        if let Some(Live { writer, claim, .. }) = live {
            claim.leave();
            writer.end(match &ended {
                Ok(reason) => *reason,
                Err(SessionError::Silent(_)) => EndReason::Stalled,
                Err(_) => EndReason::Disconnected,
            });
        }
        if let Err(error) = &ended {
            self.say_why(&mut socket, error, was_live).await;
        }
        ended.map(|_| ())
    }

    /// Handshake; what came behind it is in the wire.
    async fn greet(&self, socket: &mut impl Stream) -> Result<Wire, SessionError> {
        let late = || SessionError::TooSlow(self.limits.handshake);
        let deadline = Instant::now() + self.limits.handshake;
        let mut handshake = Handshake::new(PeerType::Server);
        let mut buf = [0u8; 4096];
        let early = loop {
            let n = timeout_at(deadline, socket.read(&mut buf)).await.map_err(|_| late())??;
            if n == 0 {
                return Err(SessionError::Dropped);
            }
            let step = guarded(|| {
                handshake.process_bytes(&buf[..n]).map_err(|e| SessionError::Protocol(e.to_string()))
            })?;
            let (response, early) = match step {
                HandshakeProcessResult::InProgress { response_bytes } => (response_bytes, None),
                HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                    (response_bytes, Some(remaining_bytes))
                }
            };
            self.write(socket, &response).await?;
            if let Some(early) = early {
                break early;
            }
        };
        let (mut wire, first) = Wire::new()?;
        self.write(socket, &first).await?;
        wire.push(&early);
        Ok(wire)
    }

    async fn talk(
        &self,
        socket: &mut impl Stream,
        wire: &mut Wire,
        live: &mut Option<Live>,
    ) -> Result<EndReason, SessionError> {
        let publish_by = Instant::now() + self.limits.publish;
        let mut stranger_bytes = 0;
        let mut buf = vec![0u8; READ_BYTES];
        loop {
            let said = self.hear(socket, wire, live).await;
            if let Some(live) = live {
                // What came before an error, or before a goodbye, is kept.
                live.flush().await?;
            }
            if let Flow::Finished = said? {
                return Ok(EndReason::Finished);
            }
            let n = match live {
                Some(live) => {
                    let claim = Arc::clone(&live.claim);
                    tokio::select! {
                        biased;
                        () = self.stop.cancelled() => return Ok(EndReason::Stopped),
                        why = claim.evicted() => return Err(why.into()),
                        read = read_live(socket, &mut buf, live, &self.limits) => read?,
                    }
                }
                None => tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return Ok(EndReason::Stopped),
                    read = timeout_at(publish_by, socket.read(&mut buf)) => {
                        read.map_err(|_| SessionError::TooSlow(self.limits.publish))??
                    }
                },
            };
            if n == 0 {
                return Err(SessionError::Dropped);
            }
            if live.is_none() {
                stranger_bytes += n;
                if stranger_bytes > STRANGER_BYTES_MAX {
                    return Err(SessionError::TooMuch);
                }
            }
            wire.push(&buf[..n]);
        }
    }

    /// Acts on everything that the bytes so far say.
    async fn hear(
        &self,
        socket: &mut impl Stream,
        wire: &mut Wire,
        live: &mut Option<Live>,
    ) -> Result<Flow, SessionError> {
        while let Some(said) = wire.next_said()? {
            match said {
                Said::Answer(bytes) => self.write(socket, &bytes).await?,
                Said::Media { video, at_ms, data } => self.media(live, video, at_ms, &data).await?,
                Said::Event(event) => {
                    if let Flow::Finished = self.event(socket, wire, event, live).await? {
                        return Ok(Flow::Finished);
                    }
                }
            }
        }
        Ok(Flow::Go)
    }

    async fn event(
        &self,
        socket: &mut impl Stream,
        wire: &mut Wire,
        event: ServerSessionEvent,
        live: &mut Option<Live>,
    ) -> Result<Flow, SessionError> {
        use ServerSessionEvent as E;
        match event {
            E::ConnectionRequested { request_id, app_name } => {
                let app = app_name.split(['?', '/']).next().unwrap_or_default();
                let answer = if app == APP {
                    wire.accept(request_id)?
                } else {
                    let why = "the application is not known; publish to /live";
                    wire.reject(request_id, "NetConnection.Connect.Rejected", why)?
                };
                self.write(socket, &answer).await?;
                if app != APP {
                    return Err(SessionError::Protocol(
                        "an application other than /live was asked for".into(),
                    ));
                }
            }
            E::PublishStreamRequested { request_id, stream_key, .. } => {
                if live.is_some() {
                    return Err(SessionError::Protocol("a second publish on one connection".into()));
                }
                let key = SecretString::from(stream_key.split('?').next().unwrap_or_default());
                match self.admit(&key).await {
                    Ok((source, claim)) => {
                        let answer = wire.accept(request_id)?;
                        self.write(socket, &answer).await?;
                        *live = Some(self.enter(source, key, claim));
                    }
                    Err(refusal) => {
                        let answer =
                            wire.reject(request_id, "NetStream.Publish.BadName", &refusal.to_string())?;
                        self.write(socket, &answer).await?;
                        return Err(refusal.into());
                    }
                }
            }
            E::PlayStreamRequested { request_id, .. } => {
                let why = "this server only takes streams";
                let answer = wire.reject(request_id, "NetStream.Play.Failed", why)?;
                self.write(socket, &answer).await?;
                return Err(SessionError::Protocol("a playback was asked for".into()));
            }
            E::StreamMetadataChanged { metadata, .. } => {
                if let Some(live) = live {
                    live.tap.metadata(&metadata);
                }
            }
            E::PublishStreamFinished { .. } => return Ok(Flow::Finished),
            E::UnhandleableAmf0Command { command_name, .. }
                if command_name == "FCUnpublish" && live.is_some() =>
            {
                return Ok(Flow::Finished);
            }
            _ => {}
        }
        Ok(Flow::Go)
    }

    async fn admit(&self, key: &SecretString) -> Result<(Source, Arc<Claim>), Refusal> {
        let source =
            timeout(self.limits.write, self.door.admit(key)).await.map_err(|_| Refusal::NotNow)??;
        let claim = self.publishers.claim(source.id).await?;
        Ok((source, Arc::new(claim)))
    }

    fn enter(&self, source: Source, key: SecretString, claim: Arc<Claim>) -> Live {
        // The socket has its own stall clock; the feed's is a second belt.
        let silence = self.limits.hold + Duration::from_secs(5);
        let stop = self.door.stop_token();
        let (writer, feed) = feed(self.limits.write + self.limits.stall, silence, stop.clone());
        claim.touch();
        self.door.enter(Publisher {
            source: source.clone(),
            key,
            feed,
            format: "flv",
            claim: Arc::clone(&claim),
            peer: self.peer,
            stop,
        });
        Live {
            source,
            claim,
            writer,
            tap: Tap::new(),
            batch: BytesMut::new(),
            key_at: None,
            last_media: Instant::now(),
            stalled: false,
        }
    }

    async fn media(
        &self,
        live: &mut Option<Live>,
        video: bool,
        at_ms: u32,
        data: &Bytes,
    ) -> Result<(), SessionError> {
        let Some(live) = live else { return Ok(()) };
        let steps = if video { live.tap.video(at_ms, data) } else { live.tap.audio(at_ms, data) };
        for step in steps.inspect_err(|why| self.door.refuse_media(&live.source, &why.to_string()))? {
            match step {
                Step::Split(reason) => {
                    live.flush().await?;
                    live.writer.split(reason).await?;
                }
                Step::Data { bytes, key } => {
                    live.batch.extend_from_slice(&bytes);
                    live.key_at = live.key_at.or_else(|| key.then(|| self.door.now()));
                }
            }
        }
        if live.batch.len() >= BATCH_BYTES {
            live.flush().await?;
        }
        (live.last_media, live.stalled) = (Instant::now(), false);
        Ok(())
    }

    async fn write(&self, socket: &mut impl Stream, bytes: &[u8]) -> Result<(), SessionError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let late = |_| SessionError::WriteDeadline(self.limits.write);
        Ok(timeout(self.limits.write, socket.write_all(bytes)).await.map_err(late)??)
    }

    /// Tells the encoder why, where it can still hear, and closes so that the words arrive.
    async fn say_why(&self, socket: &mut impl Stream, error: &SessionError, was_live: bool) {
        let code = match error {
            SessionError::Unsupported(_) => Some("NetStream.Publish.Denied"),
            SessionError::Feed(_) | SessionError::Evicted(_) => Some("NetStream.Publish.Failed"),
            SessionError::Refused(_) => None,
            _ => return,
        };
        if let (Some(code), true) = (code, was_live)
            && let Some(bytes) = farewell(code, &error.to_string())
        {
            let _ = self.write(socket, &bytes).await;
        }
        let _ = socket.shutdown().await;
        let mut sink = [0u8; 4096];
        let _ = timeout(Duration::from_secs(2), async {
            while matches!(socket.read(&mut sink).await, Ok(n) if n > 0) {}
        })
        .await;
    }
}

/// What is there at once; or else, after a pause in which more may gather, what comes next.
async fn read_live(
    socket: &mut impl Stream,
    buf: &mut [u8],
    live: &mut Live,
    limits: &Limits,
) -> Result<usize, SessionError> {
    if live.last_media.elapsed() < limits.stall {
        tokio::select! {
            biased;
            read = socket.read(buf) => return Ok(read?),
            () = std::future::ready(()) => {}
        }
        sleep_until(next_look(Instant::now())).await;
    }
    wait_live(socket, buf, live, limits).await
}

/// When to look at a live again. All of them are looked at together: one wake-up serves them all.
fn next_look(now: Instant) -> Instant {
    static BORN: OnceLock<Instant> = OnceLock::new();
    let born = *BORN.get_or_init(|| now);
    let looks = now.saturating_duration_since(born).as_millis() / READ_EVERY.as_millis() + 1;
    born + READ_EVERY * u32::try_from(looks).unwrap_or(u32::MAX)
}

/// Reads, and ends the running stream (not the connection) once no media came for the stall limit.
async fn wait_live(
    socket: &mut impl Stream,
    buf: &mut [u8],
    live: &mut Live,
    limits: &Limits,
) -> Result<usize, SessionError> {
    if !live.stalled {
        match timeout_at(live.last_media + limits.stall, socket.read(buf)).await {
            // A read that is ready wins over the clock; bytes that make no message do not stop it.
            Ok(read) if live.last_media.elapsed() < limits.stall => return Ok(read?),
            late => {
                live.writer.split(EndReason::Stalled).await?;
                live.tap.restart();
                live.stalled = true;
                if let Ok(read) = late {
                    return Ok(read?);
                }
            }
        }
    }
    match timeout_at(live.last_media + limits.hold, socket.read(buf)).await {
        Ok(read) if live.last_media.elapsed() < limits.hold => Ok(read?),
        _ => Err(SessionError::Silent(limits.hold)),
    }
}
