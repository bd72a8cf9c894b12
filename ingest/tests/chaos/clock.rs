//! The machine's clock is set while we record.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use clipmill_domain::{Clock, WallTime};
use clipmill_ingest::record::RecordConfig;
use clipmill_worker::SystemClock;

use crate::{
    http_flv::PLACED_WITHIN,
    rig::{
        clips::plain,
        figure,
        flv::Programme,
        flv_server::{FlvServer, Manner, Mood},
        lab::{Lab, config},
        pause,
    },
};

#[derive(Default)]
struct Stepping(AtomicI64);

impl Clock for Stepping {
    fn now(&self) -> WallTime {
        SystemClock.now().plus_millis(self.0.load(Ordering::Relaxed))
    }
}

/// An hour ahead or back while a stream runs, then a short outage: still one recording, whose gap is the outage.
async fn step(by_ms: i64) {
    let clip = plain();
    let server = FlvServer::start(Programme::of(&clip), Manner::default()).await;
    let clock = Arc::new(Stepping::default());
    let mut lab = Lab::start_with(RecordConfig { clock: clock.clone(), ..config() }).await;
    lab.pull(&server.url()).await;
    server.reaches(3.5).await;
    lab.keeps(1.0).await;
    clock.0.store(by_ms, Ordering::Relaxed);
    server.reaches(6.0).await;
    server.be(Mood::Down);
    lab.epoch_ends(20).await;
    pause(1.0).await;
    server.be(Mood::Play);
    lab.epoch_begins(2, 30).await;
    pause(3.0).await;
    // And back to where it was, in an outage.
    server.be(Mood::Down);
    lab.epoch_ends(20).await;
    clock.0.store(0, Ordering::Relaxed);
    pause(1.0).await;
    server.be(Mood::Play);
    lab.epoch_begins(3, 30).await;
    pause(3.0).await;
    let found = lab.judge(&[&clip]).await;
    found.assert_true();
    assert_eq!(found.epochs.len(), 3);
    let off = found.assert_gaps_true(0, PLACED_WITHIN);
    figure(&format!("clock: gap map off by {off:.2} s at most"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_an_hour_ahead() {
    step(3_600_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_an_hour_back() {
    step(-3_600_000).await;
}
