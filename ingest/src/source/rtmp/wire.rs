//! Both directions of an RTMP connection after its handshake: bytes in, media and events out, answers back.
//!
//! Media never passes the protocol library: only commands and metadata do, checked before, with its panics caught.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::Bytes;
use rml_rtmp::{
    chunk_io::ChunkSerializer,
    messages::{MessagePayload, RtmpMessage},
    rml_amf0::Amf0Value,
    sessions::{
        ServerSession, ServerSessionConfig, ServerSessionError, ServerSessionEvent, ServerSessionResult,
    },
    time::RtmpTimestamp,
};

use super::{
    amf,
    chunks::{ChunkReader, Message},
    session::SessionError,
};

/// How large our own chunks are.
const CHUNK_BYTES: u32 = 4096;
/// The largest command or metadata message looked at.
const COMMAND_BYTES_MAX: usize = 64 << 10;
/// How many bytes a peer sends before it wants to hear that they arrived, unless it says otherwise.
const WINDOW_BYTES: u32 = 2_500_000;

/// What came.
#[derive(Debug)]
pub enum Said {
    /// Sound or picture.
    Media {
        /// Whether it is picture.
        video: bool,
        /// Time stamp in milliseconds.
        at_ms: u32,
        /// The message.
        data: Bytes,
    },
    /// A command or metadata.
    Event(ServerSessionEvent),
    /// Bytes to send back.
    Answer(Vec<u8>),
}

/// The state of both directions.
pub struct Wire {
    chunks: ChunkReader,
    rtmp: ServerSession,
    to_rtmp: ChunkSerializer,
    queue: VecDeque<Said>,
    window: u32,
    received: u32,
    acknowledged: u32,
}

impl Wire {
    /// After the handshake; and the bytes to begin with.
    pub fn new() -> Result<(Self, Vec<u8>), SessionError> {
        let mut config = ServerSessionConfig::new();
        config.chunk_size = CHUNK_BYTES;
        let (mut rtmp, first) = ServerSession::new(config)?;
        let mut to_rtmp = ChunkSerializer::new();
        let whole = u32::try_from(COMMAND_BYTES_MAX).unwrap_or(u32::MAX);
        let sized = to_rtmp.set_max_chunk_size(whole, RtmpTimestamp::new(0)).map_err(broken)?;
        rtmp.handle_input(&sized.bytes)?;
        let (chunks, queue) = (ChunkReader::new(), VecDeque::new());
        let wire = Self { chunks, rtmp, to_rtmp, queue, window: WINDOW_BYTES, received: 0, acknowledged: 0 };
        Ok((wire, answers(first)))
    }

    /// Takes bytes from the peer.
    pub fn push(&mut self, bytes: &[u8]) {
        self.chunks.push(bytes);
        // The protocol counts modulo 2^32.
        self.received = self.received.wrapping_add(u32::try_from(bytes.len()).unwrap_or(0));
    }

    /// What came next; `None` until more bytes do.
    pub fn next_said(&mut self) -> Result<Option<Said>, SessionError> {
        loop {
            if let Some(said) = self.queue.pop_front() {
                return Ok(Some(said));
            }
            let Some(message) = self.chunks.next_message()? else { break };
            if let Some(said) = self.take(message)? {
                return Ok(Some(said));
            }
        }
        if self.received.wrapping_sub(self.acknowledged) < self.window {
            return Ok(None);
        }
        self.acknowledged = self.received;
        let message = RtmpMessage::Acknowledgement { sequence_number: self.received };
        Ok(Some(Said::Answer(alone(message, 0)?)))
    }

    /// Grants what was asked for; the bytes to say so.
    pub fn accept(&mut self, request: u32) -> Result<Vec<u8>, SessionError> {
        Ok(answers(guarded(|| self.rtmp.accept_request(request))?))
    }

    /// Refuses what was asked for; the bytes to say so.
    pub fn reject(&mut self, request: u32, code: &str, why: &str) -> Result<Vec<u8>, SessionError> {
        Ok(answers(guarded(|| self.rtmp.reject_request(request, code, why))?))
    }

    fn take(&mut self, message: Message) -> Result<Option<Said>, SessionError> {
        let Message { kind, stream_id, at_ms, data } = message;
        let number = || data.first_chunk().map(|b| u32::from_be_bytes(*b));
        match kind {
            1 => self.chunks.set_chunk_bytes(number().unwrap_or(0))?,
            2 => self.chunks.abort(number().unwrap_or(0)),
            5 => self.window = number().unwrap_or(WINDOW_BYTES).max(64 << 10),
            8 | 9 => return Ok(Some(Said::Media { video: kind == 9, at_ms, data })),
            18 | 20 => self.command(kind, stream_id, at_ms, data)?,
            // The same with one byte in front, from encoders that were set to AMF3.
            15 | 17 if data.first() == Some(&0) => {
                self.command(kind + 3, stream_id, at_ms, data.slice(1..))?
            }
            _ => {}
        }
        Ok(None)
    }

    fn command(&mut self, kind: u8, stream_id: u32, at_ms: u32, data: Bytes) -> Result<(), SessionError> {
        let fits = data.len() <= COMMAND_BYTES_MAX && amf::is_plain(&data);
        if !fits && kind == 20 {
            return Err(SessionError::Protocol("a command that cannot be read".to_owned()));
        }
        if !fits || data.is_empty() {
            // Metadata with values that no recorder needs.
            tracing::debug!(bytes = data.len(), "RTMP metadata was passed over");
            return Ok(());
        }
        let timestamp = RtmpTimestamp::new(at_ms);
        let payload = MessagePayload { timestamp, type_id: kind, message_stream_id: stream_id, data };
        let packet = self.to_rtmp.serialize(&payload, true, false).map_err(broken)?;
        match guarded(|| self.rtmp.handle_input(&packet.bytes)) {
            Ok(results) => {
                self.queue.extend(results.into_iter().filter_map(|result| match result {
                    ServerSessionResult::OutboundResponse(packet) => Some(Said::Answer(packet.bytes)),
                    ServerSessionResult::RaisedEvent(event) => Some(Said::Event(event)),
                    ServerSessionResult::UnhandleableMessageReceived(_) => None,
                }));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// A last status message.
pub fn farewell(code: &str, description: &str) -> Option<Vec<u8>> {
    let status = [("level", "error"), ("code", code), ("description", description)]
        .map(|(k, v)| (k.to_owned(), Amf0Value::Utf8String(v.to_owned())));
    let message = RtmpMessage::Amf0Command {
        command_name: "onStatus".to_owned(),
        transaction_id: 0.0,
        command_object: Amf0Value::Null,
        additional_arguments: vec![Amf0Value::Object(status.into_iter().collect())],
    };
    alone(message, 1).ok()
}

/// A message with whole headers, which may follow anything and be followed by nothing that leans on it: it is
/// written by a serialiser of its own.
fn alone(message: RtmpMessage, stream_id: u32) -> Result<Vec<u8>, SessionError> {
    let mut chunks = ChunkSerializer::new();
    // Not sent: the peer knows our chunk size already.
    chunks.set_max_chunk_size(CHUNK_BYTES, RtmpTimestamp::new(0)).map_err(broken)?;
    let payload = message.into_message_payload(RtmpTimestamp::new(0), stream_id).map_err(broken)?;
    Ok(chunks.serialize(&payload, true, false).map_err(broken)?.bytes)
}

fn answers(results: Vec<ServerSessionResult>) -> Vec<u8> {
    let bytes = results.into_iter().filter_map(|result| match result {
        ServerSessionResult::OutboundResponse(packet) => Some(packet.bytes),
        _ => None,
    });
    bytes.flatten().collect()
}

/// Calls into the protocol library; a panic of it is an error like any other.
pub fn guarded<T, E: Into<SessionError>>(call: impl FnOnce() -> Result<T, E>) -> Result<T, SessionError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(SessionError::Protocol("a message that makes no sense".to_owned())),
    }
}

fn broken(error: impl std::fmt::Display) -> SessionError {
    SessionError::Protocol(error.to_string())
}

impl From<ServerSessionError> for SessionError {
    fn from(error: ServerSessionError) -> Self {
        broken(error)
    }
}
