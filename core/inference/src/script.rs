//! One script for Chinese text: the recogniser flips between Traditional and Simplified inside one file.

use std::sync::LazyLock;

use clipmill_domain::{source::Script, transcript::Utterance};
use ferrous_opencc::{OpenCC, config::BuiltinConfig};

use crate::punctuation::punctuated;

static TO_SIMPLIFIED: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::T2s).expect("the dictionaries are compiled into the program")
});

static TO_TRADITIONAL: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::S2t).expect("the dictionaries are compiled into the program")
});

static TO_TAIWAN: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::S2tw).expect("the dictionaries are compiled into the program")
});

static TO_HONG_KONG: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::S2hk).expect("the dictionaries are compiled into the program")
});

/// Simplified `text` as it is written in `script`.
pub fn written_in(script: Script, text: &str) -> String {
    match script {
        _ if text.is_ascii() => text.to_owned(),
        Script::Simplified => text.to_owned(),
        Script::TraditionalTw => TO_TAIWAN.convert(text),
        Script::TraditionalHk => TO_HONG_KONG.convert(text),
    }
}

/// An utterance of the rows as it is shown in `script`: the same words at the same times, with the marks they lack.
pub fn shown_in(script: Script, u: Utterance) -> Utterance {
    converted(script, punctuated(u))
}

/// The same words at the same times, each with as many characters.
fn converted(script: Script, mut u: Utterance) -> Utterance {
    if script == Script::Simplified {
        return u;
    }
    u.text = same_length(script, &u.text);
    // The words around a character say which one it is to be, so they are written together and parted again.
    let together: String = u.words.iter().map(|w| w.text.as_str()).collect();
    let written = same_length(script, &together);
    let mut rest = written.chars();
    for word in &mut u.words {
        word.text = rest.by_ref().take(word.text.chars().count()).collect();
        if let Some(mended) = &mut word.mended {
            mended.heard = written_in(script, &mended.heard);
        }
    }
    u
}

/// As [`written_in`], but never longer or shorter: then character by character.
fn same_length(script: Script, text: &str) -> String {
    let whole = written_in(script, text);
    if whole.chars().count() == text.chars().count() {
        return whole;
    }
    let one = |c: char| {
        let written = written_in(script, c.encode_utf8(&mut [0; 4]));
        let mut chars = written.chars();
        chars.next().filter(|_| chars.next().is_none()).unwrap_or(c)
    };
    text.chars().map(one).collect()
}

/// `text` in Traditional Chinese, character for character. Text in other scripts comes back as it is.
pub(crate) fn to_traditional(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { TO_TRADITIONAL.convert(text) }
}

/// `text` in Simplified Chinese. Text in other scripts comes back as it is.
pub fn to_simplified(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { particles(&TO_SIMPLIFIED.convert(text)) }
}

/// 著 is the Traditional form of the particle 着 and, in words about writing and fame, a Simplified character itself; the
/// dictionary leaves it alone for the latter's sake.
fn particles(text: &str) -> String {
    const BEFORE: &str = "显卓名专编土原巨论译合遗拙";
    const AFTER: &str = "名作者述称录书";
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let word = out.chars().next_back().is_some_and(|b| BEFORE.contains(b))
            || rest.peek().is_some_and(|a| AFTER.contains(*a));
        out.push(if c == '著' && !word { '着' } else { c });
    }
    out
}

/// Whether `c` is written without spaces around it: Han, kana, and full-width forms.
pub fn is_cjk(c: char) -> bool {
    matches!(u32::from(c),
        0x2E80..=0x2FDF | 0x3000..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0xFF00..=0xFFEF | 0x20000..=0x3FFFF)
}

/// The words as running text: a space between two words unless a side of the seam is Chinese or the seam is before
/// punctuation.
pub fn join_words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in words {
        let seam = text.chars().next_back().zip(word.chars().next());
        if let Some((before, after)) = seam
            && !is_cjk(before)
            && !is_cjk(after)
            && !is_closing(after)
        {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// Punctuation that belongs to the word before it.
pub(crate) fn is_closing(c: char) -> bool {
    matches!(c, ',' | '.' | '!' | '?' | ';' | ':' | '%' | ')' | ']' | '}' | '"' | '\'' | '…' | '”' | '’')
        || matches!(c, '，' | '。' | '！' | '？' | '；' | '：' | '、' | '％' | '）' | '】' | '》')
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{Id as _, MediaTime, RecordingId, Span, UtteranceId, WallTime, transcript::Word};
    use proptest::prelude::*;

    use super::*;

    fn said(words: &[&str]) -> Utterance {
        let at = |i: usize| MediaTime::from_seconds(i as f64);
        let word = |(i, w): (usize, &&str)| Word {
            text: (*w).to_owned(),
            start: at(i),
            end: at(i + 1),
            p: 0.9,
            mended: None,
        };
        Utterance {
            id: UtteranceId::new_at(WallTime::from_millis(1)),
            recording_id: RecordingId::new_at(WallTime::from_millis(1)),
            seq: 0,
            span: Span::new(at(0), at(words.len() + 1)).unwrap(),
            text: join_words(words.iter().copied()),
            words: words.iter().enumerate().map(word).collect(),
            made_by: String::new(),
            language: None,
            speaker: None,
            edited_at: None,
        }
    }

    #[test]
    fn one_character_becomes_what_the_words_around_it_ask_for() {
        let chars = ["头", "发", "很", "干", "净", "，", "发", "货", "，", "家", "里", "穿", "Air", "Max"];
        for (script, text) in [
            (Script::TraditionalTw, "頭髮很乾淨，發貨，家裡穿Air Max"),
            (Script::TraditionalHk, "頭髮很乾淨，發貨，家裏穿Air Max"),
            (Script::Simplified, "头发很干净，发货，家里穿Air Max"),
        ] {
            let shown = converted(script, said(&chars));
            assert_eq!(shown.text, text);
            assert_eq!(join_words(shown.words.iter().map(|w| w.text.as_str())), text);
            assert_eq!(to_simplified(&shown.text), "头发很干净，发货，家里穿Air Max", "and back");
        }
    }

    proptest! {
        #[test]
        fn words_keep_their_times_and_lengths(words in prop::collection::vec("[\\u{4e00}-\\u{9fa5}]{1,3}|[a-z]{1,4}", 0..40), hk: bool) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let before = said(&words);
            let after = converted(if hk { Script::TraditionalHk } else { Script::TraditionalTw }, before.clone());
            prop_assert_eq!(after.text.chars().count(), before.text.chars().count());
            prop_assert_eq!(after.words.len(), before.words.len());
            for (a, b) in after.words.iter().zip(&before.words) {
                prop_assert_eq!((a.start, a.end, a.text.chars().count()), (b.start, b.end, b.text.chars().count()));
            }
        }
    }

    #[test]
    fn traditional_becomes_simplified_and_the_rest_stays() {
        assert_eq!(to_simplified("充電寶 100 塊, ok?"), "充电宝 100 块, ok?");
        assert_eq!(to_simplified("马齿苋"), "马齿苋");
        assert_eq!(to_simplified("不要掛著曬，效果顯著，著名品牌"), "不要挂着晒，效果显著，著名品牌");
    }

    #[test]
    fn words_join_as_each_script_is_written() {
        assert_eq!(join_words(["两", "件", "169", "块", "，"]), "两件169块，");
        assert_eq!(join_words(["It", "is", "12", "ounce", ",", "right", "?"]), "It is 12 ounce, right?");
        assert_eq!(join_words(["买", "iPhone", "15", "吧"]), "买iPhone 15吧");
        assert_eq!(join_words([]), "");
    }
}
