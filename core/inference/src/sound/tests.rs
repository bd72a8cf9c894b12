use std::{fs, process::Command};

use proptest::prelude::*;

use super::*;

const RATE: f32 = SAMPLE_RATE as f32;

fn all(blocks: &[(u64, Vec<f32>)]) -> Vec<Point> {
    let mut meter = SoundMeter::new().unwrap();
    let mut points = vec![];
    for (at, samples) in blocks {
        points.extend(meter.push(*at, samples).unwrap());
    }
    points.extend(meter.end().unwrap());
    points
}

/// A voice-like tone: a fundamental and its overtones.
fn tone(hertz: f32, seconds: f32, gain: f32) -> Vec<f32> {
    let sample = |i: usize| {
        let t = i as f32 / RATE * std::f32::consts::TAU * hertz;
        gain * (1..=8u8).map(|k| (t * f32::from(k)).sin() / f32::from(k)).sum::<f32>() / 2.0
    };
    (0..(seconds * RATE) as usize).map(sample).collect()
}

/// Noise that is the same each time.
fn noise(samples: usize, gain: f32) -> Vec<f32> {
    let mut seed = 1u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        gain * (f32::from((seed >> 16) as u16) / 32_768.0 - 1.0)
    };
    (0..samples).map(|_| next()).collect()
}

#[test]
fn the_pitch_of_a_tone_is_its_own_and_noise_has_none() {
    for hertz in [65.0, 98.0, 140.0, 220.0, 311.0, 440.0, 490.0] {
        for point in all(&[(0, tone(hertz, 1.0, 0.3))]) {
            let found = point.pitch_hz.unwrap();
            assert!((found / hertz - 1.0).abs() < 0.01, "{found} for {hertz}");
        }
    }
    let voiced = all(&[(0, noise(160_000, 0.3))]).iter().filter(|p| p.pitch_hz.is_some()).count();
    assert!(voiced <= 2, "{voiced} of 100");
    assert!(all(&[(0, tone(140.0, 1.0, 0.000_3))]).iter().all(|p| p.pitch_hz.is_none()));
}

#[test]
fn energy_and_peaks_are_what_they_are_called() {
    let half: Vec<f32> = (0..POINT).map(|i| if i % 2 == 0 { 0.5 } else { -0.5 }).collect();
    let [point] = all(&[(0, half)])[..] else { panic!("one point") };
    assert_eq!((point.number, point.energy_db, point.peaks), (0, Some(-6.0), [Some(128); 5]));
    let [silent] = all(&[(POINT as u64, vec![0.0; POINT])])[..] else { panic!("one point") };
    assert_eq!((silent.number, silent.energy_db, silent.peaks), (1, Some(FLOOR_DB), [Some(0); 5]));
    assert_eq!(silent.loudness_lufs, None);
    let loud = all(&[(0, vec![0.0; POINT * 5])]);
    assert_eq!(loud.iter().map(|p| p.loudness_lufs).collect::<Vec<_>>()[3..], [Some(FLOOR_DB); 2]);
}

#[test]
fn missing_sound_is_missing_not_silent() {
    // From 250 ms on, a gap from 730 ms to 1290 ms, the end at 1510 ms.
    let at = |ms: u64| ms * 16;
    let points = all(&[(at(250), vec![0.1; at(480) as usize]), (at(1290), vec![0.1; at(220) as usize])]);
    let numbers: Vec<u64> = points.iter().map(|p| p.number).collect();
    assert_eq!(numbers, [2, 3, 4, 5, 6, 7, 12, 13, 14, 15]);
    let there = |i: usize| points[i].peaks.map(|p| p.is_some());
    assert_eq!(there(0), [false, false, true, true, true]);
    assert_eq!(there(5), [true, true, false, false, false]);
    assert_eq!(there(6), [false, false, false, false, true]);
    assert_eq!(there(9), [true, false, false, false, false]);
    let energy: Vec<bool> = points.iter().map(|p| p.energy_db.is_some()).collect();
    assert_eq!(energy, [true, true, true, true, true, false, false, true, true, false]);
    // Four whole points have to pass, anew after the gap.
    let loud: Vec<u64> = points.iter().filter(|p| p.loudness_lufs.is_some()).map(|p| p.number).collect();
    assert_eq!(loud, [6]);
}

/// The same measure by a program of others.
#[test]
fn loudness_is_what_ffmpeg_measures() {
    let mut sound = tone(180.0, 3.0, 0.2);
    sound.extend(noise(24_000, 0.05));
    sound.extend(tone(330.0, 2.0, 0.6));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sound.f32");
    fs::write(&file, sound.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    let said = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-f", "f32le", "-ar", "16000", "-ch_layout", "mono", "-i"])
        .arg(&file)
        .args(["-af", "ebur128=metadata=1,ametadata=print:key=lavfi.r128.M:file=-", "-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let theirs: Vec<f32> =
        said.lines().filter_map(|l| l.strip_prefix("lavfi.r128.M=")?.parse().ok()).collect();
    let ours = all(&[(0, sound)]);
    assert!(theirs.len() >= ours.len() && ours.len() == 65, "{} and {}", theirs.len(), ours.len());
    let mut compared = 0;
    for (point, theirs) in ours.iter().zip(theirs) {
        if let Some(lufs) = point.loudness_lufs {
            assert!((lufs - theirs).abs() < 0.3, "point {}: {lufs} and {theirs}", point.number);
            compared += 1;
        }
    }
    assert_eq!(compared, 62);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// A recording is cut into parts and a decoder's blocks in many ways; the curves are the same.
    #[test]
    fn how_the_sound_is_cut_changes_nothing(
        start in 0u64..5_000,
        cuts in prop::collection::vec(1usize..7_000, 1..12),
        jitter in prop::collection::vec(-1i64..=1, 12),
        repeat in 0usize..200,
    ) {
        let mut sound = tone(170.0, 0.9, 0.4);
        sound.extend(noise(9_000, 0.1));
        let whole = all(&[(start, sound.clone())]);
        let mut blocks = vec![];
        let mut from = 0;
        for (length, off) in cuts.iter().zip(jitter).chain([(&sound.len(), 0)]) {
            let to = (from + length).min(sound.len());
            // Times are rounded, and a block may bring again what the one before it brought.
            let again = if from > 100 && repeat > 20 { repeat.min(from) } else { 0 };
            let off = if again == 0 && from > 0 { off } else { 0 };
            let at = (start + (from - again) as u64).saturating_add_signed(off);
            blocks.push((at, sound[from - again..to].to_vec()));
            from = to;
        }
        prop_assert_eq!(all(&blocks), whole);
    }
}
