//! What hosts of lives say all day, whatever they sell: more usual here than in books and newspapers.

use std::sync::LazyLock;

static PHRASES: LazyLock<Vec<String>> = LazyLock::new(|| read(include_str!("../../data/usual.zh.txt")));

/// The phrases, each once.
pub(super) fn phrases() -> &'static [String] {
    &PHRASES
}

/// The phrases of a list; the list itself says how it is written.
fn read(list: &str) -> Vec<String> {
    let written = list.lines().filter_map(|line| line.split('#').next()).flat_map(str::split_whitespace);
    let mut all: Vec<String> = written.flat_map(opened).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Every phrase that `phrase` with its brackets stands for.
fn opened(phrase: &str) -> Vec<String> {
    let Some((head, (choices, tail))) =
        phrase.split_once('[').and_then(|(head, rest)| Some((head, rest.split_once(']')?)))
    else {
        return vec![phrase.to_owned()];
    };
    let tails = opened(tail);
    choices.chars().flat_map(|c| tails.iter().map(move |tail| format!("{head}{c}{tail}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_make_a_phrase_of_each_character() {
        assert_eq!(
            read("打[五七]折 # 说明\n\n买[一二]送[一二] 打五折"),
            ["买一送一", "买一送二", "买二送一", "买二送二", "打七折", "打五折"]
        );
    }

    #[test]
    fn every_phrase_is_chinese_and_of_more_than_one_character() {
        assert!(phrases().len() > 200);
        for phrase in phrases() {
            assert!(phrase.chars().count() > 1 && phrase.chars().all(char::is_alphanumeric), "{phrase}");
        }
    }
}
