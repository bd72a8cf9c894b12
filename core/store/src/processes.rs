//! Which processes of the service are alive.

use clipmill_domain::WallTime;

use crate::{
    Store, StoreError,
    row::{Row, sql},
};

/// A process that has not beaten for this long is taken for dead.
pub const BEAT_MILLIS_MAX: i64 = 60_000;

/// Dead processes are forgotten after a day.
const FORGET_MILLIS: i64 = 86_400_000;

/// A process and its last sign of life.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Its role: `record`, `work`, `serve` or `run`.
    pub role: String,
    /// Names this one start of it.
    pub instance: String,
    /// Process id on its machine.
    pub pid: i64,
    /// What it says of itself.
    pub status: serde_json::Value,
    /// Its first sign of life.
    pub started_at: WallTime,
    /// Its last one.
    pub beat_at: WallTime,
}

fn read(row: &Row) -> Result<Process, StoreError> {
    Ok(Process {
        role: row.text("role")?,
        instance: row.text("instance")?,
        pid: row.int("pid")?,
        status: row.json("status")?,
        started_at: row.wall("started_at")?,
        beat_at: row.wall("beat_at")?,
    })
}

impl Store {
    /// Shows that a process is alive. Every few seconds; an instance is named anew at each start.
    pub async fn beat(
        &self,
        role: &str,
        instance: &str,
        pid: u32,
        status: &serde_json::Value,
        now: WallTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.run(
            sql("INSERT INTO processes (instance, role, pid, status, started_at, beat_at)
                 VALUES ($1, $2, $3, $4, $5, $5)
                 ON CONFLICT (instance) DO UPDATE
                 SET role = excluded.role, pid = excluded.pid, status = excluded.status,
                     beat_at = excluded.beat_at")
            .bind(instance)
            .bind(role)
            .bind(i64::from(pid))
            .bind(status.to_string())
            .bind(now),
        )
        .await?;
        tx.run(sql("DELETE FROM processes WHERE beat_at < $1").bind(now.plus_millis(-FORGET_MILLIS))).await?;
        tx.commit().await
    }

    /// The processes that beat within [`BEAT_MILLIS_MAX`], by role; the latest start of each role first.
    pub async fn processes(&self, now: WallTime) -> Result<Vec<Process>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM processes WHERE beat_at >= $1 ORDER BY role, started_at DESC, instance")
                    .bind(now.plus_millis(-BEAT_MILLIS_MAX)),
            )
            .await?;
        rows.iter().map(read).collect()
    }
}
