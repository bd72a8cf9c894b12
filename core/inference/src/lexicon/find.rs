//! Where a term was said and something else was written. Pure.
//!
//! A place is weighed as a noisy channel: how probable the written words are as running text, against how probable the
//! term is, how far apart the two sound, and how sure the recogniser was of what it wrote.

use std::ops::Range;

use super::{
    ordinary,
    sound_en::{self, Spoken},
    sound_zh::apart,
    terms::{Origin, Spelling, letters},
    units::Unit,
};

/// A place where a term may stand.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    pub units: Range<usize>,
    pub spelling: &'a Spelling,
    /// How good it is; above 0: put it right; above [`UNSURE`]: look again.
    pub score: f64,
}

/// Natural logarithms all: a place scored between this and 0 is worth a second look, below it is nothing.
pub(super) const UNSURE: f64 = -4.0;

/// A name, and what every host says, is said about once in a thousand words, a trait of a product in ten thousand.
const NAME: f64 = -7.5;
const TRAIT: f64 = -10.0;
/// A syllable that differs wholly is as improbable as this.
const SOUND: f64 = 8.0;
/// How much the recogniser's own odds count for each character that would change.
const SURE: f64 = 0.7;
/// How far a syllable of a trait may be off.
const TRAIT_APART: f32 = 0.5;
/// How far what would change may be off, a syllable: where one thing stands for another that sounds otherwise, only its
/// neighbours speak for the term.
const CHANGED_APART: f32 = 0.5;
/// What a repair must be better by: a wrong repair is worse than a missed one.
const MARGIN: f64 = 2.0;
/// What two characters must be better by on top: short terms sound like much.
const SHORT_MARGIN: f64 = 2.5;
/// The same, where the sound and the tone are the same.
const SAME_SOUND_MARGIN: f64 = 1.0;
/// Characters around the place that the dictionary may join with it.
const CONTEXT: usize = 6;
/// A syllable too many or too few.
const MISSING: f32 = 0.75;
const SWALLOWED: f32 = 0.4;

/// All places in `units` for `spellings`, the best first. `kept` units stand in terms that are written right: they may
/// be part of a longer term, but not be changed.
pub(super) fn places<'a>(units: &[Unit], kept: &[bool], spellings: &'a [Spelling]) -> Vec<Found<'a>> {
    let mut found: Vec<Found<'a>> = spellings
        .iter()
        .filter(|s| s.has_a_sound())
        .flat_map(|s| match &s.english {
            Some(spoken) => english(units, kept, s, spoken),
            None => chinese(units, kept, s),
        })
        .filter(|f| f.score > UNSURE)
        .collect();
    found.sort_by(|a, b| {
        let width = |f: &Found<'_>| f.units.len();
        b.score.total_cmp(&a.score).then(width(b).cmp(&width(a))).then(a.spelling.text.cmp(&b.spelling.text))
    });
    found
}

fn unbroken(units: &[Unit]) -> bool {
    units.iter().skip(1).all(|u| !u.parted)
}

fn chinese<'a>(units: &[Unit], kept: &[bool], s: &'a Spelling) -> Vec<Found<'a>> {
    let n = s.units.len();
    let most = budget(n);
    let slack = usize::from(n >= 4);
    let swallowed = usize::from(n == 3 && s.units.iter().any(|u| missing(u) < MISSING));
    let mut out = vec![];
    for len in n - slack.max(swallowed)..=n + slack {
        for (at, window) in units.windows(len).enumerate() {
            if !unbroken(window) || window.iter().any(|u| u.is_number() && u.readings.is_empty()) {
                continue;
            }
            let Some(distance) = distance(window, &s.units, most) else { continue };
            // A trait, and what every host says, is made of plain words: with another word in it, it is another phrase.
            let near =
                |(a, b): (&Unit, &Unit)| a.text == b.text || apart(&a.readings, &b.readings) <= TRAIT_APART;
            if s.origin <= Origin::Trait && (len != n || !window.iter().zip(&s.units).all(near)) {
                continue;
            }
            let range = at..at + len;
            let changes = changed_part(window, s).len().max(1);
            if distance > CHANGED_APART * changes as f32
                || touches(kept, &range, window, s)
                || window.iter().map(|u| &u.text).eq(s.units.iter().map(|u| &u.text))
            {
                continue;
            }
            out.push(Found { score: weigh(units, &range, s, distance), units: range, spelling: s });
        }
    }
    out
}

/// How far apart a term of so many syllables may sound.
fn budget(n: usize) -> f32 {
    match n {
        0..=2 => 0.3,
        3 => 0.8,
        _ => 0.3 * n as f32,
    }
}

/// Whether a repair would change what is right already.
fn touches(kept: &[bool], range: &Range<usize>, window: &[Unit], s: &Spelling) -> bool {
    changed_part(window, s).any(|i| kept[range.start + i])
}

/// What of `window` is not in the term: all but the longest common beginning and end.
fn changed_part(window: &[Unit], s: &Spelling) -> Range<usize> {
    let same = |(a, b): &(&Unit, &Unit)| a.text == b.text;
    let head = window.iter().zip(&s.units).take_while(same).count();
    let tail = window[head..].iter().rev().zip(s.units.iter().rev()).take_while(same).count();
    head..window.len() - tail
}

/// The sum of what differs in sound, if it is within `most`.
fn distance(window: &[Unit], term: &[Unit], most: f32) -> Option<f32> {
    let one = |a: &Unit, b: &Unit| {
        if a.text == b.text { 0.0 } else { apart(&a.readings, &b.readings) }
    };
    if window.len() == term.len() {
        let mut sum = 0.0;
        for (a, b) in window.iter().zip(term) {
            sum += one(a, b);
            if sum > most {
                return None;
            }
        }
        return Some(sum);
    }
    // One more or one less: the two must meet at both ends, or the window is simply too wide.
    let mut row = vec![0.0];
    for b in term {
        row.push(row[row.len() - 1] + missing(b));
    }
    for (i, a) in window.iter().enumerate() {
        let mut before = row[0];
        row[0] = (i + 1) as f32 * MISSING;
        for (j, b) in term.iter().enumerate() {
            let here = (before + one(a, b)).min(row[j] + missing(b)).min(row[j + 1] + MISSING);
            before = std::mem::replace(&mut row[j + 1], here);
        }
    }
    let term_end = term.iter().rev().find(|u| missing(u) >= MISSING || window.len() > term.len());
    let ends = window.first().zip(term.first()).into_iter().chain(window.last().zip(term_end));
    let meet = ends.map(|(a, b)| one(a, b)).all(|d| d <= 0.4);
    row.last().copied().filter(|d| *d <= most && meet)
}

/// What it costs that `unit` was not heard: 尔 and 儿 are swallowed by many.
fn missing(unit: &Unit) -> f32 {
    if matches!(unit.text.as_str(), "尔" | "儿") { SWALLOWED } else { MISSING }
}

fn weigh(units: &[Unit], range: &Range<usize>, s: &Spelling, distance: f32) -> f64 {
    let han = |r: Range<usize>| units[r].iter().map(|u| u.text.as_str()).collect::<String>();
    let reach = |u: &&Unit| u.is_han();
    let left = units[..range.start].iter().rev().take(CONTEXT).take_while(reach).count();
    let right = units[range.end..].iter().take(CONTEXT).take_while(reach).count();
    let (before, after) = (han(range.start - left..range.start), han(range.end..range.end + right));
    let heard = ordinary::likelihood(&(before.clone() + &han(range.clone()) + &after));
    let prior = if s.origin == Origin::Trait { TRAIT } else { NAME };
    let right_words = ordinary::likelihood(&before) + prior + ordinary::likelihood(&after);
    let doubt: f64 = changed(&units[range.clone()], s).map(|u| odds(u.p)).sum();
    let short = match s.units.len() {
        0..=2 if distance > 0.0 => SHORT_MARGIN,
        0..=2 => SAME_SOUND_MARGIN,
        _ => 0.0,
    };
    right_words - heard - SOUND * f64::from(distance) - SURE * doubt - MARGIN - short
}

fn changed<'u>(window: &'u [Unit], s: &'u Spelling) -> impl Iterator<Item = &'u Unit> {
    let same_length = window.len() == s.units.len();
    window
        .iter()
        .enumerate()
        .filter(move |(i, u)| !(same_length && s.units[*i].text == u.text))
        .map(|(_, u)| u)
}

/// The recogniser's odds as a logarithm, within reason: it is often surer than it should be.
fn odds(p: f32) -> f64 {
    let p = f64::from(p.clamp(0.05, 0.98));
    (p / (1.0 - p)).ln().clamp(-1.5, 3.5)
}

/// English words are weighed by likeness alone: there is no list of how often each is said.
fn english<'a>(units: &[Unit], kept: &[bool], s: &'a Spelling, spoken: &Spoken) -> Vec<Found<'a>> {
    let size = spoken.letters.len();
    let mut out = vec![];
    for at in 0..units.len() {
        for len in 1..=s.units.len() + 2 {
            let Some(window) = units.get(at..at + len) else { break };
            let plain =
                window.iter().all(|u| u.is_latin() || (u.is_number() && s.units.iter().any(Unit::is_number)));
            if !plain || !unbroken(window) {
                break;
            }
            let heard = letters(window);
            if heard.len() * 5 < size * 3 || heard.len() * 3 > size * 5 {
                continue;
            }
            let range = at..at + len;
            if let Some(score) = likeness(window, heard, s, spoken)
                && !touches(kept, &range, window, s)
            {
                out.push(Found { units: range, spelling: s, score });
            }
        }
    }
    out
}

/// Whether one has all units of the other in a row: a word more or less is another thing that is said, no mishearing.
fn holds(a: &[Unit], b: &[Unit]) -> bool {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    long.windows(short.len().max(1)).any(|w| w.iter().map(|u| &u.text).eq(short.iter().map(|u| &u.text)))
}

fn likeness(window: &[Unit], heard: String, s: &Spelling, spoken: &Spoken) -> Option<f64> {
    if holds(window, &s.units) {
        return None;
    }
    if heard == spoken.letters {
        // The same letters, parted otherwise.
        return Some(6.0);
    }
    let heard = Spoken::new(heard);
    if heard.is_form_of(spoken) {
        return None;
    }
    let alike = heard.alike(spoken);
    let strange = window.iter().filter(|u| !s.units.iter().any(|t| t.text == u.text));
    let (mut sure, mut common, mut count) = (0.0f64, 0usize, 0usize);
    for u in strange {
        sure = sure.max(odds(u.p));
        common += usize::from(sound_en::is_common(&u.text));
        count += 1;
    }
    // Where nothing but common words would go, the sound alone is not enough; less so beside a word of the term.
    let common = match count < window.len() {
        _ if common < count => 0.0,
        true => 2.0,
        false => 4.0,
    };
    let short = if spoken.letters.len() < 6 { 2.0 } else { 0.0 };
    Some((alike - ENGLISH_ALIKE) * ENGLISH_SLOPE - SURE * sure.max(0.0) * 0.8 - common - short)
}

/// Spellings less alike than this need an unsure recogniser on top.
const ENGLISH_ALIKE: f64 = 0.68;
const ENGLISH_SLOPE: f64 = 20.0;
