//! How well a local model labels talk by answering: `answer_eval MODEL.gguf SET.jsonl`.

use std::time::Duration;

use camino::Utf8Path;
use clipmill_inference::{
    classify::{
        Live, Talk,
        answering::{Answerer as _, LocalAnswerer},
        read_examples,
    },
    llm::Decoder,
};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, model, set] = &args[..] else { anyhow::bail!("answer_eval MODEL.gguf SET.jsonl") };
    let answerer = LocalAnswerer::new(Decoder::open(Utf8Path::new(model))?, Duration::from_secs(86_400))?;
    let examples = read_examples(Utf8Path::new(set))?;
    let (mut right, mut tempered) = (0, 0.0f32);
    for e in &examples {
        let opinion = answerer.ask(&[Talk::alone(&e.text)], Live::UNKNOWN).remove(0);
        let opinion = opinion.map_err(|why| anyhow::anyhow!("{}: {why}", e.text))?;
        let (label, p) = opinion.probs.best();
        right += usize::from(label == e.label);
        tempered += p;
    }
    #[expect(clippy::cast_precision_loss, reason = "a set is small")]
    let n = examples.len() as f32;
    #[expect(clippy::cast_precision_loss, reason = "a set is small")]
    let accuracy = right as f32 / n;
    println!(
        "{}: {right} of {} right ({accuracy:.3}), believed {:.3} on average",
        answerer.id(),
        examples.len(),
        tempered / n
    );
    Ok(())
}
