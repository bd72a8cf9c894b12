//! `kill -9` in the middle of publishing and committing: whole files, whole transactions, rows only after files.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use camino::Utf8PathBuf;
use clipmill_domain::WallTime;
use clipmill_store::{
    Store,
    audit::audit,
    check::{CheckOptions, Problem, check, sweep_leftovers},
    testing::{self, NOW, on_each},
};

const FAR: WallTime = WallTime::from_millis(4_000_000_000_000);

/// Publishes and commits until it is killed.
#[tokio::test]
#[ignore = "a child of whatever_moment_it_is_killed_the_store_is_whole"]
async fn child_publishes_for_ever() {
    let data = Utf8PathBuf::from(std::env::var("CHILD_DATA").unwrap());
    let name = std::env::var("CHILD_NAME").unwrap();
    let store = Store::open(&std::env::var("CHILD_URL").unwrap(), &data).await.unwrap();
    for round in 0..u32::MAX {
        let path = format!("clips/{name}-{round}/draft.mp4");
        let content = format!("{name}-{round};").repeat(20_000);
        // The same place again and again: at any time it holds none or a whole one of them.
        testing::publish(&store, "clips/same/place.mp4", content.as_bytes()).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        audit(&mut tx, NOW, "child", "begin", &path, None).await.unwrap();
        testing::artifact(&mut tx, &path, "child", content.as_bytes()).await.unwrap();
        audit(&mut tx, NOW, "child", "end", &path, None).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn whatever_moment_it_is_killed_the_store_is_whole() {
    on_each(async |t| {
        for round in 0..5u64 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["crash::child_publishes_for_ever", "--exact", "--ignored", "--quiet"])
                .env("CHILD_URL", &t.url)
                .env("CHILD_DATA", &t.data_dir)
                .env("CHILD_NAME", format!("k{round}"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            tokio::time::sleep(Duration::from_millis(150 + 37 * round)).await;
            child.kill().unwrap();
            assert!(!child.wait().unwrap().success(), "it would go on for ever");
        }
        let options = CheckOptions { deep: true, in_flight_millis: 0, now: FAR };
        let report = check(&t.store, &options).await.unwrap();
        assert!(report.hashed > 0, "the children got to work: {report:?}");
        assert!(
            report.problems.iter().all(|p| matches!(p, Problem::Orphan { .. })),
            "only files without rows, never rows without files: {:?}",
            report.problems
        );
        // One for each kill at most, and the place that is rewritten.
        assert!(report.problems.len() <= 6, "{:?}", report.problems);
        let same =
            std::fs::read_to_string(t.store.library().local_path("clips/same/place.mp4").unwrap()).unwrap();
        let unit = same.split_inclusive(';').next().unwrap();
        assert_eq!(same, unit.repeat(20_000), "a whole one");
        for artifact in t.store.artifacts_of("child").await.unwrap() {
            assert_eq!(t.store.audit_of(&artifact.path).await.unwrap().len(), 2, "{}", artifact.path);
        }
        sweep_leftovers(&t.store, 0, FAR).await.unwrap();
        assert!(check(&t.store, &options).await.unwrap().is_clean());
    })
    .await;
}
