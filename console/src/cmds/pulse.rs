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

/// Something that a role says of itself with each beat.
type Extra = Box<dyn Fn() -> Value + Send>;

/// Beats until it is dropped or stopped.
pub(super) struct Pulse {
    detail: Arc<Mutex<Value>>,
    extras: Arc<Mutex<Vec<(&'static str, Extra)>>>,
    wake: Arc<tokio::sync::Notify>,
    task: JoinHandle<()>,
}

impl Pulse {
    /// Starts to beat for `role`, not ready yet.
    pub fn start(store: Store, role: &'static str, stop: CancellationToken) -> Self {
        let detail = Arc::new(Mutex::new(json!({ "ready": false })));
        let wake = Arc::new(tokio::sync::Notify::new());
        let extras: Arc<Mutex<Vec<(&'static str, Extra)>>> = Arc::default();
        let (shown, said, woken) = (Arc::clone(&detail), Arc::clone(&extras), Arc::clone(&wake));
        let task = tokio::spawn(async move {
            let pid = std::process::id();
            let instance = format!("{role}-{}", uuid::Uuid::now_v7());
            loop {
                let mut status = shown.lock().map_or(Value::Null, |d| d.clone());
                for (name, extra) in said.lock().iter().flat_map(|extras| extras.iter()) {
                    status[*name] = extra();
                }
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
        Self { detail, extras, wake, task }
    }

    /// Says what `extra` gives under `name` with each beat from now on.
    pub fn show(&self, name: &'static str, extra: impl Fn() -> Value + Send + 'static) {
        if let Ok(mut extras) = self.extras.lock() {
            extras.push((name, Box::new(extra)));
        }
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
