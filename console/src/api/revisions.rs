//! Transcript revisions: a finished recording is heard again by another model, and one of its transcripts is shown.

use axum::{Json, extract::State, http::StatusCode};
use clipmill_clipper::classify;
use clipmill_domain::{RecordingId, WallTime, recording::Recording, transcript::Revision};
use clipmill_inference::registry::Registry;
use clipmill_ingest::transcribe;
use clipmill_store::{
    Store, StoreError, audit,
    revisions::{self as rows, Asked, Contents},
};

use super::{
    App,
    error::ApiError,
    extract::{Body, Inside, Named},
    now,
    sources::ACTOR,
    transcript::recording_of,
    view::{ErrorBody, NewRevision, RevisionState, RevisionView, wall},
};
use crate::config::Config;

/// Why a revision cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// The model cannot be used.
    #[error("{0}")]
    Model(String),
    /// The recording cannot be heard again now, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AskError> for ApiError {
    fn from(e: AskError) -> Self {
        match e {
            AskError::Model(why) => Self::invalid(why),
            AskError::Store(e) => e.into(),
        }
    }
}

/// Asks for a new revision of a recording's transcript, by `model` or by that of the lives. Answers its number.
///
/// # Errors
/// When the model is unknown, missing or damaged, and when the recording cannot be heard again now; each says what to do.
pub(crate) async fn ask(
    config: &Config,
    store: &Store,
    recording: RecordingId,
    model: Option<&str>,
    by: &str,
    at: WallTime,
) -> Result<i64, AskError> {
    // What hears the lives may be a service; it needs no model here.
    let by_service = model.is_none() && config.transcribe.endpoint.is_some();
    let model = model.unwrap_or(&config.transcribe.model).trim().to_owned();
    if !by_service {
        let (dir, name) = (config.models_dir(), model.clone());
        let checked =
            tokio::task::spawn_blocking(move || Registry::new(dir, None).and_then(|all| all.verify(&name)));
        let checked = checked.await.map_err(|e| AskError::Model(format!("checking {model} failed: {e}")))?;
        checked.map_err(|e| AskError::Model(e.to_string()))?;
    }
    let mut tx = store.begin().await?;
    let asked = Asked { model: &model, by, at, transcriber: transcribe::NAME, readers: &[classify::NAME] };
    let number = rows::ask(&mut tx, recording, asked).await?;
    let detail = format!("revision {number} by {model}");
    audit::audit(&mut tx, at, by, "transcript.again", &recording.to_string(), Some(&detail)).await?;
    tx.commit().await?;
    Ok(number)
}

/// Shows another revision of a recording's transcript.
///
/// # Errors
/// [`StoreError::NotFound`], and [`StoreError::Refused`] when it is not complete.
pub(crate) async fn choose(
    store: &Store,
    recording: RecordingId,
    number: i64,
    by: &str,
    at: WallTime,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    rows::choose(&mut tx, recording, number).await?;
    let detail = format!("revision {number}");
    audit::audit(&mut tx, at, by, "transcript.use", &recording.to_string(), Some(&detail)).await?;
    tx.commit().await
}

/// All revisions of a recording's transcript, in order; the first is the live's own.
pub(crate) async fn told(store: &Store, recording: &Recording) -> Result<Vec<RevisionView>, StoreError> {
    let id = recording.id;
    let (asked, contents) = (store.revisions(id).await?, store.revision_contents(id).await?);
    let shown = store.shown_revision(id).await?;
    let heard = async |number: i64| heard_share(store, id, number).await;
    let mut all = vec![];
    // Nothing is asked for before the live's own is complete.
    let complete = !asked.is_empty()
        || (recording.ended_at.is_some() && store.follower_done(id, transcribe::NAME).await?);
    let own = RevisionView::new(0, shown == 0, contents_of(&contents, 0));
    all.push(match complete {
        true => RevisionView { state: RevisionState::Ready, ..own },
        false => running(own, heard(0).await?),
    });
    for Revision { number, model, asked_by, asked_at, finished_at, failed, .. } in asked {
        let view = RevisionView {
            model: Some(model),
            asked_by: Some(asked_by),
            asked_at: Some(wall(asked_at)),
            finished_at: finished_at.map(wall),
            ..RevisionView::new(number, shown == number, contents_of(&contents, number))
        };
        all.push(match (finished_at, failed) {
            (None, _) => running(view, heard(number).await?),
            (Some(_), None) => RevisionView { state: RevisionState::Ready, ..view },
            (Some(_), failed) => RevisionView { state: RevisionState::Failed, failed, ..view },
        });
    }
    Ok(all)
}

fn contents_of(all: &[Contents], number: i64) -> Option<&Contents> {
    all.iter().find(|c| c.number == number)
}

fn running(view: RevisionView, share: Option<f64>) -> RevisionView {
    match share {
        None => RevisionView { state: RevisionState::Asked, ..view },
        Some(share) => {
            RevisionView { state: RevisionState::Running, percent: Some((share * 100.0).floor()), ..view }
        }
    }
}

/// How much of a recording is heard for a revision, 0 to 1; `None` before the first step.
async fn heard_share(store: &Store, recording: RecordingId, number: i64) -> Result<Option<f64>, StoreError> {
    let at = store.follower(recording, &transcribe::name_of(number)).await?;
    if at.state.is_null() {
        return Ok(None);
    }
    let parts = store.last_part(recording).await?.map_or(1, |last| last.seq + 1);
    #[expect(clippy::cast_precision_loss, reason = "numbers of parts")]
    let share = (at.position + 1) as f64 / parts.max(1) as f64;
    Ok(Some(share.clamp(0.0, 1.0)))
}

/// The revisions of a recording's transcript, in order: the live's own, and those that were made of the finished recording by another model.
#[utoipa::path(get, path = "/api/recordings/{id}/transcript/revisions", tag = "transcripts",
    params(("id" = String, Path, description = "The recording.")),
    responses(
        (status = 200, body = [RevisionView]),
        (status = 404, body = ErrorBody, description = "No such recording."),
    ))]
pub(super) async fn list(
    State(app): State<App>,
    Named(text): Named,
) -> Result<Json<Vec<RevisionView>>, ApiError> {
    let recording = recording_of(&app, &text).await?;
    Ok(Json(told(&app.store, &recording).await?))
}

/// Asks for a new revision: the finished recording is heard again, after everything that is live, with the lexicon as it is now. When it is complete, what people have corrected is carried over and it is shown.
#[utoipa::path(post, path = "/api/recordings/{id}/transcript/revisions", tag = "transcripts",
    params(("id" = String, Path, description = "The recording.")), request_body = NewRevision,
    responses(
        (status = 202, body = RevisionView),
        (status = 404, body = ErrorBody, description = "No such recording."),
        (status = 409, body = ErrorBody, description = "It is live, still being heard or read, heard again already, or not all of it is kept."),
        (status = 422, body = ErrorBody, description = "The model is unknown, missing or damaged."),
    ))]
pub(super) async fn again(
    State(app): State<App>,
    Named(text): Named,
    Body(request): Body<NewRevision>,
) -> Result<(StatusCode, Json<RevisionView>), ApiError> {
    let recording = recording_of(&app, &text).await?;
    let number = ask(&app.config, &app.store, recording.id, request.model.as_deref(), ACTOR, now()).await?;
    let view = one(&app, &recording, number).await?;
    Ok((StatusCode::ACCEPTED, Json(view)))
}

/// Shows another revision of the transcript. Each keeps the corrections that were made while it was shown.
#[utoipa::path(post, path = "/api/recordings/{id}/transcript/revisions/{revision}/use", tag = "transcripts",
    params(
        ("id" = String, Path, description = "The recording."),
        ("revision" = i64, Path, description = "The number of the revision; 0 is the live's own."),
    ),
    responses(
        (status = 200, body = RevisionView),
        (status = 404, body = ErrorBody, description = "No such recording or revision."),
        (status = 409, body = ErrorBody, description = "The revision is not complete."),
    ))]
pub(super) async fn show(
    State(app): State<App>,
    Inside(text, number_text): Inside,
) -> Result<Json<RevisionView>, ApiError> {
    let recording = recording_of(&app, &text).await?;
    let number = super::extract::id("transcript revision", &number_text)?;
    choose(&app.store, recording.id, number, ACTOR, now()).await?;
    Ok(Json(one(&app, &recording, number).await?))
}

async fn one(app: &App, recording: &Recording, number: i64) -> Result<RevisionView, ApiError> {
    let found = told(&app.store, recording).await?.into_iter().find(|r| r.number == number);
    found.ok_or_else(|| ApiError::not_found("transcript revision", &number.to_string()))
}
