//! Encoders that push RTMP to us.

use std::time::Duration;

use clipmill_domain::recording::EndReason;
use clipmill_ingest::record::RecordConfig;

use crate::rig::{
    clips::{gop, larger, other, plain, third},
    encoder::Encoder,
    lab::{Lab, config, now, push_url},
    pause, until,
    wire::{Line, Wire},
};

/// Frames that may be on their way, unread, when a connection is reset: 0.4 s.
const ON_THE_WAY: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoder_killed_and_restarted() {
    let mut lab = Lab::start().await;
    let (a, b) = (plain(), other());
    let encoder = Encoder::push(&a, &lab.push_url());
    encoder.reaches(110).await;
    let sent = encoder.kill().await;
    let killed_at = now();
    pause(1.5).await;
    let back = lab.back().await;
    let encoder = Encoder::push(&b, &lab.push_url());
    encoder.reaches(1).await;
    let away = now().millis_since(killed_at) as f64 / 1000.0;
    lab.recovers("RTMP push, encoder killed", &back).await;
    encoder.reaches(100).await;
    let sent_again = encoder.kill().await;
    lab.epoch_ends(20).await;

    let found = lab.judge(&[&a, &b]).await;
    found.assert_true().assert_whole_to(0, sent - ON_THE_WAY);
    assert_eq!((found.first(0), found.first(1)), (Some(0), Some(0)), "both from their first frame");
    found.assert_whole_to(1, sent_again - ON_THE_WAY);
    assert_eq!(found.reasons(), [Some(EndReason::Disconnected); 2]);
    // An encoder says that a frame is out up to 0.1 s late, and its last half second may be unread.
    let gap = found.gap_seconds();
    assert!(found.gaps.len() == 1 && (gap - away).abs() < 0.8, "gap {gap:.2} s, it was away for {away:.2} s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoder_silent_for_twenty_seconds() {
    let stall = Duration::from_secs(8);
    let mut lab = Lab::start_with(RecordConfig { stall, ..config() }).await;
    let a = plain();
    let encoder = Encoder::push(&a, &lab.push_url());
    encoder.reaches(80).await;
    let sent = encoder.sent();
    encoder.freeze();
    // Within ten seconds on every protocol, says the goal; the limit here is for a loaded machine.
    lab.epoch_ends(15).await;
    pause(12.0).await;
    let back = lab.back().await;
    encoder.thaw();
    lab.recovers("RTMP push, encoder frozen for 20 s", &back).await;
    // It sends what it is behind with in a burst, and goes on: 20 s and some more.
    encoder.reaches(25 * 27).await;
    let sent_last = encoder.kill().await;
    lab.epoch_ends(30).await;

    let found = lab.judge(&[&a]).await;
    // Nothing was lost on the way; what depends on a key frame from before the stall cannot be shown.
    found.assert_true().assert_lost_within(0, sent - 3..sent + gop(&a) + 10);
    found.assert_whole_to(0, sent - 3);
    assert!(found.last(0).unwrap() + ON_THE_WAY >= sent_last, "to its end");
    assert_eq!(found.reasons(), [Some(EndReason::Stalled), Some(EndReason::Disconnected)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_drips_and_a_line_that_is_cut() {
    let mut lab = Lab::start().await;
    let wire = Wire::to(lab.addr()).await;
    let (a, b, c) = (plain(), other(), third());
    let encoder = Encoder::push(&a, &push_url(wire.addr()));
    encoder.reaches(60).await;
    wire.be(Line::Dripping);
    let sent = encoder.sent();
    // A few bytes a second are not a stream: that is seen as what it is.
    lab.epoch_ends(30).await;
    encoder.kill().await;
    wire.be(Line::Good);
    let back = lab.back().await;
    let encoder = Encoder::push(&b, &push_url(wire.addr()));
    lab.recovers("RTMP push, after a dripping line", &back).await;
    encoder.reaches(60).await;
    let sent_b = encoder.sent();
    wire.be(Line::Cut);
    lab.epoch_ends(30).await;
    drop(encoder);
    wire.be(Line::Good);
    let encoder = Encoder::push(&c, &push_url(wire.addr()));
    lab.epoch_begins(3, 30).await;
    encoder.reaches(60).await;
    encoder.kill().await;
    lab.epoch_ends(20).await;

    let found = lab.judge(&[&a, &b, &c]).await;
    found.assert_true().assert_whole_to(0, sent - ON_THE_WAY).assert_whole_to(1, sent_b - ON_THE_WAY);
    assert_eq!((found.first(1), found.first(2)), (Some(0), Some(0)));
    // What the first encoder had sent may still come when the line is good again: pictures too, in their own epoch.
    assert!((3..=4).contains(&found.epochs.len()), "{}", found.epochs.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_on_the_line() {
    let mut lab = Lab::start().await;
    let wire = Wire::to(lab.addr()).await;
    let (a, b) = (plain(), other());
    let encoder = Encoder::push(&a, &push_url(wire.addr()));
    encoder.reaches(80).await;
    let sent = encoder.sent();
    wire.noise(700);
    lab.epoch_ends(30).await;
    drop(encoder);
    let encoder = Encoder::push(&b, &push_url(wire.addr()));
    lab.epoch_begins(2, 30).await;
    encoder.reaches(60).await;
    encoder.kill().await;
    lab.epoch_ends(20).await;
    let found = lab.judge(&[&a, &b]).await;
    // RTMP lost its framing: nothing made of noise may be kept as a picture.
    found.assert_true().assert_whole_to(0, sent - ON_THE_WAY);
    assert_eq!(found.first(1), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_size_and_sample_rate_after_a_restart_and_then_no_sound() {
    let mut lab = Lab::start().await;
    let (a, b, c) = (plain(), larger(), other());
    for (n, clip) in [&a, &b].into_iter().enumerate() {
        let encoder = Encoder::push(clip, &lab.push_url());
        lab.epoch_begins(n + 1, 30).await;
        encoder.reaches(90).await;
        encoder.kill().await;
        lab.epoch_ends(20).await;
    }
    let encoder = Encoder::start(&c, &["-an", "-f", "flv", &lab.push_url()]);
    let begun = lab.back().await;
    lab.recovers("RTMP push, a stream without sound", &begun).await;
    encoder.reaches(110).await;
    let sent = encoder.kill().await;
    lab.epoch_ends(20).await;
    let found = lab.judge(&[&a, &b, &c]).await;
    found.assert_true().assert_whole_to(0, 80).assert_whole_to(1, 80).assert_whole_to(2, sent - ON_THE_WAY);
    assert_eq!([0, 1, 2].map(|c| found.first(c)), [Some(0); 3]);
    let sizes: Vec<_> =
        found.epochs.iter().map(|e| (e.epoch.tracks.width, e.epoch.tracks.sample_rate)).collect();
    assert_eq!(sizes[..2], [(320, Some(44_100)), (480, Some(48_000))]);
    assert_eq!(found.epochs[2].epoch.tracks.audio_codec, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_encoder_with_the_same_key() {
    let mut lab = Lab::start().await;
    let (a, b) = (plain(), other());
    let mut first = Encoder::push(&a, &lab.push_url());
    first.reaches(50).await;
    let (ok, said) = Encoder::push(&b, &lab.push_url()).ends(30).await;
    assert!(!ok && said.contains("another encoder is publishing"), "{said}");
    first.reaches(110).await;
    assert!(first.is_running(), "the first was not disturbed");
    let sent = first.kill().await;
    until("the epoch ends", 20, async || lab.store().open_epochs().await.unwrap().is_empty()).await;
    let found = lab.judge(&[&a, &b]).await;
    found.assert_true().assert_whole_to(0, sent - ON_THE_WAY);
    assert_eq!((found.epochs.len(), found.first(0), found.first(1)), (1, Some(0), None));
}
