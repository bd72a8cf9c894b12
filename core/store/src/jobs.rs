//! When and whether a stage runs on an input: one row for each (stage, input, version).
//!
//! ```text
//!            ensure_job            start_job (attempt + 1)            finish_job
//!   (none) ------------> ready ----------------------------> running -----------> done
//!                         ^  ^                                | |  |
//!        revive_job       |  '-- release_job, reclaim_… ----' |  '-- fail_job, Dead --> dead
//!   dead -----------------'------ fail_job, RetryAt ------------'
//! ```
//!
//! `attempt` counts the attempts begun and is the fencing number: whoever writes for a job says which attempt he
//! is, and a late one is told [`StoreError::Fenced`] and changes nothing. The table is called `stage_jobs`
//! because the job engine has a table `jobs` of its own.

use clipmill_domain::{Id, JobId, WallTime, provenance::StageVersion};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, sql, word},
};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its time, or for a worker.
    Ready,
    /// An attempt is at work.
    Running,
    /// Its output is committed.
    Done,
    /// Given up; only an operator revives it.
    Dead,
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Name of the stage, for example `clipper.cut_draft`.
    pub stage: String,
    /// Id of the input row, as text.
    pub input_id: String,
    /// Version of the stage that asked for it.
    pub version: StageVersion,
    /// Where it stands.
    pub state: JobState,
    /// Attempts begun so far: 0 before the first; the fencing number of the running one.
    pub attempt: i64,
    /// Not to be begun before this.
    pub next_attempt_at: WallTime,
    /// Which process runs it, while running.
    pub owner: Option<String>,
    /// When the running attempt last showed progress.
    pub progress_at: Option<WallTime>,
    /// The last failure, in plain words.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: WallTime,
    /// When the row last changed.
    pub updated_at: WallTime,
}

impl Job {
    /// The number the next attempt will have.
    pub fn next_attempt(&self) -> i64 {
        self.attempt + 1
    }
}

/// What a failed attempt leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Another attempt, not before this.
    RetryAt(WallTime),
    /// None: an operator must look.
    Dead,
}

/// How many jobs of a stage stand where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobCount {
    /// Name of the stage.
    pub stage: String,
    /// The state counted.
    pub state: JobState,
    /// How many.
    pub count: i64,
}

fn read(row: &Row) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.id("id")?,
        stage: row.text("stage")?,
        input_id: row.text("input_id")?,
        version: StageVersion::new(row.text("version")?),
        state: row.word("state")?,
        attempt: row.int("attempt")?,
        next_attempt_at: row.wall("next_attempt_at")?,
        owner: row.text_or_null("owner")?,
        progress_at: row.wall_or_null("progress_at")?,
        last_error: row.text_or_null("last_error")?,
        created_at: row.wall("created_at")?,
        updated_at: row.wall("updated_at")?,
    })
}

/// Asks for `stage` to run on `input_id`, at once, unless it was asked for already (in whatever state that is now).
/// The new job's id, or `None` when there was one.
pub async fn ensure_job(
    tx: &mut Tx<'_>,
    stage: &str,
    input_id: &str,
    version: &StageVersion,
    now: WallTime,
) -> Result<Option<JobId>, StoreError> {
    let id = JobId::new_at(now);
    let added = tx
        .run(
            sql("INSERT INTO stage_jobs (id, stage, input_id, version, state, attempt, enqueued_attempt,
                    enqueued_at, next_attempt_at, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, 'ready', $5, $5, $6, $6, $6, $6)
                 ON CONFLICT (stage, input_id, version) DO NOTHING")
            .bind(id)
            .bind(stage)
            .bind(input_id)
            .bind(version)
            .bind(0i64)
            .bind(now),
        )
        .await?;
    Ok((added == 1).then_some(id))
}

/// Notes that the next attempt (number `attempt`) is being handed to the job engine. `false` when another process
/// did so first, within the last `repush_after_ms`, or the job has moved on: then hand nothing over.
pub async fn mark_enqueued(
    tx: &mut Tx<'_>,
    id: JobId,
    attempt: i64,
    repush_after_ms: i64,
    now: WallTime,
) -> Result<bool, StoreError> {
    let changed = tx
        .run(
            sql("UPDATE stage_jobs SET enqueued_attempt = $2, enqueued_at = $3, updated_at = $3
                 WHERE id = $1 AND state = 'ready' AND attempt + 1 = $2
                   AND (enqueued_attempt < $2 OR enqueued_at <= $4)")
            .bind(id)
            .bind(attempt)
            .bind(now)
            .bind(now.plus_millis(-repush_after_ms)),
        )
        .await?;
    Ok(changed == 1)
}

/// Begins the next attempt for `owner` and gives its number: the fence for everything that follows. `None` when
/// there is nothing to begin: done, dead, running elsewhere, not due yet, or gone.
pub async fn start_job(
    tx: &mut Tx<'_>,
    id: JobId,
    owner: &str,
    now: WallTime,
) -> Result<Option<i64>, StoreError> {
    let row = tx
        .row(
            sql("UPDATE stage_jobs SET state = 'running', attempt = attempt + 1, owner = $2, progress_at = $3,
                    updated_at = $3
                 WHERE id = $1 AND state = 'ready' AND next_attempt_at <= $3 RETURNING attempt")
            .bind(id)
            .bind(owner)
            .bind(now),
        )
        .await?;
    row.map(|r| r.int("attempt")).transpose()
}

/// Runs an `UPDATE` that holds only for the running attempt.
async fn fenced(
    tx: &mut Tx<'_>,
    query: crate::row::Query,
    job: JobId,
    attempt: i64,
) -> Result<(), StoreError> {
    match tx.run(query).await? {
        1 => Ok(()),
        _ => Err(StoreError::Fenced { job, attempt }),
    }
}

/// Shows that the attempt is alive and getting on.
///
/// # Errors
/// [`StoreError::Fenced`]: another attempt took over; stop working.
pub async fn beat_job(tx: &mut Tx<'_>, id: JobId, attempt: i64, now: WallTime) -> Result<(), StoreError> {
    let query = sql("UPDATE stage_jobs SET progress_at = $3, updated_at = $3
                     WHERE id = $1 AND attempt = $2 AND state = 'running'")
    .bind(id)
    .bind(attempt)
    .bind(now);
    fenced(tx, query, id, attempt).await
}

/// Ends the job well. Call it in the transaction that writes the output: both last, or neither.
///
/// # Errors
/// [`StoreError::Fenced`]: another attempt took over; drop the transaction.
pub async fn finish_job(tx: &mut Tx<'_>, id: JobId, attempt: i64, now: WallTime) -> Result<(), StoreError> {
    let query = sql("UPDATE stage_jobs SET state = 'done', owner = NULL, last_error = NULL, updated_at = $3
                     WHERE id = $1 AND attempt = $2 AND state = 'running'")
    .bind(id)
    .bind(attempt)
    .bind(now);
    fenced(tx, query, id, attempt).await
}

/// Ends the attempt badly, with `error` in plain words.
///
/// # Errors
/// [`StoreError::Fenced`]: another attempt took over; nothing is to be noted.
pub async fn fail_job(
    tx: &mut Tx<'_>,
    id: JobId,
    attempt: i64,
    error: &str,
    after: AfterFailure,
    now: WallTime,
) -> Result<(), StoreError> {
    let (state, next) = match after {
        AfterFailure::RetryAt(at) => (JobState::Ready, at),
        AfterFailure::Dead => (JobState::Dead, now),
    };
    let query = sql("UPDATE stage_jobs SET state = $4, next_attempt_at = $5, owner = NULL, last_error = $6,
                        updated_at = $3
                     WHERE id = $1 AND attempt = $2 AND state = 'running'")
    .bind(id)
    .bind(attempt)
    .bind(now)
    .bind(word("state", &state)?)
    .bind(next)
    .bind(error);
    fenced(tx, query, id, attempt).await
}

/// Gives the job back unended, for an orderly stop: ready at once, for anybody. The attempt is not counted, so that
/// a long job outlives any number of restarts; whoever calls this must have stopped working, because the next
/// attempt has the same number.
///
/// # Errors
/// [`StoreError::Fenced`]: another attempt took over already.
pub async fn release_job(tx: &mut Tx<'_>, id: JobId, attempt: i64, now: WallTime) -> Result<(), StoreError> {
    let query =
        sql("UPDATE stage_jobs SET state = 'ready', attempt = attempt - 1, enqueued_attempt = attempt - 1,
                        next_attempt_at = $3, owner = NULL, updated_at = $3
                     WHERE id = $1 AND attempt = $2 AND state = 'running'")
        .bind(id)
        .bind(attempt)
        .bind(now);
    fenced(tx, query, id, attempt).await
}

/// Takes back the running jobs of `owner`, for the start of a process whose predecessor had the same name: ready at
/// once. The ids taken back.
pub async fn reclaim_owned(tx: &mut Tx<'_>, owner: &str, now: WallTime) -> Result<Vec<JobId>, StoreError> {
    let rows = tx
        .rows(
            sql("UPDATE stage_jobs SET state = 'ready', next_attempt_at = $2, owner = NULL, updated_at = $2,
                    last_error = $3
                 WHERE state = 'running' AND owner = $1 RETURNING id")
            .bind(owner)
            .bind(now)
            .bind("its process ended: taken back"),
        )
        .await?;
    rows.iter().map(|r| r.id("id")).collect()
}

/// Takes back running jobs that showed no progress for `lease_ms`: ready at once. The worker that had one is
/// fenced from the next [`start_job`] on, and from now on for [`finish_job`]. The ids taken back.
pub async fn reclaim_stale(tx: &mut Tx<'_>, lease_ms: i64, now: WallTime) -> Result<Vec<JobId>, StoreError> {
    let rows = tx
        .rows(
            sql("UPDATE stage_jobs SET state = 'ready', next_attempt_at = $1, owner = NULL, updated_at = $1,
                    last_error = $3
                 WHERE state = 'running' AND progress_at < $2 RETURNING id")
            .bind(now)
            .bind(now.plus_millis(-lease_ms))
            .bind(format!("no progress for {} s: taken back", lease_ms / 1000)),
        )
        .await?;
    rows.iter().map(|r| r.id("id")).collect()
}

/// Makes a dead job ready again, its attempts kept and its error forgotten (the audit log has it); an operator's
/// wish, good for one more attempt. `false` when it was not dead.
pub async fn revive_job(tx: &mut Tx<'_>, id: JobId, now: WallTime) -> Result<bool, StoreError> {
    let changed = tx
        .run(
            sql("UPDATE stage_jobs SET state = 'ready', next_attempt_at = $2, last_error = NULL, updated_at = $2
                 WHERE id = $1 AND state = 'dead'")
            .bind(id)
            .bind(now),
        )
        .await?;
    Ok(changed == 1)
}

impl Store {
    /// Jobs of this stage and version that are ready, due, and not handed to the engine for their next attempt
    /// (or so `repush_after_ms` ago without a start: then the push is taken for lost). Longest due first.
    pub async fn due_jobs(
        &self,
        stage: &str,
        version: &StageVersion,
        now: WallTime,
        repush_after_ms: i64,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM stage_jobs
                     WHERE state = 'ready' AND stage = $1 AND version = $2 AND next_attempt_at <= $3
                       AND (enqueued_attempt <= attempt OR enqueued_at <= $4)
                     ORDER BY next_attempt_at, id LIMIT $5")
                .bind(stage)
                .bind(version)
                .bind(now)
                .bind(now.plus_millis(-repush_after_ms))
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// One job.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.row(sql("SELECT * FROM stage_jobs WHERE id = $1").bind(id)).await?.as_ref().map(read).transpose()
    }

    /// The jobs ever asked for on an input, oldest first.
    pub async fn jobs_of(&self, input_id: &str) -> Result<Vec<Job>, StoreError> {
        let rows = self
            .rows(sql("SELECT * FROM stage_jobs WHERE input_id = $1 ORDER BY id LIMIT 1000").bind(input_id))
            .await?;
        rows.iter().map(read).collect()
    }

    /// Jobs in a state, longest unchanged first.
    pub async fn jobs_in_state(&self, state: JobState, limit: u32) -> Result<Vec<Job>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM stage_jobs WHERE state = $1 ORDER BY updated_at, id LIMIT $2")
                    .bind(word("state", &state)?)
                    .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// How many jobs stand where, by stage and state.
    pub async fn job_counts(&self) -> Result<Vec<JobCount>, StoreError> {
        let rows = self
            .rows(sql("SELECT stage, state, COUNT(*) AS count FROM stage_jobs
                       GROUP BY stage, state ORDER BY stage, state"))
            .await?;
        rows.iter()
            .map(|r| {
                Ok(JobCount { stage: r.text("stage")?, state: r.word("state")?, count: r.int("count")? })
            })
            .collect()
    }
}
