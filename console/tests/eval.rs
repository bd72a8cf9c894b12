//! `clipmill eval asr` with the real models on the first seconds of a fixture, and what it says to bad input.

mod common;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
};

use common::{clipmill, models, said};
use serde_json::Value;

/// How much of the fixture is heard: its first six sentences.
const SECONDS: f64 = 18.0;

fn speech(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/speech").join(name)
}

fn eval(audio: &Path, truth: &Path) -> Command {
    let mut c = clipmill();
    c.arg("--models-dir").arg(models()).args(["eval", "asr", "--json", "--audio"]).arg(audio);
    c.arg("--truth").arg(truth);
    c
}

fn ffmpeg(args: &[&str], out: &Path) {
    let made = Command::new("ffmpeg").args(["-nostdin", "-v", "error", "-y"]).args(args).arg(out).status();
    assert!(made.unwrap().success());
}

#[test]
fn a_fixture_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    // Another container, codec, rate and number of channels than the fixture's, and pictures beside the sound.
    let audio = dir.path().join("live.mp4");
    let (speech_file, seconds) = (speech("zh_live.opus"), SECONDS.to_string());
    let picture = ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10", "-i"];
    let sound =
        ["-t", &seconds, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2", "-ar", "44100"];
    ffmpeg(&[&picture[..], &[speech_file.to_str().unwrap()], &sound[..]].concat(), &audio);
    let script = fs::read_to_string(speech("zh_live.jsonl")).unwrap();
    let ends_before =
        |line: &&str| serde_json::from_str::<Value>(line).unwrap()["end"].as_f64().unwrap() < SECONDS;
    let lines: Vec<&str> = script.lines().filter(ends_before).collect();
    let truth = dir.path().join("truth.jsonl");
    fs::write(&truth, lines.join("\n")).unwrap();

    let out = eval(&audio, &truth)
        .arg("--lexicon")
        .arg(speech("zh_live.products.jsonl"))
        .arg("--sentences")
        .output();
    let out = out.unwrap();
    assert!(out.status.success(), "{}", said(&out));
    let r: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&out)));
    // Bounds are wide: what is tested is that the figures are of this file. Its words are known to be hard in places.
    let between = |key: &str, low: f64, high: f64| {
        let x = r[key].as_f64().unwrap_or_else(|| panic!("{key}: {r}"));
        assert!((low..=high).contains(&x), "{key} is {x}: {r}");
    };
    between("cer", 0.01, 0.3);
    between("cer_raw", 0.01, 0.6);
    between("start_ms_p50", 0.0, 100.0);
    between("end_ms_p50", 0.0, 250.0);
    between("audio_s", SECONDS - 0.2, SECONDS + 0.2);
    between("cpu_s_per_audio_s", 0.01, 20.0);
    between("term_recall", 0.0, 1.0);
    between("numbers_right", 0.0, 1.0);
    assert_eq!((&r["nonspeech_chars"], &r["wer"], &r["language"]), (&0.into(), &Value::Null, &"zh".into()));
    assert_eq!(r["sentences"].as_array().unwrap().len(), lines.len());
    assert!(r["chunks"].as_u64().unwrap() >= 2 && r["sentences_heard"].as_u64().unwrap() >= 2, "{r}");
}

#[test]
fn bad_input_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let good = file("good.jsonl", "{\"start\":0.1,\"end\":1.0,\"text\":\"好的\"}\n");
    let long = file("long.jsonl", "{\"start\":0.1,\"end\":9.0,\"text\":\"好的\"}\n");
    let bad = file("bad.jsonl", "{\"start\":0.1,\"end\":1.0,\"text\":\"好的\"}\n{oops\n");
    let beep = dir.path().join("beep.wav");
    ffmpeg(&["-f", "lavfi", "-i", "sine=d=2"], &beep);
    let mute = dir.path().join("mute.mp4");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:d=1", "-c:v", "libx264"], &mute);
    let nowhere = Path::new("/nowhere/at/all");
    for (audio, truth, says) in [
        (beep.as_path(), nowhere, "/nowhere/at/all"),
        (nowhere, good.as_path(), "/nowhere/at/all"),
        (&beep, &bad, "line 2"),
        (&beep, &long, "9.0 s, but the sound lasts 2.0 s"),
        (&mute, &good, "no sound"),
        (&good, &good, "not readable as media"),
    ] {
        let out = eval(audio, truth).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "{}", said(&out));
        assert!(said(&out).contains(says), "{says}: {}", said(&out));
    }
}

#[test]
fn where_nothing_is_said_all_characters_count() {
    let dir = tempfile::tempdir().unwrap();
    let (noise, truth) = (dir.path().join("noise.wav"), dir.path().join("empty.jsonl"));
    ffmpeg(&["-f", "lavfi", "-i", "anoisesrc=d=5:c=pink:a=0.2:seed=1"], &noise);
    fs::write(&truth, "").unwrap();
    let out = eval(&noise, &truth).output().unwrap();
    let r: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&out)));
    assert_eq!(
        (&r["nonspeech_chars"], &r["cer"], &r["sentences_heard"]),
        (&0.into(), &Value::Null, &0.into())
    );
}

/// A transcription service that hears the same in everything, for whoever has the key.
fn service(key: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request, mut block) = (stream.unwrap(), vec![], vec![0; 1 << 16]);
            let whole = |r: &[u8]| {
                let head_end = r.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
                let head = String::from_utf8_lossy(&r[..head_end]).to_lowercase();
                let length = head.split("content-length: ").nth(1)?.lines().next()?.parse::<usize>().ok()?;
                (r.len() >= head_end + length).then_some(head)
            };
            let head = loop {
                let n = stream.read(&mut block).unwrap();
                request.extend_from_slice(&block[..n]);
                if let Some(head) = whole(&request) {
                    break head;
                }
                assert!(n > 0, "the request broke off");
            };
            let knows = head.contains(&format!("authorization: bearer {key}\r\n"));
            let (status, said) = match knows {
                true => ("200 OK", r#"{"text":"好的","segments":[{"start":0.1,"end":0.6,"text":"好的"}]}"#),
                false => ("401 Unauthorized", r#"{"error":"who are you?"}"#),
            };
            let length = said.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{said}"
            )
            .unwrap();
        }
    });
    base
}

#[test]
fn a_configured_service_hears_instead_of_the_model() {
    let dir = tempfile::tempdir().unwrap();
    let (audio, truth, key) = (dir.path().join("a.wav"), dir.path().join("a.jsonl"), dir.path().join("key"));
    ffmpeg(&["-t", "3", "-i", speech("zh_live.opus").to_str().unwrap()], &audio);
    fs::write(&truth, "{\"start\":0.1,\"end\":1.0,\"text\":\"好的\"}\n").unwrap();
    fs::write(&key, "sk-test-1\n").unwrap();
    let with_service = |c: &mut Command, base: &str| {
        c.env("CLIPMILL__TRANSCRIBE__ENDPOINT", base)
            .env("CLIPMILL__TRANSCRIBE__ENDPOINT_MODEL", "large")
            .env("CLIPMILL__TRANSCRIBE__API_KEY_FILE", &key)
            .env("CLIPMILL__TRANSCRIBE__MODEL", "not-here")
            .output()
            .unwrap()
    };
    let base = service("sk-test-1");
    let out = with_service(&mut eval(&audio, &truth), &base);
    assert!(out.status.success(), "{}", said(&out));
    let r: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(r["made_by"].as_str().unwrap().starts_with("large@127.0.0.1"), "{r}");
    assert!(r["words_said"].as_u64().unwrap() >= 2, "{r}");
    let mut doctor = clipmill();
    doctor.arg("--models-dir").arg(models()).arg("doctor");
    let out = with_service(&mut doctor, &base);
    assert!(said(&out).contains("(transcribe.endpoint): large@127.0.0.1"), "{}", said(&out));

    let base = service("sk-test-2");
    for c in [&mut eval(&audio, &truth), &mut doctor] {
        let out = with_service(c, &base);
        let told = said(&out);
        assert!(out.status.code() == Some(1) && told.contains("401"), "{told}");
        assert!(told.contains("transcribe.api_key_file") && !told.contains("sk-test"), "{told}");
    }
}
