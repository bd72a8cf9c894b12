//! A finished recording heard again, by the model that was asked for, into a new revision of its transcript.
//!
//! It goes the same way as the first time, behind whatever is live. Its utterances lie beside the shown ones until all of
//! it is heard; then, in one transaction, what people have edited is carried over and the new revision is shown.

use std::sync::{Arc, Mutex, PoisonError};

use clipmill_domain::{Id as _, RecordingId, UtteranceId, WallTime, recording::Part, transcript::Revision};
use clipmill_inference::asr::Recognizer;
use clipmill_store::{Store, StoreError, Tx, followers, revisions};
use clipmill_worker::StageError;

use super::{NAME, carry::carry_over};

/// Loads the speech model of a name; the error says what to do.
pub type EarsMaker = Arc<dyn Fn(&str) -> Result<Arc<dyn Recognizer>, String> + Send + Sync>;

/// The name under which the position in a revision is kept; that of the live's own, number 0, is [`NAME`].
pub fn name_of(revision: i64) -> String {
    if revision == 0 { NAME.to_owned() } else { format!("{NAME}/{revision}") }
}

/// The model of the revision that is being made; one at a time is loaded.
#[derive(Default)]
pub(super) struct OtherEars {
    maker: Option<EarsMaker>,
    loaded: Mutex<Option<(String, Arc<dyn Recognizer>)>>,
}

impl OtherEars {
    pub(super) fn made_by(maker: EarsMaker) -> Self {
        Self { maker: Some(maker), loaded: Mutex::default() }
    }

    /// The model of this name.
    ///
    /// # Errors
    /// [`StageError::GiveUp`] when it cannot be loaded.
    pub(super) async fn of(&self, model: &str) -> Result<Arc<dyn Recognizer>, StageError> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((name, ears)) = loaded
            && name == model
        {
            return Ok(ears);
        }
        self.forget();
        let (maker, name) = (self.maker.clone(), model.to_owned());
        let made = tokio::task::spawn_blocking(move || {
            let maker = maker.ok_or_else(|| "this worker hears with one model only".to_owned())?;
            maker(&name).map(|ears| (name, ears))
        });
        let made =
            made.await.map_err(|e| StageError::retry(format!("loading a model was cut short: {e}")))?;
        let (name, ears) = made.map_err(StageError::give_up)?;
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, Arc::clone(&ears)));
        Ok(ears)
    }

    /// Lets the model go.
    pub(super) fn forget(&self) {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Refuses parts whose media a retention rule took while the revision was being made.
///
/// # Errors
/// [`StageError::GiveUp`].
pub(super) fn all_there(parts: &[Part]) -> Result<(), StageError> {
    match parts.iter().find_map(|p| Some((p, p.removed_at?))) {
        None => Ok(()),
        Some((part, removed_at)) => {
            Err(StoreError::Removed { recording: part.recording_id, span: part.span, removed_at }.into())
        }
    }
}

/// All of a revision is written: carries the edits over, shows it, and closes the recording for the transcriber.
pub(super) async fn complete(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    number: i64,
    now: WallTime,
) -> Result<(), StoreError> {
    let before = revisions::lock(tx, recording).await?;
    let shown = revisions::utterances(tx, recording, before).await?;
    let heard = revisions::utterances(tx, recording, number).await?;
    let all = carry_over(&shown, &heard, || UtteranceId::new_at(now));
    let same = heard.iter().zip(&all).take_while(|(a, b)| a == b).count();
    if same < heard.len().max(all.len()) {
        let from = i64::try_from(same).unwrap_or(i64::MAX);
        revisions::replace_from(tx, recording, number, from, &all[same..]).await?;
    }
    revisions::finish(tx, recording, number, now).await?;
    followers::close_follower(tx, recording, NAME).await
}

/// Ends a revision that cannot be made, and says why; the transcript stays as it was.
pub(super) async fn give_up(
    store: &Store,
    revision: &Revision,
    why: &StageError,
    now: WallTime,
) -> Result<(), StoreError> {
    let why = why.to_string();
    tracing::error!(recording = %revision.recording_id, revision = revision.number, why, "cannot transcribe again");
    let mut tx = store.begin().await?;
    revisions::fail(&mut tx, revision.recording_id, revision.number, &why, now).await?;
    followers::close_follower(&mut tx, revision.recording_id, NAME).await?;
    tx.commit().await
}
