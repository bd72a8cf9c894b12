//! Fits a head and says how good it is: `train_head MODEL.gguf OUT.safetensors TRAIN.jsonl... [--judge SET.jsonl...]`.
//!
//! The built-in head is made from the workspace root by
//! `cargo run -p clipmill-inference --example train_head -- target/models/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf
//! core/inference/heads/base18.safetensors fixtures/selling-points/train.jsonl fixtures/selling-points/train_more.jsonl`.

use anyhow::Context;
use camino::Utf8Path;
use clipmill_inference::{
    classify::Classifier,
    classify::{Judged, QwenClassifier, Report, Talk, TrainOptions, read_examples, train_files},
    llm::{Qwen, limit_threads},
};

fn main() -> anyhow::Result<()> {
    limit_threads(1);
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (train, judge) = match args.iter().position(|a| a == "--judge") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (&args[..], &[][..]),
    };
    let [model, out, files @ ..] = train else {
        anyhow::bail!("give a model, the head to write and training files")
    };
    let qwen = Qwen::open(Utf8Path::new(model))?;
    let files: Vec<&Utf8Path> = files.iter().map(Utf8Path::new).collect();
    let trained = train_files(&qwen, &files, &TrainOptions::default(), &mut |done, all| {
        if done % 100 == 0 || done == all {
            eprintln!("{done} of {all} texts read");
        }
    })?;
    println!("cross-validation, as written: {}", trained.as_written);
    println!("cross-validation, spoken: {}", trained.spoken);
    println!("temperature {:.2}", trained.head.facts().temperature);
    trained.head.save(Utf8Path::new(out))?;

    let classifier = QwenClassifier::new(qwen, trained.head)?;
    println!("wrote {out}: {}", classifier.id());
    for set in judge {
        let examples = read_examples(Utf8Path::new(set)).context("a set to judge by")?;
        let talk: Vec<Talk<'_>> = examples.iter().map(|e| Talk::alone(&e.text)).collect();
        let answers = classifier.classify(&talk)?;
        let judged: Vec<_> =
            examples.iter().zip(answers).map(|(example, a)| Judged { example, probs: a.probs }).collect();
        println!("{set}: {}", Report::of(&judged));
    }
    Ok(())
}
