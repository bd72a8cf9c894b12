//! A product of the brand's list, prepared for being found in talk.

use std::collections::BTreeSet;

use clipmill_domain::product::Product;
use clipmill_inference::{
    lexicon::sound_zh::{Readings, alike, readings},
    script::is_cjk,
};

/// A product prepared for matching.
#[derive(Debug, Clone)]
pub struct Matcher {
    pub(super) sku: String,
    pub(super) link: Option<u32>,
    pub(super) order: Option<u32>,
    pub(super) names: Vec<Name>,
    pub(super) traits: BTreeSet<String>,
    /// Its prices: the list price and amounts among its attributes, in hundredths.
    pub(super) prices: BTreeSet<i64>,
}

/// A name or alias.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// In small letters.
    pub text: String,
    pub sounds: Vec<Sound>,
}

/// A character and what it can sound like.
#[derive(Debug, Clone)]
pub(super) struct Sound {
    pub c: char,
    readings: Readings,
}

impl Sound {
    pub fn is_like(&self, other: &Self) -> bool {
        self.c == other.c || alike(&self.readings, &other.readings)
    }
}

/// What is said, a character at a time: its letters, and its sound in Chinese.
pub(super) fn sounds(text: &str) -> Vec<Sound> {
    let spoken = text.chars().filter(|c| c.is_alphanumeric());
    spoken.map(|c| Sound { c, readings: if is_cjk(c) { readings(c) } else { vec![] } }).collect()
}

impl Matcher {
    /// Prepares a product of the brand's list.
    pub fn new(p: &Product) -> Self {
        let names = std::iter::once(&p.name)
            .chain(&p.aliases)
            .map(|n| n.trim().to_lowercase())
            .filter(|n| n.chars().count() >= 2)
            .map(|text| Name { sounds: sounds(&text), text })
            .collect();
        let amounts = p.attributes.values().filter_map(|v| v.trim().parse::<f64>().ok());
        Self {
            sku: p.sku.clone(),
            link: p.link,
            order: p.order,
            names,
            traits: p.attributes.values().flat_map(|v| traits(v)).collect(),
            prices: p.price.into_iter().chain(amounts).filter_map(hundredths).collect(),
        }
    }

    /// Its stock-keeping unit.
    pub fn sku(&self) -> &str {
        &self.sku
    }
}

/// An amount of money in hundredths; `None` for what is none.
pub(super) fn hundredths(amount: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "bounded here")]
    (amount > 0.0 && amount < 1e9).then(|| (amount * 100.0).round() as i64)
}

/// What an attribute's value can be recognised by: numbers of two digits or more, Latin words of four letters or more,
/// and Chinese phrases between punctuation, of two characters or more.
fn traits(value: &str) -> Vec<String> {
    let value = value.to_lowercase().replace(',', "");
    let mut out = vec![];
    for phrase in value.split(|c: char| c.is_whitespace() || "、，；。：/()（）-×+".contains(c)) {
        let numbers = phrase.split(|c: char| !c.is_ascii_digit()).filter(|n| n.len() >= 2);
        out.extend(numbers.map(str::to_owned));
        let words = phrase.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| w.len() >= 4);
        out.extend(words.map(str::to_owned));
        let chinese: String = phrase.chars().filter(|c| is_cjk(*c)).collect();
        if chinese.chars().count() >= 2 {
            out.push(chinese);
        }
    }
    out
}
