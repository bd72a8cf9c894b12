//! What the brand's own product feed says is on air.

use clipmill_domain::{SourceId, WallTime, product::OnAir};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, sql},
};

fn read(row: &Row) -> Result<OnAir, StoreError> {
    Ok(OnAir {
        source_id: row.id("source_id")?,
        at: row.wall("at")?,
        sku: row.text_or_null("sku")?,
        said_by: row.text("said_by")?,
    })
}

/// Notes what is on air from an instant on. Said twice of the same instant, the later word stands.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such source.
pub async fn put_on_air(tx: &mut Tx<'_>, said: &OnAir) -> Result<(), StoreError> {
    if tx.row(sql("SELECT id FROM sources WHERE id = $1").bind(said.source_id)).await?.is_none() {
        return Err(StoreError::NotFound { what: "source", id: said.source_id.to_string() });
    }
    tx.run(
        sql("INSERT INTO on_air (source_id, at, sku, said_by) VALUES ($1, $2, $3, $4)
             ON CONFLICT (source_id, at) DO UPDATE SET sku = excluded.sku, said_by = excluded.said_by")
        .bind(said.source_id)
        .bind(said.at)
        .bind(&said.sku)
        .bind(&said.said_by),
    )
    .await?;
    Ok(())
}

impl Store {
    /// What was on air of a source from `from` on and before `until`, oldest first.
    pub async fn on_air(
        &self,
        source: SourceId,
        from: WallTime,
        until: WallTime,
        limit: u32,
    ) -> Result<Vec<OnAir>, StoreError> {
        let rows = self
            .rows(
                sql(
                    "SELECT * FROM on_air WHERE source_id = $1 AND at >= $2 AND at < $3 ORDER BY at LIMIT $4",
                )
                .bind(source)
                .bind(from)
                .bind(until)
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }
}
