//! Stream keys changed by the operator: over HTTP, and with the command.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::time::Duration;

use clipmill_console::{api::serve, config::Config};
use clipmill_domain::Id as _;
use clipmill_store::{Store, testing::TestStore};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use common::{clipmill, ends_within, said};

async fn holder(store: &Store, key: &str) -> Option<String> {
    store.source_by_stream_key(key).await.unwrap().map(|s| s.id.to_string())
}

#[tokio::test]
async fn a_key_is_rotated_and_revoked_over_http_and_told_once() {
    let db = TestStore::sqlite().await;
    let env = [
        ("CLIPMILL__DATA_DIR".to_owned(), db.data_dir.to_string()),
        ("CLIPMILL__SERVE__BIND".to_owned(), "127.0.0.1:0".to_owned()),
        ("CLIPMILL__RECORD__SRT_BIND".to_owned(), "127.0.0.1:8890".to_owned()),
    ];
    let config = Config::load_from(None, env).unwrap();
    let (stop, store) = (CancellationToken::new(), db.store.clone());
    let (tell, ready) = tokio::sync::oneshot::channel();
    let token = stop.clone();
    let running =
        tokio::spawn(async move { serve(config, store, token, move |at| tell.send(at).unwrap()).await });
    let base = format!("http://{}/api/sources", ready.await.unwrap());
    let http = Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().unwrap();
    let read = async |request: reqwest::RequestBuilder| -> Value {
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.unwrap()
    };

    let made = read(http.post(&base).json(&json!({"name": "间一", "kind": "push", "language": "zh"}))).await;
    let (id, first) = (made["id"].as_str().unwrap(), made["stream_key"].as_str().unwrap());
    assert_eq!(made["push_urls"][0], json!({"kind": "rtmp", "url": "rtmp://127.0.0.1:1935/live"}));
    let srt = format!("srt://127.0.0.1:8890?streamid={id}");
    assert_eq!(made["push_urls"][1], json!({"kind": "srt", "url": srt}), "and no key in it");
    assert_eq!(holder(&db.store, first).await.as_deref(), Some(id));

    let key_url = format!("{base}/{id}/key");
    let rotated = read(http.post(&key_url)).await;
    let second = rotated["stream_key"].as_str().unwrap();
    assert_ne!(first, second);
    assert_eq!(holder(&db.store, first).await, None, "the old one opens nothing");
    assert_eq!(holder(&db.store, second).await.as_deref(), Some(id));
    let shown = read(http.get(&base)).await.to_string();
    assert!(!shown.contains(first) && !shown.contains(second), "{shown}");

    let revoked = read(http.delete(&key_url)).await;
    assert!(revoked.get("stream_key").is_none(), "{revoked}");
    assert_eq!(holder(&db.store, second).await, None);
    let third = read(http.post(&key_url)).await;
    assert_eq!(holder(&db.store, third["stream_key"].as_str().unwrap()).await.as_deref(), Some(id));

    let pull = json!({"name": "二", "kind": "pull", "language": "en", "url": "https://h.example/a.m3u8"});
    let pulled = read(http.post(&base).json(&pull)).await;
    assert_eq!(pulled["push_urls"], json!([]));
    let unknown = clipmill_domain::SourceId::new_at(clipmill_domain::WallTime::from_millis(1)).to_string();
    for id in [pulled["id"].as_str().unwrap(), &unknown] {
        let refused = http.post(format!("{base}/{id}/key")).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    }
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_rotated_and_revoked_with_the_command() {
    let db = TestStore::sqlite().await;
    let run = |words: &[&str]| {
        let out = ends_within(
            clipmill().args(words).env("CLIPMILL__DATA_DIR", db.data_dir.as_str()),
            Duration::from_secs(30),
        );
        (out.status.success(), said(&out))
    };
    let key_in = |text: &str| {
        let is_key = |w: &&str| w.len() == 40 && w.bytes().all(|c| c.is_ascii_hexdigit());
        text.split_whitespace().rfind(is_key).unwrap().to_owned()
    };
    let (ok, text) = run(&["source", "add", "shop"]);
    assert!(ok, "{text}");
    let first = key_in(&text);
    assert!(holder(&db.store, &first).await.is_some());
    let (ok, text) = run(&["source", "key", "rotate", "shop"]);
    assert!(ok, "{text}");
    let second = key_in(&text);
    assert_ne!(first, second);
    assert_eq!(holder(&db.store, &first).await, None);
    assert!(holder(&db.store, &second).await.is_some());
    let (ok, text) = run(&["source", "key", "revoke", "shop"]);
    assert!(ok && !text.contains(&second), "{text}");
    assert_eq!(holder(&db.store, &second).await, None);
    let (ok, text) = run(&["source", "key", "rotate", "nobody"]);
    assert!(!ok && text.contains("no source is called"), "{text}");
}
