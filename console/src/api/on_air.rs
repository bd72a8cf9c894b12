//! The brand's product feed: what is on air.

use axum::{Json, extract::State};
use clipmill_domain::{SourceId, WallTime, product::OnAir};
use clipmill_store::{Store, StoreError, audit, on_air};

use super::{
    App,
    error::ApiError,
    extract::{Body, Named, id},
    now,
    sources::ACTOR,
    view::{ErrorBody, OnAirNow, SayOnAir, wall},
};

/// A word about the future is refused beyond this many milliseconds: clocks differ by a little.
const AHEAD_MS_MAX: i64 = 60_000;

/// Says which product of the source's list is on air, from now on or since an instant. Sentences from then on are bound to it until another product is named or put on air. Talk that is labelled already stays as it is.
#[utoipa::path(put, path = "/api/sources/{id}/on-air", tag = "sources",
    params(("id" = String, Path, description = "The source.")),
    request_body = SayOnAir,
    responses(
        (status = 200, body = OnAirNow),
        (status = 404, body = ErrorBody, description = "No such source."),
        (status = 422, body = ErrorBody, description = "The source has no such product, or the instant lies ahead."),
    ))]
pub(super) async fn put(
    State(app): State<App>,
    Named(text): Named,
    Body(request): Body<SayOnAir>,
) -> Result<Json<OnAirNow>, ApiError> {
    let source_id: SourceId = id("source", &text)?;
    let said = OnAir {
        source_id,
        at: request.at_ms.map_or_else(now, WallTime::from_millis),
        sku: request.sku,
        said_by: ACTOR.to_owned(),
    };
    say(&app.store, &said, now()).await?.map_err(ApiError::invalid)?;
    Ok(Json(OnAirNow { sku: said.sku, since: wall(said.at) }))
}

/// Checks and notes a word of the feed; the inner error says what is wrong with it.
pub(crate) async fn say(
    store: &Store,
    said: &OnAir,
    now: WallTime,
) -> Result<Result<(), String>, StoreError> {
    if said.at.millis_since(now) > AHEAD_MS_MAX {
        return Ok(Err(
            "the instant lies ahead: give the time at which the product was put on air".to_owned()
        ));
    }
    if let Some(sku) = &said.sku
        && !store.products(said.source_id).await?.iter().any(|p| p.sku == *sku)
        && store.source(said.source_id).await?.is_some()
    {
        return Ok(Err(format!("the source has no product {sku:?}: enter it in its list first")));
    }
    let mut tx = store.begin().await?;
    on_air::put_on_air(&mut tx, said).await?;
    let id = said.source_id.to_string();
    audit::audit(&mut tx, now, &said.said_by, "on air", &id, Some(said.sku.as_deref().unwrap_or("nothing")))
        .await?;
    tx.commit().await?;
    Ok(Ok(()))
}
