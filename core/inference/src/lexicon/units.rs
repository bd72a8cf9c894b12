//! Words taken apart into what is said one at a time: a Chinese character, a run of Latin letters, a number. Pure.

use super::{
    SpokenWord,
    sound_zh::{Readings, readings},
};
use crate::script::is_cjk;

/// One thing that is said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unit {
    /// In small letters.
    pub text: String,
    /// Its sound in Chinese; empty for what has none (a Latin word, a long number).
    pub readings: Readings,
    /// Which word it is in, and where in it, in bytes.
    pub word: usize,
    pub from: usize,
    pub to: usize,
    /// The recogniser's probability.
    pub p: f32,
    /// A mark that parts sentences or clauses stands before it.
    pub parted: bool,
}

impl Unit {
    /// Written in letters, not in characters.
    pub fn is_latin(&self) -> bool {
        self.text.chars().all(|c| c.is_alphabetic() && !is_cjk(c))
    }

    pub fn is_han(&self) -> bool {
        self.text.chars().all(|c| is_cjk(c) && c.is_alphanumeric())
    }

    pub fn is_number(&self) -> bool {
        self.text.chars().all(|c| c.is_ascii_digit())
    }
}

/// The units of words in order.
pub(super) fn of_words<W: SpokenWord>(words: &[W]) -> Vec<Unit> {
    let mut out = vec![];
    let mut parted = false;
    for (i, word) in words.iter().enumerate() {
        take(word.text(), i, word.p(), &mut parted, &mut out);
    }
    out
}

/// The units of a text.
pub(super) fn of_text(text: &str) -> Vec<Unit> {
    let mut out = vec![];
    take(text, 0, 1.0, &mut false, &mut out);
    out
}

#[derive(PartialEq, Clone, Copy)]
enum Kind {
    Han,
    Latin,
    Number,
    Mark,
}

fn kind(c: char) -> Kind {
    match c {
        _ if c.is_ascii_digit() => Kind::Number,
        _ if is_cjk(c) && c.is_alphanumeric() => Kind::Han,
        _ if c.is_alphabetic() => Kind::Latin,
        _ => Kind::Mark,
    }
}

fn take(text: &str, word: usize, p: f32, parted: &mut bool, out: &mut Vec<Unit>) {
    let mut last = Kind::Mark;
    let mut chars = text.char_indices().peekable();
    while let Some((from, c)) = chars.next() {
        let to = from + c.len_utf8();
        let kind = kind(c);
        // The apostrophe of "don't" is inside its word.
        let next = chars.peek().map(|(_, n)| *n);
        if matches!(c, '\'' | '’') && last == Kind::Latin && next.is_some_and(char::is_alphabetic) {
            continue;
        }
        if kind == Kind::Mark {
            *parted |=
                !matches!(c, '-' | '·' | '&' | '+' | '\'' | '’' | '/' | '%' | '.') && !c.is_whitespace();
            // A full stop parts sentences, a point does not part a number.
            *parted |= c == '.' && next.is_none_or(|n| !n.is_alphanumeric());
        } else if kind == last
            && matches!(kind, Kind::Latin | Kind::Number)
            && let Some(u) = out.last_mut()
        {
            u.text.extend(c.to_lowercase());
            u.to = to;
            u.readings.clear();
        } else {
            out.push(Unit {
                text: c.to_lowercase().collect(),
                readings: readings(c),
                word,
                from,
                to,
                p,
                parted: std::mem::take(parted),
            });
        }
        last = kind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        of_text(text).into_iter().map(|u| u.text).collect()
    }

    #[test]
    fn characters_stand_alone_words_and_numbers_together() {
        assert_eq!(texts("三C认证，10000mAh"), ["三", "c", "认", "证", "10000", "mah"]);
        assert_eq!(texts("USB-C don't A"), ["usb", "c", "dont", "a"]);
        let u = of_text("软的。好, ok 1.4");
        let parted: Vec<_> = u.iter().filter(|u| u.parted).map(|u| u.text.as_str()).collect();
        assert_eq!(parted, ["好", "ok"]);
        assert!(!u[0].readings.is_empty() && u[3].readings.is_empty());
    }
}
