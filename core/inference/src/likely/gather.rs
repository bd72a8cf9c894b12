//! The tables from their sources: a dictionary with syllables, and n-grams in the usual text form (ARPA, after D. Paul
//! and the SRI tools). The same text always gives the same tables.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, BufRead},
};

use super::{
    is_han,
    sound::plain,
    words::{Id, LONGEST, PAIR_BITS, PER_NAT, START, Sound, Tables, UNKNOWN},
};

/// Text that gives no tables.
#[derive(Debug, thiserror::Error)]
pub enum BadText {
    /// It could not be read.
    #[error("{what} cannot be read: {source}")]
    Read {
        /// The dictionary or the n-grams.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A line is not of the form.
    #[error("line {line} of {what} is not of the form")]
    Line {
        /// The dictionary or the n-grams.
        what: &'static str,
        /// From 1.
        line: usize,
    },
    /// It ends early, is something else, or is more than the tables can hold.
    #[error("{what} {why}")]
    Unfit {
        /// The dictionary or the n-grams.
        what: &'static str,
        /// Why.
        why: &'static str,
    },
}

const DICTIONARY: &str = "the dictionary";
const NGRAMS: &str = "the n-grams";

/// From lines such as `充电宝 chong'dian'bao`, where what follows the syllables is passed over, and from ARPA text,
/// of which words and pairs are kept. Only words of at most five Chinese characters that are in both can be looked up.
pub(crate) fn gather(dictionary: impl BufRead, ngrams: impl BufRead) -> Result<Tables, BadText> {
    let mut tables = likelihoods(ngrams)?;
    let mut spoken: Vec<(Vec<String>, Id)> = vec![];
    for (i, line) in dictionary.lines().enumerate() {
        let line = line.map_err(|source| BadText::Read { what: DICTIONARY, source })?;
        let mut parts = line.split_ascii_whitespace();
        let Some(word) = parts.next() else { continue };
        let Some(id) = tables.id(word).filter(|_| fits(word)) else { continue };
        let syllables: Vec<_> = parts.next().unwrap_or("").split('\'').map(plain).collect();
        if syllables.len() != word.chars().count() || syllables.iter().any(String::is_empty) {
            return Err(BadText::Line { what: DICTIONARY, line: i + 1 });
        }
        spoken.push((syllables, id));
    }
    let sounds: BTreeSet<&String> = spoken.iter().flat_map(|(s, _)| s).collect();
    tables.sounds = sounds.into_iter().cloned().collect();
    let too_many = BadText::Unfit { what: DICTIONARY, why: "has too many syllables" };
    if tables.sounds.is_empty() {
        return Err(BadText::Unfit { what: DICTIONARY, why: "has no word of the n-grams" });
    }
    if tables.sounds.len() >= usize::from(Sound::MAX) {
        return Err(too_many);
    }
    let mut rows = BTreeSet::new();
    for (syllables, id) in &spoken {
        let mut row = [0; LONGEST];
        for (to, syllable) in row.iter_mut().zip(syllables) {
            let at = tables.sounds.binary_search(syllable).unwrap_or_default();
            *to = Sound::try_from(at + 1).unwrap_or_default();
        }
        rows.insert((row, *id));
    }
    (tables.spoken, tables.spelt) = rows.into_iter().unzip();
    Ok(tables)
}

/// Single words and pairs.
fn likelihoods(ngrams: impl BufRead) -> Result<Tables, BadText> {
    let mut singles: Vec<(String, u16, u16)> = vec![];
    let mut pairs: Vec<(Id, u32)> = vec![];
    let mut ids: HashMap<String, Id> = HashMap::new();
    let mut order = 0;
    for (i, line) in ngrams.lines().enumerate() {
        let line = line.map_err(|source| BadText::Read { what: NGRAMS, source })?;
        let line = line.trim();
        let bad = || BadText::Line { what: NGRAMS, line: i + 1 };
        if let Some(head) = line.strip_prefix('\\') {
            order = head.strip_suffix("-grams:").and_then(|n| n.parse().ok()).unwrap_or(0);
            if order == 2 {
                singles.sort();
                singles.dedup_by(|a, b| a.0 == b.0);
                let numbered = (0..).zip(&singles).map(|(id, (word, ..))| (word.clone(), id));
                ids = numbered.collect();
            }
            if order > 2 {
                break;
            }
            continue;
        }
        if order == 0 || line.is_empty() {
            continue;
        }
        let mut parts = line.split_ascii_whitespace();
        let unlikely = parts.next().and_then(unlikely).ok_or_else(bad)?;
        let first = parts.next().ok_or_else(bad)?;
        if order == 1 {
            let back_off = parts.next().map_or(Some(0), self::unlikely).ok_or_else(bad)?;
            if fits(first) || first == START || first == UNKNOWN {
                singles.push((first.to_owned(), unlikely, back_off));
            }
        } else {
            let second = parts.next().ok_or_else(bad)?;
            if let (Some(first), Some(second)) = (ids.get(first), ids.get(second)) {
                let unlikely = u32::from(unlikely).min((1 << PAIR_BITS) - 1);
                pairs.push((*first, second << PAIR_BITS | unlikely));
            }
        }
    }
    if ids.is_empty() {
        return Err(BadText::Unfit {
            what: NGRAMS,
            why: "have no pairs of words: not in the ARPA form, or cut short",
        });
    }
    if ids.len() > 1 << (u32::BITS - PAIR_BITS) {
        return Err(BadText::Unfit { what: NGRAMS, why: "have too many words" });
    }
    Ok(tables(&singles, pairs))
}

fn tables(singles: &[(String, u16, u16)], mut pairs: Vec<(Id, u32)>) -> Tables {
    pairs.sort_unstable();
    pairs.dedup_by_key(|(first, pair)| (*first, *pair >> PAIR_BITS));
    let mut out = Tables::default();
    let mut done = 0;
    for (id, (word, unlikely, back_off)) in (0..).zip(singles) {
        out.text.push_str(word);
        out.ends.push(u32::try_from(out.text.len()).unwrap_or(u32::MAX));
        out.unlikely.push(*unlikely);
        out.back_off.push(*back_off);
        out.rows.push(u32::try_from(done).unwrap_or(u32::MAX));
        done += pairs[done..].partition_point(|(first, _)| *first == id);
    }
    out.rows.push(u32::try_from(done).unwrap_or(u32::MAX));
    out.pairs = pairs.into_iter().map(|(_, pair)| pair).collect();
    out
}

/// Whether a word can be looked up.
fn fits(word: &str) -> bool {
    word.chars().all(is_han) && (1..=LONGEST).contains(&word.chars().count())
}

/// A common logarithm of a probability, in thousandths of a nat below zero.
fn unlikely(text: &str) -> Option<u16> {
    let nats = -text.parse::<f32>().ok()? * std::f32::consts::LN_10;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    nats.is_finite().then(|| (nats * PER_NAT).round().clamp(0.0, f32::from(u16::MAX)) as u16)
}
