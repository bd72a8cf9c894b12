//! What goods are made of and what is in them, with shares.

use std::ops::Range;

use super::{Found, clause::Talk};
use crate::{
    quantity::{Quantity, Unit},
    selling_point::AttributeKind,
};

/// Materials, each with the share said of it.
pub(super) fn find(t: &Talk<'_>) -> Vec<Found> {
    let (lower, words) = (&t.lower, t.words);
    let whole = 0..lower.len();
    let stops = words.material_stops.all(lower, whole.clone());
    let stopped = |r: &Range<usize>| stops.iter().any(|s| s.start < r.end && r.start < s.end);
    let mut names: Vec<Range<usize>> =
        words.materials.all(lower, whole.clone()).into_iter().filter(|r| !stopped(r)).collect();
    let short = |r: &Range<usize>| !stopped(r) && !names.iter().any(|n| n.start < r.end && r.start < n.end);
    let short: Vec<Range<usize>> =
        words.materials_short.all(lower, whole).into_iter().filter(|r| short(r)).collect();
    names.extend(short.iter().cloned());
    names.sort_by_key(|r| r.start);

    let shares: Vec<&Quantity> = t.numbers.iter().filter(|q| q.unit == Unit::Percent).collect();
    let mut taken = vec![false; names.len()];
    let mut all = vec![];
    let mut clause = usize::MAX..usize::MAX;
    let mut backward = false;
    for q in &shares {
        if t.clause(&q.range) != clause {
            clause = t.clause(&q.range);
            // Which comes first in a clause tells whether shares stand before or after their materials.
            backward = names.iter().any(|n| clause.start <= n.start && n.end <= q.range.start);
        }
        let free = |k: &usize| !taken[*k];
        let after = (0..names.len()).filter(free).find(|k| follows(t, q.range.end, names[*k].start));
        let before = (0..names.len()).filter(free).rfind(|k| follows(t, names[*k].end, q.range.start));
        let (first, second) = if backward { (before, after) } else { (after, before) };
        let Some(k) = first.or(second) else { continue };
        taken[k] = true;
        let range = names[k].start.min(q.range.start)..names[k].end.max(q.range.end);
        all.push(material(range, names[k].clone()).amount(q.value.as_f64(), "%"));
    }
    for (name, taken) in names.iter().zip(taken) {
        if taken {
            continue;
        }
        if let Some((range, share)) =
            words.downs.has(&lower[name.clone()]).then(|| filling(t, name)).flatten()
        {
            all.push(material(range, name.clone()).amount(share, "%"));
        } else if !short.contains(name) {
            all.push(material(name.clone(), name.clone()));
        }
    }
    all.sort_by_key(|f| std::cmp::Reverse(f.amount.is_some()));
    all
}

fn material(range: Range<usize>, name: Range<usize>) -> Found {
    Found::new(AttributeKind::Material, range).what(Some(name))
}

/// Whether only linking words stand from byte `from` to byte `to`.
fn follows(t: &Talk<'_>, from: usize, to: usize) -> bool {
    if from > to {
        return false;
    }
    let mut at = from;
    while at < to {
        let rest = &t.lower[at..to];
        if let Some(space) = rest.chars().next().filter(|c| *c == ' ') {
            at += space.len_utf8();
            continue;
        }
        match t.words.share_links.at(&t.lower, at).filter(|end| *end <= to) {
            Some(end) => at = end,
            None => return false,
        }
    }
    true
}

/// Two digits before down are its share: 九五白鹅绒, 95 白鹅绒.
fn filling(t: &Talk<'_>, name: &Range<usize>) -> Option<(Range<usize>, f64)> {
    let head = t.text[..name.start].trim_end();
    let mut value = 0;
    let mut start = head.len();
    for (n, (i, c)) in head.char_indices().rev().enumerate().take_while(|(_, (_, c))| digit(*c).is_some()) {
        if n >= 2 {
            return None;
        }
        value += digit(c)? * 10_u32.pow(u32::try_from(n).ok()?);
        start = i;
    }
    let twice = t.text[start..head.len()].chars().count() == 2;
    (twice && value >= 50).then(|| (start..name.end, f64::from(value)))
}

fn digit(c: char) -> Option<u32> {
    c.to_digit(10).or_else(|| "零一二三四五六七八九".chars().position(|d| d == c)?.try_into().ok())
}
