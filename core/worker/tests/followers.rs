//! A follower in trouble with one recording goes on with the others, and live ones go first.

mod rig;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use clipmill_domain::{Id, RecordingId, WallTime, recording::Recording};
use clipmill_store::{
    Store,
    recordings::insert_recording,
    sources::add_source,
    testing::{NOW, new_source, on_each, recording},
};
use clipmill_worker::{Engine, FollowCtx, Follower, Progress, StageError};
use rig::{Running, options, until};

type Act = Arc<dyn Fn(&Recording, usize) -> Result<Progress, StageError> + Send + Sync>;

/// Does what it is told, and notes every step.
struct Scripted {
    steps: Arc<Mutex<Vec<(RecordingId, Instant)>>>,
    act: Act,
}

#[async_trait]
impl Follower for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }
    fn step_deadline(&self) -> Duration {
        // Long enough to print a panic's backtrace on a loaded machine.
        Duration::from_millis(1500)
    }
    async fn step(&self, cx: &FollowCtx, rec: &Recording) -> Result<Progress, StageError> {
        let nth = {
            let mut steps = self.steps.lock().unwrap();
            steps.push((rec.id, Instant::now()));
            steps.iter().filter(|s| s.0 == rec.id).count()
        };
        match (self.act)(rec, nth) {
            Err(StageError::Retry { source, .. }) if source.to_string() == "hang" => {
                cx.stop.cancelled().await;
                std::future::pending().await
            }
            other => other,
        }
    }
}

/// Recordings of one source; `over` ones have ended. The first is the oldest.
async fn recordings(store: &Store, over: &[bool]) -> Vec<RecordingId> {
    let mut tx = store.begin().await.unwrap();
    let mut ids = Vec::new();
    for (n, over) in over.iter().enumerate() {
        let source = new_source(&format!("shop {n}"));
        add_source(&mut tx, &source).await.unwrap();
        let started_at = NOW.plus_millis(i64::try_from(n).unwrap() * 1000);
        let mut rec = recording(source.id);
        rec.id = RecordingId::new_at(started_at);
        rec.started_at = started_at;
        rec.ended_at = over.then_some(WallTime::from_millis(started_at.as_millis() + 1));
        insert_recording(&mut tx, &rec).await.unwrap();
        ids.push(rec.id);
    }
    tx.commit().await.unwrap();
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_with_one_recording_backs_off_alone() {
    on_each(async |fresh| {
        let ids = recordings(&fresh.store, &[false, false, false, false, false]).await;
        let [fails, panics, hangs, hopeless, fine] = ids[..].try_into().unwrap();
        let steps = Arc::new(Mutex::new(Vec::new()));
        let act: Act = Arc::new(move |rec, nth| match rec.id {
            id if id == fails && nth < 4 => Err(StageError::retry("model is loading")),
            id if id == panics && nth == 1 => panic!("index out of range"),
            id if id == hangs && nth == 1 => Err(StageError::retry("hang")),
            id if id == hopeless => Err(StageError::give_up("no such codec")),
            _ => Ok(Progress::Idle),
        });
        let follower = Scripted { steps: steps.clone(), act };
        let engine = Running::start(&fresh.store, Engine::builder().follower(follower).options(options()));
        let counts = || {
            let mut counts: HashMap<RecordingId, usize> = HashMap::new();
            steps.lock().unwrap().iter().for_each(|s| *counts.entry(s.0).or_default() += 1);
            counts
        };
        let seen = until("the trouble shows", async || {
            let status = engine.status.snapshot();
            status.followers.iter().find(|f| f.recording_id == panics && f.failures == 1).cloned()
        })
        .await;
        assert_eq!(seen.error.as_deref(), Some("it panicked: index out of range"));
        until("all but the hopeless are followed again", async || {
            let status = engine.status.snapshot();
            let well = status.problems().is_empty() && counts().get(&fails).is_some_and(|n| *n > 4);
            (well && [panics, hangs].iter().all(|id| counts()[id] > 2)).then_some(())
        })
        .await;
        engine.stop().await;

        let counts = counts();
        assert_eq!(counts[&hopeless], 1, "given up once");
        let left = fresh.store.recordings_to_follow("scripted").await.unwrap();
        assert!(left.iter().all(|r| r.id != hopeless) && left.len() == 4);
        let lines = fresh.store.audit_of(&hopeless.to_string()).await.unwrap();
        assert_eq!(lines[0].detail.as_deref(), Some("scripted: no such codec"));
        assert!(counts[&fine] > 4);
        // 1, 2 and 4 s scaled by 0.05, at least half of each.
        let of_fails: Vec<Instant> =
            steps.lock().unwrap().iter().filter(|s| s.0 == fails).map(|s| s.1).collect();
        for (n, least_ms) in [(0, 25), (1, 50), (2, 100)] {
            assert!(of_fails[n + 1] - of_fails[n] >= Duration::from_millis(least_ms), "wait {n}");
        }
    })
    .await;
}

/// Ends a step only when another recording is being stepped at the same time.
struct Meeting(tokio::sync::Barrier);

#[async_trait]
impl Follower for Meeting {
    fn name(&self) -> &'static str {
        "meeting"
    }
    fn at_once(&self) -> usize {
        2
    }
    async fn step(&self, _: &FollowCtx, _: &Recording) -> Result<Progress, StageError> {
        let met = tokio::time::timeout(Duration::from_secs(20), self.0.wait()).await;
        met.map_err(|_| StageError::give_up("nobody came"))?;
        Ok(Progress::Idle)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_live_recordings_are_stepped_at_once() {
    on_each(async |fresh| {
        let ids = recordings(&fresh.store, &[false, false, false, false]).await;
        let follower = Meeting(tokio::sync::Barrier::new(2));
        let engine = Running::start(&fresh.store, Engine::builder().follower(follower).options(options()));
        until("all have met somebody", async || {
            let followers = engine.status.snapshot().followers;
            ids.iter().all(|id| followers.iter().any(|f| f.recording_id == *id)).then_some(())
        })
        .await;
        engine.stop().await;
        assert_eq!(fresh.store.recordings_to_follow("meeting").await.unwrap().len(), 4, "none gave up");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_recordings_go_before_back_fill() {
    on_each(async |fresh| {
        let ids = recordings(&fresh.store, &[true, false, false]).await;
        let old = ids[0];
        let steps = Arc::new(Mutex::new(Vec::new()));
        let act: Act = Arc::new(move |rec, nth| match nth {
            1..=5 => Ok(Progress::Advanced),
            _ if rec.ended_at.is_some() => Ok(Progress::Done),
            _ => Ok(Progress::Idle),
        });
        let follower = Scripted { steps: steps.clone(), act };
        let engine = Running::start(&fresh.store, Engine::builder().follower(follower).options(options()));
        until("the old one is done", async || {
            (fresh.store.recordings_to_follow("scripted").await.unwrap().len() == 2).then_some(())
        })
        .await;
        engine.stop().await;
        let steps: Vec<_> = steps.lock().unwrap().iter().map(|s| s.0).collect();
        let first_old = steps.iter().position(|id| *id == old).unwrap();
        assert!(first_old >= 10, "both live ones had their five steps first: {first_old}");
        assert_eq!(steps.iter().filter(|id| **id == old).count(), 6);
    })
    .await;
}
