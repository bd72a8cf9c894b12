//! Configuring streams.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use clipmill_domain::{Id as _, SourceId, WallTime, product, source};
use clipmill_store::processes::Process;
use clipmill_store::{Store, StoreError, audit, sources as rows};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    App,
    error::ApiError,
    extract::{Body, Named, id},
    now,
    push_urls::push_urls,
    recorder_says,
    source_change::sealed,
    view::{
        Enabled, ErrorBody, NewSource, Settings, SourceCreated, SourceKind, SourceProblem, SourceView, wall,
    },
};

/// Who the audit log names for changes made here.
pub(super) const ACTOR: &str = "console";

/// Longest name of a source, in characters.
const NAME_CHARS_MAX: usize = 80;

/// Most products of a source.
const PRODUCTS_MAX: usize = 2000;

/// The category packs there are.
const CATEGORIES: [&str; 5] = ["apparel", "beauty", "3c", "food", "household"];

/// How a URL to pull may begin. No local file: whoever may use the console may not read the machine's disk.
const SCHEMES: [&str; 7] = ["rtmp", "rtmps", "http", "https", "rtsp", "rtsps", "srt"];

/// A source that passed every check and can be committed.
#[derive(Debug, Clone)]
struct PlannedSource {
    /// The row, with its secret.
    row: rows::NewSource,
    /// Its product list, in order.
    products: Vec<product::Product>,
    /// For a push source, the new stream key: to be told once.
    stream_key: Option<SecretString>,
}

/// Checks a request for a new source and makes a stream key where one is needed; or says what is wrong with it.
fn plan_source(request: NewSource, resolvers: &[String], now: WallTime) -> Result<PlannedSource, String> {
    let name = request.name.trim().to_owned();
    check_name_and_category(&name, request.category.as_deref())?;
    if request.kind == SourceKind::Push && !request.headers.is_empty() {
        return Err("a push source has no headers: the encoder calls us".to_owned());
    }
    let (kind, secret, stream_key) = match (request.kind, request.url) {
        (SourceKind::Push, Some(_)) => {
            return Err("a push source has no url: the encoder calls us".to_owned());
        }
        (SourceKind::Push, None) => {
            let key = new_stream_key();
            (source::SourceKind::Push, key.clone(), Some(key))
        }
        (SourceKind::Pull, None) => return Err("a pull source needs a url to open".to_owned()),
        (SourceKind::Pull, Some(url)) => {
            (source::SourceKind::Pull, SecretString::from(pull_url(&url)?), None)
        }
    };
    if request.products.len() > PRODUCTS_MAX {
        return Err(format!("products: at most {PRODUCTS_MAX}"));
    }
    let mut skus = BTreeSet::new();
    for p in &request.products {
        if p.sku.trim().is_empty() || p.name.trim().is_empty() {
            return Err(format!("product {:?} ({:?}): sku and name must not be empty", p.sku, p.name));
        }
        if !skus.insert(p.sku.as_str()) {
            return Err(format!("sku {:?} is listed twice", p.sku));
        }
    }
    let row = rows::NewSource {
        id: SourceId::new_at(now),
        name,
        kind,
        secret,
        language: request.language.into(),
        category: request.category,
        headers: request.headers.into_iter().map(sealed).collect(),
        settings: settings_of(request.settings, kind, resolvers)?,
        now,
    };
    Ok(PlannedSource { row, products: request.products.into_iter().map(Into::into).collect(), stream_key })
}

pub(super) fn check_name_and_category(name: &str, category: Option<&str>) -> Result<(), String> {
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains(char::is_control) {
        return Err(format!("name: choose 1 to {NAME_CHARS_MAX} printable characters"));
    }
    match category {
        Some(c) if !CATEGORIES.contains(&c) => {
            Err(format!("category {c:?} is not known; choose one of {}", CATEGORIES.join(", ")))
        }
        _ => Ok(()),
    }
}

/// Settings that a source of this kind can meet. Only a resolver that is there may be named.
pub(super) fn settings_of(
    settings: Settings,
    kind: source::SourceKind,
    resolvers: &[String],
) -> Result<source::SourceSettings, String> {
    let settings = source::SourceSettings::try_from(settings)?;
    match &settings.resolver {
        Some(_) if kind == source::SourceKind::Push => {
            Err("a push source has no address to resolve".to_owned())
        }
        Some(name) if !resolvers.contains(name) => {
            Err(format!("no resolver is called {name:?}; there are {}", resolvers.join(", ")))
        }
        _ => Ok(settings),
    }
}

/// The URL itself never appears in the refusal: it may hold a password.
pub(super) fn pull_url(url: &str) -> Result<String, String> {
    let parsed = url::Url::parse(url.trim()).map_err(|e| format!("the url cannot be read: {e}"))?;
    let scheme = parsed.scheme();
    if SCHEMES.contains(&scheme) {
        return if parsed.has_host() { Ok(parsed.into()) } else { Err("the url names no host".to_owned()) };
    }
    Err(format!("a url that begins with {scheme}: cannot be opened; use one of {}", SCHEMES.join(", ")))
}

/// 160 random bits as hexadecimal text.
pub(crate) fn new_stream_key() -> SecretString {
    SecretString::from(rand::random::<[u8; 20]>().iter().map(|b| format!("{b:02x}")).collect::<String>())
}

impl PlannedSource {
    /// Writes the source, its products and a line of history.
    async fn commit(&self, store: &Store) -> Result<source::Source, StoreError> {
        let mut tx = store.begin().await?;
        let added = rows::add_source(&mut tx, &self.row).await?;
        if !self.products.is_empty() {
            rows::set_products(&mut tx, added.id, &self.products).await?;
        }
        let detail = format!("{} with {} products", added.name, self.products.len());
        audit::audit(&mut tx, self.row.now, ACTOR, "add source", &added.id.to_string(), Some(&detail))
            .await?;
        tx.commit().await?;
        Ok(added)
    }
}

/// Every configured source, oldest first.
#[utoipa::path(get, path = "/api/sources", tag = "sources", responses(
    (status = 200, body = Vec<SourceView>),
    (status = "default", body = ErrorBody, description = "What went wrong."),
))]
pub(super) async fn list(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<Vec<SourceView>>, ApiError> {
    let live = app.store.live_recordings().await?;
    let processes = app.store.processes(now()).await?;
    let mut held = app.store.secrets_held().await?;
    let views = app.store.sources().await?.into_iter().map(|s| {
        let recording = live.iter().find(|r| r.source_id == s.id).map(|r| r.id.to_string());
        let held = held.remove(&s.id).unwrap_or_default();
        view(&app, &headers, &processes, s, held, recording)
    });
    Ok(Json(views.collect()))
}

/// Configures a source.
#[utoipa::path(post, path = "/api/sources", tag = "sources", request_body = NewSource, responses(
    (status = 201, body = SourceCreated, description = "Configured. A stream key is told only here."),
    (status = 409, body = ErrorBody, description = "The name is taken."),
    (status = 422, body = ErrorBody, description = "Something in the request cannot be used."),
))]
pub(super) async fn add(
    State(app): State<App>,
    headers: HeaderMap,
    Body(request): Body<NewSource>,
) -> Result<impl IntoResponse, ApiError> {
    let planned = plan_source(request, &app.resolvers(), now()).map_err(ApiError::invalid)?;
    let added = planned.commit(&app.store).await?;
    let source = shown(&app, &headers, added.id).await?;
    let stream_key = planned.stream_key.map(|k| k.expose_secret().to_owned());
    Ok((StatusCode::CREATED, Json(SourceCreated { source, stream_key })))
}

/// Lets a source record, or not.
#[utoipa::path(post, path = "/api/sources/{id}/enabled", tag = "sources", request_body = Enabled,
    params(("id" = String, Path, description = "The source.")),
    responses(
        (status = 200, body = SourceView),
        (status = 404, body = ErrorBody, description = "No such source."),
    ))]
pub(super) async fn enable(
    State(app): State<App>,
    Named(text): Named,
    headers: HeaderMap,
    Body(request): Body<Enabled>,
) -> Result<Json<SourceView>, ApiError> {
    let source_id: SourceId = id("source", &text)?;
    let mut tx = app.store.begin().await?;
    rows::set_source_enabled(&mut tx, source_id, request.enabled).await?;
    let action = if request.enabled { "enable" } else { "disable" };
    audit::audit(&mut tx, now(), ACTOR, action, &text, None).await?;
    tx.commit().await?;
    shown(&app, &headers, source_id).await.map(Json)
}

/// Gives a push source another stream key. An encoder that pushes with the one before is disconnected.
#[utoipa::path(post, path = "/api/sources/{id}/key", tag = "sources",
    params(("id" = String, Path, description = "The source.")),
    responses(
        (status = 200, body = SourceCreated, description = "The new stream key is told only here."),
        (status = 404, body = ErrorBody, description = "No such push source."),
    ))]
pub(super) async fn rotate_key(
    State(app): State<App>,
    Named(text): Named,
    headers: HeaderMap,
) -> Result<Json<SourceCreated>, ApiError> {
    let key = new_stream_key();
    let source = change_key(&app, &headers, &text, Some(&key)).await?;
    Ok(Json(SourceCreated { source, stream_key: Some(key.expose_secret().to_owned()) }))
}

/// Takes the stream key of a push source away: nothing can be pushed until it gets another one.
#[utoipa::path(delete, path = "/api/sources/{id}/key", tag = "sources",
    params(("id" = String, Path, description = "The source.")),
    responses(
        (status = 200, body = SourceView),
        (status = 404, body = ErrorBody, description = "No such push source."),
    ))]
pub(super) async fn revoke_key(
    State(app): State<App>,
    Named(text): Named,
    headers: HeaderMap,
) -> Result<Json<SourceView>, ApiError> {
    Ok(Json(change_key(&app, &headers, &text, None).await?))
}

async fn change_key(
    app: &App,
    headers: &HeaderMap,
    text: &str,
    key: Option<&SecretString>,
) -> Result<SourceView, ApiError> {
    let source_id: SourceId = id("source", text)?;
    let mut tx = app.store.begin().await?;
    let action = match key {
        Some(key) => rows::set_stream_key(&mut tx, source_id, key).await.map(|()| "rotate key")?,
        None => rows::revoke_stream_key(&mut tx, source_id).await.map(|()| "revoke key")?,
    };
    audit::audit(&mut tx, now(), ACTOR, action, text, None).await?;
    tx.commit().await?;
    shown(app, headers, source_id).await
}

/// A source as it is now.
pub(super) async fn shown(app: &App, headers: &HeaderMap, id: SourceId) -> Result<SourceView, ApiError> {
    let source = app.store.source(id).await?;
    let source = source.ok_or_else(|| ApiError::not_found("source", &id.to_string()))?;
    let live = app.store.live_recording_of(id).await?.map(|r| r.id.to_string());
    let held = app.store.secrets_held().await?.remove(&id).unwrap_or_default();
    Ok(view(app, headers, &app.store.processes(now()).await?, source, held, live))
}

fn view(
    app: &App,
    headers: &HeaderMap,
    processes: &[Process],
    s: source::Source,
    held: rows::SecretsHeld,
    live_recording_id: Option<String>,
) -> SourceView {
    let said = recorder_says::of(processes, s.id, now());
    let kind = match s.kind {
        source::SourceKind::Push => SourceKind::Push,
        source::SourceKind::Pull => SourceKind::Pull,
    };
    let push_urls = match kind {
        SourceKind::Push => push_urls(&app.config.record, headers, s.id),
        SourceKind::Pull => vec![],
    };
    SourceView {
        id: s.id.to_string(),
        name: s.name,
        kind,
        url_shown: s.url_shown,
        language: s.language.into(),
        category: s.category,
        enabled: s.enabled,
        requested: s.requested,
        settings: s.settings.into(),
        live_recording_id,
        state: said.as_ref().map(|s| s.state.clone()),
        problem: said.and_then(|s| s.problem).map(|(what, at, is_over)| SourceProblem {
            what,
            at: wall(at),
            is_over,
        }),
        has_key: (kind == SourceKind::Push).then_some(held.has_key),
        header_names: held.header_names,
        push_url: push_urls.first().map(|p| p.url.clone()),
        push_urls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::view::{Language, Product};

    fn request(kind: SourceKind, url: Option<&str>) -> NewSource {
        NewSource {
            name: " 直播间 1 ".to_owned(),
            kind,
            url: url.map(str::to_owned),
            language: Language::Zh,
            category: Some("apparel".to_owned()),
            headers: vec![],
            settings: Settings::default(),
            products: vec![],
        }
    }

    fn plan(r: NewSource) -> Result<PlannedSource, String> {
        plan_source(r, &["streamlink".to_owned()], WallTime::from_millis(1))
    }

    #[test]
    fn a_push_source_gets_a_key_nobody_can_guess() {
        let a = plan(request(SourceKind::Push, None)).unwrap();
        let b = plan(request(SourceKind::Push, None)).unwrap();
        let key = a.stream_key.unwrap().expose_secret().to_owned();
        assert!(key.len() == 40 && key.bytes().all(|c| c.is_ascii_hexdigit()), "{key}");
        assert_ne!(key, b.stream_key.unwrap().expose_secret());
        assert_eq!(a.row.secret.expose_secret(), key);
        assert_eq!(a.row.name, "直播间 1");
    }

    #[test]
    fn what_cannot_work_is_refused_without_repeating_a_secret() {
        let refused = |url: &str| plan(request(SourceKind::Pull, Some(url))).unwrap_err();
        assert!(refused("file:///etc/passwd").contains("file:"));
        assert!(refused("concat:a|b").contains("concat:"));
        assert!(!refused("ftp://user:hunter2@host/x").contains("hunter2"));
        assert!(refused("not a url").contains("cannot be read"));
        assert!(plan(request(SourceKind::Pull, None)).unwrap_err().contains("needs a url"));
        assert!(plan(request(SourceKind::Push, Some("rtmp://h/a"))).is_err());
        assert!(plan(request(SourceKind::Pull, Some("rtmp://user:pw@host/live/x"))).is_ok());
        let mut r = request(SourceKind::Push, None);
        r.category = Some("cars".to_owned());
        assert!(plan(r).unwrap_err().contains("household"));
        let mut r = request(SourceKind::Push, None);
        let product: Product = serde_json::from_value(serde_json::json!({"sku": "a", "name": "b"})).unwrap();
        r.products = vec![product.clone(), product];
        assert!(plan(r).unwrap_err().contains("twice"));
    }

    #[test]
    fn only_a_resolver_that_is_there_may_be_named() {
        let with = |kind, url, name: &str| {
            let settings = Settings { resolver: Some(name.to_owned()), ..Settings::default() };
            plan(NewSource { settings, ..request(kind, url) })
        };
        let page = Some("https://room.example/1");
        assert!(with(SourceKind::Pull, page, "streamlink").is_ok());
        assert!(with(SourceKind::Pull, page, "rm -rf").unwrap_err().contains("streamlink"));
        assert!(with(SourceKind::Push, None, "streamlink").is_err());
    }
}
