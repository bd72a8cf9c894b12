//! An operator's text laid over the words that were recognised. Pure.

use std::ops::Range;

use clipmill_domain::transcript::{Mended, MendedBy};

use super::{
    SpokenWord,
    rewrite::{pieces, respelled},
    units::of_text,
};
use crate::script::join_words;

/// A correction may not leave nothing: what was no speech is taken away as a whole, elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the corrected text has no words in it: write what was said")]
pub struct NoWords;

/// `text` as words in place of `words`: what is the same keeps its word and time, the rest takes the time of what it
/// replaces and says what was heard there.
///
/// # Errors
/// [`NoWords`], and there is nothing to lay a text over when there are no words.
pub fn corrected<W: SpokenWord>(words: &[W], text: &str) -> Result<Vec<W>, NoWords> {
    let new = pieces(text);
    if words.is_empty() || of_text(text).is_empty() {
        return Err(NoWords);
    }
    let mut out: Vec<W> = vec![];
    // What was heard and is gone before any word that stays.
    let mut gone = String::new();
    for step in steps(words, &new) {
        match step {
            Step::Same(i, j) => {
                let mut word = words[i].clone();
                if word.text() != new[j] {
                    word = by_operator(&word, new[j].clone(), word.heard().to_owned());
                }
                if !gone.is_empty() {
                    let heard = join_words([std::mem::take(&mut gone).as_str(), word.heard()]);
                    word = by_operator(&word, word.text().to_owned(), heard);
                }
                out.push(word);
            }
            Step::Other(old, to) if to.is_empty() => {
                let heard = join_words(words[old].iter().map(W::heard));
                match out.last_mut() {
                    Some(last) => {
                        let heard = join_words([last.heard(), heard.as_str()]);
                        *last = by_operator(last, last.text().to_owned(), heard);
                    }
                    None => gone = heard,
                }
            }
            Step::Other(old, to) if old.is_empty() => {
                // Nothing was heard where something was said: it shares the time of its neighbour.
                let beside = out.pop();
                let before = beside.as_ref().map(|w| w.text().to_owned());
                let beside = beside.or_else(|| words.first().cloned());
                let all: Vec<String> = before.into_iter().chain(new[to].iter().cloned()).collect();
                out.extend(respelled(beside.as_slice(), &all, MendedBy::Operator));
            }
            Step::Other(old, to) => out.extend(respelled(&words[old], &new[to], MendedBy::Operator)),
        }
    }
    Ok(in_order(out))
}

fn by_operator<W: SpokenWord>(word: &W, text: String, heard: String) -> W {
    word.written(text, word.start_s(), word.end_s(), word.p(), Mended { heard, by: MendedBy::Operator })
}

/// Words that share a neighbour's time may not begin before the end of the one before.
fn in_order<W: SpokenWord>(mut words: Vec<W>) -> Vec<W> {
    for i in 1..words.len() {
        let floor = words[i - 1].end_s();
        if words[i].start_s() < floor {
            let w = &words[i];
            let mended = w
                .mended()
                .cloned()
                .unwrap_or_else(|| Mended { heard: w.heard().to_owned(), by: MendedBy::Operator });
            words[i] = w.written(w.text().to_owned(), floor, w.end_s().max(floor), w.p(), mended);
        }
    }
    words
}

/// What a rule made from a correction would be: what was written and what it is now, the smallest span that differs, in
/// whole words and at least two characters of each. `None` where the texts differ in marks only, in more than one
/// place, or in too much to be a mishearing.
pub fn rule_between<W: SpokenWord>(words: &[W], text: &str) -> Option<(String, String)> {
    let new = pieces(text);
    let others: Vec<_> = steps(words, &new)
        .into_iter()
        .filter_map(|s| match s {
            Step::Other(old, to) => Some((old, to)),
            Step::Same(..) => None,
        })
        .collect();
    let [(old, to)] = others.as_slice() else { return None };
    let (mut old, mut to) = (old.clone(), to.clone());
    let wide = |old: &Range<usize>, to: &Range<usize>| {
        let heard = join_words(words[old.clone()].iter().map(|w| bare(w.text())));
        let right = join_words(new[to.clone()].iter().map(|t| bare(t)));
        (heard, right)
    };
    let short = |t: &str| t.chars().filter(|c| c.is_alphanumeric()).count() < 2;
    loop {
        let (heard, right) = wide(&old, &to);
        if !short(&heard) && !short(&right) {
            return (heard.chars().count() <= RULE_CHARS_MAX && right.chars().count() <= RULE_CHARS_MAX)
                .then_some((heard, right));
        }
        if old.end < words.len() && to.end < new.len() {
            (old.end, to.end) = (old.end + 1, to.end + 1);
        } else if old.start > 0 && to.start > 0 {
            (old.start, to.start) = (old.start - 1, to.start - 1);
        } else {
            return None;
        }
    }
}

/// A longer span is a sentence that was written anew.
const RULE_CHARS_MAX: usize = 30;

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

enum Step {
    /// Word and piece are the same but for marks and case.
    Same(usize, usize),
    Other(Range<usize>, Range<usize>),
}

/// The way from `words` to `new` with the most that stays (longest common subsequence).
fn steps<W: SpokenWord>(words: &[W], new: &[String]) -> Vec<Step> {
    let same = |i: usize, j: usize| bare(words[i].text()) == bare(&new[j]) && !bare(&new[j]).is_empty();
    let (n, m) = (words.len(), new.len());
    let mut longest = vec![vec![0u32; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            longest[i][j] =
                if same(i, j) { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out: Vec<Step> = vec![];
    while i < n || j < m {
        if i < n && j < m && same(i, j) {
            out.push(Step::Same(i, j));
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let word_goes = j == m || (i < n && longest[i + 1][j] >= longest[i][j + 1]);
        let (di, dj) = if word_goes { (1, 0) } else { (0, 1) };
        match out.last_mut() {
            Some(Step::Other(old, to)) => (old.end, to.end) = (i + di, j + dj),
            _ => out.push(Step::Other(i..i + di, j..j + dj)),
        }
        (i, j) = (i + di, j + dj);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lexicon::tests::{said, text_of};

    #[test]
    fn what_stays_keeps_its_time() {
        let words = said("最后一个是词细充电宝", 0.9);
        let now = corrected(&words, "最后一个是磁吸充电宝。").unwrap();
        assert_eq!(text_of(&now), "最后一个是磁吸充电宝。");
        for (a, b) in words.iter().zip(&now) {
            assert_eq!((a.start_s, a.end_s), (b.start_s, b.end_s));
        }
        let mended: Vec<_> = now.iter().filter_map(|w| w.mended.as_ref()).map(|m| m.heard.as_str()).collect();
        assert_eq!(mended, ["词细", "", "宝"]);
        assert_eq!(rule_between(&words, "最后一个是磁吸充电宝。"), Some(("词细".into(), "磁吸".into())));
    }

    #[test]
    fn a_rule_is_whole_words_and_two_characters_at_least() {
        assert_eq!(
            rule_between(&said("下面这个面双是", 0.9), "下面这个面霜是"),
            Some(("双是".into(), "霜是".into()))
        );
        assert_eq!(
            rule_between(&said("try the eon glow now", 0.9), "try the AeonGlow now"),
            Some(("eon glow".into(), "AeonGlow".into()))
        );
        assert_eq!(rule_between(&said("好的", 0.9), "好的。"), None);
        assert_eq!(rule_between(&said("甲乙丙丁戊", 0.9), "子乙丙丁丑"), None, "two places");
    }

    proptest! {
        #[test]
        fn a_correction_says_what_it_says_and_stays_in_its_time(old in "[甲乙丙a1 ，]{1,12}", new in "[甲乙丁b2 。]{1,12}") {
            let words = said(&old, 0.9);
            match corrected(&words, &new) {
                Err(NoWords) => prop_assert!(words.is_empty() || !new.chars().any(char::is_alphanumeric)),
                Ok(now) => {
                    let plain = |t: &str| t.replace(' ', "");
                    prop_assert_eq!(plain(&text_of(&now)), plain(&new));
                    prop_assert!(now.windows(2).all(|w| w[0].end_s <= w[1].start_s + 1e-9));
                    let (first, last) = (words[0].start_s, words[words.len() - 1].end_s);
                    prop_assert!(now.iter().all(|w| w.start_s >= first && w.end_s <= last + 1e-9 && w.start_s <= w.end_s));
                }
            }
        }
    }
}
