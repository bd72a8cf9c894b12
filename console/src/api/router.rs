//! Which path goes where, and the document that says so.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    App, auth, clips, correct, error::ApiError, guard, health, keeping, labellings, lexicon, live, media,
    on_air, playback, points, recordings, revisions, source_change, sources, stats, taxonomy, transcript, ui,
    view, waveform,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "clipmill",
        description = "Live streams become reviewable clips. Media times are seconds, wall times are RFC 3339. \
                       When a token is configured, send it as `Authorization: Bearer TOKEN` or log in.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(view::ErrorBody, view::Change))
)]
struct Document;

/// Requests with a small answer: under a deadline, compressed.
fn quick() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::health))
        .routes(routes!(sources::list, sources::add))
        .routes(routes!(sources::enable))
        .routes(routes!(sources::rotate_key, sources::revoke_key))
        .routes(routes!(source_change::change))
        .routes(routes!(source_change::record))
        .routes(routes!(recordings::list))
        .routes(routes!(recordings::one))
        .routes(routes!(keeping::hold_recording))
        .routes(routes!(keeping::release_recording))
        .routes(routes!(keeping::plan))
        .routes(routes!(on_air::put))
        .routes(routes!(keeping::cost))
        .routes(routes!(correct::correct))
        .routes(routes!(lexicon::list, lexicon::put))
        .routes(routes!(lexicon::remove))
        .routes(routes!(lexicon::preview))
        .routes(routes!(playback::index))
        .routes(routes!(playback::pictures))
        .routes(routes!(transcript::read))
        .routes(routes!(transcript::srt))
        .routes(routes!(transcript::vtt))
        .routes(routes!(transcript::txt))
        .routes(routes!(transcript::json))
        .routes(routes!(revisions::list, revisions::again))
        .routes(routes!(revisions::show))
        .routes(routes!(points::list))
        .routes(routes!(points::one, points::change))
        .routes(routes!(labellings::list, labellings::again))
        .routes(routes!(labellings::show))
        .routes(routes!(labellings::heads))
        .routes(routes!(waveform::waveform))
        .routes(routes!(clips::feed))
        .routes(routes!(clips::one))
        .routes(routes!(stats::stats))
        .routes(routes!(taxonomy::taxonomy))
        .routes(routes!(document))
}

/// Answers that last: no deadline.
fn lasting() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(live::events))
        .routes(routes!(media::file))
        .routes(routes!(playback::part))
        .routes(routes!(playback::header_of_epoch))
        .routes(routes!(playback::picture))
}

fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(auth::login))
}

/// The whole service.
pub(super) fn router(app: App) -> Router {
    let gated = middleware::from_fn_with_state(app.gate.clone(), auth::require);
    let quick = Router::from(quick())
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(guard::deadline))
        .layer(gated.clone());
    let lasting = Router::from(lasting()).layer(gated);
    let open = Router::from(open()).layer(middleware::from_fn(guard::deadline));
    let pages = Router::new()
        .route("/", get(ui::page))
        .route("/{*path}", get(ui::page))
        .layer(CompressionLayer::new());
    quick
        .merge(lasting)
        .merge(open)
        .merge(pages)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(guard::BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), guard::known_host))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(middleware::map_response(guard::safe_headers))
        .layer(middleware::from_fn_with_state(app.clone(), guard::observe))
        .with_state(app)
}

async fn wrong_method(req: Request) -> Response {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{} is not possible on {}", req.method(), req.uri().path()),
    )
    .into_response()
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "service", responses(
    (status = 200, body = Object, description = "The OpenAPI document of this API."),
))]
async fn document() -> Response {
    ([(axum::http::header::CONTENT_TYPE, "application/json")], openapi_json()).into_response()
}

/// The OpenAPI document of the API, as pretty-printed JSON with a final line break.
pub fn openapi_json() -> String {
    let mut all = quick();
    let mut document = all.to_openapi();
    document.merge(lasting().into_openapi());
    document.merge(open().into_openapi());
    // The router's spelling of "the rest of the path" is not the document's.
    let paths = &mut document.paths.paths;
    if let Some(item) = paths.remove("/media/{*path}") {
        paths.insert("/media/{path}".to_owned(), item);
    }
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
