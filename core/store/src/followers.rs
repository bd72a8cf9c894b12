//! Where the followers of growing recordings stand. Position and output are committed together.

use clipmill_domain::{RecordingId, recording::Recording};

use crate::{
    Store, StoreError, Tx, recordings,
    row::{json, sql},
};

/// How far a follower got in one recording.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowerPos {
    /// The last number (part or utterance) taken in; -1 before the first.
    pub position: i64,
    /// What it carries over to the next step; `Null` before the first.
    pub state: serde_json::Value,
}

impl Default for FollowerPos {
    fn default() -> Self {
        Self { position: -1, state: serde_json::Value::Null }
    }
}

async fn put(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    name: &str,
    pos: &FollowerPos,
    done: bool,
) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO followers (recording_id, name, position, state, done) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (recording_id, name) DO UPDATE
             SET position = excluded.position, state = excluded.state, done = excluded.done")
        .bind(recording)
        .bind(name)
        .bind(pos.position)
        .bind(json("state", &pos.state)?)
        .bind(done),
    )
    .await?;
    Ok(())
}

/// Moves a follower on. Call it in the transaction that writes its output.
pub async fn set_follower(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    name: &str,
    pos: &FollowerPos,
) -> Result<(), StoreError> {
    put(tx, recording, name, pos, false).await
}

/// Moves a follower to its end: the recording is no longer in [`Store::recordings_to_follow`] for it.
pub async fn finish_follower(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    name: &str,
    pos: &FollowerPos,
) -> Result<(), StoreError> {
    put(tx, recording, name, pos, true).await
}

/// Closes a recording for a follower again where it stands, after [`crate::revisions::ask`] has reopened it.
pub async fn close_follower(tx: &mut Tx<'_>, recording: RecordingId, name: &str) -> Result<(), StoreError> {
    let close = sql("UPDATE followers SET done = 1 WHERE recording_id = $1 AND name = $2");
    tx.run(close.bind(recording).bind(name)).await?;
    Ok(())
}

impl Store {
    /// Where a follower stands; the default before its first step.
    pub async fn follower(&self, recording: RecordingId, name: &str) -> Result<FollowerPos, StoreError> {
        let row = self
            .row(
                sql("SELECT position, state FROM followers WHERE recording_id = $1 AND name = $2")
                    .bind(recording)
                    .bind(name),
            )
            .await?;
        match row {
            Some(row) => Ok(FollowerPos { position: row.int("position")?, state: row.json("state")? }),
            None => Ok(FollowerPos::default()),
        }
    }

    /// Whether a follower has finished a recording.
    pub async fn follower_done(&self, recording: RecordingId, name: &str) -> Result<bool, StoreError> {
        let row = self
            .row(
                sql("SELECT done FROM followers WHERE recording_id = $1 AND name = $2")
                    .bind(recording)
                    .bind(name),
            )
            .await?;
        row.map_or(Ok(false), |r| r.yes("done"))
    }

    /// The recordings a follower has not finished: live ones first, then the oldest, and last those whose transcript is
    /// made anew; at most 100.
    pub async fn recordings_to_follow(&self, name: &str) -> Result<Vec<Recording>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT r.* FROM recordings r
                     WHERE NOT EXISTS (SELECT 1 FROM followers f
                                       WHERE f.recording_id = r.id AND f.name = $1 AND f.done = 1)
                     ORDER BY CASE WHEN r.ended_at IS NULL THEN 0 ELSE 1 END,
                              CASE WHEN EXISTS (SELECT 1 FROM transcript_revisions t
                                                WHERE t.recording_id = r.id AND t.finished_at IS NULL)
                                   THEN 1 ELSE 0 END,
                              r.started_at, r.id
                     LIMIT 100")
                .bind(name),
            )
            .await?;
        rows.iter().map(recordings::read).collect()
    }
}
