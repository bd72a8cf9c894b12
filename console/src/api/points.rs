//! Selling points: read, approved, corrected, rejected.

use axum::{Json, extract::State};
use clipmill_clipper::{
    review::{Change, members},
    rules::{RuleHit, hits},
};
use clipmill_domain::{
    SellingPointId, product::Product, review::Reviewed, taxonomy::Label, transcript::Utterance,
};
use clipmill_inference::script::{shown_in, written_in};
use clipmill_store::StoreError;

use super::{
    App,
    error::ApiError,
    extract::{Body, Named, id},
    now,
    point_words::{Say, SayError, around, say},
    sources::ACTOR,
    transcript::{recording_of, script_of},
    view::{ErrorBody, PointAction, PointDetail, PointSentence, PointView, SayOfPoint, seconds},
};

impl From<SayError> for ApiError {
    fn from(e: SayError) -> Self {
        match e {
            SayError::Invalid(why) => Self::invalid(why),
            SayError::Store(refused @ StoreError::Refused { .. }) => {
                Self::from(refused).hint("load the selling point again, and say it there")
            }
            SayError::Store(e) => e.into(),
        }
    }
}

/// The selling points that are shown of a recording, also rejected ones, by media time.
#[utoipa::path(get, path = "/api/recordings/{id}/points", tag = "selling points",
    params(("id" = String, Path, description = "The recording.")),
    responses(
        (status = 200, body = Vec<PointView>),
        (status = 404, body = ErrorBody, description = "No such recording."),
    ))]
pub(super) async fn list(
    State(app): State<App>,
    Named(text): Named,
) -> Result<Json<Vec<PointView>>, ApiError> {
    let recording = recording_of(&app, &text).await?;
    let all = app.store.reviewed_points(recording.id).await?;
    Ok(Json(all.iter().map(PointView::from).collect()))
}

/// Everything about a selling point: what is shown, what the machine said, what people said, and its sentences.
#[utoipa::path(get, path = "/api/points/{id}", tag = "selling points",
    params(("id" = String, Path, description = "The selling point.")),
    responses(
        (status = 200, body = PointDetail),
        (status = 404, body = ErrorBody, description = "No such selling point."),
    ))]
pub(super) async fn one(State(app): State<App>, Named(text): Named) -> Result<Json<PointDetail>, ApiError> {
    let point_id: SellingPointId = id("selling point", &text)?;
    let missing = || ApiError::not_found("selling point", &text);
    let reviewed = app.store.reviewed_point(point_id).await?.ok_or_else(missing)?;
    Ok(Json(detail(&app, &reviewed).await?))
}

/// Approves a selling point, puts it right, rejects it, or goes back to the machine's answer. Nothing is lost: the machine's answer and every earlier word stay readable. A clip's label, product and title follow; a clip is not cut anew.
#[utoipa::path(post, path = "/api/points/{id}", tag = "selling points",
    params(("id" = String, Path, description = "The selling point.")),
    request_body = SayOfPoint,
    responses(
        (status = 200, body = PointDetail),
        (status = 404, body = ErrorBody, description = "No such selling point."),
        (status = 409, body = ErrorBody, description = "Somebody has changed it since that version."),
        (status = 422, body = ErrorBody, description = "It cannot be put right like this."),
    ))]
pub(super) async fn change(
    State(app): State<App>,
    Named(text): Named,
    Body(request): Body<SayOfPoint>,
) -> Result<Json<PointDetail>, ApiError> {
    let point_id: SellingPointId = id("selling point", &text)?;
    let what = what(&request)?;
    let note = request.note.as_deref();
    let reviewed = say(&app.store, point_id, request.version, &what, note, ACTOR, now()).await?;
    Ok(Json(detail(&app, &reviewed).await?))
}

fn what(request: &SayOfPoint) -> Result<Say, ApiError> {
    let label = |key: &String| key.parse::<Label>().map_err(|e| ApiError::invalid(e.to_string()));
    let change = Change {
        label: request.label.as_ref().map(label).transpose()?,
        also: request.also.as_ref().map(|all| all.iter().map(label).collect()).transpose()?,
        product: request.product.as_ref().map(|p| p.sku.clone()),
        first: request.first,
        last: request.last,
    };
    match (request.action, change.is_empty()) {
        (PointAction::Correct, false) => Ok(Say::Correct(change)),
        (PointAction::Correct, true) => Err(ApiError::invalid(
            "a correction names what to put right: label, also, product, first or last",
        )),
        (_, false) => Err(ApiError::invalid("only the action \"correct\" changes anything else")),
        (PointAction::Approve, true) => Ok(Say::Approve),
        (PointAction::Reject, true) => Ok(Say::Reject),
        (PointAction::Restore, true) => Ok(Say::Restore),
    }
}

async fn detail(app: &App, reviewed: &Reviewed) -> Result<PointDetail, ApiError> {
    let (store, point) = (&app.store, &reviewed.point);
    let recording = recording_of(app, &point.recording_id.to_string()).await?;
    let script = script_of(store, &recording).await?;
    let products = store.products(recording.source_id).await?;
    let said = store.utterances_in(recording.id, around(point.span)).await?;
    let inside: Vec<i64> = members(&said, point.span).iter().map(|u| u.seq).collect();
    let sentence = |u: Utterance| {
        let marks = marks(&u, reviewed, &products);
        let mine = inside.contains(&u.seq);
        let (seq, span) = (u.seq, u.span);
        PointSentence {
            seq,
            start_s: seconds(span.start()),
            end_s: seconds(span.end()),
            text: shown_in(script, u).text,
            inside: mine,
            marks: if mine { marks.iter().map(|m| written_in(script, m)).collect() } else { vec![] },
        }
    };
    let words = store.corrections(point.id).await?;
    let clip = store.clip_of_point(point.id).await?;
    Ok(PointDetail {
        point: reviewed.into(),
        machine: words.first().map(|first| (&first.was).into()),
        words: words.iter().map(Into::into).collect(),
        sentences: said.into_iter().map(sentence).collect(),
        products: products.iter().map(Into::into).collect(),
        clip_id: clip.as_ref().map(|(clip, _)| clip.id.to_string()),
        clip_shows_old_bounds: clip.is_some_and(|(_, recut)| recut),
    })
}

/// Words of a sentence that are evidence, as they stand in it, longest first.
fn marks(u: &Utterance, reviewed: &Reviewed, products: &[Product]) -> Vec<String> {
    let by_rule = hits(&u.text).into_iter().filter_map(|hit| match hit {
        RuleHit::Price(s) | RuleHit::Offer(s) | RuleHit::Countdown(s) | RuleHit::Percent(s) => Some(s),
        RuleHit::LinkNumber(_) => None,
    });
    let details = &reviewed.point.details;
    let values = details.attributes.iter().filter(|a| a.utterance == u.seq).map(|a| a.raw.clone());
    let named = products
        .iter()
        .filter(|p| Some(&p.sku) == reviewed.point.product_sku.as_ref())
        .flat_map(|p| std::iter::once(&p.name).chain(&p.aliases).cloned());
    let mut all: Vec<String> = by_rule.chain(values).chain(named).collect();
    all.retain(|m| !m.trim().is_empty() && u.text.contains(m.as_str()));
    all.sort_by_key(|m| std::cmp::Reverse(m.chars().count()));
    all.dedup();
    all
}
