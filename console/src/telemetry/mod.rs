//! Logs on standard error, and traces, metrics and logs over OTLP when a collector is configured.
//!
//! Stages speak `tracing` alone. A counter or a histogram is an event with a field named
//! `monotonic_counter.NAME`, `counter.NAME` or `histogram.NAME`; without a collector it is only a field of a
//! log line. Nothing here makes work wait: what cannot be queued for export is dropped.

mod otlp;

use std::{
    io::IsTerminal as _,
    sync::Mutex,
    time::{Duration, Instant},
};

use tracing::{Dispatch, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, dynamic_filter_fn},
    fmt::MakeWriter,
    layer::SubscriberExt as _,
};

use crate::config::{LogFormat, Telemetry as Settings};

/// How long the end of the program may wait for the last export.
pub const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// Libraries whose information is noise to an operator; a directive of his own for one of them wins.
const QUIETER: &str = "opentelemetry=warn,whisper_rs=warn,apalis=warn,apalis_core=warn,sqlx=warn,";

/// At most one complaint of the exporter itself is logged in this time.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log directives are not understood.
    #[error("telemetry.log = {directives:?}: {source}; write a level such as info")]
    Directives {
        /// As configured.
        directives: String,
        /// What is wrong with them.
        source: tracing_subscriber::filter::ParseError,
    },
    /// An exporter cannot be built.
    #[error("telemetry.otlp_endpoint: cannot build the exporter of {signal}: {reason}")]
    Exporter {
        /// `traces`, `metrics` or `logs`.
        signal: &'static str,
        /// What the library said.
        reason: String,
    },
    /// Something else in the process took the log output before.
    #[error("telemetry is already started in this process")]
    AlreadyStarted,
}

/// Running telemetry. Call [`Telemetry::shutdown`] before the program ends, or the last seconds are lost.
#[must_use = "what is still queued is lost unless it is shut down"]
#[derive(Debug)]
pub struct Telemetry {
    exporters: Option<otlp::Exporters>,
}

/// Starts telemetry for the whole process: log lines on standard error, exporters if a collector is set.
/// `role` says which process this is, for example `record`.
///
/// # Errors
/// When the directives are not understood, an exporter cannot be built, or telemetry already runs. A
/// collector that does not answer is no error.
pub fn start(settings: &Settings, role: &str) -> Result<Telemetry, TelemetryError> {
    let ansi = std::io::stderr().is_terminal();
    let (dispatch, telemetry) = build(settings, role, std::io::stderr, ansi)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::AlreadyStarted)?;
    if let Some(exporters) = &telemetry.exporters {
        opentelemetry::global::set_meter_provider(exporters.meters.clone());
    }
    Ok(telemetry)
}

/// As [`start`], but for the caller to install, with log lines going to `writer`.
///
/// # Errors
/// As [`start`].
pub fn build<W>(
    settings: &Settings,
    role: &str,
    writer: W,
    ansi: bool,
) -> Result<(Dispatch, Telemetry), TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = |before: &str, after: &str| {
        let directives = format!("{before}{}{after}", settings.log);
        EnvFilter::try_new(&directives).map_err(|source| TelemetryError::Directives { directives, source })
    };
    let complaints = Complaints::default();
    let lines_filter = filter(QUIETER, "")?
        .and(dynamic_filter_fn(move |meta: &Metadata<'_>, _| complaints.let_through(meta, Instant::now())));
    let lines = tracing_subscriber::fmt::layer().with_ansi(ansi).with_writer(writer);
    let lines = match settings.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> =
        vec![lines.with_filter(lines_filter).boxed()];

    let exporters = match settings.otlp_endpoint.as_deref() {
        None => None,
        Some(endpoint) => {
            let exporters = otlp::Exporters::build(endpoint, role)?;
            // The exporter's own traffic must not be exported, or it feeds itself.
            let off = ",opentelemetry=off,hyper=off,hyper_util=off,reqwest=off,h2=off,rustls=off";
            layers.push(exporters.span_layer().with_filter(filter("", off)?).boxed());
            layers.push(exporters.log_layer().with_filter(filter("", off)?).boxed());
            layers.push(exporters.metric_layer().with_filter(filter("", off)?).boxed());
            Some(exporters)
        }
    };
    Ok((Dispatch::new(Registry::default().with(layers)), Telemetry { exporters }))
}

impl Telemetry {
    /// Whether anything is exported.
    pub fn exports(&self) -> bool {
        self.exporters.is_some()
    }

    /// Sends what is queued and stops, within `deadline`. What a silent collector has not taken by then is
    /// lost.
    pub async fn shutdown(mut self, deadline: Duration) {
        let Some(exporters) = self.exporters.take() else { return };
        let (done, wait) = tokio::sync::oneshot::channel();
        // A plain thread: the runtime would wait for a blocking task of its own without any deadline.
        let spawned = std::thread::Builder::new().name("telemetry-shutdown".to_owned()).spawn(move || {
            exporters.shutdown(deadline);
            let _ = done.send(());
        });
        if spawned.is_ok() && tokio::time::timeout(deadline, wait).await.is_err() {
            tracing::warn!(
                deadline_s = deadline.as_secs_f64(),
                "the collector did not take the last traces, metrics and logs in time; they are lost"
            );
        }
    }
}

/// Lets through one complaint of the exporter in [`COMPLAINT_INTERVAL`]: it makes one for each failed batch.
#[derive(Default)]
struct Complaints {
    last: Mutex<Option<Instant>>,
}

impl Complaints {
    fn let_through(&self, meta: &Metadata<'_>, now: Instant) -> bool {
        !meta.target().starts_with("opentelemetry") || self.allow(now)
    }

    fn allow(&self, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let due = last.is_none_or(|at| now.duration_since(at) >= COMPLAINT_INTERVAL);
        if due {
            *last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exporter_may_complain_once_a_minute() {
        let complaints = Complaints::default();
        let start = Instant::now();
        let after = |s| start + Duration::from_secs(s);
        let allowed: Vec<bool> =
            [0, 1, 30, 59, 60, 61, 119, 120].map(|s| complaints.allow(after(s))).into_iter().collect();
        assert_eq!(allowed, [true, false, false, false, true, false, false, true]);
    }
}
