//! English talk as words, numbers and signs.

use super::super::{
    Number,
    text::{Text, digits},
};

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, in lower case, but for G and M alone.
    Word(String),
    /// ASCII digits: the value, if it is a number, and how many places it has after the point.
    Written(Option<Number>, usize),
    /// Anything else that is not space.
    Sign(char),
}

/// A token and its places in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The tokens of a text. A hyphen between letters or digits is only a space (`twenty-nine`, `10-inch`).
pub(super) fn tokens(t: &Text<'_>) -> Vec<Token> {
    let mut all = vec![];
    let mut i = 0;
    while i < t.len() {
        let c = t.get(i);
        let (kind, end) = if let Some(d) = digits(t, i) {
            (Kind::Written(d.value, d.places), d.end)
        } else if c.is_alphabetic() {
            let inside = |k: usize| {
                let c = t.get(k);
                c.is_alphabetic() || "'’".contains(c) && t.get(k + 1).is_alphabetic()
            };
            let end = (i..).find(|k| !inside(*k)).unwrap_or(t.len());
            // 5G is no weight and 2M no length.
            let generation = end == i + 1 && "GM".contains(c);
            let lower = |k: usize| if generation { t.get(k) } else { t.get(k).to_ascii_lowercase() };
            (Kind::Word((i..end).map(lower).collect()), end)
        } else if c.is_whitespace()
            || c == '-' && t.before(i).is_alphanumeric() && t.get(i + 1).is_alphanumeric()
        {
            i += 1;
            continue;
        } else {
            (Kind::Sign(c), i + 1)
        };
        all.push(Token { kind, start: i, end });
        i = end;
    }
    all
}
