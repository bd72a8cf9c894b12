//! The queue that hands tickets to processes: apalis, and the only file that names it.
//!
//! apalis claims a ticket for one worker among all processes, in order of priority. Everything else about a job is
//! ours: when and whether it runs, its attempts, its lease, its fence are columns of the job's row. So what apalis
//! does differently on its two databases, or not durably, never decides anything, and its tables may be lost: the
//! next tick hands out the tickets again.
//!
//! Sharp edges of apalis 1.0 and what is done about each:
//! - a failed task is fetched again at once, whatever its back-off: a handler here never fails its task, and every
//!   task has `max_attempts(1)`;
//! - recovery of a dead worker's tasks ignores `max_attempts`: attempts are counted in the job's row;
//! - the same idempotency key again is an error on PostgreSQL and silence on SQLite: [`Queue::enqueue`] answers
//!   [`Enqueue::AlreadyThere`] on both;
//! - by default a worker claims ten tasks ahead and is dead after five minutes: one task, [`Lease`] here;
//! - `run()` ends when the worker's lease is lost: [`Queue::serve`] then returns and is called again under a new name;
//! - its SQLite `setup` turns `synchronous` off for the whole file: the store runs its migrations instead.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use apalis::prelude::{
    PollSnapshot, PollStrategy, PollWith, TaskBuilder, WorkerBuilder, WorkerBuilderExt as _, WorkerContext,
};
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use clipmill_domain::{JobId, WallTime};
use clipmill_store::{Db, Store, StoreError};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, SqlitePool, migrate::Migrator};
use tokio::{sync::mpsc, time::Interval};
use tokio_util::sync::CancellationToken;

use crate::stage::QueueName;

/// Name of the table in which apalis's migrations are counted, apart from the store's own.
const MIGRATIONS_TABLE: &str = "clipmill_queue_migrations";

/// PostgreSQL extensions that apalis's migrations create.
const EXTENSIONS: [&str; 2] = ["hstore", "pgcrypto"];

/// A failure of the queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue's tables could not be made.
    #[error("cannot prepare the job queue: {0}")]
    Prepare(#[from] StoreError),
    /// PostgreSQL lacks extensions that the queue's tables need.
    #[error(
        "the PostgreSQL server lacks the extensions {0}: install its contrib package (Debian: postgresql-contrib)"
    )]
    Extensions(String),
    /// A statement failed.
    #[error("job queue: {0}")]
    Database(#[from] sqlx::Error),
    /// A worker's loop ended with an error.
    #[error("job queue worker: {0}")]
    Worker(String),
}

/// How a process proves to the queue that it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// Heartbeats missed before others take over.
    pub missed: u32,
}

impl Default for Lease {
    /// 5 s, four times.
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(5), missed: 4 }
    }
}

impl Lease {
    /// Silence after which others take over.
    pub fn lapse(&self) -> Duration {
        self.heartbeat.saturating_mul(self.missed.max(1))
    }
}

/// "This job may begin attempt `attempt`." All that travels through the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The job.
    pub job: JobId,
    /// The attempt that is to begin, from 1.
    pub attempt: i64,
}

impl Ticket {
    fn key(&self) -> String {
        format!("{}:{}", self.job, self.attempt)
    }
}

/// What [`Queue::enqueue`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueue {
    /// The ticket is now in the queue.
    Enqueued,
    /// It was there and is not finished.
    AlreadyThere,
}

/// Runs one ticket to its end. Never fails: what goes wrong is written in the job's row.
pub type Handler = Arc<dyn Fn(Ticket) -> BoxFuture<'static, ()> + Send + Sync>;

/// How [`Queue::serve`] works.
#[derive(Debug, Clone)]
pub struct Serve {
    /// Which queue.
    pub queue: QueueName,
    /// Name of the worker; never reuse one.
    pub worker: String,
    /// Tickets handled at the same time.
    pub slots: usize,
    /// Proof of life.
    pub lease: Lease,
    /// Longest time between two looks at the queue while a slot is free.
    pub poll: Duration,
}

/// The tickets of one database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue(Tables);

#[derive(Debug, Clone)]
enum Tables {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

fn apalis_queue(queue: QueueName) -> String {
    format!("clipmill.{queue}")
}

/// apalis takes the larger first and knows no negative priority.
fn apalis_priority(priority: i32) -> usize {
    const MIDDLE: i32 = 1_000_000;
    usize::try_from(priority.clamp(-MIDDLE, MIDDLE).saturating_add(MIDDLE)).unwrap_or(0)
}

/// Makes the worker's stream of one backend and runs it; the two backends have the same shape but no common type.
macro_rules! serve {
    ($storage:ident, $config:ty, $pool:expr, $serve:expr, $wake:expr, $handler:expr, $stop:expr) => {{
        let config = <$config>::default()
            .queue(apalis_queue($serve.queue))
            .batch_size(1)
            .heartbeat_interval($serve.lease.heartbeat)
            .missed_heartbeats(usize::try_from($serve.lease.missed.max(1)).unwrap_or(1));
        let storage = $storage::<Ticket>::new(&$pool).with_config(config);
        let backend = PollWith::new(storage, Doorbell::new($serve.poll, $wake));
        let context = WorkerContext::new(&$serve.worker);
        let handler: Handler = $handler;
        let worker = WorkerBuilder::new(&context)
            .backend(backend)
            .concurrency($serve.slots.max(1))
            .build(move |ticket: Ticket| handler(ticket));
        async move {
            let mut run: BoxFuture<'static, _> = Box::pin(worker.run());
            let end = tokio::select! {
                end = &mut run => end,
                () = $stop.cancelled_owned() => {
                    // Not started yet is stopped enough; otherwise wait until the handlers in hand are done.
                    if context.stop().is_ok() { run.await } else { Ok(()) }
                }
            };
            end.map_err(|e| QueueError::Worker(e.to_string()))
        }
    }};
}

impl Queue {
    /// Opens the queue that belongs to a store and brings its tables up to date.
    ///
    /// # Errors
    /// When the tables cannot be made.
    pub async fn open(store: &Store) -> Result<Self, QueueError> {
        let mut migrations = match store.db() {
            Db::Sqlite(_) => SqliteStorage::migrations(),
            Db::Postgres(_) => PostgresStorage::migrations(),
        };
        migrations.dangerous_set_table_name(MIGRATIONS_TABLE);
        let missing = missing_extensions(store).await?;
        if !missing.is_empty() {
            return Err(QueueError::Extensions(missing.join(" and ")));
        }
        migrate(store.clone(), migrations).await?;
        Ok(Self(match store.db() {
            Db::Sqlite(pools) => Tables::Sqlite(pools.queue.clone()),
            Db::Postgres(pool) => Tables::Postgres(pool.clone()),
        }))
    }

    /// Puts a ticket into `queue` unless the same one is there unfinished; a finished one makes room. It may be
    /// claimed from `due` on (whole seconds, rounded down); larger `priority` first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue(
        &self,
        queue: QueueName,
        ticket: &Ticket,
        due: WallTime,
        priority: i32,
    ) -> Result<Enqueue, QueueError> {
        let name = apalis_queue(queue);
        let key = ticket.key();
        let due_s = u64::try_from(due.as_millis() / 1000).unwrap_or(0);
        let args = serde_json::to_vec(ticket).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
        let task = TaskBuilder::new(args)
            .idempotency_key(&key)
            .max_attempts(1)
            .priority(apalis_priority(priority))
            .run_at_timestamp(due_s)
            .build();
        match &self.0 {
            Tables::Sqlite(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query(
                    "DELETE FROM Jobs WHERE job_type = $1 AND idempotency_key = $2
                     AND status IN ('Done', 'Failed', 'Killed')",
                )
                .bind(&name)
                .bind(&key)
                .execute(&mut *tx)
                .await?;
                // The delete took the write lock, so nobody can insert between this look and the push.
                let there = sqlx::query("SELECT 1 FROM Jobs WHERE job_type = $1 AND idempotency_key = $2")
                    .bind(&name)
                    .bind(&key)
                    .fetch_optional(&mut *tx)
                    .await?;
                if there.is_none() {
                    apalis_sqlite::queries::push_tasks(&mut *tx, &name, &[task]).await.map_err(of_sqlite)?;
                }
                tx.commit().await?;
                Ok(if there.is_some() { Enqueue::AlreadyThere } else { Enqueue::Enqueued })
            }
            Tables::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query(
                    "DELETE FROM apalis.jobs WHERE job_type = $1 AND idempotency_key = $2
                     AND status IN ('Done', 'Failed', 'Killed')",
                )
                .bind(&name)
                .bind(&key)
                .execute(&mut *tx)
                .await?;
                match apalis_postgres::queries::push_tasks(&mut *tx, &name, vec![task])
                    .await
                    .map_err(of_postgres)
                {
                    Ok(()) => {
                        tx.commit().await?;
                        Ok(Enqueue::Enqueued)
                    }
                    // The transaction is aborted by the error; dropping it rolls back.
                    Err(sqlx::Error::Database(e)) if e.is_unique_violation() => Ok(Enqueue::AlreadyThere),
                    Err(e) => Err(e.into()),
                }
            }
        }
    }

    /// Claims tickets and hands them to `handler` until `stop`; then claims no more and returns when the handlers in
    /// hand are done. `wake` makes it look at once. Only as many tickets are claimed as there are free slots.
    ///
    /// # Errors
    /// When the worker's lease is lost or the database fails. Futures of `handler` in hand are dropped then.
    pub fn serve(
        &self,
        serve: Serve,
        wake: mpsc::Receiver<()>,
        handler: Handler,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), QueueError>> {
        match self.0.clone() {
            Tables::Sqlite(pool) => {
                Box::pin(serve!(SqliteStorage, apalis_sqlite::Config, pool, serve, wake, handler, stop))
            }
            Tables::Postgres(pool) => {
                Box::pin(serve!(PostgresStorage, apalis_postgres::Config, pool, serve, wake, handler, stop))
            }
        }
    }

    /// Forgets tickets finished, and workers silent, since before `before`. Returns how many tickets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune(&self, before: WallTime) -> Result<u64, QueueError> {
        let before_s = before.as_millis() / 1000;
        match &self.0 {
            Tables::Sqlite(pool) => {
                let mut tx = pool.begin().await?;
                let gone = sqlx::query(
                    "DELETE FROM Jobs WHERE status IN ('Done', 'Failed', 'Killed') AND done_at < $1",
                )
                .bind(before_s)
                .execute(&mut *tx)
                .await?;
                sqlx::query(
                    "DELETE FROM Workers WHERE last_seen < $1
                     AND NOT EXISTS (SELECT 1 FROM Jobs WHERE Jobs.lock_by = Workers.id)",
                )
                .bind(before_s)
                .execute(&mut *tx)
                .await?;
                tx.commit().await?;
                Ok(gone.rows_affected())
            }
            Tables::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                let gone = sqlx::query(
                    "DELETE FROM apalis.jobs WHERE status IN ('Done', 'Failed', 'Killed')
                     AND done_at < to_timestamp($1)",
                )
                .bind(before_s)
                .execute(&mut *tx)
                .await?;
                sqlx::query(
                    "DELETE FROM apalis.workers w WHERE last_seen < to_timestamp($1)
                     AND NOT EXISTS (SELECT 1 FROM apalis.jobs j WHERE j.lock_by = w.id)",
                )
                .bind(before_s)
                .execute(&mut *tx)
                .await?;
                tx.commit().await?;
                Ok(gone.rows_affected())
            }
        }
    }
}

/// Which of the extensions that the queue needs cannot be created on this PostgreSQL server; always none on SQLite.
///
/// # Errors
/// When the database fails.
pub async fn missing_extensions(store: &Store) -> Result<Vec<&'static str>, QueueError> {
    let Db::Postgres(pool) = store.db() else { return Ok(Vec::new()) };
    let mut missing = Vec::new();
    for name in EXTENSIONS {
        let found = sqlx::query("SELECT 1 FROM pg_available_extensions WHERE name = $1").bind(name);
        if found.fetch_optional(pool).await?.is_none() {
            missing.push(name);
        }
    }
    Ok(missing)
}

/// Runs the migrations on a thread that may wait: the compiler cannot see that the migrator's future is `Send`, and
/// nobody who awaits it could then be spawned.
async fn migrate(store: Store, migrations: Migrator) -> Result<(), QueueError> {
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(store.migrate_guest(&migrations)));
    done.await
        .map_err(|e| QueueError::Worker(format!("its migrations ended: {e}")))?
        .map_err(QueueError::Prepare)
}

fn of_sqlite(error: apalis_sqlite::Error) -> sqlx::Error {
    match error {
        apalis_sqlite::Error::Database(e) => e,
        other => sqlx::Error::Protocol(other.to_string()),
    }
}

fn of_postgres(error: apalis_postgres::Error) -> sqlx::Error {
    match error {
        apalis_postgres::Error::Database(e) => e,
        other => sqlx::Error::Protocol(other.to_string()),
    }
}

/// Looks at the queue when rung, and every interval. Unlike apalis's own strategies it always leaves its waker
/// behind, so a ring between two polls is never lost.
struct Doorbell {
    interval: Interval,
    rung: mpsc::Receiver<()>,
    hung_up: bool,
}

impl Doorbell {
    fn new(every: Duration, rung: mpsc::Receiver<()>) -> Self {
        let mut interval = tokio::time::interval(every.max(Duration::from_millis(1)));
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { interval, rung, hung_up: false }
    }
}

impl PollStrategy for Doorbell {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        while self.interval.poll_tick(cx).is_ready() {}
        while !self.hung_up {
            match self.rung.poll_recv(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => self.hung_up = true,
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_keep_their_order_and_never_go_below_zero() {
        assert!(apalis_priority(-5) < apalis_priority(0) && apalis_priority(0) < apalis_priority(7));
        assert_eq!(apalis_priority(i32::MIN), 0);
    }

    #[test]
    fn a_lease_lapses_after_twenty_seconds() {
        assert_eq!(Lease::default().lapse(), Duration::from_secs(20));
    }
}
