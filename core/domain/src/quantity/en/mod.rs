//! Reading English talk from left to right.

mod money;
mod numeral;
mod phrase;
mod token;
mod units;

use super::{Number, Quantity, Unit, text::Text};
use numeral::{Numeral, word};
use token::{Kind, Token};

/// What was read: up to which token, and the quantity, if there is one, with its first token.
pub(super) struct Step {
    next: usize,
    found: Option<(usize, Number, Unit)>,
}

impl Step {
    const fn some(start: usize, next: usize, value: Number, unit: Unit) -> Option<Self> {
        Some(Self { next, found: Some((start, value, unit)) })
    }

    const fn nothing(next: usize) -> Option<Self> {
        Some(Self { next, found: None })
    }
}

/// Every quantity of a text, in order.
pub(super) fn read(text: &Text<'_>) -> Vec<Quantity> {
    let t = token::tokens(text);
    let mut all = vec![];
    let mut i = 0;
    while i < t.len() {
        let Some(step) = phrase::read(&t, i).or_else(|| number(&t, i)) else {
            i += 1;
            continue;
        };
        let next = step.next.clamp(i + 1, t.len());
        all.extend(
            step.found
                .map(|(start, value, unit)| text.quantity(t[start].start..t[next - 1].end, value, unit)),
        );
        i = next;
    }
    all
}

const ORDINALS: [&str; 9] =
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];

/// A number at token `i` and what it is of.
fn number(t: &[Token], i: usize) -> Option<Step> {
    if let Some(bundle) = phrase::bundle(t, i) {
        return Some(bundle);
    }
    if let Some((value, currency, next)) = money::said(t, i) {
        return Step::some(i, next, value, money::unit(currency));
    }
    let n = numeral::read(t, i)?;
    // "one oh nine" is 109 or 1.09, "twenty third" a place in an order.
    if word(t, n.next) == "oh" && numeral::read(t, n.next + 1).is_some() {
        return Step::nothing(n.next + 2);
    }
    if ORDINALS.contains(&word(t, n.next)) && n.written.is_none() {
        return Step::nothing(n.next + 1);
    }
    let row = numeral::row(t, i);
    if let Some((value, next)) =
        money::bare(t, i, &n).filter(|(_, next)| *next >= row.last().map_or(0, |r| r.next))
    {
        return Step::some(i, next, value, money::unit(None));
    }
    if row.len() > 1 {
        return in_a_row(t, i, &row);
    }
    of_share(t, i, &n).or_else(|| of_measure(t, i, &n)).or_else(|| bare(t, i, &n))
}

/// Numbers one after the other that are no price: "one ninety nine", "three two one", "twenty twenty six". Only where
/// the last has a unit is it known where it begins: "twenty nine | fifty gram packs".
fn in_a_row(t: &[Token], i: usize, row: &[Numeral]) -> Option<Step> {
    let [first, second] = row else { return Step::nothing(row.last().map_or(i + 1, |n| n.next)) };
    if units::measure(t, second.next, false).is_some() && first.value > Number::small(20) {
        return Step::some(i, first.next, first.value, Unit::Plain);
    }
    Step::nothing(second.next)
}

/// 70 percent, 30% off.
fn of_share(t: &[Token], i: usize, n: &Numeral) -> Option<Step> {
    let sign = t.get(n.next).is_some_and(|k| k.kind == Kind::Sign('%'));
    let next = if sign {
        n.next + 1
    } else {
        units::phrase(t, n.next, "percent").or_else(|| units::phrase(t, n.next, "per cent"))?
    };
    let left = 1_000_000 - n.value.parts();
    if word(t, next) == "off"
        && (0..1_000_000).contains(&left)
        && let Some(factor) = Number::from_parts(left).over(100)
    {
        return Step::some(i, next + 1, factor, Unit::Discount);
    }
    Step::some(i, next, n.value, Unit::Percent)
}

fn of_measure(t: &[Token], i: usize, n: &Numeral) -> Option<Step> {
    if word(t, n.next) == "dozen" {
        return Step::some(i, n.next + 1, n.value.times(12)?, Unit::Count("dozen".to_owned()));
    }
    if let Some((unit, factor, next)) = units::measure(t, n.next, n.written.is_some()) {
        return Step::some(i, next, n.value.times(factor)?, unit);
    }
    let noun = units::noun(t, n.next)?;
    // "one time", "one size": no count.
    if n.only_one && matches!(noun, "time" | "size") {
        return Step::nothing(n.next + 1);
    }
    Step::some(i, n.next + 1, n.value, Unit::Count(noun.to_owned()))
}

/// A number of which nothing more is said.
fn bare(t: &[Token], i: usize, n: &Numeral) -> Option<Step> {
    // 3C, 5G, 2nd
    let glued = |k: &Token| k.start == t[n.next - 1].end && matches!(k.kind, Kind::Word(_));
    if n.written.is_some() && t.get(n.next).is_some_and(glued) {
        return Step::nothing(n.next + 1);
    }
    // 3 1/2
    if t.get(n.next).is_some_and(|k| matches!(k.kind, Kind::Written(None, _))) {
        return Step::nothing(n.next + 1);
    }
    // Times of day.
    if matches!(word(t, n.next), "am" | "pm" | "o'clock" | "o’clock") {
        return Step::nothing(n.next + 1);
    }
    if n.only_one {
        return Step::nothing(n.next);
    }
    Step::some(i, n.next, n.value, Unit::Plain)
}
