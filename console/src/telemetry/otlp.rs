//! The exporters: HTTP with protobuf bodies, on threads of their own with blocking clients.
//!
//! The exporter threads run no async runtime, so an async client would panic in them.

use std::{thread, time::Duration};

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::SdkTracerProvider,
};
use tracing_opentelemetry::{MetricsLayer, OpenTelemetryLayer};
use tracing_subscriber::{Layer, Registry};

use super::TelemetryError;

/// A batch that the collector has not answered by then is given up.
const EXPORT_DEADLINE: Duration = Duration::from_secs(3);

/// How often metrics are sent.
const METRIC_INTERVAL: Duration = Duration::from_secs(15);

/// The three exporters of a process.
#[derive(Debug)]
pub(super) struct Exporters {
    pub(super) spans: SdkTracerProvider,
    pub(super) meters: SdkMeterProvider,
    pub(super) logs: SdkLoggerProvider,
}

impl Exporters {
    /// Builds all three for the collector at the base address `endpoint`. Connects to nothing yet.
    pub(super) fn build(endpoint: &str, role: &str) -> Result<Self, TelemetryError> {
        let base = endpoint.trim_end_matches('/');
        let failed = |signal| {
            move |e: opentelemetry_otlp::ExporterBuildError| TelemetryError::Exporter {
                signal,
                reason: e.to_string(),
            }
        };
        let resource = Resource::builder()
            .with_service_name("clipmill")
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("clipmill.role", role.to_owned()),
                KeyValue::new("process.pid", i64::from(std::process::id())),
            ])
            .build();
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/traces"))
            .with_timeout(EXPORT_DEADLINE)
            .build()
            .map_err(failed("traces"))?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/metrics"))
            .with_timeout(EXPORT_DEADLINE)
            .build()
            .map_err(failed("metrics"))?;
        let logs = LogExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/logs"))
            .with_timeout(EXPORT_DEADLINE)
            .build()
            .map_err(failed("logs"))?;
        let reader = PeriodicReader::builder(metrics).with_interval(METRIC_INTERVAL).build();
        Ok(Self {
            spans: SdkTracerProvider::builder()
                .with_batch_exporter(spans)
                .with_resource(resource.clone())
                .build(),
            meters: SdkMeterProvider::builder().with_reader(reader).with_resource(resource.clone()).build(),
            logs: SdkLoggerProvider::builder().with_batch_exporter(logs).with_resource(resource).build(),
        })
    }

    pub(super) fn span_layer(&self) -> impl Layer<Registry> + Send + Sync + use<> {
        OpenTelemetryLayer::new(self.spans.tracer("clipmill"))
    }

    pub(super) fn log_layer(&self) -> impl Layer<Registry> + Send + Sync + use<> {
        OpenTelemetryTracingBridge::new(&self.logs)
    }

    pub(super) fn metric_layer(&self) -> impl Layer<Registry> + Send + Sync + use<> {
        MetricsLayer::new(self.meters.clone())
    }

    /// Sends what is queued and stops. Blocks, the three side by side, each up to about `deadline`.
    pub(super) fn shutdown(self, deadline: Duration) {
        let Self { spans, meters, logs } = self;
        let work: [Box<dyn FnOnce() + Send>; 3] = [
            Box::new(move || drop(spans.shutdown_with_timeout(deadline))),
            Box::new(move || drop(meters.shutdown_with_timeout(deadline))),
            Box::new(move || drop(logs.shutdown_with_timeout(deadline))),
        ];
        let running: Vec<_> = work.into_iter().filter_map(|f| thread::Builder::new().spawn(f).ok()).collect();
        for thread in running {
            let _ = thread.join();
        }
    }
}
