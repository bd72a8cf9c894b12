//! Follows a growing transcript: utterances in, segments and selling points out, durable at every step.

mod asking;
mod point;
mod feed;
pub mod batch;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use clipmill_domain::{
    Clock as _, SourceId,
    product::Product,
    recording::Recording,
    transcript::{Utterance, heard_until},
};
use clipmill_inference::classify::{Answer, Classifier, ClassifyError, Finer};
use clipmill_store::{
    Store,
    followers::{self, FollowerPos},
    segments,
};
use clipmill_worker::{FollowCtx, Follower, Progress, StageError, SystemClock};

use crate::{
    product::Matcher,
    reader::{Closed, Setting},
    segment::SegmentRules,
};
use asking::Asking;
pub(crate) use feed::Feed;
use point::Making;
use state::State;

/// The name under which the position is kept.
pub const NAME: &str = "clipper.classify";

/// The follower whose transcript this one reads.
pub const UPSTREAM: &str = "ingest.transcribe";

/// Utterances taken in one step.
const BATCH: u32 = 16;

/// The follower from utterances to selling points.
pub struct Classify {
    classifiers: Arc<dyn Classifiers>,
    finer: Option<Arc<Finer>>,
    rules: SegmentRules,
}

/// Which classifier labels what.
#[async_trait]
pub trait Classifiers: Send + Sync {
    /// The one in use for a source now. Cheap to ask before every step.
    async fn of_source(&self, store: &Store, source: SourceId) -> Result<Arc<dyn Classifier>, StageError>;

    /// One with a head of the library, by the head's id.
    async fn of_head(&self, store: &Store, head: &str) -> Result<Arc<dyn Classifier>, StageError>;
}

/// One for everything.
struct Always(Arc<dyn Classifier>);

#[async_trait]
impl Classifiers for Always {
    async fn of_source(&self, _: &Store, _: SourceId) -> Result<Arc<dyn Classifier>, StageError> {
        Ok(Arc::clone(&self.0))
    }

    async fn of_head(&self, _: &Store, head: &str) -> Result<Arc<dyn Classifier>, StageError> {
        Err(StageError::give_up(format!("this worker has one classifier only, not head {head}")))
    }
}

impl Classify {
    /// With the one model that labels and the limits of the segmenter.
    pub fn new(classifier: Arc<dyn Classifier>, rules: SegmentRules) -> Self {
        Self::with(Arc::new(Always(classifier)), rules)
    }

    /// With the models that label, each in its place, and the limits of the segmenter.
    pub fn with(classifiers: Arc<dyn Classifiers>, rules: SegmentRules) -> Self {
        Self { classifiers, finer: None, rules }
    }

    /// Finds finer labels, too.
    #[must_use]
    pub fn with_finer(mut self, finer: Arc<Finer>) -> Self {
        self.finer = Some(finer);
        self
    }

    /// Answers for `utterances`, and what to ask next with.
    async fn label(
        &self,
        classifier: Arc<dyn Classifier>,
        mut asking: Asking,
        (setting, products): (&Setting, &[Product]),
        utterances: &[Utterance],
    ) -> Result<(Vec<Answer>, Asking), StageError> {
        if utterances.is_empty() {
            return Ok((vec![], asking));
        }
        let (setting, products) = (setting.clone(), products.to_vec());
        let utterances = utterances.to_vec();
        let done = tokio::task::spawn_blocking(move || {
            let answers = asking.ask(classifier.as_ref(), (&setting, &products), &utterances)?;
            Ok::<_, ClassifyError>((answers, asking))
        });
        done.await.map_err(StageError::retry)?.map_err(StageError::retry)
    }
}

#[async_trait]
impl Follower for Classify {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn step(&self, cx: &FollowCtx, recording: &Recording) -> Result<Progress, StageError> {
        let store = &cx.store;
        let position = store.follower(recording.id, NAME).await?;
        let upstream_done = store.follower_done(recording.id, UPSTREAM).await?;
        let upstream = store.follower(recording.id, UPSTREAM).await?;
        let fresh = store.utterances_after(recording.id, position.position, BATCH).await?;
        let mut state = State::read(&position.state).map_err(StageError::retry)?;
        let products = store.products(recording.source_id).await?;
        let setting = Setting {
            rules: self.rules,
            products: products.iter().map(Matcher::new).collect(),
            language: recording.language,
        };
        let classifier = self.classifiers.of_source(store, recording.source_id).await?;
        let asking = std::mem::take(&mut state.asking);
        let (answers, asking) = self.label(classifier, asking, (&setting, &products), &fresh).await?;
        state.asking = asking;

        let mut closed = vec![];
        let mut feed = Feed::read(store, recording, state.fed).await?;
        for (u, answer) in fresh.iter().zip(answers) {
            state.fed = feed.tell(&mut state.reader, &setting, u.span.start()).or(state.fed);
            closed.extend(state.reader.push(&setting, u.into(), answer));
        }
        let caught_up = fresh.len() < BATCH as usize;
        if caught_up && upstream_done {
            closed.extend(state.reader.finish(&setting));
        } else if caught_up && let Some(heard) = heard_until(&upstream.state) {
            closed.extend(state.reader.silence_until(&setting, heard));
        }
        let done = caught_up && upstream_done;
        if fresh.is_empty() && closed.is_empty() && !done {
            return Ok(Progress::Idle);
        }
        let position = fresh.last().map_or(position.position, |u| u.seq);
        let making =
            Making { recording, products: &products, finer: self.finer.as_deref(), now: SystemClock.now() };
        commit(store, &making, state, position, &closed, done).await?;
        Ok(if done { Progress::Done } else { Progress::Advanced })
    }
}

/// Writes what was closed, with the position, in one transaction.
async fn commit(
    store: &Store,
    making: &Making<'_>,
    mut state: State,
    position: i64,
    closed: &[Closed],
    done: bool,
) -> Result<(), StageError> {
    let id = making.recording.id;
    let mut rows = vec![];
    for closed in closed {
        let utterances = store.utterances_in(id, closed.stretch.span()).await?;
        rows.push(making.rows(state.next_segment, closed, &utterances));
        state.next_segment += 1;
    }
    let mut tx = store.begin().await?;
    for (segment, point) in &rows {
        segments::insert_segment(&mut tx, segment).await?;
        if let Some(point) = point {
            segments::insert_selling_point(&mut tx, point).await?;
        }
    }
    let position = FollowerPos { position, state: state.write().map_err(StageError::retry)? };
    if done {
        followers::finish_follower(&mut tx, id, NAME, &position).await?;
    } else {
        followers::set_follower(&mut tx, id, NAME, &position).await?;
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
