//! Values that were said: materials and shares, prices, offers, sizes, colours, counts, terms.
//!
//! Pure and without labels: whoever calls leaves small talk out. Nothing is guessed: each value keeps its words letter
//! for letter, and what is denied ("没有黑色"), asked ("有没有黑色？"), only likened ("像羊绒一样") or a bound on a price
//! ("不到一百块") is no value.

mod words;

mod clause;

mod color;
mod date;
mod material;
mod measure;
mod price;

mod warn;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use warn::is_list_price;
pub use warn::price_warning;

use crate::{
    selling_point::{Attribute, AttributeKind},
    source::Language,
};
use clause::Talk;

/// The values said in `text`, an utterance whose `seq` is `utterance`, in the order said.
pub fn attributes(text: &str, language: Language, utterance: i64) -> Vec<Attribute> {
    let talk = Talk::new(text, language);
    // Sooner finders are surer of their words than later ones.
    let finders = [
        material::find,
        date::find,
        price::find,
        price::find_words,
        measure::find,
        measure::find_letters,
        color::find,
    ];
    let mut kept: Vec<Found> = vec![];
    for found in finders.into_iter().flat_map(|find| find(&talk)) {
        let apart = |k: &Found| found.range.end <= k.range.start || k.range.end <= found.range.start;
        if kept.iter().all(apart) {
            kept.push(found);
        }
    }
    kept.sort_by_key(|f| f.range.start);
    let denied = talk.denied(&kept);
    kept.into_iter()
        .zip(denied)
        .filter(|(f, denied)| !denied && f.fact)
        .map(|(f, _)| Attribute {
            kind: f.kind,
            what: text[f.what].to_owned(),
            amount: f.amount,
            to: f.to,
            unit: f.unit,
            pieces: f.pieces,
            raw: text[f.range].to_owned(),
            utterance,
        })
        .collect()
}

/// A value and where it stands.
struct Found {
    kind: AttributeKind,
    range: Range<usize>,
    /// Bytes of the word that says of what; empty: none.
    what: Range<usize>,
    amount: Option<f64>,
    to: Option<f64>,
    unit: String,
    pieces: Option<u32>,
    /// False for words that only keep others from reading them.
    fact: bool,
}

impl Found {
    fn new(kind: AttributeKind, range: Range<usize>) -> Self {
        Self {
            kind,
            range,
            what: 0..0,
            amount: None,
            to: None,
            unit: String::new(),
            pieces: None,
            fact: true,
        }
    }

    fn what(self, what: Option<Range<usize>>) -> Self {
        Self { what: what.unwrap_or(0..0), ..self }
    }

    fn amount(self, amount: f64, unit: impl Into<String>) -> Self {
        Self { amount: Some(amount), unit: unit.into(), ..self }
    }

    fn pieces(self, pieces: Option<u32>) -> Self {
        Self { pieces, ..self }
    }
}
