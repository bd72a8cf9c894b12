//! The rows that name files, and the rows that say which files are to go.

use clipmill_domain::WallTime;

use super::checked;
use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, sql},
};

/// Files whose garbage rows go in one transaction.
const SWEPT_AT_ONCE: usize = 50;

/// A file of the library that is whole and will never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Path inside the library; unique.
    pub path: String,
    /// What it is, for example `clip.draft`.
    pub kind: String,
    /// File length in bytes.
    pub bytes: i64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Id of the row it belongs to.
    pub owner: String,
    /// When the row was made.
    pub created_at: WallTime,
}

fn read(row: &Row) -> Result<Artifact, StoreError> {
    Ok(Artifact {
        path: row.text("path")?,
        kind: row.text("kind")?,
        bytes: row.int("bytes")?,
        sha256: row.text("sha256")?,
        owner: row.text("owner")?,
        created_at: row.wall("created_at")?,
    })
}

/// Records a published file.
///
/// # Errors
/// [`StoreError::Refused`] when the library holds no such file of that length: the row comes after the file.
pub async fn insert_artifact(tx: &mut Tx<'_>, artifact: &Artifact) -> Result<(), StoreError> {
    match tx.store().library().size(&artifact.path).await? {
        Some(bytes) if bytes == artifact.bytes => {}
        found => {
            return Err(StoreError::Refused {
                why: format!(
                    "artifact {}: {} bytes promised, {} found; publish the file before its row",
                    artifact.path,
                    artifact.bytes,
                    found.map_or("no file".to_owned(), |b| b.to_string())
                ),
            });
        }
    }
    tx.run(sql("DELETE FROM garbage WHERE path = $1").bind(&artifact.path)).await?;
    tx.run(
        sql("INSERT INTO artifacts (path, kind, bytes, sha256, owner, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&artifact.path)
        .bind(&artifact.kind)
        .bind(artifact.bytes)
        .bind(&artifact.sha256)
        .bind(&artifact.owner)
        .bind(artifact.created_at),
    )
    .await?;
    Ok(())
}

/// Gives a file up: drops its artifact row, if any, and lets the next sweep delete it.
pub async fn mark_garbage(
    tx: &mut Tx<'_>,
    path: &str,
    reason: &str,
    now: WallTime,
) -> Result<(), StoreError> {
    checked(path)?;
    tx.run(sql("DELETE FROM artifacts WHERE path = $1").bind(path)).await?;
    tx.run(
        sql(
            "INSERT INTO garbage (path, reason, marked_at) VALUES ($1, $2, $3) ON CONFLICT (path) DO NOTHING",
        )
        .bind(path)
        .bind(reason)
        .bind(now),
    )
    .await?;
    Ok(())
}

impl Store {
    /// The artifact at a path: what may be served.
    pub async fn artifact(&self, path: &str) -> Result<Option<Artifact>, StoreError> {
        let row = self.row(sql("SELECT * FROM artifacts WHERE path = $1").bind(path)).await?;
        row.as_ref().map(read).transpose()
    }

    /// The artifacts of a row, in path order.
    pub async fn artifacts_of(&self, owner: &str) -> Result<Vec<Artifact>, StoreError> {
        let rows =
            self.rows(sql("SELECT * FROM artifacts WHERE owner = $1 ORDER BY path").bind(owner)).await?;
        rows.iter().map(read).collect()
    }

    /// Deletes up to `limit` files marked as garbage; how many went. Safe to run anywhere, any time.
    pub async fn sweep_garbage(&self, limit: u32) -> Result<u64, StoreError> {
        let rows = self
            .rows(sql("SELECT path FROM garbage ORDER BY marked_at, path LIMIT $1").bind(bounded(limit)))
            .await?;
        let mut swept = 0;
        for some in rows.chunks(SWEPT_AT_ONCE) {
            let paths = some.iter().map(|row| row.text("path")).collect::<Result<Vec<_>, _>>()?;
            for path in &paths {
                self.library().delete(path).await?;
            }
            let mut tx = self.begin().await?;
            for path in &paths {
                tx.run(sql("DELETE FROM garbage WHERE path = $1").bind(path)).await?;
            }
            tx.commit().await?;
            swept += paths.len() as u64;
        }
        Ok(swept)
    }
}
