//! Spoken fixtures, and the real models that hear them.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_inference::{
    asr::{Whisper, WhisperOptions},
    registry::ModelFile,
};
use serde_json::Value;

pub fn workspace() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the fixtures.
pub fn fixture(file: &str) -> Utf8PathBuf {
    workspace().join("fixtures/speech").join(file)
}

/// What is said in a fixture: an object a sentence.
pub fn script(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(fixture(&format!("{name}.jsonl"))).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// When a sentence of a script starts and ends, in seconds.
pub fn times(sentence: &Value) -> (f64, f64) {
    (sentence["start"].as_f64().unwrap(), sentence["end"].as_f64().unwrap())
}

/// The path of a model file.
pub fn model(file: &str) -> Utf8PathBuf {
    let dir = std::env::var("CLIPMILL_MODELS")
        .map_or_else(|_| workspace().join("target/models"), Utf8PathBuf::from);
    let path = dir.join(file);
    assert!(
        path.exists(),
        "this test needs {path}: fetch the models, or point CLIPMILL_MODELS at their folder"
    );
    path
}

pub fn whisper() -> Arc<Whisper> {
    let file = ModelFile {
        name: "whisper-base".into(),
        path: model("whisper-base.ggml.bin"),
        sha256: "0".repeat(64),
    };
    Arc::new(Whisper::load(&file, WhisperOptions::default()).unwrap())
}

pub fn voice_model() -> Utf8PathBuf {
    model("silero-vad-6.2.ggml.bin")
}

/// Characters that carry meaning.
pub fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Edits that turn `a` into `b`.
pub fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let edited = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], edited);
        }
    }
    row[b.len()]
}
