//! Answers that were given before. The same talk in the same surroundings has the same answer, and costs nothing again.

use std::num::NonZeroUsize;

use lru::LruCache;
use sha2::{Digest as _, Sha256};

use super::super::{
    Talk,
    answering::{Opinion, prompt},
};

/// Answers kept: some hundred bytes each, a day of lives.
const KEPT: NonZeroUsize = NonZeroUsize::new(20_000).expect("above zero");

/// Identifies a question.
pub(super) type Key = [u8; 32];

/// The key of one stretch of talk, as the question shows it, to the service `id` (which names model and question).
pub(super) fn key(id: &str, talk: &Talk<'_>) -> Key {
    let mut hash = Sha256::new();
    hash.update(id);
    hash.update([0]);
    hash.update(prompt::lines(&[*talk]));
    hash.finalize().into()
}

/// The answers used last.
#[derive(Debug)]
pub(super) struct Kept(LruCache<Key, Opinion>);

impl Default for Kept {
    fn default() -> Self {
        Self(LruCache::new(KEPT))
    }
}

impl Kept {
    pub(super) fn get(&mut self, key: &Key) -> Option<Opinion> {
        self.0.get(key).cloned()
    }

    pub(super) fn put(&mut self, key: Key, opinion: Opinion) {
        self.0.put(key, opinion);
    }
}
