//! Scrub pictures of a real recording: each shows the moment it says, across a crash.

#[path = "support/mod.rs"]
mod support;

use std::process::Command;

use clipmill_ingest::{
    record::RecordConfig,
    scrub::{NAME, Scrubber},
};
use clipmill_store::{
    Store,
    check::{CheckOptions, check},
};
use clipmill_worker::Engine;
use support::{Bench, now, until};
use tokio_util::sync::CancellationToken;

/// Runs an engine with only the scrubber until `enough`, then ends it as a crash would.
async fn scrub(store: &Store, enough: impl AsyncFn() -> bool) {
    let engine = Engine::builder().follower(Scrubber).build();
    let task = tokio::spawn(engine.run(store.clone(), CancellationToken::new()));
    until("pictures are made", 30, enough).await;
    task.abort();
    let _ = task.await;
}

/// Size and mean brightness (0 to 255) of a JPEG, by the ffmpeg program.
fn look(path: &str) -> (String, f64) {
    let size = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", path])
        .output()
        .unwrap();
    let mean = Command::new("ffmpeg")
        .args(["-v", "error", "-i", path, "-vf", "scale=1:1:flags=area,format=gray"])
        .args(["-f", "rawvideo", "-"])
        .output()
        .unwrap();
    (String::from_utf8(size.stdout).unwrap().trim().to_owned(), f64::from(mean.stdout[0]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_every_ten_seconds_shows_its_moment() {
    let bench = Bench::start(RecordConfig::default()).await;
    // It gets brighter, four steps a second.
    let film = bench.dir().join("dawn.mp4");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i"])
        .arg("color=black:s=320x180:r=10:d=35,geq=lum='16+4*T':cb=128:cr=128")
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p", film.as_str()])
        .status()
        .unwrap();
    assert!(made.success());
    bench.add_pull("dawn", &format!("file://{film}")).await;
    let store = bench.store().clone();
    until("it is recorded", 20, async || {
        store.recordings(1).await.unwrap().first().is_some_and(|r| r.ended_at.is_some())
    })
    .await;
    let rec = store.recordings(1).await.unwrap()[0].clone();

    let pictures = async || store.scrub_pictures_after(rec.id, -1, 100).await.unwrap();
    scrub(&store, async || !pictures().await.is_empty()).await;
    scrub(&store, async || store.follower_done(rec.id, NAME).await.unwrap()).await;

    let all = pictures().await;
    let times: Vec<f64> = all.iter().map(|p| p.at.as_seconds()).collect();
    assert_eq!(times, [0.0, 10.0, 20.0, 30.0]);
    for p in &all {
        let (size, brightness) = look(store.library().local_path(&p.path).unwrap().as_str());
        assert_eq!(size, "160,90");
        assert!(p.bytes < 10_000, "{} bytes", p.bytes);
        let expected = 4.0 * p.at.as_seconds() * 255.0 / 219.0;
        assert!((brightness - expected).abs() < 4.0, "at {}: {brightness}, not {expected}", p.at);
    }
    let report = check(&store, &CheckOptions { deep: true, in_flight_millis: -1, now: now() }).await.unwrap();
    assert_eq!(report.problems, []);
    bench.stop().await;
}
