//! One recorder per data folder: a file lock held for as long as anything of the recorder still runs.

use std::{
    fs::{File, TryLockError},
    sync::Arc,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::RecordError;

/// How long to wait for the recorder before us to finish its threads.
const WAIT: Duration = Duration::from_secs(10);

/// The lock; freed with its last clone, or by the system when the process dies.
#[derive(Debug, Clone)]
pub(crate) struct RecorderLock {
    _file: Arc<File>,
}

impl RecorderLock {
    /// Takes the lock of `data_dir`, waiting a little for a recorder that is on its way out.
    pub(crate) async fn take(data_dir: &Utf8Path) -> Result<Self, RecordError> {
        let path: Utf8PathBuf = data_dir.join("recorder.lock");
        let failed = |source| RecordError::Lock { path: path.clone(), source };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let deadline = tokio::time::Instant::now() + WAIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: Arc::new(file) }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
                Err(TryLockError::WouldBlock) if tokio::time::Instant::now() >= deadline => {
                    return Err(RecordError::AlreadyRunning { data_dir: data_dir.to_owned() });
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap().to_owned();
        let first = RecorderLock::take(&dir).await.unwrap();
        let held = first.clone();
        let second = tokio::spawn({
            let dir = dir.clone();
            async move { RecorderLock::take(&dir).await.is_ok() }
        });
        drop(first);
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert!(!second.is_finished(), "a clone still holds it");
        drop(held);
        assert!(second.await.unwrap());
    }
}
