//! A room of its own on this machine: a test that needs its own network or mounts runs again inside it.

use std::process::{Command, Stdio};

const INSIDE: &str = "CHAOS_INSIDE";

/// Runs the test `name` again in namespaces of its own (`unshare` with these flags), so that whatever it changes
/// is gone with its process. Returns whether the caller is the one inside, and shall go on; outside, the result is
/// already known. A machine that forbids it skips the test, saying why.
pub fn inside(name: &str, flags: &[&str]) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let allowed = Command::new("unshare").args(flags).arg("true").output();
    match allowed {
        Ok(out) if out.status.success() => {}
        Ok(out) => {
            skip(name, String::from_utf8_lossy(&out.stderr).trim());
            return false;
        }
        Err(error) => {
            skip(name, &format!("unshare: {error}"));
            return false;
        }
    }
    let status = Command::new("unshare")
        .args(flags)
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--include-ignored"])
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "it failed inside its own room, see above");
    false
}

/// Says that, and why, a test was not made.
pub fn skip(name: &str, why: &str) {
    eprintln!("SKIPPED {name}: {why}");
}

/// Runs a command of the system; fails with what it said.
pub fn must(words: &str) {
    let mut list = words.split_whitespace();
    let out = Command::new(list.next().unwrap()).args(list).output().unwrap();
    assert!(out.status.success(), "{words}: {}", String::from_utf8_lossy(&out.stderr));
}
