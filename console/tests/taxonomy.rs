//! `clipmill taxonomy …` as a person runs it.

mod common;

use std::process::Output;

use common::clipmill;

const PACK: &str = r#"
key = "ours"
version = 2
zh = "自家"
en = "Ours"
[[label]]
key = "cooling"
under = "function"
zh = "冰感"
en = "Cooling"
define = { zh = "摸着凉", en = "Cool to the touch" }
examples = { zh = ["一凉", "二凉", "三凉", "四凉", "五凉", "六凉"], en = ["cool a", "cool b", "cool c", "cool d"] }
not = { en = ["warm", "soft"] }
"#;

fn run(dir: &std::path::Path, args: &[&str]) -> Output {
    clipmill().args(args).current_dir(dir).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn packs_are_checked_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("ours.toml"), PACK).unwrap();
    let out = run(dir, &["taxonomy", "check", "ours.toml"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("pack ours, version 2, 1 labels"));
    let broken = PACK.replace("\"function\"", "\"functions\"").replace(", \"cool d\"", "");
    std::fs::write(dir.join("broken.toml"), broken).unwrap();
    for (file, said) in [
        ("broken.toml", vec!["functions", "9 examples and 10 are needed"]),
        ("none.toml", vec!["cannot be read"]),
    ] {
        let out = run(dir, &["taxonomy", "check", file]);
        assert_eq!(out.status.code(), Some(1));
        for said in said {
            assert!(text(&out.stderr).contains(said), "{}", text(&out.stderr));
        }
    }
    let out = run(dir, &["taxonomy", "list"]);
    assert!(text(&out.stdout).contains("apparel.warmth") && !text(&out.stdout).contains("ours.cooling"));
    std::fs::write(dir.join("clipmill.toml"), "[classify]\npacks = [\"ours.toml\"]\n").unwrap();
    let out = run(dir, &["taxonomy", "list", "--json"]);
    let all: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(all["packs"][5]["labels"][0]["id"], "ours.cooling");
    assert!(all["version"].as_str().unwrap().ends_with("ours 2"));
    let again = run(dir, &["taxonomy", "check", "ours.toml"]);
    assert!(again.status.success(), "one that is in use may be checked: {}", text(&again.stderr));
    std::fs::write(dir.join("clipmill.toml"), "[classify]\npacks = [\"broken.toml\"]\n").unwrap();
    assert_eq!(run(dir, &["taxonomy", "list"]).status.code(), Some(78));
}
