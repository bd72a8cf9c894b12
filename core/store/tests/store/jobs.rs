//! Jobs: asked for once, pushed once an attempt, fenced.

use clipmill_domain::{JobId, WallTime, provenance::StageVersion};
use clipmill_store::{
    Store, StoreError,
    jobs::{self, AfterFailure, JobState},
    testing::{NOW, on_each},
};

const REPUSH: i64 = 10_000;
const STAGE: &str = "clipper.cut_draft";

fn version() -> StageVersion {
    StageVersion::new("cut.draft/1")
}

/// One write in a transaction of its own.
macro_rules! write {
    ($store:expr, |$tx:ident| $call:expr) => {{
        let mut tx = $store.begin().await.unwrap();
        let $tx = &mut tx;
        let done = $call.await;
        if done.is_ok() {
            tx.commit().await.unwrap();
        }
        done
    }};
}

async fn ensure(store: &Store, input: &str, now: WallTime) -> Option<JobId> {
    write!(store, |tx| jobs::ensure_job(tx, STAGE, input, &version(), now)).unwrap()
}

async fn due(store: &Store, now: WallTime) -> Vec<JobId> {
    let due = store.due_jobs(STAGE, &version(), now, REPUSH, 100).await.unwrap();
    due.iter().map(|j| j.id).collect()
}

#[tokio::test]
async fn a_job_is_asked_for_once() {
    on_each(async |t| {
        let id = ensure(&t.store, "a", NOW).await.unwrap();
        assert_eq!(ensure(&t.store, "a", NOW).await, None);
        let newer = StageVersion::new("cut.draft/2");
        let second = write!(t.store, |tx| jobs::ensure_job(tx, STAGE, "a", &newer, NOW)).unwrap();
        assert!(second.is_some(), "another version is other work");
        assert_eq!(due(&t.store, NOW).await, [id], "and is not due for this one");
        assert!(t.store.due_jobs("other.stage", &version(), NOW, REPUSH, 9).await.unwrap().is_empty());
        assert_eq!(t.store.jobs_of("a").await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn each_attempt_is_pushed_once_and_again_when_the_push_is_lost() {
    on_each(async |t| {
        let id = ensure(&t.store, "a", NOW).await.unwrap();
        let job = t.store.job(id).await.unwrap().unwrap();
        assert_eq!((job.attempt, job.next_attempt(), job.state), (0, 1, JobState::Ready));
        assert!(write!(t.store, |tx| jobs::mark_enqueued(tx, id, 1, REPUSH, NOW)).unwrap());
        assert!(!write!(t.store, |tx| jobs::mark_enqueued(tx, id, 1, REPUSH, NOW)).unwrap());
        assert!(!write!(t.store, |tx| jobs::mark_enqueued(tx, id, 2, REPUSH, NOW)).unwrap());
        assert!(due(&t.store, NOW.plus_millis(REPUSH - 1)).await.is_empty());
        let later = NOW.plus_millis(REPUSH);
        assert_eq!(due(&t.store, later).await, [id]);
        assert!(write!(t.store, |tx| jobs::mark_enqueued(tx, id, 1, REPUSH, later)).unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_failed_attempt_waits_and_the_next_one_has_the_next_number() {
    on_each(async |t| {
        let id = ensure(&t.store, "a", NOW).await.unwrap();
        write!(t.store, |tx| jobs::mark_enqueued(tx, id, 1, REPUSH, NOW)).unwrap();
        assert_eq!(write!(t.store, |tx| jobs::start_job(tx, id, "w1", NOW)).unwrap(), Some(1));
        assert_eq!(write!(t.store, |tx| jobs::start_job(tx, id, "w2", NOW)).unwrap(), None, "it runs");
        let retry = NOW.plus_millis(5_000);
        write!(t.store, |tx| jobs::fail_job(tx, id, 1, "no disk", AfterFailure::RetryAt(retry), NOW))
            .unwrap();
        let job = t.store.job(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.last_error.as_deref()), (JobState::Ready, Some("no disk")));
        assert!(due(&t.store, NOW).await.is_empty());
        assert_eq!(write!(t.store, |tx| jobs::start_job(tx, id, "w1", NOW)).unwrap(), None, "not due");
        assert_eq!(due(&t.store, retry).await, [id], "a new attempt is pushed at once");
        assert_eq!(write!(t.store, |tx| jobs::start_job(tx, id, "w1", retry)).unwrap(), Some(2));
        write!(t.store, |tx| jobs::fail_job(tx, id, 2, "still", AfterFailure::Dead, retry)).unwrap();
        assert!(due(&t.store, retry.plus_millis(1_000_000)).await.is_empty());
        assert_eq!(ensure(&t.store, "a", retry).await, None, "dead is dead");
        assert!(write!(t.store, |tx| jobs::revive_job(tx, id, retry)).unwrap());
        assert_eq!(due(&t.store, retry).await, [id], "but an operator revives it");
        assert_eq!(write!(t.store, |tx| jobs::start_job(tx, id, "w1", retry)).unwrap(), Some(3));
    })
    .await;
}

#[tokio::test]
async fn an_attempt_that_was_taken_over_can_do_nothing() {
    on_each(async |t| {
        let id = ensure(&t.store, "a", NOW).await.unwrap();
        write!(t.store, |tx| jobs::start_job(tx, id, "w1", NOW)).unwrap();
        let lease = 20_000;
        write!(t.store, |tx| jobs::beat_job(tx, id, 1, NOW.plus_millis(15_000))).unwrap();
        let early = NOW.plus_millis(30_000);
        assert!(write!(t.store, |tx| jobs::reclaim_stale(tx, lease, early)).unwrap().is_empty());
        let late = NOW.plus_millis(36_000);
        assert_eq!(write!(t.store, |tx| jobs::reclaim_stale(tx, lease, late)).unwrap(), [id]);

        let fenced = |r: Result<(), StoreError>| matches!(r, Err(StoreError::Fenced { attempt: 1, .. }));
        for takeover in [false, true] {
            if takeover {
                let next = write!(t.store, |tx| jobs::start_job(tx, id, "w2", late)).unwrap();
                assert_eq!(next, Some(2));
            }
            assert!(fenced(write!(t.store, |tx| jobs::beat_job(tx, id, 1, late))));
            assert!(fenced(write!(t.store, |tx| jobs::finish_job(tx, id, 1, late))));
            assert!(fenced(write!(t.store, |tx| jobs::release_job(tx, id, 1, late))));
            assert!(fenced(write!(t.store, |tx| jobs::fail_job(tx, id, 1, "x", AfterFailure::Dead, late))));
        }
        let job = t.store.job(id).await.unwrap().unwrap();
        assert_eq!((job.owner.as_deref(), job.attempt, job.state), (Some("w2"), 2, JobState::Running));
        write!(t.store, |tx| jobs::finish_job(tx, id, 2, late)).unwrap();
        let again = write!(t.store, |tx| jobs::finish_job(tx, id, 2, late));
        assert!(matches!(again, Err(StoreError::Fenced { attempt: 2, .. })), "done is done");
        let counts = t.store.job_counts().await.unwrap();
        assert_eq!(counts.len(), 1);
        assert_eq!((counts[0].stage.as_str(), counts[0].state, counts[0].count), (STAGE, JobState::Done, 1));
    })
    .await;
}

/// The fence holds in the transaction that writes the output: a late commit leaves nothing behind.
#[tokio::test]
async fn a_fenced_commit_writes_nothing() {
    on_each(async |t| {
        let id = ensure(&t.store, "a", NOW).await.unwrap();
        write!(t.store, |tx| jobs::start_job(tx, id, "w1", NOW)).unwrap();
        let late = NOW.plus_millis(100_000);
        write!(t.store, |tx| jobs::reclaim_stale(tx, 20_000, late)).unwrap();
        let mut tx = t.store.begin().await.unwrap();
        clipmill_store::audit::audit(&mut tx, late, "w1", "output", "a", None).await.unwrap();
        assert!(jobs::finish_job(&mut tx, id, 1, late).await.is_err());
        drop(tx);
        assert!(t.store.audit_of("a").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_released_job_is_ready_at_once() {
    on_each(async |t| {
        let id = ensure(&t.store, "a", NOW).await.unwrap();
        write!(t.store, |tx| jobs::start_job(tx, id, "w1", NOW)).unwrap();
        write!(t.store, |tx| jobs::release_job(tx, id, 1, NOW)).unwrap();
        assert_eq!(due(&t.store, NOW).await, [id]);
        assert_eq!(write!(t.store, |tx| jobs::start_job(tx, id, "w2", NOW)).unwrap(), Some(1), "not counted");
        assert_eq!(t.store.jobs_in_state(JobState::Running, 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_process_takes_back_what_its_predecessor_left_running() {
    on_each(async |t| {
        let mine = ensure(&t.store, "a", NOW).await.unwrap();
        let other = ensure(&t.store, "b", NOW).await.unwrap();
        write!(t.store, |tx| jobs::start_job(tx, mine, "w1", NOW)).unwrap();
        write!(t.store, |tx| jobs::start_job(tx, other, "w2", NOW)).unwrap();
        assert_eq!(write!(t.store, |tx| jobs::reclaim_owned(tx, "w1", NOW)).unwrap(), [mine]);
        assert_eq!(due(&t.store, NOW).await, [mine]);
        assert_eq!(write!(t.store, |tx| jobs::start_job(tx, mine, "w1", NOW)).unwrap(), Some(2));
        let late = write!(t.store, |tx| jobs::finish_job(tx, mine, 1, NOW));
        assert!(matches!(late, Err(StoreError::Fenced { attempt: 1, .. })));
        write!(t.store, |tx| jobs::finish_job(tx, other, 1, NOW)).unwrap();
    })
    .await;
}

/// Thirty-two workers in two processes' worth of pools reach for the same eight jobs.
#[tokio::test]
async fn of_many_workers_exactly_one_starts_each_job() {
    on_each(async |t| {
        let other = t.open_again().await;
        let mut ids = Vec::new();
        for input in 0..8 {
            ids.push(ensure(&t.store, &input.to_string(), NOW).await.unwrap());
        }
        let tries = (0..32).map(|n| {
            let store = if n % 2 == 0 { t.store.clone() } else { other.clone() };
            let id = ids[n % 8];
            async move { write!(store, |tx| jobs::start_job(tx, id, &format!("w{n}"), NOW)).unwrap() }
        });
        let won = futures::future::join_all(tries).await.into_iter().flatten().collect::<Vec<i64>>();
        assert_eq!(won, [1; 8]);
        other.close().await;
    })
    .await;
}
