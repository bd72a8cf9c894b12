//! Removing parts: what goes, what stays, and what others see afterwards.

use clipmill_domain::{
    Id, RecordingId, Span, WallTime,
    clip::Clip,
    cost::Amount,
    gap::{coverage, gap_map},
    post::PostEvent,
    provenance::StageVersion,
    recording::{EndReason, Epoch, Hold, Part, Recording},
    retention::{ClipFacts, Review, Run},
};
use clipmill_store::{
    Store, StoreError,
    check::{CheckOptions, Problem, check},
    clips, followers, posts, recordings, remixes,
    retention::{Removed, remove_parts},
    segments, sources,
    testing::{self, NOW, TestStore, on_each, seconds},
};

const WHOLE: Run = Run { first: 0, last: 99 };

/// An ended recording of `parts` two-second parts of four bytes each, with their files, and a gap of six seconds
/// before the last one.
async fn ended(store: &Store, name: &str, parts: i64) -> (Recording, Epoch, Vec<Part>) {
    let source = testing::new_source(name);
    let recording = testing::recording(source.id);
    let epoch = testing::epoch(recording.id, 0);
    testing::publish(store, &epoch.init_path, b"init").await.unwrap();
    let mut tx = store.begin().await.unwrap();
    sources::add_source(&mut tx, &source).await.unwrap();
    recordings::insert_recording(&mut tx, &recording).await.unwrap();
    recordings::insert_epoch(&mut tx, &epoch).await.unwrap();
    let mut made = vec![];
    for seq in 0..parts {
        let at = f64::from(i32::try_from(seq * 2 + if seq == parts - 1 { 6 } else { 0 }).unwrap());
        let part = testing::part(&epoch, seq, seconds(at, at + 2.0));
        testing::publish(store, &part.path, b"part").await.unwrap();
        recordings::insert_part(&mut tx, &part).await.unwrap();
        made.push(part);
    }
    recordings::end_recording(&mut tx, recording.id, NOW, EndReason::Finished).await.unwrap();
    tx.commit().await.unwrap();
    (recording, epoch, made)
}

async fn clip(store: &Store, recording: RecordingId, seq: i64, span: Span) -> Clip {
    let segment = testing::segment(recording, seq, span);
    let point = testing::selling_point(&segment);
    let clip = testing::clip(&point);
    let mut tx = store.begin().await.unwrap();
    segments::insert_segment(&mut tx, &segment).await.unwrap();
    segments::insert_selling_point(&mut tx, &point).await.unwrap();
    for path in [&clip.draft_path, &clip.thumbnail_path] {
        testing::artifact(&mut tx, path, &clip.id.to_string(), b"clip").await.unwrap();
    }
    clips::insert_clip(&mut tx, &clip, &StageVersion::new("c/1")).await.unwrap();
    tx.commit().await.unwrap();
    clip
}

async fn picture(t: &TestStore, part: &Part) -> String {
    let path = format!("recordings/{}/scrub-{}.jpg", part.recording_id, part.seq);
    testing::publish(&t.store, &path, b"picture").await.unwrap();
    t.damage(&format!(
        "INSERT INTO scrub_pictures VALUES ('{}', {}, {}, '{path}', 7)",
        part.recording_id,
        part.seq,
        part.span.start().as_micros()
    ))
    .await;
    path
}

async fn remove(store: &Store, recording: RecordingId, run: Run, margin_us: i64, limit: u32) -> Removed {
    let mut tx = store.begin().await.unwrap();
    let removed = remove_parts(&mut tx, recording, run, margin_us, limit, NOW).await.unwrap();
    tx.commit().await.unwrap();
    removed
}

async fn problems(store: &Store) -> Vec<Problem> {
    // An hour later: nothing counts as being written.
    let options = CheckOptions::at(WallTime::from_millis(i64::MAX / 2));
    check(store, &options).await.unwrap().problems
}

fn amount(parts: i64) -> Amount {
    Amount { parts, bytes: parts * 4, micros: parts * 2_000_000 }
}

fn seqs(parts: &[Part]) -> Vec<i64> {
    parts.iter().map(|p| p.seq).collect()
}

#[tokio::test]
async fn parts_go_in_batches_with_their_pictures_and_rows_and_files_agree_at_every_step() {
    on_each(async |t| {
        let (recording, epoch, parts) = ended(&t.store, "studio", 6).await;
        let pictures = [picture(t, &parts[0]).await, picture(t, &parts[5]).await];
        assert_eq!(problems(&t.store).await, []);
        let all = t.store.parts(recording.id).await.unwrap();
        let gaps = gap_map(&all, std::slice::from_ref(&epoch));
        assert_eq!(gaps.len(), 1);
        let share = coverage(&all, &gaps);

        let first = remove(&t.store, recording.id, Run { first: 0, last: 3 }, 0, 3).await;
        assert_eq!(first, Removed::Parts { gone: amount(3), in_all: amount(3) });
        assert_eq!(t.store.pending_bytes().await.unwrap(), 12);
        assert_eq!(problems(&t.store).await, [], "marked, not yet swept");
        let Removed::Parts { gone, in_all } =
            remove(&t.store, recording.id, Run { first: 0, last: 3 }, 0, 3).await
        else {
            panic!("refused");
        };
        assert_eq!((gone, in_all), (amount(1), amount(4)), "a rerun goes on where the first was cut off");
        let again = remove(&t.store, recording.id, Run { first: 0, last: 3 }, 0, 3).await;
        assert!(matches!(again, Removed::Parts { gone, .. } if gone == amount(0)), "{again:?}");

        assert_eq!(t.store.sweep_garbage(3).await.unwrap(), 3);
        assert_eq!(problems(&t.store).await, [], "swept in part");
        assert_eq!(t.store.sweep_garbage(100).await.unwrap(), 2, "four parts and a picture");
        assert_eq!(t.store.pending_bytes().await.unwrap(), 0);
        let library = t.store.library();
        for (path, there) in [
            (&parts[0].path, false),
            (&parts[3].path, false),
            (&parts[4].path, true),
            (&pictures[0], false),
            (&pictures[1], true),
            (&epoch.init_path, true),
        ] {
            assert_eq!(library.exists(path).await.unwrap(), there, "{path}");
        }
        assert_eq!(problems(&t.store).await, []);

        // What was recorded is still told as it was.
        let after = t.store.parts(recording.id).await.unwrap();
        assert_eq!(after.iter().filter(|p| p.removed_at == Some(NOW)).count(), 4);
        assert_eq!(gap_map(&after, std::slice::from_ref(&epoch)), gaps);
        assert!((coverage(&after, &gaps) - share).abs() < 1e-9);
        assert_eq!(seqs(&t.store.parts_after(recording.id, -1, 9).await.unwrap()), [0, 1, 2, 3, 4, 5]);
        assert_eq!(t.store.last_part(recording.id).await.unwrap().unwrap().seq, 5);
        // What can be played is what is there.
        assert_eq!(seqs(&t.store.parts_kept_after(recording.id, -1, 9).await.unwrap()), [4, 5]);
        assert_eq!(t.store.removed_of(recording.id).await.unwrap(), amount(4));
    })
    .await;
}

#[tokio::test]
async fn a_cut_over_removed_media_is_refused_in_plain_words() {
    on_each(async |t| {
        let (recording, ..) = ended(&t.store, "studio", 6).await;
        remove(&t.store, recording.id, Run { first: 0, last: 1 }, 0, 100).await;
        assert_eq!(t.store.media_parts(recording.id, seconds(4.0, 8.0)).await.unwrap().len(), 2);
        let error = t.store.media_parts(recording.id, seconds(3.0, 8.0)).await.unwrap_err();
        assert!(matches!(error, StoreError::Removed { .. }), "{error:?}");
        let said = error.to_string();
        assert!(
            said.contains("0:02.000-0:04.000 was removed on 2026-") && said.contains("nothing can be cut"),
            "{said}"
        );
    })
    .await;
}

#[tokio::test]
async fn held_live_and_used_parts_stay_whatever_the_plan_says() {
    on_each(async |t| {
        let (recording, ..) = ended(&t.store, "studio", 10).await;
        let hold = Hold { at: NOW, by: "counsel".to_owned(), why: "a dispute".to_owned() };
        let mut tx = t.store.begin().await.unwrap();
        recordings::set_hold(&mut tx, recording.id, Some(&hold)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(remove(&t.store, recording.id, WHOLE, 0, 100).await, Removed::Refused);
        assert!(t.store.recording_sums().await.unwrap()[0].held);

        let mut tx = t.store.begin().await.unwrap();
        recordings::set_hold(&mut tx, recording.id, None).await.unwrap();
        tx.commit().await.unwrap();
        // The clip plays 8 s to 10 s: part 4; with a second around it, parts 3 and 5 too.
        clip(&t.store, recording.id, 0, seconds(8.0, 10.0)).await;
        remove(&t.store, recording.id, WHOLE, 1_000_000, 100).await;
        assert_eq!(seqs(&t.store.parts_kept_after(recording.id, -1, 99).await.unwrap()), [3, 4, 5]);
        remove(&t.store, recording.id, WHOLE, 0, 100).await;
        assert_eq!(seqs(&t.store.parts_kept_after(recording.id, -1, 99).await.unwrap()), [4]);

        let source = testing::new_source("live");
        let live = testing::recording(source.id);
        let mut tx = t.store.begin().await.unwrap();
        sources::add_source(&mut tx, &source).await.unwrap();
        recordings::insert_recording(&mut tx, &live).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(remove(&t.store, live.id, WHOLE, 0, 100).await, Removed::Refused);
        assert_eq!(remove(&t.store, RecordingId::new_at(NOW), WHOLE, 0, 100).await, Removed::Refused);
    })
    .await;
}

/// A hold and a removal at the same time: either the hold came first and nothing goes, or it came second.
#[tokio::test]
async fn a_hold_set_while_a_removal_is_under_way_waits_for_it_and_stops_the_next() {
    on_each(async |t| {
        let (recording, ..) = ended(&t.store, "studio", 6).await;
        let other = t.open_again().await;
        let mut removal = t.store.begin().await.unwrap();
        let one = Run { first: 0, last: 0 };
        remove_parts(&mut removal, recording.id, one, 0, 1, NOW).await.unwrap();
        let holding = tokio::spawn(async move {
            let hold = Hold { at: NOW, by: "counsel".to_owned(), why: "a dispute".to_owned() };
            let mut tx = other.begin().await.unwrap();
            recordings::set_hold(&mut tx, recording.id, Some(&hold)).await.unwrap();
            tx.commit().await.unwrap();
            other.close().await;
        });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(t.store.recording(recording.id).await.unwrap().unwrap().hold.is_none());
        removal.commit().await.unwrap();
        holding.await.unwrap();
        assert_eq!(remove(&t.store, recording.id, WHOLE, 0, 100).await, Removed::Refused);
        assert_eq!(t.store.parts_kept_after(recording.id, -1, 99).await.unwrap().len(), 5);
    })
    .await;
}

#[tokio::test]
async fn facts_say_what_a_plan_must_know() {
    on_each(async |t| {
        let names = ["ingest.transcribe", "clipper.classify"];
        let (recording, ..) = ended(&t.store, "studio", 6).await;
        let facts = async || {
            let f = t.store.retention_facts(&names).await.unwrap();
            let one = f.into_iter().find(|f| f.id == recording.id).unwrap();
            (one.followed, one.uncut, one.parts, one.bytes, one.keep_days)
        };
        let finish = async |name: &str| {
            let mut tx = t.store.begin().await.unwrap();
            let pos = followers::FollowerPos::default();
            followers::finish_follower(&mut tx, recording.id, name, &pos).await.unwrap();
            tx.commit().await.unwrap();
        };
        assert_eq!(facts().await, (false, false, 6, 24, None));
        finish("someone.else").await;
        finish(names[0]).await;
        assert!(!facts().await.0);
        finish(names[1]).await;
        assert!(facts().await.0);

        let segment = testing::segment(recording.id, 7, seconds(0.0, 2.0));
        let point = testing::selling_point(&segment);
        let mut tx = t.store.begin().await.unwrap();
        segments::insert_segment(&mut tx, &segment).await.unwrap();
        segments::insert_selling_point(&mut tx, &point).await.unwrap();
        let mut source = t.store.source(recording.source_id).await.unwrap().unwrap();
        source.settings.keep_days = Some(3);
        sources::update_source(&mut tx, &source).await.unwrap();
        tx.commit().await.unwrap();
        let Removed::Parts { .. } = remove(&t.store, recording.id, Run { first: 0, last: 1 }, 0, 9).await
        else {
            panic!("refused");
        };
        assert_eq!(facts().await, (true, true, 4, 16, Some(3)), "a clip is still to be cut");
        let mut tx = t.store.begin().await.unwrap();
        clips::insert_clip(&mut tx, &testing::clip(&point), &StageVersion::new("c/1")).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!facts().await.1);
    })
    .await;
}

#[tokio::test]
async fn clips_are_decided_by_all_their_posts() {
    on_each(async |t| {
        let (recording, ..) = ended(&t.store, "studio", 6).await;
        let spans = [seconds(0.0, 2.0), seconds(2.0, 4.0), seconds(4.0, 6.0)];
        let mut made = vec![];
        for (seq, span) in (0i64..).zip(spans) {
            made.push(clip(&t.store, recording.id, seq, span).await);
        }
        // The first has no post, the second one live and one planned, the third two remixes with one live post each.
        let mut tx = t.store.begin().await.unwrap();
        for (clip, made_by, target, live) in
            [(1, "r/1", "a", true), (1, "r/2", "b", false), (2, "r/1", "a", true), (2, "r/2", "a", true)]
        {
            let remix = testing::remix(&made[clip], made_by);
            remixes::insert_remix(&mut tx, &remix).await.unwrap();
            let post = testing::post(&remix, target, NOW);
            posts::insert_post(&mut tx, &post).await.unwrap();
            let events: &[PostEvent] = if live { &[PostEvent::Begin, PostEvent::Accepted] } else { &[] };
            for event in events {
                posts::apply_post_event(&mut tx, post.id, event, NOW, None, Some("x")).await.unwrap();
            }
        }
        tx.commit().await.unwrap();
        let mut found = t.store.retention_media(recording.id).await.unwrap().clips;
        found.sort_by_key(|c| c.span.start());
        let review = [Review::Open, Review::Open, Review::Decided];
        let expected: Vec<_> =
            spans.into_iter().zip(review).map(|(span, review)| ClipFacts { span, review }).collect();
        assert_eq!(found, expected);
    })
    .await;
}

/// The sums, against parts added up one by one.
#[tokio::test]
async fn sums_are_what_the_parts_add_up_to() {
    on_each(async |t| {
        let (first, ..) = ended(&t.store, "a", 6).await;
        let (second, ..) = ended(&t.store, "b", 3).await;
        remove(&t.store, first.id, Run { first: 0, last: 3 }, 0, 100).await;
        let sums = t.store.recording_sums().await.unwrap();
        assert_eq!(sums.len(), 2);
        for sum in sums {
            let parts = t.store.parts(sum.id).await.unwrap();
            let add = |removed: bool| {
                let of = parts.iter().filter(|p| p.removed_at.is_some() == removed);
                of.fold(Amount::default(), |a, p| Amount {
                    parts: a.parts + 1,
                    bytes: a.bytes + p.bytes,
                    micros: a.micros + p.span.micros(),
                })
            };
            assert_eq!((sum.kept, sum.removed), (add(false), add(true)));
            assert_eq!(sum.extent_us - sum.recorded().micros, 6_000_000, "the gap");
            assert!(sum.id == first.id || sum.id == second.id);
        }
        assert_eq!(t.store.newest_recording_of(second.source_id).await.unwrap().unwrap().id, second.id);
        assert!(t.store.picture_bytes().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_check_finds_what_is_wrong_about_removed_parts() {
    on_each(async |t| {
        let (recording, _, parts) = ended(&t.store, "studio", 4).await;
        let shown = picture(t, &parts[3]).await;
        remove(&t.store, recording.id, Run { first: 0, last: 1 }, 0, 100).await;
        t.store.sweep_garbage(100).await.unwrap();
        testing::publish(&t.store, &parts[0].path, b"part").await.unwrap();
        std::fs::remove_file(t.store.library().local_path(&shown).unwrap()).unwrap();
        t.damage("UPDATE recordings SET removed_parts = removed_parts + 1").await;
        let found = problems(&t.store).await;
        let back = Problem::Orphan { path: parts[0].path.clone(), bytes: 4 };
        let id = recording.id.to_string();
        assert!(found.contains(&back), "a removed part that came back belongs to nobody: {found:?}");
        assert!(found.contains(&Problem::Miscounted { recording: id, counted: 3, found: 2 }), "{found:?}");
        assert!(
            found.iter().any(|p| matches!(p, Problem::Missing { path, .. } if *path == shown)),
            "{found:?}"
        );
        assert_eq!(found.len(), 3, "{found:?}");
    })
    .await;
}
