//! One RTMP connection, from its first byte to its last.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use clipmill_domain::{recording::EndReason, source::Source};
use rml_rtmp::{
    chunk_io::ChunkSerializer,
    handshake::{Handshake, HandshakeProcessResult, PeerType},
    messages::RtmpMessage,
    rml_amf0::Amf0Value,
    sessions::{
        ServerSession, ServerSessionConfig, ServerSessionError, ServerSessionEvent, ServerSessionResult,
    },
    time::RtmpTimestamp,
};
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    APP, Claim, Door, Limits, Publisher, Publishers, Refusal, Unsupported,
    tap::{Step, Tap},
};
use crate::source::feed::{FeedError, FeedWriter, feed};

const CHUNK_BYTES: u32 = 4096;
const READ_BYTES: usize = 64 << 10;
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
    #[error("the encoder sent nothing for {0:?}")]
    Silent(Duration),
    /// A newer publisher has its place.
    #[error("a newer encoder took over after this one fell silent")]
    Evicted,
}

impl From<ServerSessionError> for SessionError {
    fn from(e: ServerSessionError) -> Self {
        Self::Protocol(e.to_string())
    }
}

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
}

enum Flow {
    Go,
    /// The encoder said goodbye.
    Finished,
}

impl Connection {
    pub async fn serve(self, mut socket: TcpStream) -> Result<(), SessionError> {
        let (mut rtmp, early) = self.greet(&mut socket).await?;
        let mut live = None;
        let ended = self.talk(&mut socket, &mut rtmp, early, &mut live).await;
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

    /// Handshake; returns the session and the bytes that came behind it.
    async fn greet(&self, socket: &mut TcpStream) -> Result<(ServerSession, Vec<u8>), SessionError> {
        let late = || SessionError::TooSlow(self.limits.handshake);
        let deadline = Instant::now() + self.limits.handshake;
        let mut handshake = Handshake::new(PeerType::Server);
        let mut buf = [0u8; 4096];
        let early = loop {
            let n = timeout_at(deadline, socket.read(&mut buf)).await.map_err(|_| late())??;
            if n == 0 {
                return Err(SessionError::Dropped);
            }
            let step =
                handshake.process_bytes(&buf[..n]).map_err(|e| SessionError::Protocol(e.to_string()))?;
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
        let mut config = ServerSessionConfig::new();
        config.chunk_size = CHUNK_BYTES;
        let (rtmp, first) = ServerSession::new(config)?;
        for result in first {
            if let ServerSessionResult::OutboundResponse(packet) = result {
                self.write(socket, &packet.bytes).await?;
            }
        }
        Ok((rtmp, early))
    }

    async fn talk(
        &self,
        socket: &mut TcpStream,
        rtmp: &mut ServerSession,
        early: Vec<u8>,
        live: &mut Option<Live>,
    ) -> Result<EndReason, SessionError> {
        let publish_by = Instant::now() + self.limits.publish;
        let mut stranger_bytes = early.len();
        let mut buf = vec![0u8; READ_BYTES];
        let first = rtmp.handle_input(&early)?;
        let mut results = first;
        loop {
            for result in results {
                match result {
                    ServerSessionResult::OutboundResponse(packet) => {
                        self.write(socket, &packet.bytes).await?
                    }
                    ServerSessionResult::RaisedEvent(event) => {
                        if let Flow::Finished = self.event(socket, rtmp, event, live).await? {
                            return Ok(EndReason::Finished);
                        }
                    }
                    ServerSessionResult::UnhandleableMessageReceived(_) => {}
                }
            }
            let n = match live {
                Some(live) => {
                    let evicted = live.claim.evicted().clone();
                    tokio::select! {
                        biased;
                        () = self.stop.cancelled() => return Ok(EndReason::Stopped),
                        () = evicted.cancelled() => return Err(SessionError::Evicted),
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
            match live {
                Some(live) => live.claim.touch(),
                None => {
                    stranger_bytes += n;
                    if stranger_bytes > STRANGER_BYTES_MAX {
                        return Err(SessionError::TooMuch);
                    }
                }
            }
            results = rtmp.handle_input(&buf[..n])?;
        }
    }

    async fn event(
        &self,
        socket: &mut TcpStream,
        rtmp: &mut ServerSession,
        event: ServerSessionEvent,
        live: &mut Option<Live>,
    ) -> Result<Flow, SessionError> {
        use ServerSessionEvent as E;
        match event {
            E::ConnectionRequested { request_id, app_name } => {
                let app = app_name.split(['?', '/']).next().unwrap_or_default();
                let answer = if app == APP {
                    rtmp.accept_request(request_id)?
                } else {
                    let why = "the application is not known; publish to /live";
                    rtmp.reject_request(request_id, "NetConnection.Connect.Rejected", why)?
                };
                self.answer(socket, answer).await?;
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
                match self.admit(&stream_key).await {
                    Ok((source, claim)) => {
                        let answer = rtmp.accept_request(request_id)?;
                        self.answer(socket, answer).await?;
                        *live = Some(self.enter(source, claim));
                    }
                    Err(refusal) => {
                        let answer = rtmp.reject_request(
                            request_id,
                            "NetStream.Publish.BadName",
                            &refusal.to_string(),
                        )?;
                        self.answer(socket, answer).await?;
                        return Err(refusal.into());
                    }
                }
            }
            E::PlayStreamRequested { request_id, .. } => {
                let why = "this server only takes streams";
                let answer = rtmp.reject_request(request_id, "NetStream.Play.Failed", why)?;
                self.answer(socket, answer).await?;
                return Err(SessionError::Protocol("a playback was asked for".into()));
            }
            E::StreamMetadataChanged { metadata, .. } => {
                if let Some(live) = live {
                    live.tap.metadata(&metadata);
                }
            }
            E::VideoDataReceived { data, timestamp, .. } => self.media(live, true, timestamp, &data).await?,
            E::AudioDataReceived { data, timestamp, .. } => self.media(live, false, timestamp, &data).await?,
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

    async fn admit(&self, stream_key: &str) -> Result<(Source, Arc<Claim>), Refusal> {
        let key = stream_key.split('?').next().unwrap_or_default();
        let source =
            timeout(self.limits.write, self.door.admit(key)).await.map_err(|_| Refusal::NotNow)??;
        let claim = self.publishers.claim(source.id).await?;
        Ok((source, Arc::new(claim)))
    }

    fn enter(&self, source: Source, claim: Arc<Claim>) -> Live {
        // The socket has its own stall clock; the feed's is a second belt.
        let silence = self.limits.hold + Duration::from_secs(5);
        let stop = self.door.stop_token();
        let (writer, feed) = feed(self.limits.write + self.limits.stall, silence, stop.clone());
        claim.touch();
        self.door.enter(Publisher {
            source: source.clone(),
            feed,
            claim: Arc::clone(&claim),
            peer: self.peer,
            stop,
        });
        Live { source, claim, writer, tap: Tap::new() }
    }

    async fn media(
        &self,
        live: &mut Option<Live>,
        video: bool,
        at: RtmpTimestamp,
        data: &Bytes,
    ) -> Result<(), SessionError> {
        let Some(live) = live else { return Ok(()) };
        let steps = if video { live.tap.video(at.value, data) } else { live.tap.audio(at.value, data) };
        for step in steps.inspect_err(|why| self.door.refuse_media(&live.source, why))? {
            match step {
                Step::Split(reason) => live.writer.split(reason).await?,
                Step::Data { bytes, key } => {
                    live.writer.data(bytes, key.then(|| self.door.now())).await?;
                }
            }
        }
        Ok(())
    }

    async fn answer(
        &self,
        socket: &mut TcpStream,
        results: Vec<ServerSessionResult>,
    ) -> Result<(), SessionError> {
        for result in results {
            if let ServerSessionResult::OutboundResponse(packet) = result {
                self.write(socket, &packet.bytes).await?;
            }
        }
        Ok(())
    }

    async fn write(&self, socket: &mut TcpStream, bytes: &[u8]) -> Result<(), SessionError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let late = |_| SessionError::WriteDeadline(self.limits.write);
        Ok(timeout(self.limits.write, socket.write_all(bytes)).await.map_err(late)??)
    }

    /// Tells the encoder why, where it can still hear, and closes so that the words arrive.
    async fn say_why(&self, socket: &mut TcpStream, error: &SessionError, was_live: bool) {
        let code = match error {
            SessionError::Unsupported(_) => Some("NetStream.Publish.Denied"),
            SessionError::Feed(_) | SessionError::Evicted => Some("NetStream.Publish.Failed"),
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

/// Reads, and ends the running stream (not the connection) once nothing came for the stall limit.
async fn read_live(
    socket: &mut TcpStream,
    buf: &mut [u8],
    live: &mut Live,
    limits: &Limits,
) -> Result<usize, SessionError> {
    if let Ok(read) = timeout(limits.stall, socket.read(buf)).await {
        return Ok(read?);
    }
    live.writer.split(EndReason::Stalled).await?;
    live.tap.restart();
    let rest = limits.hold.saturating_sub(limits.stall);
    timeout(rest, socket.read(buf)).await.map_err(|_| SessionError::Silent(limits.hold))?.map_err(Into::into)
}

/// A last status message. It is written with a chunk serialiser of its own, whole headers only, which is
/// right because nothing follows it on this connection.
fn farewell(code: &str, description: &str) -> Option<Vec<u8>> {
    let mut chunks = ChunkSerializer::new();
    let mut out = chunks.set_max_chunk_size(CHUNK_BYTES, RtmpTimestamp::new(0)).ok()?.bytes;
    let status = [("level", "error"), ("code", code), ("description", description)]
        .map(|(k, v)| (k.to_owned(), Amf0Value::Utf8String(v.to_owned())));
    let message = RtmpMessage::Amf0Command {
        command_name: "onStatus".to_owned(),
        transaction_id: 0.0,
        command_object: Amf0Value::Null,
        additional_arguments: vec![Amf0Value::Object(status.into_iter().collect())],
    };
    let payload = message.into_message_payload(RtmpTimestamp::new(0), 1).ok()?;
    out.extend(chunks.serialize(&payload, true, false).ok()?.bytes);
    Some(out)
}
