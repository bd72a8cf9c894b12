//! English numbers in words, in digits, and mixed. Read apart from `clipmill_domain::quantity` on purpose: what judges
//! the transcript must not share the mistakes of what is judged.

use super::Token;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/// The greatest whole number read; beyond, digits stay as they are.
const MOST: u64 = 999_999_999_999;

/// A number read, and one past its last token.
struct Read {
    /// In digits.
    text: String,
    end: usize,
}

/// `k`, `thousand`, `million`.
pub(super) fn is_multiplier(word: &str) -> bool {
    multiplier(word).is_some()
}

fn multiplier(word: &str) -> Option<u64> {
    match word {
        "k" | "thousand" => Some(1_000),
        "million" => Some(1_000_000),
        _ => None,
    }
}

/// The tokens with every number in digits, one token a number.
pub(super) fn in_digits(tokens: Vec<Token>) -> Vec<Token> {
    let words: Vec<&str> = tokens.iter().map(|t| t.text.as_str()).collect();
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some(read) = read(&words, at) {
            let end_us = tokens[read.end - 1].end_us;
            out.push(Token { text: read.text, start_us: token.start_us, end_us });
            at = read.end;
        } else {
            out.push(token.clone());
            at += 1;
        }
    }
    out
}

fn read(words: &[&str], at: usize) -> Option<Read> {
    let word = |i: usize| words.get(i).copied().unwrap_or_default();
    let article = word(at) == "a" && matches!(word(at + 1), "hundred" | "thousand" | "million");
    if !article && word(at).contains('.') && word(at).starts_with(|c: char| c.is_ascii_digit()) {
        // 1.5 million stays as it is: both are words of their own.
        return None;
    }
    let (n, end, simple) = if article { (1, at + 1, false) } else { below_hundred_or_digits(words, at)? };
    let (n, end, hundred) = hundreds(words, n, end);
    let (total, end, large) = thousands(words, n, end)?;
    if word(end) == "point"
        && let Some((places, end)) = places(words, end + 1)
    {
        return Some(Read { text: format!("{total}.{places}"), end });
    }
    if simple && !hundred && !large && (1..100).contains(&total) {
        if let Some((m, end, true)) = below_hundred_or_digits(words, end)
            && (10..100).contains(&m)
        {
            let text = if total < 10 { (total * 100 + m).to_string() } else { format!("{total}.{m}") };
            return Some(Read { text, end });
        }
        if total >= 10
            && word(end) == "oh"
            && let Some(d) = small(word(end + 1)).filter(|d| *d < 10)
        {
            return Some(Read { text: format!("{total}.0{d}"), end: end + 2 });
        }
    }
    Some(Read { text: total.to_string(), end })
}

fn small(word: &str) -> Option<u64> {
    SMALL.iter().position(|w| *w == word).and_then(|n| u64::try_from(n).ok())
}

/// A number below a hundred in words, or any whole number in digits; one past its end; and whether it is below a hundred.
fn below_hundred_or_digits(words: &[&str], at: usize) -> Option<(u64, usize, bool)> {
    let word = *words.get(at)?;
    if let Some(n) = small(word) {
        return Some((n, at + 1, true));
    }
    if let Some(tens) = TENS.iter().position(|t| *t == word) {
        let tens = 20 + 10 * u64::try_from(tens).ok()?;
        let more = words.get(at + 1).and_then(|w| small(w)).filter(|n| (1..10).contains(n));
        return Some(more.map_or((tens, at + 1, true), |n| (tens + n, at + 2, true)));
    }
    let digits = word.bytes().all(|b| b.is_ascii_digit()) && !word.starts_with('0') && !word.is_empty();
    let n = word.parse().ok().filter(|n| digits && *n <= MOST)?;
    Some((n, at + 1, n < 100))
}

/// Takes "hundred (and) five" after `n`.
fn hundreds(words: &[&str], n: u64, end: usize) -> (u64, usize, bool) {
    if words.get(end) != Some(&"hundred") || n >= 100 {
        return (n, end, false);
    }
    let (n, end) = (n * 100, end + 1);
    let from = if words.get(end) == Some(&"and") { end + 1 } else { end };
    match below_hundred_or_digits(words, from) {
        Some((more, end, true)) if more > 0 => (n + more, end, true),
        _ => (n, end, true),
    }
}

/// Takes "thousand (and) …" and "million …" after `n`.
fn thousands(words: &[&str], n: u64, end: usize) -> Option<(u64, usize, bool)> {
    let Some(factor) = words.get(end).and_then(|w| multiplier(w)) else { return Some((n, end, false)) };
    let (total, end) = (n.checked_mul(factor).filter(|t| *t <= MOST)?, end + 1);
    let from = if words.get(end) == Some(&"and") { end + 1 } else { end };
    if let Some((more, next, simple)) = below_hundred_or_digits(words, from)
        && (simple || more < factor)
    {
        let (more, next, _) = hundreds(words, more, next);
        let (more, next, _) = thousands(words, more, next)?;
        if more < factor {
            return Some((total + more, next, true));
        }
    }
    Some((total, end, true))
}

/// The digits after "point": single ones in words, or a run of digits.
fn places(words: &[&str], at: usize) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut end = at;
    while let Some(word) = words.get(end) {
        if let Some(d) = small(word).filter(|d| *d < 10) {
            text.push_str(&d.to_string());
        } else if text.is_empty() && !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
            return Some((word.to_string(), end + 1));
        } else {
            break;
        }
        end += 1;
    }
    (!text.is_empty()).then_some((text, end))
}
