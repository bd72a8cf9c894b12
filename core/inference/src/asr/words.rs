//! Tokens into words. Pure.
//!
//! A token can be a piece of a character, a character, several of them, or a piece of a word; words are what people see and
//! what is matched on.

use super::{RecognizedSegment, RecognizedWord};
use crate::script::{is_cjk, is_closing, to_simplified};

/// A token as the decoder gave it.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub bytes: &'a [u8],
    pub start_s: f64,
    pub end_s: f64,
    pub p: f32,
}

/// A piece of text that is whole characters, with the tokens' times and probabilities folded.
struct Piece {
    text: String,
    start_s: f64,
    end_s: f64,
    p: f32,
}

/// The words of one segment that spans `start_s..end_s`, all times brought inside `0..limit_s`. `None` without words.
pub(super) fn segment(
    tokens: &[Token<'_>],
    start_s: f64,
    end_s: f64,
    limit_s: f64,
) -> Option<RecognizedSegment> {
    let mut words = in_one_script(assemble(pieces(tokens)));
    let start_s = start_s.clamp(0.0, limit_s);
    let end_s = end_s.clamp(start_s, limit_s);
    // Times may not run backwards, nor out of the segment.
    let mut at = start_s;
    for w in &mut words {
        w.start_s = w.start_s.clamp(at, end_s);
        w.end_s = w.end_s.clamp(w.start_s, end_s);
        at = w.start_s;
    }
    (!words.is_empty()).then_some(RecognizedSegment { start_s, end_s, words })
}

/// Joins tokens until their bytes are text. Bytes that never become text are dropped.
fn pieces(tokens: &[Token<'_>]) -> Vec<Piece> {
    let mut out = vec![];
    let mut held: Vec<u8> = vec![];
    let mut began: Option<(f64, f32)> = None;
    for t in tokens {
        let (start_s, p) = began.get_or_insert((t.start_s, t.p));
        *p = p.min(t.p);
        held.extend_from_slice(t.bytes);
        let whole = match std::str::from_utf8(&held) {
            Ok(text) => Some(text.to_owned()),
            // Cut inside a character: wait for the rest of it.
            Err(e) if e.error_len().is_none() && held.len() - e.valid_up_to() < 4 => None,
            Err(_) => Some(String::from_utf8_lossy(&held).replace(char::REPLACEMENT_CHARACTER, "")),
        };
        if let Some(text) = whole {
            out.push(Piece { text, start_s: *start_s, end_s: t.end_s, p: *p });
            held.clear();
            began = None;
        }
    }
    out
}

/// Splits and joins pieces into words: each Chinese character alone, other letters up to a space, punctuation with what is
/// before it.
fn assemble(pieces: Vec<Piece>) -> Vec<RecognizedWord> {
    let mut words: Vec<RecognizedWord> = vec![];
    let mut apart = true;
    for piece in pieces {
        let count = piece.text.chars().count().max(1) as f64;
        let step = (piece.end_s - piece.start_s).max(0.0) / count;
        for (i, c) in piece.text.chars().enumerate() {
            let (start_s, end_s) = (piece.start_s + step * i as f64, piece.start_s + step * (i + 1) as f64);
            if c.is_whitespace() || c.is_control() {
                apart = true;
                continue;
            }
            let last = words.last_mut();
            let stuck = |w: &RecognizedWord| {
                let before = w.text.chars().next_back();
                if is_closing(c) || (is_cjk(c) && !c.is_alphanumeric()) {
                    return true;
                }
                !apart && !is_cjk(c) && before.is_some_and(|b| !is_cjk(b))
            };
            match last {
                Some(w) if stuck(w) => {
                    w.text.push(c);
                    // A mark takes no time.
                    if c.is_alphanumeric() {
                        w.end_s = end_s;
                        w.p = w.p.min(piece.p);
                    }
                }
                _ => words.push(RecognizedWord {
                    text: c.to_string(),
                    start_s,
                    end_s,
                    p: piece.p,
                    mended: None,
                }),
            }
            apart = false;
        }
    }
    // A mark with nothing before it says nothing.
    words.retain(|w| w.text.chars().any(char::is_alphanumeric));
    words
}

/// Simplified Chinese throughout. Converted as one text, since a character's form can depend on its neighbours.
fn in_one_script(mut words: Vec<RecognizedWord>) -> Vec<RecognizedWord> {
    let all: String = words.iter().map(|w| w.text.as_str()).collect();
    let simple = to_simplified(&all);
    let even = simple.chars().count() == all.chars().count();
    let mut characters = simple.chars();
    for w in &mut words {
        w.text = if even {
            characters.by_ref().take(w.text.chars().count()).collect()
        } else {
            to_simplified(&w.text)
        };
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(parts: &[&'static [u8]]) -> Vec<Token<'static>> {
        (0i32..)
            .zip(parts)
            .map(|(i, bytes)| Token {
                bytes,
                start_s: f64::from(i),
                end_s: f64::from(i + 1),
                p: 0.9 - 0.1 * i as f32,
            })
            .collect()
    }

    fn texts(parts: &[&'static [u8]]) -> Vec<String> {
        let n = parts.len() as f64;
        segment(&tokens(parts), 0.0, n, n).map_or(vec![], |s| s.words.into_iter().map(|w| w.text).collect())
    }

    #[test]
    fn a_character_cut_into_tokens_is_whole_again() {
        let parts: &[&[u8]] = &["马".as_bytes(), &[0xE9, 0xBD], &[0xBF], "苋".as_bytes()];
        assert_eq!(texts(parts), ["马", "齿", "苋"]);
        let s = segment(&tokens(parts), 0.0, 4.0, 4.0).unwrap();
        assert_eq!((s.words[1].start_s, s.words[1].end_s), (1.0, 3.0));
        assert!((s.words[1].p - 0.7).abs() < 1e-6);
    }

    #[test]
    fn chinese_is_by_character_and_the_rest_by_word() {
        let parts: &[&[u8]] =
            &["充電寶".as_bytes(), b"100", "块".as_bytes(), "，".as_bytes(), b" i", b"Phone", b" 15"];
        assert_eq!(texts(parts), ["充", "电", "宝", "100", "块，", "iPhone", "15"]);
        let parts: &[&[u8]] = &[b" It", b"'s", b" 69", b".", b"50", b",", b" right", b"?"];
        assert_eq!(texts(parts), ["It's", "69.50,", "right?"]);
    }

    #[test]
    fn marks_alone_and_broken_bytes_give_no_words() {
        assert_eq!(texts(&["，".as_bytes(), b" ...", b" "]), Vec::<String>::new());
        assert_eq!(texts(&[&[0xFF, 0xFE], "好".as_bytes()]), ["好"]);
        assert_eq!(texts(&[]), Vec::<String>::new());
    }

    proptest! {
        /// However wild the decoder's times, words lie in order inside the segment and the samples.
        #[test]
        fn times_are_always_sane(times in prop::collection::vec((-5.0f64..40.0, -5.0f64..40.0), 1..20), from in -2.0f64..40.0, to in -2.0f64..40.0, limit in 0.1f64..30.0) {
            let tokens: Vec<_> = times.iter().map(|(a, b)| Token { bytes: "好".as_bytes(), start_s: *a, end_s: *b, p: 0.5 }).collect();
            let s = segment(&tokens, from, to, limit).unwrap();
            prop_assert_eq!(s.words.len(), tokens.len());
            prop_assert!(0.0 <= s.start_s && s.start_s <= s.end_s && s.end_s <= limit);
            for w in &s.words {
                prop_assert!(s.start_s <= w.start_s && w.start_s <= w.end_s && w.end_s <= s.end_s);
            }
            for w in s.words.windows(2) {
                prop_assert!(w[0].start_s <= w[1].start_s);
            }
        }
    }
}
