//! The curves of the sound: kept once, read by range.

use clipmill_domain::{
    MediaTime, RecordingId,
    sound::{CURVE_MICROS, Curves, PartCurves},
};
use clipmill_store::{
    check::{CheckOptions, Problem, check},
    curves::insert_sound_curves,
    recordings, sources,
    testing::{self, NOW, TestStore, on_each, seconds},
};

/// Two seconds of which the second half is missing.
fn part(recording_id: RecordingId, part_seq: i64) -> PartCurves {
    let half = |value: f32| (0..20).map(|i| (i < 10).then_some(value)).collect::<Vec<_>>();
    PartCurves {
        recording_id,
        part_seq,
        start: MediaTime::from_micros(part_seq * 20 * CURVE_MICROS),
        curves: Curves {
            peaks: (0..100).map(|i| (i < 50).then_some(i)).collect(),
            energy_db: half(-23.4),
            loudness_lufs: half(-21.0),
            pitch_hz: half(211.3),
        },
    }
}

async fn filled(t: &TestStore, parts: std::ops::Range<i64>) -> RecordingId {
    let mut tx = t.store.begin().await.unwrap();
    let source = sources::add_source(&mut tx, &testing::new_source("a")).await.unwrap();
    let recording = testing::recording(source.id);
    recordings::insert_recording(&mut tx, &recording).await.unwrap();
    let rows: Vec<PartCurves> = parts.map(|seq| part(recording.id, seq)).collect();
    insert_sound_curves(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    recording.id
}

async fn in_span(t: &TestStore, recording: RecordingId, from: f64, to: f64) -> Vec<PartCurves> {
    let mut all = vec![];
    t.store.sound_curves_in(recording, seconds(from, to), |part| all.push(part)).await.unwrap();
    all
}

#[tokio::test]
async fn curves_come_back_as_they_were_and_a_part_heard_again_changes_nothing() {
    on_each(async |t| {
        let recording = filled(t, 0..3).await;
        let mut again = part(recording, 1);
        again.curves.loudness_lufs[0] = None;
        let mut tx = t.store.begin().await.unwrap();
        insert_sound_curves(&mut tx, &[again, part(recording, 3)]).await.unwrap();
        tx.commit().await.unwrap();
        let want: Vec<PartCurves> = (0..4).map(|seq| part(recording, seq)).collect();
        assert_eq!(in_span(t, recording, 0.0, 99.0).await, want);
        let strict = CheckOptions { deep: true, in_flight_millis: -1, now: NOW };
        assert_eq!(check(&t.store, &strict).await.unwrap().problems, []);
        t.damage("DELETE FROM recordings").await;
        let problems = check(&t.store, &strict).await.unwrap().problems;
        let lost =
            problems.iter().filter(|p| matches!(p, Problem::Dangling { row } if row.contains("sound")));
        assert_eq!(lost.count(), 1, "{problems:?}");
    })
    .await;
}

#[tokio::test]
async fn a_range_gives_the_parts_that_touch_it_however_many() {
    on_each(async |t| {
        let recording = filled(t, 5..455).await;
        let seqs = async |from, to| -> Vec<i64> {
            in_span(t, recording, from, to).await.iter().map(|p| p.part_seq).collect()
        };
        assert_eq!(t.store.sound_end(recording).await.unwrap(), Some(MediaTime::from_seconds(910.0)));
        assert_eq!(seqs(14.0, 16.1).await, [7, 8]);
        assert_eq!(seqs(15.9, 16.0).await, [7]);
        assert!(seqs(0.0, 10.0).await.is_empty());
        assert_eq!(seqs(0.0, 10.1).await, [5]);
        assert_eq!(seqs(0.0, 9999.0).await, (5..455).collect::<Vec<_>>());
    })
    .await;
}
