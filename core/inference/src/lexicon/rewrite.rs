//! Putting a place right without losing times or what was heard. Pure.

use std::ops::Range;

use clipmill_domain::transcript::{Mended, MendedBy};

use super::{SpokenWord, units::Unit};
use crate::script::{is_cjk, join_words};

/// What stands in for the words `words` once their `units` are written as `term`; more or fewer words than before where
/// the term has more or fewer characters. What stands beside the units in the first and last word stays.
pub(super) fn rewritten<W: SpokenWord>(words: &[W], units: &[Unit], term: &str, by: MendedBy) -> Vec<W> {
    let (Some(first), Some(last)) = (units.first(), units.last()) else { return words.to_vec() };
    let (Some(from), Some(to)) = (words.first(), words.last()) else { return vec![] };
    let text = format!("{}{term}{}", &from.text()[..first.from], &to.text()[last.to..]);
    respelled(words, &pieces(&text), by)
}

/// `words` written as `pieces`: one to one where there are as many of both, else spread over the time evenly by length.
pub(super) fn respelled<W: SpokenWord>(words: &[W], pieces: &[String], by: MendedBy) -> Vec<W> {
    let (Some(from), Some(to)) = (words.first(), words.last()) else { return vec![] };
    let heard = join_words(words.iter().map(W::heard).filter(|h| !h.is_empty()));
    let mended = |i: usize| Mended { heard: if i == 0 { heard.clone() } else { String::new() }, by };
    if pieces.len() == words.len() {
        let each = words.iter().zip(pieces).enumerate();
        return each
            .map(|(i, (w, t))| w.written(t.clone(), w.start_s(), w.end_s(), w.p(), mended(i)))
            .collect();
    }
    let (start, end) = (from.start_s(), to.end_s().max(from.start_s()));
    let p = words.iter().map(W::p).fold(1.0, f32::min);
    let size: usize = pieces.iter().map(|t| weight(t)).sum();
    let at = |done: usize| start + (end - start) * done as f64 / size.max(1) as f64;
    let mut done = 0;
    pieces
        .iter()
        .enumerate()
        .map(|(i, t)| {
            let begun = done;
            done += weight(t);
            to.written(t.clone(), at(begun), at(done), p, mended(i))
        })
        .collect()
}

fn weight(piece: &str) -> usize {
    piece.chars().filter(|c| c.is_alphanumeric()).count().max(1)
}

/// A text as words: each Chinese character alone, marks with what is before them.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    let mut apart = true;
    for c in text.chars() {
        if c.is_whitespace() {
            apart = true;
            continue;
        }
        let han = is_cjk(c) && c.is_alphanumeric();
        let after_han =
            out.last().and_then(|w| w.chars().next_back()).is_some_and(|b| is_cjk(b) && b.is_alphanumeric());
        match out.last_mut() {
            Some(word)
                if !han && (!apart || !c.is_alphanumeric()) && (!after_han || !c.is_alphanumeric()) =>
            {
                word.push(c)
            }
            _ => out.push(c.to_string()),
        }
        apart = false;
    }
    out
}

/// The words that `units` lie in.
pub(super) fn word_range(units: &[Unit]) -> Range<usize> {
    match (units.first(), units.last()) {
        (Some(a), Some(b)) => a.word..b.word + 1,
        _ => 0..0,
    }
}
