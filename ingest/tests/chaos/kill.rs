//! `kill -9` of the recorder, at random moments.

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::net::TcpStream;

use crate::{
    http_flv::PLACED_WITHIN,
    rig::{
        clips::{gop, other, plain, third},
        encoder::Encoder,
        flv::Programme,
        flv_server::{FlvServer, Manner},
        lab::{Lab, config, record_as_child},
        pause, until,
    },
};

/// Frames on their way from the sender to the recorder's demuxer when it dies: 0.5 s.
const ON_THE_WAY: usize = 12;

/// Frames that come while the tracks of a new connection are found out: 1.5 s.
const OPENING: usize = 38;

/// `CHAOS_SEED` repeats a run.
fn seeded() -> StdRng {
    let seed = std::env::var("CHAOS_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("CHAOS_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// What [`crate::rig::lab::ChildRecorder`] runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a child of the tests below"]
async fn child_records_until_it_is_killed() {
    record_as_child().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_pulls() {
    let mut random = seeded();
    let clip = plain();
    let server = FlvServer::start(Programme::of(&clip), Manner::default()).await;
    let mut lab = Lab::open().await;
    lab.pull(&server.url()).await;
    let mut recorder = lab.child();
    recorder.start();
    for round in 1..=5 {
        until("a connection", 30, async || server.connections() >= round).await;
        pause(random.random_range(0.3..5.0)).await;
        eprintln!("kill {round} at {} ms of the programme", server.now_ms());
        recorder.kill().await;
        recorder.start();
    }
    until("a connection", 30, async || server.connections() >= 6).await;
    let back = lab.back().await;
    lab.recovers("HTTP-FLV, recorder killed (from its first connection)", &back).await;
    pause(2.5).await;
    recorder.kill().await;
    let lists = server.sent_by_connection();
    // The next start brings back what the last one left.
    lab.record(config()).await;
    let found = lab.judge(&[&clip]).await;
    found.assert_true();
    let kept = found.kept(0);
    for (n, list) in lists.into_iter().enumerate() {
        let mut sent: Vec<usize> = list.into_iter().map(|f| f.1).collect();
        // At most one group, and what was on its way; and nothing of a connection whose tracks were not known yet.
        if sent.len() <= gop(&clip) + OPENING + ON_THE_WAY {
            continue;
        }
        sent.truncate(sent.len().saturating_sub(gop(&clip) + ON_THE_WAY));
        let lost: Vec<usize> = sent.into_iter().filter(|f| !kept.contains(f)).collect();
        assert!(lost.is_empty(), "connection {n}: sent long before the kill and not kept: {lost:?}\n{found}");
    }
    found.assert_gaps_true(0, PLACED_WITHIN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_an_encoder_pushes() {
    let mut random = seeded();
    let clips = [plain(), other(), third()];
    let mut lab = Lab::open().await;
    let mut recorder = lab.child();
    let mut sent = vec![];
    recorder.start();
    for clip in &clips {
        let addr = lab.addr();
        until("the recorder listens", 30, async || TcpStream::connect(addr).await.is_ok()).await;
        let back = lab.back().await;
        let encoder = Encoder::push(clip, &lab.push_url());
        encoder.reaches(55).await;
        lab.recovers("RTMP push, recorder killed (from its port open)", &back).await;
        pause(random.random_range(0.0..2.5)).await;
        recorder.kill().await;
        sent.push(encoder.sent());
        recorder.start();
        encoder.kill().await;
    }
    recorder.kill().await;
    lab.record(config()).await;
    let found = lab.judge(&clips.each_ref()).await;
    found.assert_true();
    for (n, clip) in clips.iter().enumerate() {
        assert_eq!(found.first(n), Some(0));
        found.assert_whole_to(n, sent[n].saturating_sub(gop(clip) + ON_THE_WAY));
    }
}
