//! RTMP pulled from nginx, to which an encoder pushes.

use clipmill_domain::recording::EndReason;

use crate::rig::{
    clips::{gop, other, plain, sparse, third},
    encoder::Encoder,
    figure,
    lab::Lab,
    nginx::Nginx,
    pause,
};

/// Frames that may be on their way through the server when it dies: 0.4 s.
const ON_THE_WAY: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_and_restarted_and_a_stream_not_there_yet() {
    let mut nginx = Nginx::start().await;
    let mut lab = Lab::start().await;
    let (a, b, c) = (plain(), other(), third());
    // Asked for before anybody sends it.
    lab.pull(&nginx.rtmp("room")).await;
    pause(2.0).await;
    let back = lab.back().await;
    let encoder = Encoder::push(&a, &nginx.rtmp("room"));
    lab.recovers("RTMP pull, stream not there at first", &back).await;
    lab.keeps(2.0).await;
    let sent = encoder.sent();
    nginx.kill();
    lab.epoch_ends(20).await;
    drop(encoder);
    pause(1.5).await;
    nginx.run().await;
    let back = lab.back().await;
    let encoder = Encoder::push(&b, &nginx.rtmp("room"));
    lab.recovers("RTMP pull, server killed", &back).await;
    encoder.reaches(encoder.sent() + 75).await;
    // Now the encoder only: the server closes the stream.
    let sent_b = encoder.kill().await;
    lab.epoch_ends(20).await;
    pause(1.0).await;
    let back = lab.back().await;
    let encoder = Encoder::push(&c, &nginx.rtmp("room"));
    lab.recovers("RTMP pull, encoder killed", &back).await;
    encoder.reaches(encoder.sent() + 75).await;

    let found = lab.judge(&[&a, &b, &c]).await;
    let firsts = [0, 1, 2].map(|clip| found.first(clip));
    figure(&format!("RTMP pull: first kept frame of what each encoder sent, of 25 a second: {firsts:?}"));
    found.assert_true().assert_whole_to(0, sent - ON_THE_WAY).assert_whole_to(1, sent_b - ON_THE_WAY);
    assert_eq!(found.epochs.len(), 3);
    assert_eq!(found.reasons()[..2], [Some(EndReason::Disconnected); 2]);
    assert_eq!(found.gaps.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoder_then_the_server_stands_still() {
    let nginx = Nginx::start().await;
    let mut lab = Lab::start().await;
    let a = plain();
    lab.pull(&nginx.rtmp("room")).await;
    let encoder = Encoder::push(&a, &nginx.rtmp("room"));
    lab.keeps(2.0).await;
    let from = encoder.sent();
    encoder.freeze();
    lab.epoch_ends(20).await;
    pause(2.0).await;
    let back = lab.back().await;
    encoder.thaw();
    lab.recovers("RTMP pull, encoder frozen", &back).await;
    let to = encoder.sent() + gop(&a);
    pause(2.0).await;

    let from_b = encoder.sent();
    nginx.freeze();
    lab.epoch_ends(20).await;
    pause(1.0).await;
    let back = lab.back().await;
    nginx.thaw();
    lab.recovers("RTMP pull, server frozen", &back).await;
    let to_b = encoder.sent() + gop(&a);
    encoder.reaches(encoder.sent() + 60).await;

    let found = lab.judge(&[&a]).await;
    found.assert_true();
    found.assert_lost_in(0, &[from.saturating_sub(ON_THE_WAY)..to, from_b.saturating_sub(ON_THE_WAY)..to_b]);
    assert_eq!(found.reasons()[..2], [Some(EndReason::Stalled); 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_joined_long_before_its_next_key_frame() {
    let nginx = Nginx::start().await;
    let mut lab = Lab::start().await;
    let a = sparse();
    let encoder = Encoder::push(&a, &nginx.rtmp("room"));
    // Just after a key frame: the next one is 3.6 s away, and the server sends no picture before it.
    encoder.reaches(110).await;
    lab.pull(&nginx.rtmp("room")).await;
    lab.epoch_begins(1, 30).await;
    encoder.reaches(380).await;
    let found = lab.judge(&[&a]).await;
    found.assert_true();
    assert!(found.first(0).is_some_and(|f| f <= 200), "the first key frame is kept\n{found}");
    assert!(found.epochs.iter().all(|e| e.epoch.tracks.width > 0), "no epoch is without pictures\n{found}");
    assert_eq!(found.epochs.len(), 1);
}
