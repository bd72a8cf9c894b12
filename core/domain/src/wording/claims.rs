//! Whether everything that a text claims was said or stands in the product list.

use std::collections::BTreeSet;

use crate::{
    attribute::{attributes, is_list_price},
    product::Product,
    quantity::{Quantity, Unit, quantities},
    selling_point::{Attribute, AttributeKind},
    source::Language,
    taxonomy::Label,
};

/// Texts longer than this claim too much for one line, and are refused.
const CHARS_MAX: usize = 400;

/// Chinese words that claim nothing.
const GLUE_ZH: &str = "的 了 吗 呢 啊 哦 吧 也 都 就 还 和 与 及 跟 是 有 在 这 那 件 款 个 一 把 让 给 你 我 它 来 看 说 今天 这件 这款 一下 就是 还有 直播间 主播 介绍 看看 来看 怎么 什么 为什么 如何 哪些 讲 聊";
/// English words that claim nothing.
const GLUE_EN: &str = "a an the and or with of in on for to from at by as is are it its it's this that these those here what how why see look meet now today your you we our i about get has have comes be s";
/// Right before words, these turn them round.
const TURNS_ZH: [&str; 7] = ["不", "没", "无", "非", "别", "没有", "不是"];
const TURNS_EN: [&str; 12] = [
    "not",
    "no",
    "never",
    "without",
    "isn't",
    "isn’t",
    "aren't",
    "aren’t",
    "don't",
    "don’t",
    "doesn't",
    "doesn’t",
];

/// Whether each claim of `text` is in `transcript` or among what the product list says of `product`: every number with
/// its unit, every value (and none that was only denied), every word that is not mere glue. Also for lines that a model
/// proposes. Strict: what is only implied does not hold.
pub fn claims_hold(text: &str, transcript: &str, product: Option<&Product>) -> bool {
    if text.chars().count() > CHARS_MAX {
        return false;
    }
    let listed = product.map(listed).unwrap_or_default();
    let sources = [transcript, listed.as_str()];
    let language =
        if text.chars().any(|c| matches!(c, '\u{4e00}'..='\u{9fff}')) { Language::Zh } else { Language::En };
    let Some(rest) = without_numbers(text, &sources, language, product) else { return false };
    values_hold(text, &sources, language, product) && words_hold(&rest, &sources)
}

/// What the product list says, a line each.
fn listed(product: &Product) -> String {
    let mut out = product.name.clone();
    for alias in &product.aliases {
        out += &format!("\n{alias}");
    }
    for (name, value) in &product.attributes {
        out += &format!("\n{name}\n{value}");
    }
    out
}

/// The numbers of every source, in either language.
fn numbers(sources: &[&str]) -> Vec<Quantity> {
    let read = |s: &&str| {
        [Language::Zh, Language::En].into_iter().flat_map(|l| quantities(s, l)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(read).collect()
}

/// `text` with its numbers blanked; `None` where one of them is in no source.
fn without_numbers(
    text: &str,
    sources: &[&str],
    language: Language,
    product: Option<&Product>,
) -> Option<String> {
    let known = numbers(sources);
    let mut rest = text.to_owned();
    for q in quantities(text, language).into_iter().rev() {
        let money = matches!(q.unit, Unit::Money(_) | Unit::Plain);
        let price = product.and_then(|p| p.price).is_some_and(|p| (p - q.value.as_f64()).abs() < 0.005);
        let same = |k: &Quantity| k.value == q.value && alike(&k.unit, &q.unit);
        if !(known.iter().any(same) || money && price) {
            return None;
        }
        rest.replace_range(q.range, "\n");
    }
    // Digits that are no quantity (names, times) must stand in a source as they are.
    let digits =
        rest.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| w.contains(|c: char| c.is_ascii_digit()));
    let stands = |w: &str| sources.iter().any(|s| s.to_lowercase().contains(&w.to_lowercase()));
    let all = digits.map(str::to_owned).collect::<Vec<_>>();
    all.iter().all(|w| stands(w)).then_some(rest)
}

fn alike(a: &Unit, b: &Unit) -> bool {
    match (a, b) {
        (Unit::Money(x), Unit::Money(y)) => x == y || x.is_none() || y.is_none(),
        // "日常价: 138" in a list and 138块 in a line; never the other way round for shares and measures.
        (Unit::Plain, Unit::Money(_)) | (Unit::Money(_), Unit::Plain) => true,
        _ => a == b,
    }
}

/// Whether each value of `text` was said of something, and not only denied.
fn values_hold(text: &str, sources: &[&str], language: Language, product: Option<&Product>) -> bool {
    let said: Vec<Attribute> = sources
        .iter()
        .flat_map(|s| [Language::Zh, Language::En].into_iter().flat_map(|l| attributes(s, l, 0)))
        .collect();
    attributes(text, language, 0).iter().all(|a| {
        let what = a.what.to_lowercase();
        let named = |b: &Attribute| {
            b.raw.to_lowercase().contains(&what)
                || !b.what.is_empty() && what.contains(&b.what.to_lowercase())
        };
        match a.kind {
            AttributeKind::Material | AttributeKind::Color => {
                let own = product.is_some_and(|p| p.name.to_lowercase().contains(&a.what.to_lowercase()));
                let same = |b: &Attribute| {
                    b.kind == a.kind && named(b) && (a.amount.is_none() || a.amount == b.amount)
                };
                said.iter().any(same) || own && a.amount.is_none()
            }
            // Prices with the word that says which: the list price is no price of today.
            AttributeKind::Price => {
                let list = is_list_price(&a.what);
                let money = |b: &Attribute| matches!(b.kind, AttributeKind::Price | AttributeKind::Offer);
                let same = |b: &Attribute| money(b) && b.amount == a.amount && b.pieces.is_none();
                said.iter().any(|b| same(b) && is_list_price(&b.what) == list)
                    || product.is_some_and(|p| {
                        let value = |text: &String| text.trim().parse::<f64>().ok();
                        let listed = p.attributes.iter().filter(|(name, _)| is_list_price(name));
                        if list {
                            listed.map(|(_, v)| value(v)).any(|v| v == a.amount)
                        } else {
                            p.price == a.amount
                        }
                    })
            }
            _ => a.amount.is_none() || said.iter().any(|b| b.amount == a.amount && b.to == a.to),
        }
    })
}

/// Whether the words of `text` are covered by words of the sources and by glue.
fn words_hold(text: &str, sources: &[&str]) -> bool {
    let sources: Vec<String> = sources.iter().map(|s| s.to_lowercase()).collect();
    let names = Label::ALL.map(|l| [l.zh().to_lowercase(), l.en().to_lowercase()]).concat();
    let lower = text.to_lowercase();
    let english: BTreeSet<&str> = GLUE_EN.split(' ').collect();
    let said = |word: &str| sources.iter().any(|s| stands_as_said(s, word));
    // Names of labels are topics, no claims.
    let topic = names.iter().fold(lower, |t, name| {
        if name.is_ascii() && !t.ends_with(name.as_str()) { t } else { t.replace(name.as_str(), " ") }
    });
    let latin = |c: char| c.is_ascii_alphanumeric() || "'’".contains(c);
    topic.split(|c: char| !c.is_alphanumeric() && !"'’".contains(c)).filter(|w| !w.is_empty()).all(|run| {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c: char| latin(c) != latin(first)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let holds =
                if latin(first) { english.contains(word) || said(word) } else { covered(word, &said) };
            if !holds {
                return false;
            }
            rest = after;
        }
        true
    })
}

/// Whether a run of Chinese is made of stretches of two characters or more that were said, and of glue.
fn covered(run: &str, said: &dyn Fn(&str) -> bool) -> bool {
    let glue: BTreeSet<&str> = GLUE_ZH.split(' ').collect();
    let at: Vec<usize> = run.char_indices().map(|(i, _)| i).chain([run.len()]).collect();
    let mut reached = vec![false; at.len()];
    reached[0] = true;
    for i in 0..at.len() - 1 {
        for j in (i + 1..at.len()).take(24).filter(|_| reached[i]).collect::<Vec<_>>() {
            let piece = &run[at[i]..at[j]];
            if !reached[j] && (glue.contains(piece) || (j - i >= 2 || at.len() == 2) && said(piece)) {
                reached[j] = true;
            }
        }
    }
    reached[at.len() - 1]
}

/// Whether `word` stands in `source` at least once without a word right before it that turns it round.
fn stands_as_said(source: &str, word: &str) -> bool {
    source.match_indices(word).any(|(i, _)| {
        let head = &source[..i];
        let ascii = word.starts_with(|c: char| c.is_ascii_alphanumeric());
        let whole = !ascii
            || !head.ends_with(|c: char| c.is_ascii_alphanumeric())
                && !source[i + word.len()..]
                    .trim_start_matches('s')
                    .starts_with(|c: char| c.is_ascii_alphanumeric());
        let turned = if ascii {
            head.split_whitespace().next_back().is_some_and(|w| TURNS_EN.contains(&w))
        } else {
            TURNS_ZH.iter().any(|t| head.ends_with(t))
        };
        whole && !turned
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product() -> Product {
        let attributes = [("面料", "55%亚麻 45%莫代尔"), ("日常价", "138"), ("颜色", "樱花粉、抹茶绿")];
        Product {
            sku: "A".into(),
            name: "针织开衫".into(),
            aliases: vec!["开衫".into()],
            category: None,
            attributes: attributes.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            price: Some(89.9),
            link: None,
            order: None,
        }
    }

    #[test]
    fn chinese_claims() {
        let said = "今天粉丝价八十九块九，没有黑色，只有白色，不起球，夏天穿很透气，七天无理由";
        for (text, holds) in [
            ("针织开衫：粉丝价八十九块九", true),
            ("针织开衫，夏天穿很透气", true),
            ("针织开衫 今天89.9元", true),
            ("55%亚麻的开衫", true),
            ("不起球的针织开衫", true),
            ("樱花粉的开衫", true),
            ("针织开衫 · 面料", true),
            ("粉丝价七十九块九", false),
            ("日常价138元", true),
            ("今天138元", false),
            ("原价89.9元", false),
            ("60%亚麻的开衫", false),
            ("黑色的开衫", false),
            ("起球的开衫", false),
            ("全网最低价的开衫", false),
            ("真丝开衫", false),
            ("三十天无理由", false),
            ("ISO9001认证", false),
            ("", true),
        ] {
            assert_eq!(claims_hold(text, said, Some(&product())), holds, "{text}");
        }
        assert!(!claims_hold("针织开衫", "很透气", None));
    }

    #[test]
    fn english_claims() {
        let said =
            "it's 70% linen, not waterproof, no black but white, and it's only forty nine dollars today";
        for (text, holds) in [
            ("70% linen, forty nine dollars", true),
            ("It's white and only $49", true),
            ("Linen for $49 today", true),
            ("Waterproof linen", false),
            ("Black linen", false),
            ("80% linen", false),
            ("The best linen", false),
            ("Linen for $39", false),
            ("49% linen", false),
        ] {
            assert_eq!(claims_hold(text, said, None), holds, "{text}");
        }
        assert!(!claims_hold(&"linen ".repeat(100), said, None));
    }
}
