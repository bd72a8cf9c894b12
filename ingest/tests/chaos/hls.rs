//! HLS: an ffmpeg writer, nginx as the origin.

use std::{
    fs,
    time::{Duration, Instant},
};

use clipmill_domain::recording::EndReason;
use clipmill_ingest::record::RecordConfig;

use crate::rig::{
    clips::{Clip, gop, plain},
    encoder::Encoder,
    lab::{Lab, config},
    nginx::Nginx,
    pause,
};

/// Segments come in whole: the limit is longer than theirs by far.
fn hls_config() -> RecordConfig {
    RecordConfig { stall: Duration::from_secs(4), ..config() }
}

fn write_playlist(clip: &Clip, nginx: &Nginx, input: &[&str], more: &[&str]) -> Encoder {
    let playlist = nginx.www().join("live.m3u8");
    let input = [input, &["-i", clip.path.as_str()]].concat();
    let usual =
        ["-f", "hls", "-hls_time", "1", "-hls_list_size", "6", "-hls_flags", "delete_segments+temp_file"];
    let output = [&usual, more, &[playlist.as_str()]].concat();
    Encoder::with(tokio::process::Command::new("ffmpeg"), &input, &output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_playlist_that_stands_still_and_an_origin_that_is_killed() {
    let mut nginx = Nginx::start().await;
    let mut lab = Lab::start_with(hls_config()).await;
    let a = plain();
    let writer = write_playlist(&a, &nginx, &[], &[]);
    lab.pull(&nginx.http("live.m3u8")).await;
    lab.keeps(3.0).await;
    let from = writer.sent();
    writer.freeze();
    let frozen = Instant::now();
    lab.epoch_ends(20).await;
    pause(1.0).await;
    let back = lab.back().await;
    // What fell due meanwhile is written in a burst, and leaves the playlist before it can be fetched.
    let due = usize::try_from(frozen.elapsed().as_millis()).unwrap() * 25 / 1000;
    writer.thaw();
    lab.recovers("HLS, writer frozen", &back).await;
    let to = writer.sent().max(from + due) + gop(&a);
    lab.keeps(6.0).await;

    let from_b = writer.sent();
    nginx.kill();
    lab.epoch_ends(20).await;
    nginx.run().await;
    let back = lab.back().await;
    lab.recovers("HLS, origin killed", &back).await;
    let to_b = writer.sent() + gop(&a);
    pause(4.0).await;

    let found = lab.judge(&[&a]).await;
    found.assert_true_but_for_torn_ends();
    // What was written shortly before the fault is fetched only after it, or has left the playlist by then.
    let before = 3 * gop(&a);
    found.assert_lost_in(0, &[from.saturating_sub(before)..to, from_b.saturating_sub(before)..to_b]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_playlist_to_its_end() {
    let nginx = Nginx::start().await;
    let mut lab = Lab::start_with(hls_config()).await;
    let a = plain();
    fs::write(nginx.www().join("room.key"), b"0123456789abcdef").unwrap();
    let info = lab.scratch().join("key-info");
    fs::write(&info, format!("{}\n{}\n", nginx.http("room.key"), nginx.www().join("room.key"))).unwrap();
    let writer = write_playlist(
        &a,
        &nginx,
        &["-t", "9"],
        &["-hls_list_size", "0", "-hls_key_info_file", info.as_str()],
    );
    lab.pull(&nginx.http("live.m3u8")).await;
    let (ok, said) = writer.ends(60).await;
    assert!(ok, "{said}");
    super::rig::until("the recording ends with its playlist", 40, async || {
        lab.store().recordings(1).await.unwrap().first().is_some_and(|r| r.ended_at.is_some())
    })
    .await;
    let found = lab.judge(&[&a]).await;
    found.assert_true().assert_whole_to(0, 9 * 25);
    assert_eq!((found.recording.end_reason, found.epochs.len()), (Some(EndReason::Finished), 1));
    assert!(found.first(0).unwrap() <= 5 * 25, "it began with what was in the list");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timestamps_wrap_at_the_end_of_33_bits() {
    let nginx = Nginx::start().await;
    let mut lab = Lab::start_with(hls_config()).await;
    let a = plain();
    // 2^33 / 90000 = 95443.72 s; the writer adds 1.4 s: the wrap comes 7.3 s into the clip.
    let writer = write_playlist(&a, &nginx, &[], &["-output_ts_offset", "95435"]);
    lab.pull(&nginx.http("live.m3u8")).await;
    lab.epoch_begins(1, 30).await;
    writer.reaches(13 * 25).await;
    let found = lab.judge(&[&a]).await;
    found.assert_true_but_for_torn_ends();
    let first = found.first(0).unwrap();
    assert!(first < 7 * 25 && found.last(0).unwrap() >= 9 * 25, "it was recorded across the wrap\n{found}");
    found.assert_whole_to(0, found.last(0).unwrap() - 3);
}
