//! The bounded road from a connection (async) to the thread that demuxes it (blocking).
//!
//! Nothing is dropped: when the thread is behind, the writer waits, and so the TCP window closes.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use clipmill_domain::{WallTime, recording::EndReason};
use thiserror::Error;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// A read comes back so often while nothing is sent: as `Interrupted`, so that its caller can look at its own clock.
const LOOK_UP: Duration = Duration::from_millis(400);
/// Bytes that may wait between the two sides.
pub const FEED_BYTES_MAX: usize = 24 << 20;
/// Messages that may wait between the two sides.
const FEED_MESSAGES_MAX: usize = 4096;
const PERMIT_BYTES: usize = 1024;
/// The connection has deadlines of its own between two streams; this one only says that no wait is for ever.
const FIRST_DATA: Duration = Duration::from_secs(3600);

/// Why a feed takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FeedError {
    /// The reading side went away: the recorder stopped recording this source.
    #[error("the recorder stopped taking this stream")]
    Closed,
    /// The reading side took nothing for the given time.
    #[error("the recorder took nothing for {0:?}; the disk or the database may be too slow")]
    Full(Duration),
}

enum Item {
    Data { bytes: Bytes, key_at: Option<WallTime>, _room: OwnedSemaphorePermit },
    Split(EndReason),
}

/// The connection's side.
#[derive(Debug)]
pub struct FeedWriter {
    items: mpsc::Sender<Item>,
    room: Arc<Semaphore>,
    last_word: Arc<OnceLock<EndReason>>,
    patience: Duration,
}

/// The recorder's side: hands out one reader per stream.
pub struct Feed {
    shared: Arc<Mutex<Shared>>,
    notes: Arc<Mutex<Notes>>,
}

/// Locked while waiting for data.
struct Shared {
    items: mpsc::Receiver<Item>,
    /// When the last item came, while a stream is read.
    last_item: Instant,
    last_word: Arc<OnceLock<EndReason>>,
    current: Option<Item>,
    notes: Arc<Mutex<Notes>>,
    runtime: Handle,
    silence: Duration,
    stop: CancellationToken,
}

/// What is known of the running stream; never locked while waiting.
#[derive(Default)]
struct Notes {
    first_key_at: Option<WallTime>,
    pause: Option<Pause>,
}

/// How a stream of a feed came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Another stream may follow on the same connection.
    Split(EndReason),
    /// Nothing will follow.
    Over(EndReason),
}

/// A feed whose writer waits at most `patience` for room and whose reader waits at most `silence` for data.
/// `stop` ends the reading side. Must be called inside a runtime.
pub fn feed(patience: Duration, silence: Duration, stop: CancellationToken) -> (FeedWriter, Feed) {
    let (tx, rx) = mpsc::channel(FEED_MESSAGES_MAX);
    let last_word = Arc::new(OnceLock::new());
    let room = Arc::new(Semaphore::new(FEED_BYTES_MAX / PERMIT_BYTES));
    let notes = Arc::<Mutex<Notes>>::default();
    let shared = Shared {
        items: rx,
        last_item: Instant::now(),
        last_word: Arc::clone(&last_word),
        current: None,
        notes: Arc::clone(&notes),
        runtime: Handle::current(),
        silence,
        stop,
    };
    let writer = FeedWriter { items: tx, room, last_word, patience };
    (writer, Feed { shared: Arc::new(Mutex::new(shared)), notes })
}

impl FeedWriter {
    /// Sends bytes; `key_at` is when they arrived, if they hold a key frame. Waits while the feed is full.
    pub async fn data(&self, bytes: Bytes, key_at: Option<WallTime>) -> Result<(), FeedError> {
        let permits = bytes.len().div_ceil(PERMIT_BYTES).clamp(1, FEED_BYTES_MAX / PERMIT_BYTES);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let room = timeout(self.patience, Arc::clone(&self.room).acquire_many_owned(permits));
        let room = tokio::select! {
            room = room => room.map_err(|_| FeedError::Full(self.patience))?.map_err(|_| FeedError::Closed)?,
            () = self.items.closed() => return Err(FeedError::Closed),
        };
        self.send(Item::Data { bytes, key_at, _room: room }).await
    }

    /// Ends the running stream; another one may follow.
    pub async fn split(&self, reason: EndReason) -> Result<(), FeedError> {
        self.send(Item::Split(reason)).await
    }

    /// Ends the feed, with the reason to note. Dropping it unsaid means [`EndReason::Disconnected`].
    pub fn end(self, reason: EndReason) {
        let _ = self.last_word.set(reason);
    }

    async fn send(&self, item: Item) -> Result<(), FeedError> {
        match timeout(self.patience, self.items.send(item)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(FeedError::Closed),
            Err(_) => Err(FeedError::Full(self.patience)),
        }
    }
}

impl Feed {
    /// Blocks until a stream has begun; `false` when none will. Not on a runtime thread.
    pub fn wait(&self) -> bool {
        let mut s = lock(&self.shared);
        loop {
            {
                let mut notes = lock(&self.notes);
                if matches!(notes.pause, Some(Pause::Over(_))) {
                    return false;
                }
                *notes = Notes::default();
            }
            if matches!(s.fill(FIRST_DATA, FIRST_DATA), Filled::Data) {
                return true;
            }
        }
    }

    /// A reader over the stream that [`Feed::wait`] found, up to its end.
    pub fn reader(&self) -> FeedReader {
        FeedReader { shared: Arc::clone(&self.shared) }
    }

    /// How the stream ended; `None` while it runs.
    pub fn pause(&self) -> Option<Pause> {
        lock(&self.notes).pause
    }

    /// When the stream's first key frame arrived.
    pub fn first_key_at(&self) -> Option<WallTime> {
        lock(&self.notes).first_key_at
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What waiting for data came to.
enum Filled {
    Data,
    /// Nothing yet.
    Nothing,
    /// The stream is over, which is noted.
    Over,
}

impl Shared {
    /// Makes sure that unread data is at hand; waits at most `patience` for it. `silence` since the last item ends the
    /// stream.
    fn fill(&mut self, patience: Duration, silence: Duration) -> Filled {
        if matches!(&self.current, Some(Item::Data { bytes, .. }) if bytes.has_remaining()) {
            return Filled::Data;
        }
        if lock(&self.notes).pause.is_some() {
            return Filled::Over;
        }
        self.current = None;
        let next = match self.items.try_recv() {
            Ok(item) if !self.stop.is_cancelled() => Ok(Some(item)),
            _ => {
                let (items, stop) = (&mut self.items, &self.stop);
                self.runtime.block_on(async {
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => Err(EndReason::Stopped),
                        item = timeout(patience, items.recv()) => item.map_err(|_| EndReason::Stalled),
                    }
                })
            }
        };
        if matches!(next, Err(EndReason::Stalled)) && self.last_item.elapsed() < silence {
            return Filled::Nothing;
        }
        self.last_item = Instant::now();
        let mut notes = lock(&self.notes);
        notes.pause = Some(match next {
            Ok(Some(Item::Data { bytes, key_at, _room })) => {
                notes.first_key_at = notes.first_key_at.or(key_at);
                self.current = Some(Item::Data { bytes, key_at, _room });
                return Filled::Data;
            }
            Ok(Some(Item::Split(reason))) => Pause::Split(reason),
            Ok(None) => Pause::Over(self.last_word.get().copied().unwrap_or(EndReason::Disconnected)),
            Err(reason) => Pause::Over(reason),
        });
        Filled::Over
    }
}

/// Reads one stream of a [`Feed`]; end of file is its end, whatever the reason. While nothing is sent it answers
/// `Interrupted` now and then, so that whoever reads can look at a clock of his own.
pub struct FeedReader {
    shared: Arc<Mutex<Shared>>,
}

impl Read for FeedReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut s = lock(&self.shared);
        let silence = s.silence;
        match s.fill(LOOK_UP.min(silence), silence) {
            Filled::Data => {}
            Filled::Nothing => return Err(io::ErrorKind::Interrupted.into()),
            Filled::Over => return Ok(0),
        }
        let Some(Item::Data { bytes, .. }) = &mut s.current else { return Ok(0) };
        let n = bytes.remaining().min(buf.len());
        bytes.copy_to_slice(&mut buf[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(200);

    fn bytes(s: &'static str) -> Bytes {
        Bytes::from_static(s.as_bytes())
    }

    fn read_all(feed: &Feed) -> String {
        let mut text = String::new();
        feed.reader().read_to_string(&mut text).unwrap();
        text
    }

    #[tokio::test]
    async fn streams_are_read_one_after_the_other_with_the_reason_between() {
        let (w, feed) = feed(PATIENCE, PATIENCE, CancellationToken::new());
        let reading = std::thread::spawn(move || {
            let mut seen = vec![];
            while feed.wait() {
                let text = read_all(&feed);
                seen.push((text, feed.pause(), feed.first_key_at()));
            }
            seen
        });
        let at = WallTime::from_millis(5);
        w.data(bytes("ab"), None).await.unwrap();
        w.data(bytes("cd"), Some(at)).await.unwrap();
        w.split(EndReason::FormatChanged).await.unwrap();
        w.split(EndReason::Stalled).await.unwrap();
        w.data(bytes("ef"), None).await.unwrap();
        w.end(EndReason::Finished);
        let seen = tokio::task::spawn_blocking(move || reading.join().unwrap()).await.unwrap();
        assert_eq!(
            seen,
            [
                ("abcd".to_owned(), Some(Pause::Split(EndReason::FormatChanged)), Some(at)),
                ("ef".to_owned(), Some(Pause::Over(EndReason::Finished)), None),
            ]
        );
    }

    #[tokio::test]
    async fn a_silent_writer_is_a_stall_and_a_dropped_one_a_disconnect() {
        let (w, feed) = feed(PATIENCE, PATIENCE, CancellationToken::new());
        w.data(bytes("x"), None).await.unwrap();
        let pause = tokio::task::spawn_blocking(move || {
            assert!(feed.wait());
            read_all(&feed);
            feed.pause()
        });
        assert_eq!(pause.await.unwrap(), Some(Pause::Over(EndReason::Stalled)));
        let (w, feed) = super::feed(PATIENCE, PATIENCE, CancellationToken::new());
        drop(w);
        let ended = tokio::task::spawn_blocking(move || (feed.wait(), feed.pause()));
        assert_eq!(ended.await.unwrap(), (false, Some(Pause::Over(EndReason::Disconnected))));
    }

    #[tokio::test]
    async fn a_full_feed_makes_the_writer_wait_then_gives_up_and_loses_nothing_it_took() {
        let (w, feed) = feed(PATIENCE, PATIENCE, CancellationToken::new());
        let megabyte = Bytes::from(vec![7u8; 1 << 20]);
        let mut taken = 0usize;
        while w.data(megabyte.clone(), None).await.is_ok() {
            taken += 1;
        }
        assert_eq!(taken, FEED_BYTES_MAX >> 20);
        w.end(EndReason::Finished);
        let read = tokio::task::spawn_blocking(move || {
            assert!(feed.wait());
            io::copy(&mut feed.reader(), &mut io::sink()).unwrap()
        });
        assert_eq!(usize::try_from(read.await.unwrap()).unwrap(), taken << 20);
    }
}
