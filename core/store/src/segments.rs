//! Segments and selling points.

use clipmill_domain::{
    RecordingId, SellingPointId,
    provenance::StageVersion,
    selling_point::{Segment, SellingPoint},
};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, json, sql},
};

fn read(row: &Row) -> Result<Segment, StoreError> {
    Ok(Segment {
        id: row.id("id")?,
        recording_id: row.id("recording_id")?,
        seq: row.int("seq")?,
        first_utterance: row.int("first_utterance")?,
        last_utterance: row.int("last_utterance")?,
        span: row.span()?,
        label: row.label("label")?,
        confidence: row.ratio("confidence")?,
        closed_at: row.wall("closed_at")?,
    })
}

pub(crate) fn read_point(row: &Row) -> Result<SellingPoint, StoreError> {
    Ok(SellingPoint {
        id: row.id("id")?,
        segment_id: row.id("segment_id")?,
        recording_id: row.id("recording_id")?,
        span: row.span()?,
        label: row.label("label")?,
        product_sku: row.text_or_null("product_sku")?,
        product_name: row.text_or_null("product_name")?,
        confidence: row.ratio("confidence")?,
        evidence: row.json("evidence")?,
        details: row.json("details")?,
        made_by: row.text("made_by")?,
    })
}

/// Adds a closed segment.
///
/// # Errors
/// [`StoreError::Duplicate`] when its number is taken.
pub async fn insert_segment(tx: &mut Tx<'_>, s: &Segment) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO segments (id, recording_id, seq, first_utterance, last_utterance, start_us, end_us,
                label, confidence, closed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(s.id)
        .bind(s.recording_id)
        .bind(s.seq)
        .bind(s.first_utterance)
        .bind(s.last_utterance)
        .bind(s.span.start())
        .bind(s.span.end())
        .bind(s.label)
        .bind(s.confidence)
        .bind(s.closed_at),
    )
    .await?;
    Ok(())
}

/// Adds a selling point.
///
/// # Errors
/// [`StoreError::Duplicate`] when its segment has one.
pub async fn insert_selling_point(tx: &mut Tx<'_>, p: &SellingPoint) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO selling_points (id, segment_id, recording_id, start_us, end_us, label, product_sku,
                product_name, confidence, evidence, details, made_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(p.id)
        .bind(p.segment_id)
        .bind(p.recording_id)
        .bind(p.span.start())
        .bind(p.span.end())
        .bind(p.label)
        .bind(&p.product_sku)
        .bind(&p.product_name)
        .bind(p.confidence)
        .bind(json("evidence", &p.evidence)?)
        .bind(json("details", &p.details)?)
        .bind(&p.made_by),
    )
    .await?;
    Ok(())
}

impl Store {
    /// The segments of a recording, in order: of the labelling that is shown.
    pub async fn segments(&self, recording: RecordingId) -> Result<Vec<Segment>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM segments WHERE recording_id = $1
                       AND labelling = (SELECT labelling FROM recordings WHERE id = $1)
                     ORDER BY seq")
                .bind(recording),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The selling points of a recording, by media time: of the labelling that is shown, and without those that people
    /// rejected.
    pub async fn selling_points(&self, recording: RecordingId) -> Result<Vec<SellingPoint>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM selling_points WHERE recording_id = $1 AND verdict <> 'rejected'
                       AND labelling = (SELECT labelling FROM recordings WHERE id = $1)
                     ORDER BY start_us, id")
                .bind(recording),
            )
            .await?;
        rows.iter().map(read_point).collect()
    }

    /// One selling point.
    pub async fn selling_point(&self, id: SellingPointId) -> Result<Option<SellingPoint>, StoreError> {
        let row = self.row(sql("SELECT * FROM selling_points WHERE id = $1").bind(id)).await?;
        row.as_ref().map(read_point).transpose()
    }

    /// Selling points that are to have a clip, have none, and for which no job of `version` was ever asked: work not yet
    /// known. Oldest first.
    pub async fn selling_points_without_clip(
        &self,
        version: &StageVersion,
        limit: u32,
    ) -> Result<Vec<SellingPoint>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT p.* FROM selling_points p
                     WHERE p.to_cut = 1 AND p.verdict <> 'rejected'
                       AND NOT EXISTS (SELECT 1 FROM clips c WHERE c.selling_point_id = p.id)
                       AND NOT EXISTS (SELECT 1 FROM stage_jobs j WHERE j.input_id = p.id AND j.version = $1)
                     ORDER BY p.id LIMIT $2")
                .bind(version)
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read_point).collect()
    }
}
