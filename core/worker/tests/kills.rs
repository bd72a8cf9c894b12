//! Processes that are killed or frozen at the worst moment: the work is done once.

mod rig;

use std::time::Duration;

use async_trait::async_trait;
use clipmill_domain::{RecordingId, recording::Recording};
use clipmill_store::{
    audit::audit,
    followers::{FollowerPos, set_follower},
    jobs::JobState,
    recordings::{end_recording, insert_recording},
    sources::add_source,
    testing::{NOW, TestStore, new_source, on_each, recording},
};
use clipmill_worker::{Engine, FollowCtx, Follower, Progress, StageError};
use rig::{
    Running, Stamp, act, child_on, flag, flagged, job_of, job_reaches, new_id, short_lease, stamps, until,
};
use tokio_util::sync::CancellationToken;

/// What the children of these tests do. Alone it does nothing, which is why it is ignored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of other tests"]
async fn child() {
    match rig::told(rig::ROLE).as_str() {
        "hang" => work_forever("hang", "a-child").await,
        "hang elsewhere" => work_forever("hang", "another-child").await,
        "freeze" => work_forever("freeze", "a-child").await,
        "follow" => {
            let store = rig::told_store().await;
            let engine =
                Engine::builder().follower(Counting { dies_at: Some(4) }).options(short_lease()).build();
            engine.run(store, CancellationToken::new()).await.unwrap();
        }
        other => panic!("no such role: {other:?}"),
    }
}

/// An engine whose job says that it began, and then waits to be killed or for the flag `go`.
async fn work_forever(kind: &'static str, instance: &str) {
    let store = rig::told_store().await;
    let dir = camino::Utf8PathBuf::from(rig::told(rig::DIR));
    let id = rig::told(rig::ID).parse().unwrap();
    let run = act(move |cx, _| {
        let dir = dir.clone();
        async move {
            std::fs::write(flag(&dir, &format!("began-{}", cx.attempt)), b"").unwrap();
            if kind == "freeze" {
                while !flag(&dir, "go").exists() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return Ok("the zombie".to_owned());
            }
            std::future::pending().await
        }
    });
    let engine =
        Engine::builder().stage(Stamp::new(&[id], run)).options(short_lease()).instance(instance).build();
    engine.run(store, CancellationToken::new()).await.unwrap();
}

fn survivor(id: clipmill_domain::ClipId) -> clipmill_worker::EngineBuilder {
    let run = act(|cx, _| async move { Ok(format!("attempt {}", cx.attempt)) });
    Engine::builder().stage(Stamp::new(&[id], run)).options(short_lease())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_its_job_to_another_which_does_it_once() {
    on_each(async |fresh| {
        let id = new_id();
        let victim = child_on(fresh, "hang", &id.to_string());
        flagged(&fresh.data_dir, "began-1").await;
        let engine = Running::start(&fresh.store, survivor(id));
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let held = job_of(&fresh.store, id).await.unwrap();
        assert_eq!((held.state, held.attempt), (JobState::Running, 1), "a living process keeps its job");
        victim.kill();
        let done = job_reaches(&fresh.store, id, JobState::Done).await;
        // Long enough for the queue beneath to hand the dead worker's ticket out again.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        engine.stop().await;
        assert_eq!(done.attempt, 2);
        assert_eq!(stamps(&fresh.store, id).await, ["attempt 2"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_kills_its_process_every_time_is_dead_in_the_end() {
    on_each(async |fresh| {
        let id = new_id();
        // The same name: the next process begins it again at once, without waiting for the lease.
        for attempt in 1..=3 {
            let victim = child_on(fresh, "hang", &id.to_string());
            flagged(&fresh.data_dir, &format!("began-{attempt}")).await;
            victim.kill();
        }
        let engine = Running::start(&fresh.store, survivor(id));
        let dead = job_reaches(&fresh.store, id, JobState::Dead).await;
        engine.stop().await;
        assert!(stamps(&fresh.store, id).await.is_empty());
        let error = dead.last_error.unwrap();
        assert!(error.starts_with("3 attempts used up"), "{error}");
        let actions: Vec<_> = fresh.store.audit_of(&id.to_string()).await.unwrap();
        assert_eq!(actions.iter().filter(|l| l.action == "job.dead").count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_process_that_wakes_up_late_changes_nothing() {
    on_each(async |fresh| {
        let id = new_id();
        let zombie = child_on(fresh, "freeze", &id.to_string());
        flagged(&fresh.data_dir, "began-1").await;
        // Not in the middle of its first heartbeat, which holds the database for a moment.
        tokio::time::sleep(Duration::from_millis(120)).await;
        zombie.signal("STOP");
        let engine = Running::start(&fresh.store, survivor(id));
        job_reaches(&fresh.store, id, JobState::Done).await;
        assert_eq!(stamps(&fresh.store, id).await, ["attempt 2"]);
        std::fs::write(flag(&fresh.data_dir, "go"), b"").unwrap();
        zombie.signal("CONT");
        // It either notices the lost lease in its next heartbeat, or returns and is refused at its commit.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        engine.stop().await;
        assert_eq!(stamps(&fresh.store, id).await, ["attempt 2"]);
        assert_eq!(job_of(&fresh.store, id).await.unwrap().attempt, 2);
    })
    .await;
}

/// Counts to 8 in the audit log of a recording, one number a step; may die between its output and its commit.
struct Counting {
    dies_at: Option<i64>,
}

#[async_trait]
impl Follower for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }
    async fn step(&self, cx: &FollowCtx, rec: &Recording) -> Result<Progress, StageError> {
        let at = cx.store.follower(rec.id, self.name()).await?.position + 1;
        if at == 8 {
            return Ok(if rec.ended_at.is_some() { Progress::Done } else { Progress::Idle });
        }
        let mut tx = cx.store.begin().await?;
        audit(&mut tx, cx.now(), "test", "counted", &rec.id.to_string(), Some(&at.to_string())).await?;
        let pos = FollowerPos { position: at, ..FollowerPos::default() };
        set_follower(&mut tx, rec.id, self.name(), &pos).await?;
        if self.dies_at == Some(at) {
            std::process::abort();
        }
        tx.commit().await?;
        Ok(Progress::Advanced)
    }
}

async fn live_recording(fresh: &TestStore) -> RecordingId {
    let mut tx = fresh.store.begin().await.unwrap();
    let source = new_source("shop");
    add_source(&mut tx, &source).await.unwrap();
    let rec = recording(source.id);
    insert_recording(&mut tx, &rec).await.unwrap();
    tx.commit().await.unwrap();
    rec.id
}

async fn counted(fresh: &TestStore, id: RecordingId) -> Vec<String> {
    let lines = fresh.store.audit_of(&id.to_string()).await.unwrap();
    lines.into_iter().filter(|l| l.action == "counted").filter_map(|l| l.detail).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_dies_goes_on_where_it_was_and_doubles_nothing() {
    on_each(async |fresh| {
        let id = live_recording(fresh).await;
        let mut dying = child_on(fresh, "follow", "");
        let ended = tokio::task::spawn_blocking(move || dying.0.wait().unwrap()).await.unwrap();
        assert!(!ended.success(), "it dies in its fifth step");
        assert_eq!(counted(fresh, id).await, ["0", "1", "2", "3"]);

        let builder = Engine::builder().follower(Counting { dies_at: None }).options(short_lease());
        let engine = Running::start(&fresh.store, builder);
        until("it counted to the end", async || (counted(fresh, id).await.len() == 8).then_some(())).await;
        let still = fresh.store.recordings_to_follow("counting").await.unwrap();
        assert_eq!(still.len(), 1, "a live recording is never done");
        let mut tx = fresh.store.begin().await.unwrap();
        end_recording(&mut tx, id, NOW, clipmill_domain::recording::EndReason::Finished).await.unwrap();
        tx.commit().await.unwrap();
        until("it is done", async || {
            fresh.store.recordings_to_follow("counting").await.unwrap().is_empty().then_some(())
        })
        .await;
        engine.stop().await;
        assert_eq!(counted(fresh, id).await, ["0", "1", "2", "3", "4", "5", "6", "7"]);
        assert_eq!(
            fresh.store.follower(id, "counting").await.unwrap().position,
            7,
            "the mark keeps the position"
        );
    })
    .await;
}
