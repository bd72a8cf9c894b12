//! The words of the trade in what was recognised: names and terms written right, by rules and by their sound. Pure.
//!
//! Rules come first: what is heard so is written so. Then every place that sounds like a term is weighed against what was
//! written there (`find`); the best that do not overlap are put right (`rewrite`). What is near but not sure is
//! left as it is and named, so that whoever has the sound can listen again with these terms in mind.

mod correct;
mod find;
mod ordinary;
mod rewrite;
pub(crate) mod second_look;
mod sound_en;
pub mod sound_zh;
mod spoken;
mod terms;
mod units;
mod usual;

use std::collections::HashSet;

use clipmill_domain::{lexicon::LexiconEntry, product::Product, transcript::MendedBy};

pub use correct::{NoWords, corrected, rule_between};
pub use spoken::SpokenWord;

use find::{Found, places};
use rewrite::{rewritten, word_range};
use terms::{Origin, Rule, Spelling, rules, spellings};
use units::{Unit, of_text, of_words};

use crate::{asr::Terms, script::join_words};

/// The names and terms that may be said, prepared for finding them.
#[derive(Debug, Clone, Default)]
pub struct Lexicon {
    spellings: Vec<Spelling>,
    rules: Vec<Rule>,
}

/// Words after repair.
#[derive(Debug, Clone, PartialEq)]
pub struct Repaired<W> {
    /// The words, in order, with the repairs in them; each repair says what was heard.
    pub words: Vec<W>,
    /// How many places were put right.
    pub mended: usize,
    /// Terms that may have been said where something else is written.
    pub unsure: Vec<Unsure>,
}

/// A place that is near a term, but not near enough to be changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsure {
    /// What is written there.
    pub heard: String,
    /// What may have been said.
    pub term: String,
    /// When it starts, in the words' seconds.
    pub start_s: f64,
    /// When it ends.
    pub end_s: f64,
}

impl Lexicon {
    /// From a lexicon's entries and the products on sale. A term is looked for as it is written and by its sound; a
    /// product gives its names, and the telling phrases of its attributes.
    pub fn new(entries: &[LexiconEntry], products: &[Product]) -> Self {
        Self { spellings: spellings(entries, products), rules: rules(entries) }
    }

    /// What hosts of lives say all day is looked for as well.
    #[must_use]
    pub fn with_usual(mut self) -> Self {
        let known: HashSet<String> = self.spellings.iter().map(|s| s.text.clone()).collect();
        let new = usual::phrases().iter().filter(|p| !known.contains(*p));
        self.spellings.extend(new.filter_map(|p| Spelling::new(p.clone(), Origin::Usual)));
        self
    }

    /// What may be said, as hints for a recogniser: names before traits.
    pub fn terms(&self) -> Terms {
        let mut said: Vec<&Spelling> = self.spellings.iter().filter(|s| s.has_a_sound()).collect();
        said.sort_by_key(|s| std::cmp::Reverse(s.origin));
        let (names, usual): (Vec<_>, Vec<_>) = said.into_iter().partition(|s| s.origin > Origin::Usual);
        let texts = |of: Vec<&Spelling>| of.into_iter().map(|s| s.text.clone()).collect();
        Terms { names: texts(names), usual: texts(usual) }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.spellings.is_empty() && self.rules.is_empty()
    }

    /// What was said, with the terms in it put right.
    pub fn repair<W: SpokenWord>(&self, words: &[W]) -> Repaired<W> {
        self.repair_knowing(words, &[])
    }

    /// The same; `confirmed` terms were heard there when the recogniser was asked again, so that a place that was
    /// unsure of them is sure now.
    pub fn repair_knowing<W: SpokenWord>(&self, words: &[W], confirmed: &[&str]) -> Repaired<W> {
        let (words, by_rule) = self.ruled(words);
        let units = of_words(&words);
        let kept = self.kept(&units);
        let mut taken = vec![false; units.len()];
        // What a person or a rule has written stays.
        for (taken, unit) in taken.iter_mut().zip(&units) {
            *taken = words[unit.word].mended_by().is_some();
        }
        let (mut chosen, mut unsure): (Vec<Found<'_>>, Vec<Found<'_>>) = (vec![], vec![]);
        for found in places(&units, &kept, &self.spellings) {
            if taken[found.units.clone()].iter().any(|t| *t) {
                continue;
            }
            taken[found.units.clone()].iter_mut().for_each(|t| *t = true);
            if found.score > 0.0 || confirmed.contains(&found.spelling.text.as_str()) {
                chosen.push(found);
            } else if found.spelling.is_worth_a_second_look() {
                unsure.push(found);
            }
        }
        unsure.sort_by_key(|f| f.units.start);
        let unsure = unsure.iter().map(|f| doubt(f, &words, &units)).collect();
        chosen.sort_by_key(|f| std::cmp::Reverse(f.units.start));
        let mended = by_rule + chosen.len();
        let mut words = words;
        for found in chosen {
            let range = word_range(&units[found.units.clone()]);
            let new =
                rewritten(&words[range.clone()], &units[found.units], &found.spelling.text, MendedBy::Sound);
            words.splice(range, new);
        }
        Repaired { words, mended, unsure }
    }

    /// What was said, with only the rules applied, and how many places they changed. What a person has written stays.
    pub fn ruled<W: SpokenWord>(&self, words: &[W]) -> (Vec<W>, usize) {
        let mut words = words.to_vec();
        if self.rules.is_empty() {
            return (words, 0);
        }
        let units = of_words(&words);
        let mut taken: Vec<bool> =
            units.iter().map(|u| words[u.word].mended_by() == Some(MendedBy::Operator)).collect();
        let mut places = vec![];
        for rule in &self.rules {
            for at in occurrences(&units, &rule.heard) {
                let range = at..at + rule.heard.len();
                if !taken[range.clone()].iter().any(|t| *t) {
                    taken[range.clone()].iter_mut().for_each(|t| *t = true);
                    places.push((range, rule));
                }
            }
        }
        places.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        let count = places.len();
        for (range, rule) in places {
            let units = &units[range];
            let range = word_range(units);
            let new = rewritten(&words[range.clone()], units, &rule.right, MendedBy::Rule);
            words.splice(range, new);
        }
        (words, count)
    }

    /// The terms that stand in `text` as they are written, each as often as it is there.
    pub fn terms_in(&self, text: &str) -> Vec<&str> {
        let units = of_text(text);
        let all = self.spellings.iter();
        all.flat_map(|s| occurrences(&units, &s.units).map(|_| s.text.as_str())).collect()
    }

    /// Which units stand in a term that is written right.
    fn kept(&self, units: &[Unit]) -> Vec<bool> {
        let mut kept = vec![false; units.len()];
        for s in &self.spellings {
            for at in occurrences(units, &s.units) {
                kept[at..at + s.units.len()].iter_mut().for_each(|k| *k = true);
            }
        }
        kept
    }
}

fn doubt<W: SpokenWord>(found: &Found<'_>, words: &[W], units: &[Unit]) -> Unsure {
    let range = word_range(&units[found.units.clone()]);
    Unsure {
        heard: join_words(words[range.clone()].iter().map(W::text)),
        term: found.spelling.text.clone(),
        start_s: words[range.start].start_s(),
        end_s: words[range.end - 1].end_s(),
    }
}

/// Where `part` stands in `units`, letter for letter, without overlap.
fn occurrences(units: &[Unit], part: &[Unit]) -> impl Iterator<Item = usize> {
    let mut next = 0;
    let mut found = vec![];
    while !part.is_empty() && next + part.len() <= units.len() {
        let window = &units[next..next + part.len()];
        let same = window.iter().zip(part).all(|(a, b)| a.text == b.text);
        if same && window.iter().skip(1).all(|u| !u.parted) {
            found.push(next);
            next += part.len();
        } else {
            next += 1;
        }
    }
    found.into_iter()
}

#[cfg(test)]
mod tests;
