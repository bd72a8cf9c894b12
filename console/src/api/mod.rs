//! The HTTP API and the web console, on one listener.
//!
//! Everything under `/api` and `/media` asks for the token when one is configured; the console's own pages do
//! not, so that a person can log in. Every answer that is not a success has the shape of [`view::ErrorBody`].

mod auth;
mod clips;
mod correct;
mod error;
mod extract;
mod guard;
mod health;
mod keeping;
pub(crate) mod labellings;
mod lexicon;
pub(crate) mod lexicon_rules;
pub mod lexicon_view;
mod live;
mod media;
pub(crate) mod on_air;
pub(crate) mod recorder_says;
mod playback;
pub(crate) mod point_words;
mod points;
mod push_urls;
mod recordings;
pub(crate) mod revisions;
mod router;
mod source_change;
mod sources;
mod stats;
mod taxonomy;
pub(crate) mod transcript;
mod ui;
pub mod view;
mod waveform;

use std::{
    net::{IpAddr, SocketAddr},
    ops::Deref,
    sync::Arc,
    time::Duration,
};

use clipmill_domain::WallTime;
use clipmill_ingest::source::pull::resolver::Resolvers;
use clipmill_store::Store;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError};

pub(crate) use keeping::{cost_view, hold, plan_view, release};
pub use router::openapi_json;
pub(crate) use source_change::may_be_asked;
pub(crate) use sources::new_stream_key;

/// After a stop, answers under way (a large video, say) get this long before they are cut off.
const GRACE: Duration = Duration::from_secs(3);

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The token cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Other machines could reach it and no token is set.
    #[error(
        "{bind} can be reached from other machines and no token is set: set serve.auth_token_file or bind to 127.0.0.1"
    )]
    PublicWithoutToken {
        /// The address asked for.
        bind: SocketAddr,
    },
    /// Another program listens there.
    #[error("port {port} is taken on {ip}: set serve.bind to another port, or stop the other program")]
    PortTaken {
        /// The port asked for.
        port: u16,
        /// The address asked for.
        ip: IpAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {bind}: {source}; set serve.bind to an address of this machine")]
    Bind {
        /// The address asked for.
        bind: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The listener broke.
    #[error("the HTTP listener failed: {0}")]
    Broken(#[from] std::io::Error),
}

/// What every handler may use.
#[derive(Clone)]
struct App(Arc<Inner>);

struct Inner {
    config: Config,
    store: Store,
    gate: Option<Arc<auth::Gate>>,
    live: live::Live,
    recordings: recordings::Summaries,
    sums: keeping::Sums,
    playlists: playback::Playlists,
    requests: opentelemetry::metrics::Histogram<f64>,
    stop: CancellationToken,
}

impl Inner {
    /// The names of the resolvers that a source may name.
    fn resolvers(&self) -> Vec<String> {
        let all = Resolvers::with(&self.config.record.resolvers).unwrap_or_default();
        all.names().into_iter().map(str::to_owned).collect()
    }
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Serves until `stop`. Calls `on_ready` once, with the address listened on (the port the system chose, when
/// `serve.bind` names port 0).
///
/// # Errors
/// When the address is taken or cannot be listened on, or a token is needed and cannot be had.
pub async fn serve(
    config: Config,
    store: Store,
    stop: CancellationToken,
    on_ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let bind = config.serve.bind;
    let token = config.auth_token()?;
    if token.is_none() && !bind.ip().is_loopback() {
        return Err(ServeError::PublicWithoutToken { bind });
    }
    let listener = tokio::net::TcpListener::bind(bind).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => ServeError::PortTaken { port: bind.port(), ip: bind.ip() },
        _ => ServeError::Bind { bind, source },
    })?;
    let address = listener.local_addr()?;
    let requests = opentelemetry::global::meter("clipmill")
        .f64_histogram("http.server.request.duration")
        .with_unit("s")
        .with_description("Duration of HTTP requests until the answer begins.")
        .build();
    // The watcher of changes ends with this server, however it ends.
    let stop = stop.child_token();
    let _ends = stop.clone().drop_guard();
    let app = App(Arc::new(Inner {
        config,
        live: live::Live::watch(store.clone(), stop.clone()),
        store,
        gate: token.as_ref().map(auth::Gate::new).map(Arc::new),
        recordings: recordings::Summaries::default(),
        sums: keeping::Sums::default(),
        playlists: playback::Playlists::default(),
        requests,
        stop: stop.clone(),
    }));
    let serving =
        axum::serve(listener, router::router(app)).with_graceful_shutdown(stop.clone().cancelled_owned());
    on_ready(address);
    tokio::select! {
        ended = serving => ended?,
        () = async { stop.cancelled().await; tokio::time::sleep(GRACE).await } => {
            tracing::info!("answers still under way were cut off");
        }
    }
    Ok(())
}

/// The present instant.
fn now() -> WallTime {
    WallTime::from_millis(jiff::Timestamp::now().as_millisecond())
}
