//! Mandarin syllables and the ones they are taken for.

/// Initials that are taken for each other.
const INITIALS: [(&str, &str); 6] =
    [("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("l", "r"), ("f", "h")];
/// Finals that are taken for each other.
const FINALS: [(&str, &str); 5] =
    [("an", "ang"), ("en", "eng"), ("in", "ing"), ("ian", "iang"), ("uan", "uang")];

/// Initial and final of a syllable without tone; the initial may be empty.
fn split(syllable: &str) -> (&str, &str) {
    let two = ["zh", "ch", "sh"].iter().any(|i| syllable.starts_with(i));
    let one = syllable.starts_with(|c: char| !"aeiouv".contains(c));
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

/// `chong1` into `chong` and 1; no digit, or 5, is no tone.
pub(super) fn tone_apart(syllable: &str) -> (&str, u8) {
    match syllable.as_bytes().last() {
        Some(d @ b'1'..=b'4') => (&syllable[..syllable.len() - 1], d - b'0'),
        Some(b'0' | b'5') => (&syllable[..syllable.len() - 1], 0),
        _ => (syllable, 0),
    }
}
