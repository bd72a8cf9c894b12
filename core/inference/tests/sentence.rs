//! The sentence encoder against the Python package that its weights come from (see fixtures/reference).

use base64::Engine as _;
use camino::Utf8PathBuf;
use clipmill_inference::sentence::{PIECES_MAX, SENTENCE_WIDTH, SentenceEncoder};

#[derive(serde::Deserialize)]
struct Reference {
    items: Vec<Item>,
}

#[derive(serde::Deserialize)]
struct Item {
    text: String,
    pieces: Vec<u32>,
    vector: String,
}

fn workspace() -> Utf8PathBuf {
    Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn encoder() -> SentenceEncoder {
    let dir = std::env::var("CLIPMILL_MODELS")
        .map_or_else(|_| workspace().join("target/models"), Utf8PathBuf::from);
    let path = dir.join("sentence-encoder-use-multilingual-3.safetensors");
    assert!(
        path.exists(),
        "this test needs {path}: fetch the models, or point CLIPMILL_MODELS at their folder"
    );
    SentenceEncoder::load(&path).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn pieces_and_vectors_are_those_of_the_package_the_weights_come_from() {
    let text = std::fs::read_to_string(workspace().join("fixtures/reference/sentence.json")).unwrap();
    let reference: Reference = serde_json::from_str(&text).unwrap();
    assert_eq!(reference.items.len(), 200);
    let encoder = encoder();
    let mut least = 1.0f64;
    for item in reference.items {
        assert_eq!(encoder.tokens(&item.text), item.pieces, "{:?}", item.text);
        let theirs = base64::engine::general_purpose::STANDARD.decode(item.vector).unwrap();
        let theirs: Vec<f32> = theirs.iter().map(|b| f32::from(b.cast_signed())).collect();
        let ours = encoder.encode(&item.text).unwrap();
        assert_eq!(ours.len(), SENTENCE_WIDTH);
        let alike = cosine(&ours, &theirs);
        assert!(alike > 0.999, "{alike} for {:?}", item.text);
        least = least.min(alike);
    }
    println!("least cosine {least:.6}");
}

#[test]
fn a_text_of_any_length_is_bounded_work() {
    let encoder = encoder();
    for text in ["x1 ".repeat(100_000), "棉".repeat(100_000), "\u{200b}".repeat(100_000), "😀".repeat(40_000)]
    {
        let pieces = encoder.tokens(&text);
        assert!(pieces.len() <= PIECES_MAX, "{}", pieces.len());
        assert_eq!((pieces[0], pieces[pieces.len() - 1]), (1, 2));
    }
}
