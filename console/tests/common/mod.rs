//! Shared by the tests that run whole services: where the program, the models and a scratch folder are.
#![allow(clippy::disallowed_methods, reason = "a test may sleep: it has nothing to stop")]
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The program under test.
pub fn clipmill() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_clipmill"));
    c.env("NO_COLOR", "1").env_remove("RUST_BACKTRACE");
    c
}

/// The verified models; `make models` or `clipmill models fetch` brings them.
pub fn models() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/models");
    let dir = std::env::var_os("CLIPMILL_MODELS").map_or(default, PathBuf::from);
    let needed =
        ["qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "sentence-encoder-use-multilingual-3.safetensors"];
    assert!(
        needed.iter().all(|file| dir.join(file).exists()),
        "no models in {}: run `cargo run -p clipmill -- models fetch --models-dir {0}`",
        dir.display()
    );
    dir
}

/// The folder in which the demo's picture is kept between tests and runs.
pub fn picture_cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/demo-picture")
}

/// A scratch folder for a demo, with the cached picture linked into it.
pub fn demo_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a scratch folder");
    std::fs::create_dir_all(picture_cache()).expect("the picture cache");
    std::os::unix::fs::symlink(picture_cache(), dir.path().join("picture")).expect("link the picture cache");
    dir
}

/// Everything a finished command said.
pub fn said(out: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// Runs a command that must end within `longest`; kills it and fails otherwise.
pub fn ends_within(command: &mut Command, longest: Duration) -> Output {
    let child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
    let pid = child.id().to_string();
    let (send, receive) = std::sync::mpsc::channel();
    let waiter = std::thread::spawn(move || send.send(child.wait_with_output()));
    let done = receive.recv_timeout(longest);
    if done.is_err() {
        let _ = Command::new("kill").args(["-9", &pid]).status();
    }
    let _ = waiter.join();
    done.unwrap_or_else(|_| panic!("{command:?} did not end within {longest:?}")).expect("wait")
}

/// Length in seconds, size and codecs of a media file, by ffprobe.
pub fn ffprobe(path: &str) -> Value {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-show_format", "-show_streams", "-of", "json", path])
        .output()
        .expect("ffprobe (apt-get install ffmpeg)");
    assert!(out.status.success(), "ffprobe {path}: {}", said(&out));
    serde_json::from_slice(&out.stdout).expect("ffprobe's JSON")
}

/// Waits until `ready` answers something, or fails after `longest`.
pub fn wait_for<T>(what: &str, longest: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(began.elapsed() < longest, "{what}: not within {longest:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Process ids whose command line holds all of `words`, each as a whole argument.
pub fn pids(words: &[&str]) -> Vec<u32> {
    pids_where(|args| words.iter().all(|w| args.iter().any(|a| a == w)))
}

/// Process ids whose arguments are as `wanted`.
pub fn pids_where(wanted: impl Fn(&[String]) -> bool) -> Vec<u32> {
    let mut found = vec![];
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let args: Vec<String> =
            line.split(|b| *b == 0).map(|a| String::from_utf8_lossy(a).into_owned()).collect();
        if wanted(&args) {
            found.push(pid);
        }
    }
    found
}
