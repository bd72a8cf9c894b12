//! What the product feed says.

use clipmill_domain::product::OnAir;
use clipmill_store::{
    StoreError, on_air, sources,
    testing::{self, NOW, on_each},
};

#[tokio::test]
async fn what_is_on_air_is_read_in_its_order_and_the_later_word_stands() {
    on_each(async |t| {
        let source = testing::new_source("studio");
        let said = |later_ms: i64, sku: Option<&str>| OnAir {
            source_id: source.id,
            at: NOW.plus_millis(later_ms),
            sku: sku.map(str::to_owned),
            said_by: "test".to_owned(),
        };
        let mut tx = t.store.begin().await.unwrap();
        let refused = on_air::put_on_air(&mut tx, &said(0, None)).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotFound { .. }), "{refused}");
        sources::add_source(&mut tx, &source).await.unwrap();
        for one in [said(5_000, Some("B")), said(0, Some("A")), said(9_000, Some("X")), said(9_000, None)] {
            on_air::put_on_air(&mut tx, &one).await.unwrap();
        }
        tx.commit().await.unwrap();
        let all = t.store.on_air(source.id, NOW, NOW.plus_millis(10_000), 10).await.unwrap();
        assert_eq!(all, [said(0, Some("A")), said(5_000, Some("B")), said(9_000, None)]);
        let some = t.store.on_air(source.id, NOW.plus_millis(1), NOW.plus_millis(9_000), 10).await.unwrap();
        assert_eq!(some, [said(5_000, Some("B"))]);
        let mut tx = t.store.begin().await.unwrap();
        sources::remove_source(&mut tx, source.id).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
}
