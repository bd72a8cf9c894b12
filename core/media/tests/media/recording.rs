//! Live bytes become parts that hold every frame at its true time, also after a crash.

use std::fs;

use clipmill_domain::recording::EndReason;
use clipmill_media::{PartEvent, PartPlan, PartWriter, salvage};
use proptest::prelude::*;

use crate::studio::{Source, frame_hashes, join, open, paths, record, record_epochs};

/// The parts decode to the source's own pictures, at the source's own times.
fn check_whole(source: Source, extension: &str) {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join(format!("live.{extension}"));
    source.make(&live);
    let recorded = record(&live, dir.path(), 2_000_000, 0);
    let whole = dir.path().join("whole.mp4");
    join(&recorded.init, &paths(&recorded), &whole);
    let (truth, got) = (frame_hashes(&live), frame_hashes(&whole));
    assert_eq!(truth.len(), (source.fps * source.seconds) as usize);
    assert_eq!(
        got.iter().map(|f| &f.1).collect::<Vec<_>>(),
        truth.iter().map(|f| &f.1).collect::<Vec<_>>(),
        "every picture is there, bit for bit"
    );
    // Files lie one second late, so that decoding times never fall below zero.
    for (g, t) in got.iter().zip(&truth) {
        let (g, t) = (g.0 - 1.0, t.0 - truth[0].0);
        assert!((g - t).abs() < 0.000_1, "pts {g} should be {t}");
    }
    assert!(recorded.parts.len() >= source.seconds as usize / 3, "{} parts", recorded.parts.len());
    for w in recorded.parts.windows(2) {
        assert_eq!(w[0].span.end(), w[1].span.start(), "parts touch");
    }
    assert_eq!(recorded.parts[0].span.start().as_micros(), 0);
    let end = recorded.parts.last().unwrap().span.end().as_seconds();
    assert!((end - f64::from(source.seconds)).abs() < 0.002, "ends at {end}");
    // Each part is whole in itself: header + part alone decodes from its first frame.
    let alone = dir.path().join("alone.mp4");
    join(&recorded.init, &paths(&recorded)[1..2], &alone);
    let first = recorded.parts[0].span.micros() * i64::from(source.fps) / 1_000_000;
    let shown = frame_hashes(&alone);
    assert_eq!(shown[0].1, truth[usize::try_from(first).unwrap()].1);
}

#[test]
fn flv_at_25_frames_with_44100_hz() {
    check_whole(Source::default(), "flv");
}

#[test]
fn flv_at_30_frames_with_48000_hz_and_long_groups() {
    check_whole(Source { fps: 30, gop: 60, rate: Some(48_000), ..Source::default() }, "flv");
}

#[test]
fn transport_stream_with_start_codes_and_adts() {
    check_whole(Source { rate: Some(48_000), ..Source::default() }, "ts");
}

#[test]
fn without_sound() {
    check_whole(Source { rate: None, ..Source::default() }, "flv");
}

#[test]
fn without_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { video: false, ..Source::default() }.make(&live);
    let recorded = record(&live, dir.path(), 2_000_000, 0);
    let end = recorded.parts.last().unwrap().span.end().as_seconds();
    assert!(recorded.parts.len() >= 2 && (end - 6.0).abs() < 0.1, "{end}");
}

#[test]
fn key_frames_point_at_fragments_that_begin_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source::default().make(&live);
    let recorded = record(&live, dir.path(), 2_000_000, 0);
    let mut seen = vec![];
    for event in &recorded.events {
        let PartEvent::Part { path, key_frames, bytes, .. } = event else { continue };
        let file = fs::read(path).unwrap();
        assert_eq!(file.len() as u64, *bytes);
        for (at, offset) in key_frames {
            let offset = usize::try_from(*offset).unwrap();
            assert_eq!(&file[offset + 4..offset + 8], b"moof");
            seen.push(*at);
        }
    }
    assert_eq!(seen, (0..6).map(|s| s * 1_000_000).collect::<Vec<i64>>());
}

/// Two lives of different size on one connection: the second begins its own epoch, with its own size.
#[test]
fn a_republish_with_another_size_breaks_the_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a.flv"), dir.path().join("b.flv"));
    Source { seconds: 2, ..Source::default() }.make(&a);
    Source { seconds: 2, size: "400x304", ..Source::default() }.make(&b);
    let second = fs::read(&b).unwrap();
    let joined = [fs::read(&a).unwrap(), second[13..].to_vec()].concat();
    let live = dir.path().join("live.flv");
    fs::write(&live, joined).unwrap();
    let epochs = record_epochs(open(&live), dir.path());
    let sizes: Vec<(u32, u32)> = epochs.iter().map(|e| (e.tracks.width, e.tracks.height)).collect();
    assert_eq!(sizes, [(320, 240), (400, 304)]);
    assert_eq!(epochs[0].broke, Some(EndReason::FormatChanged));
    for (epoch, source) in epochs.iter().zip([&a, &b]) {
        let whole = dir.path().join("whole.mp4");
        join(&epoch.init, &paths(epoch), &whole);
        let hashes = |p| frame_hashes(p).into_iter().map(|f| f.1).collect::<Vec<_>>();
        assert_eq!(hashes(&whole), hashes(source));
    }
}

#[test]
fn timestamps_that_start_over_break_the_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let a = dir.path().join("a.flv");
    Source { seconds: 2, ..Source::default() }.make(&a);
    let bytes = fs::read(&a).unwrap();
    let live = dir.path().join("live.flv");
    fs::write(&live, [&bytes[..], &bytes[13..]].concat()).unwrap();
    let epochs = record_epochs(open(&live), dir.path());
    assert_eq!(epochs.len(), 2);
    assert_eq!(epochs[0].broke, Some(EndReason::TimestampJump));
    let lengths: Vec<f64> = epochs.iter().map(|e| e.parts.last().unwrap().span.end().as_seconds()).collect();
    assert!(lengths.iter().all(|l| (l - 2.0).abs() < 0.05), "{lengths:?}");
}

#[test]
fn salvage_keeps_exactly_the_whole_fragments() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 5, ..Source::default() }.make(&live);
    let recorded = record(&live, dir.path(), 60_000_000, 0);
    let PartEvent::Part { path, key_frames, bytes, .. } = recorded.events.last().unwrap() else { panic!() };
    let whole = fs::read(path).unwrap();
    let ends: Vec<u64> = key_frames.iter().skip(1).map(|k| k.1).chain([*bytes]).collect();
    let part = dir.path().join("000009.part");
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    let cut_anywhere =
        prop_oneof![0..=whole.len(), Just(whole.len()), Just(ends[1] as usize), Just(ends[1] as usize - 1)];
    runner
        .run(&cut_anywhere, |cut| {
            fs::write(&part, &whole[..cut]).unwrap();
            let kept = ends.iter().filter(|e| **e <= cut as u64).count();
            let got = salvage(&part, &recorded.init).unwrap();
            if kept == 0 {
                prop_assert!(got.is_none() && !part.exists());
                return Ok(());
            }
            let got = got.unwrap();
            prop_assert_eq!(got.bytes, ends[kept - 1]);
            prop_assert_eq!(got.lost_bytes, cut as u64 - ends[kept - 1]);
            prop_assert_eq!(&got.key_frames[..], &key_frames[..kept]);
            prop_assert_eq!((got.start_us, got.end_us), (0, kept as i64 * 1_000_000));
            prop_assert_eq!(fs::read(&got.path).unwrap(), &whole[..got.bytes as usize]);
            prop_assert!(!part.exists() && got.path.ends_with("000009.m4s"));
            // Again, on the sealed part: nothing changes.
            prop_assert_eq!(salvage(&got.path, &recorded.init).unwrap().unwrap().lost_bytes, 0);
            Ok(())
        })
        .unwrap();
    let three = dir.path().join("000003.part");
    fs::write(&three, &whole[..ends[2] as usize + 100]).unwrap();
    let got = salvage(&three, &recorded.init).unwrap().unwrap();
    let shown = dir.path().join("three.mp4");
    join(&recorded.init, &[got.path], &shown);
    assert_eq!(frame_hashes(&shown).len(), 75);
}

#[test]
fn a_full_disk_is_an_error_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    Source { seconds: 3, ..Source::default() }.make(&live);
    std::os::unix::fs::symlink("/dev/full", dir.path().join("000000.part")).unwrap();
    let mut input = open(&live);
    let plan = PartPlan {
        dir: dir.path().to_owned(),
        init_name: "init.mp4".into(),
        first_seq: 0,
        part_us: 1_000_000,
        sound_before_us: 0,
    };
    let mut writer = PartWriter::new(plan, input.streams()).unwrap();
    let mut failure = None;
    while let Some(packet) = input.read_packet().unwrap() {
        if let Err(e) = writer.push(&packet) {
            failure = Some(e);
            break;
        }
    }
    let failure = failure.unwrap();
    assert!(failure.is_disk_full(), "{failure}");
    assert!(failure.to_string().contains("000000.part"), "{failure}");
}
