//! A finished recording labelled again, by the head that was asked for, into a new labelling.
//!
//! It runs over the stored utterances of the transcript that is shown, one recording at a time: nothing is heard again.
//! Rows, what people had said, and showing them are one transaction; until then nobody sees anything of it.

mod carry;

use std::sync::Arc;

use async_trait::async_trait;
use clipmill_domain::{
    CorrectionId, Id as _, RecordingId, SellingPointId,
    recording::Recording,
    review::{Labelling, Reviewed, Verdict},
};
use clipmill_inference::classify::{Answer, Classifier, ClassifyError, Finer, Live, Talk};
use clipmill_store::{
    Store, StoreError, Tx,
    followers::{self, FollowerPos},
    labellings::{self, Finished},
    points, revisions,
};
use clipmill_worker::{FollowCtx, Follower, Progress, StageError};
use tokio_util::sync::CancellationToken;

use crate::{
    classify::{
        Classifiers, Feed,
        batch::{self, label_all},
    },
    segment::SegmentRules,
};
pub use carry::{Carried, carry_over, is_shown};

/// The name under which it is known that a recording has nothing to be labelled again.
pub const NAME: &str = "clipper.relabel";

/// Longest time that labelling a recording again may take: six hours, for the longest lives on a busy machine.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(6 * 3600);

/// The follower that labels finished recordings again when it is asked to.
pub struct Relabel {
    classifiers: Arc<dyn Classifiers>,
    finer: Option<Arc<Finer>>,
    rules: SegmentRules,
}

impl Relabel {
    /// With the heads to label with and the limits of the segmenter.
    pub fn new(classifiers: Arc<dyn Classifiers>, rules: SegmentRules) -> Self {
        Self { classifiers, finer: None, rules }
    }

    /// Finds finer labels, too.
    #[must_use]
    pub fn with_finer(mut self, finer: Arc<Finer>) -> Self {
        self.finer = Some(finer);
        self
    }

    async fn make(&self, cx: &FollowCtx, recording: &Recording, asked: &Labelling) -> Result<(), StageError> {
        let store = &cx.store;
        let classifier = match &asked.head {
            Some(head) => self.classifiers.of_head(store, head).await?,
            None => self.classifiers.of_source(store, recording.source_id).await?,
        };
        let revision = store.shown_revision(recording.id).await?;
        let utterances = store.utterances(recording.id).await?;
        let products = store.products(recording.source_id).await?;
        let (stop, rules, rec, now) = (cx.stop.clone(), self.rules, recording.clone(), cx.now());
        let feed = Feed::read(store, recording, None).await?;
        let (by, finer) = (classifier.id(), self.finer.clone());
        let said = utterances.clone();
        let done = tokio::task::spawn_blocking(move || {
            let job = batch::Job {
                recording: &rec,
                products: &products,
                rules: &rules,
                finer: finer.as_deref(),
                now,
            };
            label_all(&Watched { classifier, stop }, &job, &said, feed)
        });
        let rows = done.await.map_err(StageError::retry)?.map_err(StageError::retry)?;

        let mut tx = store.begin().await?;
        let shown = labellings::lock(&mut tx, recording.id).await?;
        if revisions::lock(&mut tx, recording.id).await? != revision
            || revisions::utterances(&mut tx, recording.id, revision).await? != utterances
        {
            return Err(StageError::retry("the transcript was changed meanwhile; it is labelled once more"));
        }
        let judged = judged(&mut tx, store, recording.id, shown).await?;
        let now = cx.now();
        let carried = carry_over(&judged, rows, || (SellingPointId::new_at(now), CorrectionId::new_at(now)));
        let clips: Vec<_> = store.clips_of(recording.id).await?.iter().map(|c| c.span).collect();
        let base = labellings::next_seq(&mut tx, recording.id).await?;
        for (segment, point) in &carried.rows {
            let point = point.as_ref().map(|p| (p, asked.cut && !is_shown(p.span, &clips)));
            labellings::insert(&mut tx, asked.number, base, segment, point).await?;
        }
        for correction in &carried.corrections {
            points::correct(&mut tx, correction).await?;
        }
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let finished = Finished {
            transcript_revision: revision,
            classifier: &by,
            carried: count(carried.corrections.len()),
            dropped: count(carried.dropped),
            at: now,
        };
        labellings::finish(&mut tx, recording.id, asked.number, finished).await?;
        close(&mut tx, recording.id).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What people judged of a labelling, each with the latest word about it.
async fn judged(
    tx: &mut Tx<'_>,
    store: &Store,
    recording: RecordingId,
    labelling: i64,
) -> Result<Vec<(Reviewed, clipmill_domain::review::Correction)>, StoreError> {
    let mut all = vec![];
    for old in points::of_labelling(tx, recording, labelling).await? {
        if old.verdict == Verdict::Open {
            continue;
        }
        // Only added to, so what another connection sees of it is what this transaction sees.
        if let Some(word) = store.corrections(old.point.id).await?.pop() {
            all.push((old, word));
        }
    }
    Ok(all)
}

/// Nothing more is to be labelled again of a recording until somebody asks.
async fn close(tx: &mut Tx<'_>, recording: RecordingId) -> Result<(), StoreError> {
    followers::finish_follower(tx, recording, NAME, &FollowerPos::default()).await
}

#[async_trait]
impl Follower for Relabel {
    fn name(&self) -> &'static str {
        NAME
    }

    fn step_deadline(&self) -> std::time::Duration {
        DEADLINE
    }

    async fn step(&self, cx: &FollowCtx, recording: &Recording) -> Result<Progress, StageError> {
        let Some(asked) = cx.store.labelling_in_making(recording.id).await? else {
            let mut tx = cx.store.begin().await?;
            close(&mut tx, recording.id).await?;
            tx.commit().await?;
            return Ok(Progress::Done);
        };
        match self.make(cx, recording, &asked).await {
            Err(e @ StageError::GiveUp { .. }) => {
                let why = e.to_string();
                tracing::error!(recording = %recording.id, labelling = asked.number, why, "cannot label again");
                let mut tx = cx.store.begin().await?;
                labellings::fail(&mut tx, recording.id, asked.number, &why, cx.now()).await?;
                close(&mut tx, recording.id).await?;
                tx.commit().await?;
                Ok(Progress::Done)
            }
            done => done.map(|()| Progress::Done),
        }
    }
}

/// A classifier that ends soon when the work is to stop.
struct Watched {
    classifier: Arc<dyn Classifier>,
    stop: CancellationToken,
}

impl Classifier for Watched {
    fn classify(&self, talk: &[Talk<'_>]) -> Result<Vec<Answer>, ClassifyError> {
        self.classify_live(talk, Live::UNKNOWN)
    }

    fn classify_live(&self, talk: &[Talk<'_>], live: Live<'_>) -> Result<Vec<Answer>, ClassifyError> {
        if self.stop.is_cancelled() {
            return Err(ClassifyError::Stopped);
        }
        self.classifier.classify_live(talk, live)
    }

    fn id(&self) -> String {
        self.classifier.id()
    }
}

#[cfg(test)]
mod tests;
