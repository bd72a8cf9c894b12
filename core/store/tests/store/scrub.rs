//! Scrub pictures: their rows, and their files under the check.

use clipmill_domain::MediaTime;
use clipmill_store::{
    StoreError,
    check::{CheckOptions, check},
    recordings,
    scrub::{ScrubPicture, insert_scrub_picture, remove_scrub_picture},
    sources,
    testing::{self, NOW, on_each},
};

#[tokio::test]
async fn a_picture_is_listed_served_once_and_goes_with_its_file() {
    on_each(async |t| {
        let mut tx = t.store.begin().await.unwrap();
        let source = sources::add_source(&mut tx, &testing::new_source("a")).await.unwrap();
        let recording = testing::recording(source.id);
        recordings::insert_recording(&mut tx, &recording).await.unwrap();
        tx.commit().await.unwrap();
        let picture = |part_seq: i64| ScrubPicture {
            recording_id: recording.id,
            part_seq,
            at: MediaTime::from_micros(part_seq * 2_000_000),
            path: ScrubPicture::path_of(recording.id, part_seq),
            bytes: 4,
        };
        for seq in [0, 5, 11] {
            testing::publish(&t.store, &picture(seq).path, b"jpeg").await.unwrap();
            let mut tx = t.store.begin().await.unwrap();
            insert_scrub_picture(&mut tx, &picture(seq)).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut tx = t.store.begin().await.unwrap();
        let twice = insert_scrub_picture(&mut tx, &picture(5)).await.unwrap_err();
        assert!(matches!(twice, StoreError::Duplicate { .. }), "{twice}");
        drop(tx);
        let after = async |seq, limit| t.store.scrub_pictures_after(recording.id, seq, limit).await.unwrap();
        assert_eq!(after(-1, 2).await, [picture(0), picture(5)]);
        assert_eq!(after(5, 9).await, [picture(11)]);
        assert_eq!(t.store.scrub_picture(recording.id, 5).await.unwrap(), Some(picture(5)));
        let strict = CheckOptions { deep: true, in_flight_millis: -1, now: NOW };
        assert_eq!(check(&t.store, &strict).await.unwrap().problems, []);

        let mut tx = t.store.begin().await.unwrap();
        remove_scrub_picture(&mut tx, recording.id, 5, "retention", NOW).await.unwrap();
        remove_scrub_picture(&mut tx, recording.id, 6, "there is none", NOW).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(t.store.scrub_picture(recording.id, 5).await.unwrap(), None);
        assert_eq!(t.store.sweep_garbage(10).await.unwrap(), 1);
        assert!(!t.store.library().exists(&picture(5).path).await.unwrap());
        assert_eq!(check(&t.store, &strict).await.unwrap().problems, []);
        assert_eq!(t.store.parts_removed(recording.id).await.unwrap(), 0);
    })
    .await;
}
