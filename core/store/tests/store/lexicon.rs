//! The lexicon's rows, and utterances found and written anew.

use clipmill_domain::{
    Id as _, LexiconEntryId, MediaTime,
    lexicon::LexiconEntry,
    source::Language,
    transcript::{Mended, MendedBy, Word},
};
use clipmill_store::{
    StoreError, lexicon,
    recordings::insert_recording,
    sources::add_source,
    testing::{self, NOW, on_each, seconds},
    utterances,
};

fn entry(term: &str) -> LexiconEntry {
    LexiconEntry {
        id: LexiconEntryId::new_at(NOW),
        source_id: None,
        language: Some(Language::Zh),
        term: term.to_owned(),
        aliases: vec!["洁面乳".to_owned()],
        misheard: vec!["街面".to_owned()],
        entered_by: "operator".to_owned(),
        entered_at: NOW,
    }
}

#[tokio::test]
async fn an_entry_is_one_per_term_and_source() {
    on_each(async |t| {
        let mut tx = t.store.begin().await.unwrap();
        let source = add_source(&mut tx, &testing::new_source("studio")).await.unwrap();
        let (all, own) = (entry("洁面"), LexiconEntry { source_id: Some(source.id), ..entry("洁面") });
        for e in [&all, &own, &LexiconEntry { aliases: vec![], ..entry("洁面") }] {
            lexicon::put_lexicon_entry(&mut tx, e).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(t.store.lexicon().await.unwrap().len(), 2);
        let kept = t.store.lexicon_term(None, "洁面").await.unwrap().unwrap();
        assert_eq!((kept.id, kept.aliases.len()), (all.id, 0), "replaced, and the id stays");
        assert_eq!(t.store.lexicon_term(Some(source.id), "洁面").await.unwrap(), Some(own.clone()));
        assert_eq!(t.store.lexicon_term(None, "洁").await.unwrap(), None);
        assert_eq!(t.store.lexicon_entry(own.id).await.unwrap(), Some(own));
        let mut tx = t.store.begin().await.unwrap();
        lexicon::remove_lexicon_entry(&mut tx, all.id).await.unwrap();
        let again = lexicon::remove_lexicon_entry(&mut tx, all.id).await;
        assert!(matches!(again, Err(StoreError::NotFound { .. })));
        tx.commit().await.unwrap();
        assert_eq!(t.store.lexicon().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn utterances_are_found_by_their_text_and_a_persons_edit_stays() {
    on_each(async |t| {
        let mut tx = t.store.begin().await.unwrap();
        let (a, b) = (testing::new_source("a"), testing::new_source("b"));
        let (a, b) = (add_source(&mut tx, &a).await.unwrap(), add_source(&mut tx, &b).await.unwrap());
        let (ra, rb) = (testing::recording(a.id), testing::recording(b.id));
        let mut ids = vec![];
        for (rec, texts) in [(&ra, ["Try Eon Glow", "买100%_棉"]), (&rb, ["eon glow again", "~好~"])] {
            insert_recording(&mut tx, rec).await.unwrap();
            for (seq, text) in (0i64..).zip(texts) {
                let at = 2.0 * f64::from(u8::try_from(seq).unwrap());
                let u = testing::utterance(rec.id, seq, seconds(at, at + 1.0), text);
                utterances::insert_utterances(&mut tx, std::slice::from_ref(&u)).await.unwrap();
                ids.push(u.id);
            }
        }
        tx.commit().await.unwrap();
        let found = async |part: &str, source| {
            let rows = t.store.utterances_with(part, source, None, 10).await.unwrap();
            let mut texts: Vec<_> = rows.into_iter().map(|u| u.text).collect();
            texts.sort();
            texts
        };
        assert_eq!(found("EON glow", None).await, ["Try Eon Glow", "eon glow again"]);
        assert_eq!(found("eon glow", Some(b.id)).await, ["eon glow again"]);
        assert_eq!(found("0%_", None).await, ["买100%_棉"]);
        assert_eq!(found("~", None).await, ["~好~"]);
        assert_eq!(found("n%w", None).await, [""; 0], "no wild cards");
        let first = &t.store.utterances_with("glow", None, None, 1).await.unwrap()[0];
        let rest = t.store.utterances_with("glow", None, Some(first.id), 10).await.unwrap();
        assert!(rest.len() == 1 && rest[0].id > first.id);

        let word = Word {
            text: "AeonGlow".to_owned(),
            start: MediaTime::ZERO,
            end: MediaTime::from_seconds(1.0),
            p: 0.9,
            mended: Some(Mended { heard: "Eon Glow".to_owned(), by: MendedBy::Operator }),
        };
        let mut tx = t.store.begin().await.unwrap();
        let words = std::slice::from_ref(&word);
        assert!(utterances::rewrite_utterance(&mut tx, ids[0], "AeonGlow", words, Some(NOW)).await.unwrap());
        assert!(!utterances::rewrite_utterance(&mut tx, ids[0], "other", words, None).await.unwrap());
        assert!(utterances::rewrite_utterance(&mut tx, ids[2], "AeonGlow again", words, None).await.unwrap());
        tx.commit().await.unwrap();
        let edited = t.store.utterance(ids[0]).await.unwrap().unwrap();
        assert_eq!(
            (edited.text.as_str(), edited.edited_at, edited.words),
            ("AeonGlow", Some(NOW), vec![word])
        );
        assert_eq!(t.store.utterance(ids[2]).await.unwrap().unwrap().edited_at, None);
        assert_eq!(
            found("aeonglow", None).await,
            ["AeonGlow again"],
            "what a person edited is no longer offered"
        );
    })
    .await;
}
