//! Changing streams that are configured already.

use axum::{Json, extract::State, http::HeaderMap};
use clipmill_domain::{
    SourceId,
    source::{RecordMode, Source, SourceKind},
};
use clipmill_store::{audit, sources as rows};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{
    App,
    error::ApiError,
    extract::{Body, Named, id},
    now,
    sources::{ACTOR, check_name_and_category, pull_url, settings_of, shown},
    view::{ChangeSource, ErrorBody, RecordAction, RecordRequest, RequestHeader, SourceView},
};

/// Changes a source. What is recorded goes on; a changed address, audio track or resolver is used at once, a change of the query alone with the next connection.
#[utoipa::path(patch, path = "/api/sources/{id}", tag = "sources", request_body = ChangeSource,
    params(("id" = String, Path, description = "The source.")),
    responses(
        (status = 200, body = SourceView),
        (status = 404, body = ErrorBody, description = "No such source."),
        (status = 409, body = ErrorBody, description = "The name is taken."),
        (status = 422, body = ErrorBody, description = "Something in the request cannot be used."),
    ))]
pub(super) async fn change(
    State(app): State<App>,
    Named(text): Named,
    headers: HeaderMap,
    Body(request): Body<ChangeSource>,
) -> Result<Json<SourceView>, ApiError> {
    let source_id: SourceId = id("source", &text)?;
    let before = app.store.source(source_id).await?.ok_or_else(|| ApiError::not_found("source", &text))?;
    let after = changed(before, &request, &app.resolvers()).map_err(ApiError::invalid)?;
    let pull = match (request.url, request.headers) {
        (None, None) => None,
        _ if after.kind != SourceKind::Pull => {
            return Err(ApiError::invalid("a push source has neither url nor headers: the encoder calls us"));
        }
        (url, new_headers) => {
            let (old, kept) = (app.store.pull_url(source_id).await, app.store.pull_headers(source_id).await?);
            let url = match url {
                Some(url) => SecretString::from(pull_url(&url).map_err(ApiError::invalid)?),
                None => old.as_ref().map_err(|e| ApiError::invalid(e.to_string()))?.clone(),
            };
            let same_host = old.is_ok_and(|old| host(&old) == host(&url));
            let headers = match new_headers {
                Some(new) => new.into_iter().map(sealed).collect(),
                // Cookies of one host are not another's business.
                None if same_host => kept,
                None => vec![],
            };
            Some((url, headers))
        }
    };
    let mut tx = app.store.begin().await?;
    rows::update_source(&mut tx, &after).await?;
    if let Some((url, headers)) = &pull {
        rows::set_pull(&mut tx, source_id, url, headers).await?;
    }
    audit::audit(&mut tx, now(), ACTOR, "change source", &text, Some(&after.name)).await?;
    tx.commit().await?;
    shown(&app, &headers, source_id).await.map(Json)
}

/// Asks an on-demand source to record, or to stop.
#[utoipa::path(post, path = "/api/sources/{id}/record", tag = "sources", request_body = RecordRequest,
    params(("id" = String, Path, description = "The source.")),
    responses(
        (status = 200, body = SourceView),
        (status = 404, body = ErrorBody, description = "No such source."),
        (status = 422, body = ErrorBody, description = "The source does not record on demand, or is disabled."),
    ))]
pub(super) async fn record(
    State(app): State<App>,
    Named(text): Named,
    headers: HeaderMap,
    Body(request): Body<RecordRequest>,
) -> Result<Json<SourceView>, ApiError> {
    let source_id: SourceId = id("source", &text)?;
    let source = app.store.source(source_id).await?.ok_or_else(|| ApiError::not_found("source", &text))?;
    let start = request.action == RecordAction::Start;
    may_be_asked(&source, start).map_err(ApiError::invalid)?;
    let mut tx = app.store.begin().await?;
    rows::set_source_requested(&mut tx, source_id, start).await?;
    let action = if start { "record" } else { "stop recording" };
    audit::audit(&mut tx, now(), ACTOR, action, &text, None).await?;
    tx.commit().await?;
    shown(&app, &headers, source_id).await.map(Json)
}

/// Whether asking makes sense; else why not.
pub(crate) fn may_be_asked(source: &Source, start: bool) -> Result<(), String> {
    if source.settings.mode != RecordMode::OnDemand {
        return Err(format!(
            "the source {:?} does not record on demand: set its mode to on_demand, or enable and disable it",
            source.name
        ));
    }
    if start && !source.enabled {
        return Err(format!("the source {:?} is disabled: enable it first", source.name));
    }
    Ok(())
}

fn changed(mut source: Source, request: &ChangeSource, resolvers: &[String]) -> Result<Source, String> {
    if let Some(name) = &request.name {
        name.trim().clone_into(&mut source.name);
    }
    if let Some(category) = &request.category {
        source.category = Some(category.clone()).filter(|c| !c.is_empty());
    }
    if let Some(language) = request.language {
        source.language = language.into();
    }
    if let Some(settings) = &request.settings {
        source.settings = settings_of(settings.clone(), source.kind, resolvers)?;
    }
    check_name_and_category(&source.name, source.category.as_deref())?;
    Ok(source)
}

pub(super) fn sealed(header: RequestHeader) -> rows::Header {
    rows::Header { name: header.name.trim().to_owned(), value: header.value.trim().into() }
}

fn host(url: &SecretString) -> Option<String> {
    Url::parse(url.expose_secret()).ok()?.host_str().map(str::to_owned)
}
