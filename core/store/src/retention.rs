//! What a retention plan is made from, and how it is carried out. The rules are [`clipmill_domain::retention`].

use std::collections::{HashMap, HashSet};

use clipmill_domain::{
    ClipId, RecordingId, SourceId, Span, WallTime,
    cost::{Amount, RecordingSums},
    recording::{Part, Recording},
    retention::{ClipFacts, Media, PartFacts, RecordingFacts, Run, review},
};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    recordings::{read, read_part},
    row::{Row, sql},
};

/// Why a file is garbage, for its row.
const REASON: &str = "retention";

/// The columns of what was removed.
const REMOVED: [&str; 3] = ["removed_parts", "removed_bytes", "removed_us"];

fn amount(row: &Row, [parts, bytes, micros]: [&'static str; 3]) -> Result<Amount, StoreError> {
    Ok(Amount { parts: row.int(parts)?, bytes: row.int(bytes)?, micros: row.int(micros)? })
}

/// What [`remove_parts`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// What went just now, and of this recording in all. Fewer parts than the limit: the run holds no more.
    Parts {
        /// Just now.
        gone: Amount,
        /// In all.
        in_all: Amount,
    },
    /// None, because the recording is held, live or unknown by now.
    Refused,
}

/// Removes up to `limit` parts of a run that are still there: marks the rows, and the files (with their scrub pictures)
/// as garbage. What a clip with its margin uses stays, whatever the plan says, and so does all of a recording that came
/// under a hold since.
pub async fn remove_parts(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    run: Run,
    clip_margin_us: i64,
    limit: u32,
    now: WallTime,
) -> Result<Removed, StoreError> {
    // Takes the row's lock: a hold is either seen here or waits until this is committed.
    let lock = sql("UPDATE recordings SET revision = revision + 1
                    WHERE id = $1 AND held_at IS NULL AND ended_at IS NOT NULL")
    .bind(recording);
    if tx.run(lock).await? == 0 {
        return Ok(Removed::Refused);
    }
    let rows = tx
        .rows(
            sql("UPDATE parts SET removed_at = $6
                 WHERE id IN (SELECT p.id FROM parts p
                              WHERE p.recording_id = $1 AND p.seq BETWEEN $2 AND $3 AND p.removed_at IS NULL
                                AND NOT EXISTS (SELECT 1 FROM clips c WHERE c.recording_id = $1
                                                AND c.start_us - $4 < p.end_us AND c.end_us + $4 > p.start_us)
                              ORDER BY p.seq LIMIT $5)
                 RETURNING seq, bytes, end_us - start_us AS micros")
            .bind(recording)
            .bind(run.first)
            .bind(run.last)
            .bind(clip_margin_us)
            .bind(bounded(limit))
            .bind(now),
        )
        .await?;
    let (mut gone, mut in_all) = (Amount::default(), Amount::default());
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    for row in &rows {
        let seq = row.int("seq")?;
        (first, last) = (first.min(seq), last.max(seq));
        gone.parts += 1;
        gone.bytes += row.int("bytes")?;
        gone.micros += row.int("micros")?;
    }
    if gone.parts == 0 {
        return Ok(Removed::Parts { gone, in_all });
    }
    tx.run(
        sql("INSERT INTO garbage (path, reason, marked_at)
             SELECT path, $4, $5 FROM parts
             WHERE recording_id = $1 AND seq BETWEEN $2 AND $3 AND removed_at = $5
             ON CONFLICT (path) DO NOTHING")
        .bind(recording)
        .bind(first)
        .bind(last)
        .bind(REASON)
        .bind(now),
    )
    .await?;
    remove_pictures(tx, recording, Run { first, last }, now).await?;
    let counted = tx
        .row(
            sql("UPDATE recordings SET removed_parts = removed_parts + $2, removed_bytes = removed_bytes + $3,
                     removed_us = removed_us + $4
                 WHERE id = $1 RETURNING removed_parts, removed_bytes, removed_us")
            .bind(recording)
            .bind(gone.parts)
            .bind(gone.bytes)
            .bind(gone.micros),
        )
        .await?;
    if let Some(row) = counted {
        in_all = amount(&row, REMOVED)?;
    }
    Ok(Removed::Parts { gone, in_all })
}

/// Gives up the scrub pictures of removed parts.
async fn remove_pictures(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    run: Run,
    now: WallTime,
) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO garbage (path, reason, marked_at)
             SELECT s.path, $4, $5 FROM scrub_pictures s
             JOIN parts p ON p.recording_id = s.recording_id AND p.seq = s.part_seq
             WHERE s.recording_id = $1 AND s.part_seq BETWEEN $2 AND $3 AND p.removed_at IS NOT NULL
             ON CONFLICT (path) DO NOTHING")
        .bind(recording)
        .bind(run.first)
        .bind(run.last)
        .bind(REASON)
        .bind(now),
    )
    .await?;
    tx.run(
        sql("DELETE FROM scrub_pictures
             WHERE recording_id = $1 AND part_seq BETWEEN $2 AND $3
               AND part_seq IN (SELECT seq FROM parts WHERE recording_id = $1 AND removed_at IS NOT NULL)")
        .bind(recording)
        .bind(run.first)
        .bind(run.last),
    )
    .await?;
    Ok(())
}

impl Store {
    /// The sums of every recording, oldest first. Reads an index of the parts still there, one row a recording.
    pub async fn recording_sums(&self) -> Result<Vec<RecordingSums>, StoreError> {
        let rows = self
            .rows(sql(
                "SELECT r.id, r.source_id, r.started_at, r.ended_at, r.held_at,
                        r.removed_parts, r.removed_bytes, r.removed_us,
                        COALESCE(k.parts, 0) AS parts, COALESCE(k.bytes, 0) AS bytes, COALESCE(k.micros, 0) AS micros,
                        COALESCE((SELECT end_us FROM parts p WHERE p.recording_id = r.id ORDER BY p.seq DESC LIMIT 1), 0)
                        - COALESCE((SELECT start_us FROM parts p WHERE p.recording_id = r.id ORDER BY p.seq LIMIT 1), 0)
                          AS extent_us
                 FROM recordings r
                 LEFT JOIN (SELECT recording_id, COUNT(*) AS parts, CAST(SUM(bytes) AS BIGINT) AS bytes,
                                   CAST(SUM(end_us - start_us) AS BIGINT) AS micros
                            FROM parts WHERE removed_at IS NULL GROUP BY recording_id) k ON k.recording_id = r.id
                 ORDER BY r.started_at, r.id",
            ))
            .await?;
        rows.iter()
            .map(|row| {
                Ok(RecordingSums {
                    id: row.id("id")?,
                    source_id: row.id("source_id")?,
                    started_at: row.wall("started_at")?,
                    ended_at: row.wall_or_null("ended_at")?,
                    held: row.int_or_null("held_at")?.is_some(),
                    kept: amount(row, ["parts", "bytes", "micros"])?,
                    removed: amount(row, REMOVED)?,
                    extent_us: row.int("extent_us")?,
                })
            })
            .collect()
    }

    /// What a retention plan must know of every recording. `followers` are the names of those that must have gone
    /// through a recording before anything of it may go.
    pub async fn retention_facts(&self, followers: &[&str]) -> Result<Vec<RecordingFacts>, StoreError> {
        let days: HashMap<_, _> =
            self.sources().await?.into_iter().map(|s| (s.id, s.settings.keep_days)).collect();
        // Read before the sums: a recording that is finished meanwhile counts as unfinished, never the other way round.
        let mut done: HashMap<RecordingId, usize> = HashMap::new();
        for row in self.rows(sql("SELECT recording_id, name FROM followers WHERE done = 1")).await? {
            if followers.contains(&row.text("name")?.as_str()) {
                *done.entry(row.id("recording_id")?).or_default() += 1;
            }
        }
        let uncut = self
            .rows(sql("SELECT DISTINCT p.recording_id FROM selling_points p
                       WHERE p.to_cut = 1 AND p.verdict <> 'rejected'
                         AND NOT EXISTS (SELECT 1 FROM clips c WHERE c.selling_point_id = p.id)
                         AND NOT EXISTS (SELECT 1 FROM stage_jobs j
                                         WHERE j.input_id = p.id AND j.state IN ('done', 'dead'))"))
            .await?;
        let uncut: HashSet<RecordingId> =
            uncut.iter().map(|r| r.id("recording_id")).collect::<Result<_, _>>()?;
        let sums = self.recording_sums().await?;
        let facts = sums.into_iter().map(|s| RecordingFacts {
            id: s.id,
            source_id: s.source_id,
            ended_at: s.ended_at,
            held: s.held,
            keep_days: days.get(&s.source_id).copied().flatten(),
            followed: done.get(&s.id).copied().unwrap_or(0) == followers.len(),
            uncut: uncut.contains(&s.id),
            parts: s.kept.parts,
            bytes: s.kept.bytes,
        });
        Ok(facts.collect())
    }

    /// The parts still there and the clips of one recording.
    pub async fn retention_media(&self, recording: RecordingId) -> Result<Media, StoreError> {
        let rows = self
            .rows(
                sql("SELECT seq, start_us, end_us, bytes FROM parts
                     WHERE recording_id = $1 AND removed_at IS NULL ORDER BY seq")
                .bind(recording),
            )
            .await?;
        let parts = rows
            .iter()
            .map(|r| Ok(PartFacts { seq: r.int("seq")?, span: r.span()?, bytes: r.int("bytes")? }))
            .collect::<Result<_, StoreError>>()?;
        let rows = self
            .rows(
                sql("SELECT c.id, c.start_us, c.end_us, p.state FROM clips c
                     LEFT JOIN remixes x ON x.clip_id = c.id LEFT JOIN posts p ON p.remix_id = x.id
                     WHERE c.recording_id = $1 ORDER BY c.id")
                .bind(recording),
            )
            .await?;
        let mut clips: Vec<(ClipId, Span, Vec<_>)> = vec![];
        for row in &rows {
            let id = row.id("id")?;
            if clips.last().is_none_or(|(last, ..)| *last != id) {
                clips.push((id, row.span()?, vec![]));
            }
            if let (Some(state), Some((.., states))) = (row.word_or_null("state")?, clips.last_mut()) {
                states.push(state);
            }
        }
        let clips = clips.into_iter().map(|(_, span, states)| ClipFacts { span, review: review(&states) });
        Ok(Media { parts, clips: clips.collect() })
    }

    /// Bytes of removed parts whose files are still to be deleted.
    pub async fn pending_bytes(&self) -> Result<i64, StoreError> {
        let row = self
            .row(sql("SELECT CAST(COALESCE(SUM(p.bytes), 0) AS BIGINT) AS bytes
                      FROM garbage g JOIN parts p ON p.path = g.path"))
            .await?;
        row.map_or(Ok(0), |r| r.int("bytes"))
    }

    /// What was removed of a recording so far.
    pub async fn removed_of(&self, recording: RecordingId) -> Result<Amount, StoreError> {
        let row = self
            .row(
                sql("SELECT removed_parts, removed_bytes, removed_us FROM recordings WHERE id = $1")
                    .bind(recording),
            )
            .await?;
        row.map_or(Ok(Amount::default()), |r| amount(&r, REMOVED))
    }

    /// Up to `limit` parts after number `after_seq` (-1 for the beginning) whose files are there, in order: what can be
    /// played.
    pub async fn parts_kept_after(
        &self,
        recording: RecordingId,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<Part>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM parts WHERE recording_id = $1 AND seq > $2 AND removed_at IS NULL
                     ORDER BY seq LIMIT $3")
                .bind(recording)
                .bind(after_seq)
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read_part).collect()
    }

    /// The recording that a source began last.
    pub async fn newest_recording_of(&self, source: SourceId) -> Result<Option<Recording>, StoreError> {
        let newest =
            sql("SELECT * FROM recordings WHERE source_id = $1 ORDER BY started_at DESC, id DESC LIMIT 1");
        self.row(newest.bind(source)).await?.as_ref().map(read).transpose()
    }

    /// Bytes of scrub pictures, by source.
    pub async fn picture_bytes(&self) -> Result<HashMap<SourceId, i64>, StoreError> {
        let rows = self
            .rows(sql(
                "SELECT r.source_id, CAST(SUM(s.bytes) AS BIGINT) AS bytes
                       FROM scrub_pictures s JOIN recordings r ON r.id = s.recording_id GROUP BY r.source_id",
            ))
            .await?;
        rows.iter().map(|r| Ok((r.id("source_id")?, r.int("bytes")?))).collect()
    }
}
