//! Remixes.

use clipmill_domain::{ClipId, RemixId, remix::Remix};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, json, sql},
};

fn read(row: &Row) -> Result<Remix, StoreError> {
    Ok(Remix {
        id: row.id("id")?,
        clip_id: row.id("clip_id")?,
        plan: row.json("plan")?,
        path: row.text("path")?,
        made_at: row.wall("made_at")?,
        made_by: row.text("made_by")?,
    })
}

/// Adds a remix. Add the artifact of its file in the same transaction.
///
/// # Errors
/// [`StoreError::Duplicate`] when its clip has one made by the same version.
pub async fn insert_remix(tx: &mut Tx<'_>, r: &Remix) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO remixes (id, clip_id, plan, path, made_at, made_by, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(r.id)
        .bind(r.clip_id)
        .bind(json("plan", &r.plan)?)
        .bind(&r.path)
        .bind(r.made_at)
        .bind(&r.made_by)
        .bind(1i64),
    )
    .await?;
    Ok(())
}

impl Store {
    /// One remix.
    pub async fn remix(&self, id: RemixId) -> Result<Option<Remix>, StoreError> {
        self.row(sql("SELECT * FROM remixes WHERE id = $1").bind(id)).await?.as_ref().map(read).transpose()
    }

    /// The newest remix of a clip.
    pub async fn remix_of(&self, clip: ClipId) -> Result<Option<Remix>, StoreError> {
        let row = self
            .row(
                sql("SELECT * FROM remixes WHERE clip_id = $1 ORDER BY made_at DESC, id DESC LIMIT 1")
                    .bind(clip),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Remixes with no post for `target`, oldest first.
    pub async fn remixes_without_post(&self, target: &str, limit: u32) -> Result<Vec<Remix>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT r.* FROM remixes r
                     WHERE NOT EXISTS (SELECT 1 FROM posts p WHERE p.remix_id = r.id AND p.target = $1)
                     ORDER BY r.made_at, r.id LIMIT $2")
                .bind(target)
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }
}
