//! The tick: list what lacks an output, keep a job row for each, hand due ones to free slots.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use clipmill_store::{StoreError, jobs};
use futures::FutureExt as _;
use tokio::sync::mpsc;

use crate::{
    queue::{Enqueue, Queue, QueueError, Ticket},
    runner::{Runner, panic_text},
    stage::{ErasedStage, QueueName},
    wake::Listener,
};

/// Inputs asked of `find` at first.
const PAGE_FIRST: u32 = 64;

/// Inputs asked of `find` at most; the store gives no more.
const PAGE_MAX: u32 = 1000;

/// Longest time one `find` may take.
const FIND_DEADLINE: Duration = Duration::from_secs(30);

/// A ticket handed out this long ago and not begun is handed out again.
const REPUSH_AFTER_MS: i64 = 10_000;

/// Time between two sweeps of finished tickets.
const PRUNE_EVERY: Duration = Duration::from_secs(300);

/// Shortest time between two ticks: a burst of rings is one.
const GAP: Duration = Duration::from_millis(15);

/// Finished tickets are kept this long.
const PRUNE_AFTER_MS: i64 = 3_600_000;

/// What the tick remembers of one stage.
#[derive(Debug)]
struct Page {
    /// Inputs to ask for.
    limit: u32,
    /// Inputs of the last answer; each has a job row.
    known: HashSet<String>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: PAGE_FIRST, known: HashSet::new() }
    }
}

impl Page {
    /// Takes the answer to the last `find` and tells which of it is new. A full page without anything new is grown:
    /// dead and waiting jobs at its head must not hide new work behind them.
    fn turn(&mut self, found: Vec<String>) -> Vec<String> {
        let full = found.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX);
        let fresh: Vec<String> = found.iter().filter(|id| !self.known.contains(*id)).cloned().collect();
        if full && fresh.is_empty() {
            self.limit = self.limit.saturating_mul(2).min(PAGE_MAX);
        }
        self.known = found.into_iter().collect();
        fresh
    }
}

/// Indexes of `stages`, the larger priority first, else in their order.
fn by_priority(stages: &[(QueueName, i32)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..stages.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(stages[i].1));
    order
}

/// Ticks for one process. Any number of processes may tick on one database.
pub(crate) struct Ticker {
    runner: Arc<Runner>,
    queue: Queue,
    /// Rings the queue workers of this process.
    doors: HashMap<QueueName, mpsc::Sender<()>>,
    /// In order of priority.
    stages: Vec<Arc<dyn ErasedStage>>,
    pages: HashMap<&'static str, Page>,
    reclaimed: Option<Instant>,
    pruned: Instant,
}

impl Ticker {
    pub(crate) fn new(
        runner: Arc<Runner>,
        queue: Queue,
        doors: HashMap<QueueName, mpsc::Sender<()>>,
    ) -> Self {
        let listed: Vec<_> = runner.stages.values().cloned().collect();
        let ranks: Vec<_> = listed.iter().map(|s| (s.queue(), s.priority())).collect();
        let stages = by_priority(&ranks).into_iter().map(|i| listed[i].clone()).collect();
        Self { runner, queue, doors, stages, pages: HashMap::new(), reclaimed: None, pruned: Instant::now() }
    }

    /// Ticks at every ring and every `every`, until the engine stops.
    pub(crate) async fn run(mut self, every: Duration, mut ear: Listener) {
        let mut failures = 0;
        while !self.runner.stop.is_cancelled() {
            let trouble = match self.tick().await {
                Ok(()) => {
                    failures = 0;
                    None
                }
                Err(error) => {
                    failures += 1;
                    Some(error.to_string())
                }
            };
            self.runner.running.0.trouble("tick", trouble);
            tokio::time::sleep(GAP).await;
            // A database that is away is asked less and less often, up to every 5 s.
            let wait = every.saturating_mul(1 << failures.min(8)).min(Duration::from_secs(5)).max(every);
            tokio::select! {
                () = self.runner.stop.cancelled() => {}
                () = ear.heard_or(wait), if failures == 0 => {}
                () = tokio::time::sleep(wait), if failures > 0 => {}
            }
        }
    }

    async fn tick(&mut self) -> Result<(), QueueError> {
        for stage in self.stages.clone() {
            if self.runner.stop.is_cancelled() {
                return Ok(());
            }
            self.look(&stage).await?;
        }
        self.reclaim().await?;
        self.hand_out().await?;
        if self.pruned.elapsed() >= PRUNE_EVERY {
            self.pruned = Instant::now();
            self.queue.prune(self.runner.clock.now().plus_millis(-PRUNE_AFTER_MS)).await?;
        }
        Ok(())
    }

    /// Makes job rows for the inputs that lack this stage's output. One stage's trouble is not the others'.
    async fn look(&mut self, stage: &Arc<dyn ErasedStage>) -> Result<(), QueueError> {
        let page = self.pages.entry(stage.name()).or_default();
        let find = AssertUnwindSafe(stage.find(&self.runner.store, page.limit)).catch_unwind();
        let found = match tokio::time::timeout(FIND_DEADLINE, find).await {
            Ok(Ok(Ok(found))) => Ok(found),
            Ok(Ok(Err(error))) => Err(error.to_string()),
            Ok(Err(panic)) => Err(format!("panicked: {}", panic_text(panic.as_ref()))),
            Err(_) => Err(format!("no answer within {} s", FIND_DEADLINE.as_secs())),
        };
        let part = format!("find of {}", stage.name());
        let found = match found {
            Ok(found) => {
                self.runner.running.0.trouble(&part, None);
                found
            }
            Err(why) => {
                self.runner.running.0.trouble(&part, Some(why));
                return Ok(());
            }
        };
        let fresh = page.turn(found);
        if let Err(error) = self.ensure(stage, &fresh).await {
            // Not known after all: the next tick tries again.
            if let Some(page) = self.pages.get_mut(stage.name()) {
                page.known.clear();
            }
            return Err(error.into());
        }
        Ok(())
    }

    async fn ensure(&self, stage: &Arc<dyn ErasedStage>, inputs: &[String]) -> Result<(), StoreError> {
        if inputs.is_empty() {
            return Ok(());
        }
        let (version, now) = (stage.version(), self.runner.clock.now());
        let mut tx = self.runner.store.begin().await?;
        for input in inputs {
            jobs::ensure_job(&mut tx, stage.name(), input, &version, now).await?;
        }
        tx.commit().await
    }

    /// Takes back jobs whose attempt is silent for longer than the lease.
    async fn reclaim(&mut self) -> Result<(), StoreError> {
        let lapse = self.runner.lease.lapse();
        if self.reclaimed.is_some_and(|at| at.elapsed() < lapse / 16) {
            return Ok(());
        }
        self.reclaimed = Some(Instant::now());
        let lapse_ms = i64::try_from(lapse.as_millis()).unwrap_or(i64::MAX);
        let mut tx = self.runner.store.begin().await?;
        let taken = jobs::reclaim_stale(&mut tx, lapse_ms, self.runner.clock.now()).await?;
        tx.commit().await?;
        for job in taken {
            tracing::warn!(%job, "taken back from a process that fell silent");
        }
        Ok(())
    }

    /// Hands out as many tickets as this process has free slots, by priority: what waits, waits in our own table,
    /// where a later and more urgent job overtakes it.
    async fn hand_out(&self) -> Result<(), QueueError> {
        let mut free: BTreeMap<QueueName, usize> =
            self.runner.slots.iter().map(|(&queue, slots)| (queue, slots.available_permits())).collect();
        for stage in &self.stages {
            let Some(room) = free.get_mut(&stage.queue()) else { continue };
            let limit = u32::try_from(*room).unwrap_or(u32::MAX);
            if limit == 0 {
                continue;
            }
            let now = self.runner.clock.now();
            let (store, version) = (&self.runner.store, stage.version());
            let due = store.due_jobs(stage.name(), &version, now, REPUSH_AFTER_MS, limit).await?;
            for job in due {
                let ticket = Ticket { job: job.id, attempt: job.next_attempt() };
                let mut tx = store.begin().await?;
                let ours =
                    jobs::mark_enqueued(&mut tx, ticket.job, ticket.attempt, REPUSH_AFTER_MS, now).await?;
                tx.commit().await?;
                if !ours {
                    continue;
                }
                *room = room.saturating_sub(1);
                match self.queue.enqueue(stage.queue(), &ticket, now, stage.priority()).await? {
                    Enqueue::Enqueued => {}
                    Enqueue::AlreadyThere => tracing::debug!(job = %ticket.job, "its ticket waits already"),
                }
                if let Some(door) = self.doors.get(&stage.queue()) {
                    // Full means that it is rung already.
                    let _ = door.try_send(());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<u32>) -> Vec<String> {
        range.map(|i| i.to_string()).collect()
    }

    #[test]
    fn a_page_full_of_old_work_grows_until_new_work_shows() {
        let mut page = Page { limit: 4, known: HashSet::new() };
        assert_eq!(page.turn(ids(0..4)), ids(0..4));
        assert_eq!(page.limit, 4, "everything on it was new");
        assert!(page.turn(ids(0..4)).is_empty());
        assert_eq!(page.limit, 8);
        assert_eq!(page.turn(ids(0..6)), ids(4..6));
        assert_eq!(page.limit, 8, "not full");
        for _ in 0..20 {
            page.turn(ids(0..page.limit));
        }
        assert_eq!(page.limit, PAGE_MAX);
    }

    #[test]
    fn an_input_listed_again_after_it_was_gone_is_new_again() {
        let mut page = Page::default();
        page.turn(ids(0..2));
        page.turn(ids(0..1));
        assert_eq!(page.turn(ids(0..2)), ids(1..2));
    }

    #[test]
    fn the_larger_priority_goes_first() {
        use QueueName::{Cpu, Small};
        assert_eq!(by_priority(&[(Cpu, 1), (Small, 9), (Cpu, 5), (Small, 9), (Cpu, -3)]), [1, 3, 2, 0, 4]);
    }
}
