//! What the command prints, and to whom.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;

use std::{
    io::Read,
    process::{Command, Stdio},
    time::Duration,
};

use clipmill_store::testing::TestStore;
use common::{clipmill, ends_within, said};

/// Runs a command whose output nobody reads, and returns how it ended and what it complained about.
fn unread(mut command: Command) -> (Option<i32>, String) {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    (child.wait().unwrap().code(), complaint)
}

#[tokio::test]
async fn output_that_nobody_reads_ends_the_command_quietly() {
    let db = TestStore::sqlite().await;
    let command = |words: &[&str]| {
        let mut c = clipmill();
        c.args(words).env("CLIPMILL__DATA_DIR", db.data_dir.as_str()).env("CLIPMILL__DATABASE__URL", &db.url);
        c
    };
    let add = ["source", "add", "shop", "rtmp://127.0.0.1:9/live/a"];
    let added = ends_within(&mut command(&add), Duration::from_secs(60));
    assert!(added.status.success(), "{}", said(&added));
    for words in [&["source", "list"][..], &["config", "show"], &["--help"]] {
        let read = ends_within(&mut command(words), Duration::from_secs(60));
        assert!(!read.stdout.is_empty(), "{words:?} prints something: {}", said(&read));
        let (code, complaint) = unread(command(words));
        assert_eq!((code, complaint.as_str()), (Some(0), ""), "{words:?}");
    }
}
