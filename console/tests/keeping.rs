//! How long recordings are kept, as an operator sees it: on the command line and through the API.

mod common;

use std::{path::PathBuf, time::Duration};

use clipmill_console::{api::serve, config::Config};
use clipmill_domain::{RecordingId, WallTime, recording::EndReason};
use clipmill_store::{
    Store,
    followers::{FollowerPos, finish_follower},
    recordings::{end_recording, insert_epoch, insert_part, insert_recording},
    sources::add_source,
    testing::{self, TestStore, publish, seconds},
};
use common::{clipmill, said};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// A recording of ten parts of four bytes and two seconds, with a gap of a minute, that ended 40 days ago.
async fn old_recording(store: &Store, source: &str) -> RecordingId {
    let now = WallTime::from_millis(jiff::Timestamp::now().as_millisecond());
    let ended = now.plus_millis(-40 * 86_400_000);
    let source = testing::new_source(source);
    let recording = clipmill_domain::recording::Recording {
        started_at: ended.plus_millis(-80_000),
        ..testing::recording(source.id)
    };
    let epoch = testing::epoch(recording.id, 0);
    publish(store, &epoch.init_path, b"init").await.unwrap();
    let mut tx = store.begin().await.unwrap();
    add_source(&mut tx, &source).await.unwrap();
    insert_recording(&mut tx, &recording).await.unwrap();
    insert_epoch(&mut tx, &epoch).await.unwrap();
    for seq in 0..10i32 {
        let at = f64::from(seq * 2 + if seq == 9 { 60 } else { 0 });
        let part = testing::part(&epoch, seq.into(), seconds(at, at + 2.0));
        publish(store, &part.path, b"part").await.unwrap();
        insert_part(&mut tx, &part).await.unwrap();
    }
    for name in ["ingest.transcribe", "clipper.classify"] {
        finish_follower(&mut tx, recording.id, name, &FollowerPos::default()).await.unwrap();
    }
    end_recording(&mut tx, recording.id, ended, EndReason::Finished).await.unwrap();
    tx.commit().await.unwrap();
    recording.id
}

fn config_file(db: &TestStore, more: &str) -> PathBuf {
    let path = db.data_dir.join("clipmill.toml");
    std::fs::write(&path, format!("data_dir = \"{}\"\n{more}", db.data_dir)).unwrap();
    path.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_the_plan_holds_releases_and_removes() {
    let db = TestStore::sqlite().await;
    let id = old_recording(&db.store, "直播间").await.to_string();
    let config = config_file(&db, "[retention]\nkeep_days = 30\n");
    let run = |args: &[&str]| {
        let out = clipmill().args(args).arg("--config").arg(&config).output().unwrap();
        (out.status.code(), said(&out))
    };
    let plan = || -> Value {
        let out = clipmill().args(["plan", "retention", "--json", "--config"]).arg(&config).output().unwrap();
        assert!(out.status.success(), "{}", said(&out));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    let wanted = plan();
    assert_eq!(wanted["removals"][0]["recording_id"], id);
    assert_eq!(
        (&wanted["removals"][0]["rule"], &wanted["parts_removed"], &wanted["bytes_removed"]),
        (&json!("age"), &json!(10), &json!(40))
    );
    let (_, text) = run(&["plan", "retention"]);
    assert!(text.contains(&id) && text.contains("ended more than 30 days ago"), "{text}");

    let (code, text) = run(&["recording", "hold", "直播间", "--why", "a dispute"]);
    assert!(code == Some(0) && text.contains(&id), "{text}");
    let (_, text) = run(&["recording", "list"]);
    assert!(text.contains(&id) && text.contains("held"), "{text}");
    let held = plan();
    assert_eq!((&held["removals"], &held["kept_recordings"][0]["reason"]), (&json!([]), &json!("held")));
    let (code, text) = run(&["plan", "retention", "--execute"]);
    assert!(code == Some(0) && text.contains("nothing is to be removed"), "{text}");

    for (args, words) in [
        (["recording", "hold", "nobody", "--why", "x"], "no recording and no source is called"),
        (["recording", "hold", "0190a5b0-0000-7000-8000-000000000000", "--why", "x"], "is called \"0190a5b0"),
        (["recording", "hold", &id, "--why", "  "], "say why"),
    ] {
        let (code, text) = run(&args);
        assert!(code == Some(1) && text.contains(words), "{args:?}: {text}");
    }
    let (code, text) = run(&["recording", "release", &id, "--why", "settled"]);
    assert!(code == Some(0), "{text}");
    let (code, text) = run(&["plan", "retention", "--execute"]);
    assert!(code == Some(0) && text.contains("removed 10 parts (0 kB) of 1 recordings"), "{text}");
    let (code, text) = run(&["check"]);
    assert!(code == Some(0), "{text}");
    let (_, text) = run(&["source", "cost"]);
    assert!(
        text.contains("直播间  0.0 h recorded  0 kB on disk") && text.contains("1.0 min of gaps"),
        "{text}"
    );
    let history = db.store.audit_of(&id).await.unwrap();
    let actions: Vec<_> = history.iter().map(|l| l.action.as_str()).collect();
    assert_eq!(actions, ["recording.hold", "recording.release", "recording.removed"]);
    db.remove().await;
}

#[tokio::test]
async fn the_api_shows_plan_cost_and_disk_and_takes_holds() {
    let db = TestStore::sqlite().await;
    let id = old_recording(&db.store, "studio").await.to_string();
    let vars = [
        ("DATA_DIR", db.data_dir.as_str()),
        ("SERVE__BIND", "127.0.0.1:0"),
        ("RETENTION__KEEP_DAYS", "30"),
        ("RECORD__FREE_SPACE_FLOOR_BYTES", "1"),
    ];
    let vars = vars.map(|(k, v)| (format!("CLIPMILL__{k}"), v.to_owned()));
    let config = Config::load_from(None, vars).unwrap();
    let stop = CancellationToken::new();
    let (tell, ready) = tokio::sync::oneshot::channel();
    let (store, stopping) = (db.store.clone(), stop.clone());
    let running = tokio::spawn(async move {
        serve(config, store, stopping, move |address| {
            let _ = tell.send(address);
        })
        .await
    });
    let address = tokio::time::timeout(Duration::from_secs(10), ready).await.unwrap().unwrap();
    let http = Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().unwrap();
    let url = |path: &str| format!("http://{address}{path}");
    let get = async |path: &str| -> Value {
        let response = http.get(url(path)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    };
    let post = async |path: &str, body: Value| -> (StatusCode, Value) {
        let response = http.post(url(path)).json(&body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    };

    let plan = get("/api/retention/plan").await;
    assert_eq!((&plan["recordings_removed"], &plan["kept"]), (&json!(1), &json!([])));
    assert_eq!(plan["removals"][0]["source_name"], "studio");
    assert_eq!(get("/api/recordings").await[0]["hold"], Value::Null);

    let hold = format!("/api/recordings/{id}/hold");
    let (status, held) = post(&hold, json!({"why": " a dispute "})).await;
    assert_eq!((status, &held["hold"]["why"]), (StatusCode::OK, &json!("a dispute")));
    assert_eq!(get("/api/recordings").await[0]["hold"]["by"], "console");
    let plan = get("/api/retention/plan").await;
    assert_eq!((&plan["recordings_removed"], &plan["kept"][0]["reason"]), (&json!(0), &json!("held")));
    for (path, body, status) in [
        (hold.as_str(), json!({"why": ""}), StatusCode::CONFLICT),
        (&hold, json!({"reason": "x"}), StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/recordings/nonsense/hold", json!({"why": "x"}), StatusCode::NOT_FOUND),
        ("/api/recordings/0190a5b0-0000-7000-8000-000000000000/release", json!({}), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(post(path, body).await.0, status, "{path}");
    }
    let (status, free) = post(&format!("/api/recordings/{id}/release"), json!({})).await;
    assert_eq!((status, &free["hold"]), (StatusCode::OK, &Value::Null));

    let cost = get("/api/sources/cost").await;
    let of = &cost["sources"][0];
    assert_eq!(
        (&of["source_name"], &of["recordings"], &of["bytes"]),
        (&json!("studio"), &json!(1), &json!(40))
    );
    assert_eq!(
        (&of["hours"], &of["gap_minutes"], &of["removed_bytes"]),
        (&json!(0.006), &json!(1.0), &json!(0))
    );
    let disk = &get("/api/health").await["disk"];
    assert_eq!((&disk["floor_bytes"], &disk["recordings_bytes"]), (&json!(1), &json!(40)));
    assert_eq!((&disk["days_left"], &disk["by_source"][0]["bytes"]), (&Value::Null, &json!(40)));
    assert!(disk["total_bytes"].as_u64() >= disk["free_bytes"].as_u64() && disk["total_bytes"] != 0);

    stop.cancel();
    running.await.unwrap().unwrap();
    db.remove().await;
}
