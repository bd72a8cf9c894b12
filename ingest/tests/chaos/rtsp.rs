//! RTSP over TCP, pulled from a server of our own that carries the ffmpeg program's RTP.

use crate::{
    http_flv::PLACED_WITHIN,
    rig::{
        clips::{gop, larger},
        figure,
        lab::Lab,
        pause,
        rtsp::Rtsp,
    },
};

/// Frames that may be on their way: 0.5 s.
const ON_THE_WAY: usize = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_stands_still_and_a_server_that_goes_away() {
    // No B-frames, as cameras do it: RTP carries no decoding times.
    let a = larger();
    let mut server = Rtsp::start(&a).await;
    let mut lab = Lab::start().await;
    lab.pull(&server.url()).await;
    lab.keeps(2.0).await;
    let from = server.encoder.sent();
    server.hush(true);
    lab.epoch_ends(20).await;
    let back = lab.back().await;
    server.hush(false);
    lab.recovers("RTSP, camera frozen", &back).await;
    let to = server.encoder.sent() + gop(&a);
    pause(1.5).await;
    let from_b = server.encoder.sent();
    server.close();
    lab.epoch_ends(20).await;
    pause(0.5).await;
    server.open().await;
    let back = lab.back().await;
    lab.recovers("RTSP, server gone", &back).await;
    let to_b = server.encoder.sent() + gop(&a);
    pause(2.5).await;
    let found = lab.judge(&[&a]).await;
    found.assert_true_but_for_torn_ends();
    found.assert_lost_in(0, &[from.saturating_sub(ON_THE_WAY)..to, from_b.saturating_sub(ON_THE_WAY)..to_b]);
    let off = found.assert_gaps_true(0, PLACED_WITHIN);
    figure(&format!("rtsp: gap map off by {off:.2} s at most"));
}
