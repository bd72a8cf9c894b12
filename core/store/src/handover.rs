//! What the stages hand over between rows and files: the parts of a span as files, and a finished file as an artifact.

use camino::Utf8Path;
use clipmill_domain::{RecordingId, Span, WallTime, recording::MediaPart};

use crate::{Artifact, Library, Store, StoreError};

impl Store {
    /// The parts of a recording that share any instant with `span`, as files of this machine, in order.
    ///
    /// # Errors
    /// [`StoreError::Removed`] when a retention rule took one of them: a cut would have a hole that no gap explains.
    pub async fn media_parts(
        &self,
        recording: RecordingId,
        span: Span,
    ) -> Result<Vec<MediaPart>, StoreError> {
        let epochs = self.epochs(recording).await?;
        let parts = self.parts_in(recording, span).await?;
        if let Some((part, removed_at)) = parts.iter().find_map(|p| Some((p, p.removed_at?))) {
            return Err(StoreError::Removed { recording, span: part.span, removed_at });
        }
        let file = |path: &str| Ok::<_, StoreError>(self.library().local_path(path)?.into_std_path_buf());
        parts
            .iter()
            .map(|p| {
                let epoch = epochs.iter().find(|e| e.id == p.epoch_id);
                let epoch =
                    epoch.ok_or(StoreError::NotFound { what: "epoch", id: p.epoch_id.to_string() })?;
                Ok(MediaPart {
                    path: file(&p.path)?,
                    init_path: file(&epoch.init_path)?,
                    offset_us: epoch.media_start.as_micros(),
                    span: p.span,
                })
            })
            .collect()
    }
}

impl Library {
    /// Hashes a finished temporary file and moves it to `dest`, durably. The row ([`crate::library::insert_artifact`])
    /// comes after, in the transaction of what it belongs to.
    pub async fn publish_artifact(
        &self,
        temp: &Utf8Path,
        dest: &str,
        kind: &str,
        owner: &str,
        now: WallTime,
    ) -> Result<Artifact, StoreError> {
        let sha256 = self.hash_file(temp).await?;
        let bytes = self.publish_file(temp, dest).await?;
        Ok(Artifact {
            path: dest.to_owned(),
            kind: kind.to_owned(),
            bytes,
            sha256,
            owner: owner.to_owned(),
            created_at: now,
        })
    }
}
