//! What the writer says of its parts is what is in the files, whatever the stream looks like.

use std::{fs, path::Path};

use clipmill_media::{Packet, PartEvent, PartPlan, PartWriter, StreamKind, salvage};
use proptest::prelude::*;

use crate::studio::{open, run};

/// A live with key frames where they are wanted (in frames of 40 ms), with B-frames and sound.
fn make(live: &Path, keys: &[u32], frames: u32, b_frames: u32) {
    let seconds = format!("{}", f64::from(frames) / 25.0);
    let picture = format!("testsrc2=s=96x64:r=25:d={seconds}");
    let tone = format!("sine=f=300:r=44100:d={seconds}");
    let times: Vec<String> = keys.iter().map(|k| format!("{:.3}", f64::from(*k) / 25.0)).collect();
    let times = times.join(",");
    let params = format!("keyint=infinite:scenecut=0:bframes={b_frames}:threads=1");
    let mut args = vec!["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &tone];
    args.extend([
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-x264-params",
        &params,
        "-force_key_frames",
        &times,
    ]);
    args.extend(["-c:a", "aac", live.to_str().unwrap()]);
    run("ffmpeg", &args);
}

/// Key frames of a file in microseconds of its own clock, by ffprobe.
fn probed_keys(file: &Path) -> Vec<i64> {
    let entries = "packet=pts,flags";
    let args = [
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        entries,
        "-of",
        "csv=p=0",
        file.to_str().unwrap(),
    ];
    let text = String::from_utf8(run("ffprobe", &args)).unwrap();
    let key = |line: &str| {
        let (pts, flags) = line.split_once(',')?;
        let ticks: i64 = pts.parse().ok()?;
        flags.starts_with('K').then_some(ticks * 100 / 9 - 1_000_000)
    };
    text.lines().filter_map(key).collect()
}

fn near(a: i64, b: i64) -> bool {
    (a - b).abs() <= 24
}

fn check(keys: &[u32], frames: u32, b_frames: u32, drop: Option<(usize, usize)>, part_us: i64, cut: f64) {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.flv");
    make(&live, keys, frames, b_frames);
    let mut input = open(&live);
    let mut packets: Vec<Packet> = std::iter::from_fn(|| input.read_packet().unwrap()).collect();
    if let Some((from, n)) = drop {
        let from = from % packets.len();
        let to = (from + n).min(packets.len());
        packets.drain(from..to);
    }
    let plan = PartPlan {
        dir: dir.path().to_owned(),
        init_name: "init.mp4".into(),
        first_seq: 0,
        part_us,
        sound_before_us: 0,
    };
    let mut writer = PartWriter::new(plan, input.streams()).unwrap();
    let mut events = vec![];
    for p in &packets {
        events.extend(writer.push(p).unwrap());
    }
    events.extend(writer.finish().unwrap());
    let init = dir.path().join("init.mp4");
    let mut last_end = 0;
    let mut told = 0;
    for event in &events {
        let PartEvent::Part { path, bytes, start_us, end_us, key_frames, .. } = event else { continue };
        let file = fs::read(path).unwrap();
        assert_eq!(file.len() as u64, *bytes);
        assert!(near(*start_us, last_end), "parts touch: {last_end} {start_us}");
        assert_eq!(key_frames[0], (*start_us, 0));
        last_end = *end_us;
        told += key_frames.len();

        let open = dir.path().join("000900.part");
        fs::write(&open, &file).unwrap();
        let found = salvage(&open, &init).unwrap().unwrap();
        assert!((found.bytes, found.lost_bytes) == (*bytes, 0) && near(found.start_us, *start_us));
        assert!(
            (found.end_us - end_us).abs() <= 45_000 || drop.is_some(),
            "ends at {} or {end_us}",
            found.end_us
        );
        let offsets = |keys: &[(i64, u64)]| keys.iter().map(|k| k.1).collect::<Vec<_>>();
        assert_eq!(offsets(&found.key_frames), offsets(key_frames));
        let whole = dir.path().join("whole.mp4");
        fs::write(&whole, [fs::read(&init).unwrap(), file.clone()].concat()).unwrap();
        let probed = probed_keys(&whole);
        assert_eq!(probed.len(), key_frames.len());
        for ((a, b), c) in key_frames.iter().zip(&found.key_frames).zip(probed) {
            assert!(near(a.0, b.0) && near(a.0, c), "{a:?} {b:?} {c}");
        }

        // Cut off anywhere, the whole fragments before the cut stay.
        let at = (file.len() as f64 * cut) as usize;
        fs::write(&open, &file[..at]).unwrap();
        let ends = key_frames.iter().skip(1).map(|k| k.1).chain([*bytes]);
        let kept = ends.filter(|e| *e <= at as u64).max();
        assert_eq!(salvage(&open, &init).unwrap().map(|s| s.bytes), kept);
    }
    let sent = packets.iter().filter(|p| p.kind() == StreamKind::Video && p.is_key()).count();
    assert_eq!(told, sent, "every key frame that was sent is in the index");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 4, ..ProptestConfig::default() })]
    #[test]
    fn the_index_is_what_is_in_the_files(
        gops in prop::collection::vec(1u32..60, 2..7),
        b_frames in 0u32..4,
        drop in prop::option::of((20usize..400, 1usize..30)),
        part_us in prop::sample::select(vec![1, 1_000_000, 2_000_000, 60_000_000]),
        cut in 0.0f64..1.0,
    ) {
        let keys: Vec<u32> = std::iter::once(0).chain(gops.iter().scan(0, |at, g| { *at += g; Some(*at) })).collect();
        let frames = keys.last().copied().unwrap_or(0) + 10;
        check(&keys, frames, b_frames, drop, part_us, cut);
    }
}
