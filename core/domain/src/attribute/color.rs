//! Colours: words of a list, and words made of a modifier and a colour (抹茶绿, sage green).

use std::ops::Range;

use super::{Found, clause::Talk};
use crate::selling_point::AttributeKind;

/// The colours said.
pub(super) fn find(t: &Talk<'_>) -> Vec<Found> {
    let (lower, words) = (&t.lower, t.words);
    let whole = 0..lower.len();
    let stops = words.colour_stops.all(lower, whole.clone());
    let stopped = |r: &Range<usize>| stops.iter().any(|s| s.start < r.end && r.start < s.end);
    let mut sure: Vec<Range<usize>> = vec![];
    for (at, _) in lower.char_indices() {
        if sure.last().is_some_and(|r| at < r.end) {
            continue;
        }
        sure.extend(colour(t, at).map(|end| at..end).filter(|r| !stopped(r)));
    }
    let speaks = |c: Range<usize>| words.colour_context.first(lower, c).is_some();
    let context = |r: &Range<usize>| speaks(t.clause(r)) || t.clause_before(r).is_some_and(speaks);
    // Beside a sure one in a list, or where the talk is of colours.
    let mut loose: Vec<Range<usize>> = words.colours_loose.all(lower, whole.clone());
    loose.retain(|r| !stopped(r) && sure.iter().all(|s| r.end <= s.start || s.end <= r.start));
    let mut grown = true;
    while grown {
        grown = false;
        for r in std::mem::take(&mut loose) {
            if context(&r) || sure.iter().any(|s| listed(lower, s, &r) || listed(lower, &r, s)) {
                sure.push(r);
                grown = true;
            } else {
                loose.push(r);
            }
        }
    }
    // 黑白灰三色: single characters, only where the talk is of colours.
    for run in runs(t) {
        if context(&run[0]) && run.iter().all(|r| sure.iter().all(|s| r.end <= s.start || s.end <= r.start)) {
            sure.extend(run);
        }
    }
    sure.into_iter().map(|r| Found::new(AttributeKind::Color, r.clone()).what(Some(r))).collect()
}

/// The end of the colour that begins at byte `at`.
fn colour(t: &Talk<'_>, at: usize) -> Option<usize> {
    let (lower, words) = (&t.lower, t.words);
    let listed = words.colours.at(lower, at).map(|end| with_se(lower, end));
    let alone = words.colour_with_se.at(lower, at).filter(|end| lower[*end..].starts_with('色'));
    let alone = alone.map(|end| end + '色'.len_utf8());
    let mut made = None;
    let mut end = at;
    while let Some(next) = words.colour_modifiers.after(lower, end).filter(|r| end > at || r.start == at) {
        end = next.end;
        let tail = lower.len() - lower[end..].trim_start_matches([' ', '-']).len();
        let base = words
            .colours
            .at(lower, tail)
            .or_else(|| words.colour_bases.at(lower, end).map(|e| with_se(lower, e)));
        made = base.or_else(|| lower[end..].starts_with('色').then(|| end + '色'.len_utf8())).or(made);
        if end >= lower.len() {
            break;
        }
    }
    [listed, alone, made].into_iter().flatten().max()
}

/// After a 色 that may stand there.
fn with_se(lower: &str, end: usize) -> usize {
    if lower[end..].starts_with('色') && !lower[end..].starts_with("色号") {
        end + '色'.len_utf8()
    } else {
        end
    }
}

/// Whether `b` is the next entry after `a` of a list.
fn listed(lower: &str, a: &Range<usize>, b: &Range<usize>) -> bool {
    a.end <= b.start && {
        let gap = lower[a.end..b.start].trim_matches([' ', ',', '，', '、']);
        a.end < b.start
            && (gap.is_empty() && lower[a.end..b.start].trim() != "" || gap == "and" || gap == "or")
    }
}

/// Runs of two to five single colour characters.
fn runs(t: &Talk<'_>) -> Vec<Vec<Range<usize>>> {
    let mut all: Vec<Vec<Range<usize>>> = vec![];
    for r in t.words.colour_bases.all(&t.lower, 0..t.lower.len()) {
        match all.last_mut().filter(|run| run.last().is_some_and(|l| l.end == r.start)) {
            Some(run) => run.push(r),
            None => all.push(vec![r]),
        }
    }
    all.retain(|run| (2..=5).contains(&run.len()));
    all
}
