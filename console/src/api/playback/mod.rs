//! Playing a recording while it grows and after, from the very parts that were recorded: a playlist, the parts and
//! their headers, and small pictures for finding a moment. Only what has a row may be fetched.

mod playlist;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use clipmill_domain::{
    RecordingId,
    recording::{Part, Recording},
};
use clipmill_store::{Store, StoreError};
use serde::Deserialize;
use utoipa::IntoParams;

use self::playlist::Playlist;
use super::{
    App,
    error::ApiError,
    extract::{Inside, Named, Params, id},
    media,
    view::{ErrorBody, ScrubPictureView, seconds},
};

/// Rows read at a time.
const BATCH: u32 = 1000;

/// Recordings whose playlists are kept in memory: some hundred kilobytes each after some hours.
const KEPT: usize = 32;

/// Pictures listed: 27 hours, at one in ten seconds.
const PICTURES_MAX: u32 = 10_000;

/// Playlists as far as they were read. A live one is asked for every two seconds by each browser; each time only
/// the rows that are new are read.
#[derive(Debug, Default)]
pub(super) struct Playlists(Mutex<HashMap<RecordingId, Arc<tokio::sync::Mutex<Option<Playlist>>>>>);

impl Playlists {
    fn of(&self, recording: RecordingId) -> Arc<tokio::sync::Mutex<Option<Playlist>>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT && !kept.contains_key(&recording) {
            kept.clear();
        }
        kept.entry(recording).or_default().clone()
    }
}

/// Brings a playlist up to date. What retention took away makes it new; nothing else changes what was listed.
async fn refresh(
    store: &Store,
    recording: &Recording,
    kept: Option<Playlist>,
) -> Result<Playlist, StoreError> {
    let removed = store.parts_removed(recording.id).await?;
    let mut list =
        kept.filter(|list| list.removed() == removed).unwrap_or_else(|| Playlist::new(recording.started_at));
    loop {
        let new = store.parts_after(recording.id, list.last_seq(), BATCH).await?;
        if new.is_empty() {
            return Ok(list);
        }
        let epochs = store.epochs(recording.id).await?;
        for part in &new {
            let epoch = epochs.iter().find(|e| e.id == part.epoch_id);
            let epoch = epoch.ok_or(StoreError::NotFound { what: "epoch", id: part.epoch_id.to_string() })?;
            list.push(part, epoch);
        }
    }
}

/// How the playlist is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// `YES` from a player that knows the older parts already and wants them left out.
    #[serde(rename = "_HLS_skip")]
    skip: Option<String>,
}

/// The recording as an HLS playlist. It grows while the recording is live, and has an end afterwards. Playing time
/// leaves gaps out; its dates tell where it lies in the recording.
#[utoipa::path(get, path = "/api/recordings/{id}/index.m3u8", tag = "playback",
    params(("id" = String, Path, description = "The recording."), Asked),
    responses(
        (status = 200, description = "The playlist.", content_type = "application/vnd.apple.mpegurl"),
        (status = 304, description = "Nothing is new."),
        (status = 404, body = ErrorBody, description = "No such recording, or nothing of it to play yet."),
    ))]
pub(super) async fn index(
    State(app): State<App>,
    Named(text): Named,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // Read first: a recording that is over gets no more parts.
    let recording = app.store.recording(id("recording", &text)?).await?;
    let recording = recording.ok_or_else(|| ApiError::not_found("recording", &text))?;
    let over = recording.ended_at.is_some();
    let kept = app.playlists.of(recording.id);
    let mut kept = kept.lock().await;
    let list = refresh(&app.store, &recording, kept.take()).await?;
    let list = kept.insert(list);
    if list.is_empty() {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "nothing_to_play", "there is nothing to play here")
            .hint(if over {
                "its files were removed, or none were recorded"
            } else {
                "try again in a moment"
            }));
    }
    let news_only = asked.skip.is_some_and(|s| s.eq_ignore_ascii_case("yes"));
    let tag = format!("W/\"{}-{}-{over}-{news_only}\"", list.last_seq(), list.removed());
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|v| v.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = [(header::CONTENT_TYPE, "application/vnd.apple.mpegurl")];
        (kind, list.text(over, news_only)).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The number in a file name, which must be written in the one way that we write it ourselves.
fn number(name: &str, ending: &str) -> Option<i64> {
    let digits = name.strip_suffix(ending)?;
    let n: i64 = digits.parse().ok().filter(|n| *n >= 0)?;
    (n.to_string() == digits).then_some(n)
}

async fn part_of(store: &Store, recording: RecordingId, seq: i64) -> Result<Option<Part>, StoreError> {
    let next = store.parts_after(recording, seq - 1, 1).await?;
    Ok(next.into_iter().next().filter(|p| p.seq == seq))
}

/// One part of a recording, as the playlist names it.
#[utoipa::path(get, path = "/api/recordings/{id}/parts/{file}", tag = "playback",
    params(("id" = String, Path, description = "The recording."),
           ("file" = String, Path, description = "Number of the part, then `.m4s`.")),
    responses(
        (status = 200, description = "The whole file.", content_type = "video/iso.segment"),
        (status = 206, description = "The range asked for.", content_type = "video/iso.segment"),
        (status = 404, body = ErrorBody, description = "No such part."),
        (status = 410, body = ErrorBody, description = "A retention rule removed it."),
        (status = 416, body = ErrorBody, description = "The range lies outside the file."),
    ))]
pub(super) async fn part(
    State(app): State<App>,
    Inside(text, file): Inside,
    req: Request,
) -> Result<Response, ApiError> {
    let not_found = || ApiError::not_found("part", &file);
    let seq = number(&file, ".m4s").ok_or_else(not_found)?;
    let part = part_of(&app.store, id("recording", &text)?, seq).await?.ok_or_else(not_found)?;
    if part.removed_at.is_some() {
        return Err(ApiError::new(StatusCode::GONE, "removed", format!("part {seq} is no longer kept"))
            .hint("a retention rule removed it"));
    }
    media::send(&app, &part.path, req).await
}

/// The header that all parts of an epoch need, as the playlist names it.
#[utoipa::path(get, path = "/api/recordings/{id}/init/{file}", tag = "playback",
    params(("id" = String, Path, description = "The recording."),
           ("file" = String, Path, description = "Number of the epoch, then `.mp4`.")),
    responses(
        (status = 200, description = "The whole file.", content_type = "video/mp4"),
        (status = 206, description = "The range asked for.", content_type = "video/mp4"),
        (status = 404, body = ErrorBody, description = "No such epoch."),
        (status = 416, body = ErrorBody, description = "The range lies outside the file."),
    ))]
pub(super) async fn header_of_epoch(
    State(app): State<App>,
    Inside(text, file): Inside,
    req: Request,
) -> Result<Response, ApiError> {
    let not_found = || ApiError::not_found("epoch", &file);
    let seq = number(&file, ".mp4").ok_or_else(not_found)?;
    let epochs = app.store.epochs(id("recording", &text)?).await?;
    let epoch = epochs.into_iter().find(|e| e.seq == seq).ok_or_else(not_found)?;
    media::send(&app, &epoch.init_path, req).await
}

/// Which pictures.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// Only those after the picture with this `seq`.
    after: Option<i64>,
}

/// Small pictures along a recording, one in about ten seconds, in order. While it is live there come more.
#[utoipa::path(get, path = "/api/recordings/{id}/scrub", tag = "playback",
    params(("id" = String, Path, description = "The recording."), After),
    responses(
        (status = 200, body = Vec<ScrubPictureView>),
        (status = 404, body = ErrorBody, description = "No such recording."),
    ))]
pub(super) async fn pictures(
    State(app): State<App>,
    Named(text): Named,
    Params(After { after }): Params<After>,
) -> Result<Json<Vec<ScrubPictureView>>, ApiError> {
    let recording: RecordingId = id("recording", &text)?;
    app.store.recording(recording).await?.ok_or_else(|| ApiError::not_found("recording", &text))?;
    let list = app.store.scrub_pictures_after(recording, after.unwrap_or(-1), PICTURES_MAX).await?;
    let view = |p: clipmill_store::scrub::ScrubPicture| ScrubPictureView {
        seq: p.part_seq,
        at_s: seconds(p.at),
        url: format!("/api/recordings/{recording}/scrub/{}.jpg", p.part_seq),
    };
    Ok(Json(list.into_iter().map(view).collect()))
}

/// One such picture.
#[utoipa::path(get, path = "/api/recordings/{id}/scrub/{file}", tag = "playback",
    params(("id" = String, Path, description = "The recording."),
           ("file" = String, Path, description = "Number of the picture, then `.jpg`.")),
    responses(
        (status = 200, description = "The picture.", content_type = "image/jpeg"),
        (status = 404, body = ErrorBody, description = "No such picture."),
    ))]
pub(super) async fn picture(
    State(app): State<App>,
    Inside(text, file): Inside,
    req: Request,
) -> Result<Response, ApiError> {
    let not_found = || ApiError::not_found("picture", &file);
    let seq = number(&file, ".jpg").ok_or_else(not_found)?;
    let picture = app.store.scrub_picture(id("recording", &text)?, seq).await?.ok_or_else(not_found)?;
    media::send(&app, &picture.path, req).await
}
