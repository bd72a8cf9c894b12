//! Words that are never put in anybody's mouth: they stay where they were heard, and are brought in nowhere.

use std::{collections::HashSet, sync::LazyLock};

use super::lattice::Heard;

/// The longest of them, in characters.
const LONGEST: usize = 4;
/// Bytes of a Chinese character of the basic block: all there is in a run.
const WIDE: usize = 3;

static WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| read(include_str!("../../data/unsaid.zh.txt")));

/// The words of a list; `#` begins a remark.
fn read(list: &str) -> HashSet<&str> {
    list.lines().filter_map(|line| line.split('#').next()).flat_map(str::split_whitespace).collect()
}

/// Whether one of them ends among the last `fresh` characters of `text`, which stands where `heard` begins, and was not
/// heard so.
pub(super) fn brings_in(text: &str, fresh: usize, heard: &[Heard]) -> bool {
    let count = text.len() / WIDE;
    (count.saturating_sub(fresh) + 1..=count).any(|end| {
        (1..=LONGEST.min(end)).any(|length| {
            let from = end - length;
            let Some(word) = text.get(from * WIDE..end * WIDE) else { return false };
            let as_heard = heard.get(from..end).is_some_and(|h| word.chars().eq(h.iter().map(|h| h.c)));
            !as_heard && WORDS.contains(word)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_of_short_chinese_words() {
        assert!(WORDS.len() > 100);
        for word in WORDS.iter() {
            assert!(
                (1..=LONGEST).contains(&word.chars().count()) && word.chars().all(super::super::is_han),
                "{word}"
            );
        }
    }

    #[test]
    fn a_word_is_brought_in_where_it_was_not_heard() {
        let heard = |text: &str| text.chars().map(|c| Heard { c, p: 0.5 }).collect::<Vec<_>>();
        assert!(brings_in("防踢春药", 2, &heard("防踢蠢幼")));
        assert!(brings_in("防踢春药", 1, &heard("防踢春幼")));
        assert!(!brings_in("防踢春药", 2, &heard("防踢春药")), "said is said");
        assert!(!brings_in("春药防踢", 2, &heard("蠢幼防踢")), "not among the fresh ones");
        assert!(!brings_in("", 2, &heard("防踢")));
    }
}
