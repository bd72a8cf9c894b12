//! Recordings played over HTTP, judged by the ffmpeg program: it knows nothing of us.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use clipmill_console::{api::serve, config::Config};
use clipmill_domain::{
    MediaTime, Span, WallTime,
    recording::{EndReason, Epoch, Part, Recording},
};
use clipmill_media::{Input, InputFrom, OpenOptions, PartEvent, PartPlan, PartWriter};
use clipmill_store::{
    recordings::{close_epoch, end_recording, insert_epoch, insert_part, insert_recording},
    scrub::{ScrubPicture, insert_scrub_picture},
    sources::add_source,
    testing::{self, NOW, TestStore},
};
use reqwest::{Client, Response, StatusCode, header};
use tokio_util::sync::CancellationToken;

use common::{ends_within, said};

struct Served {
    db: TestStore,
    address: SocketAddr,
    http: Client,
    stop: CancellationToken,
}

impl Served {
    async fn open() -> Self {
        let db = TestStore::sqlite().await;
        let env = [
            ("CLIPMILL__DATA_DIR".to_owned(), db.data_dir.to_string()),
            ("CLIPMILL__SERVE__BIND".to_owned(), "127.0.0.1:0".to_owned()),
        ];
        let config = Config::load_from(None, env.to_vec()).unwrap();
        let (store, stop) = (db.store.clone(), CancellationToken::new());
        let (tell, ready) = tokio::sync::oneshot::channel();
        let stopping = stop.clone();
        tokio::spawn(async move {
            let told = serve(config, store, stopping, move |address| {
                let _ = tell.send(address);
            });
            told.await.unwrap();
        });
        let address = tokio::time::timeout(Duration::from_secs(10), ready).await.unwrap().unwrap();
        let http = Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().unwrap();
        Self { db, address, http, stop }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    async fn begin(&self) -> Recording {
        let mut tx = self.db.store.begin().await.unwrap();
        let source = add_source(&mut tx, &testing::new_source("live")).await.unwrap();
        let recording = testing::recording(source.id);
        insert_recording(&mut tx, &recording).await.unwrap();
        tx.commit().await.unwrap();
        recording
    }

    /// Records `film` as the next epoch, at `at_s`, its parts from `first_seq` on. Gives the parts, not yet rows.
    async fn record(
        &self,
        recording: &Recording,
        film: &Path,
        seq: i64,
        at_s: f64,
        first_seq: i64,
    ) -> (Epoch, Vec<Part>) {
        let folder = format!("recordings/{}", recording.id);
        let dir = self.db.store.library().make_dir(&folder).await.unwrap();
        let at = MediaTime::from_seconds(at_s);
        let init_name = format!("init-{seq}.mp4");
        let epoch = Epoch {
            init_path: format!("{folder}/{init_name}"),
            media_start: at,
            ..testing::epoch(recording.id, seq)
        };
        let plan = PartPlan {
            dir: dir.into_std_path_buf(),
            init_name,
            first_seq,
            part_us: 2_000_000,
            sound_before_us: 0,
        };
        let stop = Arc::new(AtomicBool::new(false));
        let from = InputFrom::Url(film.to_str().unwrap().to_owned());
        let mut input = Input::open(from, &OpenOptions::default(), stop).unwrap();
        let mut writer = PartWriter::new(plan, input.streams()).unwrap();
        let mut events = vec![];
        while let Some(packet) = input.read_packet().unwrap() {
            events.extend(writer.push(&packet).unwrap());
        }
        events.extend(writer.finish().unwrap());
        let mut parts = vec![];
        for event in events {
            if let PartEvent::Part { seq, bytes, start_us, end_us, .. } = event {
                let span = Span::new(at + start_us, at + end_us).unwrap();
                let bytes = i64::try_from(bytes).unwrap();
                let path = format!("{folder}/{seq:06}.m4s");
                parts.push(Part { path, bytes, ..testing::part(&epoch, seq, span) });
            }
        }
        let mut tx = self.db.store.begin().await.unwrap();
        insert_epoch(&mut tx, &epoch).await.unwrap();
        tx.commit().await.unwrap();
        (epoch, parts)
    }

    async fn add(&self, parts: &[Part]) {
        let mut tx = self.db.store.begin().await.unwrap();
        for part in parts {
            insert_part(&mut tx, part).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

/// A film of `seconds` seconds with sound, 25 frames a second, a key frame a second, and frames out of order.
fn film(path: &Path, size: &str, seconds: u32) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i"]).arg(format!("testsrc2=s={size}:r=25"));
    ffmpeg.args(["-f", "lavfi", "-i", "sine=r=44100", "-t"]).arg(seconds.to_string());
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-c:a", "aac", "-b:a", "64k"]).arg(path);
    let done = ends_within(&mut ffmpeg, Duration::from_secs(60));
    assert!(done.status.success(), "{}", said(&done));
}

/// Reads the whole playlist; every frame of the picture and every frame of sound, as (time, duration) lines.
fn frames(url: &str, stream: &str) -> Vec<(f64, f64)> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args([
        "-v",
        "error",
        "-select_streams",
        stream,
        "-show_entries",
        "packet=pts_time,duration_time",
    ]);
    ffprobe.args(["-of", "csv=p=0", url]);
    let done = ends_within(&mut ffprobe, Duration::from_secs(60));
    assert!(done.status.success(), "{}", said(&done));
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    text.lines()
        .filter_map(|l| {
            let mut numbers = l.split(',').map(|n| n.parse::<f64>());
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .collect()
}

/// What the ffmpeg program decodes of a playlist: the number of pictures, with errors as failures.
fn decoded(url: &str) -> usize {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-xerror", "-i", url, "-map", "0:v", "-fps_mode", "passthrough"]);
    ffmpeg.args(["-f", "framemd5", "-"]);
    let done = ends_within(&mut ffmpeg, Duration::from_secs(120));
    assert!(done.status.success(), "{}", said(&done));
    String::from_utf8_lossy(&done.stdout).lines().filter(|l| !l.starts_with('#')).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ffmpeg_program_plays_a_recording_whole() {
    let s = Served::open().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    film(&path, "160x120", 9);
    let recording = s.begin().await;
    let index = format!("/api/recordings/{}/index.m3u8", recording.id);
    assert_eq!(s.get(&index).await.status(), StatusCode::NOT_FOUND, "nothing to play yet");

    let (epoch, parts) = s.record(&recording, &path, 0, 0.0, 0).await;
    assert!(parts.len() >= 4, "{}", parts.len());
    s.add(&parts[..2]).await;
    let answer = s.get(&index).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/vnd.apple.mpegurl");
    let tag = answer.headers()[header::ETAG].clone();
    let early = answer.text().await.unwrap();
    assert!(!early.contains("ENDLIST"), "{early}");
    let same = s.http.get(s.url(&index)).header(header::IF_NONE_MATCH, &tag).send().await.unwrap();
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);

    s.add(&parts[2..]).await;
    let grown = s.http.get(s.url(&index)).header(header::IF_NONE_MATCH, &tag).send().await.unwrap();
    assert_eq!(grown.status(), StatusCode::OK);
    assert!(grown.text().await.unwrap().starts_with(early.trim_end()), "it only grows");

    let mut tx = s.db.store.begin().await.unwrap();
    close_epoch(&mut tx, epoch.id, EndReason::Finished).await.unwrap();
    end_recording(&mut tx, recording.id, NOW.plus_millis(9000), EndReason::Finished).await.unwrap();
    tx.commit().await.unwrap();
    let url = s.url(&index);
    let (video, audio) = tokio::task::block_in_place(|| (frames(&url, "v"), frames(&url, "a")));
    assert_eq!(video.len(), 9 * 25);
    let (first, last) =
        (video.iter().map(|f| f.0).fold(f64::MAX, f64::min), video.iter().map(|f| f.0).fold(0.0, f64::max));
    assert!((last - first - (9.0 - 0.04)).abs() < 0.002, "{first} to {last}");
    let sound: f64 = audio.iter().map(|f| f.1).sum();
    assert!((sound - 9.0).abs() < 0.1, "{sound} s of sound");
    assert_eq!(tokio::task::block_in_place(|| decoded(&url)), 9 * 25);
    s.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drops_holes_and_removed_parts_are_left_out_and_said() {
    let s = Served::open().await;
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.mp4"), dir.path().join("b.mp4"));
    film(&a, "160x120", 8);
    film(&b, "120x160", 4);
    let recording = s.begin().await;
    let (_, mut parts) = s.record(&recording, &a, 0, 0.0, 0).await;
    let next = i64::try_from(parts.len()).unwrap();
    // A part that retention took away, in the middle.
    parts[1].removed_at = None;
    s.add(&parts).await;
    s.db.damage(&format!(
        "UPDATE parts SET removed_at = 5 WHERE recording_id = '{}' AND seq = 1",
        recording.id
    ))
    .await;
    let (_, more) = s.record(&recording, &b, 1, 20.0, next).await;
    s.add(&more).await;
    let mut tx = s.db.store.begin().await.unwrap();
    end_recording(&mut tx, recording.id, NOW.plus_millis(24_000), EndReason::Finished).await.unwrap();
    tx.commit().await.unwrap();

    let index = format!("/api/recordings/{}/index.m3u8", recording.id);
    let text = s.get(&index).await.text().await.unwrap();
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 2, "{text}");
    assert!(!text.contains("parts/1.m4s"), "{text}");
    let dates: Vec<WallTime> = text
        .lines()
        .filter_map(|l| l.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:"))
        .map(|d| WallTime::from_millis(d.parse::<jiff::Timestamp>().unwrap().as_millisecond()))
        .collect();
    let third = parts[2].span.start().as_micros() / 1000;
    assert_eq!(dates, [NOW, NOW.plus_millis(third), NOW.plus_millis(20_000)]);
    let url = s.url(&index);
    let lost = parts[1].span.micros() / 40_000;
    let seen = tokio::task::block_in_place(|| frames(&url, "v").len());
    assert_eq!(i64::try_from(seen).unwrap(), (8 + 4) * 25 - lost);

    let gone = s.get(&format!("/api/recordings/{}/parts/1.m4s", recording.id)).await;
    assert_eq!(gone.status(), StatusCode::GONE);
    s.stop.cancel();
}

#[tokio::test]
async fn only_what_has_a_row_is_sent_and_what_is_sent_is_kept() {
    let s = Served::open().await;
    let recording = s.begin().await;
    let folder = format!("recordings/{}", recording.id);
    let epoch = testing::epoch(recording.id, 0);
    let part = Part { bytes: 10, ..testing::part(&epoch, 0, testing::seconds(0.0, 2.0)) };
    let picture = ScrubPicture {
        recording_id: recording.id,
        part_seq: 0,
        at: MediaTime::ZERO,
        path: ScrubPicture::path_of(recording.id, 0),
        bytes: 4,
    };
    for (path, content) in [
        (part.path.as_str(), &b"0123456789"[..]),
        (&epoch.init_path, b"init"),
        (&picture.path, b"jpeg"),
        (&format!("{folder}/000007.m4s"), b"no row"),
    ] {
        testing::publish(&s.db.store, path, content).await.unwrap();
    }
    let mut tx = s.db.store.begin().await.unwrap();
    insert_epoch(&mut tx, &epoch).await.unwrap();
    insert_part(&mut tx, &part).await.unwrap();
    insert_scrub_picture(&mut tx, &picture).await.unwrap();
    tx.commit().await.unwrap();

    let at = |what: &str| format!("/api/recordings/{}/{what}", recording.id);
    for (path, kind, content) in [
        ("parts/0.m4s", "video/iso.segment", "0123456789"),
        ("init/0.mp4", "video/mp4", "init"),
        ("scrub/0.jpg", "image/jpeg", "jpeg"),
    ] {
        let answer = s.get(&at(path)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], kind);
        assert!(answer.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert_eq!(answer.text().await.unwrap(), content);
    }
    let range =
        s.http.get(s.url(&at("parts/0.m4s"))).header(header::RANGE, "bytes=2-4").send().await.unwrap();
    assert_eq!(range.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(range.headers()[header::CONTENT_RANGE], "bytes 2-4/10");
    assert_eq!(range.text().await.unwrap(), "234");
    let pictures: serde_json::Value = s.get(&at("scrub")).await.json().await.unwrap();
    assert_eq!(pictures, serde_json::json!([{ "seq": 0, "at_s": 0.0, "url": at("scrub/0.jpg") }]));
    assert_eq!(s.get(&at("scrub?after=0")).await.text().await.unwrap(), "[]");

    let unknown = testing::recording(recording.source_id).id;
    for path in
        ["parts/7.m4s", "parts/00.m4s", "parts/..%2F0.m4s", "init/1.mp4", "scrub/1.jpg", "scrub/0.png"]
    {
        assert_eq!(s.get(&at(path)).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["parts/0.m4s", "init/0.mp4", "scrub/0.jpg", "index.m3u8", "scrub"] {
        let answer = s.get(&format!("/api/recordings/{unknown}/{path}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(s.get(&format!("/api/recordings/nonsense/{path}")).await.status(), StatusCode::NOT_FOUND);
    }
    let report = clipmill_store::check::check(
        &s.db.store,
        &clipmill_store::check::CheckOptions { deep: true, in_flight_millis: -1, now: NOW },
    );
    let strangers: Vec<String> = report.await.unwrap().problems.iter().map(ToString::to_string).collect();
    assert!(strangers.iter().all(|p| p.contains("000007.m4s")), "{strangers:?}");
    s.stop.cancel();
}

#[tokio::test]
async fn a_browser_that_knows_the_past_of_a_long_live_is_told_the_news_only() {
    let s = Served::open().await;
    let recording = s.begin().await;
    let epoch = testing::epoch(recording.id, 0);
    let mut tx = s.db.store.begin().await.unwrap();
    insert_epoch(&mut tx, &epoch).await.unwrap();
    tx.commit().await.unwrap();
    let count: i64 = 1500;
    let part = |seq: i64| {
        let at = MediaTime::from_micros(seq * 2_000_000);
        testing::part(&epoch, seq, Span::new(at, at + 2_000_000).unwrap())
    };
    s.add(&(0..count).map(part).collect::<Vec<_>>()).await;
    let index = format!("/api/recordings/{}/index.m3u8", recording.id);
    let whole = s.get(&index).await.text().await.unwrap();
    assert_eq!(whole.matches("#EXTINF").count(), 1500);
    assert!(whole.contains("#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL="), "offered");
    let browser = Client::builder().no_gzip().no_proxy().build().unwrap();
    let packed = browser.get(s.url(&index)).header(header::ACCEPT_ENCODING, "gzip").send().await.unwrap();
    assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip", "browsers ask for it");

    s.add(&[part(count)]).await;
    let news = s.get(&format!("{index}?_HLS_skip=YES")).await.text().await.unwrap();
    let skipped: usize =
        news.lines().find_map(|l| l.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS=")).unwrap().parse().unwrap();
    assert_eq!(skipped + news.matches("#EXTINF").count(), 1501);
    assert!(news.len() < 1500, "{} bytes", news.len());
    // What was left out is what was told before, so both together are the whole.
    let told = whole.matches("#EXTINF").count();
    assert!(skipped <= told);
    assert!(
        s.get(&index)
            .await
            .text()
            .await
            .unwrap()
            .ends_with(news.rsplit_once("#EXT-X-PROGRAM-DATE-TIME").unwrap().1.split_once('\n').unwrap().1)
    );
    s.stop.cancel();
}
