//! Follows a growing transcript: utterances in, segments and selling points out, durable at every step.

pub mod batch;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use clipmill_domain::{
    Clock, Id, SegmentId, SellingPointId, SourceId, WallTime,
    product::Product,
    recording::Recording,
    selling_point::{Evidence, PointDetails, Segment, SellingPoint},
    source::Language,
    transcript::{Utterance, heard_until},
};
use clipmill_inference::classify::{Classifier, LabelProbs, Talk};
use clipmill_store::{
    Store,
    followers::{self, FollowerPos},
    segments,
};
use clipmill_worker::{FollowCtx, Follower, Progress, StageError, SystemClock};

use crate::{
    product::Matcher,
    rules::hits,
    segment::{Labelled, SegmentRules, Stretch},
};
use state::State;

/// The name under which the position is kept.
pub const NAME: &str = "clipper.classify";

/// The follower whose transcript this one reads.
pub const UPSTREAM: &str = "ingest.transcribe";

/// Utterances taken in one step.
const BATCH: u32 = 16;

/// Labels kept as evidence for each utterance.
const TOP: usize = 3;

/// The follower from utterances to selling points.
pub struct Classify {
    classifiers: Arc<dyn Classifiers>,
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
        Self { classifiers, rules }
    }

    async fn label(
        &self,
        classifier: &Arc<dyn Classifier>,
        utterances: &[Utterance],
    ) -> Result<Vec<LabelProbs>, StageError> {
        if utterances.is_empty() {
            return Ok(vec![]);
        }
        let texts: Vec<String> = utterances.iter().map(|u| u.text.clone()).collect();
        let classifier = Arc::clone(classifier);
        let done = tokio::task::spawn_blocking(move || {
            let talk: Vec<Talk<'_>> = texts.iter().map(|t| Talk::alone(t)).collect();
            classifier.classify(&talk)
        });
        let answers = done.await.map_err(StageError::retry)?.map_err(StageError::retry)?;
        Ok(answers.into_iter().map(|a| a.probs).collect())
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
        let matchers: Vec<Matcher> = products.iter().map(Matcher::new).collect();

        let classifier = self.classifiers.of_source(store, recording.source_id).await?;

        let mut closed = vec![];
        for (u, probs) in fresh.iter().zip(self.label(&classifier, &fresh).await?) {
            let binding = state.on_sale.hear(&matchers, &u.text, u.span.start(), recording.language);
            let next = Labelled {
                seq: u.seq,
                span: u.span,
                top: probs.top(TOP),
                sku: binding.as_ref().map(|b| b.sku.clone()),
            };
            closed.extend(state.segmenter.push(&self.rules, next).map(|s| (s, state.bound_why.take())));
            if state.bound_why.is_none() {
                state.bound_why = binding.map(|b| b.why);
            }
        }
        let caught_up = fresh.len() < BATCH as usize;
        if caught_up {
            let over = upstream_done;
            let heard = heard_until(&upstream.state);
            let end = if over {
                state.segmenter.finish()
            } else {
                heard.and_then(|h| state.segmenter.silence_until(&self.rules, h))
            };
            closed.extend(end.map(|s| (s, state.bound_why.take())));
        }
        let done = caught_up && upstream_done;
        if fresh.is_empty() && closed.is_empty() && !done {
            return Ok(Progress::Idle);
        }
        let last = fresh.last().map_or(position.position, |u| u.seq);
        let by = classifier.id();
        self.commit(store, recording, state, last, closed, &products, &by, done).await?;
        Ok(if done { Progress::Done } else { Progress::Advanced })
    }
}

impl Classify {
    #[expect(clippy::too_many_arguments, reason = "one place that writes, called from one place")]
    async fn commit(
        &self,
        store: &Store,
        recording: &Recording,
        mut state: State,
        position: i64,
        closed: Vec<(Stretch, Option<String>)>,
        products: &[Product],
        by: &str,
        done: bool,
    ) -> Result<(), StageError> {
        let now = SystemClock.now();
        let mut rows = vec![];
        for (stretch, bound_why) in closed {
            let utterances = store.utterances_in(recording.id, stretch.span()).await?;
            let members: Vec<&Utterance> =
                utterances.iter().filter(|u| stretch.members.iter().any(|m| m.seq == u.seq)).collect();
            let seq = state.next_segment;
            state.next_segment += 1;
            rows.push(row(recording, products, (seq, &stretch, bound_why), &members, by, now));
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
            followers::finish_follower(&mut tx, recording.id, NAME, &position).await?;
        } else {
            followers::set_follower(&mut tx, recording.id, NAME, &position).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// The rows of a closed stretch, number `seq` of its recording.
fn row(
    recording: &Recording,
    products: &[Product],
    (seq, stretch, bound_why): (i64, &Stretch, Option<String>),
    members: &[&Utterance],
    by: &str,
    now: WallTime,
) -> (Segment, Option<SellingPoint>) {
    let segment = Segment {
        id: SegmentId::new_at(now),
        recording_id: recording.id,
        seq,
        first_utterance: stretch.members.first().map_or(0, |m| m.seq),
        last_utterance: stretch.members.last().map_or(0, |m| m.seq),
        span: stretch.span(),
        label: stretch.label,
        confidence: stretch.confidence(),
        closed_at: now,
    };
    let product = products.iter().find(|p| Some(&p.sku) == stretch.sku.as_ref());
    let point = stretch.label.sells().then(|| SellingPoint {
        id: SellingPointId::new_at(now),
        segment_id: segment.id,
        recording_id: recording.id,
        span: segment.span,
        label: segment.label,
        product_sku: product.map(|p| p.sku.clone()),
        product_name: product.map(|p| p.name.clone()),
        confidence: segment.confidence,
        evidence: evidence(stretch, members, product.and(bound_why), recording.language),
        details: PointDetails::default(),
        made_by: by.to_owned(),
    });
    (segment, point)
}

/// What a person may check the label against.
fn evidence(
    stretch: &Stretch,
    members: &[&Utterance],
    product_why: Option<String>,
    language: Language,
) -> Evidence {
    let separator = if members.iter().all(|u| u.text.is_ascii()) { " " } else { "，" };
    let quote = members.iter().map(|u| u.text.trim()).collect::<Vec<_>>().join(separator);
    let mut sums: Vec<(clipmill_domain::taxonomy::Label, f32)> = vec![];
    for (label, p) in stretch.members.iter().flat_map(|m| &m.top) {
        match sums.iter_mut().find(|(l, _)| l == label) {
            Some((_, sum)) => *sum += p,
            None => sums.push((*label, *p)),
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of members")]
    let n = stretch.members.len().max(1) as f32;
    sums.sort_by(|a, b| b.1.total_cmp(&a.1));
    sums.truncate(TOP);
    let rule_hits = members.iter().flat_map(|u| hits(&u.text)).map(|h| h.describe(language)).collect();
    Evidence { quote, top: sums.into_iter().map(|(l, s)| (l, s / n)).collect(), rule_hits, product_why }
}
