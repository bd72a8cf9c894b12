//! The shipped head and the data behind it.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use clipmill_domain::taxonomy::Label;
use clipmill_inference::classify::{
    Classifier, ClassifyError, Example, Head, Judged, LabelProbs, QwenClassifier, Report, Talk, data_sha256,
    read_examples,
};

const MODEL: &str = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";
const TRAIN: [&str; 2] = ["selling-points/train.jsonl", "selling-points/train_more.jsonl"];
const KEPT_APART: [&str; 3] = ["selling-points/dev.jsonl", "speech/zh_live.jsonl", "speech/en_live.jsonl"];

fn workspace() -> Utf8PathBuf {
    Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn examples(file: &str) -> Vec<Example> {
    read_examples(&workspace().join("fixtures").join(file)).unwrap()
}

fn train() -> Vec<Example> {
    TRAIN.into_iter().flat_map(examples).collect()
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

/// Character trigrams, letters and digits only.
fn trigrams(text: &str) -> BTreeSet<[char; 3]> {
    let chars: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    chars.windows(3).map(|w| [w[0], w[1], w[2]]).collect()
}

#[test]
fn no_text_that_is_judged_by_was_fitted_on() {
    let fitted: Vec<_> = train().into_iter().map(|e| (trigrams(&e.text), e)).collect();
    for file in KEPT_APART {
        for apart in examples(file) {
            let grams = trigrams(&apart.text);
            for (known, example) in &fitted {
                let both = known.intersection(&grams).count();
                let alike = both as f64 / (known.len() + grams.len() - both).max(1) as f64;
                assert!(
                    alike <= 0.5 && apart.text != example.text,
                    "{file} {:?} is too like {} {:?}: {alike:.2}",
                    apart.text,
                    example.id,
                    example.text
                );
            }
        }
    }
}

#[test]
fn the_data_cover_every_label_and_hold_hard_negatives() {
    let train = train();
    for label in Label::ALL {
        assert!(train.iter().filter(|e| e.label == label).count() >= 30, "{label}");
    }
    assert!(train.iter().filter(|e| e.label == Label::Chat && e.note.contains("hard")).count() >= 60);
    let ids: BTreeSet<_> = train.iter().map(|e| &e.id).collect();
    assert_eq!(ids.len(), train.len(), "ids repeat");
    let texts: BTreeSet<_> = train.iter().map(|e| &e.text).collect();
    assert_eq!(texts.len(), train.len(), "texts repeat");
}

#[test]
fn the_built_in_head_was_fitted_on_the_data_beside_it() {
    let head = Head::built_in().unwrap();
    let facts = head.facts();
    assert_eq!(facts.data_sha256, data_sha256(&train()), "the data changed: train the built-in head again");
    assert_eq!(facts.examples, train().len());
    assert!(facts.cv_accuracy > 0.84 && facts.cv_macro_f1 > 0.84, "{facts:?}");
}

/// Every other item, to keep the suite quick; the evaluation command judges whole sets.
#[test]
fn the_default_classifier_answers_the_development_set_and_refuses_another_features_head() {
    let classifier = QwenClassifier::open(&model(), None).unwrap();
    let id = classifier.id();
    assert!(id.starts_with("qwen2.5-coder-0.5b@1d961463/l18-mean/head@"), "{id}");

    let dev: Vec<_> = examples("selling-points/dev.jsonl").into_iter().step_by(2).collect();
    let texts: Vec<Talk> = dev.iter().map(|e| Talk::alone(&e.text)).collect();
    let answers = classifier.classify(&texts).unwrap();
    assert!(answers.iter().all(|a| a.by.as_ref() == classifier.id()));
    let answers: Vec<LabelProbs> = answers.iter().map(|a| a.probs).collect();
    let judged: Vec<_> = dev.iter().zip(&answers).map(|(example, p)| Judged { example, probs: *p }).collect();
    let report = Report::of(&judged);
    println!("{report}");
    assert!(report.items == 30 && report.accuracy >= 0.86, "{report}");
    assert!(answers.iter().all(|p| (p.as_array().iter().sum::<f32>() - 1.0).abs() < 1e-4));

    let alone = classifier.classify(&[texts[7], Talk::alone(" \n"), Talk::alone("")]).unwrap();
    let alone: Vec<LabelProbs> = alone.iter().map(|a| a.probs).collect();
    assert_eq!(alone, [answers[7], LabelProbs::certain(Label::Chat), LabelProbs::certain(Label::Chat)]);
    assert_eq!(classifier.classify(&[]).unwrap(), []);

    let (llm, head) = classifier.into_parts();
    let mut bytes = head.to_bytes().unwrap();
    let at = bytes.windows(8).position(|w| w == b"1d961463").unwrap();
    bytes[at..at + 8].copy_from_slice(b"00000000");
    let error = QwenClassifier::new(llm, Head::from_bytes(&bytes, "other").unwrap()).unwrap_err();
    assert!(matches!(error, ClassifyError::OtherFeature { .. }), "{error}");
    assert!(error.to_string().contains("@00000000"), "{error}");
}
