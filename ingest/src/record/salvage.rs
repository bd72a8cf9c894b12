//! What a recorder that died left behind: parts without rows are brought back, open epochs closed.

use std::path::PathBuf;

use clipmill_domain::recording::{EndReason, Recording};
use clipmill_store::{Store, StoreError, recordings};

use super::journal;

/// Closes every epoch that a dead recorder left open, after bringing back its parts. How many were closed.
pub(crate) async fn all(store: &Store) -> Result<usize, StoreError> {
    let open = store.open_epochs().await?;
    for epoch in &open {
        if let Some(rec) = store.recording(epoch.recording_id).await? {
            recording(store, &rec).await?;
        }
        let mut tx = store.begin().await?;
        recordings::close_epoch(&mut tx, epoch.id, EndReason::Crashed).await?;
        tx.commit().await?;
        tracing::warn!(recording = %epoch.recording_id, epoch = epoch.seq, "an epoch left open by a crash was closed");
    }
    remove_unborn(store).await?;
    Ok(open.len())
}

/// Brings back the parts of a recording that lie on disk without a row: closed ones whose row was not written,
/// and the open one up to its last whole fragment. Running it twice is harmless.
pub(crate) async fn recording(store: &Store, rec: &Recording) -> Result<(), StoreError> {
    let dir = store.library().local_path(&journal::folder(rec.id))?;
    let last = store.last_part(rec.id).await?.map_or(-1, |p| p.seq);
    let epochs = store.epochs(rec.id).await?;
    let Some(epoch) = epochs.last() else { return Ok(()) };
    let mut next = last + 1;
    for path in unrecorded(dir.as_std_path(), last) {
        let newest_init = dir.join(journal::init_name(epoch.seq + 1));
        if newest_init.exists() {
            // The header of an epoch whose row was never written; its first part is with it. Less than one
            // group of pictures is lost.
            tracing::warn!(recording = %rec.id, file = %path.display(), "a part without an epoch is removed");
            remove(&path);
            continue;
        }
        let init = store.library().local_path(&epoch.init_path)?;
        let file = path.clone();
        let found =
            tokio::task::spawn_blocking(move || clipmill_media::salvage(&file, init.as_std_path())).await;
        match found {
            Ok(Ok(Some(part))) if journal::seq_of(&part.path) == Some(next) => {
                journal::adopt(store, epoch, next, &part).await?;
                tracing::warn!(
                    recording = %rec.id, seq = next, bytes = part.bytes, lost_bytes = part.lost_bytes,
                    "a part was brought back"
                );
                next += 1;
            }
            Ok(Ok(None)) => {
                tracing::warn!(recording = %rec.id, file = %path.display(), "an empty part was removed")
            }
            Ok(Ok(Some(part))) => {
                tracing::warn!(recording = %rec.id, file = %part.path.display(), "a part out of order is removed");
                remove(&part.path);
            }
            Ok(Err(error)) => {
                tracing::warn!(recording = %rec.id, file = %path.display(), %error, "a broken part is removed");
                remove(&path);
            }
            Err(error) => {
                return Err(StoreError::Refused {
                    why: format!("salvaging {} failed: {error}", path.display()),
                });
            }
        }
    }
    let unborn = dir.join(journal::init_name(epoch.seq + 1));
    if unborn.exists() {
        remove(unborn.as_std_path());
    }
    Ok(())
}

/// Part files with a number above `last`, in order.
fn unrecorded(dir: &std::path::Path, last: i64) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<(i64, PathBuf)> = entries
        .filter_map(|e| {
            let path = e.ok()?.path();
            Some((journal::seq_of(&path)?, path))
        })
        .filter(|(seq, _)| *seq > last)
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// Folders of recordings whose row was never written, because the recorder died between the header's file and
/// the row. Only such a folder's header and first part are removed; anything else is left for `check`.
async fn remove_unborn(store: &Store) -> Result<(), StoreError> {
    let Ok(entries) = std::fs::read_dir(store.library().root().join("recordings")) else { return Ok(()) };
    for entry in entries.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        if store.recording(id).await?.is_some() {
            continue;
        }
        for name in [journal::init_name(0).as_str(), "000000.part"] {
            let path = entry.path().join(name);
            if path.exists() {
                remove(&path);
            }
        }
        drop(std::fs::remove_dir(entry.path()));
    }
    Ok(())
}

fn remove(path: &std::path::Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(file = %path.display(), %error, "cannot remove a file");
    }
}
