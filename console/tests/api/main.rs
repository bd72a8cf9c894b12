//! The HTTP API through a real listener, on a store with rows and files in it.

mod lexicon;
mod on_air;
mod points;
mod taxonomy;

use std::{net::SocketAddr, time::Duration};

use clipmill_console::{
    api::{ServeError, openapi_json, serve},
    config::Config,
};
use clipmill_domain::{
    ClipId, Id as _, MediaTime, WallTime,
    clip::Clip,
    post::PostEvent,
    provenance::StageVersion,
    recording::{EndReason, Recording},
    sound::{Curves, PartCurves},
    source::Source,
};
use clipmill_store::{
    audit::audit,
    clips::{insert_clip, set_exact},
    curves::insert_sound_curves,
    posts::{apply_post_event, insert_post},
    recordings::{close_epoch, insert_epoch, insert_part, insert_recording},
    remixes::insert_remix,
    segments::{insert_segment, insert_selling_point},
    sources::add_source,
    testing::{self, NOW, TestStore, artifact, seconds},
    utterances::insert_utterances,
};
use futures::StreamExt as _;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "a-token-of-the-tests-0001";
const DRAFT: &[u8] = b"0123456789abcdefghij";

struct Served {
    db: TestStore,
    address: SocketAddr,
    http: Client,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Result<(), ServeError>>,
}

fn config(db: &TestStore, more: &[(&str, &str)]) -> Config {
    let mut env = vec![
        ("CLIPMILL__DATA_DIR".to_owned(), db.data_dir.to_string()),
        ("CLIPMILL__SERVE__BIND".to_owned(), "127.0.0.1:0".to_owned()),
    ];
    env.extend(more.iter().map(|(k, v)| (format!("CLIPMILL__{k}"), (*v).to_owned())));
    Config::load_from(None, env).unwrap()
}

impl Served {
    async fn with(more: &[(&str, &str)]) -> Self {
        let db = TestStore::sqlite().await;
        let (config, store) = (config(&db, more), db.store.clone());
        let stop = CancellationToken::new();
        let (tell, ready) = tokio::sync::oneshot::channel();
        let stopping = stop.clone();
        let running = tokio::spawn(async move {
            serve(config, store, stopping, move |address| {
                let _ = tell.send(address);
            })
            .await
        });
        let address = tokio::time::timeout(Duration::from_secs(10), ready).await.unwrap().unwrap();
        let http = Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().unwrap();
        Self { db, address, http, stop, running }
    }

    async fn open() -> Self {
        Self::with(&[]).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Response {
        self.http.post(self.url(path)).json(&body).send().await.unwrap()
    }

    async fn put(&self, path: &str, body: Value) -> Response {
        self.http.put(self.url(path)).json(&body).send().await.unwrap()
    }

    /// A request exactly as written, and the whole answer: no client tidies up the path.
    async fn raw(&self, request: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![];
        let read = stream.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(10), read).await.unwrap().unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn add_source(&self, name: &str) -> Source {
        let mut tx = self.db.store.begin().await.unwrap();
        let source = add_source(&mut tx, &testing::new_source(name)).await.unwrap();
        tx.commit().await.unwrap();
        source
    }

    /// A live recording of a new source, with `count` clips of ten seconds each and their draft files, oldest
    /// first.
    async fn add_clips(&self, count: i64) -> (Recording, Vec<Clip>) {
        let source = self.add_source("直播间").await;
        let recording = testing::recording(source.id);
        let mut tx = self.db.store.begin().await.unwrap();
        insert_recording(&mut tx, &recording).await.unwrap();
        let mut clips = vec![];
        for n in 0..count {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let at = (n * 10) as f64;
            let span = seconds(at, at + 10.0);
            let said = testing::utterance(recording.id, n, span, &format!("第{n}句"));
            insert_utterances(&mut tx, &[said]).await.unwrap();
            let segment = testing::segment(recording.id, n, span);
            insert_segment(&mut tx, &segment).await.unwrap();
            let point = testing::selling_point(&segment);
            insert_selling_point(&mut tx, &point).await.unwrap();
            let id = ClipId::new_at(NOW.plus_millis(n * 1000));
            let clip = Clip {
                id,
                draft_path: format!("clips/{id}/draft.mp4"),
                thumbnail_path: format!("clips/{id}/thumb.jpg"),
                ..testing::clip(&point)
            };
            artifact(&mut tx, &clip.draft_path, &id.to_string(), DRAFT).await.unwrap();
            artifact(&mut tx, &clip.thumbnail_path, &id.to_string(), b"jpeg").await.unwrap();
            insert_clip(&mut tx, &clip, &StageVersion::new("cut/1")).await.unwrap();
            clips.push(clip);
        }
        tx.commit().await.unwrap();
        (recording, clips)
    }
}

async fn refusal(response: Response, status: StatusCode, code: &str) -> Value {
    assert_eq!(response.status(), status);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], code, "{body}");
    assert!(body["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{body}");
    body["error"].clone()
}

#[tokio::test]
async fn the_feed_pages_through_every_clip_once_newest_first() {
    let s = Served::open().await;
    let (_, clips) = s.add_clips(7).await;
    let mut seen = vec![];
    let mut path = "/api/clips?limit=3".to_owned();
    let mut pages = 0;
    loop {
        let page = s.json(&path).await;
        pages += 1;
        seen.extend(page["clips"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/clips?limit=3&before={next}");
    }
    let newest_first: Vec<String> = clips.iter().rev().map(|c| c.id.to_string()).collect();
    assert_eq!((seen, pages), (newest_first, 3));
    let exactly = s.json("/api/clips?limit=7").await;
    assert_eq!((exactly["clips"].as_array().unwrap().len(), &exactly["next"]), (7, &Value::Null));

    let card = &s.json("/api/clips?limit=1").await["clips"][0];
    assert_eq!(card["source_name"], "直播间");
    assert_eq!(
        (&card["label"], &card["label_name"]),
        (&json!("fabric"), &json!({"zh": "面料", "en": "Fabric"}))
    );
    assert_eq!((&card["product_name"], &card["product_sku"]), (&json!("羊毛开衫"), &json!("A-1")));
    assert_eq!(
        (&card["start_s"], &card["end_s"], &card["duration_s"]),
        (&json!(60.0), &json!(70.0), &json!(10.0))
    );
    assert_eq!((&card["confidence"], &card["latency_s"]), (&json!(0.8), &json!(12.0)));
    assert_eq!(card["talk_ended_at"], "2026-09-21T14:13:20Z");
    assert_eq!(
        (&card["stage"], &card["remix_url"], &card["post"]),
        (&json!("draft"), &Value::Null, &Value::Null)
    );

    refusal(s.get("/api/clips?limit=0").await, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
    refusal(s.get("/api/clips?limit=x").await, StatusCode::BAD_REQUEST, "invalid").await;
    refusal(s.get("/api/clips?before=x").await, StatusCode::NOT_FOUND, "not_found").await;
}

#[tokio::test]
async fn a_clip_tells_its_whole_story_and_grows_with_its_stages() {
    let s = Served::open().await;
    let (_, clips) = s.add_clips(4).await;
    let clip = &clips[2];
    let path = format!("/api/clips/{}", clip.id);
    let draft = s.json(&path).await;
    assert_eq!(draft["video_url"], format!("/media/{}", clip.draft_path));
    assert_eq!(draft["why"], json!(["whole sentences"]));
    assert_eq!(draft["evidence"]["quote"], "这个面料");
    assert_eq!(draft["evidence"]["top"], json!([{"label": "fabric", "p": 0.8}]));
    let lines: Vec<(i64, bool)> = draft["transcript"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (l["seq"].as_i64().unwrap(), l["inside"].as_bool().unwrap()))
        .collect();
    // 15 s around 20 to 30 s: the sentences at 0, 10 and 30 s are context.
    assert_eq!(lines, [(0, false), (1, false), (2, true), (3, false)]);
    assert_eq!(
        draft["transcript"][2]["words"][0],
        json!({"text": "第2句。", "start_s": 20.0, "end_s": 30.0, "p": 0.75})
    );

    let mut tx = s.db.store.begin().await.unwrap();
    set_exact(&mut tx, clip.id, &format!("clips/{}/exact.mp4", clip.id), &StageVersion::new("exact/1"))
        .await
        .unwrap();
    audit(&mut tx, NOW, "work", "clip.exact", &clip.id.to_string(), None).await.unwrap();
    tx.commit().await.unwrap();
    let exact = s.json(&path).await;
    assert_eq!((&exact["stage"], &exact["video_url"]), (&json!("exact"), &exact["exact_url"]));

    let remix = testing::remix(clip, "render/1");
    let post = testing::post(&remix, "folder", NOW);
    let mut tx = s.db.store.begin().await.unwrap();
    insert_remix(&mut tx, &remix).await.unwrap();
    insert_post(&mut tx, &post).await.unwrap();
    for (event, reference) in [(PostEvent::Begin, None), (PostEvent::Accepted, Some("videos/1.mp4"))] {
        apply_post_event(&mut tx, post.id, &event, NOW.plus_millis(5), None, reference).await.unwrap();
    }
    tx.commit().await.unwrap();
    let captioned = s.json(&path).await;
    assert_eq!(
        (&captioned["stage"], &captioned["video_url"]),
        (&json!("captioned"), &captioned["captioned_url"])
    );
    assert_eq!(captioned["remix_url"], format!("/media/{}", remix.path));
    assert_eq!(
        (&captioned["post"]["state"], &captioned["post"]["reference"]),
        (&json!("live"), &json!("videos/1.mp4"))
    );
    assert_eq!(captioned["post"]["due_at"], "2026-09-21T14:13:20Z");
    let actions: Vec<&str> =
        captioned["history"].as_array().unwrap().iter().map(|h| h["action"].as_str().unwrap()).collect();
    assert_eq!(actions.first(), Some(&"clip.exact"));
    assert_eq!(actions.len(), 3, "the clip's line and two of its post: {actions:?}");

    let stats = s.json("/api/stats").await;
    assert_eq!(
        stats,
        json!({"clips": 4, "published": 1, "median_latency_s": 12.0, "by_label": {"fabric": 4}})
    );

    for id in ["0190a5b0-0000-7000-8000-000000000000", "nonsense"] {
        refusal(s.get(&format!("/api/clips/{id}")).await, StatusCode::NOT_FOUND, "not_found").await;
    }
}

#[tokio::test]
async fn recordings_show_their_gaps_and_follow_a_live_one() {
    let s = Served::open().await;
    let source = s.add_source("a").await;
    let recording = testing::recording(source.id);
    let (first, second) = (testing::epoch(recording.id, 0), testing::epoch(recording.id, 1));
    let mut tx = s.db.store.begin().await.unwrap();
    insert_recording(&mut tx, &recording).await.unwrap();
    insert_epoch(&mut tx, &first).await.unwrap();
    insert_part(&mut tx, &testing::part(&first, 0, seconds(0.0, 2.0))).await.unwrap();
    insert_part(&mut tx, &testing::part(&first, 1, seconds(2.0, 4.0))).await.unwrap();
    tx.commit().await.unwrap();
    let live = s.json("/api/recordings").await;
    assert_eq!(
        (&live[0]["duration_s"], &live[0]["parts"], &live[0]["gaps"]),
        (&json!(4.0), &json!(2), &json!([]))
    );
    assert_eq!((&live[0]["ended_at"], &live[0]["source_name"]), (&Value::Null, &json!("a")));
    assert_eq!(s.json("/api/sources").await[0]["live_recording_id"], recording.id.to_string());

    let mut tx = s.db.store.begin().await.unwrap();
    close_epoch(&mut tx, first.id, EndReason::Disconnected).await.unwrap();
    insert_epoch(&mut tx, &second).await.unwrap();
    insert_part(&mut tx, &testing::part(&second, 2, seconds(9.0, 10.0))).await.unwrap();
    tx.commit().await.unwrap();
    let one = s.json(&format!("/api/recordings/{}", recording.id)).await;
    assert_eq!(one["gaps"], json!([{"start_s": 4.0, "end_s": 9.0, "reason": "disconnected"}]));
    assert_eq!(
        (&one["duration_s"], &one["coverage"], &one["bytes"]),
        (&json!(10.0), &json!(0.5), &json!(12))
    );
    assert_eq!(one["epochs"].as_array().unwrap().len(), 2);
    assert_eq!(one["epochs"][0]["end_reason"], "disconnected");
}

#[tokio::test]
async fn the_waveform_is_as_fine_as_asked_for_and_has_no_sound_where_none_is() {
    let s = Served::open().await;
    let source = s.add_source("a").await;
    let recording = testing::recording(source.id);
    let curves = |peak: u8| Curves {
        peaks: vec![Some(peak); 100],
        energy_db: vec![Some(-20.0); 20],
        loudness_lufs: vec![Some(-18.5); 20],
        pitch_hz: vec![Some(210.0); 20],
    };
    let part = |part_seq: i64, peak: u8| PartCurves {
        recording_id: recording.id,
        part_seq,
        start: MediaTime::from_micros(part_seq * 2_000_000),
        curves: curves(peak),
    };
    let mut tx = s.db.store.begin().await.unwrap();
    insert_recording(&mut tx, &recording).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/api/recordings/{}/waveform", recording.id);
    let before = s.json(&path).await;
    assert_eq!((&before["peaks"], &before["curves"]), (&json!([null]), &Value::Null));
    let mut tx = s.db.store.begin().await.unwrap();
    insert_sound_curves(&mut tx, &[part(0, 10), part(1, 200), part(3, 30)]).await.unwrap();
    tx.commit().await.unwrap();
    let whole = s.json(&format!("{path}?points=4&curves=true")).await;
    assert_eq!((&whole["start_s"], &whole["step_s"]), (&json!(0.0), &json!(2.0)));
    assert_eq!(whole["peaks"], json!([10, 200, null, 30]));
    assert_eq!(whole["curves"]["pitch_hz"], json!([210.0, 210.0, null, 210.0]));
    assert_eq!(whole["curves"]["loudness_lufs"], json!([-18.5, -18.5, null, -18.5]));
    let piece = s.json(&format!("{path}?from=1.9&to=2.1")).await;
    assert_eq!((piece["peaks"].as_array().unwrap().len(), &piece["step_s"]), (10, &json!(0.02)));
    assert_eq!((&piece["peaks"][4], &piece["peaks"][5]), (&json!(10), &json!(200)));
    for wrong in ["points=0", "points=4001", "from=5&to=5", "from=NaN&to=-1", "to=-3"] {
        let answer = s.get(&format!("{path}?{wrong}")).await;
        refusal(answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
    }
    let all = s.json(&format!("{path}?from=-1e300&to=1e300&points=2")).await;
    assert_eq!(all["peaks"], json!([200, null]));
    refusal(s.get("/api/recordings/nonsense/waveform").await, StatusCode::NOT_FOUND, "not_found").await;
}

#[tokio::test]
async fn media_comes_whole_and_in_ranges_and_only_if_it_has_a_row() {
    let s = Served::open().await;
    let (_, clips) = s.add_clips(1).await;
    let path = format!("/media/{}", clips[0].draft_path);
    let whole = s.get(&path).await;
    let header = |r: &Response, name: &str| r.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(header(&whole, "content-type").as_deref(), Some("video/mp4"));
    assert_eq!(header(&whole, "accept-ranges").as_deref(), Some("bytes"));
    assert!(header(&whole, "cache-control").unwrap().contains("immutable"));
    let tag = header(&whole, "etag").expect("an entity tag");
    assert_eq!(whole.bytes().await.unwrap(), DRAFT);

    let ranged = |range: &str| s.http.get(s.url(&path)).header("range", range.to_owned()).send();
    let part = ranged("bytes=5-9").await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(header(&part, "content-range").as_deref(), Some("bytes 5-9/20"));
    assert_eq!(part.bytes().await.unwrap(), "56789");
    assert_eq!(ranged("bytes=-3").await.unwrap().bytes().await.unwrap(), "hij");
    let outside = ranged("bytes=20-").await.unwrap();
    assert_eq!(header(&outside, "content-range").as_deref(), Some("bytes */20"));
    refusal(outside, StatusCode::RANGE_NOT_SATISFIABLE, "bad_range").await;
    let known = s.http.get(s.url(&path)).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    let head = s.http.head(s.url(&path)).send().await.unwrap();
    assert_eq!((head.status(), header(&head, "content-length").as_deref()), (StatusCode::OK, Some("20")));
    let thumbnail = s.get(&format!("/media/{}", clips[0].thumbnail_path)).await;
    assert_eq!(header(&thumbnail, "content-type").as_deref(), Some("image/jpeg"));

    // A file without a row, and a row without its file.
    testing::publish(&s.db.store, "clips/secret.mp4", b"x").await.unwrap();
    refusal(s.get("/media/clips/secret.mp4").await, StatusCode::NOT_FOUND, "not_found").await;
    std::fs::remove_file(s.db.store.library().local_path(&clips[0].draft_path).unwrap()).unwrap();
    refusal(s.get(&path).await, StatusCode::NOT_FOUND, "file_lost").await;
}

#[tokio::test]
async fn no_path_leads_out_of_the_library() {
    let s = Served::open().await;
    let (_, clips) = s.add_clips(1).await;
    let inside = clips[0].draft_path.trim_end_matches("draft.mp4").to_owned();
    for path in [
        "/media/../clipmill.db",
        "/media/../../clipmill.db",
        "/media/%2e%2e/clipmill.db",
        "/media/..%2f..%2fclipmill.db",
        "/media//etc/passwd",
        "/media/%2fetc%2fpasswd",
        "/media/clips/..%5c..%5cclipmill.db",
        "/media/clips/x%00.mp4",
        &format!("/media/{inside}./draft.mp4"),
        &format!("/media/{inside}"),
        "/media/",
        "/../../etc/passwd",
        "/assets/../../Cargo.toml",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/..%2f..%2fCargo.toml",
    ] {
        let answer =
            s.raw(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(status == "404" || status == "400", "{path} was answered {status}: {answer}");
        assert!(
            !answer.contains("SQLite format") && !answer.contains("root:") && !answer.contains("[package]"),
            "{path}"
        );
    }
}

/// The kinds that the next `change` event names.
async fn next_change(
    events: &mut (impl futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin),
) -> Value {
    let mut text = String::new();
    let wait = async {
        while !text.contains("\n\n") {
            text.push_str(std::str::from_utf8(&events.next().await.unwrap().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("an event in time");
    assert!(text.contains("event: change"), "{text}");
    let data = text.lines().find_map(|l| l.strip_prefix("data: ")).unwrap();
    serde_json::from_str::<Value>(data).unwrap()["kinds"].clone()
}

#[tokio::test]
async fn a_browser_hears_of_a_new_row_and_the_stream_ends_with_the_service() {
    let s = Served::open().await;
    let response = s.get("/api/events").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.bytes_stream();
    assert_eq!(next_change(&mut events).await.as_array().unwrap().len(), 5, "the first one names everything");
    assert_eq!(
        next_change(&mut events).await.as_array().unwrap().len(),
        5,
        "and so does the first look at the store"
    );
    s.add_source("new").await;
    assert_eq!(next_change(&mut events).await, json!(["sources"]));
    s.add_clips(1).await;
    let mut kinds = vec![];
    while !kinds.contains(&json!("clips")) {
        kinds.extend(next_change(&mut events).await.as_array().unwrap().clone());
    }
    s.stop.cancel();
    let end = tokio::time::timeout(Duration::from_secs(5), async { while events.next().await.is_some() {} });
    end.await.expect("the stream ends");
    tokio::time::timeout(Duration::from_secs(5), s.running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn listeners_are_counted_and_a_seat_is_given_back() {
    let s = Served::open().await;
    let mut open = vec![];
    for _ in 0..64 {
        let response = s.get("/api/events").await;
        assert_eq!(response.status(), StatusCode::OK);
        open.push(response);
    }
    refusal(s.get("/api/events").await, StatusCode::SERVICE_UNAVAILABLE, "too_many_listeners").await;
    drop(open);
    let freed = async {
        while s.get("/api/events").await.status() != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), freed).await.expect("a seat is free again");
}

#[tokio::test]
async fn a_source_is_configured_and_its_key_told_once() {
    let s = Served::open().await;
    let products =
        json!([{"sku": "A", "name": "开衫", "price": 89.9, "link": 5}, {"sku": "B", "name": "裙子"}]);
    let push = json!({"name": "间一", "kind": "push", "language": "zh", "category": "apparel", "products": products});
    let created = s.post("/api/sources", push.clone()).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let created: Value = created.json().await.unwrap();
    let key = created["stream_key"].as_str().unwrap();
    assert_eq!(
        (&created["push_url"], &created["enabled"]),
        (&json!("rtmp://127.0.0.1:1935/live"), &json!(true))
    );
    let by_key = s.db.store.source_by_stream_key(key).await.unwrap().unwrap();
    assert_eq!(by_key.id.to_string(), created["id"].as_str().unwrap());
    let kept = s.db.store.products(by_key.id).await.unwrap();
    assert_eq!(
        kept.iter().map(|p| (p.sku.as_str(), p.link)).collect::<Vec<_>>(),
        [("A", Some(5)), ("B", None)]
    );
    let listed = s.get("/api/sources").await.text().await.unwrap();
    assert!(!listed.contains(key), "{listed}");
    refusal(s.post("/api/sources", push).await, StatusCode::CONFLICT, "refused").await;

    let pull = json!({"name": "二", "kind": "pull", "language": "en", "url": "https://u:hunter2@h.example/a.m3u8?t=hunter2"});
    let pull = s.post("/api/sources", pull).await.text().await.unwrap();
    assert!(!pull.contains("hunter2") && pull.contains("https://h.example/a.m3u8"), "{pull}");
    let no_file = json!({"name": "三", "kind": "pull", "language": "en", "url": "file:///etc/passwd"});
    refusal(s.post("/api/sources", no_file).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
    let unknown = json!({"name": "四", "kind": "push", "language": "zh", "colour": "red"});
    refusal(s.post("/api/sources", unknown).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;

    let path = format!("/api/sources/{}/enabled", by_key.id);
    let off: Value = s.post(&path, json!({"enabled": false})).await.json().await.unwrap();
    assert_eq!(off["enabled"], false);
    assert!(!s.db.store.source(by_key.id).await.unwrap().unwrap().enabled);
    let history = s.db.store.audit_of(&by_key.id.to_string()).await.unwrap();
    let actions: Vec<_> = history.iter().map(|l| (l.actor.as_str(), l.action.as_str())).collect();
    assert_eq!(actions, [("console", "add source"), ("console", "disable")]);
    refusal(
        s.post("/api/sources/x/enabled", json!({"enabled": true})).await,
        StatusCode::NOT_FOUND,
        "not_found",
    )
    .await;
}

#[tokio::test]
async fn health_names_what_is_missing() {
    let s = Served::open().await;
    let health = s.json("/api/health").await;
    assert_eq!(health["status"], "degraded");
    assert!(health["problems"][0].as_str().unwrap().contains("no record process"), "{health}");
    assert!(health["disk_free_bytes"].as_u64().unwrap() > 0);
    let now = WallTime::from_millis(jiff_now());
    for role in ["record", "work"] {
        s.db.store.beat(role, role, 4242, &json!({"live": 1}), now).await.unwrap();
    }
    let health = s.json("/api/health").await;
    let shown: Vec<_> = health["processes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["role"].clone(), p["alive"].clone()))
        .collect();
    assert_eq!(shown, [(json!("record"), json!(true)), (json!("work"), json!(true))]);
    assert_eq!(health["processes"][0]["detail"], json!({"live": 1}));
    let problems = health["problems"].as_array().unwrap();
    assert!(!problems.iter().any(|p| p.as_str().unwrap().contains("process")), "{health}");
}

fn jiff_now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[tokio::test]
async fn every_refusal_has_the_same_shape_and_every_answer_safe_headers() {
    let s = Served::open().await;
    let error = refusal(s.get("/api/nothing").await, StatusCode::NOT_FOUND, "not_found").await;
    assert!(error["hint"].as_str().unwrap().contains("openapi.json"));
    refusal(s.get("/media/%ff").await, StatusCode::BAD_REQUEST, "invalid").await;
    let wrong = s.http.delete(s.url("/api/clips")).send().await.unwrap();
    refusal(wrong, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").await;
    let form = s
        .http
        .post(s.url("/api/sources"))
        .header("content-type", "text/plain")
        .body("{}")
        .send()
        .await
        .unwrap();
    refusal(form, StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json").await;
    let broken =
        s.http.post(s.url("/api/sources")).header("content-type", "application/json").body("{").send();
    refusal(broken.await.unwrap(), StatusCode::BAD_REQUEST, "invalid").await;
    let huge = json!({"name": "x".repeat(2 << 20), "kind": "push", "language": "zh"});
    refusal(s.post("/api/sources", huge).await, StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;

    for path in ["/", "/api/stats", "/api/nothing", "/media/x", "/clip/some-id"] {
        let response = s.get(path).await;
        let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        assert!(header("content-security-policy").unwrap().contains("default-src 'self'"), "{path}");
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
        assert_eq!(header("x-frame-options").as_deref(), Some("DENY"), "{path}");
        assert!(header("cache-control").is_some(), "{path}");
    }
    for path in ["/", "/clip/some-id"] {
        let page = s.get(path).await;
        assert_eq!(page.status(), StatusCode::OK, "an address of the console itself");
        assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    }
    assert_eq!(s.get("/assets/nothing.js").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_name_that_a_foreign_site_may_own_is_refused() {
    let s = Served::with(&[("SERVE__HOSTS", "[\"clips.example\"]")]).await;
    let named = |host: &str| s.http.get(s.url("/api/stats")).header("host", host.to_owned()).send();
    for host in ["localhost:1", "127.0.0.1", "clips.example", "[::1]:8600"] {
        assert_eq!(named(host).await.unwrap().status(), StatusCode::OK, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example:8600", "192.168.1.5:8600"] {
        let error = refusal(named(host).await.unwrap(), StatusCode::FORBIDDEN, "unknown_host").await;
        assert!(error["hint"].as_str().unwrap().contains("serve.hosts"));
    }
    let change = json!({"name": "x", "kind": "push", "language": "zh"});
    let cross = s.http.post(s.url("/api/sources")).header("sec-fetch-site", "cross-site").json(&change);
    refusal(cross.send().await.unwrap(), StatusCode::FORBIDDEN, "other_site").await;
    let own = s.http.post(s.url("/api/sources")).header("sec-fetch-site", "same-origin").json(&change);
    assert_eq!(own.send().await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn with_a_token_nothing_is_told_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let s = Served::with(&[("SERVE__AUTH_TOKEN_FILE", file.to_str().unwrap())]).await;
    let (_, clips) = s.add_clips(1).await;
    let media = format!("/media/{}", clips[0].draft_path);
    for path in ["/api/clips", "/api/health", "/api/events", "/api/openapi.json", media.as_str()] {
        refusal(s.get(path).await, StatusCode::UNAUTHORIZED, "login_needed").await;
    }
    assert_eq!(s.get("/").await.status(), StatusCode::OK, "the page to log in on");
    let bearer = |token: &str| s.http.get(s.url("/api/clips")).bearer_auth(token.to_owned()).send();
    assert_eq!(bearer(TOKEN).await.unwrap().status(), StatusCode::OK);
    assert_eq!(bearer("a-token-of-the-tests-0002").await.unwrap().status(), StatusCode::UNAUTHORIZED);

    refusal(s.post("/api/login", json!({"token": "wrong"})).await, StatusCode::UNAUTHORIZED, "wrong_token")
        .await;
    let login = s.post("/api/login", json!({"token": TOKEN})).await;
    assert_eq!(login.status(), StatusCode::OK);
    let cookie = login.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(TOKEN),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap();
    for path in ["/api/clips", media.as_str()] {
        let with = s.http.get(s.url(path)).header("cookie", pair).send().await.unwrap();
        assert_eq!(with.status(), StatusCode::OK, "{path}");
    }
    let forged = s.http.get(s.url("/api/clips")).header("cookie", "clipmill_session=0").send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_a_token_login_is_open() {
    let s = Served::open().await;
    assert_eq!(s.post("/api/login", json!({"token": "anything"})).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_taken_port_and_a_public_address_are_said_plainly() {
    let s = Served::open().await;
    let start = |config: Config| {
        let store = s.db.store.clone();
        async move {
            serve(config, store, CancellationToken::new(), |_| panic!("must not serve")).await.unwrap_err()
        }
    };
    let taken = start(config(&s.db, &[("SERVE__BIND", &s.address.to_string())])).await;
    let said = format!("port {} is taken on 127.0.0.1: set serve.bind", s.address.port());
    assert!(taken.to_string().starts_with(&said), "{taken}");

    let mut public = config(&s.db, &[]);
    public.serve.bind = "0.0.0.0:0".parse().unwrap();
    let refused = start(public).await;
    assert!(matches!(refused, ServeError::PublicWithoutToken { .. }), "{refused}");
    let mut elsewhere = config(&s.db, &[]);
    elsewhere.serve.bind = "127.0.0.1:0".parse().unwrap();
    elsewhere.serve.auth_token_file = Some("/nowhere/token".into());
    assert!(start(elsewhere).await.to_string().contains("/nowhere/token"));
}

#[tokio::test]
async fn a_stream_key_is_taken_away_and_given_anew() {
    let s = Served::open().await;
    let push = json!({"name": "间", "kind": "push", "language": "zh"});
    let made: Value = s.post("/api/sources", push).await.json().await.unwrap();
    assert_eq!((&made["has_key"], &made["header_names"]), (&json!(true), &json!([])));
    let path = format!("/api/sources/{}/key", made["id"].as_str().unwrap());
    let gone: Value = s.http.delete(s.url(&path)).send().await.unwrap().json().await.unwrap();
    assert_eq!(gone["has_key"], false);
    let anew: Value = s.post(&path, json!({})).await.json().await.unwrap();
    assert_eq!(anew["has_key"], true);
    assert_ne!(anew["stream_key"], made["stream_key"]);
    let listed = s.http.get(s.url("/api/sources")).send().await.unwrap().text().await.unwrap();
    assert!(!listed.contains(anew["stream_key"].as_str().unwrap()), "{listed}");
}

#[tokio::test]
async fn a_source_is_changed_and_asked_to_record() {
    let s = Served::open().await;
    let patch = async |path: &str, body: Value| s.http.patch(s.url(path)).json(&body).send().await.unwrap();
    let pull = json!({"name": "间", "kind": "pull", "language": "zh", "url": "https://h.example/live.m3u8",
        "headers": [{"name": "Cookie", "value": "sid=hunter2"}],
        "settings": {"mode": "on_demand", "priority": 5, "stop_after_minutes": 60}});
    let made = s.post("/api/sources", pull).await.text().await.unwrap();
    assert!(!made.contains("hunter2"), "{made}");
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!((&made["settings"]["mode"], &made["state"]), (&json!("on_demand"), &Value::Null));
    assert_eq!((&made["header_names"], &made["has_key"]), (&json!(["Cookie"]), &Value::Null));
    let path = format!("/api/sources/{}", made["id"].as_str().unwrap());
    let id = made["id"].as_str().unwrap().parse().unwrap();

    // Asked to record, and to stop.
    let asked: Value =
        s.post(&format!("{path}/record"), json!({"action": "start"})).await.json().await.unwrap();
    assert_eq!(asked["requested"], true);
    s.post(&format!("{path}/record"), json!({"action": "stop"})).await;
    assert!(!s.db.store.source(id).await.unwrap().unwrap().requested);

    // The headers stay with the host and go with it.
    let cookies = async || s.db.store.pull_headers(id).await.unwrap().len();
    let moved = patch(&path, json!({"url": "https://h.example/other.m3u8?t=hunter2"})).await;
    assert_eq!((moved.status(), cookies().await), (StatusCode::OK, 1));
    assert!(!moved.text().await.unwrap().contains("hunter2"));
    patch(&path, json!({"url": "https://elsewhere.example/live.m3u8"})).await;
    assert_eq!(cookies().await, 0);

    let changed: Value = patch(&path, json!({"name": "新间", "settings": {"mode": "always", "audio": "2"}}))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!((&changed["name"], &changed["settings"]["priority"]), (&json!("新间"), &json!(0)));
    refusal(
        s.post(&format!("{path}/record"), json!({"action": "start"})).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
    )
    .await;
    for bad in [
        json!({"headers": [{"name": "X", "value": "a\r\nHost: evil"}]}),
        json!({"settings": {"resolver": "sh"}}),
        json!({"settings": {"mode": "scheduled"}}),
        json!({"url": "file:///etc/passwd"}),
        json!({"category": "cars"}),
    ] {
        let status = patch(&path, bad.clone()).await.status();
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY || status == StatusCode::CONFLICT,
            "{bad}: {status}"
        );
    }
    let none = patch("/api/sources/01a1fe22-3da8-70e1-a5aa-81e323b6462a", json!({})).await;
    refusal(none, StatusCode::NOT_FOUND, "not_found").await;
}

#[test]
fn the_openapi_document_is_the_one_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, openapi_json()).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == openapi_json(),
        "console/openapi.json is out of date: UPDATE=1 cargo test -p clipmill openapi"
    );
    let document: Value = serde_json::from_str(&there).unwrap();
    for path in ["/api/clips/{id}", "/api/sources/{id}/enabled", "/api/events", "/api/login", "/api/health"] {
        assert!(document["paths"][path].is_object(), "{path} is not described");
    }
}
