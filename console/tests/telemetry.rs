//! Telemetry against real collectors: one that takes everything, one that takes the connection and is silent.

use std::{
    io::Write,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use clipmill_console::{
    config::{Config, Telemetry as Settings},
    telemetry,
};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{KeyValue, any_value::Value},
    metrics::v1::metric::Data,
};
use prost::Message as _;
use tracing_subscriber::fmt::MakeWriter;

/// Everything a collector was sent.
#[derive(Default)]
struct Received {
    spans: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    logs: Vec<ExportLogsServiceRequest>,
}

type Shared = Arc<Mutex<Received>>;

async fn collector() -> (SocketAddr, Shared) {
    let received = Shared::default();
    let app = Router::new()
        .route(
            "/v1/traces",
            post(|State(r): State<Shared>, body: Bytes| async move {
                r.lock().unwrap().spans.push(ExportTraceServiceRequest::decode(body).unwrap());
            }),
        )
        .route(
            "/v1/metrics",
            post(|State(r): State<Shared>, body: Bytes| async move {
                r.lock().unwrap().metrics.push(ExportMetricsServiceRequest::decode(body).unwrap());
            }),
        )
        .route(
            "/v1/logs",
            post(|State(r): State<Shared>, body: Bytes| async move {
                r.lock().unwrap().logs.push(ExportLogsServiceRequest::decode(body).unwrap());
            }),
        )
        .with_state(received.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (addr, received)
}

fn settings(endpoint: Option<String>, log: &str, format: &str) -> Settings {
    let mut env = vec![
        ("CLIPMILL__TELEMETRY__LOG".to_owned(), log.to_owned()),
        ("CLIPMILL__TELEMETRY__LOG_FORMAT".to_owned(), format.to_owned()),
    ];
    env.extend(endpoint.map(|e| ("CLIPMILL__TELEMETRY__OTLP_ENDPOINT".to_owned(), e)));
    Config::load_from(None, env).unwrap().telemetry
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn text_of(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|a| a.key == key)?.value.as_ref()?.value.as_ref()?;
    match value {
        Value::StringValue(s) => Some(s.clone()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_a_metric_and_a_log_arrive_at_the_collector() {
    let (addr, received) = collector().await;
    let lines = Lines::default();
    let (dispatch, running) = telemetry::build(
        &settings(Some(format!("http://{addr}/")), "info", "text"),
        "work",
        lines.clone(),
        false,
    )
    .unwrap();
    assert!(running.exports());
    tracing::dispatcher::with_default(&dispatch, || {
        let outer = tracing::info_span!("outer", clip.id = "c1");
        let _in = outer.enter();
        tracing::info_span!("inner").in_scope(|| tracing::info!(part = 7, "a part was written"));
        tracing::debug!("too fine to be exported");
        tracing::info!(monotonic_counter.clipmill_parts = 3_u64);
        tracing::error!(target: "reqwest::connect", "the exporter's own traffic");
    });
    running.shutdown(Duration::from_secs(10)).await;

    let received = received.lock().unwrap();
    let resource = received.spans[0].resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(text_of(&resource.attributes, "service.name").as_deref(), Some("clipmill"));
    assert_eq!(text_of(&resource.attributes, "clipmill.role").as_deref(), Some("work"));
    let spans: Vec<_> = received
        .spans
        .iter()
        .flat_map(|r| &r.resource_spans)
        .flat_map(|r| &r.scope_spans)
        .flat_map(|s| &s.spans)
        .collect();
    let named =
        |n: &str| *spans.iter().find(|s| s.name == n).unwrap_or_else(|| panic!("no span {n} in {spans:?}"));
    assert_eq!(named("inner").parent_span_id, named("outer").span_id);
    assert_eq!(text_of(&named("outer").attributes, "clip.id").as_deref(), Some("c1"));

    let metrics: Vec<_> = received
        .metrics
        .iter()
        .flat_map(|r| &r.resource_metrics)
        .flat_map(|r| &r.scope_metrics)
        .flat_map(|s| &s.metrics)
        .collect();
    let parts = metrics.iter().find(|m| m.name == "clipmill_parts").expect("the counter arrived");
    let Some(Data::Sum(sum)) = &parts.data else { panic!("a counter is a sum: {parts:?}") };
    let counted = format!("{:?}", sum.data_points[0].value);
    assert!(counted.contains("AsInt(3)"), "{counted}");

    let logs: Vec<_> = received
        .logs
        .iter()
        .flat_map(|r| &r.resource_logs)
        .flat_map(|r| &r.scope_logs)
        .flat_map(|s| &s.log_records)
        .collect();
    let shown: Vec<String> = logs.iter().map(|l| format!("{:?}", l.body)).collect();
    let log = logs
        .iter()
        .find(|l| format!("{:?}", l.body).contains("a part was written"))
        .expect("the log arrived");
    assert_eq!(log.span_id, named("inner").span_id, "a log knows the span it was written in");
    assert!(!shown.iter().any(|b| b.contains("own traffic") || b.contains("too fine")), "{shown:?}");
    assert!(
        lines.text().contains("a part was written") && lines.text().contains("part=7"),
        "{}",
        lines.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_collector_neither_blocks_work_nor_the_end() {
    // Takes connections into its backlog and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let (dispatch, running) =
        telemetry::build(&settings(Some(endpoint), "info", "text"), "work", std::io::sink, false).unwrap();
    let begun = Instant::now();
    tracing::dispatcher::with_default(&dispatch, || {
        for n in 0..5_000 {
            let span = tracing::info_span!("work", n);
            let _in = span.enter();
            tracing::info!(n, "did something");
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(5), "5000 spans took {:?}", begun.elapsed());
    let begun = Instant::now();
    running.shutdown(Duration::from_secs(1)).await;
    assert!(begun.elapsed() < Duration::from_secs(3), "the end took {:?}", begun.elapsed());
}

#[test]
fn without_a_collector_nothing_is_built_and_lines_can_be_json() {
    let lines = Lines::default();
    let (dispatch, running) =
        telemetry::build(&settings(None, "warn,quiet=error", "json"), "serve", lines.clone(), false).unwrap();
    assert!(!running.exports());
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::warn!(clip = "c1", "look");
        tracing::info!("not shown");
        tracing::warn!(target: "quiet", "not shown");
    });
    let text = lines.text();
    let all: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(all.len(), 1, "{text}");
    assert_eq!((&all[0]["level"], &all[0]["fields"]["clip"]), (&"WARN".into(), &"c1".into()));
}

#[test]
fn an_exporter_that_fails_complains_once_not_for_every_batch() {
    let lines = Lines::default();
    let (dispatch, _running) =
        telemetry::build(&settings(None, "info", "text"), "serve", lines.clone(), false).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        for _ in 0..50 {
            tracing::error!(target: "opentelemetry_sdk", "export failed");
        }
        tracing::info!("work goes on");
    });
    assert_eq!(lines.text().matches("export failed").count(), 1, "{}", lines.text());
    assert!(lines.text().contains("work goes on"));
}
