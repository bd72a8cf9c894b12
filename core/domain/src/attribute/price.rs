//! Prices, reductions and bundles, from the numbers said and the words around them.

use std::ops::Range;

use super::{Found, clause::Talk};
use crate::{
    quantity::{Currency, Quantity, Unit},
    selling_point::AttributeKind,
};

/// Prices and offers that hold a number.
pub(super) fn find(t: &Talk<'_>) -> Vec<Found> {
    t.numbers.iter().enumerate().filter_map(|(i, q)| of(t, i, q)).collect()
}

/// Offers in words alone: 包邮, free shipping.
pub(super) fn find_words(t: &Talk<'_>) -> Vec<Found> {
    let whole = 0..t.lower.len();
    let stops = t.words.offer_stops.all(&t.lower, whole.clone());
    let stopped = |r: &Range<usize>| stops.iter().any(|s| s.start < r.end && r.start < s.end);
    let words = t.words.offers.all(&t.lower, whole).into_iter().filter(|r| !stopped(r));
    words.map(|r| Found::new(AttributeKind::Offer, r.clone()).what(Some(r))).collect()
}

fn of(t: &Talk<'_>, i: usize, q: &Quantity) -> Option<Found> {
    let offer = || Found::new(AttributeKind::Offer, q.range.clone());
    let value = q.value.as_f64();
    Some(match &q.unit {
        Unit::Money(currency) => return money(t, i, q, sign(*currency)),
        Unit::Bundle { count, currency } => {
            let place = standing(t, &q.range)?;
            offer().amount(value, sign(*currency)).pieces(Some(*count)).what(place)
        }
        Unit::Discount => offer().amount(value, "x"),
        Unit::DiscountOnNth(nth) => offer().amount(value, "x").pieces(Some(*nth)),
        Unit::Rebate { .. } => offer().amount(value, money_beside(t, q)),
        Unit::Offer { buy, get } => offer().amount(f64::from(*get), "free").pieces(Some(*buy)),
        _ => return None,
    })
}

const fn sign(currency: Option<Currency>) -> &'static str {
    match currency {
        Some(Currency::Yuan) => "¥",
        Some(Currency::Dollar) => "$",
        Some(Currency::Euro) => "€",
        Some(Currency::Pound) => "£",
        None => "",
    }
}

/// The currency of a rebate where its words name it.
fn money_beside(t: &Talk<'_>, q: &Quantity) -> &'static str {
    if t.text[q.range.clone()].contains(['块', '元', '¥']) { "¥" } else { "" }
}

/// An amount of money: a reduction, a price for several pieces, or a price; `None` where it is not the goods' or not
/// exact.
fn money(t: &Talk<'_>, i: usize, q: &Quantity, sign: &'static str) -> Option<Found> {
    let value = q.value.as_f64();
    let (lower, words) = (&t.lower, t.words);
    if words.about_before.before(lower, q.range.start).is_some_and(|r| !tied(t, &r))
        || words.about_after.after(lower, q.range.end).is_some()
    {
        return None;
    }
    let less = words.reductions.before(lower, q.range.start);
    let more = words.reductions_after.after(lower, q.range.end);
    if less.is_some() || more.is_some() {
        let start = less.map_or(q.range.start, |r| r.start);
        let end = more.map_or(q.range.end, |r| r.end);
        return Some(Found::new(AttributeKind::Offer, start..end).amount(value, format!("-{sign}")));
    }
    let standing = standing(t, &q.range)?;
    // "Wool cashmere blend, seventy thirty": parts of a hundred as likely as a price.
    let parts = q.value.parts() / 10_000 + q.value.parts() % 10_000 / 100 == 100;
    if parts && sign.is_empty() && standing.is_none() && q.value.as_whole().is_none() {
        return None;
    }
    if let Some((range, pieces)) = pieces(t, i) {
        let found = Found::new(AttributeKind::Offer, range).amount(value, sign);
        return Some(found.pieces(Some(pieces)).what(standing));
    }
    Some(Found::new(AttributeKind::Price, q.range.clone()).amount(value, sign).what(standing))
}

/// Whether the words of a bound belong to the word before them: 早上, 网上.
fn tied(t: &Talk<'_>, about: &Range<usize>) -> bool {
    t.text[about.clone()].chars().count() == 1
        && "早晚身网线马手楼北以".contains(t.text[..about.start].chars().next_back().unwrap_or(' '))
}

/// Which price it is by the words before it: `Some(None)` where none says so, `None` where it is not the goods' own.
fn standing(t: &Talk<'_>, range: &Range<usize>) -> Option<Option<Range<usize>>> {
    let words = t.words;
    if let Some(part) = words.prices_part.after(&t.lower, range.end) {
        return Some(Some(part));
    }
    let cues = [&words.prices_now, &words.prices_list, &words.prices_part, &words.prices_other]
        .map(|list| t.cue(list, range));
    let nearest = cues.iter().flatten().max_by_key(|r| (r.end, r.len())).cloned();
    if cues[3].is_some() && cues[3] == nearest {
        return None;
    }
    // "retails at", "平时只要": the bare word of price says nothing against the one before it.
    let said = |k: usize| cues[k].as_ref().filter(|r| nearest.as_ref().is_some_and(|n| n.start <= r.end + 4));
    Some(said(2).or(said(1)).cloned().or(nearest))
}

/// The pieces that an amount is for, where they stand right beside it: 十块钱三双, 到手三盒, "$30 for two pairs". With
/// the words from the first to the last.
fn pieces(t: &Talk<'_>, i: usize) -> Option<(Range<usize>, u32)> {
    let q = &t.numbers[i];
    let count = |q: &Quantity| match q.unit {
        Unit::Count(_) | Unit::Plain => q.value.as_count().filter(|c| (2..=200).contains(c)),
        _ => None,
    };
    if let Some(next) = t.numbers.get(i + 1) {
        let gap = t.lower[q.range.end..next.range.start].trim();
        let goods = matches!(next.unit, Unit::Count(_)) && ["", "到手", "给你", "拿走", "for"].contains(&gap);
        if (goods || gap == "for")
            && let Some(count) = count(next)
        {
            return Some((q.range.start..next.range.end, count));
        }
    }
    let before = &t.numbers[i.checked_sub(1)?];
    let gap = t.lower[before.range.end..q.range.start].trim();
    let near = matches!(before.unit, Unit::Count(_)) && ["", "一共", "只要", "到手", "才"].contains(&gap);
    near.then(|| Some((before.range.start..q.range.end, count(before)?))).flatten()
}
