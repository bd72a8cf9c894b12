//! The library and the check: whole files, rows after files, and every mismatch found.

use std::collections::BTreeSet;

use clipmill_domain::{WallTime, recording::EndReason};
use clipmill_store::{
    Artifact, Store, StoreError,
    check::{CheckOptions, CheckReport, Problem, check, sweep_leftovers},
    clips,
    library::{insert_artifact, mark_garbage},
    posts, recordings, remixes, segments, sources,
    testing::{self, NOW, TestStore, on_each, seconds},
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use sha2::{Digest, Sha256};

async fn checked(store: &Store, deep: bool) -> CheckReport {
    let options = CheckOptions { deep, in_flight_millis: 0, now: far() };
    check(store, &options).await.unwrap()
}

/// A time that makes every file old.
fn far() -> WallTime {
    WallTime::from_millis(4_000_000_000_000)
}

#[tokio::test]
async fn a_published_file_is_there_with_its_length_and_hash() {
    let t = TestStore::sqlite().await;
    let library = t.store.library();
    let content = b"a small film".repeat(1000);
    let temp = library.temp_path("film.mp4");
    assert!(temp.starts_with(library.temp_dir()) && temp.as_str().ends_with("film.mp4"));
    std::fs::write(&temp, &content).unwrap();
    assert_eq!(library.publish_file(&temp, "clips/a/film.mp4").await.unwrap(), 12_000);
    assert!(!temp.exists());
    assert_eq!(library.size("clips/a/film.mp4").await.unwrap(), Some(12_000));
    assert_eq!(library.hash("clips/a/film.mp4").await.unwrap(), hex::encode(Sha256::digest(&content)));
    assert_eq!(std::fs::read(library.local_path("clips/a/film.mp4").unwrap()).unwrap(), content);
    assert!(!library.exists("clips/a/other.mp4").await.unwrap());
    assert!(library.make_dir("recordings/r").await.unwrap().is_dir());
    let free = library.free_bytes().unwrap();
    assert!(free > 0 && free < 1 << 60);

    let nothing = library.publish_file(&library.temp_path("no"), "clips/a/no.mp4").await.unwrap_err();
    assert!(nothing.to_string().contains("-no"), "{nothing}");
    t.remove().await;
}

#[tokio::test]
async fn no_path_leads_out_of_the_library() {
    let t = TestStore::sqlite().await;
    for path in [
        "",
        "/etc/passwd",
        "..",
        "clips/../../x",
        "clips/./x",
        "./x",
        "clips//x",
        "clips/",
        "a\\b",
        "a\0b",
        "a%2fb",
    ] {
        let local = t.store.library().local_path(path);
        assert!(matches!(local, Err(StoreError::BadPath { .. })), "{path:?}");
        assert!(t.store.library().size(path).await.is_err(), "{path:?}");
        let mut tx = t.store.begin().await.unwrap();
        assert!(mark_garbage(&mut tx, path, "x", NOW).await.is_err(), "{path:?}");
    }
    assert!(t.store.library().local_path("recordings/0199/000001.m4s.part").is_ok());
    t.remove().await;
}

#[tokio::test]
async fn the_row_comes_after_the_file() {
    on_each(async |t| {
        let row = |bytes| Artifact {
            path: "clips/a/draft.mp4".to_owned(),
            kind: "clip.draft".to_owned(),
            bytes,
            sha256: "00".to_owned(),
            owner: "a".to_owned(),
            created_at: NOW,
        };
        let mut tx = t.store.begin().await.unwrap();
        let early = insert_artifact(&mut tx, &row(3)).await.unwrap_err().to_string();
        assert!(early.contains("publish the file before its row"), "{early}");
        drop(tx);
        testing::publish(&t.store, "clips/a/draft.mp4", b"abc").await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        assert!(insert_artifact(&mut tx, &row(4)).await.is_err());
        insert_artifact(&mut tx, &row(3)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(t.store.artifact("clips/a/draft.mp4").await.unwrap(), Some(row(3)));
        assert_eq!(t.store.artifacts_of("a").await.unwrap(), [row(3)]);
        assert_eq!(t.store.artifact("clips/a/other.mp4").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn stages_hand_files_over() {
    on_each(async |t| {
        let source = testing::new_source("studio");
        let recording = testing::recording(source.id);
        let epochs = [0.0, 100.0].into_iter().zip(0..).map(|(at, seq)| {
            let media_start = seconds(at, at + 1.0).start();
            clipmill_domain::recording::Epoch { media_start, ..testing::epoch(recording.id, seq) }
        });
        let epochs: Vec<_> = epochs.collect();
        let parts: Vec<_> = [(0, 0.0), (0, 2.0), (1, 100.0)]
            .into_iter()
            .zip(0..)
            .map(|((epoch, at), seq)| testing::part(&epochs[epoch], seq, seconds(at, at + 2.0)))
            .collect();
        let temp = t.store.library().temp_path("draft.mp4");
        std::fs::write(&temp, b"abc").unwrap();
        let library = t.store.library();
        let made =
            library.publish_artifact(&temp, "clips/a/draft.mp4", "clip.draft", "a", NOW).await.unwrap();
        assert_eq!((made.bytes, made.sha256.as_str()), (3, hex::encode(Sha256::digest(b"abc")).as_str()));

        let mut tx = t.store.begin().await.unwrap();
        sources::add_source(&mut tx, &source).await.unwrap();
        recordings::insert_recording(&mut tx, &recording).await.unwrap();
        for epoch in &epochs {
            recordings::insert_epoch(&mut tx, epoch).await.unwrap();
        }
        for part in &parts {
            recordings::insert_part(&mut tx, part).await.unwrap();
        }
        insert_artifact(&mut tx, &made).await.unwrap();
        tx.commit().await.unwrap();
        let handed = t.store.media_parts(recording.id, seconds(3.0, 101.0)).await.unwrap();
        let of = |i: usize, epoch: usize, offset_us| clipmill_domain::recording::MediaPart {
            path: library.local_path(&parts[i].path).unwrap().into(),
            init_path: library.local_path(&epochs[epoch].init_path).unwrap().into(),
            offset_us,
            span: parts[i].span,
        };
        assert_eq!(handed, [of(1, 0, 0), of(2, 1, 100_000_000)]);
    })
    .await;
}

#[tokio::test]
async fn garbage_goes_with_its_row_and_is_swept() {
    on_each(async |t| {
        let mut tx = t.store.begin().await.unwrap();
        testing::artifact(&mut tx, "clips/a/draft.mp4", "a", b"abc").await.unwrap();
        testing::artifact(&mut tx, "clips/a/thumb.jpg", "a", b"abcd").await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = t.store.begin().await.unwrap();
        mark_garbage(&mut tx, "clips/a/draft.mp4", "retention", NOW).await.unwrap();
        mark_garbage(&mut tx, "clips/a/draft.mp4", "again", NOW).await.unwrap();
        mark_garbage(&mut tx, "clips/gone/x.mp4", "never was", NOW).await.unwrap();
        tx.commit().await.unwrap();
        let before = checked(&t.store, false).await;
        assert!(before.is_clean() && before.garbage == 2, "{before:?}");
        assert_eq!(t.store.sweep_garbage(10).await.unwrap(), 2);
        assert_eq!(t.store.sweep_garbage(10).await.unwrap(), 0);
        assert!(!t.store.library().exists("clips/a/draft.mp4").await.unwrap());
        assert!(t.store.library().exists("clips/a/thumb.jpg").await.unwrap());
        let after = checked(&t.store, true).await;
        assert!(after.is_clean() && after.files == 1 && after.hashed == 1 && after.garbage == 0, "{after:?}");
    })
    .await;
}

#[tokio::test]
async fn old_temporary_files_are_swept_and_young_ones_kept() {
    let t = TestStore::sqlite().await;
    let library = t.store.library();
    std::fs::write(library.temp_path("a"), "x").unwrap();
    std::fs::create_dir(library.temp_path("b")).unwrap();
    assert_eq!(library.sweep_temp(std::time::Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(library.sweep_temp(std::time::Duration::ZERO).await.unwrap(), 2);
    assert_eq!(std::fs::read_dir(library.temp_dir()).unwrap().count(), 0);
    t.remove().await;
}

/// What a whole road leaves behind: one recording of `parts` parts and `clips` clips with remixes.
async fn whole(t: &TestStore, parts: i64, clip_count: i64) -> (Vec<String>, Vec<String>) {
    let source = testing::new_source("studio");
    let recording = testing::recording(source.id);
    let epoch = testing::epoch(recording.id, 0);
    let (mut part_paths, mut artifact_paths) = (Vec::new(), Vec::new());
    testing::publish(&t.store, &epoch.init_path, b"init").await.unwrap();
    let mut tx = t.store.begin().await.unwrap();
    sources::add_source(&mut tx, &source).await.unwrap();
    recordings::insert_recording(&mut tx, &recording).await.unwrap();
    recordings::insert_epoch(&mut tx, &epoch).await.unwrap();
    for seq in 0..parts {
        let at = f64::from(i32::try_from(seq).unwrap());
        let part = testing::part(&epoch, seq, seconds(at, at + 1.0));
        testing::publish(&t.store, &part.path, b"part").await.unwrap();
        recordings::insert_part(&mut tx, &part).await.unwrap();
        part_paths.push(part.path);
    }
    recordings::end_recording(&mut tx, recording.id, NOW, EndReason::Finished).await.unwrap();
    for seq in 0..clip_count {
        let segment = testing::segment(recording.id, seq, seconds(0.0, 8.0));
        let point = testing::selling_point(&segment);
        let clip = testing::clip(&point);
        let remix = testing::remix(&clip, "r/1");
        segments::insert_segment(&mut tx, &segment).await.unwrap();
        segments::insert_selling_point(&mut tx, &point).await.unwrap();
        for path in [&clip.draft_path, &clip.thumbnail_path, &remix.path] {
            testing::artifact(&mut tx, path, &clip.id.to_string(), path.as_bytes()).await.unwrap();
            artifact_paths.push(path.clone());
        }
        clips::insert_clip(&mut tx, &clip, &"c/1".into_version()).await.unwrap();
        remixes::insert_remix(&mut tx, &remix).await.unwrap();
        posts::insert_post(&mut tx, &testing::post(&remix, "folder", NOW)).await.unwrap();
    }
    tx.commit().await.unwrap();
    (part_paths, artifact_paths)
}

trait IntoVersion {
    fn into_version(self) -> clipmill_domain::provenance::StageVersion;
}

impl IntoVersion for &str {
    fn into_version(self) -> clipmill_domain::provenance::StageVersion {
        clipmill_domain::provenance::StageVersion::new(self)
    }
}

/// One way to spoil a library file.
#[derive(Debug, Clone, Copy)]
enum Harm {
    None,
    Delete,
    Truncate,
    Grow,
    Flip,
}

/// Every planted mismatch is found, by name, and nothing else is.
#[tokio::test]
async fn a_check_finds_exactly_what_was_planted() {
    on_each(async |t| {
        let (parts, artifacts) = whole(t, 3, 2).await;
        let clean = checked(&t.store, true).await;
        assert_eq!(clean.problems, []);
        assert_eq!((clean.files, clean.rows, clean.hashed), (10, 10, 6));

        let paths: Vec<String> = parts.iter().chain(&artifacts).cloned().collect();
        let content: Vec<Vec<u8>> =
            paths.iter().map(|p| std::fs::read(t.store.library().local_path(p).unwrap()).unwrap()).collect();
        let harm = prop_oneof![
            4 => Just(Harm::None), 1 => Just(Harm::Delete), 1 => Just(Harm::Truncate), 1 => Just(Harm::Grow),
            1 => Just(Harm::Flip)
        ];
        let strategy = (prop::collection::vec(harm, paths.len()), 0usize..3);
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
        for _ in 0..12 {
            let (harms, orphans) = strategy.new_tree(&mut runner).unwrap().current();
            let mut expected = BTreeSet::new();
            for ((path, whole), harm) in paths.iter().zip(&content).zip(&harms) {
                let file = t.store.library().local_path(path).unwrap();
                let mut bytes = whole.clone();
                match harm {
                    Harm::None => {}
                    Harm::Delete => {
                        std::fs::remove_file(&file).unwrap();
                        expected.insert(("missing", path.clone()));
                        continue;
                    }
                    Harm::Truncate => {
                        bytes.pop();
                        expected.insert(("size", path.clone()));
                    }
                    Harm::Grow => {
                        bytes.push(b'!');
                        expected.insert(("size", path.clone()));
                    }
                    // Only artifacts have a hash on record.
                    Harm::Flip => bytes[0] ^= 1,
                }
                let hashed = artifacts.contains(path) && !matches!(harm, Harm::None);
                if hashed {
                    expected.insert(("hash", path.clone()));
                }
                std::fs::write(&file, bytes).unwrap();
            }
            for n in 0..orphans {
                let path = format!("clips/nobody/{n}.mp4");
                testing::publish(&t.store, &path, b"orphan").await.unwrap();
                expected.insert(("orphan", path));
            }
            let found = |report: &CheckReport| -> BTreeSet<(&str, String)> {
                let list = report.problems.iter().map(|p| match p {
                    Problem::Missing { path, .. } => ("missing", path.clone()),
                    Problem::WrongSize { path, .. } => ("size", path.clone()),
                    Problem::WrongHash { path, .. } => ("hash", path.clone()),
                    Problem::Orphan { path, .. } => ("orphan", path.clone()),
                    other => panic!("not planted: {other}"),
                });
                list.collect()
            };
            assert_eq!(found(&checked(&t.store, true).await), expected, "{harms:?}");
            expected.retain(|(kind, _)| *kind != "hash");
            assert_eq!(found(&checked(&t.store, false).await), expected, "{harms:?}");
            assert_eq!(sweep_leftovers(&t.store, 0, far()).await.unwrap(), orphans as u64);
            for (path, whole) in paths.iter().zip(&content) {
                testing::publish(&t.store, path, whole).await.unwrap();
            }
            assert_eq!(checked(&t.store, true).await.problems, []);
        }
    })
    .await;
}

#[tokio::test]
async fn a_check_finds_damaged_rows() {
    on_each(async |t| {
        let (parts, artifacts) = whole(t, 4, 2).await;
        let damages = [
            "DELETE FROM parts WHERE seq = 1",
            "UPDATE parts SET start_us = 0 WHERE seq = 3",
            "DELETE FROM selling_points WHERE id = (SELECT MIN(id) FROM selling_points)",
            "UPDATE posts SET state = 'live' WHERE id = (SELECT MIN(id) FROM posts)",
        ];
        for damage in damages {
            t.damage(damage).await;
        }
        let draft = artifacts.iter().find(|a| a.ends_with("draft.mp4")).unwrap();
        let mut tx = t.store.begin().await.unwrap();
        mark_garbage(&mut tx, draft, "by mistake", NOW).await.unwrap();
        tx.commit().await.unwrap();
        t.damage("UPDATE epochs SET init_path = (SELECT path FROM artifacts ORDER BY path LIMIT 1)").await;

        let report = checked(&t.store, false).await;
        let said = report.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for part in [
            "parts of recording",
            "number 2 where 1 should be",
            "part 3 begins before the part before it",
            ": its parent is gone",
            "live without a reference",
            "shows it, but it is no artifact",
            "claimed by",
            parts[1].as_str(),
            "-init.mp4: 4 bytes that no row names",
        ] {
            assert!(said.contains(part), "{part} is not in:\n{said}");
        }
        assert_eq!(report.problems.len(), 8, "{said}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["problems"][0]["problem"].as_str().map(str::is_empty), Some(false));
    })
    .await;
}

#[tokio::test]
async fn what_a_recorder_is_writing_and_what_is_young_is_no_problem() {
    on_each(async |t| {
        let source = testing::new_source("studio");
        let live = testing::recording(source.id);
        let mut tx = t.store.begin().await.unwrap();
        sources::add_source(&mut tx, &source).await.unwrap();
        recordings::insert_recording(&mut tx, &live).await.unwrap();
        tx.commit().await.unwrap();
        let writing = format!("recordings/{}/000000.m4s.part", live.id);
        testing::publish(&t.store, &writing, b"half").await.unwrap();
        testing::publish(&t.store, "clips/new/draft.mp4", b"young").await.unwrap();
        let now = WallTime::from_millis(
            i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap(),
        );
        let report = check(&t.store, &CheckOptions::at(now)).await.unwrap();
        assert!(report.is_clean() && report.in_flight == 2, "{report:?}");
        assert_eq!(sweep_leftovers(&t.store, 60_000, now).await.unwrap(), 0);
        let later = checked(&t.store, false).await;
        assert_eq!(later.problems, [Problem::Orphan { path: "clips/new/draft.mp4".to_owned(), bytes: 5 }]);

        let mut tx = t.store.begin().await.unwrap();
        recordings::end_recording(&mut tx, live.id, NOW, EndReason::Crashed).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(checked(&t.store, false).await.problems.len(), 2, "nobody writes it any more");
        assert_eq!(sweep_leftovers(&t.store, 0, far()).await.unwrap(), 1);
        assert!(t.store.library().exists(&writing).await.unwrap(), "a recording is never swept");
    })
    .await;
}
