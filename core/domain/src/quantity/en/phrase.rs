//! Phrases that hold their numbers inside: buy two get one free, two for thirty, half off, size thirty eight.

use super::{
    super::{Number, Unit},
    Step, money,
    numeral::{self, word},
    token::{Kind, Token},
    units::{self, phrase},
};

/// A phrase that begins at token `i`.
pub(super) fn read(t: &[Token], i: usize) -> Option<Step> {
    match word(t, i) {
        "half" => half(t, i),
        "buy" => offer(t, i),
        "bogo" => Step::some(i, i + 1, Number::small(1), Unit::Offer { buy: 1, get: 1 }),
        "size" | "sizes" => size(t, i),
        "link" => link(t, i),
        "second" => second(t, i),
        "a" if word(t, i + 1) == "dozen" => {
            Step::some(i, i + 2, Number::small(12), Unit::Count("dozen".to_owned()))
        }
        "a" if word(t, i + 1) == "half" => Step::nothing(i + 2),
        _ => None,
    }
}

/// Half off, half price, half a litre, half a dozen.
fn half(t: &[Token], i: usize) -> Option<Step> {
    if matches!(word(t, i + 1), "off" | "price") {
        return Step::some(i, i + 2, Number::HALF, Unit::Discount);
    }
    let at = if matches!(word(t, i + 1), "a" | "an") { i + 2 } else { i + 1 };
    if word(t, at) == "dozen" {
        return Step::some(i, at + 1, Number::small(6), Unit::Count("dozen".to_owned()));
    }
    let (unit, factor, next) = units::measure(t, at, false)?;
    let value = Number::HALF.times(factor)?;
    (at == i + 2 || word(t, i + 1) == "hour").then(|| Step::some(i, next, value, unit)).flatten()
}

/// What the pieces after an offer cost: nothing, half, so much less. The factor and the token after.
fn reduced(t: &[Token], i: usize) -> Option<(Number, usize)> {
    let i = if matches!(word(t, i), "is" | "at" | "for") { i + 1 } else { i };
    if word(t, i) == "free" {
        return Some((Number::ZERO, i + 1));
    }
    match read(t, i).or_else(|| numeral::read(t, i).and_then(|n| super::of_share(t, i, &n)))? {
        Step { next, found: Some((_, factor, Unit::Discount)) } => Some((factor, next)),
        _ => None,
    }
}

/// Buy two get one free; buy one get one half off.
fn offer(t: &[Token], i: usize) -> Option<Step> {
    let count = |at: usize| {
        let n = numeral::read(t, at)?;
        Some((n.value.as_count().filter(|c| (1..=100).contains(c))?, n.next))
    };
    let (buy, at) = count(i + 1)?;
    // "Buy two pairs, get one": a noun and a comma may stand between.
    let get = (at..at + 3).find(|k| matches!(word(t, *k), "get"))?;
    let (get, next) = count(get + 1)?;
    match reduced(t, next) {
        Some((Number::ZERO, next)) => Step::some(i, next, Number::small(get), Unit::Offer { buy, get }),
        Some((factor, next)) if get == 1 => {
            Step::some(i, next, factor, Unit::DiscountOnNth(buy.checked_add(1)?))
        }
        Some((_, next)) => Step::nothing(next),
        None => Step::some(i, next, Number::small(get), Unit::Offer { buy, get }),
    }
}

/// Second one half off. A second alone is no number.
fn second(t: &[Token], i: usize) -> Option<Step> {
    let noun =
        matches!(word(t, i + 1), "one" | "pair" | "item" | "piece" | "pack" | "bottle" | "box" | "set");
    let (factor, next) = reduced(t, i + 1 + usize::from(noun)).filter(|_| noun)?;
    Step::some(i, next, factor, Unit::DiscountOnNth(2))
}

fn size(t: &[Token], i: usize) -> Option<Step> {
    let n = numeral::read(t, i + 1).filter(|n| !n.only_one && numeral::row(t, i + 1).len() < 2)?;
    Step::some(i, n.next, n.value, Unit::Size)
}

/// Link number five, link 5.
fn link(t: &[Token], i: usize) -> Option<Step> {
    let at = if matches!(word(t, i + 1), "number" | "no") { i + 2 } else { i + 1 };
    let n = numeral::read(t, at).filter(|n| n.value.as_count().is_some() && numeral::row(t, at).len() < 2)?;
    Step::some(i, n.next, n.value, Unit::Link)
}

/// Two for thirty, three packs for $15, three for two.
pub(super) fn bundle(t: &[Token], i: usize) -> Option<Step> {
    let n = numeral::read(t, i).filter(|n| numeral::row(t, i).len() < 2 && n.written.unwrap_or(0) == 0)?;
    let count = n.value.as_count().filter(|c| (2..=20).contains(c))?;
    let noun = units::noun(t, n.next).is_some();
    let at = phrase(t, n.next + usize::from(noun), "for")?;
    if let Some(paid) = phrase(t, at, "the price of").and_then(|at| numeral::read(t, at)) {
        let buy = paid.value.as_count().filter(|paid| (1..count).contains(paid))?;
        return Step::some(i, paid.next, Number::small(count - buy), Unit::Offer { buy, get: count - buy });
    }
    if let Some((value, currency, next)) = money::said(t, at) {
        return Step::some(i, next, value, Unit::Bundle { count, currency });
    }
    let price = numeral::read(t, at)?;
    if let Some((value, next)) = money::pair(t, at, true) {
        return Step::some(i, next, value, Unit::Bundle { count, currency: None });
    }
    // Something else is counted: "two for five people", "ten for thirty days".
    let w = word(t, price.next);
    let counted = units::measure(t, price.next, true).is_some()
        || w.ends_with('s') && !matches!(w, "is" | "this" | "plus" | "yes" | "was" | "as")
        || matches!(w, "percent" | "per" | "people" | "dozen")
        || matches!(t.get(price.next).map(|k| &k.kind), Some(Kind::Sign('%') | Kind::Written(..)))
        || numeral::row(t, at).len() > 1;
    if counted {
        return None;
    }
    match price.value.as_count() {
        // Three for the price of two.
        Some(paid @ 1..) if paid < count && !noun => Step::some(
            i,
            price.next,
            Number::small(count - paid),
            Unit::Offer { buy: paid, get: count - paid },
        ),
        Some(paid) if paid < count.max(5) => None,
        _ => Step::some(i, price.next, price.value, Unit::Bundle { count, currency: None }),
    }
}
