//! The words of the trade of each source, read again now and then.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use clipmill_domain::{SourceId, lexicon::LexiconEntry, product::Product};
use clipmill_inference::lexicon::Lexicon;
use clipmill_store::{Store, StoreError};

/// What a person enters holds for sentences said this much later.
const FRESH: Duration = Duration::from_secs(5);
/// Sources kept; beyond that all are read anew.
const KEPT_MAX: usize = 100;

/// Lexicons by source; bounded.
#[derive(Debug, Default)]
pub(super) struct Trade(Mutex<HashMap<SourceId, Known>>);

#[derive(Debug, Clone)]
struct Known {
    read_at: Instant,
    entries: Vec<LexiconEntry>,
    products: Vec<Product>,
    lexicon: Arc<Lexicon>,
}

impl Trade {
    /// What holds for `source` now, at most some seconds old. Prepared anew only where something changed.
    pub async fn of(&self, store: &Store, source: SourceId) -> Result<Arc<Lexicon>, StoreError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&source).cloned();
        if let Some(known) = known.as_ref().filter(|k| k.read_at.elapsed() < FRESH) {
            return Ok(Arc::clone(&known.lexicon));
        }
        let (entries, products) = (store.lexicon_of(source).await?, store.products(source).await?);
        let same = known.filter(|k| k.entries == entries && k.products == products);
        let lexicon =
            same.map_or_else(|| Arc::new(Lexicon::new(&entries, &products).with_usual()), |k| k.lexicon);
        let now = Known { read_at: Instant::now(), entries, products, lexicon: Arc::clone(&lexicon) };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        all.insert(source, now);
        Ok(lexicon)
    }
}
