//! Dates, terms and lengths of time.

use std::ops::Range;

use super::{Found, clause::Talk, measure::unit};
use crate::{
    quantity::{Number, Unit},
    selling_point::AttributeKind,
};

/// Terms (七天无理由, two-year warranty), ends (until midnight, 今晚十二点截止) and lengths of time.
pub(super) fn find(t: &Talk<'_>) -> Vec<Found> {
    let mut all: Vec<Found> = lengths(t);
    all.sort_by_key(|f| f.what.is_empty());
    all.extend(clock(t));
    all.extend(days(t));
    all
}

fn lengths(t: &Talk<'_>) -> Vec<Found> {
    let mut all = vec![];
    for q in &t.numbers {
        let Unit::Time(_) = q.unit else { continue };
        let found = |range, what| {
            Found::new(AttributeKind::Date, range).what(what).amount(q.value.as_f64(), unit(&q.unit))
        };
        match term(t, &q.range) {
            Some(term) => {
                all.push(found(q.range.start.min(term.start)..q.range.end.max(term.end), Some(term)));
            }
            // 一天, a minute: more often a manner of speaking.
            None if q.value == Number::small(1) => {}
            None if ["等我", "等", "倒数", "倒计时", "wait", "give me", "hold on", "in"].iter().any(
                |w| {
                    let head = t.lower[..q.range.start].trim_end();
                    head.ends_with(w)
                },
            ) => {}
            None => all.push(found(q.range.clone(), None)),
        }
    }
    all
}

/// The term that a length of time belongs to, right before or after it.
fn term(t: &Talk<'_>, range: &Range<usize>) -> Option<Range<usize>> {
    let (lower, words) = (&t.lower, t.words);
    let skip = |mut at: usize, links: &[&str]| {
        while let Some(link) = links.iter().find(|l| lower[at..].starts_with(**l)) {
            at += link.len();
        }
        at
    };
    let after = skip(range.end, &["的", "之内", "以内", "内", " of", " ", "-", "超长", "整机"]);
    let clause = t.clause(range);
    if let Some(end) = words.terms.at(lower, after).filter(|end| *end <= clause.end) {
        return Some(after..end);
    }
    // 内发货 itself begins with 内.
    if let Some(term) = words.terms.after(lower, range.end) {
        return Some(term);
    }
    let mut end = range.start;
    for link in [
        "是", "有", "长达", "为", "达到", "可达", "能到", "到", "：", ":", " of", " is", " for", " lasts",
        "a ", " ", "你",
    ] {
        while let Some(cut) = lower[..end].strip_suffix(link) {
            end = cut.len();
        }
    }
    words.terms.before(lower, end).filter(|r| r.end == end && r.start >= clause.start)
}

/// Days with a word of an end or a beginning: until midnight, 双十一之前.
fn days(t: &Talk<'_>) -> Vec<Found> {
    let (lower, words) = (&t.lower, t.words);
    let mut all = vec![];
    for day in words.day_words.all(lower, 0..lower.len()) {
        let before =
            words.day_cues.before(lower, day.start).filter(|c| lower[c.end..day.start].trim().is_empty());
        let after = words.day_cues.after(lower, day.end).filter(|_| !lower.is_ascii());
        let range = before.as_ref().map_or(day.start, |c| c.start)..after.as_ref().map_or(day.end, |c| c.end);
        // "Today only" is the one English end that follows its day.
        let only = lower[day.end..].starts_with(" only").then(|| day.start..day.end + 5);
        if let Some(range) = only.or_else(|| (before.is_some() || after.is_some()).then_some(range)) {
            all.push(Found::new(AttributeKind::Date, range).what(Some(day)));
        }
    }
    all
}

/// Chinese dates and times of day: 十一月二十一号, 今晚十二点半; English ones with am, pm or o'clock.
fn clock(t: &Talk<'_>) -> Vec<Found> {
    let (lower, words) = (&t.lower, t.words);
    let mut all: Vec<Found> = vec![];
    for (at, c) in lower.char_indices() {
        let end = at + c.len_utf8();
        let head = numeral_before(lower, at);
        let date = c == '月' && head < at;
        let time = c == '点' && head < at;
        let noon = matches!(c, 'a' | 'p' | 'o') && head_en(lower, at).is_some();
        if date {
            let day = numeral_after(lower, end);
            if let Some(mark) = lower[day..].chars().next().filter(|m| day > end && "号日".contains(*m)) {
                let range = head..day + mark.len_utf8();
                all.push(Found::new(AttributeKind::Date, range.clone()).what(Some(range)));
            }
        } else if time {
            let part = words.day_parts.before(lower, head).filter(|p| p.end == head);
            let mut tail = numeral_after(lower, end);
            if tail > end && lower[tail..].starts_with('分') {
                tail += '分'.len_utf8();
            }
            let whole = ["钟", "半", "整"].iter().find(|w| lower[end..].starts_with(**w));
            let tail = whole.map_or(tail, |w| end + w.len());
            let cue = words.day_cues.after(lower, tail);
            if part.is_some() || cue.is_some() {
                let start = part.map_or(head, |p| p.start);
                let range = start..cue.map_or(tail, |c| c.end);
                all.push(Found::new(AttributeKind::Date, range).what(Some(start..tail)));
            }
        } else if noon && let Some(start) = head_en(lower, at) {
            let tail = ["am", "pm", "o'clock", "a.m.", "p.m."].iter().find(|w| lower[at..].starts_with(**w));
            let Some(tail) = tail.map(|w| at + w.len()) else { continue };
            let cue = words.day_cues.before(lower, start).filter(|c| lower[c.end..start].trim().is_empty());
            let cue = cue.filter(|_| !lower[tail..].starts_with(|c: char| c.is_alphanumeric()));
            if let Some(cue) = cue {
                all.push(Found::new(AttributeKind::Date, cue.start..tail).what(Some(start..tail)));
            }
        }
    }
    all
}

fn is_numeral(c: char) -> bool {
    c.is_ascii_digit() || "零一二两三四五六七八九十".contains(c)
}

fn numeral_before(text: &str, end: usize) -> usize {
    text[..end].trim_end_matches(is_numeral).len()
}

fn numeral_after(text: &str, start: usize) -> usize {
    text.len() - text[start..].trim_start_matches(is_numeral).len()
}

/// The start of the hour before "am" or "pm" at byte `at`: digits, or one word for a number up to twelve.
fn head_en(lower: &str, at: usize) -> Option<usize> {
    const HOURS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let head = lower[..at].trim_end();
    let digits = head.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':').len();
    let word = HOURS.iter().find(|h| head.ends_with(**h)).map(|h| head.len() - h.len());
    (digits < head.len()).then_some(digits).or(word)
}
