//! The words of the trade, as people enter them.

use clipmill_domain::{LexiconEntryId, SourceId, lexicon::LexiconEntry, source::Language};

use crate::{
    Store, StoreError, Tx,
    row::{Row, json, sql},
};

fn read(row: &Row) -> Result<LexiconEntry, StoreError> {
    let source_id = row.text_or_null("source_id")?;
    let source_id = match source_id {
        Some(_) => Some(row.id("source_id")?),
        None => None,
    };
    Ok(LexiconEntry {
        id: row.id("id")?,
        source_id,
        language: row.word_or_null("language")?,
        term: row.text("term")?,
        aliases: row.json("aliases")?,
        misheard: row.json("misheard")?,
        entered_by: row.text("entered_by")?,
        entered_at: row.wall("entered_at")?,
    })
}

/// Enters a term, or replaces the entry of the same term and source (whose id stays).
pub async fn put_lexicon_entry(tx: &mut Tx<'_>, entry: &LexiconEntry) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO lexicon_entries (id, source_id, language, term, aliases, misheard, entered_by, entered_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (COALESCE(source_id, ''), term) DO UPDATE
             SET language = excluded.language, aliases = excluded.aliases, misheard = excluded.misheard,
                 entered_by = excluded.entered_by, entered_at = excluded.entered_at")
        .bind(entry.id)
        .bind(entry.source_id.map(|id| id.to_string()))
        .bind(entry.language.map(Language::code))
        .bind(&entry.term)
        .bind(json("aliases", &entry.aliases)?)
        .bind(json("misheard", &entry.misheard)?)
        .bind(&entry.entered_by)
        .bind(entry.entered_at),
    )
    .await?;
    Ok(())
}

/// Takes an entry out.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove_lexicon_entry(tx: &mut Tx<'_>, id: LexiconEntryId) -> Result<(), StoreError> {
    match tx.row(sql("DELETE FROM lexicon_entries WHERE id = $1 RETURNING id").bind(id)).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::NotFound { what: "lexicon entry", id: id.to_string() }),
    }
}

impl Store {
    /// One entry.
    pub async fn lexicon_entry(&self, id: LexiconEntryId) -> Result<Option<LexiconEntry>, StoreError> {
        let row = self.row(sql("SELECT * FROM lexicon_entries WHERE id = $1").bind(id)).await?;
        row.as_ref().map(read).transpose()
    }

    /// The entry of a term for exactly this source, or for all of them.
    pub async fn lexicon_term(
        &self,
        source: Option<SourceId>,
        term: &str,
    ) -> Result<Option<LexiconEntry>, StoreError> {
        let row = self
            .row(
                sql("SELECT * FROM lexicon_entries WHERE COALESCE(source_id, '') = $1 AND term = $2")
                    .bind(source.map(|s| s.to_string()).unwrap_or_default())
                    .bind(term),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Every entry, by term.
    pub async fn lexicon(&self) -> Result<Vec<LexiconEntry>, StoreError> {
        let rows = self.rows(sql("SELECT * FROM lexicon_entries ORDER BY term, id")).await?;
        rows.iter().map(read).collect()
    }

    /// What holds for a source: its own entries and those for all sources, by term.
    pub async fn lexicon_of(&self, source: SourceId) -> Result<Vec<LexiconEntry>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM lexicon_entries WHERE source_id IS NULL OR source_id = $1 ORDER BY term, id")
                    .bind(source),
            )
            .await?;
        rows.iter().map(read).collect()
    }
}
