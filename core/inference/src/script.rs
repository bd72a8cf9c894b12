//! One script for Chinese text: the recogniser flips between Traditional and Simplified inside one file.

use std::sync::LazyLock;

use ferrous_opencc::{OpenCC, config::BuiltinConfig};

static TO_SIMPLIFIED: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::T2s).expect("the dictionaries are compiled into the program")
});

static TO_TRADITIONAL: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::S2t).expect("the dictionaries are compiled into the program")
});

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
    use super::*;

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
