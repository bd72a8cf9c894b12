//! The shipped head and the data behind it.

use std::collections::BTreeSet;

use camino::Utf8PathBuf;
use clipmill_domain::taxonomy::Label;
use clipmill_inference::classify::{
    Classifier, ClassifyError, Example, Head, HeadClassifier, Judged, LabelProbs, Report, Talk, Tier,
    data_sha256, read_examples,
};

const LLM: &str = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";
const SENTENCE: &str = "sentence-encoder-use-multilingual-3.safetensors";
/// What the built-in heads are fitted on, in this order.
const TRAIN: [&str; 7] = [
    "selling-points/train.jsonl",
    "selling-points/train_more.jsonl",
    "selling-points/train_zh.jsonl",
    "selling-points/train_zh_heard.jsonl",
    "selling-points/train_en.jsonl",
    "selling-points/train_en_heard.jsonl",
    "selling-points/train_mixed.jsonl",
];
const KEPT_APART: [&str; 4] =
    ["selling-points/dev.jsonl", "selling-points/dev2.jsonl", "speech/zh_live.jsonl", "speech/en_live.jsonl"];

fn workspace() -> Utf8PathBuf {
    Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn examples(file: &str) -> Vec<Example> {
    read_examples(&workspace().join("fixtures").join(file)).unwrap()
}

fn train() -> Vec<Example> {
    TRAIN.into_iter().flat_map(examples).collect()
}

fn model(file: &str) -> Utf8PathBuf {
    let dir = std::env::var("CLIPMILL_MODELS")
        .map_or_else(|_| workspace().join("target/models"), Utf8PathBuf::from);
    let path = dir.join(file);
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
fn the_built_in_heads_were_fitted_on_the_data_beside_them() {
    for tier in Tier::ALL {
        let head = Head::built_in(tier).unwrap();
        let facts = head.facts();
        let why = "the data changed: `make bench-labels` trains the built-in heads again";
        assert_eq!(facts.data_sha256, data_sha256(&train()), "{}: {why}", tier.key());
        assert_eq!(facts.examples, train().len());
        assert!(facts.cv_accuracy > 0.8 && facts.unseen_accuracy > Some(0.8), "{facts:?}");
    }
}

/// Some of the items, to keep the suite quick; the evaluation command judges whole sets.
#[test]
fn each_tier_answers_the_development_sets_and_refuses_another_features_head() {
    let dev = examples("selling-points/dev.jsonl").into_iter().step_by(2);
    let dev: Vec<_> = dev.chain(examples("selling-points/dev2.jsonl").into_iter().step_by(4)).collect();
    let texts: Vec<Talk> = dev.iter().map(|e| Talk::alone(&e.text)).collect();
    for (tier, feature, right) in [
        (Tier::Full, "sentence@e9ca7fcb+qwen2.5-coder-0.5b@1d961463/l10-mean/head@", 0.85),
        (Tier::Short, "sentence@e9ca7fcb/head@", 0.8),
    ] {
        let classifier = HeadClassifier::open(tier, &model(SENTENCE), &model(LLM), None).unwrap();
        assert!(classifier.id().starts_with(feature), "{}", classifier.id());
        let answers = classifier.classify(&texts).unwrap();
        assert!(answers.iter().all(|a| a.by.as_ref() == classifier.id()));
        let answers: Vec<LabelProbs> = answers.iter().map(|a| a.probs).collect();
        let judged: Vec<_> =
            dev.iter().zip(&answers).map(|(example, p)| Judged { example, probs: *p }).collect();
        let report = Report::of(&judged);
        println!("{report}");
        assert!(report.items == 60 && report.accuracy >= right, "{report}");
        assert!(answers.iter().all(|p| (p.as_array().iter().sum::<f32>() - 1.0).abs() < 1e-4));

        let alone = classifier.classify(&[texts[7], Talk::alone(" \n"), Talk::alone("")]).unwrap();
        let alone: Vec<LabelProbs> = alone.iter().map(|a| a.probs).collect();
        assert_eq!(alone, [answers[7], LabelProbs::certain(Label::Chat), LabelProbs::certain(Label::Chat)]);
        assert_eq!(classifier.classify(&[]).unwrap(), []);

        let (features, head) = classifier.into_parts();
        let mut bytes = head.to_bytes().unwrap();
        let at = bytes.windows(8).position(|w| w == b"e9ca7fcb").unwrap();
        bytes[at..at + 8].copy_from_slice(b"00000000");
        let error = HeadClassifier::new(features, Head::from_bytes(&bytes, "other").unwrap()).unwrap_err();
        assert!(matches!(error, ClassifyError::OtherFeature { .. }), "{error}");
        assert!(error.to_string().contains("@00000000"), "{error}");
    }
}

#[test]
fn a_head_of_one_tier_does_not_serve_the_other() {
    let head = Head::built_in(Tier::Full).unwrap().to_bytes().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(dir.path().join("full.safetensors")).unwrap();
    std::fs::write(&path, head).unwrap();
    let error = HeadClassifier::open(Tier::Short, &model(SENTENCE), &model(LLM), Some(&path)).unwrap_err();
    assert!(matches!(error, ClassifyError::OtherFeature { .. }), "{error}");
    let nowhere = dir.path().join("none").display().to_string();
    let error = HeadClassifier::open(Tier::Short, nowhere.as_str().into(), &model(LLM), None).unwrap_err();
    assert!(error.to_string().contains("clipmill models fetch"), "{error}");
}
