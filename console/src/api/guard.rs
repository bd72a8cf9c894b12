//! What every request passes: which host it names, how long it may take, which headers the answer carries.

use std::{net::IpAddr, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument as _;

use super::{App, error::ApiError};

/// A request to the API that takes longer is given up.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);

/// Largest body of a request, in bytes: a product list of some thousand lines fits.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
     style-src 'self' 'unsafe-inline'; font-src 'self' data:; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// Refuses names that a foreign site could have pointed at this machine (DNS rebinding), and changes asked for
/// by the pages of another site.
pub(crate) async fn known_host(State(app): State<App>, req: Request, next: Next) -> Response {
    let host = req
        .uri()
        .authority()
        .map(|a| a.as_str())
        .or_else(|| req.headers().get(header::HOST).and_then(|v| v.to_str().ok()));
    let Some(host) = host else {
        return ApiError::new(StatusCode::BAD_REQUEST, "no_host", "the request names no host")
            .into_response();
    };
    if app.config.serve.bind.ip().is_loopback() && !host_is_known(host, &app.config.serve.hosts) {
        return ApiError::new(
            StatusCode::FORBIDDEN,
            "unknown_host",
            format!("this console is not reached as {host:?}"),
        )
        .hint(format!("open http://{}/, or add the name to serve.hosts", app.config.serve.bind))
        .into_response();
    }
    if !req.method().is_safe() && from_another_site(req.headers()) {
        return ApiError::new(
            StatusCode::FORBIDDEN,
            "other_site",
            "another site may not change anything here",
        )
        .into_response();
    }
    next.run(req).await
}

/// Whether `host` (with or without a port) is this machine's loopback, or one of `extra`.
fn host_is_known(host: &str, extra: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || extra.iter().any(|e| e.eq_ignore_ascii_case(name) || e.eq_ignore_ascii_case(host))
}

/// What the browser says about where a request comes from; other programs say nothing.
fn from_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|v| !matches!(v.as_bytes(), b"same-origin" | b"none"))
}

/// Gives a request up after [`DEADLINE`].
pub(crate) async fn deadline(req: Request, next: Next) -> Response {
    match tokio::time::timeout(DEADLINE, next.run(req)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "the answer took too long")
            .hint("try again; the machine may be busy")
            .into_response(),
    }
}

/// Headers that keep a browser from doing more with an answer than it should.
pub(crate) async fn safe_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// One span and one measurement a request.
pub(crate) async fn observe(State(app): State<App>, req: Request, next: Next) -> Response {
    let route = req.extensions().get::<MatchedPath>().map_or("(page)", MatchedPath::as_str).to_owned();
    let method: Method = req.method().clone();
    let span = tracing::info_span!(
        "http.request",
        http.request.method = %method,
        http.route = %route,
        http.response.status_code = tracing::field::Empty,
    );
    let begun = std::time::Instant::now();
    let response = next.run(req).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    app.requests.record(
        begun.elapsed().as_secs_f64(),
        &[
            opentelemetry::KeyValue::new("http.request.method", method.to_string()),
            opentelemetry::KeyValue::new("http.route", route),
            opentelemetry::KeyValue::new("http.response.status_code", i64::from(status)),
        ],
    );
    response
}

/// The answer to a request whose handler panicked.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "this request ran into a fault of the program",
    )
    .hint("the log of the serve process says where")
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_known() {
        let extra = ["clips.example.com".to_owned()];
        for host in [
            "localhost",
            "LOCALHOST:8600",
            "127.0.0.1:8600",
            "127.9.9.9",
            "[::1]:8600",
            "clips.example.com:443",
        ] {
            assert!(host_is_known(host, &extra), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example:8600",
            "10.0.0.1",
            "[2001:db8::1]:80",
            "",
            "127.0.0.1.evil",
        ] {
            assert!(!host_is_known(host, &extra), "{host}");
        }
    }
}
