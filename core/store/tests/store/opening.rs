//! Opening: several at once, beside a guest, and every way it can fail.

use camino::Utf8PathBuf;
use clipmill_store::{
    Db, Store, StoreError,
    testing::{NOW, TestStore, new_source, on_each},
};
use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

fn temp() -> (tempfile::TempDir, Utf8PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
    (dir, path)
}

async fn fails(url: &str) -> String {
    let (_dir, data) = temp();
    let error = Store::open(url, &data).await.unwrap_err();
    let mut text = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(e) = next {
        text = format!("{text} / {e} / {e:?}");
        next = e.source();
    }
    text
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let (_dir, path) = temp();
    let file = path.join("notes.txt");
    std::fs::write(&file, "just some text, long enough to be read as a header of a database file").unwrap();
    let error = fails(&format!("sqlite:{file}")).await;
    assert!(error.contains("notes.txt is not a SQLite database"), "{error}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("just some text"), "and it is left alone");
}

#[tokio::test]
async fn a_folder_or_a_file_in_the_way_is_named() {
    let (_dir, path) = temp();
    assert!(fails(&format!("sqlite:{path}")).await.contains("this is a folder"));
    std::fs::write(path.join("file"), "").unwrap();
    let error = fails(&format!("sqlite:{path}/file/deep/clipmill.db")).await;
    assert!(error.contains("cannot be a folder: a file is in the way"), "{error}");
}

/// `/proc` refuses files even to root.
#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let error = fails("sqlite:/proc/clipmill.db").await;
    assert!(error.contains("no permission to read and write /proc/clipmill.db"), "{error}");
    let error = fails("sqlite:/proc/deep/clipmill.db").await;
    assert!(error.contains("cannot create the folder /proc/deep"), "{error}");
}

#[tokio::test]
async fn a_wrong_scheme_says_what_to_write() {
    assert!(fails("mysql://u:hunter2@h/d").await.contains("use sqlite:<path of a file> or postgres://"));
    assert!(!fails("mysql://u:hunter2@h/d").await.contains("hunter2"));
    assert!(fails("sqlite::memory:").await.contains("name a file"));
}

#[tokio::test]
async fn a_refused_server_is_named_without_the_password() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = fails(&format!("postgres://bob:hunter2@127.0.0.1:{port}/clips?sslmode=disable")).await;
    assert!(error.contains(&format!("nothing listens at 127.0.0.1:{port}")), "{error}");
    assert!(error.contains("bob:***@") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named() {
    let Some(fresh) = TestStore::postgres().await else { return };
    let error = fails(&fresh.url.replace("/t_", "/no_such_")).await;
    assert!(error.contains("does not exist") && error.contains("createdb"), "{error}");
    fresh.remove().await;
}

#[tokio::test]
async fn folders_are_made_and_a_second_opening_finds_what_the_first_wrote() {
    let (_dir, path) = temp();
    for url in [format!("sqlite:{path}/a/b/clipmill.db"), format!("sqlite://{path}/a/b/clipmill.db")] {
        let store = Store::open(&url, &path.join("data/deep")).await.unwrap();
        if store.source_by_name("studio").await.unwrap().is_none() {
            let mut tx = store.begin().await.unwrap();
            clipmill_store::sources::add_source(&mut tx, &new_source("studio")).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(store.sources().await.unwrap().len(), 1);
        store.close().await;
    }
}

#[tokio::test]
async fn many_open_a_new_database_at_once() {
    let (_dir, path) = temp();
    let mut places = vec![(format!("sqlite:{path}/clipmill.db"), None)];
    if let Some(pg) = TestStore::postgres().await {
        pg.damage("DROP SCHEMA public CASCADE").await;
        pg.damage("CREATE SCHEMA public").await;
        places.push((pg.url.clone(), Some(pg)));
    }
    for (url, fresh) in places {
        let opened = futures::future::join_all((0..6).map(|_| Store::open(&url, &path))).await;
        for store in opened {
            let store = store.unwrap();
            assert!(store.sources().await.unwrap().is_empty());
            store.close().await;
        }
        if let Some(fresh) = fresh {
            fresh.remove().await;
        }
    }
}

/// The job engine migrates its own tables in the same database, under the default name of the list.
#[tokio::test]
async fn a_guest_with_migrations_of_its_own_is_welcome() {
    on_each(async |t| {
        let guest = |version| {
            let text = "CREATE TABLE guests (id BIGINT PRIMARY KEY)".into_sql_str();
            Migrator::with_migrations(vec![Migration::new(
                version,
                "guest".into(),
                MigrationType::Simple,
                text,
                false,
            )])
        };
        let other = t.open_again().await;
        let guest = guest(20_250_101_000_000);
        let (a, b) = tokio::join!(t.store.migrate_guest(&guest), other.migrate_guest(&guest));
        a.unwrap();
        b.unwrap();
        other.close().await;
        t.open_again().await.close().await;
    })
    .await;
}

#[tokio::test]
async fn tables_newer_than_the_program_are_left_alone() {
    on_each(async |t| {
        t.damage(
            "INSERT INTO clipmill_migrations (version, description, success, checksum, execution_time)
             SELECT 9000, description, success, checksum, execution_time FROM clipmill_migrations WHERE version = 1",
        )
        .await;
        let error = Store::open(&t.url, &t.data_dir).await.unwrap_err().to_string();
        assert!(error.contains("newer than this program (migration 9000)"), "{error}");
    })
    .await;
}

/// SQLite reports a page limit exactly as it reports a full disk.
#[tokio::test]
async fn a_full_disk_is_told_apart_and_the_store_lives_on() {
    let t = TestStore::sqlite().await;
    let Db::Sqlite(pools) = t.store.db() else { panic!("asked for SQLite") };
    let limit = |pages: i64| {
        let pool = pools.write.clone();
        async move {
            sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}")))
                .execute(&pool)
                .await
                .unwrap();
        }
    };
    limit(1).await; // SQLite takes the present size for the limit
    let mut full = None;
    for i in 0..200 {
        let mut tx = t.store.begin().await.unwrap();
        let detail = "x".repeat(4000);
        let written =
            clipmill_store::audit::audit(&mut tx, NOW, "test", "fill", &format!("{i}"), Some(&detail)).await;
        if let Err(e) = written {
            full = Some(e);
            break;
        }
        tx.commit().await.unwrap();
    }
    let full = full.expect("200 rows of a page each do not fit");
    assert!(full.is_disk_full() && full.to_string().contains("free some space"), "{full}");
    limit(1_000_000).await;
    let mut tx = t.store.begin().await.unwrap();
    clipmill_store::audit::audit(&mut tx, NOW, "test", "after", "after", None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(t.store.audit_of("after").await.unwrap().len(), 1);
    t.remove().await;
}

#[tokio::test]
async fn a_transaction_held_open_gives_the_next_one_an_error_not_a_hang() {
    let t = TestStore::sqlite().await;
    let held = t.store.begin().await.unwrap();
    let began = std::time::Instant::now();
    let error = t.store.begin().await.unwrap_err();
    assert!(matches!(error, StoreError::Timeout { .. }), "{error}");
    assert!(began.elapsed() < std::time::Duration::from_secs(15));
    drop(held);
    t.store.begin().await.unwrap().commit().await.unwrap();
    t.remove().await;
}

/// Whoever awaits these must be able to run on any thread: this test is that it compiles.
#[tokio::test]
async fn opening_and_writing_can_be_spawned() {
    on_each(async |t| {
        let (url, data) = (t.url.clone(), t.data_dir.clone());
        let count = tokio::spawn(async move {
            let store = Store::open(&url, &data).await?;
            let none = Migrator::with_migrations(Vec::new());
            store.migrate_guest(&none).await?;
            let mut tx = store.begin().await?;
            clipmill_store::sources::add_source(&mut tx, &new_source("spawned")).await?;
            tx.commit().await?;
            let count = store.sources().await?.len();
            store.close().await;
            Ok::<usize, StoreError>(count)
        });
        assert_eq!(count.await.unwrap().unwrap(), 1);
    })
    .await;
}
