//! The stages that execute cut plans: a draft at once, the exact cut next.

use std::time::Duration;

use async_trait::async_trait;
use clipmill_domain::{
    ClipId, Id, SellingPointId, Span, WallTime,
    clip::{Clip, Edl},
    provenance::StageVersion,
    recording::{Part, Recording},
    selling_point::SellingPoint,
    source::{Language, Script},
    transcript::Utterance,
};
use clipmill_inference::script::written_in;
use clipmill_store::{Artifact, Store, StoreError, Tx, clips, library};
use clipmill_worker::{JobCtx, QueueName, Stage, StageError};

use super::{
    plan::{CutPlan, CutRules, Sentence, plan_cut, stretch_of},
    title::title,
};

/// How far around a selling point sentences are read for planning: 2 minutes, in microseconds.
const CONTEXT_US: i64 = 120_000_000;

/// Two parts nearer than this follow one another without a gap, in microseconds.
const JOINT_US_MAX: i64 = clipmill_domain::gap::GAP_MICROS_MIN;

/// Height of a thumbnail, in pixels.
const THUMBNAIL_HEIGHT: u32 = 640;

/// Selling points without a clip become draft clips: a key-frame copy and a thumbnail, within a second.
#[derive(Debug, Clone)]
pub struct CutDraft {
    /// Limits of a cut.
    pub rules: CutRules,
}

/// What [`CutDraft`] made, not yet in the store.
#[derive(Debug)]
pub struct Draft {
    clip: Clip,
    draft: Artifact,
    thumbnail: Artifact,
}

impl CutDraft {
    async fn plan(
        &self,
        store: &Store,
        point: &SellingPoint,
    ) -> Result<(CutPlan, Vec<Utterance>), StageError> {
        let around = Span::new(point.span.start() + -CONTEXT_US, point.span.end() + CONTEXT_US)
            .map_err(|e| StageError::give_up(e.to_string()))?;
        let utterances = store.utterances_in(point.recording_id, around).await?;
        let points = store.selling_points(point.recording_id).await?;
        let belongs = |u: &Utterance| {
            points
                .iter()
                .any(|p| p.span.overlaps(u.span) && p.product_sku == point.product_sku && p.label.sells())
        };
        let sentences: Vec<Sentence> = utterances.iter().map(|u| Sentence::of(u, belongs(u))).collect();
        let own: Vec<i64> =
            utterances.iter().filter(|u| u.span.overlaps(point.span)).map(|u| u.seq).collect();
        let (Some(first), Some(last)) = (own.first(), own.last()) else {
            return Err(StageError::give_up(format!("selling point {} has no utterance", point.id)));
        };
        let parts = store.parts_in(point.recording_id, around).await?;
        let gone =
            parts.iter().filter(|p| p.span.overlaps(point.span)).find_map(|p| Some((p, p.removed_at?)));
        if let Some((part, removed_at)) = gone {
            return Err(
                StoreError::Removed { recording: part.recording_id, span: part.span, removed_at }.into()
            );
        }
        let recorded: Vec<Span> = parts.iter().filter(|p| p.removed_at.is_none()).map(|p| p.span).collect();
        let stretch = stretch_of(&recorded, point.span, JOINT_US_MAX).ok_or_else(|| {
            StageError::give_up(format!("the talk at {} falls into a gap of the recording", point.span))
        })?;
        let plan = plan_cut(&sentences, *first, *last, stretch, &self.rules).ok_or_else(|| {
            StageError::give_up(format!("nothing of the talk at {} can be cut", point.span))
        })?;
        Ok((plan, utterances))
    }
}

#[async_trait]
impl Stage for CutDraft {
    type Input = SellingPointId;
    type Output = Draft;

    fn name(&self) -> &'static str {
        "clipper.cut_draft"
    }

    fn queue(&self) -> QueueName {
        QueueName::Small
    }

    fn priority(&self) -> i32 {
        100
    }

    fn version(&self) -> StageVersion {
        StageVersion::new("cut_draft/1")
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn find(&self, store: &Store, limit: u32) -> Result<Vec<SellingPointId>, StoreError> {
        let points = store.selling_points_without_clip(&self.version(), limit).await?;
        Ok(points.into_iter().map(|p| p.id).collect())
    }

    async fn run(&self, cx: &JobCtx, id: SellingPointId) -> Result<Draft, StageError> {
        let store = &cx.store;
        let point = found(store.selling_point(id).await?, "selling point", id)?;
        let recording = found(store.recording(point.recording_id).await?, "recording", point.recording_id)?;
        let (plan, _) = self.plan(store, &point).await?;
        let span = hull(&plan.edl);
        let parts = store.media_parts(point.recording_id, span).await?;

        let dir = cx.temp_dir()?;
        let (video, picture) = (dir.join("draft.mp4"), dir.join("thumbnail.jpg"));
        let (spans, middle) = (plan.edl.spans.clone(), span.start() + span.micros() / 3);
        let made = (video.clone(), picture.clone());
        blocking(move || {
            clipmill_media::cut_draft(&parts, &spans, made.0.as_std_path())?;
            clipmill_media::thumbnail(&parts, middle.as_micros(), THUMBNAIL_HEIGHT, made.1.as_std_path())
        })
        .await?;

        let now = cx.now();
        let clip_id = ClipId::new_at(now);
        let library = store.library();
        let owner = clip_id.to_string();
        let dest = |name: &str| format!("clips/{clip_id}/{name}");
        let draft = library.publish_artifact(&video, &dest("draft.mp4"), "clip.draft", &owner, now).await?;
        let thumbnail =
            library.publish_artifact(&picture, &dest("thumbnail.jpg"), "clip.thumbnail", &owner, now).await?;
        let why = reasons(&point, &plan, recording.language);
        let source = store.source(recording.source_id).await?;
        let script = source.map_or(Script::Simplified, |s| s.settings.script);
        let clip = Clip {
            id: clip_id,
            selling_point_id: id,
            recording_id: point.recording_id,
            span,
            title: written_in(script, &title(&point, recording.language)),
            label: point.label,
            product_name: point.product_name.clone(),
            why,
            talk_ended_at: talk_ended(
                &store.parts_in(point.recording_id, point.span).await?,
                &recording,
                &point,
                now,
            ),
            reviewable_at: now,
            draft_path: draft.path.clone(),
            thumbnail_path: thumbnail.path.clone(),
            exact_path: None,
            edl: plan.edl,
        };
        Ok(Draft { clip, draft, thumbnail })
    }

    async fn commit(
        &self,
        tx: &mut Tx<'_>,
        _: SellingPointId,
        mut out: Draft,
        now: WallTime,
    ) -> Result<(), StageError> {
        out.clip.reviewable_at = now;
        let latency_ms = now.millis_since(out.clip.talk_ended_at);
        tracing::info!(clip.id = %out.clip.id, histogram.clipmill_clip_latency_ms = latency_ms, "clip is reviewable");
        library::insert_artifact(tx, &out.draft).await?;
        library::insert_artifact(tx, &out.thumbnail).await?;
        clips::insert_clip(tx, &out.clip, &self.version()).await?;
        Ok(())
    }
}

/// Draft clips become exact ones: every frame and sample of the plan, and none besides.
#[derive(Debug, Clone, Copy, Default)]
pub struct CutExact;

#[async_trait]
impl Stage for CutExact {
    type Input = ClipId;
    type Output = Artifact;

    fn name(&self) -> &'static str {
        "clipper.cut_exact"
    }

    fn queue(&self) -> QueueName {
        QueueName::Cpu
    }

    fn priority(&self) -> i32 {
        10
    }

    fn version(&self) -> StageVersion {
        StageVersion::new("cut_exact/1")
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(600)
    }

    async fn find(&self, store: &Store, limit: u32) -> Result<Vec<ClipId>, StoreError> {
        let clips = store.clips_without_exact(&self.version(), limit).await?;
        Ok(clips.into_iter().map(|c| c.id).collect())
    }

    async fn run(&self, cx: &JobCtx, id: ClipId) -> Result<Artifact, StageError> {
        let clip = found(cx.store.clip(id).await?, "clip", id)?;
        let parts = cx.store.media_parts(clip.recording_id, clip.span).await?;
        let out = cx.temp_dir()?.join("exact.mp4");
        let (spans, file) = (clip.edl.spans.clone(), out.clone());
        blocking(move || clipmill_media::cut_exact(&parts, &spans, file.as_std_path())).await?;
        let dest = format!("clips/{id}/exact-{}.mp4", cx.attempt);
        Ok(cx.store.library().publish_artifact(&out, &dest, "clip.exact", &id.to_string(), cx.now()).await?)
    }

    async fn commit(
        &self,
        tx: &mut Tx<'_>,
        id: ClipId,
        out: Artifact,
        _: WallTime,
    ) -> Result<(), StageError> {
        library::insert_artifact(tx, &out).await?;
        clips::set_exact(tx, id, &out.path, &self.version()).await?;
        Ok(())
    }
}

/// Why this was cut and why here, as sentences in the language of the live.
fn reasons(point: &SellingPoint, plan: &CutPlan, language: Language) -> Vec<String> {
    let sure = point.confidence * 100.0;
    let (label, unbound) = match language {
        Language::Zh => (format!("{}（把握 {sure:.0}%）", point.label.zh()), "没说到商品名：未绑定"),
        Language::En => (format!("{} ({sure:.0} % sure)", point.label.en()), "no product named: unbound"),
    };
    let product = point.evidence.product_why.clone().unwrap_or_else(|| unbound.to_owned());
    let mut all = vec![label, product];
    all.extend(point.evidence.rule_hits.iter().cloned());
    all.extend(plan.why.iter().map(|r| r.describe(language)));
    all
}

/// When the talk was over, on the wall. A live is placed by its recording's start; a file that is read faster than it
/// plays, by when the part that holds the end came in. Whichever is earlier, and never after now.
fn talk_ended(parts: &[Part], recording: &Recording, point: &SellingPoint, now: WallTime) -> WallTime {
    let end = point.span.end();
    let by_start = recording.started_at.plus_millis(end.as_micros() / 1000);
    let by_part = parts.last().map_or(now, |p| p.wall_start.plus_millis((end - p.span.start()) / 1000));
    by_start.min(by_part).min(now)
}

fn hull(edl: &Edl) -> Span {
    edl.spans
        .iter()
        .copied()
        .reduce(Span::hull)
        .unwrap_or_else(|| unreachable!("an edit list is never empty"))
}

/// The row, or the end of the job: a row never comes back.
fn found<T>(row: Option<T>, what: &str, id: impl Id) -> Result<T, StageError> {
    row.ok_or_else(|| StageError::give_up(format!("{what} {id} is gone")))
}

/// Runs media work off the async threads; a media error of the input is final, one of the machine is tried again.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, clipmill_media::MediaError> + Send + 'static,
) -> Result<T, StageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(StageError::retry),
        Err(e) => Err(StageError::retry(e)),
    }
}
