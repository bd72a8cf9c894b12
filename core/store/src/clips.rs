//! Clips. A clip's row is written once; later its exact cut is added, and its words follow corrections.

use clipmill_domain::{
    ClipId, RecordingId, SellingPointId, clip::Clip, provenance::StageVersion, taxonomy::Label,
};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, json, sql},
};

fn read(row: &Row) -> Result<Clip, StoreError> {
    Ok(Clip {
        id: row.id("id")?,
        selling_point_id: row.id("selling_point_id")?,
        recording_id: row.id("recording_id")?,
        span: row.span()?,
        edl: row.json("edl")?,
        title: row.text("title")?,
        label: row.label("label")?,
        product_name: row.text_or_null("product_name")?,
        why: row.json("why")?,
        talk_ended_at: row.wall("talk_ended_at")?,
        reviewable_at: row.wall("reviewable_at")?,
        draft_path: row.text("draft_path")?,
        thumbnail_path: row.text("thumbnail_path")?,
        exact_path: row.text_or_null("exact_path")?,
    })
}

/// Adds a clip, made by `version`. Add the artifacts of its files in the same transaction.
///
/// # Errors
/// [`StoreError::Duplicate`] when its selling point has a clip.
pub async fn insert_clip(tx: &mut Tx<'_>, c: &Clip, version: &StageVersion) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO clips (id, selling_point_id, recording_id, start_us, end_us, edl, title, label,
                product_name, why, talk_ended_at, reviewable_at, draft_path, thumbnail_path, exact_path, made_by,
                revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)")
        .bind(c.id)
        .bind(c.selling_point_id)
        .bind(c.recording_id)
        .bind(c.span.start())
        .bind(c.span.end())
        .bind(json("edl", &c.edl)?)
        .bind(&c.title)
        .bind(c.label)
        .bind(&c.product_name)
        .bind(json("why", &c.why)?)
        .bind(c.talk_ended_at)
        .bind(c.reviewable_at)
        .bind(&c.draft_path)
        .bind(&c.thumbnail_path)
        .bind(&c.exact_path)
        .bind(version)
        .bind(1i64),
    )
    .await?;
    Ok(())
}

/// Adds the exact cut to a clip that has none.
///
/// # Errors
/// [`StoreError::Duplicate`] when it has one; [`StoreError::NotFound`].
pub async fn set_exact(
    tx: &mut Tx<'_>,
    id: ClipId,
    path: &str,
    version: &StageVersion,
) -> Result<(), StoreError> {
    let changed = tx
        .run(
            sql("UPDATE clips SET exact_path = $2, exact_made_by = $3, revision = revision + 1
                 WHERE id = $1 AND exact_path IS NULL")
            .bind(id)
            .bind(path)
            .bind(version),
        )
        .await?;
    if changed == 1 {
        return Ok(());
    }
    match tx.row(sql("SELECT id FROM clips WHERE id = $1").bind(id)).await? {
        Some(_) => Err(StoreError::Duplicate { what: format!("the exact cut of clip {id}") }),
        None => Err(StoreError::NotFound { what: "clip", id: id.to_string() }),
    }
}

/// A clip's selling point was corrected: its label and product follow, and its title where nobody has written another
/// one, that is, where it still is `old_title`. `moved`: the bounds were changed, so the cut no longer shows them.
pub async fn follow_correction(
    tx: &mut Tx<'_>,
    point: SellingPointId,
    (label, product_name): (Label, &Option<String>),
    (old_title, new_title): (&str, &str),
    moved: bool,
) -> Result<(), StoreError> {
    tx.run(
        sql("UPDATE clips SET label = $2, product_name = $3, title = CASE WHEN title = $4 THEN $5 ELSE title END,
                 recut = CASE WHEN $6 = 1 THEN 1 ELSE recut END, revision = revision + 1
             WHERE selling_point_id = $1")
        .bind(point)
        .bind(label)
        .bind(product_name)
        .bind(old_title)
        .bind(new_title)
        .bind(moved),
    )
    .await?;
    Ok(())
}

impl Store {
    /// The clip of a selling point, and whether the selling point was given other bounds after it was cut.
    pub async fn clip_of_point(&self, point: SellingPointId) -> Result<Option<(Clip, bool)>, StoreError> {
        let row = self.row(sql("SELECT * FROM clips WHERE selling_point_id = $1").bind(point)).await?;
        row.map(|r| Ok((read(&r)?, r.yes("recut")?))).transpose()
    }

    /// One clip.
    pub async fn clip(&self, id: ClipId) -> Result<Option<Clip>, StoreError> {
        self.row(sql("SELECT * FROM clips WHERE id = $1").bind(id)).await?.as_ref().map(read).transpose()
    }

    /// Clips, newest first; those older than `before`, when given: the last id of the page above.
    pub async fn clips(&self, limit: u32, before: Option<ClipId>) -> Result<Vec<Clip>, StoreError> {
        let query = match before {
            Some(id) => sql("SELECT * FROM clips WHERE id < $2 ORDER BY id DESC LIMIT $1")
                .bind(bounded(limit))
                .bind(id),
            None => sql("SELECT * FROM clips ORDER BY id DESC LIMIT $1").bind(bounded(limit)),
        };
        self.rows(query).await?.iter().map(read).collect()
    }

    /// The clips of a recording, by media time.
    pub async fn clips_of(&self, recording: RecordingId) -> Result<Vec<Clip>, StoreError> {
        let rows = self
            .rows(sql("SELECT * FROM clips WHERE recording_id = $1 ORDER BY start_us, id").bind(recording))
            .await?;
        rows.iter().map(read).collect()
    }

    /// Which version made a clip.
    pub async fn clip_made_by(&self, id: ClipId) -> Result<Option<StageVersion>, StoreError> {
        let row = self.row(sql("SELECT made_by FROM clips WHERE id = $1").bind(id)).await?;
        row.map(|r| Ok(StageVersion::new(r.text("made_by")?))).transpose()
    }

    /// Clips that have no exact cut and for which no job of `version` was ever asked. Oldest first.
    pub async fn clips_without_exact(
        &self,
        version: &StageVersion,
        limit: u32,
    ) -> Result<Vec<Clip>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT c.* FROM clips c
                     WHERE c.exact_path IS NULL
                       AND NOT EXISTS (SELECT 1 FROM stage_jobs j WHERE j.input_id = c.id AND j.version = $1)
                     ORDER BY c.id LIMIT $2")
                .bind(version)
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Clips that have no remix made by `version` and for which no job of it was ever asked. Oldest first.
    pub async fn clips_without_remix(
        &self,
        version: &StageVersion,
        limit: u32,
    ) -> Result<Vec<Clip>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT c.* FROM clips c
                     WHERE NOT EXISTS (SELECT 1 FROM remixes r WHERE r.clip_id = c.id AND r.made_by = $1)
                       AND NOT EXISTS (SELECT 1 FROM stage_jobs j WHERE j.input_id = c.id AND j.version = $1)
                     ORDER BY c.id LIMIT $2")
                .bind(version)
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// How many clips each label has; labels without clips are left out.
    pub async fn clip_counts(&self) -> Result<Vec<(Label, i64)>, StoreError> {
        let rows = self
            .rows(sql("SELECT label, COUNT(*) AS count FROM clips GROUP BY label ORDER BY label"))
            .await?;
        rows.iter().map(|r| Ok((r.label("label")?, r.int("count")?))).collect()
    }

    /// Milliseconds from the end of the talk to the clip being reviewable, of the newest `limit` clips.
    pub async fn clip_latencies_ms(&self, limit: u32) -> Result<Vec<i64>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT reviewable_at - talk_ended_at AS latency FROM clips ORDER BY id DESC LIMIT $1")
                    .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(|r| r.int("latency")).collect()
    }
}
