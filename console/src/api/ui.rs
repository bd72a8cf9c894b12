//! The web console's pages, from inside the program.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::ApiError;

/// What `npm run build` made, if it was run before the program was built.
#[derive(RustEmbed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Dist;

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>clipmill</title>\
     <h1>The service runs; its web console was not built</h1>\
     <p>Build it with Node 20.19 or newer, then build the program again:</p>\
     <pre>cd console/ui &amp;&amp; npm ci &amp;&amp; npm run build</pre>\
     <p>The HTTP API works without it: <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p></html>";

/// A file of the console, or its one page for every address that the console itself understands.
pub(super) async fn page(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") || path == "media" || path.starts_with("media/") {
        return ApiError::not_found("page", uri.path())
            .hint("/api/openapi.json lists what there is")
            .into_response();
    }
    if let Some(file) = Dist::get(path).filter(|_| path != ".gitkeep") {
        // The build puts a hash of the content into the names of its assets.
        let cache =
            if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        return answer(file, cache, &headers);
    }
    let names_a_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    if names_a_file || path.split('/').any(|name| name == "..") {
        return ApiError::not_found("page", uri.path()).into_response();
    }
    match Dist::get("index.html") {
        Some(file) => answer(file, "no-cache", &headers),
        None => Html(NOT_BUILT).into_response(),
    }
}

fn answer(file: EmbeddedFile, cache: &'static str, headers: &HeaderMap) -> Response {
    let hash: String = file.metadata.sha256_hash().iter().take(16).map(|b| format!("{b:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == tag.as_bytes());
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, file.metadata.mimetype())], Body::from(file.data)).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
