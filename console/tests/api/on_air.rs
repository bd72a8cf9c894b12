//! The product feed.

use clipmill_domain::product::Product;
use clipmill_store::sources::set_products;

use super::*;

#[tokio::test]
async fn a_product_is_put_on_air_and_what_is_wrong_is_said() {
    let s = Served::open().await;
    let (recording, _) = s.add_clips(1).await;
    let product: Product = serde_json::from_value(json!({ "sku": "A-1", "name": "羊毛开衫" })).unwrap();
    let mut tx = s.db.store.begin().await.unwrap();
    set_products(&mut tx, recording.source_id, &[product]).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/api/sources/{}/on-air", recording.source_id);

    let put = |body: Value| s.put(&path, body);
    let now = put(json!({ "sku": "A-1" })).await;
    assert_eq!(now.status(), StatusCode::OK);
    assert_eq!(now.json::<Value>().await.unwrap()["sku"], "A-1");
    assert_eq!(put(json!({ "sku": null, "at_ms": 1_700_000_000_000i64 })).await.status(), StatusCode::OK);

    let unknown = put(json!({ "sku": "B-9" })).await;
    assert_eq!(unknown.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.text().await.unwrap().contains("B-9"));
    let ahead = put(json!({ "sku": "A-1", "at_ms": 9_000_000_000_000i64 })).await;
    assert_eq!(ahead.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let nowhere = s.put("/api/sources/src_00000000000000000000000000/on-air", json!({ "sku": null })).await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}
