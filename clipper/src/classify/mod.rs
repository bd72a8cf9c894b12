//! Follows a growing transcript: utterances in, segments and selling points out, durable at every step.

mod state;

use std::sync::Arc;

use async_trait::async_trait;
use clipmill_domain::{
    Clock, Id, SegmentId, SellingPointId,
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
    reader::{Closed, Setting},
    rules::hits,
    segment::SegmentRules,
};
use state::State;

/// The name under which the position is kept.
pub const NAME: &str = "clipper.classify";

/// The follower whose transcript this one reads.
pub const UPSTREAM: &str = "ingest.transcribe";

/// Utterances taken in one step.
const BATCH: u32 = 16;

/// Labels kept as evidence.
const TOP: usize = 3;

/// The follower from utterances to selling points.
pub struct Classify {
    classifier: Arc<dyn Classifier>,
    rules: SegmentRules,
}

impl Classify {
    /// With the model that labels and the limits of the segmenter.
    pub fn new(classifier: Arc<dyn Classifier>, rules: SegmentRules) -> Self {
        Self { classifier, rules }
    }

    async fn label(&self, utterances: &[Utterance]) -> Result<Vec<LabelProbs>, StageError> {
        if utterances.is_empty() {
            return Ok(vec![]);
        }
        let texts: Vec<String> = utterances.iter().map(|u| u.text.clone()).collect();
        let classifier = Arc::clone(&self.classifier);
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
        let setting = Setting {
            rules: self.rules,
            products: products.iter().map(Matcher::new).collect(),
            language: recording.language,
        };
        let mut closed = vec![];
        for (u, probs) in fresh.iter().zip(self.label(&fresh).await?) {
            closed.extend(state.reader.push(&setting, u.into(), probs));
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
        let last = fresh.last().map_or(position.position, |u| u.seq);
        self.commit(store, recording, state, last, closed, &products, done).await?;
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
        closed: Vec<Closed>,
        products: &[Product],
        done: bool,
    ) -> Result<(), StageError> {
        let now = SystemClock.now();
        let mut rows = vec![];
        for Closed { stretch, binding } in closed {
            let probs = stretch.probs();
            let utterances = store.utterances_in(recording.id, stretch.span()).await?;
            let members: Vec<&Utterance> =
                utterances.iter().filter(|u| stretch.members.iter().any(|m| m.seq == u.seq)).collect();
            let segment = Segment {
                id: SegmentId::new_at(now),
                recording_id: recording.id,
                seq: state.next_segment,
                first_utterance: stretch.members.first().map_or(0, |m| m.seq),
                last_utterance: stretch.members.last().map_or(0, |m| m.seq),
                span: stretch.span(),
                label: stretch.label,
                confidence: probs.of(stretch.label),
                closed_at: now,
            };
            state.next_segment += 1;
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
                evidence: evidence(&probs, &members, product.and(binding).map(|b| b.why), recording.language),
                details: PointDetails::default(),
                made_by: self.classifier.id(),
            });
            rows.push((segment, point));
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

/// What a person may check the label against.
fn evidence(
    probs: &LabelProbs,
    members: &[&Utterance],
    product_why: Option<String>,
    language: Language,
) -> Evidence {
    let separator = if members.iter().all(|u| u.text.is_ascii()) { " " } else { "，" };
    let quote = members.iter().map(|u| u.text.trim()).collect::<Vec<_>>().join(separator);
    let rule_hits = members.iter().flat_map(|u| hits(&u.text)).map(|h| h.describe(language)).collect();
    Evidence { quote, top: probs.top(TOP), rule_hits, product_why }
}
