//! The file of Chinese words, and the dictionary and n-grams it is made of. The sources are taken in by path: the crate
//! they belong to brings the speech models' libraries.
#![no_main]
#![allow(dead_code, unused_imports, reason = "what is read is not all written here")]

#[path = "../../core/inference/src/likely/mod.rs"]
mod likely;

use std::sync::LazyLock;

use clipmill_domain::{MediaTime, transcript::Word};
use likely::Likely;

static FILE: LazyLock<tempfile::NamedTempFile> = LazyLock::new(|| tempfile::NamedTempFile::new().expect("a file"));

/// What is taken for words is used, too.
fn used(likely: &Likely) {
    let word = |c: char| Word { text: c.into(), start: MediaTime::ZERO, end: MediaTime::ZERO, p: 0.5, mended: None };
    let mut words: Vec<Word> = "这个充电保，面廖很舒福".chars().map(word).collect();
    let count = words.len();
    likely.repair(&mut words);
    assert_eq!(words.len(), count);
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = camino::Utf8Path::from_path(FILE.path()).expect("a plain path");
    if std::fs::write(path, bytes).is_ok() {
        if let Ok(likely) = Likely::load(path) {
            used(&likely);
        }
    }
    let middle = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let (dictionary, ngrams) = bytes.split_at(middle);
    if let Ok(likely) = Likely::from_text(dictionary, ngrams.get(1..).unwrap_or_default()) {
        used(&likely);
    }
});
