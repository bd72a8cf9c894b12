//! Model files on their way in: CTranslate2's and Silero's weights, mel filters, token tables, PyTorch's pickles, and
//! whisper.cpp's files to be quantised. The sources are taken in by path: the crate they belong to brings the speech
//! models' libraries.
#![no_main]
#![allow(dead_code, reason = "what is read is not all written here")]

#[path = "../../core/inference/src/registry"]
mod registry {
    pub mod error;
    pub mod quantize;

    pub mod convert {
        mod ct2;
        mod ggml;
        mod npz;
        mod pickle;
        mod silero;
        mod whisper;

        pub(super) use ggml::MAGIC;

        use super::error::RegistryError;

        fn bad(what: &str, why: impl Into<String>) -> RegistryError {
            RegistryError::Convert { what: what.to_owned(), why: why.into() }
        }

        /// The first byte chooses the reader, the next two cut the rest in three.
        pub fn any(bytes: &[u8]) {
            let [choice, a, b, rest @ ..] = bytes else { return };
            let file = std::fs::File::create("/dev/null").expect("nowhere");
            let mut out = ggml::Writer::new(std::io::BufWriter::new(file), "/dev/null".into());
            let (first, more) = rest.split_at(rest.len() * usize::from(*a) / 256);
            let (second, third) = more.split_at(more.len() * usize::from(*b) / 256);
            match choice % 4 {
                0 => drop(whisper::convert(first, second, third, &mut out)),
                1 => drop(silero::convert(rest, &mut out)),
                2 => drop(npz::read_f32(rest, "mel_80")),
                _ => drop(pickle::check(rest)),
            }
        }
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    registry::convert::any(bytes);
    if let Ok(made) = registry::quantize::quantize(bytes) {
        assert!(made.len() <= bytes.len());
    }
});
