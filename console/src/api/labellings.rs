//! Labellings: a finished recording's talk is labelled again, and one of its labellings is shown; and the heads there
//! are to do it with.

use axum::{Json, extract::State, http::StatusCode};
use clipmill_clipper::{classify, heads::CONFIGURED, relabel};
use clipmill_domain::{HeadId, RecordingId, WallTime, head::Promotion, recording::Recording};
use clipmill_ingest::transcribe;
use clipmill_store::{
    Store, StoreError, audit,
    labellings::{self as rows, Asked, Contents},
};

use super::{
    App,
    error::ApiError,
    extract::{Body, Inside, Named, id},
    now,
    sources::ACTOR,
    transcript::recording_of,
    view::{ErrorBody, HeadView, LabellingState, LabellingView, NewLabelling, wall},
};

/// Asks for a recording's talk to be labelled again, with the head of this id, `configured`, or the one in use. Answers
/// the number of the new labelling.
///
/// # Errors
/// [`StoreError::NotFound`] without such a head; [`StoreError::Refused`] when the recording cannot be labelled now.
pub(crate) async fn ask(
    store: &Store,
    recording: RecordingId,
    head: Option<&str>,
    cut: bool,
    by: &str,
    at: WallTime,
) -> Result<i64, StoreError> {
    if let Some(head) = head.filter(|h| *h != CONFIGURED) {
        let missing = || StoreError::NotFound { what: "head", id: head.to_owned() };
        let id: HeadId = head.parse().map_err(|_| missing())?;
        store.head(id).await?.ok_or_else(missing)?;
    }
    let mut tx = store.begin().await?;
    let through = &[transcribe::NAME, classify::NAME];
    let asked = Asked { head, cut, by, at, labeller: relabel::NAME, through };
    let number = rows::ask(&mut tx, recording, asked).await?;
    let detail = format!("labelling {number} by {}", head.unwrap_or("the head in use"));
    audit::audit(&mut tx, at, by, "labelling.again", &recording.to_string(), Some(&detail)).await?;
    tx.commit().await?;
    Ok(number)
}

/// Shows another labelling of a recording.
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
    let detail = format!("labelling {number}");
    audit::audit(&mut tx, at, by, "labelling.use", &recording.to_string(), Some(&detail)).await?;
    tx.commit().await
}

/// All labellings of a recording, in order; the first is the live's own.
pub(crate) async fn told(store: &Store, recording: &Recording) -> Result<Vec<LabellingView>, StoreError> {
    let id = recording.id;
    let (asked, contents) = (store.labellings(id).await?, store.labelling_contents(id).await?);
    let shown = store.shown_labelling(id).await?;
    let view = |number: i64| {
        let none = Contents { number, segments: 0, points: 0, judged: 0 };
        let held = contents.iter().find(|c| c.number == number).unwrap_or(&none);
        LabellingView {
            number,
            shown: shown == number,
            state: LabellingState::Ready,
            failed: None,
            head: None,
            classifier: None,
            segments: held.segments,
            points: held.points,
            judged: held.judged,
            carried: 0,
            dropped: 0,
            asked_by: None,
            asked_at: None,
            finished_at: None,
        }
    };
    let own_done = store.follower_done(id, classify::NAME).await?;
    let own = if own_done { LabellingState::Ready } else { LabellingState::Running };
    let mut all = vec![LabellingView { state: own, ..view(0) }];
    all.extend(asked.into_iter().map(|l| LabellingView {
        state: match (l.finished_at, &l.failed) {
            (None, _) => LabellingState::Running,
            (Some(_), None) => LabellingState::Ready,
            (Some(_), Some(_)) => LabellingState::Failed,
        },
        failed: l.failed,
        head: l.head,
        classifier: l.classifier,
        carried: l.carried,
        dropped: l.dropped,
        asked_by: Some(l.asked_by),
        asked_at: Some(wall(l.asked_at)),
        finished_at: l.finished_at.map(wall),
        ..view(l.number)
    }));
    Ok(all)
}

/// All heads, oldest first.
pub(crate) async fn all_heads(store: &Store) -> Result<Vec<HeadView>, StoreError> {
    let sources = store.sources().await?;
    let used = labelling_now(&store.promotions().await?);
    let name = |id| sources.iter().find(|s| Some(s.id) == id).map(|s| s.name.clone());
    let view = |h: clipmill_domain::head::HeadRow| HeadView {
        id: h.id.to_string(),
        short_hash: h.short_hash().to_owned(),
        source_name: name(h.source_id),
        in_use: used.contains(&h.id),
        facts: h.facts,
        frozen: h.frozen,
        made_by: h.made_by,
        made_at: wall(h.made_at),
    };
    Ok(store.heads().await?.into_iter().map(view).collect())
}

/// The heads in use: of each scope the latest that was not rolled back.
fn labelling_now(promotions: &[Promotion]) -> Vec<HeadId> {
    let standing: Vec<&Promotion> = promotions.iter().filter(|p| p.undone_at.is_none()).collect();
    let latest = |p: &&&Promotion| standing.iter().all(|q| q.scope != p.scope || q.seq <= p.seq);
    standing.iter().filter(latest).map(|p| p.head_id).collect()
}

/// The labellings of a recording, in order: the live's own, and those that were made of the finished recording by another head.
#[utoipa::path(get, path = "/api/recordings/{id}/labellings", tag = "selling points",
    params(("id" = String, Path, description = "The recording.")),
    responses(
        (status = 200, body = Vec<LabellingView>),
        (status = 404, body = ErrorBody, description = "No such recording."),
    ))]
pub(super) async fn list(
    State(app): State<App>,
    Named(text): Named,
) -> Result<Json<Vec<LabellingView>>, ApiError> {
    let recording = recording_of(&app, &text).await?;
    Ok(Json(told(&app.store, &recording).await?))
}

/// Has the talk of a finished recording labelled again, one recording at a time. When it is complete it is shown; what people said is carried over, and clips that were made before stay.
#[utoipa::path(post, path = "/api/recordings/{id}/labellings", tag = "selling points",
    params(("id" = String, Path, description = "The recording.")),
    request_body = NewLabelling,
    responses(
        (status = 202, body = LabellingView, description = "It will be made."),
        (status = 404, body = ErrorBody, description = "No such recording or head."),
        (status = 409, body = ErrorBody, description = "The recording is live or still worked on, or another labelling is being made."),
    ))]
pub(super) async fn again(
    State(app): State<App>,
    Named(text): Named,
    Body(request): Body<NewLabelling>,
) -> Result<(StatusCode, Json<LabellingView>), ApiError> {
    let recording = recording_of(&app, &text).await?;
    let number = ask(&app.store, recording.id, request.head.as_deref(), request.cut, ACTOR, now()).await?;
    Ok((StatusCode::ACCEPTED, Json(one(&app, &recording, number).await?)))
}

/// Shows another labelling. Each keeps what people said while it was shown.
#[utoipa::path(post, path = "/api/recordings/{id}/labellings/{labelling}/use", tag = "selling points",
    params(
        ("id" = String, Path, description = "The recording."),
        ("labelling" = i64, Path, description = "The number of the labelling; 0 is the live's own."),
    ),
    responses(
        (status = 200, body = LabellingView),
        (status = 404, body = ErrorBody, description = "No such recording or labelling."),
        (status = 409, body = ErrorBody, description = "The labelling is not complete."),
    ))]
pub(super) async fn show(
    State(app): State<App>,
    Inside(text, number_text): Inside,
) -> Result<Json<LabellingView>, ApiError> {
    let recording = recording_of(&app, &text).await?;
    let number = id("labelling", &number_text)?;
    choose(&app.store, recording.id, number, ACTOR, now()).await?;
    Ok(Json(one(&app, &recording, number).await?))
}

/// The library of trained heads, oldest first.
#[utoipa::path(get, path = "/api/heads", tag = "selling points", responses(
    (status = 200, body = Vec<HeadView>),
))]
pub(super) async fn heads(State(app): State<App>) -> Result<Json<Vec<HeadView>>, ApiError> {
    Ok(Json(all_heads(&app.store).await?))
}

async fn one(app: &App, recording: &Recording, number: i64) -> Result<LabellingView, ApiError> {
    let found = told(&app.store, recording).await?.into_iter().find(|l| l.number == number);
    found.ok_or_else(|| ApiError::not_found("labelling", &number.to_string()))
}
