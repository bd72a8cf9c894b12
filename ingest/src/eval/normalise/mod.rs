//! One form for what was said and what was recognised, so that only real differences count.
//!
//! **Chinese** is compared by characters: Simplified, full-width forms as half-width, letters lower case, punctuation
//! and spaces dropped; numbers written and spoken are equal (`八十九块九` = `89.9元`, `百分之五十五` = `55%`, `两百五` =
//! `250`, `二十二点五W` = `22.5瓦`; see `zh`). **English** is compared by words: lower case, punctuation dropped, hyphens
//! as spaces, contractions in full, British spelling as American, numbers in digits (`ninety-nine fifty` = `99.50`,
//! `twenty two point five watts` = `22.5 W`), signs and names of currencies dropped (see `en`).
//!
//! The *raw* form leaves numbers, contractions and spelling as they were written.

mod number;
mod zh;
mod en_number;
mod en;

use clipmill_domain::source::Language;
use clipmill_inference::script::{is_cjk, to_simplified};

/// Text with the time it was said in, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// A word, or any longer stretch.
    pub text: &'a str,
    /// From here.
    pub start_us: i64,
    /// To here.
    pub end_us: i64,
}

/// What is compared: a character in Chinese, a word in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// In the common form.
    pub text: String,
    /// When it starts, in microseconds; inside a piece, by its share of the letters.
    pub start_us: i64,
    /// When it ends.
    pub end_us: i64,
}

impl Token {
    /// The middle of its time, in microseconds.
    pub fn middle_us(&self) -> i64 {
        i64::midpoint(self.start_us, self.end_us)
    }
}

/// How far a text is brought into the common form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All the way.
    Normal,
    /// Numbers, contractions and spelling stay as written.
    Raw,
}

/// The tokens of a run of pieces, such as a sentence; a number may go across pieces, not across runs.
pub fn tokens(pieces: &[Piece<'_>], language: Language, form: Form) -> Vec<Token> {
    let letters = letters(pieces);
    match (language, form) {
        (Language::Zh, Form::Normal) => zh::normal(&letters),
        (Language::Zh, Form::Raw) => zh::raw(&letters),
        (Language::En, Form::Normal) => en::normal(&letters),
        (Language::En, Form::Raw) => en::raw(&letters),
    }
}

/// The tokens of a text that has no times.
pub fn text_tokens(text: &str, language: Language) -> Vec<String> {
    let piece = Piece { text, start_us: 0, end_us: 0 };
    tokens(&[piece], language, Form::Normal).into_iter().map(|t| t.text).collect()
}

/// A character with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Letter {
    c: char,
    start_us: i64,
    end_us: i64,
}

/// The characters of pieces, lower case, Simplified, half-width, each with its share of its piece's time. A space is
/// put between two pieces unless they are Chinese.
fn letters(pieces: &[Piece<'_>]) -> Vec<Letter> {
    let mut out: Vec<Letter> = Vec::new();
    for piece in pieces {
        let simple = to_simplified(piece.text);
        let text: Vec<char> = simple.chars().map(half_width).flat_map(char::to_lowercase).collect();
        let sounding = text.iter().filter(|c| c.is_alphanumeric()).count();
        let length = piece.end_us - piece.start_us;
        let share = |n: usize| {
            let (n, all) = (i64::try_from(n).unwrap_or(0), i64::try_from(sounding.max(1)).unwrap_or(1));
            piece.start_us + length * n / all
        };
        // As words are joined to text: no space beside Chinese.
        if let Some(last) = out.last().copied()
            && !is_cjk(last.c)
            && !text.first().is_some_and(|c| is_cjk(*c))
        {
            out.push(Letter { c: ' ', start_us: last.end_us, end_us: last.end_us });
        }
        let mut said = 0;
        for c in text {
            let start_us = share(said);
            said += usize::from(c.is_alphanumeric());
            out.push(Letter { c, start_us, end_us: share(said) });
        }
    }
    out
}

fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(c) - u32::from('\u{ff01}') + u32::from('!')).unwrap_or(c)
        }
        '\u{3000}' => ' ',
        '’' | '‘' | 'ʼ' => '\'',
        c => c,
    }
}

/// `texts` in the time of `letters`, in equal shares of it.
fn spread(texts: impl ExactSizeIterator<Item = String>, letters: &[Letter]) -> impl Iterator<Item = Token> {
    let (start, end) = letters.first().zip(letters.last()).map_or((0, 0), |(a, b)| (a.start_us, b.end_us));
    let all = i64::try_from(texts.len().max(1)).unwrap_or(1);
    (0..).zip(texts).map(move |(i, text)| Token {
        text,
        start_us: start + (end - start) * i / all,
        end_us: start + (end - start) * (i + 1) / all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_letter_has_its_share_of_the_time_and_marks_have_none() {
        let pieces = [
            Piece { text: "八，", start_us: 0, end_us: 100 },
            Piece { text: "十九", start_us: 100, end_us: 300 },
            Piece { text: "块", start_us: 300, end_us: 400 },
            Piece { text: "買", start_us: 500, end_us: 600 },
        ];
        let raw: Vec<(String, i64, i64)> = tokens(&pieces, Language::Zh, Form::Raw)
            .into_iter()
            .map(|t| (t.text, t.start_us, t.end_us))
            .collect();
        let want = [("八", 0, 100), ("十", 100, 200), ("九", 200, 300), ("块", 300, 400), ("买", 500, 600)];
        assert_eq!(raw, want.map(|(t, a, b)| (t.to_owned(), a, b)));
        let english = [
            Piece { text: "Sixty-nine", start_us: 0, end_us: 900 },
            Piece { text: "fifty.", start_us: 1000, end_us: 1500 },
        ];
        let said = tokens(&english, Language::En, Form::Normal);
        assert_eq!(
            (said[0].text.as_str(), said[0].start_us, said[0].end_us, said.len()),
            ("69.5", 0, 1500, 1)
        );
    }
}
