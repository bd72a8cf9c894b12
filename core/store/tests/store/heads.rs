//! The library of heads: kept, taken into use, rolled back.

use clipmill_domain::{
    HeadId, Id as _, SourceId,
    head::{HeadRow, Promotion, in_use},
};
use clipmill_store::{
    StoreError, heads, sources,
    testing::{self, NOW, TestStore, on_each},
};
use serde_json::json;

fn head(n: i64, source_id: Option<SourceId>) -> HeadRow {
    let id = HeadId::new_at(NOW.plus_millis(n));
    HeadRow {
        id,
        source_id,
        path: format!("heads/{id}.safetensors"),
        sha256: format!("{n:064x}"),
        facts: json!({ "feature": "test@0", "examples": n }),
        held_out: None,
        frozen: None,
        made_by: "operator".to_owned(),
        made_at: NOW,
    }
}

fn promotion(head: &HeadRow, scope: Option<SourceId>, seq: i64) -> Promotion {
    Promotion {
        scope,
        seq,
        head_id: head.id,
        forced: false,
        reason: "accuracy 0.90 to 0.93".to_owned(),
        by: "operator".to_owned(),
        at: NOW.plus_millis(seq),
        undone_at: None,
    }
}

async fn promote(t: &TestStore, p: &Promotion) -> Result<(), StoreError> {
    let mut tx = t.store.begin().await.unwrap();
    heads::promote(&mut tx, p).await?;
    tx.commit().await
}

#[tokio::test]
async fn heads_are_promoted_and_rolled_back_one_at_a_time() {
    on_each(async |t| {
        let mut tx = t.store.begin().await.unwrap();
        let source = sources::add_source(&mut tx, &testing::new_source("studio")).await.unwrap();
        let all = [head(1, None), head(2, Some(source.id)), head(3, None)];
        for h in &all {
            heads::insert_head(&mut tx, h).await.unwrap();
        }
        heads::set_frozen(&mut tx, all[0].id, &json!({ "accuracy": 0.9 })).await.unwrap();
        assert!(heads::set_frozen(&mut tx, HeadId::new_at(NOW), &json!({})).await.is_err());
        tx.commit().await.unwrap();
        let kept = t.store.heads().await.unwrap();
        assert_eq!(kept[1..], all[1..]);
        assert_eq!(kept[0].frozen, Some(json!({ "accuracy": 0.9 })));
        assert_eq!(
            (t.store.head(all[1].id).await.unwrap().as_ref(), all[2].short_hash()),
            (Some(&all[1]), "00000000")
        );

        let sources = t.store.sources().await.unwrap();
        let active = async || in_use(source.id, &sources, &t.store.promotions().await.unwrap());
        assert_eq!(active().await, None);
        promote(t, &promotion(&all[0], None, 1)).await.unwrap();
        promote(t, &promotion(&all[2], None, 2)).await.unwrap();
        assert_eq!(active().await, Some(all[2].id));
        promote(t, &promotion(&all[1], Some(source.id), 1)).await.unwrap();
        assert_eq!(active().await, Some(all[1].id));
        let same = promote(t, &promotion(&all[0], Some(source.id), 1)).await;
        assert!(matches!(same, Err(StoreError::Duplicate { .. })), "{same:?}");

        let roll_back = async |scope| {
            let mut tx = t.store.begin().await.unwrap();
            let undone = heads::roll_back(&mut tx, scope, "operator", NOW.plus_millis(9)).await.unwrap();
            tx.commit().await.unwrap();
            undone.map(|p| (p.head_id, p.undone_at))
        };
        let at = Some(NOW.plus_millis(9));
        assert_eq!(roll_back(Some(source.id)).await, Some((all[1].id, at)));
        assert_eq!(active().await, Some(all[2].id), "the one for all");
        assert_eq!(roll_back(None).await, Some((all[2].id, at)));
        assert_eq!(active().await, Some(all[0].id), "the one before it");
        assert_eq!(roll_back(None).await, Some((all[0].id, at)));
        assert_eq!((roll_back(None).await, active().await), (None, None));
        assert_eq!(t.store.promotions().await.unwrap().len(), 3, "nothing is forgotten");
    })
    .await;
}
