//! A small RTSP server: the ffmpeg program makes RTP, we carry it inside the RTSP connection (TCP).

use std::{
    fs,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use camino::Utf8PathBuf;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{Mutex, broadcast},
    task::JoinSet,
};

use super::{clips::Clip, encoder::Encoder, free_port, until};

/// Pictures and their reports, sound and its reports: the channels inside the connection.
const CHANNELS: u8 = 4;

/// A running server of one live.
pub struct Rtsp {
    port: u16,
    /// What makes the media.
    pub encoder: Encoder,
    carrier: Option<JoinSet<()>>,
    shared: Arc<Shared>,
    _dir: tempfile::TempDir,
}

struct Shared {
    description: String,
    packets: broadcast::Sender<(u8, Bytes)>,
    hushed: AtomicBool,
    /// The last report of each channel: a new client needs it to match sound and pictures.
    reports: Mutex<[Option<Bytes>; CHANNELS as usize]>,
}

impl Rtsp {
    pub async fn start(clip: &Clip) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let description = Utf8PathBuf::from_path_buf(dir.path().join("live.sdp")).unwrap();
        let (packets, _) = broadcast::channel(4096);
        let mut sockets = vec![];
        let mut ports = vec![];
        while ports.len() < 2 {
            let port = free_port() & !1;
            let pair = [
                UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).await,
                UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 1)).await,
            ];
            if let [Ok(media), Ok(reports)] = pair {
                sockets.extend([media, reports]);
                ports.push(port);
            }
        }
        let address = |port: u16| format!("rtp://127.0.0.1:{port}");
        let (pictures, sound) = (address(ports[0]), address(ports[1]));
        let output =
            ["-map", "0:v", "-f", "rtp", &pictures, "-map", "0:a", "-c", "copy", "-f", "rtp", &sound];
        let output = [&output[..], &["-sdp_file", description.as_str()]].concat();
        let encoder = Encoder::start(clip, &output);
        until("the description is written", 20, async || {
            fs::read_to_string(&description).is_ok_and(|s| s.matches("m=").count() == 2)
        })
        .await;
        let shared = Arc::new(Shared {
            description: controls(&fs::read_to_string(&description).unwrap()),
            packets,
            hushed: AtomicBool::new(false),
            reports: Mutex::default(),
        });
        for (channel, socket) in (0..).zip(sockets) {
            tokio::spawn(gather(channel, socket, Arc::clone(&shared)));
        }
        let mut rtsp = Self { port: free_port(), encoder, carrier: None, shared, _dir: dir };
        rtsp.open().await;
        rtsp
    }

    pub fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/live/room", self.port)
    }

    /// Takes clients, first or again.
    pub async fn open(&mut self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
        let shared = Arc::clone(&self.shared);
        let mut carrier = JoinSet::new();
        carrier.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                clients.spawn(client(socket, Arc::clone(&shared)));
            }
        });
        self.carrier = Some(carrier);
    }

    /// Connections stay, nothing is sent; what comes meanwhile is lost.
    pub fn hush(&self, hushed: bool) {
        self.shared.hushed.store(hushed, Ordering::Relaxed);
    }

    /// Closes all connections and the port.
    pub fn close(&mut self) {
        self.carrier = None;
    }
}

/// The description with a name for each track and no ports of ours.
fn controls(sdp: &str) -> String {
    let mut out = String::new();
    let mut track = 0;
    for line in sdp.lines().filter(|l| l.len() > 2 && l.as_bytes()[1] == b'=' && !l.starts_with("c=")) {
        if line.starts_with("m=") {
            let words: Vec<&str> = line.split(' ').collect();
            out += &format!("{} 0 {}\r\na=control:track{track}\r\n", words[0], words[2..].join(" "));
            track += 1;
        } else {
            out += &format!("{line}\r\n");
        }
    }
    out
}

async fn gather(channel: u8, socket: UdpSocket, shared: Arc<Shared>) {
    let mut buffer = vec![0; 2048];
    while let Ok(n) = socket.recv(&mut buffer).await {
        let mut framed = vec![b'$', channel];
        framed.extend_from_slice(&u16::try_from(n).unwrap().to_be_bytes());
        framed.extend_from_slice(&buffer[..n]);
        let framed = Bytes::from(framed);
        if channel % 2 == 1 {
            shared.reports.lock().await[usize::from(channel)] = Some(framed.clone());
        }
        if !shared.hushed.load(Ordering::Relaxed) {
            let _ = shared.packets.send((channel, framed));
        }
    }
}

async fn client(socket: TcpStream, shared: Arc<Shared>) {
    let (mut from, mut to) = socket.into_split();
    let mut packets: Option<broadcast::Receiver<(u8, Bytes)>> = None;
    let mut heard = vec![];
    let mut buffer = vec![0; 4096];
    loop {
        let packet = async {
            match &mut packets {
                Some(p) => p.recv().await.ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = from.read(&mut buffer) => {
                let Ok(n @ 1..) = read else { return };
                heard.extend_from_slice(&buffer[..n]);
            }
            packet = packet => {
                let Some((_, bytes)) = packet else { return };
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
                continue;
            }
        }
        while let Some(end) = heard.windows(4).position(|w| w == b"\r\n\r\n") {
            let request = String::from_utf8_lossy(&heard[..end]).into_owned();
            heard.drain(..end + 4);
            // Reports of the client come between; what matters begins with a word.
            let words = &request[request.rfind("rtsp://").map_or(0, |at| {
                request[..at]
                    .rfind(|c: char| !c.is_ascii_uppercase() && c != '_' && c != ' ')
                    .map_or(0, |i| i + 1)
            })..];
            let number =
                request.lines().find_map(|l| l.strip_prefix("CSeq: ")).unwrap_or("0").trim().to_owned();
            let plays = words.starts_with("PLAY");
            let answer = match words {
                w if w.starts_with("DESCRIBE") => {
                    let sdp = &shared.description;
                    format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len())
                }
                w if w.starts_with("SETUP") => {
                    let first = if w.lines().next().is_some_and(|l| l.contains("track1")) { 2 } else { 0 };
                    format!(
                        "Session: 42\r\nTransport: RTP/AVP/TCP;unicast;interleaved={first}-{}\r\n\r\n",
                        first + 1
                    )
                }
                w if w.starts_with("OPTIONS") => {
                    "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n\r\n".to_owned()
                }
                _ => "Session: 42\r\n\r\n".to_owned(),
            };
            if to
                .write_all(format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{answer}").as_bytes())
                .await
                .is_err()
            {
                return;
            }
            if plays {
                for report in shared.reports.lock().await.iter().flatten() {
                    let _ = to.write_all(report).await;
                }
                packets = Some(shared.packets.subscribe());
            }
        }
    }
}
