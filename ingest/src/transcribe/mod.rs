//! The follower that hears recordings: parts in, utterances out.
//!
//! Sound is decoded part by part as the recording grows, cut at pauses, recognised, and joined into sentences
//! (`sentence`); its curves come from the same samples (`curves`). Utterances, curves and the position before which
//! everything is final are written in one transaction: after a crash, hearing goes on from that position, and loses
//! and doubles nothing.

mod again;
mod carry;
mod curves;
mod hearing;
pub mod listen;
pub mod pace;
pub mod sentence;
pub mod speakers;
mod trade;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use camino::Utf8Path;
use clipmill_domain::{
    Id, RecordingId, UtteranceId,
    recording::{Part, Recording},
    source::{Language, Source},
    transcript::{Revision, Utterance},
};
use clipmill_inference::{
    asr::{AsrError, Recognizer},
    likely::Likely,
    vad::{Vad, VadError, Voice},
    voiceprint::Printer,
};
use clipmill_media::MediaPart;
use clipmill_store::{
    Store, StoreError,
    curves::insert_sound_curves,
    followers::{self, FollowerPos},
    utterances,
};
use clipmill_worker::{FollowCtx, Follower, Progress, StageError};
use tokio::sync::Semaphore;

pub use again::{EarsMaker, name_of};
pub use carry::carry_over;

use again::OtherEars;
use hearing::{HearError, Hearing};
use listen::{AnyVoice, Listener, Output, State};
use pace::Paces;
use trade::Trade;

/// Under which the follower's positions are kept.
pub const NAME: &str = "ingest.transcribe";

/// Parts taken in by one step: enough to catch up fast, few enough that other recordings get their turn.
const PARTS_PER_STEP: u32 = 4;

/// Makes a voice detector for one recording.
pub type VoiceMaker = Arc<dyn Fn() -> Result<Box<dyn Voice + Send>, VadError> + Send + Sync>;

/// The follower.
pub struct Transcriber {
    ears: Arc<dyn Recognizer>,
    voice: VoiceMaker,
    printer: Option<Arc<dyn Printer>>,
    room: Arc<Semaphore>,
    at_once: usize,
    paces: Paces,
    likely: Option<(String, Arc<Likely>)>,
    trade: Trade,
    other_ears: OtherEars,
    /// What is being heard, by recording and revision, with the position it was last stored at. Lost at a restart, and
    /// made anew from there.
    hearings: Mutex<HashMap<(RecordingId, i64), (i64, Hearing)>>,
}

/// Which transcript of a recording a step writes, and who hears it.
struct Task {
    /// 0 for the first.
    revision: i64,
    ears: Arc<dyn Recognizer>,
}

impl std::fmt::Debug for Transcriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcriber").field("ears", &self.ears.id()).finish_non_exhaustive()
    }
}

impl Transcriber {
    /// With a recogniser shared by all recordings, a maker of voice detectors (each recording has its own), and
    /// the permits that bound how much inference runs at once in this process; one a core, usually one.
    pub fn new(ears: Arc<dyn Recognizer>, voice: VoiceMaker, room: Arc<Semaphore>) -> Self {
        let at_once = room.available_permits();
        let (paces, trade) = (Paces::default(), Trade::default());
        let (other_ears, hearings) = (OtherEars::default(), Mutex::default());
        Self { ears, voice, printer: None, room, at_once, paces, likely: None, trade, other_ears, hearings }
    }

    /// Hears finished recordings again when asked to, with the models that `maker` loads. It may answer for the name of
    /// the live's own model too.
    #[must_use]
    pub fn hearing_again(mut self, maker: EarsMaker) -> Self {
        self.other_ears = OtherEars::made_by(maker);
        self
    }

    /// Tells the voices of each recording apart.
    #[must_use]
    pub fn telling_voices(mut self, printer: Arc<dyn Printer>) -> Self {
        self.printer = Some(printer);
        self
    }

    /// With the Silero voice detector of the model file `vad`, which is loaded once here to see that it can be.
    pub fn with_silero(
        ears: Arc<dyn Recognizer>,
        vad: &Utf8Path,
        room: Arc<Semaphore>,
    ) -> Result<Self, VadError> {
        Vad::load(vad)?;
        let vad = vad.to_owned();
        let voice: VoiceMaker = Arc::new(move || Ok(Box::new(Vad::load(&vad)?.into_stream())));
        Ok(Self::new(ears, voice, room))
    }

    /// Chinese is put right by likelihood, with words of this model name and hash.
    #[must_use]
    pub fn with_likely(mut self, id: String, likely: Likely) -> Self {
        self.likely = Some((id, Arc::new(likely)));
        self
    }

    /// What makes the text of `language`, for provenance.
    fn made_by(&self, ears: &dyn Recognizer, language: Language) -> String {
        let ears = ears.id();
        match &self.likely {
            Some((id, _)) if language == Language::Zh => format!("{ears}+{id}"),
            _ => ears,
        }
    }

    /// How far behind each recording is.
    pub fn paces(&self) -> Paces {
        self.paces.clone()
    }

    async fn hearing(
        &self,
        store: &Store,
        rec: &Recording,
        task: &Task,
    ) -> Result<(FollowerPos, Hearing), StageError> {
        let stored = store.follower(rec.id, &name_of(task.revision)).await?;
        let state = if stored.state.is_null() {
            State::new(rec.language)
        } else {
            serde_json::from_value(stored.state.clone()).map_err(StageError::give_up)?
        };
        let kept =
            self.hearings.lock().unwrap_or_else(PoisonError::into_inner).remove(&(rec.id, task.revision));
        // States, not their texts: a probability that was written and read back is the same probability, but its long
        // decimal form may differ in the last digit, and a hearing made anew at each step never gets on.
        if let Some((position, hearing)) = kept
            && position == stored.position
            && *hearing.listener.state() == state
        {
            return Ok((stored, hearing));
        }
        let voice = (self.voice)().map_err(StageError::needs_operator)?;
        // The curves of the last part may not be stored yet; and one part more than needed, so that the sound decoder
        // and the voice detector are warm where hearing goes on.
        let fed = (stored.position - 2).max(-1);
        let mut listener = Listener::resume(AnyVoice(voice), Arc::clone(&task.ears), state, rec.language);
        listener.set_likely(self.likely.as_ref().map(|(_, likely)| Arc::clone(likely)));
        if let Some(printer) = &self.printer {
            listener.tell_voices(Arc::clone(printer));
        }
        let measured = (task.revision == 0).then_some(rec.id);
        Ok((stored, Hearing::resume(measured, listener, fed)))
    }

    fn keep(&self, rec: &Recording, task: &Task, position: i64, hearing: Hearing) {
        let key = (rec.id, task.revision);
        self.hearings.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (position, hearing));
    }

    /// A piece of the revision that was asked for. What only a person can mend ends it.
    async fn step_again(
        &self,
        cx: &FollowCtx,
        rec: &Recording,
        revision: &Revision,
    ) -> Result<Progress, StageError> {
        let stepped = match self.other_ears.of(&revision.model).await {
            Ok(ears) => self.step_of(cx, rec, &Task { revision: revision.number, ears }).await,
            Err(error) => Err(error),
        };
        let ended = match stepped {
            Err(why @ (StageError::GiveUp { .. } | StageError::NeedsOperator { .. })) => {
                again::give_up(&cx.store, revision, &why, cx.now()).await?;
                self.paces.forget(rec.id);
                let key = (rec.id, revision.number);
                self.hearings.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
                Ok(Progress::Done)
            }
            other => other,
        };
        if matches!(ended, Ok(Progress::Done)) {
            self.other_ears.forget();
        }
        ended
    }

    /// A piece of one transcript.
    async fn step_of(&self, cx: &FollowCtx, rec: &Recording, task: &Task) -> Result<Progress, StageError> {
        let (pos, mut hearing) = self.hearing(&cx.store, rec, task).await?;
        let parts = cx.store.parts_after(rec.id, hearing.fed, PARTS_PER_STEP).await?;
        if parts.is_empty() && rec.ended_at.is_none() {
            self.keep(rec, task, pos.position, hearing);
            return Ok(Progress::Idle);
        }
        if task.revision > 0 {
            again::all_there(&parts)?;
        }
        let behind_us = waiting_us(&cx.store, rec, &parts).await?;
        let source = cx.store.source(rec.source_id).await?;
        let is_live = rec.ended_at.is_none() && !source.as_ref().is_some_and(Source::is_backfill);
        let rung = self.paces.rung(rec.id).next(behind_us, is_live);
        self.paces.set(rec.id, behind_us, rung);
        hearing.listener.set_rung(rung);
        hearing.listener.find_language(source.is_some_and(|s| s.settings.detect_language));
        hearing.listener.set_lexicon(self.trade.of(&cx.store, rec.source_id).await?);
        let files = files_of(&cx.store, rec.id, &parts).await?;
        let _seat = Arc::clone(&self.room).acquire_owned().await.map_err(StageError::retry)?;
        let stop = cx.stop.clone();
        let over = parts.is_empty();
        let before = hearing.listener.state().clone();
        let work = move || {
            let mut out = Output::default();
            let mut spans = Vec::new();
            for (part, file) in parts.iter().zip(&files) {
                if stop.is_cancelled() {
                    break;
                }
                hearing.part(part, file, &mut out)?;
                spans.push((part.seq, listen::position(part.span.end().as_micros())));
            }
            if over {
                hearing.finish(&mut out)?;
            }
            Ok::<_, HearError>((hearing, out, spans))
        };
        let (mut hearing, out, spans) = tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| StageError::retry(format!("hearing was cut short: {e}")))?
            .map_err(stage_error)?;

        let made_by = |language| self.made_by(task.ears.as_ref(), language);
        let rows = numbered(&mut hearing.listener, rec, &out, made_by, cx);
        if !over && *hearing.listener.state() == before && hearing.new_curves().is_empty() {
            self.keep(rec, task, pos.position, hearing);
            return Ok(Progress::Advanced);
        }
        let whole =
            spans.iter().filter(|(_, end)| *end <= hearing.listener.state().final_until).map(|(seq, _)| *seq);
        let position = whole.max().unwrap_or(pos.position).max(pos.position);
        let state = serde_json::to_value(hearing.listener.state()).map_err(StageError::give_up)?;
        let pos = FollowerPos { position, state };
        let mut tx = cx.store.begin().await?;
        utterances::insert_in_revision(&mut tx, task.revision, &rows).await?;
        for d in &out.dropped {
            utterances::insert_dropped(&mut tx, rec.id, task.revision, d.span, &d.text, d.reason).await?;
        }
        insert_sound_curves(&mut tx, hearing.new_curves()).await?;
        let name = name_of(task.revision);
        if over {
            followers::finish_follower(&mut tx, rec.id, &name, &pos).await?;
        } else {
            followers::set_follower(&mut tx, rec.id, &name, &pos).await?;
        }
        if over && task.revision > 0 {
            again::complete(&mut tx, rec.id, task.revision, cx.now()).await?;
        }
        tx.commit().await?;
        if let Some(curves) = &mut hearing.curves {
            curves.stored();
        }
        for u in &rows {
            tracing::debug!(recording = %rec.id, at = %u.span, text = u.text, "heard");
        }
        if over {
            self.paces.forget(rec.id);
            tracing::info!(recording = %rec.id, revision = task.revision, utterances = hearing.listener.state().next_utterance, "transcribed to the end");
            return Ok(Progress::Done);
        }
        self.keep(rec, task, pos.position, hearing);
        Ok(Progress::Advanced)
    }
}

#[async_trait]
impl Follower for Transcriber {
    fn name(&self) -> &'static str {
        NAME
    }

    fn at_once(&self) -> usize {
        self.at_once
    }

    fn step_deadline(&self) -> Duration {
        Duration::from_secs(300)
    }

    async fn step(&self, cx: &FollowCtx, rec: &Recording) -> Result<Progress, StageError> {
        // Only what was heard to its end is heard again.
        if rec.ended_at.is_some()
            && let Some(revision) = cx.store.revision_in_making(rec.id).await?
        {
            return self.step_again(cx, rec, &revision).await;
        }
        self.step_of(cx, rec, &Task { revision: 0, ears: Arc::clone(&self.ears) }).await
    }
}

/// The sentences as rows, with their numbers.
fn numbered(
    listener: &mut Listener,
    rec: &Recording,
    out: &Output,
    made_by: impl Fn(Language) -> String,
    cx: &FollowCtx,
) -> Vec<Utterance> {
    out.sentences
        .iter()
        .map(|s| {
            let seq = listener.number();
            Utterance {
                id: UtteranceId::new_at(cx.now()),
                recording_id: rec.id,
                seq,
                span: s.span,
                text: s.text.clone(),
                words: s.words.clone(),
                made_by: made_by(s.language),
                language: Some(s.language),
                speaker: listener.speaker(s.span),
                edited_at: None,
            }
        })
        .collect()
}

/// How much recorded sound waits from the first of `parts` on, in microseconds.
async fn waiting_us(store: &Store, rec: &Recording, parts: &[Part]) -> Result<i64, StoreError> {
    let Some(first) = parts.first() else { return Ok(0) };
    let last = store.last_part(rec.id).await?;
    Ok(last.map_or(0, |last| (last.span.end() - first.span.start()).max(0)))
}

/// The files of parts that follow each other.
async fn files_of(store: &Store, rec: RecordingId, parts: &[Part]) -> Result<Vec<MediaPart>, StoreError> {
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let epochs = store.epochs(rec).await?;
    let file = |path: &str| Ok::<PathBuf, StoreError>(store.library().local_path(path)?.into_std_path_buf());
    parts
        .iter()
        .map(|p| {
            let epoch = epochs.iter().find(|e| e.id == p.epoch_id);
            let epoch = epoch.ok_or(StoreError::NotFound { what: "epoch", id: p.epoch_id.to_string() })?;
            Ok(MediaPart {
                path: file(&p.path)?,
                init_path: file(&epoch.init_path)?,
                offset_us: epoch.media_start.as_micros(),
                span: p.span,
            })
        })
        .collect()
}

fn stage_error(error: HearError) -> StageError {
    match error {
        HearError::Asr(
            e @ (AsrError::Load { .. }
            | AsrError::UnknownLanguage(_)
            | AsrError::Endpoint { is_final: true, .. }),
        ) => StageError::needs_operator(e),
        other => StageError::retry(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_is_for_the_operator_and_a_busy_service_is_tried_again() {
        let failed = |is_final| {
            stage_error(AsrError::Endpoint { host: "h".into(), why: "it answered".into(), is_final }.into())
        };
        assert!(matches!(failed(true), StageError::NeedsOperator { .. }));
        assert!(matches!(failed(false), StageError::Retry { .. }));
    }
}
