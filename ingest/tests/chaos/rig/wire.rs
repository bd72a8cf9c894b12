//! A bad line: a TCP forwarder between two peers of any protocol.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Passes everything on.
    Good,
    /// Nothing moves, connections stay.
    Stalled,
    /// A few bytes a second.
    Dripping,
    /// Connections break off at whatever byte they are, new ones are closed.
    Cut,
}

/// A running forwarder.
pub struct Wire {
    addr: SocketAddr,
    line: watch::Sender<Line>,
    noise: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Wire {
    /// Forwards to `target`.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (line, watching) = watch::channel(Line::Good);
        let noise = Arc::<AtomicUsize>::default();
        let task = tokio::spawn(accept(listener, target, watching, Arc::clone(&noise)));
        Self { addr, line, noise, task }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn be(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Puts so many random bytes into what is said by the side that connected to us.
    pub fn noise(&self, bytes: usize) {
        self.noise.store(bytes, Ordering::Relaxed);
    }

    /// Whether the noise is out.
    pub fn is_noise_out(&self) -> bool {
        self.noise.load(Ordering::Relaxed) == 0
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    line: watch::Receiver<Line>,
    noise: Arc<AtomicUsize>,
) {
    let mut pairs = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((near, _)) = accepted else { continue };
                if *line.borrow() == Line::Cut {
                    continue;
                }
                let (line, noise) = (line.clone(), Arc::clone(&noise));
                pairs.spawn(async move {
                    let Ok(far) = TcpStream::connect(target).await else { return };
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    let quiet = Arc::default();
                    tokio::select! {
                        () = forward(near_in, far_out, line.clone(), &noise) => {}
                        () = forward(far_in, near_out, line, &quiet) => {}
                    }
                });
            }
            Some(_) = pairs.join_next() => {}
        }
    }
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut line: watch::Receiver<Line>,
    noise: &AtomicUsize,
) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let now = *line.borrow_and_update();
        let room = match now {
            Line::Good => buffer.len(),
            Line::Dripping => 3,
            Line::Stalled => {
                if line.changed().await.is_err() {
                    return;
                }
                continue;
            }
            Line::Cut => return,
        };
        let n = tokio::select! {
            read = from.read(&mut buffer[..room]) => match read { Ok(n) if n > 0 => n, _ => break },
            _ = line.changed() => continue,
        };
        let bad = noise.swap(0, Ordering::Relaxed);
        if bad > 0 {
            let mut bytes = vec![0; bad];
            StdRng::seed_from_u64(11).fill(&mut bytes[..]);
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
        if now == Line::Dripping {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    let _ = to.shutdown().await;
    // The other direction may still have something to say.
    tokio::time::sleep(Duration::from_millis(300)).await;
}
