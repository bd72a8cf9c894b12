//! Sources and what they sell.

use std::collections::HashMap;

use clipmill_domain::{
    SourceId, WallTime,
    product::Product,
    source::{Language, Source, SourceKind, SourceSettings},
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
    /// Pull: request headers (cookies and referrer are headers), stored sealed.
    pub headers: Vec<Header>,
    /// What the operator asks of it.
    pub settings: SourceSettings,
    /// Now.
    pub now: WallTime,
}

/// Which secrets a source has, without telling them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretsHeld {
    /// Push: whether it has a stream key.
    pub has_key: bool,
    /// Pull: the names of its request headers; none when the key file is not the one they were sealed with.
    pub header_names: Vec<String>,
}

/// A request header of a pull source. Its value may be a secret.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name, for example `Cookie`.
    pub name: String,
    /// Its value.
    pub value: SecretString,
}

impl Header {
    /// Whether it can be sent without becoming more than one header.
    ///
    /// # Errors
    /// What to correct, in words that do not repeat the value.
    pub fn check(&self) -> Result<(), String> {
        let name_ok = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
        if self.name.is_empty() || self.name.len() > 100 || !self.name.bytes().all(name_ok) {
            return Err("a header's name is letters, digits and dashes, for example Referer".to_owned());
        }
        let value = self.value.expose_secret();
        if value.len() > 8192 || value.chars().any(|c| c.is_control() && c != '\t') {
            return Err(format!(
                "the value of header {} is one line of at most 8192 characters, without control characters",
                self.name
            ));
        }
        Ok(())
    }
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
        requested: row.yes("requested")?,
        settings: row.json("settings")?,
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
    new.settings.validate().map_err(|why| StoreError::Refused { why })?;
    check_headers(&new.headers)?;
    // Refused before anything is written, so that the caller may go on with the transaction.
    match new.kind {
        SourceKind::Push => drop(free_key(tx, new.id, &new.secret).await?),
        SourceKind::Pull => drop(url_shown(new.secret.expose_secret())?),
    }
    tx.run(
        sql("INSERT INTO sources (id, name, kind, language, category, settings, enabled, created_at, revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(new.id)
        .bind(name)
        .bind(word("kind", &new.kind)?)
        .bind(word("language", &new.language)?)
        .bind(&new.category)
        .bind(json("settings", &new.settings)?)
        .bind(true)
        .bind(new.now)
        .bind(1i64),
    )
    .await?;
    let shown = match new.kind {
        SourceKind::Push => {
            set_stream_key(tx, new.id, &new.secret).await?;
            None
        }
        SourceKind::Pull => Some(set_pull(tx, new.id, &new.secret, &new.headers).await?),
    };
    Ok(Source {
        id: new.id,
        name: name.to_owned(),
        kind: new.kind,
        url_shown: shown,
        language: new.language,
        category: new.category.clone(),
        enabled: true,
        requested: false,
        settings: new.settings.clone(),
        created_at: new.now,
    })
}

/// Gives a push source another stream key; the one before is worth nothing from now on.
///
/// # Errors
/// [`StoreError::Refused`] when another source has it, [`StoreError::NotFound`].
pub async fn set_stream_key(tx: &mut Tx<'_>, id: SourceId, key: &SecretString) -> Result<(), StoreError> {
    let hash = free_key(tx, id, key).await?;
    let sealed = tx.store().vault().seal(&id.to_string(), key)?;
    let changed = tx
        .run(
            sql("UPDATE sources SET stream_key_hash = $2, sealed_key = $3, revision = revision + 1
                 WHERE id = $1 AND kind = 'push'")
            .bind(id)
            .bind(hash)
            .bind(sealed),
        )
        .await?;
    found(changed, id, "push source")
}

/// The hash of a stream key that no other source has.
async fn free_key(tx: &mut Tx<'_>, id: SourceId, key: &SecretString) -> Result<String, StoreError> {
    let hash = stream_key_hash(key.expose_secret());
    let held = sql("SELECT name FROM sources WHERE stream_key_hash = $1 AND id <> $2").bind(&hash).bind(id);
    match tx.row(held).await? {
        None => Ok(hash),
        Some(other) => {
            let other = other.text("name")?;
            let why = format!("this stream key belongs to {other:?} already; use another one");
            Err(StoreError::Refused { why })
        }
    }
}

/// Takes the stream key of a push source away: nothing can be pushed until it gets another.
pub async fn revoke_stream_key(tx: &mut Tx<'_>, id: SourceId) -> Result<(), StoreError> {
    let changed = tx
        .run(
            sql("UPDATE sources SET stream_key_hash = NULL, sealed_key = NULL, revision = revision + 1
                 WHERE id = $1 AND kind = 'push'")
            .bind(id),
        )
        .await?;
    found(changed, id, "push source")
}

/// Gives a pull source another URL and other request headers. What of the URL may be shown.
pub async fn set_pull(
    tx: &mut Tx<'_>,
    id: SourceId,
    url: &SecretString,
    headers: &[Header],
) -> Result<String, StoreError> {
    let shown = url_shown(url.expose_secret())?;
    check_headers(headers)?;
    let owner = id.to_string();
    let vault = tx.store().vault().clone();
    let plain: Vec<_> = headers.iter().map(|h| (&h.name, h.value.expose_secret())).collect();
    let sealed_headers = match plain.as_slice() {
        [] => None,
        some => Some(vault.seal(&owner, &SecretString::from(json("sealed_headers", &some)?))?),
    };
    let changed = tx
        .run(
            sql("UPDATE sources SET sealed_url = $2, url_shown = $3, sealed_headers = $4, revision = revision + 1
                 WHERE id = $1 AND kind = 'pull'")
            .bind(id)
            .bind(vault.seal(&owner, url)?)
            .bind(&shown)
            .bind(sealed_headers),
        )
        .await?;
    found(changed, id, "pull source")?;
    Ok(shown)
}

/// Changes what may be changed of a source without its secrets.
///
/// # Errors
/// [`StoreError::Refused`] when the name is empty or taken or the settings cannot be met, [`StoreError::NotFound`].
pub async fn update_source(tx: &mut Tx<'_>, source: &Source) -> Result<(), StoreError> {
    let name = source.name.trim();
    let refused = |why: String| Err(StoreError::Refused { why });
    if name.is_empty() {
        return refused("a source needs a name".to_owned());
    }
    let taken = sql("SELECT id FROM sources WHERE name = $1 AND id <> $2").bind(name).bind(source.id);
    if tx.row(taken).await?.is_some() {
        return refused(format!("a source named {name:?} exists already; choose another name"));
    }
    source.settings.validate().map_err(|why| StoreError::Refused { why })?;
    let changed = tx
        .run(
            sql("UPDATE sources SET name = $2, language = $3, category = $4, settings = $5, revision = revision + 1
                 WHERE id = $1")
            .bind(source.id)
            .bind(name)
            .bind(word("language", &source.language)?)
            .bind(&source.category)
            .bind(json("settings", &source.settings)?),
        )
        .await?;
    found(changed, source.id, "source")
}

/// Asks an on-demand source to record, or to stop.
pub async fn set_source_requested(tx: &mut Tx<'_>, id: SourceId, requested: bool) -> Result<(), StoreError> {
    let changed = tx
        .run(
            sql("UPDATE sources SET requested = $2, revision = revision + 1 WHERE id = $1")
                .bind(id)
                .bind(requested),
        )
        .await?;
    found(changed, id, "source")
}

fn check_headers(headers: &[Header]) -> Result<(), StoreError> {
    if headers.len() > 50 {
        return Err(StoreError::Refused { why: "at most 50 request headers".to_owned() });
    }
    headers.iter().try_for_each(Header::check).map_err(|why| StoreError::Refused { why })
}

fn found(changed: u64, id: SourceId, what: &'static str) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound { what, id: id.to_string() }) }
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
    found(changed, id, "source")
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
    if tx.row(sql("SELECT id FROM heads WHERE source_id = $1 LIMIT 1").bind(id)).await?.is_some() {
        return Err(StoreError::Refused {
            why: format!("heads were trained for source {id}, so it cannot be removed; disable it instead"),
        });
    }
    tx.run(sql("DELETE FROM products WHERE source_id = $1").bind(id)).await?;
    tx.run(sql("DELETE FROM on_air WHERE source_id = $1").bind(id)).await?;
    tx.run(sql("DELETE FROM lexicon_entries WHERE source_id = $1").bind(id)).await?;
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

    /// The request headers of a pull source.
    pub async fn pull_headers(&self, id: SourceId) -> Result<Vec<Header>, StoreError> {
        let row = self.row(sql("SELECT sealed_headers FROM sources WHERE id = $1").bind(id)).await?;
        let Some(sealed) = row.map(|r| r.text_or_null("sealed_headers")).transpose()?.flatten() else {
            return Ok(vec![]);
        };
        self.opened_headers(id, &sealed)
    }

    fn opened_headers(&self, id: SourceId, sealed: &str) -> Result<Vec<Header>, StoreError> {
        let plain = self.vault().open(&id.to_string(), sealed)?;
        let pairs: Vec<(String, String)> = serde_json::from_str(plain.expose_secret())
            .map_err(|e| StoreError::Corrupt { column: "sealed_headers", why: e.to_string() })?;
        Ok(pairs.into_iter().map(|(name, value)| Header { name, value: value.into() }).collect())
    }

    /// Which secrets the sources have.
    pub async fn secrets_held(&self) -> Result<HashMap<SourceId, SecretsHeld>, StoreError> {
        let rows = self.rows(sql("SELECT id, stream_key_hash, sealed_headers FROM sources")).await?;
        let held = rows.iter().map(|row| {
            let id: SourceId = row.id("id")?;
            let sealed = row.text_or_null("sealed_headers")?;
            let headers = sealed.map_or(Ok(vec![]), |sealed| self.opened_headers(id, &sealed));
            let names = headers.unwrap_or_default().into_iter().map(|h| h.name);
            let has_key = row.text_or_null("stream_key_hash")?.is_some();
            Ok((id, SecretsHeld { has_key, header_names: names.collect() }))
        });
        held.collect()
    }

    /// The stream key of a push source: over SRT both ends must know it. `None` when it was revoked, or set before
    /// keys were kept sealed.
    pub async fn stream_key(&self, id: SourceId) -> Result<Option<SecretString>, StoreError> {
        let row = self.row(sql("SELECT sealed_key FROM sources WHERE id = $1").bind(id)).await?;
        let sealed = row.map(|r| r.text_or_null("sealed_key")).transpose()?.flatten();
        sealed.map(|sealed| self.vault().open(&id.to_string(), &sealed)).transpose()
    }

    /// The product list of a source, in the operator's order.
    pub async fn products(&self, source: SourceId) -> Result<Vec<Product>, StoreError> {
        let rows = self
            .rows(sql("SELECT body FROM products WHERE source_id = $1 ORDER BY position").bind(source))
            .await?;
        rows.iter().map(|r| r.json("body")).collect()
    }
}
