//! Hard evidence in words: prices, offers, link numbers, countdowns. Shown beside the model's answer, never the judge:
//! keywords alone call small talk selling.

use clipmill_domain::{
    quantity::{Quantity, Unit, quantities},
    source::Language,
};
use clipmill_inference::{punctuation::asks as asks_itself, script::is_cjk};

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleHit {
    /// A price or money amount, as said.
    Price(String),
    /// A reduction: a discount, pieces given for free, as said.
    Offer(String),
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
            (Self::Offer(s), Language::Zh) => format!("说到优惠：{s}"),
            (Self::Offer(s), Language::En) => format!("offer said: {s}"),
            (Self::LinkNumber(n), Language::Zh) => format!("{n} 号链接"),
            (Self::LinkNumber(n), Language::En) => format!("link number {n}"),
            (Self::Countdown(s), Language::Zh) => format!("倒数或库存：{s}"),
            (Self::Countdown(s), Language::En) => format!("countdown or stock: {s}"),
            (Self::Percent(s), Language::Zh) => format!("说到比例：{s}"),
            (Self::Percent(s), Language::En) => format!("share said: {s}"),
        }
    }
}

/// Phrases of haste.
const COUNTDOWNS: [&str; 10] = [
    "倒数",
    "倒计时",
    "只剩",
    "最后几",
    "countdown",
    "only a few",
    "left in stock",
    "three two one",
    "three, two, one",
    "3, 2, 1",
];

/// Every rule hit of an utterance: what its numbers say, in the order said, then a countdown.
pub fn hits(text: &str) -> Vec<RuleHit> {
    let said = quantities(text, language_of(text)).into_iter().filter_map(hit);
    let lower = text.to_lowercase();
    let countdown = COUNTDOWNS.iter().find(|cue| lower.contains(*cue));
    said.chain(countdown.map(|cue| RuleHit::Countdown((*cue).to_owned()))).collect()
}

/// Whether an utterance is a question, or reads one out: what follows is likely its answer.
pub fn asks(text: &str) -> bool {
    let lower = text.to_lowercase();
    // "没问题" and "no question" promise.
    let told = [
        "有人问",
        "姐妹问",
        "宝宝问",
        "朋友问",
        "家人问",
        "在问",
        "问一下",
        "问了",
        "问我",
        "问到",
        "问起",
        "弹幕问",
    ];
    let told = told.iter().chain(&[
        "is asking",
        "are asking",
        "asks ",
        "asked ",
        "asks.",
        "keeps asking",
        "question from",
    ]);
    asks_itself(text) || told.into_iter().any(|cue| lower.contains(cue))
}

/// What a text is read in: the script it is written in, for hosts go from one language to the other.
pub(crate) fn language_of(text: &str) -> Language {
    if text.chars().any(is_cjk) { Language::Zh } else { Language::En }
}

fn hit(q: Quantity) -> Option<RuleHit> {
    match q.unit {
        Unit::Money(_) | Unit::Bundle { .. } => Some(RuleHit::Price(q.raw)),
        Unit::Discount | Unit::DiscountOnNth(_) | Unit::Rebate { .. } | Unit::Offer { .. } => {
            Some(RuleHit::Offer(q.raw))
        }
        Unit::Percent => Some(RuleHit::Percent(q.raw)),
        Unit::Link => q.value.as_count().map(RuleHit::LinkNumber),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        hits(text).iter().map(|h| h.describe(Language::En)).collect()
    }

    #[test]
    fn prices_links_and_countdowns_are_seen_in_both_languages() {
        assert_eq!(
            words("今天粉丝价八十九块九,两件一百六十九"),
            ["price said: 八十九块九", "price said: 两件一百六十九"]
        );
        assert_eq!(words("到手一百零九，第二罐半价"), ["price said: 一百零九", "offer said: 第二罐半价"]);
        assert_eq!(words("buy two get one free"), ["offer said: buy two get one free"]);
        assert_eq!(words("原价199元"), ["price said: 199元"]);
        assert_eq!(words("十二号链接点进去"), ["link number 12"]);
        assert_eq!(words("it is link number five today"), ["link number 5"]);
        assert_eq!(words("only 49 dollars"), ["price said: 49 dollars"]);
        assert_eq!(words("樱花粉只剩二十二件了"), ["countdown or stock: 只剩"]);
        assert_eq!(words("百分之五十五的亚麻"), ["share said: 百分之五十五"]);
    }

    #[test]
    fn questions_and_questions_read_out_ask() {
        for text in [
            "油皮可以用吗?",
            "有人问起了会不会变形",
            "will it bleed on a white shirt?",
            "Somebody asks.",
            "这个掉色吗",
        ] {
            assert!(asks(text), "{text}");
        }
        for text in ["没问题的", "油皮冬天用", "no question about it.", "We rinse it three times."] {
            assert!(!asks(text), "{text}");
        }
    }

    #[test]
    fn plain_talk_hits_nothing() {
        for text in ["", "家人们中午好", "块", "号链接", "link", "the link is below", "%", "¥"] {
            assert!(hits(text).is_empty(), "{text:?} gave {:?}", hits(text));
        }
    }
}
