//! What talk can be about.

use super::*;

#[tokio::test]
async fn the_labels_are_told_with_their_packs() {
    let s = Served::open().await;
    let all = s.json("/api/taxonomy").await;
    assert_eq!(all["base"].as_array().unwrap().len(), 18);
    assert_eq!(all["base"][0]["id"], "fabric");
    let apparel = &all["packs"][0];
    assert_eq!((&apparel["key"], &apparel["zh"]), (&json!("apparel"), &json!("服饰鞋包")));
    let warmth = &apparel["labels"][0];
    assert_eq!((&warmth["id"], &warmth["under"]), (&json!("apparel.warmth"), &json!("function")));
    assert!(warmth["examples"].as_array().unwrap().len() >= 10);
}
