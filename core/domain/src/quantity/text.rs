//! A text as characters with their places, and numbers written in digits.

use std::ops::Range;

use super::{Number, Quantity, Unit};

/// The characters of a text, full-width digits, letters and signs made half-width.
pub(super) struct Text<'a> {
    text: &'a str,
    chars: Vec<char>,
    /// Byte of each character, then the length.
    at: Vec<usize>,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let narrow = |c: char| match u32::from(c) {
            full @ 0xFF01..=0xFF5E => char::from_u32(full - 0xFEE0).unwrap_or(c),
            0x3000 => ' ',
            0xFFE5 => '¥',
            _ => c,
        };
        Self {
            text,
            chars: text.chars().map(narrow).collect(),
            at: text.char_indices().map(|(i, _)| i).chain([text.len()]).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    /// The character at place `i`; beyond the end a line break, which belongs to nothing.
    pub(super) fn get(&self, i: usize) -> char {
        self.chars.get(i).copied().unwrap_or('\n')
    }

    /// The character before place `i`.
    pub(super) fn before(&self, i: usize) -> char {
        i.checked_sub(1).map_or('\n', |b| self.get(b))
    }

    /// Whether `word` stands at place `i`, ASCII letters in either case.
    pub(super) fn has(&self, i: usize, word: &str) -> bool {
        word.chars().enumerate().all(|(k, c)| self.get(i + k).eq_ignore_ascii_case(&c))
    }

    /// The end of the first of `words` that stands at place `i`.
    pub(super) fn any(&self, i: usize, words: &[&str]) -> Option<usize> {
        words.iter().find(|w| self.has(i, w)).map(|w| i + w.chars().count())
    }

    /// Whether one of `words` ends just before place `i`.
    pub(super) fn ends(&self, i: usize, words: &[&str]) -> bool {
        words.iter().any(|w| i.checked_sub(w.chars().count()).is_some_and(|start| self.has(start, w)))
    }

    /// The place after the spaces at `i`.
    pub(super) fn skip_spaces(&self, mut i: usize) -> usize {
        while self.get(i) == ' ' {
            i += 1;
        }
        i
    }

    /// The place after the ASCII letters and digits at `i`.
    pub(super) fn skip_name(&self, mut i: usize) -> usize {
        while self.get(i).is_ascii_alphanumeric() {
            i += 1;
        }
        i
    }

    pub(super) fn quantity(&self, places: Range<usize>, value: Number, unit: Unit) -> Quantity {
        let end = places.end.min(self.len());
        let range = self.at[places.start.min(end)]..self.at[end];
        Quantity { value, unit, raw: self.text[range.clone()].to_owned(), range }
    }
}

/// A number written in ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digits {
    /// `None`: digits, but no quantity (12:30, 2.0.1, 1/3, a number too big).
    pub(super) value: Option<Number>,
    /// Digits after the point.
    pub(super) places: usize,
    pub(super) end: usize,
}

/// Reads the digits that begin at place `i`: `169`, `89.90`, `1,299`. Part of a name (`X90`, `iPhone15`) has no value.
pub(super) fn digits(t: &Text<'_>, i: usize) -> Option<Digits> {
    let run = |from: usize| (from..).take_while(|k| t.get(*k).is_ascii_digit()).count();
    let first = run(i);
    if first == 0 {
        return None;
    }
    let mut end = i + first;
    let mut written: String = (i..end).map(|k| t.get(k)).collect();
    while first <= 3 && t.get(end) == ',' && run(end + 1) == 3 {
        written.extend((end + 1..end + 4).map(|k| t.get(k)));
        end += 4;
    }
    let mut places = 0;
    if t.get(end) == '.' && run(end + 1) > 0 {
        places = run(end + 1);
        written.extend((end..=end + places).map(|k| t.get(k)));
        end += places + 1;
    }
    let named = t.before(i).is_ascii_alphabetic();
    let mut value = Number::from_digits(&written).filter(|_| !named);
    while ".:/".contains(t.get(end)) && t.get(end + 1).is_ascii_digit() {
        value = None;
        end += 1 + run(end + 1);
    }
    if named {
        end = t.skip_name(end);
    }
    Some(Digits { value, places, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_whole_or_not_at_all() {
        let read = |text: &str| {
            digits(&Text::new(text), 0).map(|d| (d.value.map(|v| v.to_string()).unwrap_or_default(), d.end))
        };
        for (text, value, end) in [
            ("169", "169", 3),
            ("89.90元", "89.9", 5),
            ("1,299", "1299", 5),
            ("1,299,000", "1299000", 9),
            ("89, 9", "89", 2),
            ("1,29", "1", 1),
            ("5.", "5", 1),
            ("１６９", "169", 3),
            ("12:30", "", 5),
            ("2.0.1", "", 5),
            ("1/3", "", 3),
            ("99999999999999999999", "", 20),
        ] {
            assert_eq!(read(text), Some((value.to_owned(), end)), "{text}");
        }
        assert_eq!(read("元"), None);
        assert_eq!(digits(&Text::new("X90pro"), 1).map(|d| (d.value, d.end)), Some((None, 6)));
    }
}
