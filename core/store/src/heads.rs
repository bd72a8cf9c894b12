//! The library of trained heads, and which of them is in use.

use clipmill_domain::{
    HeadId, Id, JobId, SourceId, WallTime,
    head::{HeadRow, Promotion},
};

use crate::{
    Store, StoreError, Tx,
    row::{Row, json, sql},
};

fn source_or_null(row: &Row, column: &'static str) -> Result<Option<SourceId>, StoreError> {
    match row.text_or_null(column)? {
        Some(text) if !text.is_empty() => row.id(column).map(Some),
        _ => Ok(None),
    }
}

fn json_or_null(row: &Row, column: &'static str) -> Result<Option<serde_json::Value>, StoreError> {
    row.text_or_null(column)?.map(|_| row.json(column)).transpose()
}

fn read(row: &Row) -> Result<HeadRow, StoreError> {
    Ok(HeadRow {
        id: row.id("id")?,
        source_id: source_or_null(row, "source_id")?,
        path: row.text("path")?,
        sha256: row.text("sha256")?,
        facts: row.json("facts")?,
        held_out: json_or_null(row, "held_out")?,
        frozen: json_or_null(row, "frozen")?,
        made_by: row.text("made_by")?,
        made_at: row.wall("made_at")?,
    })
}

fn read_promotion(row: &Row) -> Result<Promotion, StoreError> {
    Ok(Promotion {
        scope: source_or_null(row, "scope")?,
        seq: row.int("seq")?,
        head_id: row.id("head_id")?,
        forced: row.yes("forced")?,
        reason: row.text("reason")?,
        by: row.text("promoted_by")?,
        at: row.wall("promoted_at")?,
        undone_at: row.wall_or_null("undone_at")?,
    })
}

fn scope_text(scope: Option<SourceId>) -> String {
    scope.map(|s| s.to_string()).unwrap_or_default()
}

/// Adds a head. Add the artifact of its file in the same transaction.
pub async fn insert_head(tx: &mut Tx<'_>, head: &HeadRow) -> Result<(), StoreError> {
    let text =
        |column, value: &Option<serde_json::Value>| value.as_ref().map(|v| json(column, v)).transpose();
    tx.run(
        sql("INSERT INTO heads (id, source_id, path, sha256, facts, held_out, frozen, made_by, made_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(head.id)
        .bind(head.source_id.map(|s| s.to_string()))
        .bind(&head.path)
        .bind(&head.sha256)
        .bind(json("facts", &head.facts)?)
        .bind(text("held_out", &head.held_out)?)
        .bind(text("frozen", &head.frozen)?)
        .bind(&head.made_by)
        .bind(head.made_at),
    )
    .await?;
    Ok(())
}

/// Keeps the figures of a head on the set on which it was judged last.
pub async fn set_frozen(tx: &mut Tx<'_>, id: HeadId, figures: &serde_json::Value) -> Result<(), StoreError> {
    let set = sql("UPDATE heads SET frozen = $2 WHERE id = $1").bind(id).bind(json("frozen", figures)?);
    match tx.run(set).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound { what: "head", id: id.to_string() }),
    }
}

/// Takes a head into use; `p.seq` is one more than that of the latest promotion of the scope that the caller has seen.
///
/// # Errors
/// [`StoreError::Duplicate`] when somebody else has promoted one meanwhile.
pub async fn promote(tx: &mut Tx<'_>, p: &Promotion) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO head_promotions (id, scope, seq, head_id, forced, reason, promoted_by, promoted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(JobId::new_at(p.at))
        .bind(scope_text(p.scope))
        .bind(p.seq)
        .bind(p.head_id)
        .bind(p.forced)
        .bind(&p.reason)
        .bind(&p.by)
        .bind(p.at),
    )
    .await?;
    Ok(())
}

/// Takes the head in use in a scope out of use again. Answers what was undone; `None` where none was in use.
pub async fn roll_back(
    tx: &mut Tx<'_>,
    scope: Option<SourceId>,
    by: &str,
    at: WallTime,
) -> Result<Option<Promotion>, StoreError> {
    let undo = sql("UPDATE head_promotions SET undone_by = $2, undone_at = $3
                    WHERE scope = $1 AND undone_at IS NULL
                      AND seq = (SELECT MAX(seq) FROM head_promotions WHERE scope = $1 AND undone_at IS NULL)
                    RETURNING *");
    let row = tx.row(undo.bind(scope_text(scope)).bind(by).bind(at)).await?;
    row.as_ref().map(read_promotion).transpose()
}

impl Store {
    /// One head.
    pub async fn head(&self, id: HeadId) -> Result<Option<HeadRow>, StoreError> {
        self.row(sql("SELECT * FROM heads WHERE id = $1").bind(id)).await?.as_ref().map(read).transpose()
    }

    /// All heads, oldest first.
    pub async fn heads(&self) -> Result<Vec<HeadRow>, StoreError> {
        self.rows(sql("SELECT * FROM heads ORDER BY id")).await?.iter().map(read).collect()
    }

    /// Every promotion, also those rolled back, in the order in which they were made.
    pub async fn promotions(&self) -> Result<Vec<Promotion>, StoreError> {
        let rows = self.rows(sql("SELECT * FROM head_promotions ORDER BY promoted_at, scope, seq")).await?;
        rows.iter().map(read_promotion).collect()
    }
}
