//! Sources and what they sell.

use clipmill_domain::{
    SourceId, WallTime,
    product::Product,
    source::{Language, Source, SourceKind},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Store, StoreError, Tx,
    row::{Row, json, sql, word},
    secret::{stream_key_hash, url_shown},
};

/// A source to be configured.
#[derive(Debug, Clone)]
pub struct NewSource {
    /// Its id.
    pub id: SourceId,
    /// The operator's name for it; unique.
    pub name: String,
    /// Push or pull.
    pub kind: SourceKind,
    /// Push: the stream key, of which only a hash is stored. Pull: the whole URL, stored sealed.
    pub secret: SecretString,
    /// The language spoken.
    pub language: Language,
    /// Category pack, if any.
    pub category: Option<String>,
    /// Now.
    pub now: WallTime,
}

fn read(row: &Row) -> Result<Source, StoreError> {
    Ok(Source {
        id: row.id("id")?,
        name: row.text("name")?,
        kind: row.word("kind")?,
        url_shown: row.text_or_null("url_shown")?,
        language: row.word("language")?,
        category: row.text_or_null("category")?,
        enabled: row.yes("enabled")?,
        created_at: row.wall("created_at")?,
    })
}

/// Configures a source, enabled.
///
/// # Errors
/// [`StoreError::Refused`] when the name is empty or taken, the stream key is in use or the URL is none.
pub async fn add_source(tx: &mut Tx<'_>, new: &NewSource) -> Result<Source, StoreError> {
    let refused = |why: String| Err(StoreError::Refused { why });
    let name = new.name.trim();
    if name.is_empty() {
        return refused("a source needs a name".to_owned());
    }
    if tx.row(sql("SELECT id FROM sources WHERE name = $1").bind(name)).await?.is_some() {
        return refused(format!("a source named {name:?} exists already; choose another name"));
    }
    let (hash, sealed, shown) = match new.kind {
        SourceKind::Push => {
            let hash = stream_key_hash(new.secret.expose_secret());
            let held = sql("SELECT name FROM sources WHERE stream_key_hash = $1").bind(&hash);
            if let Some(other) = tx.row(held).await? {
                let other = other.text("name")?;
                return refused(format!("this stream key belongs to {other:?} already; use another one"));
            }
            (Some(hash), None, None)
        }
        SourceKind::Pull => {
            let shown = url_shown(new.secret.expose_secret())?;
            let sealed = tx.store().vault().seal(&new.id.to_string(), &new.secret)?;
            (None, Some(sealed), Some(shown))
        }
    };
    tx.run(
        sql(
            "INSERT INTO sources (id, name, kind, stream_key_hash, sealed_url, url_shown, language, category,
                enabled, created_at, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(new.id)
        .bind(name)
        .bind(word("kind", &new.kind)?)
        .bind(hash)
        .bind(sealed)
        .bind(&shown)
        .bind(word("language", &new.language)?)
        .bind(&new.category)
        .bind(true)
        .bind(new.now)
        .bind(1i64),
    )
    .await?;
    Ok(Source {
        id: new.id,
        name: name.to_owned(),
        kind: new.kind,
        url_shown: shown,
        language: new.language,
        category: new.category.clone(),
        enabled: true,
        created_at: new.now,
    })
}

/// Lets a source record, or not.
pub async fn set_source_enabled(tx: &mut Tx<'_>, id: SourceId, enabled: bool) -> Result<(), StoreError> {
    let changed = tx
        .run(
            sql("UPDATE sources SET enabled = $2, revision = revision + 1 WHERE id = $1")
                .bind(id)
                .bind(enabled),
        )
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound { what: "source", id: id.to_string() }) }
}

/// Forgets a source that never recorded.
///
/// # Errors
/// [`StoreError::Refused`] when it has recordings: disable it instead.
pub async fn remove_source(tx: &mut Tx<'_>, id: SourceId) -> Result<(), StoreError> {
    let count = tx.row(sql("SELECT COUNT(*) AS count FROM recordings WHERE source_id = $1").bind(id)).await?;
    let count = count.map_or(Ok(0), |r| r.int("count"))?;
    if count > 0 {
        return Err(StoreError::Refused {
            why: format!("source {id} has {count} recordings, so it cannot be removed; disable it instead"),
        });
    }
    tx.run(sql("DELETE FROM products WHERE source_id = $1").bind(id)).await?;
    match tx.run(sql("DELETE FROM sources WHERE id = $1").bind(id)).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound { what: "source", id: id.to_string() }),
    }
}

/// Replaces the product list of a source, keeping the given order.
///
/// # Errors
/// [`StoreError::Duplicate`] when an SKU comes twice.
pub async fn set_products(tx: &mut Tx<'_>, source: SourceId, products: &[Product]) -> Result<(), StoreError> {
    tx.run(sql("DELETE FROM products WHERE source_id = $1").bind(source)).await?;
    for (position, product) in (0i64..).zip(products) {
        tx.run(
            sql("INSERT INTO products (source_id, sku, position, body) VALUES ($1, $2, $3, $4)")
                .bind(source)
                .bind(&product.sku)
                .bind(position)
                .bind(json("body", product)?),
        )
        .await?;
    }
    tx.run(sql("UPDATE sources SET revision = revision + 1 WHERE id = $1").bind(source)).await?;
    Ok(())
}

impl Store {
    /// One source.
    pub async fn source(&self, id: SourceId) -> Result<Option<Source>, StoreError> {
        self.row(sql("SELECT * FROM sources WHERE id = $1").bind(id)).await?.as_ref().map(read).transpose()
    }

    /// One source by the operator's name for it.
    pub async fn source_by_name(&self, name: &str) -> Result<Option<Source>, StoreError> {
        let row = self.row(sql("SELECT * FROM sources WHERE name = $1").bind(name.trim())).await?;
        row.as_ref().map(read).transpose()
    }

    /// All sources, oldest first.
    pub async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        self.rows(sql("SELECT * FROM sources ORDER BY created_at, id")).await?.iter().map(read).collect()
    }

    /// The push source that a stream key belongs to, enabled or not.
    pub async fn source_by_stream_key(&self, key: &str) -> Result<Option<Source>, StoreError> {
        let row = self
            .row(sql("SELECT * FROM sources WHERE stream_key_hash = $1").bind(stream_key_hash(key)))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The whole URL of a pull source.
    ///
    /// # Errors
    /// [`StoreError::Secret`] when the key file is not the one it was sealed with.
    pub async fn pull_url(&self, id: SourceId) -> Result<SecretString, StoreError> {
        let row = self.row(sql("SELECT sealed_url FROM sources WHERE id = $1").bind(id)).await?;
        let sealed = row.map(|r| r.text_or_null("sealed_url")).transpose()?.flatten();
        match sealed {
            Some(sealed) => self.vault().open(&id.to_string(), &sealed),
            None => Err(StoreError::NotFound { what: "pull source", id: id.to_string() }),
        }
    }

    /// The product list of a source, in the operator's order.
    pub async fn products(&self, source: SourceId) -> Result<Vec<Product>, StoreError> {
        let rows = self
            .rows(sql("SELECT body FROM products WHERE source_id = $1 ORDER BY position").bind(source))
            .await?;
        rows.iter().map(|r| r.json("body")).collect()
    }
}
