//! From the bytes of an RTMP connection to its messages.
//!
//! Messages of several chunk streams may be interleaved; each has a buffer of its own. Nothing a peer sends makes
//! this panic or hold more than [`WAITING_BYTES_MAX`].

use std::collections::HashMap;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

/// Largest message: its length has 24 bits.
pub const MESSAGE_BYTES_MAX: usize = 0xFF_FFFF;
/// Bytes of unfinished messages that a peer may make us keep.
const WAITING_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;
/// Chunk streams that a peer may use at once; encoders use about six.
const STREAMS_MAX: usize = 64;
const FIRST_CHUNK_BYTES: usize = 128;
/// Set aside at once for a message whose header announces more.
const RESERVE_BYTES: usize = 256 << 10;
/// A time stamp field of this value means that the real one follows.
const EXTENDED: u32 = 0xFF_FFFF;

/// Bytes that are not RTMP chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// A short header without a whole one before it.
    #[error("a chunk refers to a header that never came")]
    NoHeader,
    /// A new message where the rest of another one was due.
    #[error("a message began before the one before it was whole")]
    Torn,
    /// More at once than any encoder sends.
    #[error("too many unfinished messages")]
    TooMuch,
    /// A chunk size of zero or beyond any message.
    #[error("a chunk size that cannot be used")]
    ChunkSize,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is (8 sound, 9 picture, 20 command, …).
    pub kind: u8,
    /// The message stream it belongs to.
    pub stream_id: u32,
    /// Its time stamp in milliseconds.
    pub at_ms: u32,
    /// Its payload.
    pub data: Bytes,
}

#[derive(Debug, Default)]
struct ChunkStream {
    at_ms: u32,
    /// The time stamp field of the last header that had one: a time, or a difference.
    field: u32,
    extended: bool,
    len: usize,
    kind: u8,
    stream_id: u32,
    part: BytesMut,
    open: bool,
}

/// Puts messages together.
#[derive(Debug)]
pub struct ChunkReader {
    chunk_bytes: usize,
    buf: BytesMut,
    streams: HashMap<u32, ChunkStream>,
    waiting_bytes: usize,
}

impl ChunkReader {
    /// At the end of the handshake.
    pub fn new() -> Self {
        let buf = BytesMut::with_capacity(64 << 10);
        Self { chunk_bytes: FIRST_CHUNK_BYTES, buf, streams: HashMap::new(), waiting_bytes: 0 }
    }

    /// Takes bytes from the connection.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// The peer's chunks are as large as this from now on.
    pub fn set_chunk_bytes(&mut self, bytes: u32) -> Result<(), ChunkError> {
        match usize::try_from(bytes) {
            Ok(0) | Err(_) => Err(ChunkError::ChunkSize),
            Ok(bytes) => {
                self.chunk_bytes = bytes.min(MESSAGE_BYTES_MAX);
                Ok(())
            }
        }
    }

    /// Forgets the unfinished message of a chunk stream.
    pub fn abort(&mut self, chunk_stream: u32) {
        if let Some(stream) = self.streams.get_mut(&chunk_stream) {
            self.waiting_bytes -= stream.part.len();
            stream.part = BytesMut::new();
            stream.open = false;
        }
    }

    /// The next whole message; `None` until more bytes come.
    pub fn next_message(&mut self) -> Result<Option<Message>, ChunkError> {
        loop {
            match self.chunk()? {
                None => return Ok(None),
                Some(None) => {}
                Some(Some(message)) => return Ok(Some(message)),
            }
        }
    }

    /// Takes one chunk, if a whole one is there, and the message that it completes, if it does.
    fn chunk(&mut self) -> Result<Option<Option<Message>>, ChunkError> {
        let mut head = Head(&self.buf);
        let Some(first) = head.number(1) else { return Ok(None) };
        let format = first >> 6;
        let id = match first & 0x3F {
            0 => head.number(1).map(|n| n + 64),
            1 => head.number(2).map(|n| n.swap_bytes() >> 16).map(|n| n + 64),
            id => Some(id),
        };
        let Some(id) = id else { return Ok(None) };
        let field = if format < 3 { head.number(3) } else { Some(0) };
        let sized = if format < 2 { head.number(4) } else { Some(0) };
        let stream_id = if format == 0 { head.number(4).map(u32::swap_bytes) } else { Some(0) };
        let (Some(field), Some(sized), Some(stream_id)) = (field, sized, stream_id) else { return Ok(None) };

        let fresh = !self.streams.contains_key(&id);
        if fresh && format != 0 {
            return Err(ChunkError::NoHeader);
        }
        if fresh && self.streams.len() >= STREAMS_MAX {
            return Err(ChunkError::TooMuch);
        }
        let stream = self.streams.entry(id).or_default();
        let len = if format < 2 { (sized >> 8) as usize } else { stream.len };
        if stream.open && len != stream.len {
            return Err(ChunkError::Torn);
        }
        let extended = if format < 3 { field == EXTENDED } else { stream.extended };
        let mut field = if format < 3 { field } else { stream.field };
        if extended {
            let Some(value) = Head(head.0).number(4) else { return Ok(None) };
            // Not every encoder repeats it in front of the further chunks of a message.
            if format < 3 || value == stream.field {
                head.number(4);
                field = value;
            }
        }
        let due = (len - stream.part.len()).min(self.chunk_bytes);
        if head.0.len() < due {
            return Ok(None);
        }

        // The chunk is whole: from here on the state changes.
        let header_bytes = self.buf.len() - head.0.len();
        if !stream.open {
            stream.at_ms = if format == 0 { field } else { stream.at_ms.wrapping_add(field) };
            (stream.field, stream.extended, stream.len, stream.open) = (field, extended, len, true);
            if format < 2 {
                stream.kind = sized.to_be_bytes()[3];
            }
            if format == 0 {
                stream.stream_id = stream_id;
            }
            stream.part = BytesMut::with_capacity(len.min(RESERVE_BYTES));
        }
        self.buf.advance(header_bytes);
        stream.part.extend_from_slice(&self.buf[..due]);
        self.buf.advance(due);
        self.waiting_bytes += due;
        if stream.part.len() < stream.len {
            return if self.waiting_bytes > WAITING_BYTES_MAX {
                Err(ChunkError::TooMuch)
            } else {
                Ok(Some(None))
            };
        }
        self.waiting_bytes -= stream.part.len();
        stream.open = false;
        let data = std::mem::take(&mut stream.part).freeze();
        let (kind, stream_id, at_ms) = (stream.kind, stream.stream_id, stream.at_ms);
        Ok(Some(Some(Message { kind, stream_id, at_ms, data })))
    }
}

/// Reads numbers from the front of what is left.
struct Head<'a>(&'a [u8]);

impl Head<'_> {
    /// A big-endian number of up to four bytes.
    fn number(&mut self, bytes: usize) -> Option<u32> {
        let (number, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(number.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rml_rtmp::{chunk_io::ChunkSerializer, messages::MessagePayload, time::RtmpTimestamp};

    use super::*;

    fn read(bytes: &[u8], step: usize) -> Vec<Message> {
        let (mut reader, mut out) = (ChunkReader::new(), vec![]);
        for piece in bytes.chunks(step.max(1)) {
            reader.push(piece);
            while let Some(message) = reader.next_message().unwrap() {
                if message.kind == 1 {
                    reader.set_chunk_bytes(Head(&message.data).number(4).unwrap()).unwrap();
                }
                out.push(message);
            }
        }
        out
    }

    proptest! {
        #[test]
        fn what_another_writer_chunks_is_read_back(
            sent in prop::collection::vec((prop::sample::select(vec![8u8, 9, 18, 20]), 0u32..40_000_000, 1usize..900), 1..12),
            chunk in 1u32..600,
            step in 1usize..500,
        ) {
            let mut writer = ChunkSerializer::new();
            let mut bytes = writer.set_max_chunk_size(chunk, RtmpTimestamp::new(0)).unwrap().bytes;
            let mut sent: Vec<_> = sent;
            sent.sort_by_key(|s| s.1);
            let mut want = vec![];
            for (kind, at, len) in sent {
                let data = Bytes::from((0..len).map(|i| i.to_le_bytes()[0]).collect::<Vec<_>>());
                let payload = MessagePayload {
                    timestamp: RtmpTimestamp::new(at), type_id: kind, message_stream_id: 1, data: data.clone(),
                };
                bytes.extend(writer.serialize(&payload, false, false).unwrap().bytes);
                want.push(Message { kind, stream_id: 1, at_ms: at, data });
            }
            prop_assert_eq!(&read(&bytes, step)[1..], &want[..]);
        }

        #[test]
        fn noise_ends_in_an_error_or_in_waiting(noise in prop::collection::vec(any::<u8>(), 0..4000)) {
            let mut reader = ChunkReader::new();
            reader.push(&noise);
            for _ in 0..5000 {
                match reader.next_message() {
                    Ok(Some(m)) if m.kind == 2 => reader.abort(m.data.first().copied().unwrap_or(0).into()),
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => return Ok(()),
                }
            }
        }
    }

    /// A chunk with a whole header.
    fn whole(id: u8, kind: u8, len: u8, payload: &[u8]) -> Vec<u8> {
        [&[id, 0, 0, 5, 0, 0, len, kind, 1, 0, 0, 0], payload].concat()
    }

    #[test]
    fn messages_of_two_chunk_streams_may_be_interleaved() {
        let (a, b) = ([1u8; 200], [2u8; 150]);
        let bytes = [
            whole(4, 9, 200, &a[..128]),
            whole(5, 8, 150, &b[..128]),
            [&[0xC4], &a[128..]].concat(),
            [&[0xC5], &b[128..]].concat(),
        ]
        .concat();
        let got = read(&bytes, 7);
        assert_eq!(
            got.iter().map(|m| (m.kind, m.data.to_vec())).collect::<Vec<_>>(),
            [(9, a.to_vec()), (8, b.to_vec())]
        );
        assert_eq!((got[0].at_ms, got[0].stream_id), (5, 1));
    }

    #[test]
    fn what_no_encoder_sends_is_an_error() {
        let mut reader = ChunkReader::new();
        reader.push(&[0xC4, 0]);
        assert_eq!(reader.next_message(), Err(ChunkError::NoHeader));
        let mut reader = ChunkReader::new();
        reader.push(&[whole(4, 9, 200, &[0; 128]), whole(4, 9, 201, &[0; 128])].concat());
        assert_eq!(reader.next_message(), Err(ChunkError::Torn));
        assert_eq!(reader.set_chunk_bytes(0), Err(ChunkError::ChunkSize));
    }
}
