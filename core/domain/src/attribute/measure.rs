//! Sizes, lengths, weights, capacities and counts of pieces.

use std::ops::Range;

use super::{Found, clause::Talk, words::stands_alone};
use crate::{
    quantity::{Duration, Length, Quantity, Unit, Volume, Weight},
    selling_point::AttributeKind,
};

/// Sizes and counts that hold a number.
pub(super) fn find(t: &Talk<'_>) -> Vec<Found> {
    (0..t.numbers.len()).filter_map(|i| size(t, i).or_else(|| count(t, i))).collect()
}

/// How a unit is written; empty for what is no measure of goods.
pub(super) const fn unit(unit: &Unit) -> &'static str {
    match unit {
        Unit::Length(l) => match l {
            Length::Millimetre => "mm",
            Length::Centimetre => "cm",
            Length::Metre => "m",
            Length::Kilometre => "km",
            Length::Inch => "in",
            Length::Foot => "ft",
            Length::Chi => "chi",
        },
        Unit::Weight(w) => match w {
            Weight::Milligram => "mg",
            Weight::Gram => "g",
            Weight::Kilogram => "kg",
            Weight::Jin => "jin",
            Weight::Liang => "liang",
            Weight::Ounce => "oz",
            Weight::Pound => "lb",
        },
        Unit::Volume(v) => match v {
            Volume::Millilitre => "ml",
            Volume::Litre => "l",
            Volume::Gallon => "gal",
            Volume::FluidOunce => "fl oz",
        },
        Unit::Time(d) => match d {
            Duration::Second => "s",
            Duration::Minute => "min",
            Duration::Hour => "h",
            Duration::Day => "day",
            Duration::Week => "week",
            Duration::Month => "month",
            Duration::Year => "year",
        },
        Unit::Power => "W",
        Unit::Capacity => "mAh",
        Unit::Size => "size",
        _ => "",
    }
}

fn size(t: &Talk<'_>, i: usize) -> Option<Found> {
    let q = &t.numbers[i];
    if matches!(q.unit, Unit::Time(_)) || unit(&q.unit).is_empty() || opens_range(t, i) {
        return None;
    }
    // 一百四L: the size that follows a weight. 一斤, 大一码: a manner of speaking.
    let glued =
        q.raw.ends_with('L') && !q.raw.trim_end_matches([' ', 'L']).ends_with(|c: char| c.is_ascii_digit());
    let one = q.raw.starts_with('一') && q.value == crate::quantity::Number::small(1);
    if glued || one && t.cue(&t.words.measured, &q.range).is_none() {
        return None;
    }
    let from = i.checked_sub(1).map(|b| &t.numbers[b]).filter(|b| spans(t, b, q));
    let start = from.map_or(q.range.start, |b| b.range.start);
    let cues = [&t.words.measured, &t.words.measured_other].map(|list| t.cue(list, &(start..q.range.end)));
    if cues[1].as_ref().is_some_and(|other| cues[0].as_ref().is_none_or(|own| own.end <= other.end)) {
        return None;
    }
    let apart = |r: &Range<usize>| cues[0].as_ref().is_none_or(|c| c.end <= r.start || r.end <= c.start);
    let about = |r: Option<Range<usize>>| r.filter(|r| t.clause(r) == t.clause(&q.range) && apart(r));
    let start = about(t.words.about_before.before(&t.lower, start)).map_or(start, |r| r.start);
    let end = about(t.words.about_after.after(&t.lower, q.range.end)).map_or(q.range.end, |r| r.end);
    let what = cues[0].clone().filter(|w| w.end <= start);
    let found = Found::new(AttributeKind::Size, start..end).what(what);
    Some(match from {
        Some(low) => Found { to: Some(q.value.as_f64()), ..found }.amount(low.value.as_f64(), unit(&q.unit)),
        None => found.amount(q.value.as_f64(), unit(&q.unit)),
    })
}

/// Whether `a` to `b` is a range: one number of no other unit, 到 or the like, the other.
fn spans(t: &Talk<'_>, a: &Quantity, b: &Quantity) -> bool {
    let gap = t.lower[a.range.end..b.range.start].trim();
    (a.unit == Unit::Plain || a.unit == b.unit)
        && a.value < b.value
        && (["到", "至", "-", "~", "—", "–", "to", "through"].contains(&gap)
            || gap == "and" && t.lower[..a.range.start].trim_end().ends_with("between"))
}

/// Whether number `i` is the lower end of a range.
fn opens_range(t: &Talk<'_>, i: usize) -> bool {
    t.numbers.get(i + 1).is_some_and(|next| spans(t, &t.numbers[i], next) && !unit(&next.unit).is_empty())
}

/// Pieces: of a pack, in stock. Times, layers and people are none.
fn count(t: &Talk<'_>, i: usize) -> Option<Found> {
    let q = &t.numbers[i];
    let (lower, words) = (&t.lower, t.words);
    let stock = words.stock_cues.before(lower, q.range.start);
    if q.unit == Unit::Plain {
        let left = ["left", "remaining", "in stock"].into_iter().find_map(|w| {
            let at = q.range.end + lower[q.range.end..].len() - lower[q.range.end..].trim_start().len();
            lower[at..].starts_with(w).then(|| at..at + w.len()).filter(|r| stands_alone(lower, r.clone()))
        })?;
        let found = Found::new(AttributeKind::Count, q.range.start..left.end).what(Some(left));
        return Some(found.amount(q.value.as_f64(), ""));
    }
    let Unit::Count(name) = &q.unit else { return None };
    let at = q.range.end - name.len().min(q.raw.len());
    let several = q.value > crate::quantity::Number::small(1) || stock.is_some();
    if !several || words.count_stops.at(lower, at).is_some() {
        return None;
    }
    let cued = || words.count_cues.before(lower, q.range.start).is_some();
    if !(words.count_units.has(name) || words.count_units_loose.has(name) && cued()) {
        return None;
    }
    let exact = words.about_after.after(lower, q.range.end).is_none();
    let bound =
        words.about_before.before(lower, q.range.start).is_some_and(|r| t.text[r].chars().count() > 1);
    let found = Found::new(AttributeKind::Count, q.range.clone()).what(stock);
    (exact && !bound).then(|| found.amount(q.value.as_f64(), name.clone()))
}

const LETTERS: [&str; 15] =
    ["xxxxl", "xxxl", "xxl", "xl", "xxs", "xs", "2xl", "3xl", "4xl", "5xl", "6xl", "s", "m", "l", "f"];
const SPELT: [&str; 8] = [
    "extra small",
    "extra large",
    "double xl",
    "triple xl",
    "double extra large",
    "small",
    "medium",
    "large",
];

/// Sizes in letters (S到XXL, M码) and in words (均码, one size).
pub(super) fn find_letters(t: &Talk<'_>) -> Vec<Found> {
    let lower = &t.lower;
    let whole = t.words.sizes_whole.all(lower, 0..lower.len());
    let mut all: Vec<Found> =
        whole.into_iter().map(|r| Found::new(AttributeKind::Size, r.clone()).what(Some(r))).collect();
    let letters = letter_sizes(lower);
    let mut i = 0;
    while let Some(first) = letters.get(i) {
        i += 1;
        let next = letters.get(i).filter(|n| {
            gap_is(lower, first, n, &["到", "至", "-", "~", "—", "–", "to", "through", "up to", "码到"])
        });
        if let Some(last) = next {
            i += 1;
            let end = marked(t, last).unwrap_or(last.end);
            all.push(Found::new(AttributeKind::Size, first.start..end).what(Some(first.start..last.end)));
            continue;
        }
        let own = marked(t, first);
        let named = ["size ", "sizes ", "尺码", "码数", "a ", "in "].iter().any(|w| {
            // "In a medium", but not "a large crowd", and no "a M".
            let ends = !lower[first.end..].trim_start().starts_with(char::is_alphanumeric);
            lower[..first.start].ends_with(w) && (first.len() > 4 && ends || !matches!(*w, "a " | "in "))
        });
        let in_list = |a: &Range<usize>, b: &Range<usize>| {
            gap_is(lower, a, b, &[",", "，", "、", "and", "or", ", and", "和", "码", "码、", "码和", "码，"])
        };
        let beside =
            letters.get(i).is_some_and(|n| in_list(first, n)) || i >= 2 && in_list(&letters[i - 2], first);
        if own.is_some() || named || beside {
            let end = own.unwrap_or(first.end);
            all.push(Found::new(AttributeKind::Size, first.start..end).what(Some(first.clone())));
        }
    }
    all
}

/// The end of the 码 or 号 right after a size in letters.
fn marked(t: &Talk<'_>, r: &Range<usize>) -> Option<usize> {
    t.words.size_marks.after(&t.lower, r.end).map(|m| m.end)
}

fn gap_is(lower: &str, a: &Range<usize>, b: &Range<usize>, gaps: &[&str]) -> bool {
    gaps.contains(&lower[a.end..b.start].trim())
}

/// Everything that may be a size in letters, left to right.
fn letter_sizes(lower: &str) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = vec![];
    for (at, _) in lower.char_indices() {
        if all.last().is_some_and(|r| at < r.end) {
            continue;
        }
        let entry = SPELT.iter().chain(&LETTERS).find(|e| {
            let marks = ['\'', '’'];
            lower[at..].strip_prefix(**e).is_some_and(|rest| !rest.starts_with(marks))
                && !lower[..at].ends_with(marks)
                && stands_alone(lower, at..at + e.len())
        });
        all.extend(entry.map(|e| at..at + e.len()));
    }
    all
}
