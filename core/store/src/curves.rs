//! How the sound of recordings runs, a row for each part; kept after the part's file is gone.

use clipmill_domain::{
    MediaTime, RecordingId, Span,
    sound::{CURVE_MICROS, PartCurves},
};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, json, sql},
};

/// Rows read at a time: some minutes of sound.
const BATCH: u32 = 200;

fn read(row: &Row) -> Result<PartCurves, StoreError> {
    Ok(PartCurves {
        recording_id: row.id("recording_id")?,
        part_seq: row.int("part_seq")?,
        start: row.media("start_us")?,
        curves: row.json("curves")?,
    })
}

/// Adds the curves of parts. What is there stays: a part that is heard again after a restart sounds the same, but was
/// begun with less of what comes before it.
pub async fn insert_sound_curves(tx: &mut Tx<'_>, parts: &[PartCurves]) -> Result<(), StoreError> {
    for part in parts {
        tx.run(
            sql("INSERT INTO sound_curves (recording_id, part_seq, start_us, curves) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (recording_id, part_seq) DO NOTHING")
            .bind(part.recording_id)
            .bind(part.part_seq)
            .bind(part.start)
            .bind(json("curves", &part.curves)?),
        )
        .await?;
    }
    Ok(())
}

impl Store {
    /// Shows `each` the curves of a recording that have points in `span`, in order; points outside the span come along
    /// in the first and the last. Few of them are in memory at a time.
    pub async fn sound_curves_in(
        &self,
        recording: RecordingId,
        span: Span,
        mut each: impl FnMut(PartCurves) + Send,
    ) -> Result<(), StoreError> {
        let first = self
            .row(
                sql("SELECT part_seq FROM sound_curves WHERE recording_id = $1 AND start_us <= $2
                     ORDER BY part_seq DESC LIMIT 1")
                .bind(recording)
                .bind(span.start()),
            )
            .await?;
        let mut next = first.map_or(Ok(0), |row| row.int("part_seq"))?;
        loop {
            let rows = self
                .rows(
                    sql("SELECT * FROM sound_curves WHERE recording_id = $1 AND part_seq >= $2 AND start_us < $3
                         ORDER BY part_seq LIMIT $4")
                    .bind(recording)
                    .bind(next)
                    .bind(span.end())
                    .bind(bounded(BATCH)),
                )
                .await?;
            let Some(last) = rows.last() else { return Ok(()) };
            next = last.int("part_seq")? + 1;
            for row in &rows {
                each(read(row)?);
            }
        }
    }

    /// Where the curves of a recording end; `None` without any.
    pub async fn sound_end(&self, recording: RecordingId) -> Result<Option<MediaTime>, StoreError> {
        let last = self
            .row(
                sql("SELECT * FROM sound_curves WHERE recording_id = $1 ORDER BY part_seq DESC LIMIT 1")
                    .bind(recording),
            )
            .await?;
        let end = |part: PartCurves| {
            let points = i64::try_from(part.curves.len()).unwrap_or(i64::MAX);
            part.start + points.saturating_mul(CURVE_MICROS)
        };
        last.as_ref().map(read).transpose().map(|part| part.map(end))
    }
}
