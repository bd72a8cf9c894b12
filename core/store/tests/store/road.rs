//! The nouns from source to post: what is written is read back, nothing is written twice, work is found once.

use std::collections::BTreeMap;

use clipmill_domain::{
    Id, MediaTime, RecordingId, SourceId, Span, WallTime,
    clip::Clip,
    post::{PostEvent as E, PostState as S},
    product::Product,
    provenance::StageVersion,
    recording::{EndReason, Epoch, Part, Recording},
    remix::Remix,
    taxonomy::Label,
};
use clipmill_store::{
    Store, StoreError,
    audit::audit,
    clips, followers, jobs, posts, recordings, remixes, segments, sources,
    testing::{self, NOW, on_each, seconds},
    utterances,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

/// A source named `name` with a live recording and its first epoch.
async fn live(store: &Store, name: &str) -> (Recording, Epoch) {
    let source = testing::new_source(name);
    let recording = testing::recording(source.id);
    let epoch = testing::epoch(recording.id, 0);
    let mut tx = store.begin().await.unwrap();
    sources::add_source(&mut tx, &source).await.unwrap();
    recordings::insert_recording(&mut tx, &recording).await.unwrap();
    recordings::insert_epoch(&mut tx, &epoch).await.unwrap();
    tx.commit().await.unwrap();
    (recording, epoch)
}

/// A clip of segment `seq`, with everything it stands on.
async fn clip(store: &Store, recording: RecordingId, seq: i64) -> Clip {
    let at = f64::from(i32::try_from(seq).unwrap()) * 10.0;
    let segment = testing::segment(recording, seq, seconds(at, at + 8.0));
    let point = testing::selling_point(&segment);
    let clip = testing::clip(&point);
    let mut tx = store.begin().await.unwrap();
    segments::insert_segment(&mut tx, &segment).await.unwrap();
    segments::insert_selling_point(&mut tx, &point).await.unwrap();
    clips::insert_clip(&mut tx, &clip, &StageVersion::new("cut.draft/1")).await.unwrap();
    tx.commit().await.unwrap();
    clip
}

async fn remix(store: &Store, clip: &Clip, made_by: &str, made_at: WallTime) -> Remix {
    let remix = Remix { made_at, ..testing::remix(clip, made_by) };
    let mut tx = store.begin().await.unwrap();
    remixes::insert_remix(&mut tx, &remix).await.unwrap();
    tx.commit().await.unwrap();
    remix
}

fn duplicate<T>(r: Result<T, StoreError>) -> bool {
    matches!(r, Err(StoreError::Duplicate { .. }))
}

#[tokio::test]
async fn sources_and_products_are_kept_in_order() {
    on_each(async |t| {
        let new = testing::new_source(" studio ");
        let product = |sku: &str| Product {
            sku: sku.to_owned(),
            name: format!("开衫 {sku}"),
            aliases: vec!["毛衣".to_owned()],
            category: None,
            attributes: BTreeMap::from([("fabric".to_owned(), "wool".to_owned())]),
            price: Some(89.9),
            link: Some(5),
            order: None,
        };
        let list = [product("z"), product("a")];
        let mut tx = t.store.begin().await.unwrap();
        let added = sources::add_source(&mut tx, &new).await.unwrap();
        sources::set_products(&mut tx, new.id, &[product("old")]).await.unwrap();
        sources::set_products(&mut tx, new.id, &list).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(t.store.products(new.id).await.unwrap(), list);
        assert_eq!(t.store.source_by_name("studio").await.unwrap().as_ref(), Some(&added));

        let mut tx = t.store.begin().await.unwrap();
        assert!(duplicate(sources::set_products(&mut tx, new.id, &[product("a"), product("a")]).await));
        drop(tx);
        assert_eq!(t.store.products(new.id).await.unwrap(), list, "a refused list changes nothing");

        let mut tx = t.store.begin().await.unwrap();
        sources::set_source_enabled(&mut tx, new.id, false).await.unwrap();
        let nobody = sources::set_source_enabled(&mut tx, SourceId::new_at(NOW), false).await;
        assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
        tx.commit().await.unwrap();
        assert!(!t.store.source(new.id).await.unwrap().unwrap().enabled);
        let mut tx = t.store.begin().await.unwrap();
        sources::remove_source(&mut tx, new.id).await.unwrap();
        tx.commit().await.unwrap();
        assert!(t.store.sources().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_source_has_one_live_recording_and_stays_while_it_has_any() {
    on_each(async |t| {
        let (first, epoch) = live(&t.store, "studio").await;
        assert_eq!(t.store.live_recording_of(first.source_id).await.unwrap(), Some(first.clone()));
        let mut tx = t.store.begin().await.unwrap();
        let second = testing::recording(first.source_id);
        assert!(duplicate(recordings::insert_recording(&mut tx, &second).await));
        drop(tx);

        let mut tx = t.store.begin().await.unwrap();
        let refused = sources::remove_source(&mut tx, first.source_id).await.unwrap_err().to_string();
        assert!(refused.contains("disable it instead"), "{refused}");
        assert_eq!(t.store.open_epochs().await.unwrap(), std::slice::from_ref(&epoch));
        recordings::close_epoch(&mut tx, epoch.id, EndReason::Crashed).await.unwrap();
        recordings::close_epoch(&mut tx, epoch.id, EndReason::Stopped).await.unwrap();
        recordings::end_recording(&mut tx, first.id, NOW.plus_millis(9), EndReason::Quiet).await.unwrap();
        recordings::end_recording(&mut tx, first.id, NOW.plus_millis(99), EndReason::Stopped).await.unwrap();
        recordings::insert_recording(&mut tx, &second).await.unwrap();
        tx.commit().await.unwrap();

        let ended = t.store.recording(first.id).await.unwrap().unwrap();
        assert_eq!((ended.ended_at, ended.end_reason), (Some(NOW.plus_millis(9)), Some(EndReason::Quiet)));
        assert_eq!(t.store.epochs(first.id).await.unwrap()[0].end_reason, Some(EndReason::Crashed));
        assert!(t.store.open_epochs().await.unwrap().is_empty());
        assert_eq!(t.store.live_recordings().await.unwrap(), std::slice::from_ref(&second));
        assert_eq!(t.store.recordings(10).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn parts_come_back_in_order_and_none_comes_twice() {
    on_each(async |t| {
        let (recording, epoch) = live(&t.store, "studio").await;
        assert_eq!(t.store.last_part(recording.id).await.unwrap(), None);
        assert_eq!(t.store.recording_bytes(recording.id).await.unwrap(), 0);
        let parts: Vec<Part> = [0.0, 2.0, 4.0]
            .into_iter()
            .zip(0..)
            .map(|(at, seq)| testing::part(&epoch, seq, seconds(at, at + 2.0)))
            .collect();
        let mut tx = t.store.begin().await.unwrap();
        for part in parts.iter().rev() {
            recordings::insert_part(&mut tx, part).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(t.store.parts(recording.id).await.unwrap(), parts);
        assert_eq!(t.store.parts_after(recording.id, -1, 2).await.unwrap(), parts[..2]);
        assert_eq!(t.store.parts_after(recording.id, 1, 2).await.unwrap(), parts[2..]);
        assert_eq!(t.store.last_part(recording.id).await.unwrap().as_ref(), parts.last());
        assert_eq!(t.store.recording_bytes(recording.id).await.unwrap(), 12);

        for twin in [
            Part {
                path: "recordings/x/other.m4s".to_owned(),
                ..testing::part(&epoch, 1, seconds(9.0, 10.0))
            },
            Part { path: parts[0].path.clone(), ..testing::part(&epoch, 9, seconds(9.0, 10.0)) },
        ] {
            let mut tx = t.store.begin().await.unwrap();
            assert!(duplicate(recordings::insert_part(&mut tx, &twin).await));
        }
        let mut tx = t.store.begin().await.unwrap();
        let stranger = testing::part(&testing::epoch(recording.id, 5), 9, seconds(9.0, 10.0));
        assert!(recordings::insert_part(&mut tx, &stranger).await.is_err(), "an epoch must exist");
    })
    .await;
}

/// Parts and utterances inside a span: the same as filtering them all by [`Span::overlaps`].
#[tokio::test]
async fn what_lies_in_a_span_is_what_overlaps_it() {
    on_each(async |t| {
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
        let strategy = (
            prop::collection::vec((1i64..50, prop_oneof![Just(0i64), 1i64..30]), 0..14),
            prop::collection::vec((0i64..400, 1i64..60), 6),
        );
        let at = MediaTime::from_micros;
        for case in 0..16 {
            let (steps, spans) = strategy.new_tree(&mut runner).unwrap().current();
            let (recording, epoch) = live(&t.store, &format!("s{case}")).await;
            let mut now = 0;
            let mut parts = Vec::new();
            let mut said = Vec::new();
            for ((length, hole), seq) in steps.into_iter().zip(0..) {
                let span = Span::new(at(now), at(now + length)).unwrap();
                parts.push(testing::part(&epoch, seq, span));
                said.push(testing::utterance(recording.id, seq, span, "好"));
                now += length + hole;
            }
            let mut tx = t.store.begin().await.unwrap();
            for part in &parts {
                recordings::insert_part(&mut tx, part).await.unwrap();
            }
            utterances::insert_utterances(&mut tx, &said).await.unwrap();
            tx.commit().await.unwrap();
            for (start, length) in spans {
                let span = Span::new(at(start), at(start + length)).unwrap();
                let naive: Vec<Part> = parts.iter().filter(|p| p.span.overlaps(span)).cloned().collect();
                assert_eq!(t.store.parts_in(recording.id, span).await.unwrap(), naive, "{span:?}");
                let naive: Vec<_> = said.iter().filter(|u| u.span.overlaps(span)).cloned().collect();
                assert_eq!(t.store.utterances_in(recording.id, span).await.unwrap(), naive, "{span:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_follower_and_its_output_move_together() {
    on_each(async |t| {
        let (a, _) = live(&t.store, "a").await;
        let (b, _) = live(&t.store, "b").await;
        assert_eq!(t.store.follower(a.id, "transcribe").await.unwrap(), followers::FollowerPos::default());
        let pos = followers::FollowerPos { position: 7, state: serde_json::json!({"tail": ["面料", 0.5]}) };
        let said = [testing::utterance(a.id, 0, seconds(0.0, 1.5), "这个面料")];

        let mut tx = t.store.begin().await.unwrap();
        utterances::insert_utterances(&mut tx, &said).await.unwrap();
        followers::set_follower(&mut tx, a.id, "transcribe", &pos).await.unwrap();
        drop(tx);
        assert_eq!(t.store.follower(a.id, "transcribe").await.unwrap().position, -1);
        assert!(t.store.utterances(a.id).await.unwrap().is_empty());

        let mut tx = t.store.begin().await.unwrap();
        utterances::insert_utterances(&mut tx, &said).await.unwrap();
        followers::set_follower(&mut tx, a.id, "transcribe", &pos).await.unwrap();
        recordings::end_recording(&mut tx, a.id, NOW, EndReason::Finished).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(t.store.follower(a.id, "transcribe").await.unwrap(), pos);
        assert_eq!(t.store.utterances_after(a.id, -1, 10).await.unwrap(), said);
        assert!(t.store.utterances_after(a.id, 0, 10).await.unwrap().is_empty());
        let again = t.store.begin().await;
        assert!(duplicate(utterances::insert_utterances(&mut again.unwrap(), &said).await));

        let ids = async |name: &str| {
            t.store.recordings_to_follow(name).await.unwrap().iter().map(|r| r.id).collect::<Vec<_>>()
        };
        assert_eq!(ids("transcribe").await, [b.id, a.id], "live ones first");
        let mut tx = t.store.begin().await.unwrap();
        followers::finish_follower(&mut tx, a.id, "transcribe", &pos).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(ids("transcribe").await, [b.id]);
        assert_eq!(ids("segment").await, [b.id, a.id], "each follower has its own place");
        assert!(t.store.follower_done(a.id, "transcribe").await.unwrap());
        assert!(!t.store.follower_done(b.id, "transcribe").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn dropped_text_keeps_its_reason() {
    on_each(async |t| {
        let (r, _) = live(&t.store, "a").await;
        let mut tx = t.store.begin().await.unwrap();
        utterances::insert_dropped(&mut tx, r.id, 0, seconds(5.0, 6.0), "谢谢观看", "stop list")
            .await
            .unwrap();
        utterances::insert_dropped(&mut tx, r.id, 0, seconds(1.0, 2.0), "哈哈哈哈", "loop").await.unwrap();
        tx.commit().await.unwrap();
        let dropped = t.store.dropped_texts(r.id).await.unwrap();
        assert_eq!(dropped.iter().map(|d| d.reason.as_str()).collect::<Vec<_>>(), ["loop", "stop list"]);
        assert!(t.store.utterances(r.id).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn work_is_found_until_it_is_done_or_asked_for() {
    on_each(async |t| {
        let (r, _) = live(&t.store, "a").await;
        let (draft, exact) = (StageVersion::new("cut.draft/1"), StageVersion::new("cut.exact/1"));
        let render = StageVersion::new("render/1");
        let segment = testing::segment(r.id, 100, seconds(900.0, 910.0));
        let point = testing::selling_point(&segment);
        let mut tx = t.store.begin().await.unwrap();
        segments::insert_segment(&mut tx, &segment).await.unwrap();
        segments::insert_selling_point(&mut tx, &point).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            t.store.selling_points_without_clip(&draft, 9).await.unwrap(),
            std::slice::from_ref(&point)
        );
        assert_eq!(t.store.selling_point(point.id).await.unwrap(), Some(point.clone()));
        assert_eq!(t.store.selling_points(r.id).await.unwrap(), std::slice::from_ref(&point));
        assert_eq!(t.store.segments(r.id).await.unwrap(), std::slice::from_ref(&segment));

        let mut tx = t.store.begin().await.unwrap();
        jobs::ensure_job(&mut tx, "clipper.cut_draft", &point.id.to_string(), &draft, NOW).await.unwrap();
        tx.commit().await.unwrap();
        assert!(t.store.selling_points_without_clip(&draft, 9).await.unwrap().is_empty(), "asked for");
        let newer = StageVersion::new("cut.draft/2");
        assert_eq!(
            t.store.selling_points_without_clip(&newer, 9).await.unwrap().len(),
            1,
            "not by the new one"
        );

        let made = testing::clip(&point);
        let mut tx = t.store.begin().await.unwrap();
        clips::insert_clip(&mut tx, &made, &draft).await.unwrap();
        tx.commit().await.unwrap();
        assert!(t.store.selling_points_without_clip(&newer, 9).await.unwrap().is_empty(), "done");
        assert_eq!(t.store.clip_made_by(made.id).await.unwrap(), Some(draft.clone()));
        let mut tx = t.store.begin().await.unwrap();
        assert!(
            duplicate(clips::insert_clip(&mut tx, &testing::clip(&point), &newer).await),
            "never a second"
        );
        drop(tx);

        assert_eq!(t.store.clips_without_exact(&exact, 9).await.unwrap(), std::slice::from_ref(&made));
        let mut tx = t.store.begin().await.unwrap();
        clips::set_exact(&mut tx, made.id, "clips/x/exact.mp4", &exact).await.unwrap();
        assert!(duplicate(clips::set_exact(&mut tx, made.id, "clips/y/exact.mp4", &exact).await));
        tx.commit().await.unwrap();
        assert!(t.store.clips_without_exact(&exact, 9).await.unwrap().is_empty());
        let stored = t.store.clip(made.id).await.unwrap().unwrap();
        assert_eq!(stored, Clip { exact_path: Some("clips/x/exact.mp4".to_owned()), ..made.clone() });

        assert_eq!(t.store.clips_without_remix(&render, 9).await.unwrap().len(), 1);
        let old = remix(&t.store, &made, "render/0", NOW).await;
        assert_eq!(
            t.store.clips_without_remix(&render, 9).await.unwrap().len(),
            1,
            "made by another version"
        );
        let new = remix(&t.store, &made, "render/1", NOW.plus_millis(1)).await;
        assert!(t.store.clips_without_remix(&render, 9).await.unwrap().is_empty());
        assert_eq!(t.store.remix_of(made.id).await.unwrap(), Some(new.clone()), "the newest");
        assert_eq!(t.store.remix(old.id).await.unwrap(), Some(old.clone()));
        let mut tx = t.store.begin().await.unwrap();
        assert!(duplicate(remixes::insert_remix(&mut tx, &testing::remix(&made, "render/1")).await));
        drop(tx);
        assert_eq!(t.store.remixes_without_post("folder", 9).await.unwrap(), [old.clone(), new.clone()]);
        let mut tx = t.store.begin().await.unwrap();
        posts::insert_post(&mut tx, &testing::post(&old, "folder", NOW)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(t.store.remixes_without_post("folder", 9).await.unwrap(), [new]);
        assert_eq!(t.store.remixes_without_post("shop", 9).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn clips_are_paged_newest_first() {
    on_each(async |t| {
        let (r, _) = live(&t.store, "a").await;
        for seq in 0..5 {
            clip(&t.store, r.id, seq).await;
        }
        let all = t.store.clips(10, None).await.unwrap();
        assert!(all.windows(2).all(|w| w[0].id > w[1].id) && all.len() == 5);
        let first = t.store.clips(2, None).await.unwrap();
        let second = t.store.clips(2, Some(first[1].id)).await.unwrap();
        let third = t.store.clips(2, Some(second[1].id)).await.unwrap();
        assert_eq!([first, second, third].concat(), all);
        let by_time = t.store.clips_of(r.id).await.unwrap();
        assert!(by_time.windows(2).all(|w| w[0].span.start() < w[1].span.start()) && by_time.len() == 5);
        assert_eq!(t.store.clip_counts().await.unwrap(), [(Label::Fabric, 5)]);
        assert_eq!(t.store.clip_latencies_ms(3).await.unwrap(), [12_000; 3]);
    })
    .await;
}

#[tokio::test]
async fn a_post_goes_its_way_and_leaves_a_trail() {
    on_each(async |t| {
        let (r, _) = live(&t.store, "a").await;
        let clip = clip(&t.store, r.id, 0).await;
        let remix = remix(&t.store, &clip, "render/1", NOW).await;
        let slot = NOW.plus_millis(60_000);
        let post = testing::post(&remix, "folder", slot);
        assert_eq!(t.store.last_slot("folder").await.unwrap(), None);
        let mut tx = t.store.begin().await.unwrap();
        posts::insert_post(&mut tx, &post).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        assert!(duplicate(posts::insert_post(&mut tx, &testing::post(&remix, "folder", slot)).await));
        drop(tx);
        assert_eq!(t.store.last_slot("folder").await.unwrap(), Some(slot));
        assert!(t.store.posts_due(slot.plus_millis(-1), 9).await.unwrap().is_empty());
        assert_eq!(t.store.posts_due(slot, 9).await.unwrap(), std::slice::from_ref(&post));

        let step = async |event: E, detail: Option<&str>, reference: Option<&str>| {
            let mut tx = t.store.begin().await.unwrap();
            let done = posts::apply_post_event(&mut tx, post.id, &event, slot, detail, reference).await;
            if done.is_ok() {
                tx.commit().await.unwrap();
            }
            done
        };
        assert_eq!(step(E::Begin, None, None).await.unwrap(), S::Publishing);
        assert!(matches!(step(E::Begin, None, None).await, Err(StoreError::Transition { .. })));
        let later = slot.plus_millis(30_000);
        let mut tx = t.store.begin().await.unwrap();
        assert!(!posts::reschedule_post(&mut tx, post.id, later).await.unwrap(), "not while publishing");
        drop(tx);
        assert_eq!(step(E::RefusedForNow, Some("too many"), None).await.unwrap(), S::Planned);
        assert_eq!(t.store.post(post.id).await.unwrap().unwrap().last_error.as_deref(), Some("too many"));
        let mut tx = t.store.begin().await.unwrap();
        assert!(posts::reschedule_post(&mut tx, post.id, later).await.unwrap());
        tx.commit().await.unwrap();
        step(E::Begin, None, None).await.unwrap();
        assert_eq!(step(E::NoAnswer, Some("timed out"), None).await.unwrap(), S::OutcomeUnknown);
        assert_eq!(t.store.posts_in_state(S::OutcomeUnknown, 9).await.unwrap().len(), 1);
        assert_eq!(step(E::FoundThere, None, Some("clip-0.mp4")).await.unwrap(), S::Live);
        let live = t.store.post(post.id).await.unwrap().unwrap();
        assert_eq!(
            (live.due_at, live.reference.as_deref(), live.last_error, live.published_at),
            (later, Some("clip-0.mp4"), None, Some(slot))
        );
        assert_eq!(t.store.post_count(S::Live).await.unwrap(), 1);
        assert_eq!(t.store.posts_of(remix.id).await.unwrap(), t.store.posts(9).await.unwrap());
        let trail = t.store.audit_of(&post.id.to_string()).await.unwrap();
        let actions: Vec<&str> = trail.iter().map(|l| l.action.as_str()).collect();
        assert_eq!(
            actions,
            ["post.begin", "post.refused_for_now", "post.begin", "post.no_answer", "post.found_there"]
        );
        assert_eq!(trail[3].detail.as_deref(), Some("timed out"));
    })
    .await;
}

#[tokio::test]
async fn the_change_mark_moves_with_every_change_and_only_then() {
    on_each(async |t| {
        let mut before = t.store.change_mark().await.unwrap();
        assert_eq!(before, clipmill_store::changes::ChangeMark::default());
        let (r, epoch) = live(&t.store, "a").await;
        let mut expect = async |names: &[&str]| {
            let after = t.store.change_mark().await.unwrap();
            assert_eq!(after.changed_since(&before), names);
            before = after;
        };
        expect(&["recordings", "sources"]).await;
        let clip = clip(&t.store, r.id, 0).await;
        expect(&["clips"]).await;
        let mut tx = t.store.begin().await.unwrap();
        clips::set_exact(&mut tx, clip.id, "clips/x", &StageVersion::new("e/1")).await.unwrap();
        recordings::insert_part(&mut tx, &testing::part(&epoch, 0, seconds(0.0, 2.0))).await.unwrap();
        tx.commit().await.unwrap();
        expect(&["clips"]).await;
        let remix = remix(&t.store, &clip, "r/1", NOW).await;
        let post = testing::post(&remix, "folder", NOW);
        let mut tx = t.store.begin().await.unwrap();
        posts::insert_post(&mut tx, &post).await.unwrap();
        tx.commit().await.unwrap();
        expect(&["remixes", "posts"]).await;
        let mut tx = t.store.begin().await.unwrap();
        posts::apply_post_event(&mut tx, post.id, &E::Begin, NOW, None, None).await.unwrap();
        recordings::end_recording(&mut tx, r.id, NOW, EndReason::Finished).await.unwrap();
        sources::set_source_enabled(&mut tx, r.source_id, false).await.unwrap();
        tx.commit().await.unwrap();
        expect(&["posts", "recordings", "sources"]).await;
        let mut tx = t.store.begin().await.unwrap();
        audit(&mut tx, NOW, "operator", "look", "x", None).await.unwrap();
        tx.commit().await.unwrap();
        expect(&[]).await;
    })
    .await;
}

#[tokio::test]
async fn processes_are_alive_while_they_beat() {
    on_each(async |t| {
        let beat = async |role: &str, instance: &str, pid, at| {
            t.store.beat(role, instance, pid, &serde_json::json!({"jobs": 3}), at).await.unwrap();
        };
        beat("work", "w1", 10, NOW).await;
        beat("record", "r1", 11, NOW.plus_millis(1_000)).await;
        beat("work", "w1", 10, NOW.plus_millis(50_000)).await;
        let alive = t.store.processes(NOW.plus_millis(61_001)).await.unwrap();
        assert_eq!(alive.iter().map(|p| p.instance.as_str()).collect::<Vec<_>>(), ["w1"]);
        assert_eq!((alive[0].started_at, alive[0].beat_at), (NOW, NOW.plus_millis(50_000)));
        assert_eq!(alive[0].status["jobs"], 3);
        let both = t.store.processes(NOW.plus_millis(60_000)).await.unwrap();
        assert_eq!(both.iter().map(|p| p.role.as_str()).collect::<Vec<_>>(), ["record", "work"]);
        beat("work", "w2", 12, NOW.plus_millis(90_000_000)).await;
        assert_eq!(t.store.processes(NOW).await.unwrap().len(), 1, "the dead of yesterday are forgotten");
    })
    .await;
}
