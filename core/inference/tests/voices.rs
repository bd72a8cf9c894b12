//! Prints against those of the package the network comes from, and voices told apart in the fixtures.

use std::{collections::BTreeMap, process::Command};

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_inference::voiceprint::{Print, Printer as _, Voiceprints, Voices};
use serde_json::Value;

fn workspace() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn network() -> Voiceprints {
    let dir = std::env::var("CLIPMILL_MODELS")
        .map_or_else(|_| workspace().join("target/models"), Utf8PathBuf::from);
    let path = dir.join("voiceprint-resemblyzer.safetensors");
    assert!(
        path.exists(),
        "this test needs {path}: fetch the models, or point CLIPMILL_MODELS at their folder"
    );
    Voiceprints::load(&path).unwrap()
}

fn sound(file: &str) -> Vec<f32> {
    let path = workspace().join("fixtures/speech").join(file);
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-i", path.as_str(), "-ac", "1", "-ar", "16000"])
        .args(["-f", "f32le", "-"])
        .output()
        .unwrap();
    assert!(made.status.success());
    made.stdout.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn index(seconds: &Value) -> usize {
    (seconds.as_f64().unwrap() * 16_000.0) as usize
}

#[test]
fn prints_are_those_of_the_package_the_network_comes_from() {
    let network = network();
    let text = std::fs::read_to_string(workspace().join("fixtures/reference/voiceprint.json")).unwrap();
    let references: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(references.len(), 3);
    for reference in references {
        let samples = sound(reference["file"].as_str().unwrap());
        let from = index(&reference["start_s"]);
        let ours = network.prints(&[&samples[from..from + 25_600], &samples[..100]]).unwrap();
        let theirs = serde_json::from_value(reference["print"].clone()).unwrap();
        let cosine = ours[0].as_ref().unwrap().likeness(&Print::new(theirs).unwrap());
        eprintln!("cosine {cosine}");
        assert!(cosine > 0.999, "{cosine} at {}", reference["start_s"]);
        assert_eq!(ours[1], None, "too short");
    }
}

#[test]
fn two_people_are_two_voices() {
    let network = network();
    for name in ["zh_live", "en_live"] {
        let samples = sound(&format!("{name}.opus"));
        let truth = workspace().join(format!("fixtures/speech/{name}.jsonl"));
        let mut voices = Voices::default();
        let mut told: BTreeMap<(String, Option<u32>), u32> = BTreeMap::new();
        for line in std::fs::read_to_string(truth).unwrap().lines() {
            let s: Value = serde_json::from_str(line).unwrap();
            let speech = &samples[index(&s["start"])..index(&s["end"]).min(samples.len())];
            let print = network.prints(&[speech]).unwrap().remove(0);
            let voice = print.and_then(|p| voices.tell(&p, speech.len() as f64 / 16_000.0));
            *told.entry((s["speaker"].as_str().unwrap().to_owned(), voice)).or_default() += 1;
        }
        eprintln!("{name}: {told:?}");
        assert_eq!(voices.count(), 2, "{name}: {told:?}");
        // The host speaks first. Nobody is taken for the other; what is too short is nobody's.
        assert!(told.keys().all(|(who, voice)| voice.is_none_or(|v| (v == 0) == (who == "A"))), "{told:?}");
        assert!(told.iter().filter(|((_, voice), _)| voice.is_none()).all(|(_, n)| *n <= 2), "{told:?}");
    }
}
