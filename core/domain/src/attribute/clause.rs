//! An utterance as clauses, and which of its values are denied, asked or only likened.

use std::ops::Range;

use super::{
    Found,
    words::{List, Words, words},
};
use crate::{
    quantity::{Quantity, Unit, quantities},
    selling_point::AttributeKind,
    source::Language,
};

/// How far a denial reaches, in bytes: about a dozen Chinese characters, or seven English words.
const DENIAL_BYTES: usize = 40;
/// How far from a likening its picture stands, in bytes.
const SIMILE_BYTES: usize = 10;

/// What stands between the entries of a list.
const JOINS: [&str; 12] = ["，", "、", ",", "/", "和", "跟", "与", "以及", "或者", "and", "or", "nor"];

/// An utterance, with its numbers and clauses.
pub(super) struct Talk<'a> {
    pub text: &'a str,
    /// In ASCII lower case, byte for byte as long.
    pub lower: String,
    pub words: &'static Words,
    pub numbers: Vec<Quantity>,
    clauses: Vec<Range<usize>>,
}

impl<'a> Talk<'a> {
    pub fn new(text: &'a str, language: Language) -> Self {
        Self {
            text,
            lower: text.to_ascii_lowercase(),
            words: words(language),
            numbers: quantities(text, language),
            clauses: clauses(text),
        }
    }

    /// The clause that `range` begins in, up to the end of `range` at least.
    pub fn clause(&self, range: &Range<usize>) -> Range<usize> {
        let holds = |c: &&Range<usize>| c.start <= range.start && range.start < c.end;
        self.clauses.iter().find(holds).map_or(0..self.text.len(), |c| c.start..c.end.max(range.end))
    }

    /// The clause before the one that `range` begins in.
    pub fn clause_before(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let start = self.clause(range).start;
        self.clauses.iter().find(|c| c.end == start && c.end > 0).cloned()
    }

    /// The part of a clause between the number before `range` and `range`; lengths of time and pieces (一天, 一片) are no
    /// such numbers.
    pub fn run_up(&self, range: &Range<usize>) -> Range<usize> {
        let clause = self.clause(range);
        let parts = |q: &&Quantity| !matches!(q.unit, Unit::Time(_) | Unit::Count(_));
        let last =
            self.numbers.iter().filter(parts).map(|q| q.range.end).filter(|end| *end <= range.start).max();
        last.map_or(clause.start, |end| end.max(clause.start))..range.start
    }

    /// The entry of `list` nearest before `range`, in its clause and after the number before it.
    pub fn cue(&self, list: &List, range: &Range<usize>) -> Option<Range<usize>> {
        list.last(&self.lower, self.run_up(range))
    }

    /// For each of `found`, which stand in order: whether it is no fact.
    pub fn denied(&self, found: &[Found]) -> Vec<bool> {
        let mut all: Vec<bool> = vec![];
        for (i, f) in found.iter().enumerate() {
            let before = i.checked_sub(1).map(|b| (&found[b], all[b]));
            let goes_on = before.is_some_and(|(b, denied)| denied && self.goes_on(b, f));
            all.push(goes_on || self.denied_alone(f));
        }
        // 黑色和白色都没有了: what is said of the last of a list is said of all.
        for i in (1..found.len()).rev() {
            let gap = &self.lower[found[i - 1].range.end..found[i].range.start];
            if all[i] && found[i - 1].kind == found[i].kind && joined(gap) && self.gone(&found[i].range) {
                all[i - 1] = true;
            }
        }
        all
    }

    /// Whether `f` is one more entry of the list that `before` stands in, and nothing else is said of it.
    fn goes_on(&self, before: &Found, f: &Found) -> bool {
        let rest = &self.lower[f.range.end..self.clause(&f.range).end];
        let bare = rest.chars().all(|c| !c.is_alphanumeric() || "的色".contains(c))
            || JOINS.iter().any(|j| rest.trim_start().starts_with(j));
        let same = self.clause(&before.range) == self.clause(&f.range);
        before.kind == f.kind && joined(&self.lower[before.range.end..f.range.start]) && (bare || same)
    }

    fn denied_alone(&self, f: &Found) -> bool {
        self.asked(&f.range) || self.negated(&f.range) || self.gone_or_out(f) || self.likened(&f.range)
    }

    fn asked(&self, range: &Range<usize>) -> bool {
        let clause = self.clause(range);
        let text = &self.lower[clause.clone()];
        let end = text.trim_end_matches(|c: char| !c.is_alphanumeric() && !"?？".contains(c));
        let mark = end.ends_with(['?', '？']);
        let end = clause.start + end.trim_end_matches(['?', '？', ' ']).len();
        mark || self.words.asks_end.before(&self.lower, end).is_some_and(|r| r.start >= range.end)
            || self.words.asks_within.first(&self.lower, clause).is_some()
    }

    fn negated(&self, range: &Range<usize>) -> bool {
        let lower = &self.lower;
        if self.words.negations_tight.before(lower, range.start).is_some() {
            return true;
        }
        let mut from = self.clause(range).start.max(range.start.saturating_sub(DENIAL_BYTES));
        while !lower.is_char_boundary(from) {
            from += 1;
        }
        let window = from..range.start;
        let excused = self.words.negation_exceptions.all(lower, self.clause(range));
        let denies = |n: &Range<usize>| !excused.iter().any(|e| e.start <= n.start && n.end <= e.end);
        let denial = self.words.negations.all(lower, window.clone()).into_iter().rfind(denies);
        let reset = self.words.resets.last(lower, window);
        denial.is_some_and(|n| reset.is_none_or(|r| r.end <= n.end))
    }

    /// Whether it is said right after `range` that it is gone or not there.
    fn gone(&self, range: &Range<usize>) -> bool {
        let rest = range.end..self.clause(range).end;
        let reset = self.words.resets.first(&self.lower, rest.clone()).map_or(rest.end, |r| r.start);
        let end =
            rest.start + self.lower[rest.clone()].trim_end_matches(|c: char| !c.is_alphanumeric()).len();
        let last = self.words.negations_end.before(&self.lower, end).filter(|r| r.start >= range.end);
        self.words.negations_after.first(&self.lower, range.end..reset.max(range.end)).is_some()
            || last.is_some_and(|r| r.end == end && r.start < reset.max(range.end + 1))
    }

    /// Colours, sizes and materials are gone by a word anywhere after them, amounts by one right after.
    fn gone_or_out(&self, f: &Found) -> bool {
        match f.kind {
            AttributeKind::Color | AttributeKind::Size | AttributeKind::Material => self.gone(&f.range),
            _ => self
                .words
                .negations_after
                .after(&self.lower, f.range.end)
                .is_some_and(|r| &self.lower[r] != "free"),
        }
    }

    fn likened(&self, range: &Range<usize>) -> bool {
        let near = |list: &List| {
            let like = list.last(&self.lower, self.clause(range).start..range.start);
            like.is_some_and(|l| range.start - l.end <= SIMILE_BYTES)
        };
        let rest = range.end..self.clause(range).end;
        near(&self.words.similes)
            || near(&self.words.similes_weak)
                && self.words.simile_ends.first(&self.lower, rest).is_some_and(|e| e.start - range.end <= 6)
    }
}

/// Whether `gap` holds only what joins the entries of a list.
fn joined(gap: &str) -> bool {
    let mut rest = gap.trim();
    while let Some(join) = JOINS.iter().find(|j| rest.starts_with(*j)) {
        rest = rest[join.len()..].trim_start();
    }
    rest.is_empty()
}

/// Clauses end at commas and at the ends of sentences, not inside numbers and not at 、.
fn clauses(text: &str) -> Vec<Range<usize>> {
    let mut all = vec![];
    let mut start = 0;
    let mut before = ' ';
    for (i, c) in text.char_indices() {
        let end = i + c.len_utf8();
        let inside = ".,".contains(c)
            && before.is_ascii_digit()
            && text[end..].chars().next().is_some_and(|n| n.is_ascii_digit());
        if "，。！？；,.!?;\n…".contains(c) && !inside {
            all.push(start..end);
            start = end;
        }
        before = c;
    }
    if start < text.len() {
        all.push(start..text.len());
    }
    all
}
