//! What model files say of themselves: the header of a GGUF file, and a PyTorch checkpoint on its way to safetensors. The sources
//! are taken in by path: the crate they belong to brings the speech models' libraries.
#![no_main]
#![allow(dead_code, reason = "what is read is not all written here")]

#[path = "../../core/inference/src/llm"]
mod llm {
    /// As the crate's own, less its texts.
    pub enum LlmError {
        Read { path: camino::Utf8PathBuf, source: std::io::Error },
        NotGguf { path: camino::Utf8PathBuf, start: String },
        Broken { path: camino::Utf8PathBuf, reason: String },
        Unsupported { path: camino::Utf8PathBuf, reason: String },
    }

    mod shape;

    pub fn any(mut bytes: &[u8]) {
        if let Ok(content) = shape::header(&mut bytes) {
            let path = camino::Utf8Path::new("fuzz.gguf");
            let _ = shape::name(path, &content);
            if let Ok(shape) = shape::Shape::of(path, &content) {
                assert!(shape.heads % shape.kv_heads == 0 && shape.head_width * shape.heads == shape.width);
            }
        }
    }
}

#[path = "../../core/inference/src/registry"]
mod registry {
    pub mod error;

    pub mod convert {
        mod pickle;
        mod torch;

        use super::error::RegistryError;

        fn bad(what: &str, why: impl Into<String>) -> RegistryError {
            RegistryError::Convert { what: what.to_owned(), why: why.into() }
        }

        pub fn any(bytes: &[u8]) {
            const BEGINS: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
            for checkpoint in [bytes.to_vec(), [BEGINS, bytes].concat()] {
                if let Ok(made) = torch::convert(&checkpoint) {
                    safetensors::SafeTensors::deserialize(&made).expect("what was written can be read");
                }
            }
        }
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    registry::convert::any(bytes);
    llm::any(bytes);
});
