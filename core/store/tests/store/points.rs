//! What people say about selling points: shown, kept, refused when somebody was faster.

use clipmill_domain::{
    CorrectionId, Id as _, RecordingId,
    provenance::StageVersion,
    review::{Correction, PointAnswer, Reviewed, Verdict},
    selling_point::SellingPoint,
    taxonomy::Label,
};
use clipmill_store::{
    StoreError, clips, points, recordings, segments, sources,
    testing::{self, NOW, TestStore, on_each, seconds},
};

/// A live with `count` selling points of eight seconds each.
async fn live(t: &TestStore, count: i64) -> (RecordingId, Vec<SellingPoint>) {
    let source = testing::new_source("studio");
    let recording = testing::recording(source.id);
    let mut tx = t.store.begin().await.unwrap();
    sources::add_source(&mut tx, &source).await.unwrap();
    recordings::insert_recording(&mut tx, &recording).await.unwrap();
    let mut all = vec![];
    for seq in 0..count {
        let at = f64::from(i32::try_from(seq).unwrap()) * 10.0;
        let segment = testing::segment(recording.id, seq, seconds(at, at + 8.0));
        let point = testing::selling_point(&segment);
        segments::insert_segment(&mut tx, &segment).await.unwrap();
        segments::insert_selling_point(&mut tx, &point).await.unwrap();
        all.push(point);
    }
    tx.commit().await.unwrap();
    (recording.id, all)
}

/// What is said about a selling point that was seen like this.
fn said(seen: &Reviewed, verdict: Verdict, change: impl FnOnce(&mut PointAnswer)) -> Correction {
    let was = PointAnswer::of(&seen.point);
    let mut became = was.clone();
    change(&mut became);
    Correction {
        id: CorrectionId::new_at(NOW),
        point_id: seen.point.id,
        version: seen.version + 1,
        verdict,
        was,
        became,
        carried_from: None,
        note: None,
        by: "operator".to_owned(),
        at: NOW,
    }
}

async fn say(t: &TestStore, c: &Correction) -> Result<(), StoreError> {
    let mut tx = t.store.begin().await.unwrap();
    points::correct(&mut tx, c).await?;
    tx.commit().await
}

#[tokio::test]
async fn a_correction_is_shown_and_the_machines_answer_stays_under_it() {
    on_each(async |t| {
        let (recording, all) = live(t, 1).await;
        let before = t.store.change_mark().await.unwrap();
        let seen = t.store.reviewed_point(all[0].id).await.unwrap().unwrap();
        assert_eq!((seen.verdict, seen.version, seen.labelling), (Verdict::Open, 0, 0));
        let first = said(&seen, Verdict::Corrected, |a| {
            a.label = Label::SkinFeel;
            a.product_sku = None;
            a.product_name = None;
            a.span = seconds(0.0, 12.0);
        });
        say(t, &first).await.unwrap();
        assert_eq!(t.store.change_mark().await.unwrap().changed_since(&before), ["recordings"]);

        let shown = t.store.reviewed_point(all[0].id).await.unwrap().unwrap();
        assert_eq!((shown.point.label, shown.point.span), (Label::SkinFeel, seconds(0.0, 12.0)));
        assert_eq!((shown.verdict, shown.version), (Verdict::Corrected, 1));
        assert_eq!(shown.point.made_by, all[0].made_by, "the machine keeps its name and how sure it was");
        assert_eq!(t.store.selling_points(recording).await.unwrap(), std::slice::from_ref(&shown.point));

        let second = said(&shown, Verdict::Approved, |_| {});
        say(t, &second).await.unwrap();
        let history = t.store.corrections(all[0].id).await.unwrap();
        assert_eq!(history, [first, second]);
        assert_eq!(history[0].was, PointAnswer::of(&all[0]), "the machine's answer");
    })
    .await;
}

#[tokio::test]
async fn who_has_not_seen_the_latest_word_is_refused() {
    on_each(async |t| {
        let (_, all) = live(t, 1).await;
        let seen = t.store.reviewed_point(all[0].id).await.unwrap().unwrap();
        say(t, &said(&seen, Verdict::Approved, |_| {})).await.unwrap();
        let late = say(t, &said(&seen, Verdict::Rejected, |_| {})).await;
        match late {
            Err(StoreError::Refused { why }) => assert!(why.contains("version 1 is shown now"), "{why}"),
            other => panic!("{other:?}"),
        }
        let now = t.store.reviewed_point(all[0].id).await.unwrap().unwrap();
        assert_eq!((now.verdict, now.version), (Verdict::Approved, 1));
        assert_eq!(t.store.corrections(all[0].id).await.unwrap().len(), 1);

        // Two at once: one of them is written.
        let (a, b) = (said(&now, Verdict::Approved, |_| {}), said(&now, Verdict::Rejected, |_| {}));
        let (one, two) = tokio::join!(say(t, &a), say(t, &b));
        assert_eq!(i32::from(one.is_ok()) + i32::from(two.is_ok()), 1, "{one:?} {two:?}");
        assert_eq!(t.store.corrections(all[0].id).await.unwrap().len(), 2);
        let nobody = Correction { point_id: clipmill_domain::SellingPointId::new_at(NOW), ..a };
        assert!(matches!(say(t, &nobody).await, Err(StoreError::NotFound { .. })));
    })
    .await;
}

#[tokio::test]
async fn what_is_rejected_is_neither_listed_nor_cut_and_can_come_back() {
    on_each(async |t| {
        let (recording, all) = live(t, 2).await;
        let version = StageVersion::new("cut/1");
        let waiting = async || {
            let found = t.store.selling_points_without_clip(&version, 9).await.unwrap();
            found.into_iter().map(|p| p.id).collect::<Vec<_>>()
        };
        let mut ids = vec![all[0].id, all[1].id];
        ids.sort();
        assert_eq!(waiting().await, ids);
        let seen = t.store.reviewed_point(all[0].id).await.unwrap().unwrap();
        say(t, &said(&seen, Verdict::Rejected, |_| {})).await.unwrap();
        assert_eq!(waiting().await, [all[1].id]);
        assert_eq!(t.store.selling_points(recording).await.unwrap().len(), 1);
        assert_eq!(t.store.reviewed_points(recording).await.unwrap().len(), 2, "people still see it");
        let facts = t.store.retention_facts(&[]).await.unwrap();
        assert!(facts[0].uncut, "the other one waits for its clip");
        let seen = t.store.reviewed_point(all[1].id).await.unwrap().unwrap();
        say(t, &said(&seen, Verdict::Rejected, |_| {})).await.unwrap();
        assert!(!t.store.retention_facts(&[]).await.unwrap()[0].uncut, "nothing waits for ever");

        let seen = t.store.reviewed_point(all[0].id).await.unwrap().unwrap();
        say(t, &said(&seen, Verdict::Open, |_| {})).await.unwrap();
        assert_eq!(waiting().await, [all[0].id]);
    })
    .await;
}

#[tokio::test]
async fn what_was_judged_is_found_page_by_page() {
    on_each(async |t| {
        let (recording, all) = live(t, 4).await;
        let verdicts = [Verdict::Approved, Verdict::Corrected, Verdict::Rejected, Verdict::Approved];
        for (point, verdict) in all.iter().zip(verdicts) {
            let seen = t.store.reviewed_point(point.id).await.unwrap().unwrap();
            let relabel = |a: &mut PointAnswer| {
                if verdict == Verdict::Corrected {
                    a.label = Label::SkinFeel;
                }
            };
            say(t, &said(&seen, verdict, relabel)).await.unwrap();
        }
        // Taken back: no longer judged.
        let seen = t.store.reviewed_point(all[3].id).await.unwrap().unwrap();
        say(t, &said(&seen, Verdict::Open, |_| {})).await.unwrap();

        let mut found = vec![];
        loop {
            let page = t
                .store
                .judged_talk(found.last().map(|j: &clipmill_domain::review::JudgedTalk| j.point_id), 2);
            let page = page.await.unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        found.sort_by_key(|j| j.span.start());
        let told: Vec<_> = found.iter().map(|j| (j.label, j.also.clone(), j.verdict)).collect();
        assert_eq!(
            told,
            [
                (Label::Fabric, vec![Label::SkinFeel], Verdict::Approved),
                (Label::SkinFeel, vec![], Verdict::Corrected),
                (Label::Chat, vec![], Verdict::Rejected),
            ],
            "a label is not beside itself, and what is rejected is small talk"
        );
        assert!(found.iter().all(|j| j.recording_id == recording && j.by == "operator" && j.at == NOW));
    })
    .await;
}

#[tokio::test]
async fn a_clip_follows_its_selling_point_but_keeps_a_title_of_its_own() {
    on_each(async |t| {
        let (_, all) = live(t, 2).await;
        let clip = testing::clip(&all[0]);
        let own = clipmill_domain::clip::Clip { title: "Look at this".to_owned(), ..testing::clip(&all[1]) };
        let mut tx = t.store.begin().await.unwrap();
        for clip in [&clip, &own] {
            clips::insert_clip(&mut tx, clip, &StageVersion::new("cut/1")).await.unwrap();
        }
        for (point, moved) in [(&all[0], true), (&all[1], false)] {
            let product = Some("吊带".to_owned());
            let titles = (clip.title.as_str(), "吊带 · 肤感");
            clips::follow_correction(&mut tx, point.id, (Label::SkinFeel, &product), titles, moved)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let (now, recut) = t.store.clip_of_point(all[0].id).await.unwrap().unwrap();
        assert_eq!((now.title.as_str(), now.label, recut), ("吊带 · 肤感", Label::SkinFeel, true));
        assert_eq!((now.product_name.as_deref(), now.span, now.edl), (Some("吊带"), clip.span, clip.edl));
        let (now, recut) = t.store.clip_of_point(all[1].id).await.unwrap().unwrap();
        assert_eq!((now.title.as_str(), now.label, recut), ("Look at this", Label::SkinFeel, false));
    })
    .await;
}
