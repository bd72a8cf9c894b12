//! What people say about selling points. The row is what is shown; what it was before each word stays readable.

use clipmill_domain::{
    RecordingId, SellingPointId, SourceId, Span,
    review::{Correction, JudgedTalk, PointAnswer, Reviewed, Verdict},
    taxonomy::Label,
};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, json, sql, word},
    segments::read_point,
};

fn read(row: &Row) -> Result<Reviewed, StoreError> {
    Ok(Reviewed {
        point: read_point(row)?,
        labelling: row.int("labelling")?,
        verdict: row.word("verdict")?,
        version: row.int("version")?,
    })
}

fn read_correction(row: &Row) -> Result<Correction, StoreError> {
    let carried_from = match row.text_or_null("carried_from")? {
        Some(_) => Some(row.id("carried_from")?),
        None => None,
    };
    Ok(Correction {
        id: row.id("id")?,
        point_id: row.id("selling_point_id")?,
        version: row.int("version")?,
        verdict: row.word("verdict")?,
        was: row.json("was")?,
        became: row.json("became")?,
        carried_from,
        note: row.text_or_null("note")?,
        by: row.text("said_by")?,
        at: row.wall("said_at")?,
    })
}

/// Writes down what a person said, and shows it. `c.version` is one more than the version that the person has seen.
///
/// # Errors
/// [`StoreError::Refused`] when somebody else has said something meanwhile; [`StoreError::NotFound`].
pub async fn correct(tx: &mut Tx<'_>, c: &Correction) -> Result<(), StoreError> {
    let a = &c.became;
    let shown = tx
        .row(
            sql("UPDATE selling_points SET label = $3, product_sku = $4, product_name = $5, start_us = $6,
                     end_us = $7, evidence = $8, details = $9, verdict = $10, version = version + 1
                 WHERE id = $1 AND version = $2 RETURNING recording_id")
            .bind(c.point_id)
            .bind(c.version - 1)
            .bind(a.label)
            .bind(&a.product_sku)
            .bind(&a.product_name)
            .bind(a.span.start())
            .bind(a.span.end())
            .bind(json("evidence", &a.evidence)?)
            .bind(json("details", &a.details)?)
            .bind(word("verdict", &c.verdict)?),
        )
        .await?;
    let Some(shown) = shown else {
        let now = sql("SELECT version FROM selling_points WHERE id = $1").bind(c.point_id);
        let id = c.point_id.to_string();
        let row = tx.row(now).await?.ok_or(StoreError::NotFound { what: "selling point", id })?;
        return Err(StoreError::Refused {
            why: format!(
                "somebody has changed selling point {} meanwhile: version {} is shown now; look at it again",
                c.point_id,
                row.int("version")?
            ),
        });
    };
    // Who watches the recording learns of it.
    let recording: RecordingId = shown.id("recording_id")?;
    tx.run(sql("UPDATE recordings SET revision = revision + 1 WHERE id = $1").bind(recording)).await?;
    tx.run(
        sql("INSERT INTO point_corrections (id, selling_point_id, version, verdict, was, became, carried_from, note,
                 said_by, said_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(c.id)
        .bind(c.point_id)
        .bind(c.version)
        .bind(word("verdict", &c.verdict)?)
        .bind(json("was", &c.was)?)
        .bind(json("became", &c.became)?)
        .bind(c.carried_from.map(|id| id.to_string()))
        .bind(&c.note)
        .bind(&c.by)
        .bind(c.at),
    )
    .await?;
    Ok(())
}

/// The selling points of a labelling, also rejected ones, by media time, as this transaction sees them.
pub async fn of_labelling(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    labelling: i64,
) -> Result<Vec<Reviewed>, StoreError> {
    let all =
        sql("SELECT * FROM selling_points WHERE recording_id = $1 AND labelling = $2 ORDER BY start_us, id");
    tx.rows(all.bind(recording).bind(labelling)).await?.iter().map(read).collect()
}

impl Store {
    /// One selling point, with how it stands.
    pub async fn reviewed_point(&self, id: SellingPointId) -> Result<Option<Reviewed>, StoreError> {
        let row = self.row(sql("SELECT * FROM selling_points WHERE id = $1").bind(id)).await?;
        row.as_ref().map(read).transpose()
    }

    /// The selling points that are shown of a recording, also rejected ones, by media time.
    pub async fn reviewed_points(&self, recording: RecordingId) -> Result<Vec<Reviewed>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM selling_points WHERE recording_id = $1
                       AND labelling = (SELECT labelling FROM recordings WHERE id = $1)
                     ORDER BY start_us, id")
                .bind(recording),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// What people said about a selling point, oldest first; the `was` of the first is the machine's answer.
    pub async fn corrections(&self, point: SellingPointId) -> Result<Vec<Correction>, StoreError> {
        let all = sql("SELECT * FROM point_corrections WHERE selling_point_id = $1 ORDER BY version");
        self.rows(all.bind(point)).await?.iter().map(read_correction).collect()
    }

    /// Up to `limit` pieces of talk that people have judged, after the selling point `after`, in the order of their
    /// ids. What was carried over to another labelling counts once: where it was said.
    pub async fn judged_talk(
        &self,
        after: Option<SellingPointId>,
        limit: u32,
    ) -> Result<Vec<JudgedTalk>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT p.*, c.said_by, c.said_at, r.source_id
                     FROM selling_points p
                     JOIN point_corrections c ON c.selling_point_id = p.id AND c.version = p.version
                     JOIN recordings r ON r.id = p.recording_id
                     WHERE p.verdict <> 'open' AND c.carried_from IS NULL AND p.id > $1
                     ORDER BY p.id LIMIT $2")
                .bind(after.map(|id| id.to_string()).unwrap_or_default())
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read_judged).collect()
    }
}

fn read_judged(row: &Row) -> Result<JudgedTalk, StoreError> {
    let Reviewed { point, verdict, .. } = read(row)?;
    let (point_id, recording_id, span): (SellingPointId, RecordingId, Span) =
        (point.id, point.recording_id, point.span);
    let source_id: SourceId = row.id("source_id")?;
    let PointAnswer { label, details, .. } = PointAnswer::of(&point);
    let (label, also) = match verdict {
        Verdict::Rejected => (Label::Chat, vec![]),
        _ => (label, details.also.into_iter().map(|(l, _)| l).filter(|l| *l != label).collect()),
    };
    let (by, at) = (row.text("said_by")?, row.wall("said_at")?);
    Ok(JudgedTalk { point_id, source_id, recording_id, span, label, also, verdict, by, at })
}
