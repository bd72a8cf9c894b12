//! Retention rules carried out on real stores and files: wherever it is cut off, the next run finishes the work.

use std::{future::Future, pin::pin, task::Poll};

use clipmill_domain::{
    RecordingId, WallTime,
    clock::FixedClock,
    cost::Amount,
    recording::{EndReason, Hold},
    retention::{DAY_MS, Kept, Rules},
};
use clipmill_ingest::keep::{ACTOR, Done, Keeper};
use clipmill_store::{
    Store,
    check::{CheckOptions, check},
    clips, followers, recordings, segments, sources,
    testing::{self, NOW, on_each, seconds},
};
use tokio_util::sync::CancellationToken;

const LATER: FixedClock = FixedClock(NOW.plus_millis(10 * DAY_MS));

fn keeper(keep_days: Option<u32>, max_bytes: Option<i64>) -> Keeper {
    let rules =
        Rules { keep_days, max_bytes, keep_unreviewed_days: 3, free_bytes: None, clip_margin_us: 4_000_000 };
    Keeper { rules, followers: vec!["hears", "labels"] }
}

/// A recording of `count` parts of four bytes and two seconds, heard to its end. It has a clip
/// from 20 s to 24 s: with the margin, parts 8 to 13 are used.
async fn recorded(store: &Store, name: &str, count: i64, ended_at: WallTime) -> RecordingId {
    let source = testing::new_source(name);
    let recording = testing::recording(source.id);
    let epoch = testing::epoch(recording.id, 0);
    testing::publish(store, &epoch.init_path, b"init").await.unwrap();
    let mut tx = store.begin().await.unwrap();
    sources::add_source(&mut tx, &source).await.unwrap();
    recordings::insert_recording(&mut tx, &recording).await.unwrap();
    recordings::insert_epoch(&mut tx, &epoch).await.unwrap();
    for seq in 0..count {
        let at = f64::from(i32::try_from(seq * 2).unwrap());
        let part = testing::part(&epoch, seq, seconds(at, at + 2.0));
        std::fs::create_dir_all(store.library().local_path(&part.path).unwrap().parent().unwrap()).unwrap();
        std::fs::write(store.library().local_path(&part.path).unwrap(), b"part").unwrap();
        recordings::insert_part(&mut tx, &part).await.unwrap();
    }
    let segment = testing::segment(recording.id, 0, seconds(20.0, 24.0));
    let point = testing::selling_point(&segment);
    let clip = testing::clip(&point);
    segments::insert_segment(&mut tx, &segment).await.unwrap();
    segments::insert_selling_point(&mut tx, &point).await.unwrap();
    for path in [&clip.draft_path, &clip.thumbnail_path] {
        testing::artifact(&mut tx, path, &clip.id.to_string(), b"clip").await.unwrap();
    }
    let version = clipmill_domain::provenance::StageVersion::new("c/1");
    clips::insert_clip(&mut tx, &clip, &version).await.unwrap();
    for name in ["hears", "labels"] {
        let pos = followers::FollowerPos::default();
        followers::finish_follower(&mut tx, recording.id, name, &pos).await.unwrap();
    }
    recordings::end_recording(&mut tx, recording.id, ended_at, EndReason::Finished).await.unwrap();
    tx.commit().await.unwrap();
    recording.id
}

async fn kept(store: &Store, recording: RecordingId) -> Vec<i64> {
    store.parts_kept_after(recording, -1, 1000).await.unwrap().iter().map(|p| p.seq).collect()
}

async fn assert_sound(store: &Store) {
    let report = check(store, &CheckOptions::at(WallTime::from_millis(i64::MAX / 2))).await.unwrap();
    assert_eq!(report.problems, []);
}

async fn run(keeper: &Keeper, store: &Store) -> Done {
    let plan = keeper.plan(store, &LATER).await.unwrap();
    keeper.carry_out(store, &plan, &LATER, &CancellationToken::new()).await.unwrap()
}

/// Polls `work` at most `times`, then drops it where it stands; its output, if it came to an end.
async fn cut_off<T>(work: impl Future<Output = T>, times: u32) -> Option<T> {
    let mut work = pin!(work);
    let mut left = times;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test]
async fn age_takes_all_but_what_clips_use_and_the_audit_log_says_so() {
    on_each(async |t| {
        let recording = recorded(&t.store, "studio", 600, NOW).await;
        assert_eq!(run(&keeper(Some(11), None), &t.store).await, Done::default(), "too young");
        let done = run(&keeper(Some(9), None), &t.store).await;
        let gone = Amount { parts: 594, bytes: 594 * 4, micros: 594 * 2_000_000 };
        assert_eq!(done, Done { recordings: 1, gone });
        assert_eq!(kept(&t.store, recording).await, [8, 9, 10, 11, 12, 13]);
        assert_sound(&t.store).await;
        let files = t.store.library().list().await.unwrap();
        let parts = files.iter().filter(|f| f.path.ends_with(".m4s")).count();
        assert_eq!((parts, t.store.pending_bytes().await.unwrap()), (6, 0), "the files are gone too");

        let lines = t.store.audit_of(&recording.to_string()).await.unwrap();
        assert_eq!(lines.len(), 1, "one line a recording a run: {lines:?}");
        assert_eq!((lines[0].actor.as_str(), lines[0].action.as_str()), (ACTOR, "recording.removed"));
        let said = lines[0].detail.as_deref().unwrap();
        assert_eq!(said, "594 parts, 2 kB: ended more than 9 days ago (594 parts, 2 kB in all)");

        let again = keeper(Some(9), None).plan(&t.store, &LATER).await.unwrap();
        assert_eq!((again.removals.as_slice(), again.kept[0].why), ([].as_slice(), Kept::Clips));
    })
    .await;
}

#[tokio::test]
async fn size_takes_the_oldest_and_a_hold_set_after_the_plan_is_respected() {
    on_each(async |t| {
        let (first, second) = (
            recorded(&t.store, "first", 30, NOW).await,
            recorded(&t.store, "second", 30, NOW.plus_millis(1)).await,
        );
        let keeper = keeper(None, Some(50));
        let plan = keeper.plan(&t.store, &LATER).await.unwrap();
        let order: Vec<_> = plan.removals.iter().map(|r| r.recording_id).collect();
        assert_eq!((order, plan.size_short_bytes), (vec![first, second], 0));
        let hold = Hold { at: NOW, by: "counsel".to_owned(), why: "a dispute".to_owned() };
        let mut tx = t.store.begin().await.unwrap();
        recordings::set_hold(&mut tx, first, Some(&hold)).await.unwrap();
        tx.commit().await.unwrap();
        let stopped = CancellationToken::new();
        let done = keeper.carry_out(&t.store, &plan, &LATER, &stopped).await.unwrap();
        assert_eq!((done.recordings, done.gone.parts), (1, 24));
        assert_eq!((kept(&t.store, first).await.len(), kept(&t.store, second).await.len()), (30, 6));
        assert_eq!(t.store.audit_of(&first.to_string()).await.unwrap(), []);

        let plan = keeper.plan(&t.store, &LATER).await.unwrap();
        assert_eq!((plan.removals.len(), plan.size_short_bytes), (0, 30 * 4 + 6 * 4 - 50));
        stopped.cancel();
        let none = keeper.carry_out(&t.store, &plan, &LATER, &stopped).await.unwrap();
        assert_eq!(none, Done::default());
        assert_sound(&t.store).await;
    })
    .await;
}

/// Dropped at every tenth step, as a kill would: transactions roll back, files may be half swept.
#[tokio::test]
async fn wherever_it_is_cut_off_rows_and_files_agree_and_a_rerun_finishes() {
    on_each(async |t| {
        let recording = recorded(&t.store, "studio", 600, NOW).await;
        let keeper = keeper(Some(9), None);
        let go_on = CancellationToken::new();
        let mut cuts = 0;
        for times in (10..).step_by(10) {
            let plan = keeper.plan(&t.store, &LATER).await.unwrap();
            let whole = cut_off(keeper.carry_out(&t.store, &plan, &LATER, &go_on), times).await;
            assert_sound(&t.store).await;
            if let Some(done) = whole {
                done.unwrap();
                break;
            }
            cuts += 1;
        }
        assert!(cuts > 3, "it was cut off {cuts} times");
        while t.store.sweep_garbage(1000).await.unwrap() > 0 {}
        assert_eq!(kept(&t.store, recording).await, [8, 9, 10, 11, 12, 13]);
        let removed = t.store.removed_of(recording).await.unwrap();
        assert_eq!((removed.parts, removed.bytes), (594, 594 * 4));
        let parts = t.store.library().list().await.unwrap();
        assert_eq!(parts.iter().filter(|f| f.path.ends_with(".m4s")).count(), 6);
        assert_sound(&t.store).await;
    })
    .await;
}
