//! Numbers in talk: prices, discounts, sizes and measures, as spoken and as written, in Chinese and English.
//!
//! What is certain gets a value and a unit; what may mean two things is a [`Unit::Plain`] number or nothing at all. A
//! price is never guessed: `一百二` is 120, but money only with 块, ¥, a word such as 到手价 before it, or the like.

mod en;
mod number;
#[cfg(test)]
mod tests;
mod text;
mod unit;
mod zh;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use number::Number;
pub use unit::{Currency, Duration, Length, Unit, Volume, Weight};

use crate::source::Language;

/// A number said in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    /// The exact value, in `unit`.
    pub value: Number,
    /// What it is of.
    pub unit: Unit,
    /// As said: the text at `range`.
    pub raw: String,
    /// Bytes of the text.
    pub range: Range<usize>,
}

/// The quantities said in `text`, in its order, not overlapping. `language` decides how number words are read; digits
/// and signs are read in both.
///
/// Not quantities: ordinals (第一), approximations (八九十), 一个 and "one" as articles, sizes in letters.
pub fn quantities(text: &str, language: Language) -> Vec<Quantity> {
    let text = text::Text::new(text);
    match language {
        Language::Zh => zh::read(&text),
        Language::En => en::read(&text),
    }
}
