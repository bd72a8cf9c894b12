//! The lexicon and corrections of transcripts.

use super::*;

#[tokio::test]
async fn terms_are_entered_replaced_and_taken_out() {
    let s = Served::open().await;
    let source = s.add_source("studio").await;
    let put = async |body: Value| s.http.put(s.url("/api/lexicon")).json(&body).send().await.unwrap();
    let own = json!({ "term": "AeonGlow", "misheard": ["eon glow"], "source_id": source.id.to_string() });
    let first: Value = put(own).await.json().await.unwrap();
    assert_eq!((&first["term"], &first["misheard"][0]), (&json!("AeonGlow"), &json!("eon glow")));
    put(json!({ "term": "角鲨烷", "language": "zh" })).await;
    let again: Value = put(json!({ "term": "角鲨烷", "aliases": ["鲨烷"] })).await.json().await.unwrap();
    let all = s.json("/api/lexicon").await;
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    let other = s.add_source("other").await;
    let of_other = s.json(&format!("/api/lexicon?source={}", other.id)).await;
    assert_eq!(of_other, json!([again]));
    assert_eq!(put(json!({ "term": " x" })).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(put(json!({ "term": "x", "source_id": "nobody" })).await.status(), StatusCode::NOT_FOUND);
    let url = s.url(&format!("/api/lexicon/{}", first["id"].as_str().unwrap()));
    assert_eq!(s.http.delete(&url).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(s.http.delete(&url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(s.json("/api/lexicon").await, json!([again]));
}

#[tokio::test]
async fn a_correction_makes_a_rule_and_shows_what_else_it_would_change() {
    let s = Served::open().await;
    let source = s.add_source("studio").await;
    let recording = testing::recording(source.id);
    let said = |seq: i64, text: &str| {
        let start = 10 * i32::try_from(seq).unwrap();
        let chars: Vec<String> = text.chars().map(String::from).collect();
        let mut u =
            testing::utterance(recording.id, seq, seconds(f64::from(start), f64::from(start + 9)), text);
        let at = |i: i32| clipmill_domain::MediaTime::from_seconds(f64::from(start) + f64::from(i));
        u.words = (0i32..)
            .zip(chars)
            .map(|(i, text)| clipmill_domain::transcript::Word {
                text,
                start: at(i),
                end: at(i + 1),
                p: 0.5,
                mended: None,
            })
            .collect();
        u
    };
    let all =
        [said(0, "最后是词细充电宝"), said(1, "这个词细充电宝"), said(2, "词细的"), said(3, "没有别的")];
    let mut tx = s.db.store.begin().await.unwrap();
    insert_recording(&mut tx, &recording).await.unwrap();
    insert_utterances(&mut tx, &all).await.unwrap();
    tx.commit().await.unwrap();
    let correct = async |n: usize, body: Value| {
        let path = format!("/api/recordings/{}/utterances/{}/correct", recording.id, all[n].id);
        s.post(&path, body).await
    };
    // A person writes one of them by hand first: it stays as it is. Marks alone make no rule.
    let marked: Value = correct(2, json!({ "text": "词细的。" })).await.json().await.unwrap();
    assert_eq!((&marked["text"], &marked["suggested"]), (&json!("词细的。"), &Value::Null));
    let other: Value = correct(3, json!({ "text": "没有别地" })).await.json().await.unwrap();
    assert_eq!(other["suggested"], json!({ "heard": "别的", "term": "别地" }));
    assert_eq!((&other["rule"], s.json("/api/lexicon").await.as_array().unwrap().len()), (&Value::Null, 0));

    let now: Value =
        correct(0, json!({ "text": "最后是磁吸充电宝", "make_rule": true })).await.json().await.unwrap();
    assert_eq!(now["text"], "最后是磁吸充电宝");
    assert_eq!((&now["rule_heard"], &now["rule"]["term"]), (&json!("词细"), &json!("磁吸")));
    assert_eq!((&now["words"][3]["heard"], &now["words"][4]["heard"]), (&json!("词细"), &json!("")));
    assert_eq!((&now["words"][2]["heard"], &now["words"][0]["start_s"]), (&Value::Null, &json!(0.0)));
    let preview = &now["preview"];
    assert_eq!((&preview["count"], &preview["applied"]), (&json!(1), &Value::Null), "{preview}");
    assert_eq!(preview["changes"][0]["after"], "这个磁吸充电宝");
    let kept = s.db.store.utterance(all[1].id).await.unwrap().unwrap();
    assert_eq!(kept.text, "这个词细充电宝", "a preview changes nothing");
    let audit = s.db.store.audit_of(&all[0].id.to_string()).await.unwrap();
    assert_eq!(audit[0].action, "correct utterance");

    let try_rule = json!({ "heard": "词细", "term": "磁吸", "apply": true });
    let done: Value = s.post("/api/lexicon/preview", try_rule.clone()).await.json().await.unwrap();
    assert_eq!((&done["count"], &done["applied"]), (&json!(1), &json!(1)));
    let mut texts = vec![];
    for u in s.db.store.utterances(recording.id).await.unwrap() {
        texts.push((u.text, u.edited_at.is_some()));
    }
    let want =
        [("最后是磁吸充电宝", true), ("这个磁吸充电宝", false), ("词细的。", true), ("没有别地", true)];
    assert_eq!(texts, want.map(|(t, e)| (t.to_owned(), e)));
    let again: Value = s.post("/api/lexicon/preview", try_rule).await.json().await.unwrap();
    assert_eq!(again["applied"], 0);
    for bad in [json!({ "text": "，" }), json!({ "text": "长".repeat(1001) }), json!({ "text": "" })] {
        assert_eq!(correct(3, bad).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let elsewhere = format!("/api/recordings/{}/utterances/{}/correct", ClipId::new_at(NOW), all[3].id);
    assert_eq!(s.post(&elsewhere, json!({ "text": "好" })).await.status(), StatusCode::NOT_FOUND);
}
