//! The whole road on real input: a live pushed over RTMP becomes posted clips while it plays.

mod common;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{ChildStdout, Command, Stdio},
    time::Duration,
};

use common::{clipmill, demo_dir, ends_within, ffprobe, models, said, wait_for};
use serde_json::Value;

/// Seconds of the fixture that are played.
const SECONDS: &str = "62";

#[test]
fn a_live_becomes_posted_clips_while_it_plays() {
    let dir = demo_dir();
    let mut demo = clipmill()
        .args(["demo", "--json", "--keep", "--seconds", SECONDS, "--dir"])
        .arg(dir.path())
        .arg("--models-dir")
        .arg(models())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(dir.path().join("said")).unwrap())
        .spawn()
        .unwrap();
    let printed = json_within(demo.stdout.take().unwrap(), Duration::from_secs(420));
    let told = || {
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap_or_default();
        format!("{}\n{}", read("said"), read("run/clipmill.log"))
    };
    let report: Value =
        serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}\n{}", told()));
    in_a_browser(&dir.path().join("run/clipmill.toml"));
    let stopped = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let status =
        wait_for("the demo stops after Ctrl-C", Duration::from_secs(40), || demo.try_wait().unwrap());
    assert!(status.success(), "{}", told());

    let clips = report["clips"].as_array().unwrap();
    assert!(clips.len() >= 3, "{report:#}");
    assert!(report["gaps"].as_array().unwrap().is_empty(), "an undisturbed push has no gap: {report:#}");
    for (name, stage) in report["stages"].as_object().unwrap() {
        assert_eq!(stage["ok"], true, "{name}: {report:#}");
    }
    let median = report["median_latency_s"].as_f64().unwrap();
    assert!(median > 0.0 && median <= 60.0, "median latency {median}");
    let reviewable_live = clips.iter().filter(|c| {
        c["end_s"].as_f64().unwrap() + c["latency_s"].as_f64().unwrap() < SECONDS.parse().unwrap()
    });
    assert!(
        reviewable_live.count() * 2 >= clips.len(),
        "most clips are reviewable while the live still plays"
    );

    for clip in clips {
        finished_video(clip);
    }
    mostly_between_sentences(clips);
    assert!(
        clips.iter().any(|c| c["product"] == "针织开衫"),
        "the product the host names is bound: {report:#}"
    );

    let check = clipmill()
        .args(["check", "--deep", "--config"])
        .arg(dir.path().join("run/clipmill.toml"))
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", said(&check));
}

/// Standard output up to the end of its JSON; standard output holds nothing else.
fn json_within(out: ChildStdout, longest: Duration) -> String {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            text.push_str(&line);
            text.push('\n');
            if line == "}" {
                break;
            }
        }
        let _ = send.send(text);
    });
    receive.recv_timeout(longest).expect("the demo's report")
}

/// The console's own browser test, against the service that is still up: feed, clip page, video, keys, accessibility.
fn in_a_browser(config: &Path) {
    let text = fs::read_to_string(config).unwrap();
    let bind = text.lines().find_map(|l| l.strip_prefix("bind = \"")?.strip_suffix('"')).unwrap();
    let npm = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/npm");
    let out = ends_within(
        Command::new(npm).args(["run", "e2e"]).env("CLIPMILL_URL", format!("http://{bind}/")),
        Duration::from_secs(240),
    );
    assert!(out.status.success(), "{}", said(&out));
}

/// The posted file is a whole vertical video with sound, as long as the clip says.
fn finished_video(clip: &Value) {
    let file = clip["file"].as_str().unwrap();
    let probed = ffprobe(file);
    let stream = |kind: &str| {
        let streams = probed["streams"].as_array().unwrap();
        streams
            .iter()
            .find(|s| s["codec_type"] == kind)
            .unwrap_or_else(|| panic!("{file} has no {kind}"))
            .clone()
    };
    let video = stream("video");
    assert_eq!((&video["codec_name"], &video["pix_fmt"]), (&"h264".into(), &"yuv420p".into()), "{file}");
    assert_eq!((&video["width"], &video["height"]), (&720.into(), &1280.into()), "{file}");
    assert_eq!(stream("audio")["codec_name"], "aac", "{file}");
    let length: f64 = probed["format"]["duration"].as_str().unwrap().parse().unwrap();
    let wanted = clip["end_s"].as_f64().unwrap() - clip["start_s"].as_f64().unwrap();
    assert!((length - wanted).abs() < 0.15, "{file}: {length} s, the clip says {wanted} s");
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-i", file, "-f", "null", "-"])
        .output()
        .unwrap();
    assert!(decoded.status.success() && decoded.stderr.is_empty(), "{file}: {}", said(&decoded));
}

/// Against the script: boundaries lie in the pauses of what was really said. Recognised times are off by up to a few
/// tenths of a second, so a boundary counts as inside a sentence when it is further in than half a second.
fn mostly_between_sentences(clips: &[Value]) {
    let truth = include_str!("../../fixtures/speech/zh_live.jsonl");
    let said: Vec<(f64, f64)> = truth
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap())
        .map(|v| (v["start"].as_f64().unwrap(), v["end"].as_f64().unwrap()))
        .collect();
    let inside = |t: f64| said.iter().any(|(a, b)| t > a + 0.5 && t < b - 0.5);
    let boundaries: Vec<f64> =
        clips.iter().flat_map(|c| [c["start_s"].as_f64().unwrap(), c["end_s"].as_f64().unwrap()]).collect();
    let wrong: Vec<&f64> = boundaries.iter().filter(|t| inside(**t)).collect();
    assert!(
        wrong.len() * 5 <= boundaries.len(),
        "over a fifth of the boundaries fall inside a sentence: {wrong:?}"
    );
}
