//! The loader on small models made here, of which everything is known.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use candle_core::{
    Device, Tensor,
    quantized::{
        GgmlDType, QTensor,
        gguf_file::{self, Value},
    },
};

use super::*;
use crate::llm::LlmError;

const WIDTH: usize = 96;
const INNER: usize = 160;

struct Made {
    _dir: tempfile::TempDir,
    path: Utf8PathBuf,
}

impl Made {
    fn cache(&self) -> Utf8PathBuf {
        padded::cache_path(&self.path, 2)
    }

    fn open(&self) -> Result<Qwen, LlmError> {
        Qwen::open_with(&self.path, &QwenOptions { layers: 2, ..QwenOptions::default() })
    }

    fn mean(&self) -> Vec<f32> {
        self.open().unwrap().hidden_mean("soft cotton, 3 colours").unwrap()
    }
}

/// A two-layer model with byte tokens and weights that follow from `seed`.
fn made(seed: u64) -> Made {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(dir.path().join("tiny.gguf")).unwrap();
    write_model(&path, seed);
    Made { _dir: dir, path }
}

fn write_model(path: &Utf8Path, seed: u64) {
    let mut state = seed;
    let mut tensor = |dims: &[usize], offset: f32| {
        let numbers: Vec<f32> = (0..dims.iter().product())
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                offset + f32::from(u16::try_from(state >> 48).unwrap()) / 65_536.0 * 0.4 - 0.2
            })
            .collect();
        Tensor::from_vec(numbers, dims, &Device::Cpu).unwrap()
    };
    let mut tensors = vec![("token_embd.weight".to_owned(), tensor(&[256, WIDTH], 0.0), GgmlDType::Q5_0)];
    for i in 0..2 {
        let mut add = |name: &str, dims: &[usize], kind: GgmlDType, offset: f32| {
            tensors.push((format!("blk.{i}.{name}"), tensor(dims, offset), kind));
        };
        for (name, len) in [("attn_norm.weight", WIDTH), ("ffn_norm.weight", WIDTH)] {
            add(name, &[len], GgmlDType::F32, 1.0);
        }
        for (name, len) in [("attn_q.bias", WIDTH), ("attn_k.bias", 32), ("attn_v.bias", 32)] {
            add(name, &[len], GgmlDType::F32, 0.0);
        }
        for (name, rows, columns) in [
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", 32, WIDTH),
            ("attn_v", 32, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", INNER, WIDTH),
            ("ffn_up", INNER, WIDTH),
            ("ffn_down", WIDTH, INNER),
        ] {
            add(&format!("{name}.weight"), &[rows, columns], GgmlDType::Q5_0, 0.0);
        }
    }
    let tensors: Vec<(String, QTensor)> =
        tensors.into_iter().map(|(n, t, kind)| (n, QTensor::quantize(&t, kind).unwrap())).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();

    let text = |s: &str| Value::String(s.to_owned());
    let metadata = [
        ("general.architecture", text("qwen2")),
        ("general.basename", text("Tiny")),
        ("general.size_label", text("0B")),
        ("qwen2.block_count", Value::U32(2)),
        ("qwen2.embedding_length", Value::U32(WIDTH as u32)),
        ("qwen2.feed_forward_length", Value::U32(INNER as u32)),
        ("qwen2.attention.head_count", Value::U32(3)),
        ("qwen2.attention.head_count_kv", Value::U32(1)),
        ("qwen2.rope.freq_base", Value::F32(10_000.0)),
        ("qwen2.attention.layer_norm_rms_epsilon", Value::F32(1e-6)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("qwen2")),
        ("tokenizer.ggml.tokens", Value::Array(byte_tokens().into_iter().map(Value::String).collect())),
        ("tokenizer.ggml.merges", Value::Array(vec![])),
    ];
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (*k, v)).collect();
    let mut file = std::fs::File::create(path).unwrap();
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
}

/// The 256 characters that stand for bytes in byte-level tokenizers.
pub(in crate::llm) fn byte_tokens() -> Vec<String> {
    let printable: BTreeSet<u32> = (33..=126).chain(161..=172).chain(174..=255).collect();
    let others = (0u32..256).filter(|b| !printable.contains(b)).zip(256u32..).map(|(_, c)| c);
    printable.iter().copied().chain(others).map(|c| char::from_u32(c).unwrap().to_string()).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn padding_changes_speed_and_not_meaning() {
    let made = made(7);
    let padded = made.mean();
    let options = QwenOptions { layers: 2, cache: false, full_precision: true };
    let full = Qwen::open_with(&made.path, &options).unwrap().hidden_mean("soft cotton, 3 colours").unwrap();
    assert!(cosine(&padded, &full) > 0.999, "{}", cosine(&padded, &full));
}

#[test]
fn the_cache_is_made_once_read_back_and_gives_the_same_numbers() {
    let made = made(7);
    let first = made.mean();
    let written = std::fs::metadata(made.cache()).unwrap().modified().unwrap();
    assert_eq!(made.mean(), first);
    assert_eq!(std::fs::metadata(made.cache()).unwrap().modified().unwrap(), written);
    let id = made.open().unwrap().feature_id();
    assert!(id.starts_with("tiny-0b@") && id.ends_with("/l2-mean"), "{id}");
}

#[test]
fn a_damaged_cache_is_noticed_and_made_again() {
    let made = made(7);
    let truth = made.mean();
    let whole = std::fs::read(made.cache()).unwrap();
    let mut flipped = whole.clone();
    let at = flipped.len() - 999;
    flipped[at] ^= 0x10;
    let mut flipped_head = whole.clone();
    flipped_head[60] ^= 0xff;
    for damaged in [&whole[..whole.len() / 2], &flipped, &flipped_head, &[][..], &b"GGUF"[..]] {
        std::fs::write(made.cache(), damaged).unwrap();
        assert_eq!(made.mean(), truth);
        assert_eq!(std::fs::read(made.cache()).unwrap().len(), whole.len());
    }
}

#[test]
fn another_model_under_the_same_name_does_not_get_the_old_weights() {
    let made = made(7);
    let old = made.mean();
    let old_id = made.open().unwrap().feature_id();
    write_model(&made.path, 8);
    let new = made.mean();
    assert_ne!(old, new);
    assert_ne!(made.open().unwrap().feature_id(), old_id);
    std::fs::remove_file(made.cache()).unwrap();
    assert_eq!(made.mean(), new);
}

#[test]
fn a_copied_model_with_another_time_stamp_keeps_its_cache() {
    let made = made(7);
    let id = made.open().unwrap().feature_id();
    let written = std::fs::metadata(made.cache()).unwrap().modified().unwrap();
    let file = std::fs::File::options().write(true).open(&made.path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000)).unwrap();
    assert_eq!(made.open().unwrap().feature_id(), id);
    assert_eq!(std::fs::metadata(made.cache()).unwrap().modified().unwrap(), written);
}

#[test]
fn without_the_cache_nothing_is_written() {
    let made = made(7);
    Qwen::open_with(&made.path, &QwenOptions { layers: 2, cache: false, full_precision: false }).unwrap();
    assert!(!made.cache().exists());
}

#[test]
fn what_is_no_model_is_refused_in_plain_words() {
    let made = made(7);
    let refused = |bytes: &[u8]| {
        std::fs::write(&made.path, bytes).unwrap();
        made.open().unwrap_err().to_string()
    };
    let whole = std::fs::read(&made.path).unwrap();
    assert!(refused(b"<html>not found</html>").contains("is not a GGUF file"));
    assert!(refused(b"").contains("is not a GGUF file"));
    assert!(refused(&whole[..40]).contains("broken or incomplete"));
    assert!(refused(&whole[..whole.len() - 4000]).contains("broken or incomplete"));
    std::fs::remove_file(&made.path).unwrap();
    let missing = made.open().unwrap_err().to_string();
    assert!(missing.contains("cannot read the model") && missing.contains("fetch"), "{missing}");
    write_model(&made.path, 7);
    let deep = Qwen::open(&made.path).unwrap_err().to_string();
    assert!(deep.contains("layer 10 is wanted and it has 2"), "{deep}");
}

#[test]
fn a_text_is_cut_at_the_limit_and_blank_text_is_an_error() {
    let qwen = made(7).open().unwrap();
    let long = "a".repeat(MAX_TOKENS + 5);
    let got = qwen.embed(&long).unwrap();
    assert_eq!((got.tokens, got.dropped), (MAX_TOKENS, 5));
    assert_eq!(got.mean, qwen.embed(&long[..MAX_TOKENS]).unwrap().mean);
    assert!(matches!(qwen.embed(""), Err(LlmError::Empty)));
    assert_eq!(qwen.embed("abc").unwrap().mean.len(), qwen.width());
}

#[test]
fn a_model_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Qwen>();
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    /// A model or a cache whose header is damaged is refused, or still a model: it then gives numbers.
    #[test]
    fn damaged_headers_are_refused(
        head in crate::mangled::damaged(std::fs::read(made(7).path).unwrap()[..7_000].to_vec()),
        cache_head in crate::mangled::damaged({
            let made = made(7);
            made.open().unwrap();
            std::fs::read(made.cache()).unwrap()[..2_000].to_vec()
        }),
    ) {
        let made = made(7);
        let whole = std::fs::read(&made.path).unwrap();
        std::fs::write(&made.path, [&head[..], &whole[7_000..]].concat()).unwrap();
        if let Ok(model) = made.open() {
            let _ = model.hidden_mean("soft cotton");
        }
        std::fs::write(&made.path, &whole).unwrap();
        made.open().unwrap();
        let cache = std::fs::read(made.cache()).unwrap();
        std::fs::write(made.cache(), [&cache_head[..], &cache[2_000..]].concat()).unwrap();
        made.open().unwrap();
    }
}
