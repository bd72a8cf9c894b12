//! Which examples are judged by a head that has not seen them: dealt round by label, or whole styles at a time.

use clipmill_domain::taxonomy::Label;

use super::{ClassifyError, Example, LABELS};

/// Texts whose character trigrams agree in this share are near-duplicates, and are held out together.
const ALIKE: f64 = 0.5;

/// Fewer styles than this say nothing about talk of another style.
const STYLES_MIN: usize = 4;

/// The part that each example is held out with: dealt round within each label, so every part has every label.
/// Near-duplicates lie in one part.
pub(super) fn by_label(examples: &[Example], folds: usize) -> Result<Vec<usize>, ClassifyError> {
    let mut count = [0usize; LABELS];
    examples.iter().for_each(|e| count[e.label.index()] += 1);
    if let Some(l) = Label::ALL.into_iter().find(|l| count[l.index()] < folds) {
        return Err(ClassifyError::TooFew { label: l.key(), found: count[l.index()], needed: folds });
    }
    let first = near_duplicates(examples);
    let mut dealt = [0usize; LABELS];
    let mut parts: Vec<usize> = vec![];
    for (i, example) in examples.iter().enumerate() {
        let part = match first[i] {
            same if same < i => parts[same],
            _ => {
                let dealt = &mut dealt[example.label.index()];
                *dealt += 1;
                (*dealt - 1) % folds
            }
        };
        parts.push(part);
    }
    Ok(parts)
}

/// The part that each example is held out with, whole styles together, in parts of about one size; `None` where there
/// are too few styles to tell.
pub(super) fn by_style(examples: &[Example], folds: usize) -> Option<Vec<usize>> {
    let mut sizes: Vec<(&str, usize)> = vec![];
    for e in examples {
        match sizes.iter_mut().find(|(style, _)| *style == e.style) {
            Some((_, n)) => *n += 1,
            None => sizes.push((&e.style, 1)),
        }
    }
    if sizes.len() < STYLES_MIN.max(folds) {
        return None;
    }
    sizes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let mut load = vec![0; folds];
    let part_of = sizes.into_iter().map(|(style, n)| {
        let part = (0..folds).min_by_key(|i| load[*i]).unwrap_or(0);
        load[part] += n;
        (style, part)
    });
    let part_of: std::collections::HashMap<&str, usize> = part_of.collect();
    examples.iter().map(|e| part_of.get(e.style.as_str()).copied()).collect()
}

/// For each example, the first one that it is a near-duplicate of, by however many steps: itself where there is none.
fn near_duplicates(examples: &[Example]) -> Vec<usize> {
    let grams: Vec<Vec<[char; 3]>> = examples.iter().map(|e| trigrams(&e.text)).collect();
    let mut first: Vec<usize> = (0..examples.len()).collect();
    for i in 0..grams.len() {
        for j in 0..i {
            let (a, b) = (&grams[i], &grams[j]);
            let (short, long) = (a.len().min(b.len()), a.len().max(b.len()));
            if short as f64 >= ALIKE * long as f64 && first[i] != first[j] && alike(a, b) >= ALIKE {
                let (old, new) = (first[i].max(first[j]), first[i].min(first[j]));
                first.iter_mut().filter(|f| **f == old).for_each(|f| *f = new);
            }
        }
    }
    first
}

/// Character trigrams of letters and digits, sorted, none twice.
fn trigrams(text: &str) -> Vec<[char; 3]> {
    let chars: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let mut grams: Vec<_> = chars.windows(3).map(|w| [w[0], w[1], w[2]]).collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// The share of the trigrams of both that both have.
fn alike(a: &[[char; 3]], b: &[[char; 3]]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0usize);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(text: &str, style: &str) -> Example {
        let line = serde_json::json!({"id": text, "text": text, "label": "fabric", "style": style});
        serde_json::from_value(line).unwrap()
    }

    #[test]
    fn near_duplicates_are_found_through_others() {
        let texts = ["abcdefgh", "zzzzyyyy", "abcdefghij", "cdefghij", "abcdefgh!"];
        let examples: Vec<_> = texts.iter().map(|t| example(t, "")).collect();
        assert_eq!(near_duplicates(&examples), [0, 1, 0, 0, 0]);
    }

    #[test]
    fn a_style_is_held_out_whole_and_few_styles_tell_nothing() {
        let examples: Vec<_> = (0..40).map(|i| example(&i.to_string(), &(i % 7).to_string())).collect();
        let parts = by_style(&examples, 4).unwrap();
        for (e, part) in examples.iter().zip(&parts) {
            assert!(examples.iter().zip(&parts).all(|(o, p)| o.style != e.style || p == part));
        }
        assert!((0..4).all(|p| parts.iter().filter(|q| **q == p).count() >= 5));
        assert_eq!(by_style(&examples, 8), None);
    }
}
