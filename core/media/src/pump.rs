//! Bytes pushed to us, read on a thread of their own so that libav never blocks on them.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::Duration,
};

use crate::error::MediaError;

/// The reading end of a [`pump`]; answers `Interrupted` every 50 ms without data, so that deadlines are seen.
pub(crate) struct Pumped {
    chunks: Receiver<io::Result<Vec<u8>>>,
    held: io::Cursor<Vec<u8>>,
}

/// Reads `reader` on a thread of its own, at most 16 chunks of 32 KiB ahead.
pub(crate) fn pump(mut reader: Box<dyn Read + Send>) -> Result<Pumped, MediaError> {
    let (send, chunks) = sync_channel(16);
    let body = move || {
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let chunk = match reader.read(&mut buffer) {
                Ok(0) => return,
                Ok(n) => Ok(buffer.get(..n).unwrap_or_default().to_vec()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => Err(e),
            };
            let failed = chunk.is_err();
            if send.send(chunk).is_err() || failed {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("media-pump".into())
        .spawn(body)
        .map_err(|e| MediaError::Av { doing: "start a reading thread".into(), detail: e.to_string() })?;
    Ok(Pumped { chunks, held: io::Cursor::default() })
}

impl Read for Pumped {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.held.read(buf)?;
        if n > 0 {
            return Ok(n);
        }
        match self.chunks.recv_timeout(Duration::from_millis(50)) {
            Ok(chunk) => {
                self.held = io::Cursor::new(chunk?);
                self.held.read(buf)
            }
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::Interrupted.into()),
            Err(RecvTimeoutError::Disconnected) => Ok(0),
        }
    }
}
