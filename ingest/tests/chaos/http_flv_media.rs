//! HTTP-FLV pulled from a server that misbehaves: its media.

use clipmill_domain::recording::EndReason;

use crate::{
    http_flv::{PLACED_WITHIN, Room},
    rig::{
        clips::{gop, larger, other, plain},
        figure,
        flv::Programme,
        flv_server::{FlvServer, Manner, Stamps},
        lab::Lab,
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn size_and_sample_rate_change_in_the_middle_and_back() {
    let (a, b, c) = (plain(), larger(), other());
    let programme = Programme::chain(&[(&a, 5000), (&b, 4000), (&c, 20_000)]);
    let server = FlvServer::start(programme, Manner::default()).await;
    let mut lab = Lab::start().await;
    lab.pull(&server.url()).await;
    server.reaches(14.0).await;
    let found = lab.judge(&[&a, &b, &c]).await;
    found.assert_true();
    // On one connection, each piece begins with a key frame: nothing may be missing at all.
    assert_eq!(server.connections(), 1, "it was not opened again");
    assert!(found.missing(0, 125).is_empty(), "{found}");
    assert!(found.missing(1, 120).is_empty(), "{found}");
    assert!(found.missing(2, 60).is_empty(), "{found}");
    let sizes: Vec<_> =
        found.epochs.iter().map(|e| (e.epoch.tracks.width, e.epoch.tracks.sample_rate)).collect();
    assert_eq!(sizes, [(320, Some(44_100)), (480, Some(48_000)), (320, Some(44_100))]);
    assert_eq!(found.reasons()[..2], [Some(EndReason::FormatChanged); 2]);
}

/// Timestamps that jump or wrap in the middle of a connection: frames up to the next key frame may be lost, once.
async fn jump(stamps: Stamps, at_ms: u64) {
    let room = Room::open(Manner { stamps, ..Manner::default() }).await;
    room.server.reaches(5.0).await;
    let mut room = room;
    room.server.reaches(at_ms as f64 / 1000.0 + 5.0).await;
    let found = room.lab.judge(&[&room.clip]).await;
    found.assert_true();
    assert_eq!(room.server.connections(), 1, "it was not opened again");
    let at = usize::try_from(at_ms * 25 / 1000).unwrap();
    found.assert_lost_within(0, at - 4..at + gop(&room.clip) + 1);
    assert!(
        found.first(0) == Some(0) && found.last(0).unwrap() >= at + 3 * 25,
        "from its beginning on, and on"
    );
    let off = found.assert_gaps_true(0, PLACED_WITHIN);
    let lost = found.lost(0);
    figure(&format!("{stamps:?}: missing {lost:?}, gap map off by {off:.2} s"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timestamps_jump_back_five_seconds() {
    jump(Stamps::Jump { at_ms: 6_300, by_ms: -5_000 }, 6_300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timestamps_jump_ahead_an_hour() {
    jump(Stamps::Jump { at_ms: 6_300, by_ms: 3_600_000 }, 6_300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timestamps_wrap_at_the_end_of_32_bits() {
    jump(Stamps::Plus((1 << 32) - 6_300), 6_300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_that_comes_late_stops_and_is_never_there() {
    // Whole live with pictures only; sound from 4 s on; sound up to 5 s.
    for (what, audible) in [("never", 0..0), ("late", 4_000..60_000), ("stopping", 0..5_000)] {
        let room = Room::open(Manner { audible: Some(audible.clone()), ..Manner::default() }).await;
        let found = room.judge(10.0, 0).await;
        assert_eq!(found.first(0), Some(0), "{what}");
        // No picture is lost for want of sound.
        found.assert_whole_to(0, 25 * 8);
        let sounds = found.sounds(0).len();
        figure(&format!("sound {what}: {} epochs, {sounds} blocks of sound kept", found.epochs.len()));
        let blocks = |ms: std::ops::Range<u64>| {
            ((ms.end.min(8000) - ms.start.min(8000)) * 44_100 / 1024 / 1000) as usize
        };
        assert!(sounds + 10 >= blocks(audible), "{what}: only {sounds} blocks of sound");
    }
}
