//! Files of the library, in ranges. Only what has a row may be fetched.

use std::io::ErrorKind;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower_http::services::ServeFile;

use super::{App, error::ApiError, extract::Named, view::ErrorBody};

/// An artifact never changes under its path.
const CACHE: &str = "private, max-age=31536000, immutable";

/// A file of the library.
#[utoipa::path(get, path = "/media/{*path}", tag = "media",
    params(("path" = String, Path, description = "Path inside the library, as the API names it in its URLs.")),
    responses(
        (status = 200, description = "The whole file.", content_type = "application/octet-stream"),
        (status = 206, description = "The range asked for.", content_type = "application/octet-stream"),
        (status = 304, description = "The copy that the browser has is good."),
        (status = 404, body = ErrorBody, description = "No such artifact."),
        (status = 416, body = ErrorBody, description = "The range lies outside the file."),
    ))]
pub(super) async fn file(
    State(app): State<App>,
    Named(path): Named,
    req: Request,
) -> Result<Response, ApiError> {
    let not_found = || ApiError::not_found("file", &path);
    // The row decides; the library then refuses whatever could lead outside.
    app.store.artifact(&path).await?.ok_or_else(not_found)?;
    send(&app, &path, req).await
}

/// Sends the file at a library path that a row names, or the range of it that was asked for.
pub(super) async fn send(app: &App, path: &str, req: Request) -> Result<Response, ApiError> {
    let local = app.store.library().local_path(path).map_err(|_| ApiError::not_found("file", path))?;
    let served = ServeFile::new(&local).try_call(req).await.map_err(|error| {
        tracing::error!(%error, path, "cannot read a file of the library that has a row");
        if error.kind() == ErrorKind::NotFound {
            return lost(path);
        }
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", format!("{path} cannot be read"))
            .hint("the log of the serve process says why")
    })?;
    let mut response = served.map(Body::new);
    match response.status() {
        StatusCode::NOT_FOUND => return Err(lost(path)),
        StatusCode::RANGE_NOT_SATISFIABLE => {
            let whole = response.headers_mut().remove(header::CONTENT_RANGE);
            let mut refusal = ApiError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "bad_range",
                "the range lies outside the file",
            )
            .into_response();
            refusal.headers_mut().extend(whole.map(|v| (header::CONTENT_RANGE, v)));
            return Ok(refusal);
        }
        _ => {}
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    Ok(response)
}

fn lost(path: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "file_lost", format!("{path} is not on the disk any more"))
        .hint("`clipmill check` lists what is missing")
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "mp4" => "video/mp4",
        "m4s" => "video/iso.segment",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "json" => "application/json",
        "vtt" => "text/vtt",
        _ => "application/octet-stream",
    }
}
