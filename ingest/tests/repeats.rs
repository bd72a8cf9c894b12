//! A server that begins a new connection with what it sent before: the recording holds everything once.

#[path = "support/mod.rs"]
mod support;

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use clipmill_domain::{MediaTime, Span, gap::gap_map};
use clipmill_ingest::record::RecordConfig;
use clipmill_media::{AudioFollower, cut_exact};
use support::{Bench, Media, until};

/// The tags of an FLV file: kind, milliseconds, whether it is a codec header or a key frame, bytes.
struct Tag {
    kind: u8,
    ms: u32,
    config: bool,
    key: bool,
    bytes: Vec<u8>,
}

fn tags(flv: &[u8]) -> Vec<Tag> {
    let mut out = vec![];
    let mut at = 13;
    while at + 11 <= flv.len() {
        let size = u32::from_be_bytes([0, flv[at + 1], flv[at + 2], flv[at + 3]]) as usize;
        let bytes = flv[at..at + 15 + size].to_vec();
        at += bytes.len();
        let (kind, ms) = (bytes[0], u32::from_be_bytes([bytes[7], bytes[4], bytes[5], bytes[6]]));
        let config = kind == 18 || bytes[12] == 0;
        let key = kind == 9 && !config && bytes[11] >> 4 == 1;
        out.push(Tag { kind, ms, config, key, bytes });
    }
    out
}

/// Serves one connection after the other; the last stays open.
fn serve(connections: Vec<Vec<u8>>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/live/room.flv", listener.local_addr().unwrap());
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    thread::spawn(move || {
        let last = connections.len() - 1;
        for (i, body) in connections.into_iter().enumerate() {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).unwrap();
            socket
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n")
                .unwrap();
            let _ = socket.write_all(&body);
            count.fetch_add(1, Ordering::SeqCst);
            if i == last {
                // Open until the recorder leaves.
                let _ = socket.read(&mut request);
            }
        }
    });
    (url, served)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_sends_again_is_recorded_once() {
    let mut bench = Bench::start(RecordConfig::default()).await;
    let media = Media::make(&bench.dir(), 8);
    let live = bench.dir().join("live.flv");
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i", media.path().as_str(), "-c", "copy", live.as_str()])
        .status();
    assert!(made.unwrap().success());
    let flv = std::fs::read(&live).unwrap();
    let all = tags(&flv);
    let cut = all.iter().position(|t| t.kind == 9 && t.ms >= 4_300).unwrap();
    let again = all.iter().position(|t| t.key && t.ms >= 1_500).unwrap();
    let header: Vec<&Tag> = all.iter().take(again).filter(|t| t.config).collect();
    let bytes = |tags: &mut dyn Iterator<Item = &Tag>| {
        flv[..13].iter().copied().chain(tags.flat_map(|t| t.bytes.clone())).collect::<Vec<u8>>()
    };
    let first = bytes(&mut all[..cut].iter());
    let second = bytes(&mut header.into_iter().chain(&all[again..]));
    let (url, served) = serve(vec![first, second]);
    bench.add_pull("room", &url).await;
    until("both connections were served", 20, async || served.load(Ordering::SeqCst) == 2).await;
    let recording = async || bench.store().recordings(10).await.unwrap().into_iter().next();
    until("the end is recorded", 20, async || {
        let Some(rec) = recording().await else { return false };
        let parts = bench.store().parts(rec.id).await.unwrap();
        parts.last().is_some_and(|p| p.span.end() >= MediaTime::from_seconds(6.5))
    })
    .await;
    let store = bench.store().clone();
    let rec = recording().await.unwrap();
    let dir = bench.dir();
    bench.halt().await;

    let epochs = store.epochs(rec.id).await.unwrap();
    let parts = store.parts(rec.id).await.unwrap();
    assert_eq!(epochs.len(), 2);
    assert!(epochs[1].media_start < parts.last().unwrap().span.start());
    for w in parts.windows(2) {
        assert_eq!(w[0].span.end(), w[1].span.start(), "no gap, no overlap");
    }
    assert!(gap_map(&parts, &epochs).is_empty(), "nothing is missing");
    let end = parts.last().unwrap().span.end();
    assert!((end.as_seconds() - 8.0).abs() < 0.1, "{end}");
    let whole = Span::new(MediaTime::ZERO, end).unwrap();
    let files = store.media_parts(rec.id, whole).await.unwrap();
    let report = cut_exact(&files, &[whole], dir.join("cut.mp4").as_std_path()).unwrap();
    assert_eq!(report.frames as usize, media.frames().len(), "every frame once");
    let mut follower = AudioFollower::new();
    let mut chunks = vec![];
    for part in &files {
        chunks.extend(follower.push(part).unwrap());
    }
    for w in chunks.windows(2) {
        let due = w[0].start_us + w[0].samples.len() as i64 * 1_000_000 / 16_000;
        assert!((w[1].start_us - due).abs() <= 2, "sound goes on without a hole");
    }
}
