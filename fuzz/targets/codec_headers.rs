//! Parameter sets, `avcC`, `hvcC`, ADTS.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| clipmill_media::mangled::codec_headers(bytes));
