//! The feed and the clip page.

use std::collections::HashMap;

use axum::{Json, extract::State};
use clipmill_domain::{
    ClipId, RecordingId, Span, clip::Clip, post::Post, remix::Remix, selling_point::SellingPoint,
    source::Script,
};
use clipmill_inference::script::shown_in;
use clipmill_store::Store;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    App,
    error::ApiError,
    extract::{Named, Params, id},
    transcript::script_of,
    view::{
        ClipCard, ClipDetail, ClipPage, ErrorBody, EvidenceView, HistoryLine, LabelShare, Stage,
        TranscriptLine, media_url, seconds, share, wall,
    },
};

/// Clips on a page, unless asked otherwise.
const PAGE: u32 = 50;

/// Most clips on a page.
const PAGE_MAX: u32 = 200;

/// Talk shown before and after a clip, in microseconds.
const CONTEXT_MICROS: i64 = 15_000_000;

/// Which page of the feed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// Clips on the page, 1 to 200; 50 unless given.
    limit: Option<u32>,
    /// Only clips older than this one: the `next` of the page before.
    before: Option<String>,
}

/// A clip with the rows that hang on it.
struct Loaded {
    clip: Clip,
    point: Option<SellingPoint>,
    remix: Option<Remix>,
    posts: Vec<Post>,
    source_name: String,
}

impl Loaded {
    fn card(&self) -> ClipCard {
        let Self { clip, point, remix, posts, source_name } = self;
        let remix_url = remix.as_ref().map(|r| media_url(&r.path));
        let exact_url = clip.exact_path.as_deref().map(media_url);
        let (stage, video_url) = match (&remix_url, exact_url) {
            (Some(url), _) => (Stage::Captioned, url.clone()),
            (None, Some(url)) => (Stage::Exact, url),
            (None, None) => (Stage::Draft, media_url(&clip.draft_path)),
        };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds for display")]
        let latency_ms = clip.reviewable_at.millis_since(clip.talk_ended_at) as f64;
        ClipCard {
            id: clip.id.to_string(),
            selling_point_id: clip.selling_point_id.to_string(),
            recording_id: clip.recording_id.to_string(),
            source_name: source_name.clone(),
            title: clip.title.clone(),
            label: clip.label.key().to_owned(),
            label_name: clip.label.into(),
            product_name: clip.product_name.clone(),
            product_sku: point.as_ref().and_then(|p| p.product_sku.clone()),
            confidence: point.as_ref().map_or(0.0, |p| share(p.confidence)),
            start_s: seconds(clip.span.start()),
            end_s: seconds(clip.span.end()),
            duration_s: clipmill_domain::MediaTime::from_micros(clip.edl.micros()).as_seconds(),
            talk_ended_at: wall(clip.talk_ended_at),
            reviewable_at: wall(clip.reviewable_at),
            latency_s: latency_ms / 1000.0,
            thumbnail_url: media_url(&clip.thumbnail_path),
            video_url,
            stage,
            remix_url,
            post: posts.first().cloned().map(Into::into),
        }
    }
}

/// Loads what hangs on clips, remembering the names of their sources.
struct Loader<'a> {
    store: &'a Store,
    names: HashMap<RecordingId, String>,
}

impl Loader<'_> {
    async fn load(&mut self, clip: Clip) -> Result<Loaded, ApiError> {
        let source_name = match self.names.get(&clip.recording_id) {
            Some(name) => name.clone(),
            None => {
                let recording = self.store.recording(clip.recording_id).await?;
                let source = match recording {
                    Some(r) => self.store.source(r.source_id).await?,
                    None => None,
                };
                let name = source.map_or_else(String::new, |s| s.name);
                self.names.insert(clip.recording_id, name.clone());
                name
            }
        };
        let point = self.store.selling_point(clip.selling_point_id).await?;
        let remix = self.store.remix_of(clip.id).await?;
        let posts = match &remix {
            Some(r) => self.store.posts_of(r.id).await?,
            None => vec![],
        };
        Ok(Loaded { clip, point, remix, posts, source_name })
    }
}

/// A page of the feed, newest clips first.
#[utoipa::path(get, path = "/api/clips", tag = "clips", params(Paging), responses(
    (status = 200, body = ClipPage),
    (status = "default", body = ErrorBody, description = "What went wrong."),
))]
pub(super) async fn feed(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Json<ClipPage>, ApiError> {
    let limit = paging.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::invalid(format!("limit: choose 1 to {PAGE_MAX}")));
    }
    let before: Option<ClipId> = paging.before.as_deref().map(|text| id("clip", text)).transpose()?;
    // One more than asked tells whether there is a next page.
    let mut clips = app.store.clips(limit + 1, before).await?;
    let more = clips.len() > limit as usize;
    clips.truncate(limit as usize);
    let next = clips.last().filter(|_| more).map(|c| c.id.to_string());
    let mut loader = Loader { store: &app.store, names: HashMap::new() };
    let mut cards = Vec::with_capacity(clips.len());
    for clip in clips {
        cards.push(loader.load(clip).await?.card());
    }
    Ok(Json(ClipPage { clips: cards, next }))
}

/// Everything about one clip.
#[utoipa::path(get, path = "/api/clips/{id}", tag = "clips",
    params(("id" = String, Path, description = "The clip.")),
    responses(
        (status = 200, body = ClipDetail),
        (status = 404, body = ErrorBody, description = "No such clip."),
    ))]
pub(super) async fn one(State(app): State<App>, Named(text): Named) -> Result<Json<ClipDetail>, ApiError> {
    let clip = app.store.clip(id("clip", &text)?).await?.ok_or_else(|| ApiError::not_found("clip", &text))?;
    let mut loader = Loader { store: &app.store, names: HashMap::new() };
    let loaded = loader.load(clip).await?;
    let card = loaded.card();
    let clip = &loaded.clip;
    let around =
        Span::new(clip.span.start() + -CONTEXT_MICROS, clip.span.end() + CONTEXT_MICROS).unwrap_or(clip.span);
    let transcript = app.store.utterances_in(clip.recording_id, around).await?;
    let script = match app.store.recording(clip.recording_id).await? {
        Some(recording) => script_of(&app.store, &recording).await?,
        None => Script::Simplified,
    };
    Ok(Json(ClipDetail {
        why: clip.why.clone(),
        evidence: evidence(loaded.point.as_ref()),
        transcript: transcript
            .into_iter()
            .map(|u| TranscriptLine::new(shown_in(script, u), &clip.edl.spans))
            .collect(),
        draft_url: media_url(&clip.draft_path),
        exact_url: clip.exact_path.as_deref().map(media_url),
        captioned_url: card.remix_url.clone(),
        made_by: loaded.point.as_ref().map_or_else(String::new, |p| p.made_by.clone()),
        history: history(&app.store, &loaded).await?,
        card,
    }))
}

fn evidence(point: Option<&SellingPoint>) -> EvidenceView {
    let e = point.map(|p| p.evidence.clone()).unwrap_or_default();
    EvidenceView {
        quote: e.quote,
        top: e
            .top
            .iter()
            .map(|(label, p)| LabelShare { label: label.key().to_owned(), p: share(*p) })
            .collect(),
        rule_hits: e.rule_hits,
        product_why: e.product_why,
    }
}

/// What the audit log says about the clip, its video and its posts, oldest first.
async fn history(store: &Store, loaded: &Loaded) -> Result<Vec<HistoryLine>, ApiError> {
    let mut subjects = vec![loaded.clip.id.to_string(), loaded.clip.selling_point_id.to_string()];
    subjects.extend(loaded.remix.iter().map(|r| r.id.to_string()));
    subjects.extend(loaded.posts.iter().map(|p| p.id.to_string()));
    let mut lines = vec![];
    for subject in subjects {
        lines.extend(store.audit_of(&subject).await?);
    }
    lines.sort_by_key(|l| l.at);
    let line = |l: clipmill_store::audit::AuditLine| HistoryLine {
        at: wall(l.at),
        actor: l.actor,
        action: l.action,
        detail: l.detail,
    };
    Ok(lines.into_iter().map(line).collect())
}
