//! The heads in use: which one labels the talk of a source, loaded when it is first needed and when it changes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use clipmill_domain::{HeadId, SourceId, head::in_use};
use clipmill_inference::classify::Classifier;
use clipmill_store::{Store, StoreError};
use clipmill_worker::StageError;

use crate::classify::Classifiers;

/// What makes a classifier of the bytes of a head file; the error says what to do.
pub type HeadMaker = Arc<dyn Fn(&[u8]) -> Result<Arc<dyn Classifier>, String> + Send + Sync>;

/// A classifier with a head of the library, or why there cannot be one.
type Made = Result<Arc<dyn Classifier>, String>;

/// The name of the head that is configured or built in, where a head of the library could stand.
pub const CONFIGURED: &str = "configured";

/// Heads of the library over one model. A promoted or rolled back head is taken up at the next question.
pub struct HeadLibrary {
    configured: Arc<dyn Classifier>,
    make: HeadMaker,
    loaded: Mutex<HashMap<HeadId, Made>>,
}

impl HeadLibrary {
    /// `configured` labels where no head is promoted.
    pub fn new(configured: Arc<dyn Classifier>, make: HeadMaker) -> Self {
        Self { configured, make, loaded: Mutex::default() }
    }

    /// The classifier of a head; the inner error says why it cannot be used.
    async fn load(&self, store: &Store, id: HeadId) -> Result<Made, StoreError> {
        if let Some(known) = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(known.clone());
        }
        let made = match store.head(id).await? {
            None => Err(format!("there is no head {id}")),
            Some(row) => {
                let path = store.library().local_path(&row.path)?;
                let make = Arc::clone(&self.make);
                let made = tokio::task::spawn_blocking(move || {
                    let bytes = std::fs::read(&path).map_err(|e| format!("cannot read {path}: {e}"))?;
                    make(&bytes)
                });
                made.await.unwrap_or_else(|e| Err(format!("loading it was cut short: {e}")))
            }
        };
        match &made {
            Ok(classifier) => tracing::info!(head = %id, classifier = classifier.id(), "a head is taken up"),
            Err(why) => tracing::error!(head = %id, why, "a head cannot be used; the configured one labels"),
        }
        // A file of the library never changes, so an answer is good for as long as this process runs.
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(id, made.clone());
        Ok(made)
    }
}

#[async_trait]
impl Classifiers for HeadLibrary {
    async fn of_source(&self, store: &Store, source: SourceId) -> Result<Arc<dyn Classifier>, StageError> {
        let promotions = store.promotions().await?;
        if promotions.is_empty() {
            return Ok(Arc::clone(&self.configured));
        }
        match in_use(source, &store.sources().await?, &promotions) {
            None => Ok(Arc::clone(&self.configured)),
            Some(id) => Ok(self.load(store, id).await?.unwrap_or_else(|_| Arc::clone(&self.configured))),
        }
    }

    async fn of_head(&self, store: &Store, head: &str) -> Result<Arc<dyn Classifier>, StageError> {
        if head == CONFIGURED {
            return Ok(Arc::clone(&self.configured));
        }
        let id = head.parse().map_err(|_| StageError::give_up(format!("there is no head {head}")))?;
        self.load(store, id).await?.map_err(StageError::give_up)
    }
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{
        Id as _,
        head::{HeadRow, Promotion},
    };
    use clipmill_inference::classify::{Answer, ClassifyError, Talk};
    use clipmill_store::{
        heads, sources,
        testing::{self, NOW, on_each},
    };

    use super::*;

    struct Named(String);

    impl Classifier for Named {
        fn classify(&self, _: &[Talk<'_>]) -> Result<Vec<Answer>, ClassifyError> {
            Ok(vec![])
        }

        fn id(&self) -> String {
            self.0.clone()
        }
    }

    #[tokio::test]
    async fn a_promoted_head_is_taken_up_and_a_broken_one_is_not() {
        on_each(async |t| {
            let library = HeadLibrary::new(
                Arc::new(Named("configured".to_owned())),
                Arc::new(|bytes| match bytes {
                    b"broken" => Err("not a head".to_owned()),
                    name => Ok(Arc::new(Named(String::from_utf8_lossy(name).into_owned()))),
                }),
            );
            let mut tx = t.store.begin().await.unwrap();
            let source = sources::add_source(&mut tx, &testing::new_source("studio")).await.unwrap().id;
            tx.commit().await.unwrap();
            let add = async |seq: i64, content: &[u8]| {
                let id = HeadId::new_at(NOW.plus_millis(seq));
                let path = format!("heads/{id}.safetensors");
                let mut tx = t.store.begin().await.unwrap();
                testing::artifact(&mut tx, &path, &id.to_string(), content).await.unwrap();
                let head = HeadRow {
                    id,
                    source_id: None,
                    path,
                    sha256: String::new(),
                    facts: serde_json::json!({}),
                    held_out: None,
                    frozen: None,
                    made_by: "operator".to_owned(),
                    made_at: NOW,
                };
                heads::insert_head(&mut tx, &head).await.unwrap();
                let (at, reason, by) = (NOW.plus_millis(seq), String::new(), "operator".to_owned());
                let p = Promotion {
                    scope: None,
                    seq,
                    head_id: id,
                    forced: false,
                    reason,
                    by,
                    at,
                    undone_at: None,
                };
                heads::promote(&mut tx, &p).await.unwrap();
                tx.commit().await.unwrap();
                id
            };
            let now = async || library.of_source(&t.store, source).await.unwrap().id();
            assert_eq!(now().await, "configured");
            let first = add(1, b"first").await;
            assert_eq!(now().await, "first", "without a restart");
            let broken = add(2, b"broken").await;
            assert_eq!(now().await, "configured", "talk is labelled whatever happens");
            let named = async |head: &str| library.of_head(&t.store, head).await;
            assert_eq!(named(&first.to_string()).await.unwrap().id(), "first");
            assert_eq!(named(CONFIGURED).await.unwrap().id(), "configured");
            assert!(matches!(named(&broken.to_string()).await, Err(StageError::GiveUp { .. })));
            assert!(matches!(named("x").await, Err(StageError::GiveUp { .. })));
            let mut tx = t.store.begin().await.unwrap();
            heads::roll_back(&mut tx, None, "operator", NOW).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(now().await, "first");
        })
        .await;
    }
}
