//! A role's sign of life in the store, for the health page and for whoever waits until it is up.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use clipmill_domain::Clock;
use clipmill_store::Store;
use clipmill_worker::SystemClock;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often a process beats.
const EVERY: Duration = Duration::from_secs(2);

/// Beats until it is dropped or stopped.
pub(super) struct Pulse {
    detail: Arc<Mutex<Value>>,
    wake: Arc<tokio::sync::Notify>,
    task: JoinHandle<()>,
}

impl Pulse {
    /// Starts to beat for `role`, not ready yet.
    pub fn start(store: Store, role: &'static str, stop: CancellationToken) -> Self {
        let detail = Arc::new(Mutex::new(json!({ "ready": false })));
        let wake = Arc::new(tokio::sync::Notify::new());
        let (shown, woken) = (Arc::clone(&detail), Arc::clone(&wake));
        let task = tokio::spawn(async move {
            let pid = std::process::id();
            let instance = format!("{role}-{}", uuid::Uuid::now_v7());
            loop {
                let status = shown.lock().map_or(Value::Null, |d| d.clone());
                if let Err(error) = store.beat(role, &instance, pid, &status, SystemClock.now()).await {
                    tracing::warn!(%error, "cannot say that this process is alive");
                }
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    () = woken.notified() => {}
                    () = stop.cancelled() => return,
                }
            }
        });
        Self { detail, wake, task }
    }

    /// A handle that says "ready" from anywhere.
    pub fn ready(&self) -> impl FnOnce() + Send + 'static {
        let (detail, wake) = (Arc::clone(&self.detail), Arc::clone(&self.wake));
        move || {
            if let Ok(mut d) = detail.lock() {
                *d = json!({ "ready": true });
            }
            wake.notify_one();
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.task.abort();
    }
}
