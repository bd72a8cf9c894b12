//! Secrets stay out of the database, of errors and of debug output.

use clipmill_domain::{
    Id, SourceId,
    source::{SourceKind, SourceSettings},
};
use clipmill_store::{
    Db, StoreError,
    sources::{
        Header, NewSource, add_source, revoke_stream_key, set_source_requested, set_stream_key, update_source,
    },
    testing::{NOW, TestStore, new_source, on_each},
};
use secrecy::ExposeSecret;
use sqlx::Row;

const KEY: &str = "key-studio-8f2c71";
const URL: &str = "https://bob:pa55word-x@cdn.example/live/room.m3u8?token=t0ken-y#frag-z";
const PARTS: [&str; 5] = [KEY, "pa55word-x", "t0ken-y", "frag-z", "bob:"];

/// Everything the database would give away in a backup.
async fn dump(t: &TestStore) -> Vec<u8> {
    match t.store.db() {
        Db::Sqlite(_) => {
            let mut bytes = Vec::new();
            for name in ["clipmill.db", "clipmill.db-wal"] {
                bytes.extend(std::fs::read(t.data_dir.join(name)).unwrap_or_default());
            }
            bytes
        }
        Db::Postgres(pool) => {
            let tables = sqlx::query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                .fetch_all(pool)
                .await
                .unwrap();
            let mut bytes = Vec::new();
            for table in tables {
                let table: String = table.get(0);
                let rows =
                    sqlx::query(sqlx::AssertSqlSafe(format!("SELECT row_to_json(x)::text FROM {table} x")))
                        .fetch_all(pool)
                        .await
                        .unwrap();
                for row in rows {
                    bytes.extend(row.get::<String, _>(0).into_bytes());
                }
            }
            bytes
        }
    }
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle.as_bytes())
}

#[tokio::test]
async fn a_backup_holds_neither_stream_key_nor_address_secrets() {
    on_each(async |t| {
        let push = NewSource { secret: KEY.into(), ..new_source("studio") };
        let pull = NewSource {
            id: SourceId::new_at(NOW),
            kind: SourceKind::Pull,
            secret: URL.into(),
            ..new_source("room")
        };
        assert!(PARTS.iter().all(|p| !format!("{push:?}{pull:?}").contains(p)));
        let mut tx = t.store.begin().await.unwrap();
        add_source(&mut tx, &push).await.unwrap();
        let shown = add_source(&mut tx, &pull).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shown.url_shown.as_deref(), Some("https://cdn.example/live/room.m3u8"));

        let dump = dump(t).await;
        assert!(holds(&dump, "studio") && holds(&dump, "cdn.example"), "the dump is a dump");
        for part in PARTS {
            assert!(!holds(&dump, part), "{part} is in the dump");
        }
        assert_eq!(t.store.source_by_stream_key(KEY).await.unwrap().unwrap().id, push.id);
        assert!(t.store.source_by_stream_key("key-studio").await.unwrap().is_none());
        assert_eq!(t.store.pull_url(pull.id).await.unwrap().expose_secret(), URL);
        assert!(matches!(t.store.pull_url(push.id).await, Err(StoreError::NotFound { .. })));
        assert_eq!(t.store.source(pull.id).await.unwrap(), Some(shown));
    })
    .await;
}

#[tokio::test]
async fn a_refused_source_says_why_without_its_secret() {
    on_each(async |t| {
        let mut tx = t.store.begin().await.unwrap();
        add_source(&mut tx, &NewSource { secret: KEY.into(), ..new_source("studio") }).await.unwrap();
        let refusals = [
            (
                NewSource { id: SourceId::new_at(NOW), ..new_source("studio") },
                "named \"studio\" exists already",
            ),
            (
                NewSource { id: SourceId::new_at(NOW), secret: KEY.into(), ..new_source("other") },
                "belongs to \"studio\"",
            ),
            (NewSource { name: "  ".to_owned(), ..new_source("x") }, "needs a name"),
            (
                NewSource { kind: SourceKind::Pull, secret: "pa55word-x".into(), ..new_source("y") },
                "not a stream address",
            ),
        ];
        for (new, why) in refusals {
            let error = add_source(&mut tx, &new).await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(PARTS.iter().all(|p| !error.contains(p)), "{error}");
        }
        tx.commit().await.unwrap();
        assert_eq!(t.store.sources().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_rotated_key_replaces_the_old_one_and_a_revoked_one_opens_nothing() {
    on_each(async |t| {
        let store = &t.store;
        let mut tx = store.begin().await.unwrap();
        let source =
            add_source(&mut tx, &NewSource { secret: KEY.into(), ..new_source("studio") }).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.stream_key(source.id).await.unwrap().unwrap().expose_secret(), KEY);
        let mut tx = store.begin().await.unwrap();
        set_stream_key(&mut tx, source.id, &"another-key".into()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(store.source_by_stream_key(KEY).await.unwrap().is_none());
        assert_eq!(store.source_by_stream_key("another-key").await.unwrap().unwrap().id, source.id);
        let mut tx = store.begin().await.unwrap();
        revoke_stream_key(&mut tx, source.id).await.unwrap();
        tx.commit().await.unwrap();
        assert!(store.source_by_stream_key("another-key").await.unwrap().is_none());
        assert!(store.stream_key(source.id).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn headers_and_settings_come_back_and_the_headers_are_not_in_the_clear() {
    on_each(async |t| {
        let store = &t.store;
        let header = Header { name: "Cookie".into(), value: "sid=5ecret".into() };
        let settings =
            SourceSettings { priority: 7, resolver: Some("yt-dlp".into()), ..SourceSettings::default() };
        let pull = NewSource {
            kind: SourceKind::Pull,
            secret: "https://live.example/room?token=abc".into(),
            headers: vec![header],
            settings: settings.clone(),
            ..new_source("room")
        };
        let mut tx = store.begin().await.unwrap();
        let mut source = add_source(&mut tx, &pull).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!holds(&dump(t).await, "5ecret"));
        let headers = store.pull_headers(source.id).await.unwrap();
        assert_eq!((headers[0].name.as_str(), headers[0].value.expose_secret()), ("Cookie", "sid=5ecret"));
        assert_eq!(store.source(source.id).await.unwrap().unwrap().settings, settings);

        source.settings.priority = 500;
        let mut tx = store.begin().await.unwrap();
        assert!(update_source(&mut tx, &source).await.unwrap_err().to_string().contains("-100 to 100"));
        source.settings.priority = 5;
        source.name = "room 2".into();
        update_source(&mut tx, &source).await.unwrap();
        set_source_requested(&mut tx, source.id, true).await.unwrap();
        tx.commit().await.unwrap();
        let now = store.source_by_name("room 2").await.unwrap().unwrap();
        assert!(now.requested && now.settings.priority == 5);
    })
    .await;
}
