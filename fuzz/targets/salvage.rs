//! A part that a crash left behind, and its header.
#![no_main]

use std::sync::LazyLock;

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clipmill_media::mangled::salvaging(DIR.path(), bytes));
