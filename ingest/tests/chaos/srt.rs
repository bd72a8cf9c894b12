//! SRT pulled from a peer: srt-live-transmit, to which an encoder sends, and the ffmpeg program itself.

use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::{
    http_flv::PLACED_WITHIN,
    rig::{
        clips::{gop, plain},
        encoder::Encoder,
        figure, free_port,
        lab::Lab,
        pause, signal,
    },
};

/// Frames that may be in the peers' buffers when one dies: SRT's own delay and the multiplexer's, 1 s.
const ON_THE_WAY: usize = 25;

fn relay(udp: u16, srt: u16) -> Child {
    Command::new("srt-live-transmit")
        .args([
            "-q",
            "-a",
            "yes",
            &format!("udp://127.0.0.1:{udp}"),
            &format!("srt://127.0.0.1:{srt}?mode=listener"),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("srt-live-transmit is installed: scripts/setup --test")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_stands_still_and_a_peer_that_is_killed() {
    let (udp, srt) = (free_port(), free_port());
    let mut lab = Lab::start().await;
    let a = plain();
    let mut peer = relay(udp, srt);
    let encoder = Encoder::start(&a, &["-f", "mpegts", &format!("udp://127.0.0.1:{udp}?pkt_size=1316")]);
    lab.pull(&format!("srt://127.0.0.1:{srt}?mode=caller")).await;
    lab.keeps(2.0).await;
    let from = encoder.sent();
    signal(peer.id().unwrap(), "STOP");
    lab.epoch_ends(20).await;
    pause(1.0).await;
    let back = lab.back().await;
    signal(peer.id().unwrap(), "CONT");
    lab.recovers("SRT, peer frozen", &back).await;
    let to = encoder.sent() + gop(&a);
    pause(2.0).await;
    let from_b = encoder.sent();
    peer.kill().await.unwrap();
    lab.epoch_ends(20).await;
    pause(1.0).await;
    let mut peer = relay(udp, srt);
    let back = lab.back().await;
    lab.recovers("SRT, peer killed", &back).await;
    let to_b = encoder.sent() + gop(&a);
    pause(2.5).await;

    let found = lab.judge(&[&a]).await;
    peer.kill().await.unwrap();
    found.assert_true_but_for_torn_ends();
    found.assert_lost_in(0, &[from.saturating_sub(ON_THE_WAY)..to, from_b.saturating_sub(ON_THE_WAY)..to_b]);
    // The frozen peer's datagrams come late, in a burst.
    let off = found.assert_gaps_true(0, PLACED_WITHIN + 1.0);
    figure(&format!("srt: gap map off by {off:.2} s at most"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timestamps_wrap_at_the_end_of_33_bits() {
    let srt = free_port();
    let mut lab = Lab::start().await;
    let a = plain();
    // 2^33 / 90000 = 95443.72 s; the multiplexer adds 1.4 s: the wrap comes 6.3 s into the clip.
    let address = format!("srt://127.0.0.1:{srt}?mode=listener");
    let encoder = Encoder::start(&a, &["-output_ts_offset", "95436", "-f", "mpegts", &address]);
    lab.pull(&format!("srt://127.0.0.1:{srt}?mode=caller")).await;
    encoder.reaches(12 * 25).await;
    let found = lab.judge(&[&a]).await;
    drop(encoder);
    found.assert_true_but_for_torn_ends();
    let (first, last) = (found.first(0).unwrap(), found.last(0).unwrap());
    assert!(first < 6 * 25 && last >= 9 * 25, "it was recorded across the wrap\n{found}");
    found.assert_whole_to(0, last - 3);
}
