//! Telling browsers that something changed. The event carries no payload: they fetch again what it names.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::StatusCode,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use clipmill_store::Store;
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::{Semaphore, broadcast};
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::sync::CancellationToken;

use super::{
    App,
    error::ApiError,
    view::{Change, ErrorBody},
};

/// Browsers that may listen at once.
const LISTENERS_MAX: usize = 64;

/// How often the store is asked whether anything changed; once for all listeners.
const POLL: Duration = Duration::from_millis(500);

/// A comment is sent after this much silence, so that dead connections are noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Everything that can change.
const KINDS: [&str; 5] = ["clips", "remixes", "posts", "recordings", "sources"];

type Kinds = Vec<&'static str>;

/// The shared watcher and its listeners.
pub(super) struct Live {
    changes: broadcast::Sender<Kinds>,
    seats: Arc<Semaphore>,
}

impl Live {
    /// Starts watching the store until `stop`.
    pub(super) fn watch(store: Store, stop: CancellationToken) -> Self {
        let (changes, _) = broadcast::channel(16);
        tokio::spawn(watch(store, changes.clone(), stop));
        Self { changes, seats: Arc::new(Semaphore::new(LISTENERS_MAX)) }
    }
}

async fn watch(store: Store, changes: broadcast::Sender<Kinds>, stop: CancellationToken) {
    let mut seen = None;
    let mut failing = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(POLL) => {}
        }
        if changes.receiver_count() == 0 {
            // Nobody listens. Whoever comes next is told to fetch everything.
            seen = None;
            continue;
        }
        match store.change_mark().await {
            Ok(mark) => {
                let kinds = seen.map_or_else(|| KINDS.to_vec(), |earlier| mark.changed_since(&earlier));
                seen = Some(mark);
                failing = false;
                if !kinds.is_empty() {
                    // An error only means that the last listener left.
                    let _ = changes.send(kinds);
                }
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "cannot see what changed; browsers will be behind until this passes");
                }
                failing = true;
            }
        }
    }
}

/// Changes as they happen.
#[utoipa::path(get, path = "/api/events", tag = "service", responses(
    (status = 200, body = Change, content_type = "text/event-stream",
     description = "Events named `change`; the first one names every kind. A comment line every 15 s."),
    (status = 503, body = ErrorBody, description = "Too many listeners."),
))]
pub(super) async fn events(
    State(app): State<App>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let seat = app.live.seats.clone().try_acquire_owned().map_err(|_| {
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_listeners",
            "too many browsers listen for changes",
        )
        .hint("close some, or reload the page now and then")
    })?;
    // What changed between the browser's last fetch and this moment is unknown: the first event says so.
    let first = stream::once(async { KINDS.to_vec() });
    let later = BroadcastStream::new(app.live.changes.subscribe())
        .map(|kinds| kinds.unwrap_or_else(|_fell_behind| KINDS.to_vec()));
    let events = first
        .chain(later)
        .map(move |kinds| {
            let _held = &seat;
            let data = serde_json::json!({ "kinds": kinds });
            Ok(Event::default().event("change").data(data.to_string()))
        })
        .take_until(app.stop.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
