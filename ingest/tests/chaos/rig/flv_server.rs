//! A server of live HTTP-FLV that misbehaves on demand.
//!
//! Its programme runs in real time whether anybody listens or not, as a live does. A client joins at a key frame.
//! What was written to its clients is noted, frame by frame: that is the truth the recording is held against.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    ops::Range,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use super::flv::{Programme, file_header};

/// How the server behaves now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Play,
    /// Connections stay, nothing is sent. What fell due is sent when it plays again.
    Stall,
    /// A few bytes a second.
    Drip,
    /// Connections are closed, new ones too.
    Down,
    /// New connections get this HTTP status; running ones are closed.
    Status(u16),
    /// New connections are accepted and never answered, whatever comes later; running ones are closed.
    Mute,
}

/// One misdeed on the running connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Half a tag, then the end.
    Truncate,
    /// So many random bytes between two tags.
    Garbage(usize),
}

/// Timestamps as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamps {
    /// The programme's, on every connection.
    Live,
    /// From zero on every connection.
    FromZero,
    /// The programme's plus this, modulo 2^32.
    Plus(u64),
    /// The programme's, but from the given moment of it on shifted by so much (milliseconds).
    Jump { at_ms: u64, by_ms: i64 },
}

/// The character of a server.
#[derive(Debug, Clone)]
pub struct Manner {
    pub stamps: Stamps,
    /// Sound is sent for these stretches of the programme only (milliseconds); `None`: always.
    pub audible: Option<Range<u64>>,
    /// Whole groups of pictures from before the moment of joining, sent again in a burst.
    pub replay_groups: usize,
    /// How long a request waits for its answer, but for the first one.
    pub answers_after: Duration,
}

impl Default for Manner {
    fn default() -> Self {
        Self { stamps: Stamps::Live, audible: None, replay_groups: 0, answers_after: Duration::ZERO }
    }
}

struct Shared {
    programme: Programme,
    manner: Manner,
    begun: Mutex<Option<Instant>>,
    deed: Mutex<Option<Deed>>,
    sent: Mutex<Vec<BTreeSet<(&'static str, usize)>>>,
}

/// The running server.
pub struct FlvServer {
    addr: SocketAddr,
    mood: watch::Sender<Mood>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for FlvServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FlvServer {
    /// Serves `programme`, which begins when the first client comes.
    pub async fn start(programme: Programme, manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (mood, watching) = watch::channel(Mood::Play);
        let shared = Arc::new(Shared {
            programme,
            manner,
            begun: Mutex::default(),
            deed: Mutex::default(),
            sent: Mutex::default(),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared), watching));
        Self { addr, mood, shared, task }
    }

    /// The address to pull.
    pub fn url(&self) -> String {
        format!("http://{}/live/room.flv", self.addr)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn be(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Does it once, on the running connection.
    pub fn once(&self, deed: Deed) {
        *self.shared.deed.lock().unwrap() = Some(deed);
    }

    /// Whether the deed asked for was done.
    pub fn is_done(&self) -> bool {
        self.shared.deed.lock().unwrap().is_none()
    }

    /// The moment of the programme, milliseconds; 0 before the first client.
    pub fn now_ms(&self) -> u64 {
        let begun = *self.shared.begun.lock().unwrap();
        begun.map_or(0, |b| u64::try_from(b.elapsed().as_millis()).unwrap())
    }

    /// How long until the next key frame is due: no client that comes now gets a picture before it.
    pub fn next_key_in_ms(&self) -> u64 {
        let (tags, now) = (&self.shared.programme.tags, self.now_ms());
        self.shared.programme.key_after(now).map_or(0, |i| tags[i].at_ms - now)
    }

    /// Waits for a moment of the programme, in seconds.
    pub async fn reaches(&self, seconds: f64) {
        super::until("the programme goes on", 120, async || self.now_ms() as f64 >= seconds * 1000.0).await;
    }

    /// The frames written to each connection.
    pub fn sent_by_connection(&self) -> Vec<BTreeSet<(&'static str, usize)>> {
        self.shared.sent.lock().unwrap().clone()
    }

    /// The frames written to any connection.
    pub fn sent(&self) -> BTreeSet<(&'static str, usize)> {
        self.sent_by_connection().into_iter().flatten().collect()
    }

    /// Connections that were answered with a stream.
    pub fn connections(&self) -> usize {
        self.shared.sent.lock().unwrap().len()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mood: watch::Receiver<Mood>) {
    // Dropped with this task, and all connections with it.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                connections.spawn(answer(socket, Arc::clone(&shared), mood.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(mut socket: TcpStream, shared: Arc<Shared>, mut mood: watch::Receiver<Mood>) {
    let _ = socket.set_nodelay(true);
    let now = *mood.borrow_and_update();
    let mut request = vec![];
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        match socket.read_buf(&mut request).await {
            Ok(n) if n > 0 && request.len() < 65_536 => {}
            _ => return,
        }
    }
    let status = match now {
        Mood::Down => return,
        Mood::Mute => {
            // Until the client hangs up.
            while matches!(socket.read_buf(&mut request).await, Ok(n) if n > 0) {}
            return;
        }
        Mood::Status(status) => {
            let text = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = socket.write_all(text.as_bytes()).await;
            return;
        }
        _ => "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n",
    };
    if !shared.sent.lock().unwrap().is_empty() {
        tokio::select! {
            () = tokio::time::sleep(shared.manner.answers_after) => {}
            // The client hangs up.
            _ = socket.read_buf(&mut request) => return,
        }
    }
    if socket.write_all(status.as_bytes()).await.is_ok() {
        let _ = stream(socket, &shared, &mut mood).await;
    }
}

/// Sends the programme to one client, from the key frame it joins at.
async fn stream(
    mut socket: TcpStream,
    shared: &Shared,
    mood: &mut watch::Receiver<Mood>,
) -> std::io::Result<()> {
    let (programme, manner) = (&shared.programme, &shared.manner);
    let begun = *shared.begun.lock().unwrap().get_or_insert_with(Instant::now);
    let joined = u64::try_from(begun.elapsed().as_millis()).unwrap();
    let connection = {
        let mut sent = shared.sent.lock().unwrap();
        sent.push(BTreeSet::new());
        sent.len() - 1
    };
    let replayed = joined.saturating_sub(1000 * u64::try_from(manner.replay_groups).unwrap());
    let first = if manner.replay_groups > 0 && connection > 0 {
        programme.key_before(replayed)
    } else {
        programme.key_after(joined.saturating_sub(if connection == 0 { 500 } else { 0 }))
    };
    let Some(first) = first else { return Ok(()) };
    let zero = programme.tags[first].at_ms;
    let stamp = |at: u64| match manner.stamps {
        Stamps::Live => at,
        Stamps::FromZero => at.saturating_sub(zero),
        Stamps::Plus(offset) => at + offset,
        Stamps::Jump { at_ms, by_ms } if at >= at_ms => at.saturating_add_signed(by_ms),
        Stamps::Jump { .. } => at,
    };
    let audible = |at: u64| manner.audible.as_ref().is_none_or(|r| r.contains(&at));
    let stamp_of = |at: u64| u32::try_from(stamp(at) & 0xFFFF_FFFF).unwrap();
    socket.write_all(&file_header(audible(zero))).await?;
    for header in programme.headers_at(first) {
        // An audio header is sent with the sound it belongs to.
        if !header.is_audio() || audible(zero) {
            socket.write_all(&header.bytes(stamp_of(zero))).await?;
        }
    }
    let mut sounded = audible(zero);
    for (index, tag) in programme.tags.iter().enumerate().skip(first) {
        let due = begun + Duration::from_millis(tag.at_ms);
        tokio::time::sleep_until(due.into()).await;
        if tag.is_audio() {
            if !audible(tag.at_ms) {
                continue;
            }
            if !sounded && !tag.header {
                sounded = true;
                for header in programme.headers_at(index).iter().filter(|h| h.is_audio()) {
                    socket.write_all(&header.bytes(stamp_of(tag.at_ms))).await?;
                }
            }
        }
        let bytes = tag.bytes(stamp_of(tag.at_ms));
        let deed = shared.deed.lock().unwrap().take();
        match deed {
            Some(Deed::Truncate) => {
                socket.write_all(&bytes[..bytes.len() / 2]).await?;
                return socket.shutdown().await;
            }
            Some(Deed::Garbage(n)) => {
                let mut noise = vec![0; n];
                StdRng::seed_from_u64(7).fill(&mut noise[..]);
                socket.write_all(&noise).await?;
            }
            None => {}
        }
        if !write(&mut socket, &bytes, mood).await? {
            return Ok(());
        }
        if let Some(frame) = tag.frame {
            shared.sent.lock().unwrap()[connection].insert(frame);
        }
    }
    socket.shutdown().await
}

/// Writes as the mood is; `false` when the connection is to be closed.
async fn write(
    socket: &mut TcpStream,
    bytes: &[u8],
    mood: &mut watch::Receiver<Mood>,
) -> std::io::Result<bool> {
    let mut rest = bytes;
    let mut heard = [0; 256];
    while !rest.is_empty() {
        let now = *mood.borrow_and_update();
        match now {
            Mood::Play => {
                let (mut from, mut to) = socket.split();
                tokio::select! {
                    biased;
                    // A client that only asked has hung up by now.
                    n = from.read(&mut heard) => if n? == 0 { return Ok(false) },
                    written = to.write(rest) => rest = &rest[written?..],
                    _ = mood.changed() => {}
                }
            }
            Mood::Drip => {
                let n = socket.write(&rest[..rest.len().min(3)]).await?;
                rest = &rest[n..];
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(500)) => {}
                    _ = mood.changed() => {}
                }
            }
            Mood::Stall => {
                // A client that hangs up is noticed.
                tokio::select! {
                    n = socket.read(&mut heard) => if n? == 0 { return Ok(false) },
                    _ = mood.changed() => {}
                }
            }
            Mood::Down | Mood::Status(_) | Mood::Mute => {
                socket.shutdown().await?;
                return Ok(false);
            }
        }
    }
    Ok(true)
}
