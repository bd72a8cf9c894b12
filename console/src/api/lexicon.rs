//! The words of the trade: listed, entered, taken out, and rules tried on what is stored.

use axum::{Json, extract::State, http::StatusCode};
use clipmill_domain::{Id as _, LexiconEntryId, SourceId, lexicon::LexiconEntry};
use clipmill_store::{audit, lexicon as rows};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    App,
    error::ApiError,
    extract::{Body, Named, Params, id},
    lexicon_rules as rules,
    lexicon_view::{LexiconEntryView, NewLexiconEntry, RulePreview, RuleToTry},
    now,
    sources::ACTOR,
    view::ErrorBody,
};

/// Changes shown in full.
pub(super) const SHOWN: usize = 50;

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only what holds for this source: its own entries and those for all.
    source: Option<String>,
}

/// The entries of the lexicon, by term.
#[utoipa::path(get, path = "/api/lexicon", tag = "lexicon", params(Which), responses(
    (status = 200, body = [LexiconEntryView]),
    (status = 404, body = ErrorBody, description = "No such source."),
))]
pub(super) async fn list(
    State(app): State<App>,
    Params(which): Params<Which>,
) -> Result<Json<Vec<LexiconEntryView>>, ApiError> {
    let entries = match source_of(&app, which.source.as_deref()).await? {
        Some(source) => app.store.lexicon_of(source).await?,
        None => app.store.lexicon().await?,
    };
    Ok(Json(entries.into_iter().map(Into::into).collect()))
}

/// Enters a term, or replaces the entry of the same term and source. It holds for what is heard from now on.
#[utoipa::path(put, path = "/api/lexicon", tag = "lexicon", request_body = NewLexiconEntry, responses(
    (status = 200, body = LexiconEntryView),
    (status = 404, body = ErrorBody, description = "No such source."),
    (status = 422, body = ErrorBody, description = "The entry cannot be used."),
))]
pub(super) async fn put(
    State(app): State<App>,
    Body(request): Body<NewLexiconEntry>,
) -> Result<Json<LexiconEntryView>, ApiError> {
    let source_id = source_of(&app, request.source_id.as_deref()).await?;
    let entry = LexiconEntry {
        id: LexiconEntryId::new_at(now()),
        source_id,
        language: request.language.map(Into::into),
        term: request.term,
        aliases: request.aliases,
        misheard: request.misheard,
        entered_by: ACTOR.to_owned(),
        entered_at: now(),
    };
    let stored = rules::put(&app.store, &entry, false, ACTOR).await?.map_err(ApiError::invalid)?;
    Ok(Json(stored.into()))
}

/// Takes an entry out. What it has changed already stays.
#[utoipa::path(delete, path = "/api/lexicon/{id}", tag = "lexicon",
    params(("id" = String, Path, description = "The entry.")),
    responses(
        (status = 204, description = "It is out."),
        (status = 404, body = ErrorBody, description = "No such entry."),
    ))]
pub(super) async fn remove(State(app): State<App>, Named(text): Named) -> Result<StatusCode, ApiError> {
    let entry_id: LexiconEntryId = id("lexicon entry", &text)?;
    let entry = app.store.lexicon_entry(entry_id).await?;
    let entry = entry.ok_or_else(|| ApiError::not_found("lexicon entry", &text))?;
    let mut tx = app.store.begin().await?;
    rows::remove_lexicon_entry(&mut tx, entry_id).await?;
    audit::audit(&mut tx, now(), ACTOR, "remove term", &text, Some(&entry.term)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a new rule would change in the transcripts that are stored; with `apply` it is carried out on them. The rule itself is not entered.
#[utoipa::path(post, path = "/api/lexicon/preview", tag = "lexicon", request_body = RuleToTry, responses(
    (status = 200, body = RulePreview),
    (status = 404, body = ErrorBody, description = "No such source."),
    (status = 422, body = ErrorBody, description = "This can be no rule."),
))]
pub(super) async fn preview(
    State(app): State<App>,
    Body(request): Body<RuleToTry>,
) -> Result<Json<RulePreview>, ApiError> {
    let source = source_of(&app, request.source_id.as_deref()).await?;
    let rule = rules::rule(source, &request.heard, &request.term, ACTOR, now());
    rule.validate().map_err(ApiError::invalid)?;
    if request.heard.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
        return Err(ApiError::invalid(
            "a rule needs at least two characters of what is heard: one is in too many words",
        ));
    }
    let changes = rules::preview(&app.store, &rule, SHOWN).await?;
    let applied = match request.apply {
        true => Some(rules::apply(&app.store, &rule, ACTOR, now()).await?),
        false => None,
    };
    Ok(Json(RulePreview::new(changes, applied)))
}

/// The source named, if one is; it must be there.
async fn source_of(app: &App, text: Option<&str>) -> Result<Option<SourceId>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let source_id: SourceId = id("source", text)?;
    app.store.source(source_id).await?.ok_or_else(|| ApiError::not_found("source", text))?;
    Ok(Some(source_id))
}
