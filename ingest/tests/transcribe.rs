//! The transcriber over a real recording, with ears that count: each beep is a word.

#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use clipmill_domain::{
    MediaTime, RecordingId, Span,
    sound::{CURVE_MICROS, PartCurves},
};
use clipmill_ingest::{
    record::RecordConfig,
    transcribe::{NAME, Transcriber},
};
use clipmill_store::Store;
use clipmill_worker::Engine;
use support::{
    Bench,
    beeps::{Counter, Loudness, film},
    until,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

fn transcriber(fail_at: usize) -> Transcriber {
    let ears = Arc::new(Counter::failing_at(fail_at));
    Transcriber::new(ears, Arc::new(|| Ok(Box::new(Loudness::default()))), Arc::new(Semaphore::new(1)))
}

/// Runs an engine with only the transcriber until `enough`, then ends it as a crash would.
async fn hear(store: &Store, fail_at: usize, enough: impl AsyncFn() -> bool) {
    let engine = Engine::builder().follower(transcriber(fail_at)).build();
    let stop = CancellationToken::new();
    let task = tokio::spawn(engine.run(store.clone(), stop.clone()));
    until("the transcript grows", 20, enough).await;
    task.abort();
    let _ = task.await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_word_is_written_once_with_its_true_time_across_failures_and_restarts() {
    let bench = Bench::start(RecordConfig::default()).await;
    let media = bench.dir().join("beeps.mp4");
    film(&media, 18, "if(lt(mod(t,1.5),0.5),0.5*sin(2*PI*(300+100*floor(t/1.5))*t),0)");
    bench.add_pull("beeps", &format!("file://{media}")).await;
    let store = bench.store().clone();
    until("it is recorded", 15, async || {
        store.recordings(1).await.unwrap().first().is_some_and(|r| r.ended_at.is_some())
    })
    .await;
    let rec = store.recordings(1).await.unwrap()[0].clone();

    // Some of it, then the process dies; some more, with a failure on the way; then the rest.
    hear(&store, usize::MAX, async || store.utterances(rec.id).await.unwrap().len() >= 3).await;
    hear(&store, 2, async || store.utterances(rec.id).await.unwrap().len() >= 8).await;
    hear(&store, usize::MAX, async || store.follower_done(rec.id, NAME).await.unwrap()).await;

    let all = store.utterances(rec.id).await.unwrap();
    let said: Vec<String> = all.iter().map(|u| u.text.clone()).collect();
    let want: Vec<String> = (3..15).map(|n| format!("b{n}")).collect();
    assert_eq!(said, want);
    for ((i, u), seq) in all.iter().enumerate().zip(0i64..) {
        #[expect(clippy::cast_precision_loss)]
        let start = i as f64 * 1.5;
        assert_eq!(u.seq, seq);
        assert!((u.span.start().as_seconds() - start).abs() < 0.08, "{i}: {}", u.span);
        assert!((u.span.end().as_seconds() - start - 0.5).abs() < 0.12, "{i}: {}", u.span);
        assert_eq!((u.words.len(), u.made_by.as_str()), (1, "counter/1"));
    }
    assert!(all.windows(2).all(|w| w[0].span.end() <= w[1].span.start()));
    curves_of_the_beeps(&store, rec.id).await;
    bench.stop().await;
}

/// Each tenth of a second has one point, whatever died on the way, and beeps are where and what they are.
async fn curves_of_the_beeps(store: &Store, recording: RecordingId) {
    let span = Span::new(MediaTime::ZERO, MediaTime::from_seconds(99.0)).unwrap();
    let mut points = vec![];
    let parts = |part: PartCurves| {
        let first = part.start.as_micros() / CURVE_MICROS;
        let values = part.curves.energy_db.into_iter().zip(part.curves.pitch_hz);
        points.extend((first..).zip(values));
    };
    store.sound_curves_in(recording, span, parts).await.unwrap();
    let numbers: Vec<i64> = points.iter().map(|(n, _)| *n).collect();
    assert!((179..=181).contains(&numbers.len()), "{}", numbers.len());
    assert_eq!(numbers, (0..i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    for (n, (energy, pitch)) in &points[..179] {
        match n % 15 {
            1..=3 => {
                assert!(energy.unwrap() > -12.0, "point {n}: {energy:?}");
                let hertz = f32::from(i16::try_from(300 + 100 * (n / 15)).unwrap());
                if hertz <= 450.0 {
                    assert!((pitch.unwrap() / hertz - 1.0).abs() < 0.02, "point {n}: {pitch:?}, not {hertz}");
                }
            }
            6..=13 => assert_eq!((energy.unwrap() < -50.0, *pitch), (true, None), "point {n}: {energy:?}"),
            _ => {}
        }
    }
}
