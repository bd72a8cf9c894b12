//! Transcript revisions: asked for, made beside the shown one, shown, given up.

use clipmill_domain::{RecordingId, recording::EndReason, transcript::Utterance};
use clipmill_store::{
    StoreError,
    check::{CheckOptions, check},
    followers::{self, FollowerPos},
    recordings::{end_recording, insert_recording},
    revisions::{self, Asked},
    sources::add_source,
    testing::{self, NOW, TestStore, on_each, seconds},
    utterances,
};

const ASKED: Asked<'_> =
    Asked { model: "larger", by: "operator", at: NOW, transcriber: "transcribe", readers: &["classify"] };

async fn ask(t: &TestStore, id: RecordingId) -> Result<i64, StoreError> {
    let mut tx = t.store.begin().await.unwrap();
    let number = revisions::ask(&mut tx, id, ASKED).await?;
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

fn said(id: RecordingId, texts: &[&str]) -> Vec<Utterance> {
    let one = |(seq, text): (i64, &&str)| {
        let at = 2.0 * f64::from(u8::try_from(seq).unwrap());
        testing::utterance(id, seq, seconds(at, at + 1.0), text)
    };
    (0i64..).zip(texts).map(one).collect()
}

async fn write(t: &TestStore, number: i64, all: &[Utterance]) {
    let mut tx = t.store.begin().await.unwrap();
    utterances::insert_in_revision(&mut tx, number, all).await.unwrap();
    let id = all[0].recording_id;
    let text = format!("dropped of {number}");
    utterances::insert_dropped(&mut tx, id, number, seconds(50.0, 51.0), &text, "loop").await.unwrap();
    tx.commit().await.unwrap();
}

async fn shown(t: &TestStore, id: RecordingId) -> Vec<String> {
    let all = t.store.utterances(id).await.unwrap();
    assert_eq!(t.store.utterances_after(id, -1, 99).await.unwrap(), all);
    assert_eq!(t.store.utterances_in(id, seconds(0.0, 99.0)).await.unwrap(), all);
    assert_eq!(t.store.last_utterance(id).await.unwrap().as_ref(), all.last());
    let dropped = t.store.dropped_texts(id).await.unwrap();
    let number = t.store.shown_revision(id).await.unwrap();
    assert!(dropped.iter().all(|d| d.text == format!("dropped of {number}")), "{dropped:?}");
    all.into_iter().map(|u| u.text).collect()
}

#[tokio::test]
async fn a_revision_is_asked_for_made_and_shown() {
    on_each(async |t| {
        let mut tx = t.store.begin().await.unwrap();
        let source = add_source(&mut tx, &testing::new_source("studio")).await.unwrap();
        let rec = testing::recording(source.id);
        insert_recording(&mut tx, &rec).await.unwrap();
        tx.commit().await.unwrap();
        let id = rec.id;
        write(t, 0, &said(id, &["eon glow", "two", "three"])).await;

        refused(t, id, "is live").await;
        let mut tx = t.store.begin().await.unwrap();
        end_recording(&mut tx, id, NOW, EndReason::Finished).await.unwrap();
        tx.commit().await.unwrap();
        refused(t, id, "transcribe is not through").await;
        done(t, id, "transcribe").await;
        refused(t, id, "classify is not through").await;
        done(t, id, "classify").await;

        assert_eq!(ask(t, id).await.unwrap(), 1);
        refused(t, id, "revision 1 of this transcript, by larger, is being made").await;
        let follow = t.store.recordings_to_follow("transcribe").await.unwrap();
        assert_eq!(follow.iter().map(|r| r.id).collect::<Vec<_>>(), [id], "the transcriber finds it");
        let open = t.store.revision_in_making(id).await.unwrap().unwrap();
        assert_eq!((open.number, open.model.as_str(), open.finished_at), (1, "larger", None));

        let again = said(id, &["Aeon Glow", "TWO"]);
        write(t, 1, &again).await;
        assert_eq!(shown(t, id).await, ["eon glow", "two", "three"], "nobody sees what is being made");
        assert_eq!(t.store.utterances_with("glow", None, None, 9).await.unwrap().len(), 1);
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(revisions::lock(&mut tx, id).await.unwrap(), 0);
        assert_eq!(revisions::utterances(&mut tx, id, 1).await.unwrap(), again);
        assert_eq!(revisions::revision_of(&mut tx, again[0].id).await.unwrap(), Some(1));
        let tail = [
            testing::utterance(id, 1, seconds(2.0, 2.5), "too"),
            testing::utterance(id, 2, seconds(4.0, 4.5), "trois"),
        ];
        revisions::replace_from(&mut tx, id, 1, 1, &tail).await.unwrap();
        revisions::finish(&mut tx, id, 1, NOW).await.unwrap();
        followers::close_follower(&mut tx, id, "transcribe").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shown(t, id).await, ["Aeon Glow", "too", "trois"]);
        assert_eq!(t.store.utterances_with("glow", None, None, 9).await.unwrap()[0].text, "Aeon Glow");
        assert!(t.store.recordings_to_follow("transcribe").await.unwrap().is_empty());

        // The second fails: nothing is left of it, and the first stays.
        assert_eq!(ask(t, id).await.unwrap(), 2);
        write(t, 2, &said(id, &["half"])).await;
        let mut tx = t.store.begin().await.unwrap();
        revisions::fail(&mut tx, id, 2, "no such model", NOW).await.unwrap();
        followers::close_follower(&mut tx, id, "transcribe").await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        let twice = revisions::finish(&mut tx, id, 2, NOW).await;
        assert!(matches!(twice, Err(StoreError::NotFound { .. })), "{twice:?}");
        drop(tx);
        assert_eq!(shown(t, id).await, ["Aeon Glow", "too", "trois"]);
        let counts: Vec<_> =
            t.store.revision_contents(id).await.unwrap().iter().map(|c| (c.number, c.utterances)).collect();
        assert_eq!(counts, [(0, 3), (1, 3)]);
        let all = t.store.revisions(id).await.unwrap();
        assert_eq!(all[1].failed.as_deref(), Some("no such model"));
        assert_eq!((all[0].failed.as_deref(), all[0].finished_at), (None, Some(NOW)));

        // Back to the first, but to none that is not there or not complete.
        for (number, right) in [(2, false), (7, false), (0, true)] {
            let mut tx = t.store.begin().await.unwrap();
            assert_eq!(revisions::choose(&mut tx, id, number).await.is_ok(), right, "{number}");
            tx.commit().await.unwrap();
        }
        assert_eq!(shown(t, id).await, ["eon glow", "two", "three"]);
        let report = check(&t.store, &CheckOptions::at(NOW)).await.unwrap();
        assert!(report.is_clean(), "{report:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_removed_or_unknown_cannot_be_heard_again_and_an_edit_waits_for_the_switch() {
    on_each(async |t| {
        let mut tx = t.store.begin().await.unwrap();
        let source = add_source(&mut tx, &testing::new_source("studio")).await.unwrap();
        let rec = testing::recording(source.id);
        insert_recording(&mut tx, &rec).await.unwrap();
        end_recording(&mut tx, rec.id, NOW, EndReason::Finished).await.unwrap();
        tx.commit().await.unwrap();
        done(t, rec.id, "transcribe").await;
        done(t, rec.id, "classify").await;
        let strange = testing::recording(source.id).id;
        assert!(matches!(ask(t, strange).await, Err(StoreError::NotFound { .. })));

        // Whoever holds the lock goes first; whoever waits sees what it did.
        assert_eq!(ask(t, rec.id).await.unwrap(), 1);
        let other = t.open_again().await;
        let mut tx = t.store.begin().await.unwrap();
        revisions::lock(&mut tx, rec.id).await.unwrap();
        let waiting = tokio::spawn(async move {
            let mut tx = other.begin().await.unwrap();
            let seen = revisions::lock(&mut tx, rec.id).await.unwrap();
            drop(tx);
            other.close().await;
            seen
        });
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        revisions::finish(&mut tx, rec.id, 1, NOW).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(waiting.await.unwrap(), 1);

        t.damage(&format!("UPDATE recordings SET removed_parts = 1 WHERE id = '{}'", rec.id)).await;
        refused(t, rec.id, "a retention rule has removed media").await;
    })
    .await;
}
