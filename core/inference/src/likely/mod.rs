//! Chinese text that sounds right and reads wrong, put right by what is likely in the language.
//!
//! The recogniser hears sounds well and writes other characters of the same sound. As an input method does, all words
//! that sound like what was heard are laid out as a lattice, and the path is taken that is likeliest in the language,
//! less a price for every character that departs from what was heard: high where the recogniser was sure of it. Pure.

mod dictionary;
mod lattice;
mod ngrams;
mod sound;
#[cfg(test)]
mod tests;

use clipmill_domain::transcript::{Mended, MendedBy};

pub use dictionary::{BadEntry, Dictionary};
pub use ngrams::{BadNgrams, Ngrams};

use crate::asr::RecognizedWord;

/// How likely a word is after others.
pub trait Language {
    /// What of the words before still matters.
    type State: Clone + PartialEq;

    /// Before the first word.
    fn start(&self) -> Self::State;

    /// The natural logarithm of the probability of `word` after `before`, and what matters from there on.
    fn next(&self, before: &Self::State, word: &str) -> (f32, Self::State);
}

/// Puts words right by likelihood.
#[derive(Debug)]
pub struct Likely<L> {
    dictionary: Dictionary,
    language: L,
}

impl<L: Language> Likely<L> {
    /// With these words, likely as `language` says.
    pub fn new(dictionary: Dictionary, language: L) -> Self {
        Self { dictionary, language }
    }

    /// The words of one sentence, as many as were given and at the same times. Only Chinese characters are changed, each
    /// into another one; words that somebody has already put right are kept.
    pub fn repair(&self, words: &[RecognizedWord]) -> Vec<RecognizedWord> {
        let mut out = words.to_vec();
        for run in runs(words) {
            let heard: Vec<_> = run
                .clone()
                .map(|i| lattice::Heard { c: first(&words[i]), p: certainty(&words[i]) })
                .collect();
            let Some(better) = lattice::better(&self.dictionary, &self.language, &heard) else { continue };
            for (i, c) in run.zip(better) {
                let word = &mut out[i];
                if first(word) != c {
                    let heard = std::mem::take(&mut word.text);
                    word.text = std::iter::once(c).chain(heard.chars().skip(1)).collect();
                    word.mended = Some(Mended { heard, by: MendedBy::Likelihood });
                }
            }
        }
        out
    }
}

/// Runs of single Chinese characters; a mark ends one.
fn runs(words: &[RecognizedWord]) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = vec![];
    let mut open = false;
    for (i, word) in words.iter().enumerate() {
        let mut characters = word.text.chars();
        let han = characters.next().is_some_and(is_han);
        let rest = characters.as_str();
        if !han || rest.chars().any(char::is_alphanumeric) {
            open = false;
            continue;
        }
        match out.last_mut() {
            Some(run) if open => run.end = i + 1,
            _ => out.push(i..i + 1),
        }
        open = rest.is_empty();
    }
    out
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}')
}

fn first(word: &RecognizedWord) -> char {
    word.text.chars().next().unwrap_or_default()
}

fn certainty(word: &RecognizedWord) -> f32 {
    if word.mended.is_some() { 1.0 } else { word.p }
}
