//! Puts Chinese words right by likelihood, in recognised text: one segment a line, as JSON with `words`, each a
//! list of text, start, end and probability.
//!
//! `cargo run -p clipmill-inference --example likely -- WORDS RECOGNISED`: the file of the model `zh-words`, and the text.
//! Standard error has the time it took to load.

use clipmill_domain::{MediaTime, transcript::Word};
use clipmill_inference::{likely::Likely, script::join_words};
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [words, recognised] = args.as_slice() else { anyhow::bail!("give WORDS RECOGNISED") };
    let began = std::time::Instant::now();
    let likely = Likely::load(words.as_str().into())?;
    eprintln!("loaded in {:.3} s", began.elapsed().as_secs_f64());
    for line in std::fs::read_to_string(recognised)?.lines() {
        let segment: Value = serde_json::from_str(line)?;
        let words: Vec<(String, f64, f64, f32)> = serde_json::from_value(segment["words"].clone())?;
        let words: Vec<_> = words
            .into_iter()
            .map(|(text, start_s, end_s, p)| {
                let (start, end) = (MediaTime::from_seconds(start_s), MediaTime::from_seconds(end_s));
                Word { text, start, end, p, mended: None }
            })
            .collect();
        let mut after = words.clone();
        likely.repair(&mut after);
        let text = |words: &[Word]| join_words(words.iter().map(|w| w.text.as_str()));
        println!(
            "{}",
            json!({ "start": segment["start"], "end": segment["end"], "before": text(&words), "after": text(&after) })
        );
    }
    Ok(())
}
