//! Selling points, examples and heads on the command line.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::{process::Output, time::Duration};

use clipmill_domain::selling_point::SellingPoint;
use clipmill_store::{
    recordings::insert_recording,
    segments::{insert_segment, insert_selling_point},
    sources::add_source,
    testing::{self, TestStore, seconds},
    utterances::insert_utterances,
};
use common::{clipmill, ends_within, said};
use serde_json::Value;

/// A live of two sentences, each a selling point.
async fn live() -> (TestStore, Vec<SellingPoint>) {
    let db = TestStore::sqlite().await;
    let mut new = testing::new_source("studio");
    new.settings.brand = Some("Lumi".to_owned());
    let recording = testing::recording(new.id);
    let mut tx = db.store.begin().await.unwrap();
    add_source(&mut tx, &new).await.unwrap();
    insert_recording(&mut tx, &recording).await.unwrap();
    let mut all = vec![];
    for (seq, text) in [(0, "这件是亚麻的"), (1, "今天天气真好")] {
        let span = seconds(f64::from(seq) * 10.0, f64::from(seq) * 10.0 + 8.0);
        let said = testing::utterance(recording.id, i64::from(seq), span, text);
        insert_utterances(&mut tx, &[said]).await.unwrap();
        let segment = testing::segment(recording.id, i64::from(seq), span);
        let point = testing::selling_point(&segment);
        insert_segment(&mut tx, &segment).await.unwrap();
        insert_selling_point(&mut tx, &point).await.unwrap();
        all.push(point);
    }
    tx.commit().await.unwrap();
    (db, all)
}

fn run(db: &TestStore, args: &[&str]) -> Output {
    let mut command = clipmill();
    command.args(args).env("CLIPMILL__DATA_DIR", db.data_dir.as_str());
    ends_within(&mut command, Duration::from_secs(60))
}

fn refused(out: &Output) -> String {
    assert_eq!(out.status.code(), Some(1), "{}", said(out));
    said(out)
}

#[tokio::test]
async fn what_people_say_on_the_command_line_becomes_examples() {
    let (db, points) = live().await;
    let [fabric, weather] = [0, 1].map(|i: usize| points[i].id.to_string());
    let ok = |args: &[&str]| {
        let out = run(&db, args);
        assert!(out.status.success(), "{args:?}: {}", said(&out));
        said(&out)
    };
    assert!(
        ok(&["point", "correct", &fabric, "--label", "skin_feel", "--also", "fabric", "--product", "none"])
            .contains("skin_feel (also fabric)  no product")
    );
    assert!(ok(&["point", "reject", &weather, "--note", "只是闲聊"]).contains("rejected (version 1)"));
    let late = refused(&run(&db, &["point", "approve", &weather, "--seen", "0"]));
    assert!(late.contains("version 1 is shown now"), "{late}");
    assert!(refused(&run(&db, &["point", "correct", &fabric])).contains("--label"));
    let shown = ok(&["point", "show", &fabric]);
    assert!(shown.contains("the machine said: ") && shown.contains("A-1"), "{shown}");
    let list = ok(&["point", "list", "studio"]);
    assert!(list.contains(&fabric) && list.contains("rejected"), "{list}");

    let out = db.data_dir.join("x.jsonl");
    assert!(
        ok(&["examples", "export", "--out", out.as_str()]).contains("wrote 0 examples"),
        "the pool is empty"
    );
    ok(&["examples", "export", "--out", out.as_str(), "--source", "studio"]);
    let text = std::fs::read_to_string(&out).unwrap();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let told: Vec<_> =
        lines.iter().map(|e| (e["text"].as_str().unwrap(), e["label"].as_str().unwrap())).collect();
    assert_eq!(told, [("这件是亚麻的", "skin_feel"), ("今天天气真好", "chat")]);
    assert_eq!(
        (&lines[0]["also"][0], &lines[0]["brand"], &lines[1]["note"]),
        (&"fabric".into(), &"Lumi".into(), &"hard negative".into())
    );
    ok(&["source", "edit", "studio", "--share-examples", "pool"]);
    assert!(ok(&["examples", "export", "--out", out.as_str()]).contains("wrote 2 examples"));
    assert!(refused(&run(&db, &["relabel", "studio"])).contains("is live"));
    assert!(ok(&["relabel", "studio", "--list"]).contains("*0  being made"));
    db.remove().await;
}

#[tokio::test]
async fn heads_are_kept_and_found_by_their_hash() {
    let (db, _) = live().await;
    assert!(said(&run(&db, &["heads", "list"])).contains("no head is in the library"));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/inference/heads/full.safetensors");
    let added = run(&db, &["heads", "add", file, "--source", "studio"]);
    assert!(added.status.success(), "{}", said(&added));
    let listed: Value = serde_json::from_slice(&run(&db, &["heads", "list", "--json"]).stdout).unwrap();
    assert_eq!((&listed[0]["source_name"], &listed[0]["in_use"]), (&"studio".into(), &false.into()));
    assert!(listed[0]["facts"]["examples"].as_u64().unwrap() > 0);
    let hash = listed[0]["short_hash"].as_str().unwrap();
    assert!(said(&added).contains(&format!("heads promote {hash}")));
    assert!(refused(&run(&db, &["heads", "promote", "beef"])).contains("there is no head"));
    assert!(refused(&run(&db, &["heads", "rollback"])).contains("no head was promoted for all sources"));
    assert!(refused(&run(&db, &["heads", "add", "Cargo.toml"])).contains("Cargo.toml"));
    let unknown = refused(&run(&db, &["relabel", "studio", "--head", "beef"]));
    assert!(unknown.contains("there is no head"), "{unknown}");
    let check = run(&db, &["check"]);
    assert!(check.status.success(), "{}", said(&check));
    db.remove().await;
}
