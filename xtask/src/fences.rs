//! Which crate may use which: the direction of the house and one room for each heavy dependency.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What each member may depend on among the members.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("clipmill-domain", &[]),
    ("clipmill-store", &["clipmill-domain"]),
    ("clipmill-worker", &["clipmill-domain", "clipmill-store"]),
    ("clipmill-media", &["clipmill-domain"]),
    ("clipmill-inference", &["clipmill-domain"]),
    ("clipmill-ingest", STAGE),
    ("clipmill-clipper", STAGE),
    ("clipmill-remix", STAGE),
    ("clipmill-publish", STAGE),
    ("xtask", &[]),
    ("clipmill", ALL),
];

const STAGE: &[&str] =
    &["clipmill-domain", "clipmill-store", "clipmill-worker", "clipmill-media", "clipmill-inference"];
const ALL: &[&str] = &[
    "clipmill-domain",
    "clipmill-store",
    "clipmill-worker",
    "clipmill-media",
    "clipmill-inference",
    "clipmill-ingest",
    "clipmill-clipper",
    "clipmill-remix",
    "clipmill-publish",
];

/// The only rooms that may name a heavy dependency.
const ONLY_IN: [(&str, &[&str]); 9] = [
    ("ffmpeg-next", &["clipmill-media"]),
    ("whisper-rs", &["clipmill-inference"]),
    ("candle-core", &["clipmill-inference"]),
    ("candle-nn", &["clipmill-inference"]),
    ("sqlx", &["clipmill-store", "clipmill-worker"]),
    ("apalis", &["clipmill-worker"]),
    ("object_store", &["clipmill-store"]),
    ("axum", &["clipmill", "clipmill-inference"]),
    ("rml_rtmp", &["clipmill-ingest"]),
];

/// Crates that no member may pull in, with the reason.
const NEVER: [(&str, &str); 2] =
    [("ring", "one TLS provider only: aws-lc-rs"), ("openssl-sys", "one TLS provider only: aws-lc-rs")];

/// Every broken fence, in words.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("run cargo metadata")?;
    ensure!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    let meta: Value = serde_json::from_slice(&out.stdout)?;
    let mut problems = vec![];
    let mut normal: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in meta["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default().to_owned();
        let deps = package["dependencies"].as_array().into_iter().flatten();
        let of_kind =
            |d: &Value| d["kind"].is_null().then(|| d["name"].as_str().unwrap_or_default().to_owned());
        normal.insert(name, deps.filter_map(of_kind).collect());
    }
    let members: BTreeSet<&str> = normal.keys().map(String::as_str).collect();
    for (name, deps) in &normal {
        let Some((_, may)) = MAY_USE.iter().find(|(n, _)| n == name) else {
            problems.push(format!("{name} has no line in xtask/src/fences.rs: say what it may use"));
            continue;
        };
        for dep in deps {
            if members.contains(dep.as_str()) && !may.contains(&dep.as_str()) {
                problems.push(format!("{name} must not depend on {dep}"));
            }
            let only =
                ONLY_IN.iter().find(|(d, _)| dep == d || (*d == "apalis" && dep.starts_with("apalis-")));
            if let Some((_, rooms)) = only.filter(|(_, rooms)| !rooms.contains(&name.as_str())) {
                problems.push(format!("{name} must not use {dep}: only {} may", rooms.join(", ")));
            }
        }
    }
    for (krate, why) in NEVER {
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--workspace", "--offline", "-e", "normal", "--prefix", "none", "-i", krate])
            .current_dir(root)
            .output()
            .context("run cargo tree")?;
        if tree.status.success() && !tree.stdout.is_empty() {
            problems.push(format!("{krate} is in the tree ({why}); see: cargo tree -i {krate}"));
        }
    }
    Ok(problems)
}
