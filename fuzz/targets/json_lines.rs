//! Scripts, terms and products in lines of JSON, as people write them. The sources are taken in by path: the crate they belong
//! to brings the speech models' libraries.
#![no_main]
#![allow(dead_code, reason = "what is read is not all written here")]

extern crate self as clipmill_inference;

use std::{io::Write as _, sync::LazyLock};

/// What scripts ask of a letter.
pub mod script {
    pub fn is_cjk(c: char) -> bool {
        matches!(c, '\u{3400}'..='\u{9FFF}')
    }
}

#[path = "../../ingest/src/eval"]
mod eval {
    /// As the crate's own, of what reading can come to.
    #[derive(Debug)]
    pub enum EvalError {
        Read { path: String, source: std::io::Error },
        Line { path: String, line: usize, why: String },
        TruthTooLong { truth_s: f64, audio_s: f64 },
    }

    pub mod lexicon;
    pub mod truth;
}

static FILE: LazyLock<tempfile::NamedTempFile> = LazyLock::new(|| tempfile::NamedTempFile::new().expect("a file"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let written = std::fs::File::create(FILE.path()).and_then(|mut f| f.write_all(bytes));
    if written.is_err() {
        return;
    }
    if let Ok(truth) = eval::truth::read_truth(FILE.path()) {
        assert!(truth.sentences.iter().all(|s| s.start >= 0.0 && s.start < s.end && s.end.is_finite()));
        assert!(truth.sentences.is_sorted_by(|a, b| a.start <= b.start));
        let _ = (truth.language(), truth.fits(truth.end_s()));
    }
    if let Ok(terms) = eval::lexicon::read_terms(FILE.path()) {
        assert!(terms.iter().all(|t| !t.names.is_empty()));
    }
});
