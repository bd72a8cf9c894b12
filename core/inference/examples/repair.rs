//! Puts the words of the trade right in recognised text and prints what changed, as JSON, one segment a line.
//!
//! `cargo run -p clipmill-inference --example repair -- RECOGNISED TERMS...`: what the example `transcribe` printed, and
//! files of terms (one a line, aliases after tabs) or of products (`.jsonl`).

use clipmill_domain::{Id as _, LexiconEntryId, WallTime, lexicon::LexiconEntry, product::Product};
use clipmill_inference::{asr::RecognizedWord, lexicon::Lexicon, script::join_words};
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [recognised, files @ ..] = args.as_slice() else { anyhow::bail!("give RECOGNISED TERMS...") };
    let (mut entries, mut products) = (vec![], vec![]);
    for file in files {
        for line in std::fs::read_to_string(file)?.lines().filter(|l| !l.trim().is_empty()) {
            if file.ends_with(".jsonl") {
                products.push(serde_json::from_str::<Product>(line)?);
            } else {
                entries.push(entry(line));
            }
        }
    }
    let lexicon = Lexicon::new(&entries, &products);
    for line in std::fs::read_to_string(recognised)?.lines() {
        let segment: Value = serde_json::from_str(line)?;
        let words: Vec<(String, f64, f64, f32)> = serde_json::from_value(segment["words"].clone())?;
        let words: Vec<_> = words
            .into_iter()
            .map(|(text, start_s, end_s, p)| RecognizedWord { text, start_s, end_s, p, mended: None })
            .collect();
        let after = lexicon.repair(&words);
        let text = |words: &[RecognizedWord]| join_words(words.iter().map(|w| w.text.as_str()));
        let heard: Vec<_> =
            after.words.iter().filter_map(|w| w.mended.as_ref()).filter(|m| !m.heard.is_empty()).collect();
        let unsure: Vec<_> = after.unsure.iter().map(|u| (&u.heard, &u.term)).collect();
        println!(
            "{}",
            json!({ "start": segment["start"], "end": segment["end"], "before": text(&words),
                    "after": text(&after.words), "mended": heard, "unsure": unsure })
        );
    }
    Ok(())
}

fn entry(line: &str) -> LexiconEntry {
    let mut spellings = line.split('\t').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    LexiconEntry {
        id: LexiconEntryId::new_at(WallTime::from_millis(0)),
        source_id: None,
        language: None,
        term: spellings.next().unwrap_or_default(),
        aliases: spellings.collect(),
        misheard: vec![],
        entered_by: String::new(),
        entered_at: WallTime::from_millis(0),
    }
}
