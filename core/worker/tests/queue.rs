//! The queue does the same on both databases, whatever the engine beneath does.

mod rig;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use clipmill_domain::{Clock, Id, JobId};
use clipmill_store::testing::on_each;
use clipmill_worker::{
    Lease, QueueName, SystemClock,
    queue::{Enqueue, Handler, Queue, Serve, Ticket, missing_extensions},
};
use rig::until;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

fn ticket(attempt: i64) -> Ticket {
    Ticket { job: JobId::new_at(SystemClock.now()), attempt }
}

fn serve(worker: &str, slots: usize) -> Serve {
    Serve {
        queue: QueueName::Small,
        worker: worker.to_owned(),
        slots,
        lease: Lease::default(),
        poll: Duration::from_millis(50),
    }
}

/// A handler that notes its tickets.
fn noting(seen: &Arc<Mutex<Vec<Ticket>>>) -> Handler {
    let seen = seen.clone();
    Arc::new(move |ticket| {
        seen.lock().unwrap().push(ticket);
        Box::pin(async {})
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_ticket_twice_is_already_there_until_it_is_finished() {
    on_each(async |fresh| {
        let queue = Queue::open(&fresh.store).await.unwrap();
        assert!(missing_extensions(&fresh.store).await.unwrap().is_empty());
        let again = Queue::open(&fresh.open_again().await).await.unwrap();
        let (one, now) = (ticket(1), SystemClock.now());
        assert_eq!(queue.enqueue(QueueName::Small, &one, now, 0).await.unwrap(), Enqueue::Enqueued);
        assert_eq!(queue.enqueue(QueueName::Small, &one, now, 0).await.unwrap(), Enqueue::AlreadyThere);
        assert_eq!(again.enqueue(QueueName::Small, &one, now, 9).await.unwrap(), Enqueue::AlreadyThere);
        let next = Ticket { attempt: 2, ..one };
        assert_eq!(queue.enqueue(QueueName::Small, &next, now, 0).await.unwrap(), Enqueue::Enqueued);

        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = CancellationToken::new();
        let (_ring, rung) = mpsc::channel(1);
        let serving = tokio::spawn(queue.serve(serve("a", 1), rung, noting(&seen), stop.clone()));
        until("both are handled", async || (seen.lock().unwrap().len() == 2).then_some(())).await;
        // Finished (once its end is written): there is room for the same ticket again.
        until("it can be enqueued again", async || {
            (queue.enqueue(QueueName::Small, &one, now, 0).await.unwrap() == Enqueue::Enqueued).then_some(())
        })
        .await;
        until("it is handled again", async || (seen.lock().unwrap().len() == 3).then_some(())).await;
        stop.cancel();
        serving.await.unwrap().unwrap();
        assert_eq!(queue.prune(now.plus_millis(60_000)).await.unwrap(), 3 - 1, "one row was replaced");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_larger_priority_is_claimed_first_and_only_free_slots_claim() {
    on_each(async |fresh| {
        let queue = Queue::open(&fresh.store).await.unwrap();
        let now = SystemClock.now();
        let [low, high, middle] = [ticket(1), ticket(1), ticket(1)];
        for (ticket, priority) in [(low, -5), (high, 10), (middle, 3)] {
            queue.enqueue(QueueName::Small, &ticket, now, priority).await.unwrap();
        }
        // Another queue's tickets are not ours.
        queue.enqueue(QueueName::Cpu, &ticket(1), now, 99).await.unwrap();

        let seen = Arc::new(Mutex::new(Vec::new()));
        let gate = CancellationToken::new();
        let handler: Handler = {
            let (seen, gate) = (seen.clone(), gate.clone());
            Arc::new(move |ticket| {
                seen.lock().unwrap().push(ticket);
                Box::pin(gate.clone().cancelled_owned())
            })
        };
        let stop = CancellationToken::new();
        let (_ring, rung) = mpsc::channel(1);
        let first = tokio::spawn(queue.serve(serve("a", 1), rung, handler, stop.clone()));
        until("the first is claimed", async || (!seen.lock().unwrap().is_empty()).then_some(())).await;
        // The one slot is taken: the rest is free for another worker, nothing was claimed ahead.
        let others = Arc::new(Mutex::new(Vec::new()));
        let (_ring, rung) = mpsc::channel(1);
        let second = tokio::spawn(queue.serve(serve("b", 1), rung, noting(&others), stop.clone()));
        until("another takes the rest", async || (others.lock().unwrap().len() == 2).then_some(())).await;
        assert_eq!(*seen.lock().unwrap(), [high]);
        assert_eq!(*others.lock().unwrap(), [middle, low]);
        stop.cancel();
        gate.cancel();
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_makes_it_look_at_once() {
    on_each(async |fresh| {
        let queue = Queue::open(&fresh.store).await.unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = CancellationToken::new();
        let (ring, rung) = mpsc::channel(1);
        let slow = Serve { poll: Duration::from_secs(3600), ..serve("a", 1) };
        let serving = tokio::spawn(queue.serve(slow, rung, noting(&seen), stop.clone()));
        for n in 1..=5 {
            tokio::time::sleep(Duration::from_millis(40)).await;
            queue.enqueue(QueueName::Small, &ticket(1), SystemClock.now(), 0).await.unwrap();
            let _ = ring.try_send(());
            until("it is handled long before the next poll", async || {
                (seen.lock().unwrap().len() == n).then_some(())
            })
            .await;
        }
        stop.cancel();
        serving.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_lease_is_lost_ends_with_an_error_and_a_new_name_works() {
    on_each(async |fresh| {
        let queue = Queue::open(&fresh.store).await.unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = CancellationToken::new();
        let quick =
            Serve { lease: Lease { heartbeat: Duration::from_millis(200), missed: 5 }, ..serve("a", 1) };
        let (_ring, rung) = mpsc::channel(1);
        let serving = tokio::spawn(queue.serve(quick.clone(), rung, noting(&seen), stop.clone()));
        queue.enqueue(QueueName::Small, &ticket(1), SystemClock.now(), 0).await.unwrap();
        until("it works", async || (seen.lock().unwrap().len() == 1).then_some(())).await;
        // Its worker row goes, as when others declared it dead.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let table = if fresh.url.starts_with("sqlite:") {
            ("Jobs", "Workers")
        } else {
            ("apalis.jobs", "apalis.workers")
        };
        fresh.damage(&format!("UPDATE {} SET lock_by = NULL", table.0)).await;
        fresh.damage(&format!("DELETE FROM {}", table.1)).await;
        let end = tokio::time::timeout(rig::PATIENCE, serving).await.expect("it notices").unwrap();
        assert!(end.is_err(), "a lost lease is an error: {end:?}");

        let (_ring, rung) = mpsc::channel(1);
        let serving = tokio::spawn(queue.serve(
            Serve { worker: "b".into(), ..quick },
            rung,
            noting(&seen),
            stop.clone(),
        ));
        queue.enqueue(QueueName::Small, &ticket(1), SystemClock.now(), 0).await.unwrap();
        until("the new one works", async || (seen.lock().unwrap().len() == 2).then_some(())).await;
        stop.cancel();
        serving.await.unwrap().unwrap();
    })
    .await;
}
