//! Labellings: asked for, made, shown, chosen again, given up.

use clipmill_domain::{RecordingId, recording::EndReason, taxonomy::Label};
use clipmill_store::{
    StoreError,
    check::{CheckOptions, check},
    followers::{self, FollowerPos},
    labellings::{self, Asked, Contents, Finished},
    recordings::{end_recording, insert_recording},
    segments,
    sources::add_source,
    testing::{self, NOW, TestStore, on_each, seconds},
};

const ASKED: Asked<'_> = Asked {
    head: None,
    cut: true,
    by: "operator",
    at: NOW,
    labeller: "relabel",
    through: &["transcribe", "classify"],
};

const DONE: Finished<'_> =
    Finished { transcript_revision: 1, classifier: "head@new", carried: 2, dropped: 1, at: NOW };

async fn ask(t: &TestStore, id: RecordingId) -> Result<i64, StoreError> {
    let mut tx = t.store.begin().await.unwrap();
    let number = labellings::ask(&mut tx, id, ASKED).await?;
    tx.commit().await?;
    Ok(number)
}

async fn refused(t: &TestStore, id: RecordingId, why: &str) {
    match ask(t, id).await {
        Err(StoreError::Refused { why: said }) => assert!(said.contains(why), "{said}"),
        other => panic!("{other:?}, not refused for {why:?}"),
    }
}

async fn done(t: &TestStore, id: RecordingId, name: &str) {
    let mut tx = t.store.begin().await.unwrap();
    followers::finish_follower(&mut tx, id, name, &FollowerPos::default()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn talk_is_labelled_again_beside_the_lives_own_labels() {
    on_each(async |t| {
        let mut tx = t.store.begin().await.unwrap();
        let source = add_source(&mut tx, &testing::new_source("studio")).await.unwrap();
        let rec = testing::recording(source.id);
        insert_recording(&mut tx, &rec).await.unwrap();
        let id = rec.id;
        let own: Vec<_> = (0..3)
            .map(|n| {
                let at = 10.0 * f64::from(i32::try_from(n).unwrap());
                testing::segment(id, n, seconds(at, at + 8.0))
            })
            .collect();
        for s in &own {
            segments::insert_segment(&mut tx, s).await.unwrap();
            segments::insert_selling_point(&mut tx, &testing::selling_point(s)).await.unwrap();
        }
        tx.commit().await.unwrap();
        refused(t, id, "is live").await;
        let mut tx = t.store.begin().await.unwrap();
        end_recording(&mut tx, id, NOW, EndReason::Finished).await.unwrap();
        tx.commit().await.unwrap();
        refused(t, id, "transcribe is not through").await;
        done(t, id, "transcribe").await;
        refused(t, id, "classify is not through").await;
        done(t, id, "classify").await;
        done(t, id, "relabel").await;

        assert_eq!(ask(t, id).await.unwrap(), 1);
        refused(t, id, "labelling 1 is being made").await;
        assert_eq!(t.store.recordings_to_follow("relabel").await.unwrap().len(), 1, "it is found");
        let open = t.store.labelling_in_making(id).await.unwrap().unwrap();
        assert_eq!((open.number, open.cut, open.finished_at, &open.head), (1, true, None, &None));

        let mut anew: Vec<_> =
            [(0, 0.0, 18.0), (1, 20.0, 28.0)].map(|(n, a, b)| testing::segment(id, n, seconds(a, b))).into();
        anew[0].label = Label::Promo;
        anew[1].label = Label::Chat;
        let point = testing::selling_point(&anew[0]);
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(labellings::lock(&mut tx, id).await.unwrap(), 0);
        let base = labellings::next_seq(&mut tx, id).await.unwrap();
        assert_eq!(base, 3);
        labellings::insert(&mut tx, 1, base, &anew[0], Some((&point, false))).await.unwrap();
        labellings::insert(&mut tx, 1, base, &anew[1], None).await.unwrap();
        labellings::finish(&mut tx, id, 1, DONE).await.unwrap();
        followers::close_follower(&mut tx, id, "relabel").await.unwrap();
        assert!(labellings::finish(&mut tx, id, 1, DONE).await.is_err(), "once");
        tx.commit().await.unwrap();

        let told = async || {
            let points = t.store.selling_points(id).await.unwrap();
            let segments = t.store.segments(id).await.unwrap();
            let labels: Vec<_> = segments.iter().map(|s| s.label).collect();
            (points.len(), labels)
        };
        assert_eq!(told().await, (1, vec![Label::Promo, Label::Chat]));
        let waiting = t.store.selling_points_without_clip(&"cut/1".into_version(), 9).await.unwrap();
        assert_eq!(waiting.len(), 3, "the live's own; the new one is not to be cut");
        let contents = |number, segments, points| Contents { number, segments, points, judged: 0 };
        assert_eq!(t.store.labelling_contents(id).await.unwrap(), [contents(0, 3, 3), contents(1, 2, 1)]);
        let known = t.store.labellings(id).await.unwrap();
        assert_eq!(
            (known[0].classifier.as_deref(), known[0].carried, known[0].dropped),
            (Some("head@new"), 2, 1)
        );
        assert_eq!((known[0].transcript_revision, known[0].finished_at), (Some(1), Some(NOW)));

        let choose = async |number| {
            let mut tx = t.store.begin().await.unwrap();
            labellings::choose(&mut tx, id, number).await?;
            tx.commit().await
        };
        choose(0).await.unwrap();
        assert_eq!(told().await, (3, vec![Label::Fabric; 3]));
        assert!(matches!(choose(7).await, Err(StoreError::NotFound { .. })));

        assert_eq!(ask(t, id).await.unwrap(), 2);
        assert!(matches!(choose(2).await, Err(StoreError::Refused { .. })));
        let mut tx = t.store.begin().await.unwrap();
        labellings::fail(&mut tx, id, 2, "no such head", NOW).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(choose(2).await, Err(StoreError::Refused { .. })));
        choose(1).await.unwrap();
        assert_eq!((told().await.0, t.store.shown_labelling(id).await.unwrap()), (1, 1));
        let report = check(&t.store, &CheckOptions::at(NOW)).await.unwrap();
        assert!(report.is_clean(), "{report:?}");
    })
    .await;
}

trait IntoVersion {
    fn into_version(self) -> clipmill_domain::provenance::StageVersion;
}

impl IntoVersion for &str {
    fn into_version(self) -> clipmill_domain::provenance::StageVersion {
        clipmill_domain::provenance::StageVersion::new(self)
    }
}
