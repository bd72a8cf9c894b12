//! Whole models made here, against the answers of candle's own models for the same files (see fixtures/reference).

use candle_core::quantized::{
    GgmlDType,
    gguf_file::{self, Value},
};

use super::*;
use crate::llm::qwen::tests::byte_tokens;

const WIDTH: usize = 64;
const INNER: usize = 96;
const LAYERS: usize = 2;

struct Made {
    _dir: tempfile::TempDir,
    path: Utf8PathBuf,
}

fn made(kind: &str, seed: u64, change: impl FnOnce(&mut Vec<(String, Value)>)) -> Made {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(dir.path().join("tiny.gguf")).unwrap();
    write(&path, kind, seed, change);
    Made { _dir: dir, path }
}

/// Of each family: Qwen2 has biases, Qwen3 normed heads wider than its stream, Llama an output of its own.
fn write(path: &Utf8Path, kind: &str, seed: u64, change: impl FnOnce(&mut Vec<(String, Value)>)) {
    let (heads, kv_heads) = (4, 2);
    let head_width = if kind == "qwen3" { 24 } else { WIDTH / heads };
    let (q, kv) = (heads * head_width, kv_heads * head_width);
    let mut state = seed;
    let mut tensors = vec![];
    let mut add = |name: String, dims: &[usize], offset: f32, kind: GgmlDType| {
        let numbers: Vec<f32> = (0..dims.iter().product())
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                offset + f32::from(u16::try_from(state >> 48).unwrap()) / 65_536.0 * 0.6 - 0.3
            })
            .collect();
        let tensor = Tensor::from_vec(numbers, dims, &Device::Cpu).unwrap();
        tensors.push((name, QTensor::quantize(&tensor, kind).unwrap()));
    };
    // Whole numbers, so that the stock arithmetic has no rounding of its own.
    let (plain, small) = (GgmlDType::F32, GgmlDType::F32);
    add("token_embd.weight".into(), &[256, WIDTH], 0.0, small);
    add("output_norm.weight".into(), &[WIDTH], 1.0, plain);
    if kind != "qwen3" {
        add("output.weight".into(), &[256, WIDTH], 0.0, small);
    }
    for i in 0..LAYERS {
        let name = |n: &str| format!("blk.{i}.{n}");
        add(name("attn_norm.weight"), &[WIDTH], 1.0, plain);
        add(name("ffn_norm.weight"), &[WIDTH], 1.0, plain);
        for (n, rows, columns) in [
            ("attn_q", q, WIDTH),
            ("attn_k", kv, WIDTH),
            ("attn_v", kv, WIDTH),
            ("attn_output", WIDTH, q),
            ("ffn_gate", INNER, WIDTH),
            ("ffn_up", INNER, WIDTH),
            ("ffn_down", WIDTH, INNER),
        ] {
            add(name(&format!("{n}.weight")), &[rows, columns], 0.0, small);
        }
        match kind {
            "qwen2" => {
                for (n, len) in [("attn_q.bias", q), ("attn_k.bias", kv), ("attn_v.bias", kv)] {
                    add(name(n), &[len], 0.0, plain);
                }
            }
            "qwen3" => {
                for n in ["attn_q_norm.weight", "attn_k_norm.weight"] {
                    add(name(n), &[head_width], 1.0, plain);
                }
            }
            _ => {}
        }
    }
    let text = |s: &str| Value::String(s.to_owned());
    let count = |n: usize| Value::U32(u32::try_from(n).unwrap());
    let own = |key: &str| format!("{kind}.{key}");
    let mut metadata = vec![
        ("general.architecture".to_owned(), text(kind)),
        // The stock Qwen3 calculates in half precision unless the file says otherwise.
        ("general.dtype".to_owned(), Value::U32(0)),
        (own("block_count"), count(LAYERS)),
        (own("context_length"), count(512)),
        (own("embedding_length"), count(WIDTH)),
        (own("feed_forward_length"), count(INNER)),
        (own("attention.head_count"), count(heads)),
        (own("attention.head_count_kv"), count(kv_heads)),
        (own("rope.freq_base"), Value::F32(10_000.0)),
        (own("attention.layer_norm_rms_epsilon"), Value::F32(1e-6)),
        (own("rope.dimension_count"), count(head_width)),
        ("tokenizer.ggml.model".to_owned(), text("gpt2")),
        ("tokenizer.ggml.pre".to_owned(), text("qwen2")),
        (
            "tokenizer.ggml.tokens".to_owned(),
            Value::Array(byte_tokens().into_iter().map(Value::String).collect()),
        ),
        ("tokenizer.ggml.merges".to_owned(), Value::Array(vec![])),
    ];
    if kind == "qwen3" {
        metadata.push((own("attention.key_length"), count(head_width)));
    }
    change(&mut metadata);
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let mut file = std::fs::File::create(path).unwrap();
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
}

pub(crate) fn tiny_decoder(seed: u64) -> Decoder {
    Decoder::open(&made("qwen3", seed, |_| {}).path).unwrap()
}

fn ids() -> Vec<u32> {
    (0..40u32).map(|i| (i * 37 + 11) % 256).collect()
}

fn all_scores(decoder: &Decoder, ids: &[u32]) -> Vec<f32> {
    let state = decoder.read(ids, &mut Memory::default()).unwrap();
    decoder.scores(&state, &(0..256).collect::<Vec<_>>()).unwrap()
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn scores_are_those_of_candles_own_models() {
    #[derive(serde::Deserialize)]
    struct Reference {
        family: String,
        model_sha256: String,
        ids: Vec<u32>,
        scores: Vec<f32>,
    }
    if let Ok(folder) = std::env::var("TINY_MODELS_TO") {
        for kind in ["qwen2", "qwen3", "llama"] {
            write(&Utf8PathBuf::from(&folder).join(format!("{kind}.gguf")), kind, 42, |_| {});
        }
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/reference/tiny_logits.json");
    let references: Vec<Reference> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(references.len(), 3);
    for reference in references {
        let made = made(&reference.family, 42, |_| {});
        let full = DecoderOptions { cache: false, full_precision: true };
        for options in [full, DecoderOptions::default()] {
            let decoder = Decoder::open_with(&made.path, &options).unwrap();
            assert!(decoder.stamp.sha256 == reference.model_sha256, "the reference is for another file");
            let got = all_scores(&decoder, &reference.ids);
            let off = furthest(&got, &reference.scores);
            println!("{}: full precision {}: off by {off}", reference.family, options.full_precision);
            if options.full_precision {
                assert!(off < 1e-3, "{}: {off}", reference.family);
            } else {
                let length = |a: &[f32]| dot(a, a).sqrt();
                let cosine = dot(&got, &reference.scores) / (length(&got) * length(&reference.scores));
                assert!(cosine > 0.995, "{}: {cosine}", reference.family);
            }
        }
    }
}

#[test]
fn reading_in_pieces_is_reading_at_once_and_what_is_forgotten_leaves_no_trace() {
    for kind in ["qwen2", "qwen3", "llama"] {
        let decoder = Decoder::open(&made(kind, 9, |_| {}).path).unwrap();
        let long: Vec<u32> = ids().into_iter().cycle().take(BLOCK + 30).collect();
        let (first, rest) = long.split_at(19);
        let whole = decoder.read(&long, &mut Memory::default()).unwrap();
        let mut memory = Memory::default();
        decoder.read(first, &mut memory).unwrap();
        decoder.read(&[7, 8, 9], &mut memory).unwrap();
        memory.back_to(first.len());
        let pieces = decoder.read(rest, &mut memory).unwrap();
        assert_eq!(memory.tokens(), long.len());
        assert!(furthest(&whole, &pieces) < 1e-3, "{kind}");
    }
}

#[test]
fn what_cannot_be_run_is_refused_in_plain_words() {
    for (key, value, says) in [
        ("general.architecture", Value::String("gemma3".into()), "only \"qwen2\""),
        ("tokenizer.ggml.model", Value::String("llama".into()), "only \"gpt2\""),
        ("qwen3.expert_count", Value::U32(8), "mixture of experts"),
        ("qwen3.rope.scaling.type", Value::String("yarn".into()), "positions are scaled"),
        ("qwen3.rope.dimension_count", Value::U32(8), "width of a head"),
        ("qwen3.attention.key_length", Value::U32(7), "does not divide evenly"),
        ("qwen3.attention.head_count_kv", Value::U32(3), "does not divide evenly"),
    ] {
        let made = made("qwen3", 1, |all| {
            all.retain(|(k, _)| k != key);
            all.push((key.to_owned(), value));
        });
        let e = Decoder::open(&made.path).unwrap_err().to_string();
        assert!(e.contains(says) && e.contains("cannot be used here"), "{e}");
    }
}

#[test]
fn bounds_are_kept_and_nothing_is_read_of_nothing() {
    let decoder = tiny_decoder(2);
    let mut memory = Memory::default();
    assert!(matches!(decoder.read(&[], &mut memory), Err(LlmError::Empty)));
    let long = vec![1; MAX_READ_TOKENS + 1];
    assert!(matches!(decoder.read(&long, &mut memory), Err(LlmError::TooLong { .. })));
    assert_eq!((memory.tokens(), decoder.begin()), (0, None));
    let begins = |kind: &str, add: Option<bool>| {
        let made = made(kind, 1, |all| {
            all.push(("tokenizer.ggml.bos_token_id".into(), Value::U32(5)));
            all.extend(add.map(|add| ("tokenizer.ggml.add_bos_token".into(), Value::Bool(add))));
        });
        Decoder::open(&made.path).unwrap().begin()
    };
    assert_eq!([begins("llama", None), begins("llama", Some(false))], [Some(5), None]);
    assert_eq!([begins("qwen2", None), begins("qwen2", Some(true))], [None, Some(5)]);
}
