//! How usual a run of Chinese characters is, by the frequencies of a dictionary. Pure, but for loading that dictionary once.

use std::sync::LazyLock;

use jieba_rs::Jieba;

use super::usual;

static DICTIONARY: LazyLock<Jieba> = LazyLock::new(|| {
    let mut dictionary = Jieba::new();
    for word in usual::phrases() {
        dictionary.add_word(word, Some(USUAL_COUNT), None);
    }
    dictionary
});

/// What hosts of lives say all day is taken to be so often in the dictionary's texts, where it is not.
const USUAL_COUNT: usize = 3_000;

/// Words counted in the dictionary's texts.
const COUNTED: f64 = 6.0e7;
/// A character that is in no word stands for so many.
const UNKNOWN: f64 = 1.0;

/// The natural logarithm of how probable `text` is as running words; 0 for no text.
pub(super) fn likelihood(text: &str) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    DICTIONARY.cut(text, false).iter().map(|t| (count(t.word) / COUNTED).ln()).sum()
}

/// How often the dictionary's texts have `word`.
fn count(word: &str) -> f64 {
    if DICTIONARY.has_word(word) { (DICTIONARY.suggest_freq(word) as f64).max(UNKNOWN) } else { UNKNOWN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_words_are_likelier_than_nonsense() {
        assert!(likelihood("今天") > likelihood("充电") && likelihood("充电") > likelihood("裤腰"));
        assert!(likelihood("主播") > likelihood("猪波"));
        assert!(likelihood("").abs() < f64::EPSILON);
    }
}
