//! One engine, one job at a time gone wrong: every way an attempt can fail leads to the right row.

mod rig;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use clipmill_domain::Clock;
use clipmill_store::{
    jobs::{self, JobState},
    testing::on_each,
};
use clipmill_worker::{Engine, EngineOptions, QueueName, StageError, SystemClock, Wake};
use rig::{Running, Stamp, act, job_of, job_reaches, new_id, options, stamps, until};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_job_waits_for_its_time_and_then_succeeds() {
    on_each(async |fresh| {
        let id = new_id();
        let starts = Arc::new(Mutex::new(Vec::new()));
        let seen = starts.clone();
        let stage = Stamp::new(
            &[id],
            act(move |cx, _| {
                seen.lock().unwrap().push(Instant::now());
                async move {
                    match cx.attempt {
                        1 => Err(StageError::retry_after(Duration::from_millis(1200), "not yet")),
                        n => Ok(format!("attempt {n}")),
                    }
                }
            }),
        );
        let engine = Running::stage(&fresh.store, stage);
        let waiting = until("it failed once", async || {
            job_of(&fresh.store, id).await.filter(|j| j.state == JobState::Ready && j.attempt == 1)
        })
        .await;
        assert_eq!(waiting.last_error.as_deref(), Some("not yet"));
        assert!(waiting.next_attempt_at.millis_since(waiting.updated_at) >= 1200);
        job_reaches(&fresh.store, id, JobState::Done).await;
        engine.stop().await;
        assert_eq!(stamps(&fresh.store, id).await, ["attempt 2"]);
        let starts = starts.lock().unwrap();
        assert_eq!(starts.len(), 2);
        assert!(starts[1] - starts[0] >= Duration::from_millis(1150), "fetched again at once: {starts:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panics_and_errors_use_up_the_attempts_and_leave_the_others_alone() {
    on_each(async |fresh| {
        let (bad, good, hopeless) = (new_id(), new_id(), new_id());
        let runs = Arc::new(AtomicUsize::new(0));
        let count = runs.clone();
        let stage = Stamp::new(
            &[bad, good, hopeless],
            act(move |_, id| {
                let count = count.clone();
                async move {
                    if id == bad {
                        count.fetch_add(1, Ordering::SeqCst);
                        panic!("bad input {}", 7);
                    }
                    if id == hopeless {
                        return Err(StageError::needs_operator("log in again"));
                    }
                    Ok("fine".to_owned())
                }
            }),
        );
        let engine = Running::stage(&fresh.store, stage);
        let dead = job_reaches(&fresh.store, bad, JobState::Dead).await;
        job_reaches(&fresh.store, good, JobState::Done).await;
        assert_eq!((runs.load(Ordering::SeqCst), dead.attempt), (3, 3));
        // An operator's wish is good for one more attempt.
        let mut tx = fresh.store.begin().await.unwrap();
        assert!(jobs::revive_job(&mut tx, dead.id, SystemClock.now()).await.unwrap());
        tx.commit().await.unwrap();
        let again = job_reaches(&fresh.store, bad, JobState::Dead).await;
        assert_eq!((runs.load(Ordering::SeqCst), again.attempt), (4, 4));
        let told = job_reaches(&fresh.store, hopeless, JobState::Dead).await;
        engine.stop().await;
        assert_eq!(dead.last_error.as_deref(), Some("it panicked: bad input 7"));
        assert_eq!((told.attempt, told.last_error.as_deref()), (1, Some("log in again")));
        let audit = |id: clipmill_domain::ClipId| async move {
            let lines = fresh.store.audit_of(&id.to_string()).await.unwrap();
            lines.into_iter().map(|l| (l.action, l.detail.unwrap_or_default())).collect::<Vec<_>>()
        };
        let line = ("job.dead".to_owned(), "test.stamp: it panicked: bad input 7".to_owned());
        assert_eq!(audit(bad).await, [line.clone(), line]);
        assert_eq!(audit(hopeless).await, [("job.needs_operator".into(), "test.stamp: log in again".into())]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_run_ends_at_its_deadline_or_when_it_falls_silent() {
    on_each(async |fresh| {
        let (slow, silent, lively) = (new_id(), new_id(), new_id());
        let told_to_stop = Arc::new(AtomicUsize::new(0));
        let told = told_to_stop.clone();
        let hang = act(move |cx, _| {
            let told = told.clone();
            async move {
                if cx.attempt > 1 {
                    return Ok("second".to_owned());
                }
                cx.stop.cancelled().await;
                told.fetch_add(1, Ordering::SeqCst);
                std::future::pending().await
            }
        });
        let by_deadline = Stamp {
            name: "test.deadline",
            deadline: Duration::from_millis(300),
            ..Stamp::new(&[slow], hang.clone())
        };
        let stall = Some(Duration::from_millis(400));
        let by_silence = Stamp { name: "test.stall", stall, ..Stamp::new(&[silent], hang) };
        let beats = act(|cx, _| async move {
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                cx.beat();
            }
            Ok(format!("attempt {}", cx.attempt))
        });
        let beating = Stamp {
            name: "test.beats",
            stall: Some(Duration::from_millis(1200)),
            ..Stamp::new(&[lively], beats)
        };
        let builder = Engine::builder().stage(by_deadline).stage(by_silence).stage(beating);
        let engine =
            Running::start(&fresh.store, builder.concurrency(QueueName::Small, 3).options(options()));
        let after = async |id| until("it failed", async || job_of(&fresh.store, id).await?.last_error).await;
        assert_eq!(after(slow).await, "stopped at its deadline of 300ms");
        assert!(after(silent).await.starts_with("stopped: no progress for 0."));
        for id in [slow, silent, lively] {
            job_reaches(&fresh.store, id, JobState::Done).await;
        }
        engine.stop().await;
        assert_eq!(told_to_stop.load(Ordering::SeqCst), 2);
        assert_eq!(stamps(&fresh.store, slow).await, ["second"]);
        assert_eq!(stamps(&fresh.store, lively).await, ["attempt 1"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_attempts_only_the_last_commits() {
    on_each(async |fresh| {
        let id = new_id();
        let (second_began, first_ended) = (CancellationToken::new(), CancellationToken::new());
        let (began, ended) = (second_began.clone(), first_ended.clone());
        let stage = Stamp::new(
            &[id],
            act(move |cx, _| {
                let (began, ended) = (began.clone(), ended.clone());
                async move {
                    if cx.attempt == 1 {
                        began.cancelled().await;
                        ended.cancel();
                    } else {
                        began.cancel();
                        ended.cancelled().await;
                        // Long enough for the first to try its commit.
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                    Ok(format!("attempt {}", cx.attempt))
                }
            }),
        );
        let engine = Running::stage(&fresh.store, stage);
        job_reaches(&fresh.store, id, JobState::Running).await;
        // Its lease lapses without its knowing.
        let mut tx = fresh.store.begin().await.unwrap();
        let taken = jobs::reclaim_stale(&mut tx, -60_000, SystemClock.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(taken.len(), 1);
        let done = job_reaches(&fresh.store, id, JobState::Done).await;
        engine.stop().await;
        assert!(first_ended.is_cancelled());
        assert_eq!(done.attempt, 2);
        assert_eq!(stamps(&fresh.store, id).await, ["attempt 2"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_what_ends_within_the_grace_and_gives_back_the_rest() {
    on_each(async |fresh| {
        let (quick, endless) = (new_id(), new_id());
        let dirs = Arc::new(Mutex::new(Vec::new()));
        let made = dirs.clone();
        let stage = Stamp::new(
            &[quick, endless],
            act(move |cx, id| {
                let dir = cx.temp_dir().unwrap().to_owned();
                std::fs::write(dir.join("half"), b"x").unwrap();
                made.lock().unwrap().push(dir);
                async move {
                    if id == endless && cx.attempt == 1 && !cx.stop.is_cancelled() {
                        std::future::pending::<()>().await;
                    }
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    Ok("whole".to_owned())
                }
            }),
        );
        let grace = Duration::from_millis(900);
        let builder = Engine::builder().stage(stage).options(EngineOptions { grace, ..options() });
        let engine = Running::start(&fresh.store, builder);
        until("both run", async || (engine.status.snapshot().running.len() == 2).then_some(())).await;
        let began = Instant::now();
        engine.stop().await;
        let took = began.elapsed();
        assert!(took >= grace && took < grace + Duration::from_secs(5), "{took:?}");
        assert_eq!(stamps(&fresh.store, quick).await, ["whole"]);
        let back = job_of(&fresh.store, endless).await.unwrap();
        assert_eq!(
            (back.state, back.attempt, back.owner),
            (JobState::Ready, 0, None),
            "given back, not counted"
        );
        let dirs = dirs.lock().unwrap();
        assert_eq!(dirs.len(), 2);
        assert!(dirs.iter().all(|dir| !dir.exists()), "working folders are removed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_urgent_stages_go_first_and_slots_bound_what_runs() {
    on_each(async |fresh| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let (now_running, most) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
        let stage = |name: &'static str, priority, inputs: usize| {
            let (order, running, most) = (order.clone(), now_running.clone(), most.clone());
            let inputs: Vec<_> = (0..inputs).map(|_| new_id()).collect();
            let run = act(move |_, _| {
                let (order, running, most) = (order.clone(), running.clone(), most.clone());
                async move {
                    order.lock().unwrap().push(name);
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(String::new())
                }
            });
            Stamp { name, priority, queue: QueueName::Cpu, ..Stamp::new(&inputs, run) }
        };
        let (exact, draft, render) = (stage("exact", -1, 4), stage("draft", 10, 4), stage("render", 5, 4));
        let builder = Engine::builder().stage(exact).stage(draft).stage(render).options(options());
        let engine = Running::start(&fresh.store, builder.concurrency(QueueName::Cpu, 1));
        until("all ran", async || (order.lock().unwrap().len() == 12).then_some(())).await;
        engine.stop().await;
        let order = order.lock().unwrap();
        assert_eq!(order[..4], ["draft"; 4]);
        assert_eq!(order[4..8], ["render"; 4]);
        assert_eq!(most.load(Ordering::SeqCst), 1, "one slot");
    })
    .await;
}

/// Median time in milliseconds from an input's appearance to the start of its run.
async fn start_latency(fresh: &clipmill_store::testing::TestStore, ring: Option<()>) -> u128 {
    let started = Arc::new(Mutex::new(None));
    let note = started.clone();
    let stage = Stamp::new(
        &[],
        act(move |_, _| {
            *note.lock().unwrap() = Some(Instant::now());
            async { Ok(String::new()) }
        }),
    );
    let inputs = stage.inputs.clone();
    let engine = Running::start(&fresh.store, Engine::builder().stage(stage));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut waits = Vec::new();
    for n in 0..7u64 {
        // Out of step with the tick.
        tokio::time::sleep(Duration::from_millis(37 * n)).await;
        let id = new_id();
        let appeared = Instant::now();
        inputs.lock().unwrap().push(id);
        if ring.is_some() {
            Wake::ring(&engine.wake);
        }
        let began = until("it starts", async || started.lock().unwrap().take()).await;
        waits.push((began - appeared).as_millis());
        job_reaches(&fresh.store, id, JobState::Done).await;
    }
    engine.stop().await;
    waits.sort_unstable();
    println!(
        "{} ring {}: start latency in ms {waits:?}",
        fresh.url.split(':').next().unwrap(),
        ring.is_some()
    );
    waits[waits.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_starts_soon_after_its_input_appears() {
    on_each(async |fresh| {
        let rung = start_latency(fresh, Some(())).await;
        let polled = start_latency(fresh, None).await;
        // Idle, a ring takes some 20 ms and a poll 150 ms; the bounds leave room for a loaded machine.
        assert!(rung < 300 && polled < 600, "rung {rung} ms, polled {polled} ms");
    })
    .await;
}
