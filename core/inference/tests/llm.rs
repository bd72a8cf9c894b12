//! The language model against reference vectors computed by another program (see fixtures/reference).

use camino::Utf8PathBuf;
use clipmill_inference::llm::{Qwen, QwenOptions};

/// The layer that the reference states are of: above the feature's, so that all that the feature uses is in them.
const LAYERS: usize = 18;
const MODEL: &str = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";

#[derive(serde::Deserialize)]
struct Reference {
    model_sha256: String,
    items: Vec<Item>,
}

#[derive(serde::Deserialize)]
struct Item {
    text: String,
    tokens: Vec<u32>,
    mean: Vec<f32>,
}

fn workspace() -> Utf8PathBuf {
    Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn model() -> Utf8PathBuf {
    let dir = std::env::var("CLIPMILL_MODELS")
        .map_or_else(|_| workspace().join("target/models"), Utf8PathBuf::from);
    let path = dir.join(MODEL);
    assert!(
        path.exists(),
        "this test needs {path}: fetch the models, or point CLIPMILL_MODELS at their folder"
    );
    path
}

fn reference() -> Reference {
    let path = workspace().join("fixtures/reference/qwen_l18_mean.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The few very large coordinates of such states hide the others in a cosine; this leaves them out.
fn cosine_of_the_small(a: &[f32], b: &[f32]) -> f64 {
    let mut order: Vec<usize> = (0..a.len()).collect();
    order.sort_by(|i, j| b[*j].abs().total_cmp(&b[*i].abs()));
    let pick = |x: &[f32]| order[8..].iter().map(|i| x[*i]).collect::<Vec<_>>();
    cosine(&pick(a), &pick(b))
}

#[test]
fn full_precision_states_equal_the_reference() {
    let reference = reference();
    let options = QwenOptions { layers: LAYERS, full_precision: true, ..QwenOptions::default() };
    let qwen = Qwen::open_with(&model(), &options).unwrap();
    for item in &reference.items {
        assert_eq!(qwen.tokens(&item.text).unwrap(), item.tokens);
        let got = qwen.hidden_mean(&item.text).unwrap();
        assert!(cosine(&got, &item.mean) > 0.999, "{}", cosine(&got, &item.mean));
        let small = cosine_of_the_small(&got, &item.mean);
        assert!(small > 0.999, "{small}");
        println!("full precision: cosine {:.7}, without the largest {small:.7}", cosine(&got, &item.mean));
    }
}

#[test]
fn padded_states_are_close_to_the_reference_and_repeat() {
    let reference = reference();
    let qwen = Qwen::open_with(&model(), &QwenOptions { layers: LAYERS, ..QwenOptions::default() }).unwrap();
    assert!(qwen.feature_id().starts_with("qwen2.5-coder-0.5b@"), "{}", qwen.feature_id());
    assert!(qwen.feature_id().contains(&reference.model_sha256[..8]));
    for item in &reference.items {
        let got = qwen.embed(&item.text).unwrap();
        assert_eq!((got.tokens, got.dropped), (item.tokens.len(), 0));
        let small = cosine_of_the_small(&got.mean, &item.mean);
        println!("padded Q8_0: cosine {:.7}, without the largest {small:.7}", cosine(&got.mean, &item.mean));
        assert!(cosine(&got.mean, &item.mean) > 0.995, "{}", cosine(&got.mean, &item.mean));
        assert!(small > 0.99, "{small}");
        assert_eq!(qwen.hidden_mean(&item.text).unwrap(), got.mean);
    }
}

/// What llama.cpp makes of the same file's vocabulary.
#[test]
fn texts_are_split_as_llama_cpp_splits_them() {
    #[derive(serde::Deserialize)]
    struct Split {
        text: String,
        tokens: Vec<u32>,
    }
    #[derive(serde::Deserialize)]
    struct Splits {
        model_sha256: String,
        items: Vec<Split>,
    }
    let path = workspace().join("fixtures/reference/qwen_tokens.json");
    let splits: Splits = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let qwen = Qwen::open_with(&model(), &QwenOptions { layers: 1, cache: false, ..QwenOptions::default() })
        .unwrap();
    assert!(qwen.feature_id().contains(&splits.model_sha256[..8]));
    assert_eq!(splits.items.len(), 200);
    let other: Vec<_> = splits.items.iter().filter(|s| qwen.tokens(&s.text).unwrap() != s.tokens).collect();
    let shown: Vec<_> = other.iter().map(|s| (&s.text, qwen.tokens(&s.text).unwrap(), &s.tokens)).collect();
    assert!(other.is_empty(), "{shown:#?}");
}
