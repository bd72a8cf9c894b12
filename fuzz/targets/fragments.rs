//! Boxes of a part.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clipmill_media::mangled::fragments(bytes));
