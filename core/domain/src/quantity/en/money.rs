//! Prices in English talk.

use super::{
    super::{Number, Unit, unit::Currency},
    numeral::{self, Numeral, word},
    token::{Kind, Token},
    units,
};

/// A price: its value, of which money (`None`: not said), and the token after it.
pub(super) type Price = (Number, Option<Currency>, usize);

/// Words right before a number that make it a price.
const STRONG: &[&str] = &[
    "price",
    "price is",
    "a price of",
    "price was",
    "priced at",
    "costs",
    "cost",
    "cost you",
    "pay",
    "retails for",
    "sells for",
];
/// With these, a number in the form of a price (dollars and cents) is one.
const WEAK: &[&str] = &["for", "only", "just", "at", "for only", "for just"];
/// What may follow a price of which nothing else is said.
const AFTER: &[&str] =
    &["", "today", "now", "right", "only", "and", "but", "instead", "tonight", "for", "with", "plus", "each"];

fn after_any(t: &[Token], i: usize, cues: &[&str]) -> bool {
    cues.iter().any(|cue| {
        let words = cue.split(' ').count();
        i.checked_sub(words).is_some_and(|from| units::phrase(t, from, cue) == Some(i))
    })
}

/// A price of which the money is said, by a sign or a word, that begins at token `i`.
pub(super) fn said(t: &[Token], i: usize) -> Option<Price> {
    if let Some(Kind::Sign(c)) = t.get(i).map(|k| &k.kind) {
        let n = numeral::read(t, i + 1).filter(|n| n.written.is_some())?;
        // "$1.5k" is read; "$5x" is a name.
        let glued =
            t.get(n.next).is_some_and(|k| k.start == t[n.next - 1].end && matches!(k.kind, Kind::Word(_)));
        if glued {
            return None;
        }
        let currency = units::sign(*c)?;
        let next = if units::currency(t, n.next) == Some(currency) { n.next + 1 } else { n.next };
        return Some((n.value, Some(currency), next));
    }
    let n = numeral::read(t, i)?;
    if matches!(word(t, n.next), "cents" | "cent" | "pence") {
        let currency = (word(t, n.next) == "pence").then_some(Currency::Pound);
        return Some((n.value.over(100)?, currency, n.next + 1));
    }
    // "twenty nine ninety nine dollars"
    let (value, next) = pair(t, i, false).unwrap_or((n.value, n.next));
    let currency = units::currency(t, next).or_else(|| {
        let pounds = matches!(word(t, next), "pounds" | "pound");
        (pounds && (pence(t, next + 1).is_some() || after_any(t, i, STRONG))).then_some(Currency::Pound)
    })?;
    match pence(t, next + 1).filter(|_| value.as_whole().is_some()) {
        Some((part, next)) => Some((value.plus(part)?, Some(currency), next)),
        None => Some((value, Some(currency), next + 1)),
    }
}

/// "and ninety nine cents", "ninety nine": after the word for the money.
fn pence(t: &[Token], i: usize) -> Option<(Number, usize)> {
    let at = if word(t, i) == "and" { i + 1 } else { i };
    let n = numeral::read(t, at)?;
    let count = n.value.as_count().filter(|c| (1..100).contains(c))?;
    let part = Number::small(count).over(100)?;
    if matches!(word(t, n.next), "cents" | "cent" | "pence" | "p") {
        return Some((part, n.next + 1));
    }
    let end = AFTER.contains(&word(t, n.next)) && word(t, n.next) != "for";
    (at == i && n.written.is_none() && count >= 10 && end).then_some((part, n.next))
}

/// Two numbers that are certainly dollars and cents: "ninety-nine fifty". `cued`: words before say that it is a price,
/// so that it cannot be a year.
pub(super) fn pair(t: &[Token], i: usize, cued: bool) -> Option<(Number, usize)> {
    let row = numeral::row(t, i);
    let [first, second] = row[..] else { return None };
    let (a, b) = (first.value.as_count()?, second.value.as_count()?);
    // "forty fifty", "thirty five forty": from one to the other.
    let tens = a % 10 == 0 && b % 10 == 0 && a <= b && a < 100;
    let fives = !cued && a % 5 == 0 && b % 5 == 0 && (a..=a + 10).contains(&b);
    let rounds = tens || fives;
    let certain = if cued { a >= 10 } else { a > 20 };
    // After a hundred and more, hundreds of cents are no question: "a hundred and twenty nine ninety nine".
    if !certain || rounds || !(10..100).contains(&b) || a >= 1_000 {
        return None;
    }
    let measured = units::measure(t, second.next, false).is_some()
        || units::noun(t, second.next).is_some()
        || matches!(word(t, second.next), "percent" | "per" | "cents" | "cent");
    let value = Number::small(a).plus(Number::small(b).over(100)?)?;
    (!measured).then_some((value, second.next))
}

/// A price of which the money is not said, certain by its form or by the words before it.
pub(super) fn bare(t: &[Token], i: usize, n: &Numeral) -> Option<(Number, usize)> {
    let strong = after_any(t, i, STRONG);
    let cued = strong || after_any(t, i, WEAK);
    if let Some(found) = pair(t, i, cued) {
        return Some(found);
    }
    if numeral::row(t, i).len() > 1 {
        return None;
    }
    let ends = AFTER.contains(&word(t, n.next))
        && !matches!(t.get(n.next).map(|k| &k.kind), Some(Kind::Written(..)));
    let form = n.written == Some(2);
    (ends && !n.only_one && (strong || cued && form)).then_some((n.value, n.next))
}

/// The unit of a price.
pub(super) const fn unit(currency: Option<Currency>) -> Unit {
    Unit::Money(currency)
}
