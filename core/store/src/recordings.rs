//! Recordings, their epochs and parts.

use clipmill_domain::{
    EpochId, RecordingId, SourceId, Span, WallTime,
    recording::{EndReason, Epoch, Hold, Part, Recording},
};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, json, sql, word},
};

pub(crate) fn read(row: &Row) -> Result<Recording, StoreError> {
    Ok(Recording {
        id: row.id("id")?,
        source_id: row.id("source_id")?,
        language: row.word("language")?,
        started_at: row.wall("started_at")?,
        ended_at: row.wall_or_null("ended_at")?,
        end_reason: row.word_or_null("end_reason")?,
        hold: match row.wall_or_null("held_at")? {
            Some(at) => Some(Hold { at, by: row.text("held_by")?, why: row.text("held_why")? }),
            None => None,
        },
    })
}

fn read_epoch(row: &Row) -> Result<Epoch, StoreError> {
    Ok(Epoch {
        id: row.id("id")?,
        recording_id: row.id("recording_id")?,
        seq: row.int("seq")?,
        init_path: row.text("init_path")?,
        tracks: row.json("tracks")?,
        media_start: row.media("media_start_us")?,
        started_at: row.wall("started_at")?,
        end_reason: row.word_or_null("end_reason")?,
    })
}

pub(crate) fn read_part(row: &Row) -> Result<Part, StoreError> {
    Ok(Part {
        id: row.id("id")?,
        recording_id: row.id("recording_id")?,
        epoch_id: row.id("epoch_id")?,
        seq: row.int("seq")?,
        path: row.text("path")?,
        bytes: row.int("bytes")?,
        span: row.span()?,
        key_frames: row.json("key_frames")?,
        wall_start: row.wall("wall_start")?,
        removed_at: row.wall_or_null("removed_at")?,
    })
}

/// Begins a recording.
///
/// # Errors
/// [`StoreError::Duplicate`] when its source has a live one already.
pub async fn insert_recording(tx: &mut Tx<'_>, recording: &Recording) -> Result<(), StoreError> {
    let reason = recording.end_reason.map(|r| word("end_reason", &r)).transpose()?;
    tx.run(
        sql("INSERT INTO recordings (id, source_id, language, started_at, ended_at, end_reason, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(recording.id)
        .bind(recording.source_id)
        .bind(word("language", &recording.language)?)
        .bind(recording.started_at)
        .bind(recording.ended_at)
        .bind(reason)
        .bind(1i64),
    )
    .await?;
    Ok(())
}

/// Ends a live recording; one that ended already keeps its first end.
pub async fn end_recording(
    tx: &mut Tx<'_>,
    id: RecordingId,
    at: WallTime,
    reason: EndReason,
) -> Result<(), StoreError> {
    tx.run(
        sql("UPDATE recordings SET ended_at = $2, end_reason = $3, revision = revision + 1
             WHERE id = $1 AND ended_at IS NULL")
        .bind(id)
        .bind(at)
        .bind(word("end_reason", &reason)?),
    )
    .await?;
    Ok(())
}

/// Puts a recording under a legal hold, or takes the hold off.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_hold(tx: &mut Tx<'_>, id: RecordingId, hold: Option<&Hold>) -> Result<(), StoreError> {
    let changed = tx
        .run(
            sql("UPDATE recordings SET held_at = $2, held_by = $3, held_why = $4, revision = revision + 1
                 WHERE id = $1")
            .bind(id)
            .bind(hold.map(|h| h.at))
            .bind(hold.map(|h| h.by.as_str()))
            .bind(hold.map(|h| h.why.as_str())),
        )
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound { what: "recording", id: id.to_string() }) }
}

/// Opens an epoch. Its init file must be in the library already.
pub async fn insert_epoch(tx: &mut Tx<'_>, epoch: &Epoch) -> Result<(), StoreError> {
    let reason = epoch.end_reason.map(|r| word("end_reason", &r)).transpose()?;
    tx.run(
        sql("INSERT INTO epochs (id, recording_id, seq, init_path, tracks, media_start_us, started_at, end_reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(epoch.id)
        .bind(epoch.recording_id)
        .bind(epoch.seq)
        .bind(&epoch.init_path)
        .bind(json("tracks", &epoch.tracks)?)
        .bind(epoch.media_start)
        .bind(epoch.started_at)
        .bind(reason),
    )
    .await?;
    tx.run(sql("UPDATE recordings SET revision = revision + 1 WHERE id = $1").bind(epoch.recording_id))
        .await?;
    Ok(())
}

/// Closes an open epoch; one that is closed already keeps its first reason.
pub async fn close_epoch(tx: &mut Tx<'_>, id: EpochId, reason: EndReason) -> Result<(), StoreError> {
    let row = tx
        .row(
            sql("UPDATE epochs SET end_reason = $2 WHERE id = $1 AND end_reason IS NULL RETURNING recording_id")
                .bind(id)
                .bind(word("end_reason", &reason)?),
        )
        .await?;
    if let Some(row) = row {
        let recording: RecordingId = row.id("recording_id")?;
        tx.run(sql("UPDATE recordings SET revision = revision + 1 WHERE id = $1").bind(recording)).await?;
    }
    Ok(())
}

/// Records a part whose file is in the library already.
///
/// # Errors
/// [`StoreError::Duplicate`] when its number or path is taken: nothing is recorded twice.
pub async fn insert_part(tx: &mut Tx<'_>, part: &Part) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO parts (id, recording_id, epoch_id, seq, path, bytes, start_us, end_us, key_frames,
                wall_start)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(part.id)
        .bind(part.recording_id)
        .bind(part.epoch_id)
        .bind(part.seq)
        .bind(&part.path)
        .bind(part.bytes)
        .bind(part.span.start())
        .bind(part.span.end())
        .bind(json("key_frames", &part.key_frames)?)
        .bind(part.wall_start),
    )
    .await?;
    Ok(())
}

impl Store {
    /// One recording.
    pub async fn recording(&self, id: RecordingId) -> Result<Option<Recording>, StoreError> {
        self.row(sql("SELECT * FROM recordings WHERE id = $1").bind(id)).await?.as_ref().map(read).transpose()
    }

    /// Recordings, newest first.
    pub async fn recordings(&self, limit: u32) -> Result<Vec<Recording>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM recordings ORDER BY started_at DESC, id DESC LIMIT $1")
                    .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The recording a source is making now.
    pub async fn live_recording_of(&self, source: SourceId) -> Result<Option<Recording>, StoreError> {
        let row = self
            .row(sql("SELECT * FROM recordings WHERE source_id = $1 AND ended_at IS NULL").bind(source))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Every recording not ended, oldest first.
    pub async fn live_recordings(&self) -> Result<Vec<Recording>, StoreError> {
        let rows =
            self.rows(sql("SELECT * FROM recordings WHERE ended_at IS NULL ORDER BY started_at, id")).await?;
        rows.iter().map(read).collect()
    }

    /// The epochs of a recording, in order.
    pub async fn epochs(&self, recording: RecordingId) -> Result<Vec<Epoch>, StoreError> {
        let rows = self
            .rows(sql("SELECT * FROM epochs WHERE recording_id = $1 ORDER BY seq").bind(recording))
            .await?;
        rows.iter().map(read_epoch).collect()
    }

    /// Every epoch not closed: what runs now, or what a dead recorder left open.
    pub async fn open_epochs(&self) -> Result<Vec<Epoch>, StoreError> {
        let rows =
            self.rows(sql("SELECT * FROM epochs WHERE end_reason IS NULL ORDER BY started_at, id")).await?;
        rows.iter().map(read_epoch).collect()
    }

    /// The bytes of all parts that a recording ever had.
    pub async fn recording_bytes(&self, recording: RecordingId) -> Result<u64, StoreError> {
        let sum =
            sql("SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes FROM parts WHERE recording_id = $1");
        let row = self.row(sum.bind(recording)).await?;
        row.map_or(Ok(0), |r| r.int("bytes")).map(|n| n.max(0).unsigned_abs())
    }

    /// Everything that was recorded, in order. Removed parts too: what is gone was recorded, so it is no gap. Whoever
    /// wants files takes [`Store::media_parts`] or [`Store::parts_kept_after`].
    pub async fn parts(&self, recording: RecordingId) -> Result<Vec<Part>, StoreError> {
        let rows = self
            .rows(sql("SELECT * FROM parts WHERE recording_id = $1 ORDER BY seq").bind(recording))
            .await?;
        rows.iter().map(read_part).collect()
    }

    /// Up to `limit` parts after number `after_seq` (-1 for the beginning), in order; removed ones too.
    pub async fn parts_after(
        &self,
        recording: RecordingId,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<Part>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM parts WHERE recording_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
                    .bind(recording)
                    .bind(after_seq)
                    .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read_part).collect()
    }

    /// The parts that share any instant with `span`, in order; removed ones too.
    pub async fn parts_in(&self, recording: RecordingId, span: Span) -> Result<Vec<Part>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM parts WHERE recording_id = $1 AND end_us > $2 AND start_us < $3 ORDER BY seq")
                    .bind(recording)
                    .bind(span.start())
                    .bind(span.end()),
            )
            .await?;
        rows.iter().map(read_part).collect()
    }

    /// The part with the highest number.
    pub async fn last_part(&self, recording: RecordingId) -> Result<Option<Part>, StoreError> {
        let row = self
            .row(sql("SELECT * FROM parts WHERE recording_id = $1 ORDER BY seq DESC LIMIT 1").bind(recording))
            .await?;
        row.as_ref().map(read_part).transpose()
    }

    /// How many parts of a recording a retention rule has taken away.
    pub async fn parts_removed(&self, recording: RecordingId) -> Result<i64, StoreError> {
        let row = self.row(sql("SELECT removed_parts FROM recordings WHERE id = $1").bind(recording)).await?;
        row.map_or(Ok(0), |r| r.int("removed_parts"))
    }
}
