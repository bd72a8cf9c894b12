//! Transcribing dies at every step, and is taken up again: the first time and when a recording is heard again.
//!
//! A step is dropped at its first wait, its second, and so on, with all that was in memory, until one gets through: before
//! its transaction, within it, at the commit, and after it. What is stored in the end must be what is stored when nothing
//! dies.

#[path = "support/mod.rs"]
mod support;

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use clipmill_domain::{
    EpochId, Id as _, PartId, RecordingId, Span, WallTime,
    recording::{EndReason, Recording},
    transcript::{Utterance, Word},
};
use clipmill_inference::asr::Recognizer;
use clipmill_ingest::{
    record::RecordConfig,
    transcribe::{NAME, Transcriber, name_of},
};
use clipmill_store::{
    Store,
    recordings::{end_recording, insert_epoch, insert_part, insert_recording},
    revisions::{self, Asked},
    utterances::rewrite_utterance,
};
use clipmill_worker::{Engine, FollowCtx, Follower as _, Progress, StageError, SystemClock};
use support::{
    Bench,
    beeps::{Counter, Loudness, film},
    now, until,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Beeps that are sentences, a tone longer than any chunk, so that a sentence is pending over several steps, beeps.
const SOUND: &str = "0.5*(between(t,10.3,22.7)*sin(2*PI*600*t)\
    +(lt(t,9)+gt(t,24))*lt(mod(t,1.5),0.5)*sin(2*PI*(300+100*floor(t/1.5))*t))";

fn transcriber() -> Transcriber {
    let ears = Arc::new(Counter::named("counter/1"));
    let maker = |name: &str| match name {
        "better" => Ok(Arc::new(Counter::named("counter/2")) as Arc<dyn Recognizer>),
        "other" => Ok(Arc::new(Counter::named("counter/3")) as Arc<dyn Recognizer>),
        name => Err(format!("there is no model {name}: fetch it")),
    };
    Transcriber::new(ears, Arc::new(|| Ok(Box::new(Loudness::default()))), Arc::new(Semaphore::new(1)))
        .hearing_again(Arc::new(maker))
}

/// `work`, dropped where it waits for the time of this number.
async fn dies_at<T>(wait: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        if polls > wait {
            return Poll::Ready(None);
        }
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Steps until nothing is left to do. `deaths`: dies at every wait of every step; answers how often it did.
async fn follow(store: &Store, id: RecordingId, revision: i64, deaths: bool) -> (Progress, usize) {
    let cx = FollowCtx::by_hand(store.clone(), CancellationToken::new(), Arc::new(SystemClock));
    let mut follower = transcriber();
    let (mut wait, mut died) = (1, 0);
    for _ in 0..5000 {
        let rec = store.recording(id).await.unwrap().unwrap();
        let before = store.follower(id, &name_of(revision)).await.unwrap();
        let step = dies_at(if deaths { wait } else { usize::MAX }, follower.step(&cx, &rec));
        match step.await {
            Some(Ok(Progress::Advanced)) => {}
            Some(Ok(end)) => return (end, died),
            // A transaction that was dropped while it was being committed may be committed behind our back: then this
            // attempt finds its numbers taken. It must not have written anything.
            Some(Err(StageError::Retry { .. })) if deaths => (follower, died) = (transcriber(), died + 1),
            None => (follower, died) = (transcriber(), died + 1),
            Some(Err(error)) => panic!("{error}"),
        }
        let moved = store.follower(id, &name_of(revision)).await.unwrap() != before;
        wait = if moved { 1 } else { wait + 1 };
    }
    panic!("it does not get through");
}

/// The recording of a film, and how long it took to be heard: nothing of it is.
async fn recorded(bench: &Bench) -> Recording {
    let media = bench.dir().join("film.mp4");
    film(&media, 27, SOUND);
    bench.add_pull("film", &format!("file://{media}")).await;
    let store = bench.store();
    let over = async || store.recordings(1).await.unwrap().first().is_some_and(|r| r.ended_at.is_some());
    until("it is recorded", 20, over).await;
    store.recordings(1).await.unwrap().remove(0)
}

/// The same media as `like`, in a live that begins, grows part by part, and ends; transcribed as it grows.
async fn live_again(bench: &Bench, like: &Recording, deaths: bool) -> (Vec<Utterance>, usize) {
    let (store, id) = (bench.store(), RecordingId::new_at(now()));
    // A file that is played in is no live.
    let live = Recording { id, source_id: bench.push_id(), ended_at: None, end_reason: None, ..like.clone() };
    let linked = |path: &str| {
        let new = path.replace(&like.id.to_string(), &id.to_string());
        assert!(new != path, "{path}");
        let (from, to) =
            (store.library().local_path(path).unwrap(), store.library().local_path(&new).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::hard_link(from, to).unwrap();
        new
    };
    let mut tx = store.begin().await.unwrap();
    insert_recording(&mut tx, &live).await.unwrap();
    let mut epoch = store.epochs(like.id).await.unwrap().remove(0);
    (epoch.id, epoch.recording_id, epoch.init_path) = (EpochId::new_at(now()), id, linked(&epoch.init_path));
    insert_epoch(&mut tx, &epoch).await.unwrap();
    tx.commit().await.unwrap();
    let mut died = 0;
    for mut part in store.parts(like.id).await.unwrap() {
        (part.id, part.recording_id, part.epoch_id) = (PartId::new_at(now()), id, epoch.id);
        part.path = linked(&part.path);
        let mut tx = store.begin().await.unwrap();
        insert_part(&mut tx, &part).await.unwrap();
        tx.commit().await.unwrap();
        let (progress, times) = follow(store, id, 0, deaths).await;
        assert_eq!(progress, Progress::Idle);
        died += times;
    }
    let mut tx = store.begin().await.unwrap();
    end_recording(&mut tx, id, now(), EndReason::Finished).await.unwrap();
    tx.commit().await.unwrap();
    let (progress, times) = follow(store, id, 0, deaths).await;
    assert_eq!(progress, Progress::Done);
    (store.utterances(id).await.unwrap(), died + times)
}

/// What must be the same however often it died.
type Told = (i64, Span, String, Vec<Word>, String, Option<WallTime>);

fn told(all: &[Utterance]) -> Vec<Told> {
    let one =
        |u: &Utterance| (u.seq, u.span, u.text.clone(), u.words.clone(), u.made_by.clone(), u.edited_at);
    all.iter().map(one).collect()
}

async fn ask(store: &Store, id: RecordingId, model: &str) -> i64 {
    let mut tx = store.begin().await.unwrap();
    let asked = Asked { model, by: "test", at: now(), transcriber: NAME, readers: &[] };
    let number = revisions::ask(&mut tx, id, asked).await.unwrap();
    tx.commit().await.unwrap();
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_and_a_revision_that_die_at_every_wait_lose_and_double_nothing() {
    let bench = Bench::start(RecordConfig::default()).await;
    let rec = recorded(&bench).await;
    let store = bench.store();

    let (want, _) = live_again(&bench, &rec, false).await;
    let words = want.iter().flat_map(|u| &u.words).map(|w| w.text.as_str()).collect::<Vec<_>>();
    assert_eq!(
        words,
        ["b3", "b4", "b5", "b6", "b7", "b8", "b6", "b6", "b6", "b6", "b19", "b20"],
        "{want:#?}"
    );
    let (got, died) = live_again(&bench, &rec, true).await;
    assert!(died > 60, "only {died} deaths");
    assert_eq!(told(&got), told(&want));

    // Heard again: the finished recording, first as it is, then with an edit to carry.
    assert_eq!(follow(store, rec.id, 0, false).await.0, Progress::Done);
    let first = store.utterances(rec.id).await.unwrap();
    assert!(first.iter().all(|u| u.made_by == "counter/1"));
    let edited = &first[2];
    let words = [Word { text: "五号".to_owned(), ..edited.words[0].clone() }];
    let mut tx = store.begin().await.unwrap();
    assert!(rewrite_utterance(&mut tx, edited.id, "五号", &words, Some(now())).await.unwrap());
    tx.commit().await.unwrap();

    let number = ask(store, rec.id, "better").await;
    assert!(!store.follower_done(rec.id, NAME).await.unwrap(), "the transcriber takes it up");
    assert_eq!(follow(store, rec.id, number, false).await.0, Progress::Done);
    let want = store.utterances(rec.id).await.unwrap();
    assert_eq!(want[2].text, "五号");
    assert_eq!(want.len(), first.len());
    for (u, before) in want.iter().zip(&first) {
        assert!(u.id != before.id);
        assert_eq!(u.made_by, if u.seq == 2 { "counter/1" } else { "counter/2" }, "{u:?}");
    }

    let number = ask(store, rec.id, "better").await;
    let (progress, died) = follow(store, rec.id, number, true).await;
    assert_eq!(progress, Progress::Done);
    assert!(died > 20, "only {died} deaths");
    assert_eq!(store.shown_revision(rec.id).await.unwrap(), 2);
    assert_eq!(told(&store.utterances(rec.id).await.unwrap()), told(&want));
    assert!(store.follower_done(rec.id, NAME).await.unwrap());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_makes_a_revision_and_says_why_it_cannot() {
    let bench = Bench::start(RecordConfig::default()).await;
    let rec = recorded(&bench).await;
    let store = bench.store();
    let engine = Engine::builder().follower(transcriber()).build();
    let stop = CancellationToken::new();
    let task = tokio::spawn(engine.run(store.clone(), stop.clone()));
    until("it is heard", 20, async || store.follower_done(rec.id, NAME).await.unwrap()).await;
    let first = store.utterances(rec.id).await.unwrap();

    let done = async || store.revision_in_making(rec.id).await.unwrap().is_none();
    ask(store, rec.id, "unheard-of").await;
    until("it is given up", 20, done).await;
    let failed = store.revisions(rec.id).await.unwrap().remove(0);
    assert!(failed.failed.unwrap().contains("there is no model unheard-of: fetch it"));
    assert_eq!(store.utterances(rec.id).await.unwrap(), first, "the transcript stays");
    assert!(store.follower_done(rec.id, NAME).await.unwrap());

    assert_eq!(ask(store, rec.id, "other").await, 2);
    until("it is heard again", 20, done).await;
    let again = store.utterances(rec.id).await.unwrap();
    assert!(again.iter().all(|u| u.made_by == "counter/3"));
    assert_eq!(again.len(), first.len());
    assert_eq!(store.shown_revision(rec.id).await.unwrap(), 2);
    stop.cancel();
    task.await.unwrap().unwrap();
    bench.stop().await;
}
