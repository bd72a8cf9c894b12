//! What is looked for: every way in which a term is written, prepared. Pure.

use std::collections::BTreeMap;

use clipmill_domain::{lexicon::LexiconEntry, product::Product};

use super::{
    sound_en::Spoken,
    units::{Unit, of_text},
};

/// One way to write a term.
#[derive(Debug, Clone)]
pub(super) struct Spelling {
    pub text: String,
    pub units: Vec<Unit>,
    /// For what is written in Latin letters only.
    pub english: Option<Spoken>,
    pub origin: Origin,
}

/// How much is expected of it, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// What is said about a product: words among other words. Only told when written right.
    Code,
    /// What every host says.
    Usual,
    /// A value of a product's attribute.
    Trait,
    /// A name that a person entered: an entry of the lexicon, a product's name.
    Name,
}

/// A rule: what is heard, and what it is.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub heard: Vec<Unit>,
    pub right: String,
}

/// All spellings, each once, with the strongest of its origins.
pub(super) fn spellings(entries: &[LexiconEntry], products: &[Product]) -> Vec<Spelling> {
    let mut all: BTreeMap<String, Origin> = BTreeMap::new();
    let mut add = |text: &str, origin: Origin| {
        let text = text.trim();
        if !text.is_empty() {
            let known = all.entry(text.to_owned()).or_insert(origin);
            *known = origin.max(*known);
        }
    };
    for e in entries {
        std::iter::once(&e.term).chain(&e.aliases).for_each(|t| add(t, Origin::Name));
    }
    for p in products {
        std::iter::once(&p.name).chain(&p.aliases).for_each(|t| add(t, Origin::Name));
        add(&p.sku, Origin::Code);
        p.attributes.values().flat_map(|v| phrases(v)).for_each(|t| add(&t, Origin::Trait));
    }
    all.into_iter().filter_map(|(text, origin)| Spelling::new(text, origin)).collect()
}

impl Spelling {
    pub fn new(text: String, origin: Origin) -> Option<Self> {
        let units = of_text(&text);
        let latin = !units.is_empty() && units.iter().all(|u| u.is_latin() || u.is_number());
        let english = (latin && units.iter().any(Unit::is_latin)).then(|| Spoken::new(letters(&units)));
        (!units.is_empty()).then_some(Self { text, units, english, origin })
    }

    /// Whether the sound is worth hearing again where this may have been said. Terms in Latin letters are not: on four
    /// English lives those second looks took a quarter of all the time, and found one term of ninety.
    pub fn is_worth_a_second_look(&self) -> bool {
        self.origin > Origin::Usual && self.english.is_none()
    }

    /// Whether it can be looked for by its sound: a single character or three letters sound like too much.
    pub fn has_a_sound(&self) -> bool {
        self.origin > Origin::Code
            && match &self.english {
                Some(spoken) => {
                    let least = if self.origin == Origin::Trait { TRAIT_LETTERS_MIN } else { 4 };
                    spoken.letters.chars().filter(|c| c.is_alphabetic()).count() >= least
                }
                None => self.units.iter().filter(|u| u.is_han()).count() >= 2,
            }
    }
}

/// The letters of units, joined.
pub(super) fn letters(units: &[Unit]) -> String {
    units.iter().map(|u| u.text.as_str()).collect()
}

/// Rules, the longest first.
pub(super) fn rules(entries: &[LexiconEntry]) -> Vec<Rule> {
    let mut all: Vec<Rule> = entries
        .iter()
        .flat_map(|e| e.misheard.iter().map(|m| Rule { heard: of_text(m), right: e.term.clone() }))
        .filter(|r| !r.heard.is_empty())
        .collect();
    all.sort_by_key(|r| std::cmp::Reverse(r.heard.len()));
    all
}

/// The Chinese phrases of an attribute's value that can be names of something, and its Latin words of five letters or
/// more: `55%亚麻 45%莫代尔` has 亚麻 and 莫代尔.
fn phrases(value: &str) -> Vec<String> {
    let cut = |c: char| c.is_whitespace() || c.is_ascii_digit() || "、，；。：/()（）-%,;:.".contains(c);
    value
        .split(cut)
        .flat_map(|phrase| {
            let han: String = phrase.chars().filter(|c| !c.is_ascii()).collect();
            let latin = phrase.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| w.len() >= 5);
            let size = han.chars().count();
            let han = (2..=PHRASE_MAX).contains(&size).then_some(han);
            han.into_iter().chain(latin.map(str::to_owned)).collect::<Vec<_>>()
        })
        .collect()
}

/// Shorter English words of an attribute's value sound like too many others.
const TRAIT_LETTERS_MIN: usize = 7;
/// Longer phrases are sentences.
const PHRASE_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_values_give_their_phrases() {
        assert_eq!(phrases("55%亚麻 45%莫代尔"), ["亚麻", "莫代尔"]);
        assert_eq!(phrases("同色发圈（前50单）"), ["同色发圈"]);
        assert_eq!(phrases("12 oz organic cotton, 1% stretch"), ["organic", "cotton", "stretch"]);
    }
}
