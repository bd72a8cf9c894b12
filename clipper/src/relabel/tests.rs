use clipmill_domain::{SourceId, recording::EndReason, taxonomy::Label};
use clipmill_inference::classify::LabelProbs;
use clipmill_store::{
    labellings::Asked,
    recordings, segments, sources,
    testing::{self, NOW, TestStore, on_each, seconds},
    utterances,
};
use clipmill_worker::SystemClock;

use super::*;

/// Says what the first word of a text says: "fabric …" is fabric.
struct FirstWord(&'static str);

impl Classifier for FirstWord {
    fn classify(&self, talk: &[Talk<'_>]) -> Result<Vec<Answer>, ClassifyError> {
        let label = |t: &Talk<'_>| {
            let word = t.text.split(' ').next().unwrap_or("");
            word.parse::<Label>().unwrap_or(Label::Chat)
        };
        let answer = |t| Answer { probs: LabelProbs::certain(label(t)), quotes: vec![], by: self.0.into() };
        Ok(talk.iter().map(answer).collect())
    }

    fn id(&self) -> String {
        self.0.to_owned()
    }
}

struct Two;

#[async_trait]
impl Classifiers for Two {
    async fn of_source(&self, _: &Store, _: SourceId) -> Result<Arc<dyn Classifier>, StageError> {
        Ok(Arc::new(FirstWord("in use")))
    }

    async fn of_head(&self, _: &Store, head: &str) -> Result<Arc<dyn Classifier>, StageError> {
        match head {
            "good" => Ok(Arc::new(FirstWord("good"))),
            _ => Err(StageError::give_up(format!("there is no head {head}"))),
        }
    }
}

/// A finished live of four sentences, all of which the live called fabric; the first was cut.
async fn finished(t: &TestStore) -> Recording {
    let source = testing::new_source("studio");
    let recording = testing::recording(source.id);
    let mut tx = t.store.begin().await.unwrap();
    sources::add_source(&mut tx, &source).await.unwrap();
    recordings::insert_recording(&mut tx, &recording).await.unwrap();
    for (seq, text) in (0i64..).zip(["fabric a", "promo b", "chat c", "gift d"]) {
        let at = 10.0 * f64::from(i32::try_from(seq).unwrap());
        let span = seconds(at, at + 8.0);
        let said = testing::utterance(recording.id, seq, span, text);
        utterances::insert_utterances(&mut tx, &[said]).await.unwrap();
        let segment = testing::segment(recording.id, seq, span);
        let point = testing::selling_point(&segment);
        segments::insert_segment(&mut tx, &segment).await.unwrap();
        segments::insert_selling_point(&mut tx, &point).await.unwrap();
        if seq == 0 {
            let version = clipmill_domain::provenance::StageVersion::new("cut/1");
            clipmill_store::clips::insert_clip(&mut tx, &testing::clip(&point), &version).await.unwrap();
        }
    }
    recordings::end_recording(&mut tx, recording.id, NOW, EndReason::Finished).await.unwrap();
    close(&mut tx, recording.id).await.unwrap();
    tx.commit().await.unwrap();
    recording
}

async fn relabel(t: &TestStore, recording: &Recording, head: Option<&str>, cut: bool) -> Progress {
    let mut tx = t.store.begin().await.unwrap();
    let asked = Asked { head, cut, by: "operator", at: NOW, labeller: NAME, through: &[] };
    labellings::ask(&mut tx, recording.id, asked).await.unwrap();
    tx.commit().await.unwrap();
    let follow = t.store.recordings_to_follow(NAME).await.unwrap();
    assert_eq!(follow.len(), 1);
    let cx = FollowCtx::by_hand(t.store.clone(), CancellationToken::new(), Arc::new(SystemClock));
    Relabel::new(Arc::new(Two), SegmentRules::default()).step(&cx, &follow[0]).await.unwrap()
}

async fn told(t: &TestStore, recording: &Recording) -> Vec<(Label, i64)> {
    let points = t.store.selling_points(recording.id).await.unwrap();
    points.iter().map(|p| (p.label, p.span.start().as_micros() / 1_000_000)).collect()
}

#[tokio::test]
async fn old_talk_is_labelled_again_with_what_people_said_and_only_uncovered_talk_is_cut() {
    on_each(async |t| {
        let recording = finished(t).await;
        let old = t.store.reviewed_points(recording.id).await.unwrap();
        // A person says that the third, which the new head calls small talk, is about its fit.
        let was = clipmill_domain::review::PointAnswer::of(&old[2].point);
        let became = clipmill_domain::review::PointAnswer { label: Label::Fit, ..was.clone() };
        let said = clipmill_domain::review::Correction {
            id: CorrectionId::new_at(NOW),
            point_id: old[2].point.id,
            version: 1,
            verdict: Verdict::Corrected,
            was,
            became,
            carried_from: None,
            note: None,
            by: "operator".to_owned(),
            at: NOW,
        };
        let mut tx = t.store.begin().await.unwrap();
        points::correct(&mut tx, &said).await.unwrap();
        tx.commit().await.unwrap();
        let before = told(t, &recording).await;

        assert_eq!(relabel(t, &recording, None, true).await, Progress::Done);
        let now = [(Label::Fabric, 0), (Label::Promo, 10), (Label::Fit, 20), (Label::Gift, 30)];
        assert_eq!(told(t, &recording).await, now);
        let anew = t.store.reviewed_points(recording.id).await.unwrap();
        let stands: Vec<_> = anew.iter().map(|r| (r.labelling, r.verdict)).collect();
        assert_eq!(stands[1..3], [(1, Verdict::Open), (1, Verdict::Corrected)]);
        assert_eq!(anew[1].point.made_by, "in use");
        let words = t.store.corrections(anew[2].point.id).await.unwrap();
        assert_eq!(words[0].carried_from, Some(old[2].point.id));
        assert_eq!(t.store.judged_talk(None, 9).await.unwrap().len(), 1, "said once, learnt once");
        let waiting = t
            .store
            .selling_points_without_clip(&clipmill_domain::provenance::StageVersion::new("x"), 99)
            .await;
        let waiting: Vec<_> = waiting.unwrap().iter().map(|p| p.id).collect();
        assert!(!waiting.contains(&anew[0].point.id), "a clip shows it already");
        assert!(waiting.contains(&anew[1].point.id) && waiting.contains(&anew[3].point.id));
        let made = &t.store.labellings(recording.id).await.unwrap()[0];
        assert_eq!((made.classifier.as_deref(), made.carried, made.dropped), (Some("in use"), 1, 0));
        assert!(t.store.recordings_to_follow(NAME).await.unwrap().is_empty());

        // Back to the live's own, which is as it was; then again, without cutting anything.
        let mut tx = t.store.begin().await.unwrap();
        labellings::choose(&mut tx, recording.id, 0).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(told(t, &recording).await, before);
        relabel(t, &recording, Some("good"), false).await;
        let third = t.store.reviewed_points(recording.id).await.unwrap();
        assert_eq!((third[0].labelling, third[0].point.made_by.as_str()), (2, "good"));
        let waiting = t
            .store
            .selling_points_without_clip(&clipmill_domain::provenance::StageVersion::new("x"), 99)
            .await;
        assert!(waiting.unwrap().iter().all(|p| third.iter().all(|r| r.point.id != p.id)));
    })
    .await;
}

#[tokio::test]
async fn a_head_that_is_not_there_leaves_everything_as_it_was() {
    on_each(async |t| {
        let recording = finished(t).await;
        let before = told(t, &recording).await;
        assert_eq!(relabel(t, &recording, Some("gone"), false).await, Progress::Done);
        assert_eq!(told(t, &recording).await, before);
        let failed = t.store.labellings(recording.id).await.unwrap();
        assert_eq!(failed[0].failed.as_deref(), Some("there is no head gone"));
        assert!(t.store.recordings_to_follow(NAME).await.unwrap().is_empty());
    })
    .await;
}
