//! Executes remix plans: one captioned vertical video for each clip.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use clipmill_domain::{
    ClipId, Id, RecordingId, RemixId, WallTime,
    provenance::StageVersion,
    remix::{Remix, RemixPlan},
    source::Script,
};
use clipmill_inference::script::shown_in;
use clipmill_media::RenderSpec;
use clipmill_store::{Artifact, Store, StoreError, Tx, library, remixes};
use clipmill_worker::{JobCtx, QueueName, Stage, StageError};

use crate::arrange::{Template, plan_remix};

/// x264's preset: its cost and size were weighed against the others'.
const PRESET: &str = "veryfast";

/// Clips without a remix of this template get one.
#[derive(Debug, Clone)]
pub struct Render {
    /// The look.
    pub template: Template,
    /// Where the caption fonts lie; `None` for the system's.
    pub fonts_dir: Option<PathBuf>,
}

/// What [`Render`] made, not yet in the store.
#[derive(Debug)]
pub struct Rendered {
    id: RemixId,
    plan: RemixPlan,
    video: Artifact,
}

/// What Chinese of a recording is shown in.
async fn script_of(store: &Store, recording: RecordingId) -> Result<Script, StoreError> {
    let Some(recording) = store.recording(recording).await? else { return Ok(Script::Simplified) };
    let source = store.source(recording.source_id).await?;
    Ok(source.map_or(Script::Simplified, |s| s.settings.script))
}

#[async_trait]
impl Stage for Render {
    type Input = ClipId;
    type Output = Rendered;

    fn name(&self) -> &'static str {
        "remix.render"
    }

    fn queue(&self) -> QueueName {
        QueueName::Cpu
    }

    fn priority(&self) -> i32 {
        50
    }

    fn version(&self) -> StageVersion {
        let t = &self.template;
        StageVersion::new(format!("render/1+{}-{}x{}@{}", t.name, t.width, t.height, t.fps))
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(900)
    }

    async fn find(&self, store: &Store, limit: u32) -> Result<Vec<ClipId>, StoreError> {
        let clips = store.clips_without_remix(&self.version(), limit).await?;
        Ok(clips.into_iter().map(|c| c.id).collect())
    }

    async fn run(&self, cx: &JobCtx, id: ClipId) -> Result<Rendered, StageError> {
        let store = &cx.store;
        let clip = store.clip(id).await?.ok_or_else(|| StageError::give_up(format!("clip {id} is gone")))?;
        let script = script_of(store, clip.recording_id).await?;
        let utterances = store.utterances_in(clip.recording_id, clip.span).await?.into_iter();
        let utterances: Vec<_> = utterances.map(|u| shown_in(script, u)).collect();
        let plan = plan_remix(&clip, &utterances, &self.template);
        let parts = store.media_parts(clip.recording_id, clip.span).await?;
        let out = cx.temp_dir()?.join("remix.mp4");
        let spec = RenderSpec {
            parts,
            spans: plan.edl.spans.clone(),
            width: plan.width,
            height: plan.height,
            fps: plan.fps,
            captions: plan.captions.clone(),
            fonts_dir: self.fonts_dir.clone(),
            loudness_lufs: plan.loudness_lufs,
            preset: PRESET.to_owned(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let (halt, file, beat) = (Arc::clone(&stop), out.clone(), cx.clone());
        let mut work = tokio::task::spawn_blocking(move || {
            clipmill_media::render(&spec, file.as_std_path(), &|_| beat.beat(), &halt)
        });
        let done = tokio::select! {
            done = &mut work => done,
            () = cx.stop.cancelled() => {
                stop.store(true, Ordering::Relaxed);
                work.await
            }
        };
        done.map_err(StageError::retry)?.map_err(StageError::retry)?;
        let now = cx.now();
        let remix_id = RemixId::new_at(now);
        let dest = format!("remixes/{remix_id}/video.mp4");
        let video =
            store.library().publish_artifact(&out, &dest, "remix.video", &remix_id.to_string(), now).await?;
        Ok(Rendered { id: remix_id, plan, video })
    }

    async fn commit(
        &self,
        tx: &mut Tx<'_>,
        id: ClipId,
        out: Rendered,
        now: WallTime,
    ) -> Result<(), StageError> {
        library::insert_artifact(tx, &out.video).await?;
        let remix = Remix {
            id: out.id,
            clip_id: id,
            plan: out.plan,
            path: out.video.path.clone(),
            made_at: now,
            made_by: self.version().to_string(),
        };
        remixes::insert_remix(tx, &remix).await?;
        Ok(())
    }
}
