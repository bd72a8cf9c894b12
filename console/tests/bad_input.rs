//! Bad input gets a clear message and an exit code, and nothing is lost.
#![allow(clippy::disallowed_methods, reason = "a test may sleep: it has nothing to stop")]

mod common;

use std::{fs, net::TcpListener, path::Path, time::Duration};

use common::{clipmill, ends_within, models, said, wait_for};

const SOON: Duration = Duration::from_secs(60);

fn config(dir: &Path, more: &str) -> std::path::PathBuf {
    let file = dir.join("clipmill.toml");
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!(
        "data_dir = {:?}\n[serve]\nbind = \"{}\"\n[record]\nrtmp_bind = \"{}\"\n{more}",
        dir.join("data"),
        free(),
        free()
    );
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_config_typo_names_the_nearest_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "part_secnods = 4\n");
    let out = clipmill().args(["config", "check", "--config"]).arg(&file).output().unwrap();
    assert_eq!(out.status.code(), Some(78), "{}", said(&out));
    assert!(said(&out).contains("part_secnods") && said(&out).contains("part_seconds"), "{}", said(&out));
}

#[test]
fn a_public_console_without_a_token_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "");
    let out = clipmill()
        .args(["serve", "--config"])
        .arg(&file)
        .env("CLIPMILL__SERVE__BIND", "0.0.0.0:0")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(78), "{}", said(&out));
    assert!(said(&out).contains("auth_token_file"), "{}", said(&out));
}

#[test]
fn a_port_that_is_taken_stops_the_service_with_a_message() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "");
    for key in ["CLIPMILL__SERVE__BIND", "CLIPMILL__RECORD__RTMP_BIND"] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let out = ends_within(
            clipmill()
                .args(["run", "--config"])
                .arg(&file)
                .env(key, address.to_string())
                .arg("--models-dir")
                .arg(models()),
            SOON,
        );
        assert_eq!(out.status.code(), Some(78), "{}", said(&out));
        assert!(
            said(&out).contains(&address.port().to_string()) && said(&out).contains("taken"),
            "{}",
            said(&out)
        );
    }
}

#[test]
fn a_model_with_a_flipped_byte_is_refused_by_name_and_hash() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "");
    let mine = dir.path().join("models");
    fs::create_dir(&mine).unwrap();
    for entry in fs::read_dir(models()).unwrap().flatten().filter(|e| e.path().is_file()) {
        std::os::unix::fs::symlink(entry.path().canonicalize().unwrap(), mine.join(entry.file_name()))
            .unwrap();
    }
    let mut vad = fs::read_dir(&mine).unwrap().flatten().map(|e| e.path());
    let vad = vad.find(|p| p.to_string_lossy().contains("silero")).expect("the voice activity model");
    let mut bytes = fs::read(&vad).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&vad).unwrap();
    fs::write(&vad, bytes).unwrap();

    let verify =
        clipmill().args(["models", "verify", "silero-vad", "--models-dir"]).arg(&mine).output().unwrap();
    assert_eq!(verify.status.code(), Some(1), "{}", said(&verify));
    let out =
        ends_within(clipmill().args(["run", "--config"]).arg(&file).arg("--models-dir").arg(&mine), SOON);
    assert_eq!(out.status.code(), Some(78), "{}", said(&out));
    assert!(said(&out).contains("silero"), "{}", said(&out));
    assert!(said(&out).contains("models fetch"), "the message says what to do: {}", said(&out));
}

#[test]
fn a_file_that_is_not_media_is_told_and_the_service_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "");
    let junk = dir.path().join("junk.mp4");
    fs::write(&junk, vec![7u8; 100_000]).unwrap();
    let add = clipmill()
        .args(["source", "add", "junk", junk.to_str().unwrap(), "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(add.status.success(), "{}", said(&add));
    let absent = clipmill()
        .args(["source", "add", "absent", "http://127.0.0.1:9/live.flv?token=hunter2secret", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(absent.status.success(), "{}", said(&absent));
    assert!(!said(&absent).contains("hunter2secret"));

    let log = dir.path().join("log");
    let mut child = clipmill()
        .args(["record", "--config"])
        .arg(&file)
        .stdout(fs::File::create(&log).unwrap())
        .stderr(fs::File::options().append(true).open(&log).unwrap())
        .spawn()
        .unwrap();
    let text = || fs::read_to_string(&log).unwrap_or_default();
    wait_for("both sources are told apart", SOON, || {
        let t = text();
        (t.contains("junk") && t.contains("absent")).then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "the recorder goes on: {}", text());
    assert!(!text().contains("hunter2secret"), "{}", text());
    let listed = clipmill().args(["source", "list", "--config"]).arg(&file).output().unwrap();
    assert!(!said(&listed).contains("hunter2secret"));
    let dump = fs::read(dir.path().join("data/clipmill.db")).unwrap();
    assert!(!dump.windows(13).any(|w| w == b"hunter2secret"), "the token is sealed in the database");
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn an_unknown_source_and_a_broken_product_list_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = config(dir.path(), "");
    let out = clipmill().args(["source", "disable", "nosuch", "--config"]).arg(&file).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("nosuch"), "{}", said(&out));
    let list = dir.path().join("products.jsonl");
    fs::write(&list, "{\"sku\":\"A\",\"name\":\"a\"}\n{\"sku\":\n").unwrap();
    let out = clipmill()
        .args(["source", "add", "s", "--products", list.to_str().unwrap(), "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("line 2"), "{}", said(&out));
}
