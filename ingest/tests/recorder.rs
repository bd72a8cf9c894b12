//! The recorder against real encoders: the ffmpeg program pushes RTMP, and says by frame hashes what was kept.

#[path = "support/mod.rs"]
mod support;

use std::time::Duration;

use clipmill_domain::{
    gap::gap_map,
    recording::{EndReason, Recording},
};
use clipmill_ingest::record::{RecordConfig, RecordError, SourceState, run_recorder};
use clipmill_store::check::CheckOptions;
use support::{Bench, KEY, Media, until};
use tokio_util::sync::CancellationToken;

async fn only_recording(bench: &Bench) -> Recording {
    let all = bench.store().recordings(10).await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

async fn ended(bench: &Bench) -> Recording {
    until("the recording ends", 15, async || {
        bench.store().recordings(10).await.unwrap().first().is_some_and(|r| r.ended_at.is_some())
    })
    .await;
    only_recording(bench).await
}

async fn parts_at_least(bench: &Bench, n: usize) {
    until("parts are recorded", 20, async || match bench.store().recordings(10).await.unwrap().first() {
        Some(r) => bench.store().parts(r.id).await.unwrap().len() >= n,
        None => false,
    })
    .await;
}

async fn check_is_clean(bench: &Bench) {
    let options = CheckOptions { in_flight_millis: 0, ..CheckOptions::at(support::now()) };
    let report = clipmill_store::check::check(bench.store(), &options).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_is_recorded_frame_by_frame_and_strangers_are_refused() {
    let bench = Bench::start(RecordConfig::default()).await;
    let media = Media::make(&bench.dir(), 6);
    let mut encoder = bench.push(&media, KEY);
    parts_at_least(&bench, 1).await;

    // While it runs: a wrong key, and a second encoder with the right one.
    let mut wrong = bench.push(&media, "not-the-key");
    let mut second = bench.push(&media, KEY);
    let said = support::fails(&mut wrong).await;
    assert!(said.contains("stream key is not known"), "{said}");
    let said = support::fails(&mut second).await;
    assert!(said.contains("another encoder is publishing"), "{said}");

    assert!(support::ends(&mut encoder).await, "the first encoder was not disturbed");
    let rec = ended(&bench).await;
    assert_eq!(rec.end_reason, Some(EndReason::Finished));
    let epochs = bench.store().epochs(rec.id).await.unwrap();
    assert_eq!(epochs.len(), 1);
    assert_eq!((epochs[0].end_reason, epochs[0].tracks.width), (Some(EndReason::Finished), 160));
    assert_eq!(epochs[0].tracks.audio_codec.as_deref(), Some("aac"));
    let parts = bench.store().parts(rec.id).await.unwrap();
    assert!(parts.len() >= 3, "{}", parts.len());
    assert_eq!(gap_map(&parts, &epochs), []);
    assert_eq!(parts[0].span.start().as_micros(), 0);
    assert_eq!(parts[0].wall_start, rec.started_at);
    let length = parts[parts.len() - 1].span.end().as_seconds();
    assert!((length - 6.0).abs() < 0.1, "{length}");
    assert_eq!(bench.frames_of(rec.id, 0).await, media.frames());
    check_is_clean(&bench).await;
    assert!(!bench.log_holds_key());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_encoder_that_comes_back_makes_one_recording_with_a_gap_as_long_as_the_outage() {
    let bench = Bench::start(RecordConfig::default()).await;
    let media = Media::make(&bench.dir(), 4);
    let mut encoder = bench.push(&media, KEY);
    parts_at_least(&bench, 1).await;
    let killed_at = support::now();
    encoder.kill().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let mut encoder = bench.push(&media, KEY);
    assert!(support::ends(&mut encoder).await);

    let rec = ended(&bench).await;
    let epochs = bench.store().epochs(rec.id).await.unwrap();
    let reasons: Vec<_> = epochs.iter().map(|e| e.end_reason).collect();
    assert_eq!(reasons, [Some(EndReason::Disconnected), Some(EndReason::Finished)]);
    let parts = bench.store().parts(rec.id).await.unwrap();
    let gaps = gap_map(&parts, &epochs);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].reason, Some(EndReason::Disconnected));
    #[expect(clippy::cast_precision_loss)]
    let outage = epochs[1].started_at.millis_since(killed_at) as f64 / 1000.0;
    #[expect(clippy::cast_precision_loss)]
    let gap = gaps[0].span.micros() as f64 / 1e6;
    assert!((gap - outage).abs() < 0.6, "gap {gap} s, outage {outage} s");
    // Every frame of the second run, and of the first run all that the recorder was sent.
    assert_eq!(bench.frames_of(rec.id, 1).await, media.frames());
    let first = bench.frames_of(rec.id, 0).await;
    assert!(media.begins_with(&first), "{} frames", first.len());
    check_is_clean(&bench).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorder_that_dies_brings_its_open_part_back_and_goes_on() {
    // A part longer than the test: whatever is kept of it was salvaged.
    let config = RecordConfig { part: Duration::from_secs(60), ..RecordConfig::default() };
    let mut bench = Bench::start(config).await;
    let media = Media::make(&bench.dir(), 4);
    let mut encoder = bench.push(&media, KEY);
    until("the epoch begins", 15, async || !bench.store().open_epochs().await.unwrap().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    bench.crash().await;
    support::fails(&mut encoder).await;
    let rec = only_recording(&bench).await;
    assert!(bench.store().parts(rec.id).await.unwrap().is_empty());

    bench.restart().await;
    let epochs = bench.store().epochs(rec.id).await.unwrap();
    assert_eq!(epochs[0].end_reason, Some(EndReason::Crashed));
    let mut encoder = bench.push(&media, KEY);
    assert!(support::ends(&mut encoder).await);
    let rec = ended(&bench).await;
    assert_eq!(bench.store().epochs(rec.id).await.unwrap().len(), 2);
    let first = bench.frames_of(rec.id, 0).await;
    assert!(media.frames().starts_with(&first));
    // Two seconds of 25 frames ran, in groups of 12: all but the last group or two is there.
    assert!(first.len() >= 25, "{} frames", first.len());
    assert_eq!(bench.frames_of(rec.id, 1).await, media.frames());
    check_is_clean(&bench).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_encoder_ends_the_epoch_and_goes_on_in_the_next_one() {
    let config = RecordConfig { stall: Duration::from_millis(1200), ..RecordConfig::default() };
    let bench = Bench::start(config).await;
    let media = Media::make(&bench.dir(), 5);
    let mut encoder = bench.push(&media, KEY);
    parts_at_least(&bench, 1).await;
    support::signal(&encoder, "STOP");
    until("the stall is seen", 5, async || bench.store().open_epochs().await.unwrap().is_empty()).await;
    support::signal(&encoder, "CONT");
    assert!(support::ends(&mut encoder).await);
    let rec = ended(&bench).await;
    let reasons: Vec<_> = bench.store().epochs(rec.id).await.unwrap().iter().map(|e| e.end_reason).collect();
    assert_eq!(reasons, [Some(EndReason::Stalled), Some(EndReason::Finished)]);
    let (first, second) = (bench.frames_of(rec.id, 0).await, bench.frames_of(rec.id, 1).await);
    assert!(media.begins_with(&first) && media.frames().ends_with(&second));
    // Lost is at most what lies between the stall and the next key frame.
    let lost = media.frames().len() - first.len() - second.len();
    assert!(lost <= 12, "{lost} frames");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_pulled_to_their_end_and_bad_sources_disturb_nobody() {
    let bench = Bench::start(RecordConfig::default()).await;
    let media = Media::make(&bench.dir(), 6);
    let text = bench.dir().join("notes.txt");
    std::fs::write(&text, "this is not media at all, ".repeat(400)).unwrap();
    let bad = bench.add_pull("notes", &format!("file://{text}")).await;
    let nobody = bench.add_pull("nobody", "rtmp://127.0.0.1:1/live/secret-name").await;
    let good = bench.add_pull("show", &format!("file://{}", media.path())).await;

    let rec = ended(&bench).await;
    assert_eq!((rec.source_id, rec.end_reason), (good, Some(EndReason::Finished)));
    assert_eq!(bench.frames_of(rec.id, 0).await, media.frames());

    until("the bad file is given up", 10, async || {
        !bench.store().source(bad).await.unwrap().unwrap().enabled
            && !bench.store().source(good).await.unwrap().unwrap().enabled
    })
    .await;
    let said = bench.store().audit_of(&bad.to_string()).await.unwrap();
    let words = said.iter().filter_map(|l| l.detail.as_deref()).collect::<String>();
    assert!(words.contains("notes.txt") && words.contains("not readable as media"), "{words}");

    until("the address is tried again", 10, async || {
        let board = bench.board.snapshot();
        board.sources.get(&nobody).is_some_and(|s| s.state == SourceState::Retrying && s.last_error.is_some())
    })
    .await;
    let problems = bench.board.snapshot().problems().join("\n");
    assert!(problems.contains("127.0.0.1") && !problems.contains("secret-name"), "{problems}");
    assert!(bench.store().source(nobody).await.unwrap().unwrap().enabled, "it is tried on");
    // What health reads.
    let beats = bench.store().processes(support::now()).await.unwrap();
    assert!(beats.iter().any(|p| p.role == "record"), "{beats:?}");
    check_is_clean(&bench).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_encoders_in_plain_words() {
    let config = RecordConfig { free_space_floor: u64::MAX, ..RecordConfig::default() };
    let bench = Bench::start(config).await;
    let media = Media::make(&bench.dir(), 2);
    let said = support::fails(&mut bench.push(&media, KEY)).await;
    assert!(said.contains("the disk is too full"), "{said}");
    assert!(bench.store().recordings(10).await.unwrap().is_empty());
    until("health says so", 5, async || bench.board.snapshot().disk_full.is_some()).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orderly_stop_loses_nothing_and_leaves_the_recording_to_be_continued() {
    let mut bench = Bench::start(RecordConfig::default()).await;
    let media = Media::make(&bench.dir(), 5);
    let mut encoder = bench.push(&media, KEY);
    parts_at_least(&bench, 1).await;
    bench.halt().await;
    support::fails(&mut encoder).await;
    let rec = only_recording(&bench).await;
    assert_eq!(rec.ended_at, None);
    let epochs = bench.store().epochs(rec.id).await.unwrap();
    assert_eq!(epochs.iter().map(|e| e.end_reason).collect::<Vec<_>>(), [Some(EndReason::Stopped)]);
    assert!(media.begins_with(&bench.frames_of(rec.id, 0).await));
    check_is_clean(&bench).await;

    bench.restart().await;
    let mut encoder = bench.push(&media, KEY);
    until("it goes on", 10, async || bench.store().epochs(rec.id).await.unwrap().len() == 2).await;
    encoder.kill().await.unwrap();
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_and_a_second_recorder_are_clear_errors() {
    let bench = Bench::start(RecordConfig::default()).await;
    let other = Bench::open().await;
    let config = RecordConfig { rtmp_bind: bench.addr, ..other.config() };
    let error =
        run_recorder(other.store().clone(), config, CancellationToken::new(), |_| ()).await.unwrap_err();
    assert!(matches!(error, RecordError::PortTaken { .. }) && error.needs_operator());
    assert!(error.to_string().contains(&format!("port {} is taken", bench.addr.port())), "{error}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_recording_ends_and_a_stopped_source_ends_its_own() {
    let config = RecordConfig { quiet_end: Duration::from_millis(1500), ..RecordConfig::default() };
    let bench = Bench::start(config).await;
    let media = Media::make(&bench.dir(), 6);
    let mut encoder = bench.push(&media, KEY);
    parts_at_least(&bench, 1).await;
    encoder.kill().await.unwrap();
    let quiet = ended(&bench).await;
    assert_eq!(quiet.end_reason, Some(EndReason::Quiet));

    let mut encoder = bench.push(&media, KEY);
    until("a second recording", 10, async || bench.store().recordings(10).await.unwrap().len() == 2).await;
    parts_at_least(&bench, 1).await;
    bench.switch_off().await;
    support::fails(&mut encoder).await;
    until("it is stopped", 5, async || {
        bench.store().recordings(10).await.unwrap()[0].end_reason == Some(EndReason::Stopped)
    })
    .await;
    check_is_clean(&bench).await;
    bench.stop().await;
}
