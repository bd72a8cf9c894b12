//! What a running attempt is given.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clipmill_domain::{Clock, JobId, WallTime};
use clipmill_store::Store;
use tokio_util::sync::CancellationToken;

use crate::stage::StageError;

/// Handed to [`crate::Stage::run`]. Cheap to clone; clones speak of the same attempt.
#[derive(Clone)]
pub struct JobCtx {
    /// Rows and files.
    pub store: Store,
    /// Cancelled when the attempt must end now: deadline, hang, lost lease, or the end of a shutdown's grace.
    pub stop: CancellationToken,
    /// The job.
    pub job: JobId,
    /// Which attempt this is, from 1; also its fencing number.
    pub attempt: i64,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pulse: Pulse,
    pub(crate) temp: Arc<TempDir>,
}

impl std::fmt::Debug for JobCtx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobCtx")
            .field("job", &self.job)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl JobCtx {
    /// Says that the attempt moves on. Needed only by stages with a [`crate::Stage::stall`] limit.
    pub fn beat(&self) {
        self.pulse.beat();
    }

    /// The present, by the engine's clock.
    pub fn now(&self) -> WallTime {
        self.clock.now()
    }

    /// A folder of this attempt alone, on the library's file system, made at the first call. It is removed with all
    /// that is in it when the attempt is over (after its commit).
    ///
    /// # Errors
    /// When it cannot be made; the attempt may be retried.
    pub fn temp_dir(&self) -> Result<&camino::Utf8Path, StageError> {
        self.temp.make()
    }
}

/// When an attempt last said that it moves on.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    began: Instant,
    last_ms: Arc<AtomicU64>,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), last_ms: Arc::default() }
    }

    fn beat(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.fetch_max(ms, Ordering::Relaxed);
    }

    pub(crate) fn silence(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.last_ms.load(Ordering::Relaxed)))
    }
}

/// A folder removed when dropped.
#[derive(Debug)]
pub(crate) struct TempDir {
    path: camino::Utf8PathBuf,
    made: OnceLock<()>,
}

impl TempDir {
    /// Not made yet.
    pub(crate) fn at(path: camino::Utf8PathBuf) -> Self {
        Self { path, made: OnceLock::new() }
    }

    fn make(&self) -> Result<&camino::Utf8Path, StageError> {
        if self.made.get().is_none() {
            std::fs::create_dir_all(&self.path).map_err(|e| {
                StageError::retry(format!("cannot make the working folder {}: {e}", self.path))
            })?;
            let _ = self.made.set(());
        }
        Ok(&self.path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if self.made.get().is_some()
            && let Err(error) = std::fs::remove_dir_all(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path, %error, "cannot remove a working folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_working_folder_lives_as_long_as_its_attempt() {
        let root = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::from_path_buf(root.path().join("job-1")).unwrap();
        let temp = TempDir::at(path.clone());
        assert!(!path.exists(), "made only when asked for");
        std::fs::write(temp.make().unwrap().join("half.mp4"), b"x").unwrap();
        assert_eq!(temp.make().unwrap(), path);
        drop(temp);
        assert!(!path.exists());
    }
}
