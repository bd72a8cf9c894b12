//! Many writers at once: nobody is told that the database is busy, and nothing is lost.

use clipmill_domain::JobId;
use clipmill_store::{
    Store,
    audit::audit,
    followers::{FollowerPos, set_follower},
    recordings, sources,
    testing::{self, NOW, on_each},
};

async fn write_three(store: &Store, subject: &str) {
    let mut tx = store.begin().await.unwrap();
    for action in ["one", "two", "three"] {
        audit(&mut tx, NOW, "test", action, subject, None).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_on_two_sets_of_connections_all_succeed() {
    on_each(async |t| {
        let other = t.open_again().await;
        let tasks: Vec<_> = (0..24)
            .map(|n| {
                let store = if n % 2 == 0 { t.store.clone() } else { other.clone() };
                tokio::spawn(async move {
                    for round in 0..8 {
                        write_three(&store, &format!("{n}-{round}")).await;
                        store.change_mark().await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        for n in 0..24 {
            for round in 0..8 {
                let lines = t.store.audit_of(&format!("{n}-{round}")).await.unwrap();
                let actions: Vec<&str> = lines.iter().map(|l| l.action.as_str()).collect();
                assert_eq!(actions, ["one", "two", "three"]);
            }
        }
        other.close().await;
    })
    .await;
}

/// Run in processes of its own by the test below; the place to write to comes in the environment.
#[tokio::test]
#[ignore = "a child of two_processes_write_one_database"]
async fn child_writes() {
    let url = std::env::var("CHILD_URL").unwrap();
    let data = camino::Utf8PathBuf::from(std::env::var("CHILD_DATA").unwrap());
    let name = std::env::var("CHILD_NAME").unwrap();
    let store = Store::open(&url, &data).await.unwrap();
    for round in 0..60 {
        write_three(&store, &format!("{name}-{round}")).await;
    }
}

#[tokio::test]
async fn two_processes_write_one_database() {
    on_each(async |t| {
        let children: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|name| {
                std::process::Command::new(std::env::current_exe().unwrap())
                    .args(["together::child_writes", "--exact", "--ignored", "--quiet"])
                    .env("CHILD_URL", &t.url)
                    .env("CHILD_DATA", &t.data_dir)
                    .env("CHILD_NAME", name)
                    .stdout(std::process::Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        for name in ["a", "b", "c"] {
            for round in 0..60 {
                assert_eq!(t.store.audit_of(&format!("{name}-{round}")).await.unwrap().len(), 3);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_and_frees_the_writer() {
    on_each(async |t| {
        let source = testing::new_source("a");
        let recording = testing::recording(source.id);
        for _ in 0..20 {
            let mut tx = t.store.begin().await.unwrap();
            sources::add_source(&mut tx, &source).await.unwrap();
            recordings::insert_recording(&mut tx, &recording).await.unwrap();
            set_follower(&mut tx, recording.id, "x", &FollowerPos::default()).await.unwrap();
            drop(tx);
        }
        assert!(t.store.sources().await.unwrap().is_empty());
        assert!(t.store.recordings(10).await.unwrap().is_empty());
        let nobody: JobId = "00000000-0000-7000-8000-000000000000".parse().unwrap();
        assert_eq!(t.store.job(nobody).await.unwrap(), None);
    })
    .await;
}
