//! Selling points said right, wrong or otherwise, and talk labelled again.

use clipmill_domain::product::Product;
use clipmill_store::{
    followers::{FollowerPos, finish_follower},
    labellings::{self, Finished},
    recordings::end_recording,
    sources::set_products,
};

use super::*;

async fn say(s: &Served, clip: &Clip, body: Value) -> Response {
    s.post(&format!("/api/points/{}", clip.selling_point_id), body).await
}

async fn said(s: &Served, clip: &Clip, body: Value) -> Value {
    let response = say(s, clip, body).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_selling_point_is_put_right_and_its_clip_follows() {
    let s = Served::open().await;
    let (recording, clips) = s.add_clips(3).await;
    let products: Vec<Product> =
        [json!({ "sku": "A-1", "name": "羊毛开衫" }), json!({ "sku": "B-2", "name": "吊带" })]
            .into_iter()
            .map(|p| serde_json::from_value(p).unwrap())
            .collect();
    let mut tx = s.db.store.begin().await.unwrap();
    set_products(&mut tx, recording.source_id, &products).await.unwrap();
    tx.commit().await.unwrap();
    let clip = &clips[1];
    let path = format!("/api/points/{}", clip.selling_point_id);
    let point = s.json(&path).await;
    assert_eq!(
        (&point["verdict"], &point["version"], &point["machine"]),
        (&json!("open"), &json!(0), &Value::Null)
    );
    assert_eq!(point["products"][1], json!({ "sku": "B-2", "name": "吊带" }));
    let inside = |p: &Value| {
        let all = p["sentences"].as_array().unwrap().clone();
        all.iter().filter(|l| l["inside"] == true).map(|l| l["seq"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(inside(&point), [1]);
    assert_eq!(point["clip_id"], clip.id.to_string());

    let body = json!({ "version": 0, "action": "correct", "label": "skin_feel", "also": ["fabric"],
                       "product": { "sku": "B-2" }, "last": 2, "note": "摸起来的" });
    let now = said(&s, clip, body.clone()).await;
    assert_eq!(
        (&now["verdict"], &now["version"], &now["label"]),
        (&json!("corrected"), &json!(1), &json!("skin_feel"))
    );
    assert_eq!((&now["also"][0]["label"], &now["product_name"]), (&json!("fabric"), &json!("吊带")));
    assert_eq!((&now["start_s"], &now["end_s"], inside(&now)), (&json!(10.0), &json!(30.0), vec![1, 2]));
    assert_eq!(now["evidence"]["quote"], "第1句第2句");
    assert_eq!((&now["machine"]["label"], &now["machine"]["end_s"]), (&json!("fabric"), &json!(20.0)));
    assert_eq!((&now["words"][0]["note"], &now["words"][0]["by"]), (&json!("摸起来的"), &json!("console")));
    assert_eq!(now["clip_shows_old_bounds"], true);
    let refused = refusal(say(&s, clip, body).await, StatusCode::CONFLICT, "refused").await;
    assert!(refused["message"].as_str().unwrap().contains("version 1"), "{refused}");

    // The clip has a title of its own in this store, which stays; label and product follow.
    let page = s.json(&format!("/api/clips/{}", clip.id)).await;
    assert_eq!((&page["label"], &page["product_name"]), (&json!("skin_feel"), &json!("吊带")));
    assert_eq!((&page["title"], &page["selling_point_id"]), (&json!(clip.title), &point["id"]));
    let line = page["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(line["action"], "correct selling point");
    let detail = line["detail"].as_str().unwrap();
    assert!(
        detail.contains("label fabric -> skin_feel") && detail.contains("product A-1 -> B-2"),
        "{detail}"
    );
    assert!(detail.contains("still shows the old bounds"), "{detail}");

    let back = said(&s, clip, json!({ "version": 1, "action": "restore" })).await;
    assert_eq!(
        (&back["verdict"], &back["label"], &back["version"]),
        (&json!("open"), &json!("fabric"), &json!(2))
    );
    assert_eq!((back["words"].as_array().unwrap().len(), inside(&back)), (2, vec![1]));
}

#[tokio::test]
async fn approving_rejecting_and_what_makes_no_sense() {
    let s = Served::open().await;
    let (recording, clips) = s.add_clips(2).await;
    let list = format!("/api/recordings/{}/points", recording.id);
    said(&s, &clips[0], json!({ "version": 0, "action": "approve" })).await;
    // Said again it is said once.
    assert_eq!(said(&s, &clips[0], json!({ "version": 1, "action": "approve" })).await["version"], 1);
    said(&s, &clips[1], json!({ "version": 0, "action": "reject", "note": "chat" })).await;
    let all = s.json(&list).await;
    let verdicts: Vec<&Value> = all.as_array().unwrap().iter().map(|p| &p["verdict"]).collect();
    assert_eq!(verdicts, ["approved", "rejected"], "people still see what they rejected");

    let wrong = async |body: Value| {
        refusal(say(&s, &clips[0], body).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await["message"]
            .to_string()
    };
    assert!(wrong(json!({ "version": 1, "action": "correct" })).await.contains("names what"));
    assert!(wrong(json!({ "version": 1, "action": "correct", "label": "chat" })).await.contains("reject"));
    assert!(wrong(json!({ "version": 1, "action": "correct", "label": "price" })).await.contains("taxonomy"));
    assert!(
        wrong(json!({ "version": 1, "action": "correct", "label": "fabric" }))
            .await
            .contains("nothing would change")
    );
    assert!(wrong(json!({ "version": 1, "action": "approve", "label": "fit" })).await.contains("correct"));
    assert!(wrong(json!({ "version": 1, "action": "correct", "first": 77 })).await.contains("not near"));
    assert!(
        wrong(json!({ "version": 1, "action": "correct", "product": { "sku": "Z" } })).await.contains("Z")
    );
    assert!(
        wrong(json!({ "version": 1, "action": "approve", "note": "x".repeat(501) })).await.contains("500")
    );
    let nobody = s.post("/api/points/nobody", json!({ "version": 0, "action": "approve" })).await;
    refusal(nobody, StatusCode::NOT_FOUND, "not_found").await;
    assert_eq!(s.json(&list).await, all, "nothing of it changed anything");
}

#[tokio::test]
async fn talk_is_asked_to_be_labelled_again_and_another_labelling_is_shown() {
    let s = Served::open().await;
    let (recording, _) = s.add_clips(2).await;
    let path = format!("/api/recordings/{}/labellings", recording.id);
    refusal(s.post(&path, json!({})).await, StatusCode::CONFLICT, "refused").await;
    let mut tx = s.db.store.begin().await.unwrap();
    end_recording(&mut tx, recording.id, NOW, EndReason::Finished).await.unwrap();
    for name in [clipmill_ingest::transcribe::NAME, clipmill_clipper::classify::NAME] {
        finish_follower(&mut tx, recording.id, name, &FollowerPos::default()).await.unwrap();
    }
    tx.commit().await.unwrap();
    refusal(s.post(&path, json!({ "head": "nobody" })).await, StatusCode::NOT_FOUND, "not_found").await;
    let asked = s.post(&path, json!({ "cut": true })).await;
    assert_eq!(asked.status(), StatusCode::ACCEPTED);
    let asked: Value = asked.json().await.unwrap();
    assert_eq!(
        (&asked["number"], &asked["state"], &asked["shown"]),
        (&json!(1), &json!("running"), &json!(false))
    );
    refusal(s.post(&format!("{path}/1/use"), json!({})).await, StatusCode::CONFLICT, "refused").await;

    let mut tx = s.db.store.begin().await.unwrap();
    let done =
        Finished { transcript_revision: 0, classifier: "model/head@1", carried: 0, dropped: 0, at: NOW };
    labellings::finish(&mut tx, recording.id, 1, done).await.unwrap();
    tx.commit().await.unwrap();
    let all = s.json(&path).await;
    assert_eq!(
        (&all[0]["points"], &all[0]["shown"], &all[1]["shown"]),
        (&json!(2), &json!(false), &json!(true))
    );
    assert_eq!(all[1]["classifier"], "model/head@1");
    assert_eq!(s.json(&format!("/api/recordings/{}/points", recording.id)).await, json!([]));
    let used: Value = s.post(&format!("{path}/0/use"), json!({})).await.json().await.unwrap();
    assert_eq!((&used["number"], &used["shown"]), (&json!(0), &json!(true)));
    assert_eq!(s.json("/api/heads").await, json!([]));
    refusal(s.post(&format!("{path}/9/use"), json!({})).await, StatusCode::NOT_FOUND, "not_found").await;
}
