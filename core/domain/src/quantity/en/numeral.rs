//! English numbers, as written and as spoken: `a hundred and fifty`, `one point five`, `ten thousand`, `2.5 million`.

use super::{
    super::Number,
    token::{Kind, Token},
};

/// A number and how it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numeral {
    pub(super) value: Number,
    /// The token after it.
    pub(super) next: usize,
    /// In digits, with so many places after the point.
    pub(super) written: Option<usize>,
    /// The word "one" alone: mostly no number.
    pub(super) only_one: bool,
}

const ONES: [&str; 20] = [
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

/// The word at token `i`; empty for anything else.
pub(super) fn word(t: &[Token], i: usize) -> &str {
    match t.get(i).map(|k| &k.kind) {
        Some(Kind::Word(w)) => w,
        _ => "",
    }
}

fn ones(w: &str) -> Option<i64> {
    ONES.iter().position(|o| *o == w).and_then(|p| i64::try_from(p).ok())
}

/// Up to 99.
fn small(t: &[Token], i: usize) -> Option<(i64, usize)> {
    let w = word(t, i);
    if let Some(n) = ones(w) {
        return Some((n, i + 1));
    }
    let tens = i64::try_from(TENS.iter().position(|o| *o == w)?).ok()? * 10 + 20;
    match ones(word(t, i + 1)) {
        Some(n @ 1..=9) => Some((tens + n, i + 2)),
        _ => Some((tens, i + 1)),
    }
}

/// Reads a part of a number: its value, and the token after it.
type Part = fn(&[Token], usize) -> Option<(i64, usize)>;

/// "and" and what follows it, or what follows at once: the smaller rest of a number. Not one that `powers` follow, which
/// begins a number of its own.
fn rest(t: &[Token], i: usize, part: Part, powers: &[&str]) -> (i64, usize) {
    let at = if word(t, i) == "and" { i + 1 } else { i };
    part(t, at).filter(|(_, next)| !powers.contains(&word(t, *next))).unwrap_or((0, i))
}

/// Up to 9,999: "forty five hundred" is said too.
fn hundreds(t: &[Token], i: usize) -> Option<(i64, usize)> {
    let (n, at) = match small(t, i) {
        Some(found) => found,
        None if word(t, i) == "a" && word(t, i + 1) == "hundred" => (1, i + 1),
        None => return None,
    };
    if n == 0 || word(t, at) != "hundred" {
        return Some((n, at));
    }
    let (more, next) = rest(t, at + 1, small, &["hundred"]);
    Some((n * 100 + more, next))
}

fn spoken(t: &[Token], i: usize) -> Option<(i64, usize)> {
    let (mut n, mut at) = match hundreds(t, i) {
        Some(found) => found,
        None if word(t, i) == "a" && matches!(word(t, i + 1), "thousand" | "million") => (1, i + 1),
        None => return None,
    };
    let mut below_million = (n, at);
    if n > 0 && word(t, at) == "million" {
        let millions = n * 1_000_000;
        (n, at) = (millions, at + 1);
        let from = if word(t, at) == "and" { at + 1 } else { at };
        below_million = match hundreds(t, from) {
            Some((more, next)) if word(t, next) == "thousand" => (more, next),
            _ => {
                let (more, next) = rest(t, at, hundreds, &["million"]);
                return Some((n + more, next));
            }
        };
    } else {
        n = 0;
    }
    let (part, next) = below_million;
    if part == 0 || word(t, next) != "thousand" {
        return Some((n + part, next));
    }
    let (more, next) =
        rest(t, next + 1, |t, i| hundreds(t, i).filter(|(n, _)| *n < 1_000), &["thousand", "million"]);
    Some((n + part * 1_000 + more, next))
}

/// Screens, not thousands: 4K.
const SCREENS: [&str; 9] =
    ["video", "videos", "screen", "tv", "display", "resolution", "monitor", "camera", "uhd"];

/// Reads the number that begins at token `i`. `None` also for digits that are no quantity.
pub(super) fn read(t: &[Token], i: usize) -> Option<Numeral> {
    let (mut value, mut next, written) = match t.get(i)?.kind {
        Kind::Written(value, places) => (value?, i + 1, Some(places)),
        _ => {
            let (n, next) = spoken(t, i)?;
            (Number::whole(n)?, next, None)
        }
    };
    let mut only_one = word(t, i) == "one" && next == i + 1;
    if written.is_none() && word(t, next) == "point" {
        let places: String =
            (next + 1..).map_while(|k| ones(word(t, k)).filter(|d| *d < 10)).map(|d| d.to_string()).collect();
        if let Some(part) = Number::from_digits(&format!("0.{places}")).filter(|_| !places.is_empty()) {
            value = value.plus(part)?;
            next += 1 + places.len();
            only_one = false;
        }
    }
    if written.is_some() || only_one || next > i + 1 {
        let times = match word(t, next) {
            "hundred" if written.is_some() => Some(100),
            "thousand" => Some(1_000),
            "million" => Some(1_000_000),
            _ => None,
        };
        if let Some(times) = times {
            value = value.times(times)?;
            next += 1;
            only_one = false;
        }
    }
    if word(t, next) == "k" && value < Number::small(1_000) && !SCREENS.contains(&word(t, next + 1)) {
        value = value.times(1_000)?;
        next += 1;
        only_one = false;
    }
    let halves = ["and", "a", "half"].iter().enumerate().all(|(k, w)| word(t, next + k) == *w);
    if halves && !matches!(word(t, next + 3), "off" | "price") {
        value = value.plus(Number::HALF)?;
        next += 3;
        only_one = false;
    }
    Some(Numeral { value, next, written, only_one })
}

/// The numbers said one right after the other from token `i`, as words: 99 and 50 for "ninety-nine fifty".
pub(super) fn row(t: &[Token], i: usize) -> Vec<Numeral> {
    let mut all: Vec<Numeral> = vec![];
    let mut at = i;
    while let Some(n) = read(t, at).filter(|n| n.written.is_none() && (at == i || word(t, at) != "a")) {
        at = n.next;
        all.push(n);
    }
    all
}
