//! Peers that no encoder program can play: a client of our own says what they would say.

#[path = "support/mod.rs"]
mod support;

use std::{net::SocketAddr, time::Duration};

use clipmill_ingest::record::RecordConfig;
use rml_rtmp::{
    handshake::{Handshake, HandshakeProcessResult, PeerType},
    sessions::{
        ClientSession, ClientSessionConfig, ClientSessionEvent as Event, ClientSessionResult,
        PublishRequestType,
    },
    time::RtmpTimestamp,
};
use support::{Bench, KEY, until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const LONG: Duration = Duration::from_secs(10);

struct Client {
    socket: TcpStream,
    session: ClientSession,
    /// Everything the server sent, to look for words in.
    heard: Vec<u8>,
}

impl Client {
    async fn connect(addr: SocketAddr) -> Self {
        let mut socket = TcpStream::connect(addr).await.unwrap();
        let mut handshake = Handshake::new(PeerType::Client);
        socket.write_all(&handshake.generate_outbound_p0_and_p1().unwrap()).await.unwrap();
        let mut buf = vec![0; 8192];
        let early = loop {
            let n = timeout(LONG, socket.read(&mut buf)).await.unwrap().unwrap();
            assert!(n > 0);
            match handshake.process_bytes(&buf[..n]).unwrap() {
                HandshakeProcessResult::InProgress { response_bytes } => {
                    socket.write_all(&response_bytes).await.unwrap();
                }
                HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                    socket.write_all(&response_bytes).await.unwrap();
                    break remaining_bytes;
                }
            }
        };
        let (session, first) = ClientSession::new(ClientSessionConfig::new()).unwrap();
        let mut client = Self { socket, session, heard: early.clone() };
        client.send(first).await;
        let results = client.session.handle_input(&early).unwrap();
        client.send(results).await;
        client
    }

    async fn send(&mut self, results: Vec<ClientSessionResult>) -> Vec<Event> {
        let mut events = vec![];
        for result in results {
            match result {
                ClientSessionResult::OutboundResponse(p) => self.socket.write_all(&p.bytes).await.unwrap(),
                ClientSessionResult::RaisedEvent(e) => events.push(e),
                ClientSessionResult::UnhandleableMessageReceived(_) => {}
            }
        }
        events
    }

    /// Reads until an event passes, or the server closes; whether it passed.
    async fn wait(&mut self, wanted: impl Fn(&Event) -> bool) -> bool {
        let mut buf = vec![0; 8192];
        loop {
            let n = timeout(LONG, self.socket.read(&mut buf)).await.expect("the server answers").unwrap_or(0);
            if n == 0 {
                return false;
            }
            self.heard.extend(&buf[..n]);
            let Ok(results) = self.session.handle_input(&buf[..n]) else { continue };
            if self.send(results).await.iter().any(&wanted) {
                return true;
            }
        }
    }

    async fn publish(&mut self, app: &str) -> bool {
        let ask = self.session.request_connection(app.into()).unwrap();
        self.send(vec![ask]).await;
        if !self.wait(|e| *e == Event::ConnectionRequestAccepted).await {
            return false;
        }
        let ask = self.session.request_publishing(KEY.into(), PublishRequestType::Live).unwrap();
        self.send(vec![ask]).await;
        self.wait(|e| *e == Event::PublishRequestAccepted).await
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hevc_is_refused_with_what_to_do_and_other_peers_are_turned_away() {
    let bench = Bench::start(RecordConfig::default()).await;

    // HEVC in the enhanced form.
    let mut client = Client::connect(bench.addr).await;
    assert!(client.publish("live").await);
    let hevc = bytes::Bytes::from_static(b"\x90hvc1\0\0\0");
    let frame = client.session.publish_video_data(hevc, RtmpTimestamp::new(0), false).unwrap();
    client.send(vec![frame]).await;
    assert!(!client.wait(|_| false).await, "the server closes");
    assert!(client.heard().contains("HEVC") && client.heard().contains("H.264"), "the encoder is told");
    until("the operator is told", 5, async || {
        bench.board.snapshot().problems().iter().any(|p| p.contains("HEVC") && p.contains("H.264"))
    })
    .await;

    // Another application.
    let mut client = Client::connect(bench.addr).await;
    assert!(!client.publish("vod").await);
    assert!(client.heard().contains("publish to /live"));

    // Noise instead of a handshake, and inside a session.
    let mut noise = TcpStream::connect(bench.addr).await.unwrap();
    noise.write_all(&[0x47; 4000]).await.unwrap();
    let mut sink = vec![];
    timeout(LONG, noise.read_to_end(&mut sink)).await.expect("noise is hung up on").ok();
    let mut client = Client::connect(bench.addr).await;
    assert!(client.publish("live").await, "the place is free again");
    client.socket.write_all(&[0xFF; 4000]).await.unwrap();
    assert!(!client.wait(|_| false).await, "the server closes");

    // Metadata that the protocol library panics on, and a command that would exhaust the stack.
    let text = b"\x02\x00\x0D@setDataFrame";
    let deep = [b"\x02\x00\x01x".to_vec(), [3u8, 0, 1, b'a'].repeat(8000)].concat();
    for (kind, payload) in [(18u8, &text[..]), (20, &deep)] {
        let mut client = Client::connect(bench.addr).await;
        assert!(client.publish("live").await, "the place is free again");
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut bytes = vec![0x03, 0, 0, 0, len[1], len[2], len[3], kind, 1, 0, 0, 0];
        for (i, chunk) in payload.chunks(4096).enumerate() {
            bytes.extend(if i > 0 { &[0xC3][..] } else { &[] });
            bytes.extend(chunk);
        }
        client.socket.write_all(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0x10, 0]).await.unwrap();
        client.socket.write_all(&bytes).await.unwrap();
        assert!(!client.wait(|_| false).await, "the server closes");
    }

    // None of them left a trace or did harm.
    assert!(bench.store().recordings(10).await.unwrap().is_empty());
    assert!(!bench.log_holds_key());
    let mut client = Client::connect(bench.addr).await;
    assert!(client.publish("live").await);
    bench.stop().await;
}
