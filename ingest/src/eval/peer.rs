//! Another recogniser on the same file: a Python program of `bench/` that runs faster-whisper and prints JSON.

use std::{path::Path, process::Stdio, time::Duration};

use clipmill_domain::source::Language;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

use super::EvalError;

/// How to get it.
const INSTALL: &str = "make a Python environment with `python3 -m venv peer && peer/bin/pip install faster-whisper`, \
                       then say `--peer-python peer/bin/python3`";
/// Starting Python and loading the model may take this long, whatever the length of the sound.
const START_DEADLINE_S: f64 = 300.0;
/// And this much for each second of sound: other work may hold the machine.
const SECONDS_A_SECOND: f64 = 20.0;
/// The longest answer read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Of its complaints, the last so many characters are shown.
const SHOWN_MAX: usize = 600;

/// What it said.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PeerAnswer {
    /// Its name and settings.
    #[serde(default = "usual_name", alias = "model")]
    pub name: String,
    /// The whole text.
    pub text: String,
    /// The text in pieces with times; a single piece of all when it gives none.
    #[serde(default)]
    pub segments: Vec<PeerSegment>,
    /// CPU seconds of transcribing, without loading the model.
    pub cpu_s: f64,
    /// Length of the sound in seconds.
    pub audio_s: f64,
}

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PeerSegment {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// What was said.
    pub text: String,
}

fn usual_name() -> String {
    "faster-whisper".to_owned()
}

/// Runs `python script --audio … --lang … --json`. `audio_s`, the length of the sound, sets the deadline.
///
/// # Errors
/// [`EvalError::Peer`] with what to do: Python or the package is missing, it failed, took too long, or its answer
/// cannot be read.
pub async fn ask(
    python: &Path,
    script: &Path,
    audio: &Path,
    language: Language,
    audio_s: f64,
) -> Result<PeerAnswer, EvalError> {
    let failed = |why: String| EvalError::Peer(why);
    if !script.exists() {
        return Err(failed(format!(
            "{} is not there: run this in the folder of the sources, or name it with --peer-script",
            script.display()
        )));
    }
    let mut child = Command::new(python)
        .arg(script)
        .arg("--audio")
        .arg(audio)
        .args(["--lang", language.code(), "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed(format!("cannot start {}: {e}; {INSTALL}", python.display())))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let deadline = Duration::from_secs_f64((START_DEADLINE_S + SECONDS_A_SECOND * audio_s).min(86_400.0));
    let work = async { tokio::join!(child.wait(), read(out), read(err)) };
    let (status, out, err) = tokio::time::timeout(deadline, work)
        .await
        .map_err(|_| failed(format!("the peer gave no answer in {:.0} s", deadline.as_secs_f64())))?;
    let status = status.map_err(|e| failed(format!("the peer broke off: {e}")))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&err);
        if said.contains("No module named") {
            return Err(failed(format!(
                "faster-whisper is not installed for {}: {INSTALL}",
                python.display()
            )));
        }
        return Err(failed(format!("the peer failed ({status}): {}", last(&said))));
    }
    answer(&out).map_err(failed)
}

/// Reads the last line that is JSON: libraries print what they like before it.
fn answer(out: &[u8]) -> Result<PeerAnswer, String> {
    let text = String::from_utf8_lossy(out);
    let json = serde_json::from_str::<PeerAnswer>(text.trim());
    let json = json.or_else(|_| {
        let line = text.lines().rev().find(|l| l.trim_start().starts_with('{')).unwrap_or_default();
        serde_json::from_str(line)
    });
    let mut answer = json.map_err(|e| format!("the peer's answer cannot be read: {e}"))?;
    if !(answer.audio_s > 0.0 && answer.cpu_s >= 0.0) {
        return Err("the peer heard no sound".to_owned());
    }
    if answer.segments.is_empty() {
        let whole = PeerSegment { start: 0.0, end: answer.audio_s, text: answer.text.clone() };
        answer.segments = vec![whole];
    }
    Ok(answer)
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let _ = from.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await;
    }
    bytes
}

fn last(said: &str) -> &str {
    let said = said.trim();
    let from = said.char_indices().rev().nth(SHOWN_MAX).map_or(0, |(at, _)| at);
    &said[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_past_other_lines() {
        let text = "loading\n{\"text\":\"好的\",\"cpu_s\":1.5,\"audio_s\":2.0,\"model\":\"base int8\"}\n";
        let read = answer(text.as_bytes()).unwrap();
        assert_eq!((read.name.as_str(), read.segments.len(), read.segments[0].end), ("base int8", 1, 2.0));
        assert!(answer(b"Traceback").unwrap_err().contains("cannot be read"));
        assert!(answer(b"{\"text\":\"\",\"cpu_s\":0,\"audio_s\":0}").unwrap_err().contains("no sound"));
    }

    #[tokio::test]
    async fn a_missing_python_says_how_to_get_one() {
        let script = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(script.path(), "import not_a_module_of_anyone\n").unwrap();
        let ask = async |python: &str, script: &Path| {
            let asked = ask(Path::new(python), script, Path::new("a.wav"), Language::Zh, 1.0).await;
            asked.unwrap_err().to_string()
        };
        let said = ask("/no/python3", script.path()).await;
        assert!(said.contains("pip install faster-whisper"), "{said}");
        let said = ask("python3", script.path()).await;
        assert!(said.contains("is not installed") && said.contains("pip install"), "{said}");
        assert!(ask("python3", Path::new("/no/script.py")).await.contains("--peer-script"));
    }
}
