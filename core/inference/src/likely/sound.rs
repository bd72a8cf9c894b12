//! Mandarin syllables, how characters are read, and which syllables are taken for each other.
//!
//! A lexicon of terms weighs likeness more finely; here one step away is enough, and every step costs the same.

use pinyin::{Pinyin, ToPinyin, ToPinyinMulti};

use super::words::Sound;

/// A way to read a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// The syllable.
    pub sound: Sound,
    /// The tones it may have then, a bit each; none where it has no tone of its own.
    pub tones: u8,
}

/// How `c` can be read, the usual way first, where `sound` knows the syllable.
pub(super) fn readings(c: char, sound: &impl Fn(&str) -> Option<Sound>) -> Vec<Reading> {
    let mut out: Vec<Reading> = vec![];
    for p in c.to_pinyin().into_iter().chain(c.to_pinyin_multi().into_iter().flatten()) {
        let Some(sound) = sound(&plain(p.plain())) else { continue };
        let tones = tone(p);
        match out.iter_mut().find(|r| r.sound == sound) {
            Some(known) => known.tones |= tones,
            None => out.push(Reading { sound, tones }),
        }
    }
    out
}

fn tone(p: Pinyin) -> u8 {
    match p.with_tone_num_end().bytes().last() {
        Some(d @ b'1'..=b'4') => 1 << (d - b'0'),
        _ => 0,
    }
}

/// A syllable in one spelling, without its tone: `lüe4`, `lve` and `lue` are `lve`.
pub(super) fn plain(syllable: &str) -> String {
    let bare = syllable.trim_end_matches(|c: char| c.is_ascii_digit()).replace('ü', "v");
    match bare.as_str() {
        "lue" => "lve".to_owned(),
        "nue" => "nve".to_owned(),
        _ => bare,
    }
}

/// Initials that are taken for each other.
const INITIALS: [(&str, &str); 6] =
    [("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("l", "r"), ("f", "h")];
/// Finals that are taken for each other.
const FINALS: [(&str, &str); 5] =
    [("an", "ang"), ("en", "eng"), ("in", "ing"), ("ian", "iang"), ("uan", "uang")];

/// Initial and final of a syllable without tone; the initial may be empty.
fn split(syllable: &str) -> (&str, &str) {
    let two = ["zh", "ch", "sh"].iter().any(|i| syllable.starts_with(i));
    let one = syllable.starts_with(|c: char| c.is_ascii() && !"aeiouv".contains(c));
    syllable.split_at(if two { 2 } else { usize::from(one) })
}

/// Syllables that `syllable` is easily taken for: one change of initial or final. Some may not exist.
pub(super) fn neighbours(syllable: &str) -> Vec<String> {
    let (initial, rest) = split(syllable);
    let swapped = |pairs: &[(&'static str, &'static str)], x: &str| -> Vec<&'static str> {
        pairs.iter().filter_map(|(a, b)| if *a == x { Some(*b) } else { (*b == x).then_some(*a) }).collect()
    };
    let mut out: Vec<_> = swapped(&INITIALS, initial).iter().map(|i| format!("{i}{rest}")).collect();
    out.extend(swapped(&FINALS, rest).iter().map(|f| format!("{initial}{f}")));
    out
}
