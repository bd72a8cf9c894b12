//! `kill -9` of each process in the middle of a live: everything comes back, nothing is lost but the time the recorder
//! was dead, nothing is doubled.
#![allow(clippy::disallowed_methods, reason = "a test may sleep: it has nothing to stop")]

mod common;

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use common::{clipmill, demo_dir, models, pids, pids_where, said, wait_for};
use serde_json::Value;

#[test]
fn every_process_may_be_killed_in_mid_live() {
    let dir = demo_dir();
    let config = dir.path().canonicalize().unwrap().join("run/clipmill.toml");
    let config = config.to_str().unwrap();
    let mut demo = clipmill()
        .args(["demo", "--json", "--seconds", "60", "--dir"])
        .arg(dir.path())
        .arg("--models-dir")
        .arg(models())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();

    let picture = dir.path().join("picture");
    let picture = picture.to_str().unwrap();
    let pushing = || {
        let encoders =
            pids_where(|args| args.iter().any(|a| a == "flv") && args.iter().any(|a| a.starts_with(picture)));
        (!encoders.is_empty()).then_some(())
    };
    wait_for("the live begins", Duration::from_secs(300), pushing);
    let began = Instant::now();
    for (role, at) in [("record", 12), ("work", 22), ("serve", 30), ("run", 36), ("work", 48)] {
        std::thread::sleep(Duration::from_secs(at).saturating_sub(began.elapsed()));
        let victims = wait_for(role, Duration::from_secs(20), || {
            let found = pids(&[config, role]);
            (!found.is_empty()).then_some(found)
        });
        for pid in victims {
            assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
        }
    }
    let longest = Duration::from_secs(420);
    let ended = Instant::now();
    while demo.try_wait().unwrap().is_none() {
        if ended.elapsed() > longest {
            let _ = demo.kill();
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let out = demo.wait_with_output().unwrap();
    let log = std::fs::read_to_string(dir.path().join("run/clipmill.log")).unwrap_or_default();
    assert!(out.status.success(), "{}\n{log}", said(&out));
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();

    let clips = report["clips"].as_array().unwrap();
    assert!(clips.len() >= 2, "{report:#}");
    let gaps = report["gaps"].as_array().unwrap();
    assert!(!gaps.is_empty(), "a dead recorder leaves a gap, and the map shows it: {report:#}");
    let lost: f64 = gaps.iter().map(|g| g["end_s"].as_f64().unwrap() - g["start_s"].as_f64().unwrap()).sum();
    assert!(lost < 24.0, "two kills of the recorder's process lost {lost:.1} s: {report:#}");

    let unique: BTreeSet<&str> = clips.iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(unique.len(), clips.len());
    let starts: BTreeSet<String> = clips.iter().map(|c| c["end_s"].to_string()).collect();
    assert_eq!(starts.len(), clips.len(), "no stretch of talk became two clips: {report:#}");
    let posted = std::fs::read_dir(dir.path().join("run/published")).unwrap().flatten();
    let videos = posted.filter(|f| f.path().extension().is_some_and(|e| e == "mp4")).count();
    assert_eq!(videos, clips.len(), "each clip is posted exactly once");
    assert!(pids(&[config]).is_empty(), "no process outlives the demo");

    let check = clipmill().args(["check", "--deep", "--config", config]).output().unwrap();
    assert!(check.status.success(), "{}", said(&check));
}
