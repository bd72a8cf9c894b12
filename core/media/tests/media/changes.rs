//! Senders that change their minds: size, rate, tracks; with and without saying so.

use std::{fs, path::Path};

use clipmill_domain::recording::EndReason;
use clipmill_media::{AudioTrack, Input, InputFrom, OpenOptions};

use crate::studio::{Recorded, Source, frame_hashes, join, open, paths, probed, record_epochs, run, sound};

fn hashes(path: &Path) -> Vec<String> {
    frame_hashes(path).into_iter().map(|f| f.1).collect()
}

fn joined(epoch: &Recorded, out: &Path) -> Vec<String> {
    join(&epoch.init, &paths(epoch), out);
    hashes(out)
}

/// The two, one after the other, as one stream without a word in between.
fn republished(a: Source, b: Source, encoder: &[&str]) -> (tempfile::TempDir, Vec<Recorded>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in [("a", a), ("b", b)] {
        let path = dir.path().join(format!("{name}.ts"));
        source.encode(&path, encoder);
    }
    let bytes = ["a.ts", "b.ts"].map(|n| fs::read(dir.path().join(n)).unwrap()).concat();
    let live = dir.path().join("live.ts");
    fs::write(&live, bytes).unwrap();
    let epochs = record_epochs(open(&live), dir.path());
    (dir, epochs)
}

fn check_republished(encoder: &[&str], codec: &str) {
    let a = Source { seconds: 3, rate: Some(48_000), ..Source::default() };
    let b = Source { seconds: 3, size: "400x304", rate: Some(44_100), ..Source::default() };
    let (dir, epochs) = republished(a, b, encoder);
    assert_eq!(epochs.len(), 2);
    assert_eq!(epochs[0].broke, Some(EndReason::FormatChanged));
    let facts: Vec<_> =
        epochs.iter().map(|e| &e.tracks).map(|t| (t.width, t.height, t.sample_rate)).collect();
    assert_eq!(facts, [(320, 240, Some(48_000)), (400, 304, Some(44_100))]);
    for (epoch, name) in epochs.iter().zip(["a", "b"]) {
        assert_eq!(epoch.tracks.video_codec, codec);
        let whole = dir.path().join("whole.mp4");
        assert_eq!(joined(epoch, &whole), hashes(&dir.path().join(format!("{name}.ts"))), "epoch {name}");
        assert_eq!(probed(&whole, "v:0", "stream=width"), epoch.tracks.width.to_string());
        assert_eq!(
            probed(&whole, "a:0", "stream=sample_rate"),
            epoch.tracks.sample_rate.unwrap().to_string()
        );
        let heard = sound(&whole, 16_000).len();
        assert!((46_000..50_000).contains(&heard), "{heard} samples in epoch {name}");
    }
}

#[test]
fn another_size_and_rate_inside_a_transport_stream_are_noticed() {
    check_republished(&["-c:v", "libx264", "-preset", "veryfast"], "h264");
}

#[test]
fn hevc_in_a_transport_stream_is_recorded_and_may_change_too() {
    let params = "keyint=25:min-keyint=25:scenecut=0:bframes=2:open-gop=0:log-level=none:pools=1";
    check_republished(&["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", params], "hevc");
}

#[test]
fn hevc_in_mp4_is_recorded_frame_by_frame() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.mp4");
    let params = "keyint=25:min-keyint=25:bframes=2:log-level=none:pools=1";
    let encoder = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", params, "-tag:v", "hvc1"];
    Source { seconds: 4, ..Source::default() }.encode(&live, &encoder);
    let epochs = record_epochs(open(&live), dir.path());
    assert_eq!(epochs.len(), 1);
    assert_eq!(joined(&epochs[0], &dir.path().join("whole.mp4")), hashes(&live));
}

#[test]
fn another_sampling_rate_alone_loses_no_picture() {
    let a = Source { seconds: 3, rate: Some(48_000), ..Source::default() };
    let (dir, epochs) =
        republished(a, Source { rate: Some(44_100), ..a }, &["-c:v", "libx264", "-preset", "veryfast"]);
    assert_eq!(epochs.len(), 2);
    assert_eq!(epochs[1].tracks.sample_rate, Some(44_100));
    let frames: usize = epochs.iter().map(|e| joined(e, &dir.path().join("whole.mp4")).len()).sum();
    assert_eq!(frames, 150);
}

/// Sound that shows up in the middle: no picture is lost, and from the next key frame on there is sound.
#[test]
fn sound_that_comes_late_begins_an_epoch_with_both() {
    let dir = tempfile::tempdir().unwrap();
    let (live, late) = (dir.path().join("live.flv"), dir.path().join("late.flv"));
    Source { seconds: 8, rate: Some(44_100), ..Source::default() }.make(&live);
    fs::write(&late, without_sound_until(&fs::read(&live).unwrap(), 4_300)).unwrap();
    let epochs = record_epochs(open(&late), dir.path());
    assert_eq!(epochs.len(), 2);
    assert_eq!(epochs[0].broke, Some(EndReason::FormatChanged));
    assert_eq!(
        (epochs[0].tracks.audio_codec.as_deref(), epochs[1].tracks.audio_codec.as_deref()),
        (None, Some("aac"))
    );
    let whole = dir.path().join("whole.mp4");
    let frames: Vec<String> = epochs.iter().flat_map(|e| joined(e, &whole)).collect();
    assert_eq!(frames, hashes(&live));
    let heard = sound(&whole, 16_000).len();
    assert!((46_000..=50_000).contains(&heard), "{heard}");
}

/// Drops the sound tags of an FLV file up to a time in milliseconds, and every word of them before that.
fn without_sound_until(flv: &[u8], until_ms: u32) -> Vec<u8> {
    let mut out = flv[..13].to_vec();
    out[4] = 1;
    let mut config: Option<Vec<u8>> = None;
    let mut at = 13;
    while at + 11 <= flv.len() {
        let size = u32::from_be_bytes([0, flv[at + 1], flv[at + 2], flv[at + 3]]) as usize;
        let time = u32::from_be_bytes([flv[at + 7], flv[at + 4], flv[at + 5], flv[at + 6]]);
        let tag = &flv[at..at + 11 + size + 4];
        at += tag.len();
        match (tag[0], tag[12]) {
            (8, 0) => config = Some(tag.to_vec()),
            (8, _) if time < until_ms => {}
            (18, _) => {}
            (kind, _) => {
                // The codec header goes to where the sound begins.
                if let Some(mut header) = config.take_if(|_| kind == 8) {
                    header[4..8].copy_from_slice(&tag[4..8]);
                    out.extend(header);
                }
                out.extend(tag);
            }
        }
    }
    out
}

#[test]
fn the_audio_track_asked_for_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live.ts");
    let tone = |hz: u32| format!("sine=f={hz}:r=48000:d=4");
    let mut args: Vec<String> =
        "-v error -y -f lavfi -i testsrc2=s=160x120:r=25:d=4".split(' ').map(str::to_owned).collect();
    for hz in [300, 3000, 1000] {
        args.extend(["-f".into(), "lavfi".into(), "-i".into(), tone(hz)]);
    }
    let maps = "-map 0 -map 1 -map 2 -map 3 -c:v libx264 -g 25 -c:a aac -metadata:s:a:0 language=eng \
                -metadata:s:a:1 language=zho -ac 2";
    args.extend(maps.split_whitespace().map(str::to_owned));
    args.push(live.to_str().unwrap().to_owned());
    run("ffmpeg", &args.iter().map(String::as_str).collect::<Vec<_>>());
    let cases = [
        (AudioTrack::First, 300),
        (AudioTrack::Number(3), 1000),
        (AudioTrack::Language("ZHO".into()), 3000),
        (AudioTrack::Number(9), 300),
        (AudioTrack::Language("jpn".into()), 300),
    ];
    for (audio_track, hz) in cases {
        let options = OpenOptions { audio_track: audio_track.clone(), ..OpenOptions::default() };
        let input =
            Input::open(InputFrom::Url(live.to_str().unwrap().into()), &options, Default::default()).unwrap();
        let there: Vec<(u32, Option<String>, u32)> =
            input.audio_tracks().into_iter().map(|t| (t.number, t.language, t.channels)).collect();
        assert_eq!(there, [(1, Some("eng".into()), 2), (2, Some("zho".into()), 2), (3, None, 2)]);
        let epochs = record_epochs(input, dir.path());
        let whole = dir.path().join("whole.mp4");
        joined(&epochs[0], &whole);
        let heard = sound(&whole, 16_000);
        let crossings = heard[16_000..32_000].windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        assert!(crossings.abs_diff(hz) < 20, "{audio_track}: {crossings} Hz");
    }
}
