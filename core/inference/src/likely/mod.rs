//! Chinese text that sounds right and reads wrong, put right by what is likely in the language.
//!
//! The recogniser hears sounds well and writes other characters of the same sound. As an input method does, all words
//! that sound like what was heard are laid out as a lattice, and the path is taken that is likeliest in the language,
//! less a price for every character that departs from what was heard: high where the recogniser was sure of it. Pure.

mod file;
mod gather;
mod words;
mod sound;
mod lattice;
mod unsaid;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use camino::Utf8Path;
use clipmill_domain::transcript::{Mended, MendedBy, Word};

pub use file::BadWords;
pub(crate) use file::write;
pub use gather::BadText;
pub(crate) use gather::gather;
use words::Words;

/// Puts words right by likelihood.
#[derive(Debug)]
pub struct Likely {
    words: Words,
}

impl Likely {
    /// Reads the words of the file `path`, the model `zh-words`: 13 MB, in a fraction of a second.
    pub fn load(path: &Utf8Path) -> Result<Self, BadWords> {
        let bytes = std::fs::read(path).map_err(|source| BadWords::Read { path: path.to_owned(), source })?;
        Ok(Self { words: Words::new(file::read(&bytes)?) })
    }

    /// Of a dictionary in lines such as `充电宝 chong'dian'bao`, and n-grams of words in the ARPA form.
    pub fn from_text(dictionary: impl BufRead, ngrams: impl BufRead) -> Result<Self, BadText> {
        Ok(Self { words: Words::new(gather(dictionary, ngrams)?) })
    }

    /// Puts the words of one sentence right. Their number and times stay; only Chinese characters are changed, each into
    /// another one; words that somebody has already put right are kept.
    pub fn repair(&self, words: &mut [Word]) {
        for run in runs(words) {
            let heard: Vec<_> =
                words[run.clone()].iter().map(|w| lattice::Heard { c: first(w), p: certainty(w) }).collect();
            let Some(better) = lattice::better(&self.words, &heard) else { continue };
            for (word, c) in words[run].iter_mut().zip(better) {
                if first(word) != c {
                    let heard = std::mem::take(&mut word.text);
                    word.text = std::iter::once(c).chain(heard.chars().skip(1)).collect();
                    word.mended = Some(Mended { heard, by: MendedBy::Likelihood });
                }
            }
        }
    }
}

/// Runs of single Chinese characters; a mark ends one.
fn runs(words: &[Word]) -> Vec<std::ops::Range<usize>> {
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

fn first(word: &Word) -> char {
    word.text.chars().next().unwrap_or_default()
}

fn certainty(word: &Word) -> f32 {
    if word.mended.is_some() { 1.0 } else { word.p }
}
