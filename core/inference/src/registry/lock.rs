//! One process at a time fetches a model.

use std::{
    fs::{File, OpenOptions, TryLockError},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use camino::Utf8Path;

use super::error::RegistryError;

/// Held while a model is fetched; the operating system frees it when the process ends, however it ends.
pub(crate) struct FetchLock(#[expect(dead_code, reason = "held open: closing it gives the lock back")] File);

/// Takes the lock at `path`, calling `waiting` once if somebody else holds it.
pub(crate) fn take(
    path: &Utf8Path,
    name: &str,
    patience: Duration,
    stop: &AtomicBool,
    waiting: &mut dyn FnMut(),
) -> Result<FetchLock, RegistryError> {
    let io = |e| RegistryError::io(path, e);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(io)?;
    let began = Instant::now();
    // Nothing is ever sent: a wait that is not a sleep.
    let (_keep, never) = mpsc::channel::<()>();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(FetchLock(file)),
            Err(TryLockError::Error(e)) => return Err(io(e)),
            Err(TryLockError::WouldBlock) => {}
        }
        if stop.load(Ordering::Relaxed) {
            return Err(RegistryError::Stopped);
        }
        if began.elapsed() >= patience {
            return Err(RegistryError::Locked { name: name.to_owned(), waited: patience });
        }
        if !told {
            told = true;
            waiting();
        }
        let _ = never.recv_timeout(Duration::from_millis(200));
    }
}
