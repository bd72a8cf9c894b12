//! Hard evidence in words: prices, link numbers, countdowns. Shown beside the model's answer, never the judge:
//! keywords alone call small talk selling.

use clipmill_domain::source::Language;

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleHit {
    /// A price or money amount, as said.
    Price(String),
    /// "Link number N".
    LinkNumber(u32),
    /// A countdown or a stock running out, as said.
    Countdown(String),
    /// A share of a material or result, as said.
    Percent(String),
}

impl RuleHit {
    /// In words, for the reason shown to a person.
    pub fn describe(&self, language: Language) -> String {
        match (self, language) {
            (Self::Price(s), Language::Zh) => format!("说到价格：{s}"),
            (Self::Price(s), Language::En) => format!("price said: {s}"),
            (Self::LinkNumber(n), Language::Zh) => format!("{n} 号链接"),
            (Self::LinkNumber(n), Language::En) => format!("link number {n}"),
            (Self::Countdown(s), Language::Zh) => format!("倒数或库存：{s}"),
            (Self::Countdown(s), Language::En) => format!("countdown or stock: {s}"),
            (Self::Percent(s), Language::Zh) => format!("说到比例：{s}"),
            (Self::Percent(s), Language::En) => format!("share said: {s}"),
        }
    }
}

const ZH_DIGITS: &str = "零一二两三四五六七八九十百千万点半";

fn is_number(c: char) -> bool {
    c.is_ascii_digit() || c == '.' || ZH_DIGITS.contains(c)
}

/// The run of number characters that ends just before byte `end`.
fn number_before(text: &str, end: usize) -> &str {
    let start =
        text[..end].char_indices().rev().take_while(|(_, c)| is_number(*c)).last().map_or(end, |(i, _)| i);
    &text[start..end]
}

/// The run of number characters that starts at byte `start`.
fn number_after(text: &str, start: usize) -> &str {
    let len =
        text[start..].char_indices().find(|(_, c)| !is_number(*c)).map_or(text.len() - start, |(i, _)| i);
    &text[start..start + len]
}

/// Reads a small whole number, Arabic or Chinese (up to 99), as hosts say link numbers.
pub fn small_number(s: &str) -> Option<u32> {
    if let Ok(n) = s.parse() {
        return Some(n);
    }
    let digit = |c| "零一二三四五六七八九".chars().position(|d| d == c).and_then(|p| u32::try_from(p).ok());
    let digit = |c| if c == '两' { Some(2) } else { digit(c) };
    match s.chars().collect::<Vec<_>>()[..] {
        ['十'] => Some(10),
        ['十', u] => Some(10 + digit(u)?),
        [t, '十'] => Some(digit(t)? * 10),
        [t, '十', u] => Some(digit(t)? * 10 + digit(u)?),
        [u] => digit(u),
        _ => None,
    }
}

/// Every rule hit of an utterance, in order of the rules.
pub fn hits(text: &str) -> Vec<RuleHit> {
    let lower = text.to_lowercase();
    let mut found = vec![];
    for unit in ["块", "元"] {
        for (i, _) in lower.match_indices(unit) {
            let n = number_before(&lower, i);
            if !n.is_empty() {
                let tail = number_after(&lower, i + unit.len());
                found.push(RuleHit::Price(format!("{n}{unit}{tail}")));
            }
        }
    }
    for sign in ["$", "¥", "￥"] {
        for (i, _) in lower.match_indices(sign) {
            let n = number_after(&lower, i + sign.len());
            if !n.is_empty() {
                found.push(RuleHit::Price(format!("{sign}{n}")));
            }
        }
    }
    for unit in [" dollars", " bucks", " pounds", " euros"] {
        for (i, _) in lower.match_indices(unit) {
            let word = lower[..i].rsplit(' ').next().unwrap_or_default();
            if !word.is_empty() {
                found.push(RuleHit::Price(format!("{word}{unit}")));
            }
        }
    }
    for cue in ["号链接", "号连接", "号链"] {
        if let Some(n) = lower.find(cue).and_then(|i| small_number(number_before(&lower, i))) {
            found.push(RuleHit::LinkNumber(n));
            break;
        }
    }
    for cue in ["link number ", "link "] {
        let word = lower
            .find(cue)
            .map(|i| lower[i + cue.len()..].split(|c: char| !c.is_alphanumeric()).next().unwrap_or(""));
        if let Some(n) = word.and_then(english_number) {
            found.push(RuleHit::LinkNumber(n));
            break;
        }
    }
    for cue in [
        "倒数",
        "倒计时",
        "只剩",
        "最后几",
        "countdown",
        "only a few",
        "left in stock",
        "three two one",
        "three, two, one",
    ] {
        if lower.contains(cue) {
            found.push(RuleHit::Countdown(cue.to_owned()));
            break;
        }
    }
    if let Some(i) = lower.find("百分之") {
        let n = number_after(&lower, i + "百分之".len());
        if !n.is_empty() {
            found.push(RuleHit::Percent(format!("百分之{n}")));
        }
    } else if let Some(i) = lower.find('%') {
        let n = number_before(&lower, i);
        if !n.is_empty() {
            found.push(RuleHit::Percent(format!("{n}%")));
        }
    }
    found
}

fn english_number(word: &str) -> Option<u32> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    word.parse().ok().or_else(|| WORDS.iter().position(|w| *w == word).and_then(|p| u32::try_from(p).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        hits(text).iter().map(|h| h.describe(Language::En)).collect()
    }

    #[test]
    fn prices_links_and_countdowns_are_seen_in_both_languages() {
        assert_eq!(words("今天粉丝价八十九块九,两件一百六十九"), ["price said: 八十九块九"]);
        assert_eq!(words("原价199元"), ["price said: 199元"]);
        assert_eq!(words("十二号链接点进去"), ["link number 12"]);
        assert_eq!(words("it is link number five today"), ["link number 5"]);
        assert_eq!(words("only 49 dollars"), ["price said: 49 dollars"]);
        assert_eq!(words("樱花粉只剩二十二件了"), ["countdown or stock: 只剩"]);
        assert_eq!(words("百分之五十五的亚麻"), ["share said: 百分之五十五"]);
    }

    #[test]
    fn plain_talk_hits_nothing() {
        for text in ["", "家人们中午好", "块", "号链接", "link", "the link is below", "%", "¥"] {
            assert!(hits(text).is_empty(), "{text:?} gave {:?}", hits(text));
        }
    }
}
