//! A head file taken into the library.

use camino::Utf8Path;
use clipmill_domain::{HeadId, Id as _, WallTime, head::HeadRow, source::Source};
use clipmill_inference::classify::Head;
use clipmill_store::{Store, StoreError, audit, heads, library};

use crate::cmds::{Failure, error_chain};

/// Copies a head file into the library, for the brand of `source` or for all. `held_out`: its figures of
/// cross-validation, where they are known.
pub(in crate::cmds) async fn keep(
    store: &Store,
    file: &Utf8Path,
    source: Option<&Source>,
    held_out: Option<serde_json::Value>,
    by: &str,
    at: WallTime,
) -> Result<HeadRow, Failure> {
    let head = Head::load(file).map_err(|e| Failure::new(error_chain(&e)))?;
    let facts = serde_json::to_value(head.facts()).map_err(|e| Failure::new(e.to_string()))?;
    let id = HeadId::new_at(at);
    let copy = store.library().temp_path("head.safetensors");
    std::fs::copy(file, &copy).map_err(|e| Failure::new(format!("{file} cannot be copied: {e}")))?;
    let path = format!("heads/{id}.safetensors");
    let artifact = store.library().publish_artifact(&copy, &path, "head", &id.to_string(), at).await?;
    let row = HeadRow {
        id,
        source_id: source.map(|s| s.id),
        path,
        sha256: artifact.sha256.clone(),
        facts,
        held_out,
        frozen: None,
        made_by: by.to_owned(),
        made_at: at,
    };
    let rows = async {
        let mut tx = store.begin().await?;
        library::insert_artifact(&mut tx, &artifact).await?;
        heads::insert_head(&mut tx, &row).await?;
        let detail = format!("{} for {}", row.short_hash(), source.map_or("all", |s| s.name.as_str()));
        audit::audit(&mut tx, at, by, "add head", &id.to_string(), Some(&detail)).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(())
    };
    rows.await?;
    Ok(row)
}
