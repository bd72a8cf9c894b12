//! Hooks and titles of selling points: fixed outlines whose blanks are filled from what was said, and the check that every
//! claim of a text was said or stands in the product list.

mod claims;

use std::ops::Range;

use crate::{
    product::Product,
    selling_point::{Attribute, AttributeKind},
    source::Language,
    taxonomy::Label,
};

pub use claims::claims_hold;

/// The most characters of a hook and of a title, Chinese: what a phone shows in one line.
pub const ZH_CHARS_MAX: usize = 24;
/// The most characters of a hook and of a title, English.
pub const EN_CHARS_MAX: usize = 60;

/// What is written from a selling point.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wording {
    /// One line to begin a video with; empty where nothing said fits whole.
    pub hook: String,
    /// At most three, best first.
    pub titles: Vec<String>,
}

/// The most characters of a line in `language`.
pub const fn chars_max(language: Language) -> usize {
    match language {
        Language::Zh => ZH_CHARS_MAX,
        Language::En => EN_CHARS_MAX,
    }
}

/// Hook and titles of a selling point, in the language of the live. Each passes [`claims_hold`] and has at most
/// [`chars_max`] characters; words are never cut.
pub fn wording(
    label: Label,
    product: Option<&Product>,
    quote: &str,
    attributes: &[Attribute],
    language: Language,
) -> Wording {
    let max = chars_max(language);
    let hook = hook(quote, attributes, language);
    let name = product.map(|p| p.name.as_str()).unwrap_or_default();
    let topic = match language {
        Language::Zh => label.zh(),
        Language::En => label.en(),
    };
    let (colon, comma) = match language {
        Language::Zh => ("：", "，"),
        Language::En => (": ", ", "),
    };
    let joined = |head: &str, tail: &str| match (head.is_empty(), tail.is_empty()) {
        (false, false) if !says(tail, head) => format!("{head}{colon}{tail}"),
        (_, false) => tail.to_owned(),
        _ => head.to_owned(),
    };
    // As many of the values that the label is about as fit.
    let mut values = String::new();
    for a in attributes.iter().filter(|a| tells(label, a)) {
        let longer = if values.is_empty() { a.raw.clone() } else { format!("{values}{comma}{}", a.raw) };
        if !values.contains(&a.raw) && joined(name, &longer).chars().count() <= max {
            values = longer;
        }
    }
    let mut titles: Vec<String> = vec![];
    let candidates = [
        if values.is_empty() { String::new() } else { joined(name, &values) },
        joined(name, &hook),
        hook.clone(),
        joined(name, topic),
    ];
    for title in candidates {
        let fits = !title.is_empty() && title.chars().count() <= max && !titles.contains(&title);
        if fits && titles.len() < 3 && claims_hold(&title, quote, product) {
            titles.push(title);
        }
    }
    Wording { hook, titles }
}

/// Whether a value belongs into a title about `label`.
fn tells(label: Label, a: &Attribute) -> bool {
    match label {
        Label::Fabric | Label::Ingredients => a.kind == AttributeKind::Material,
        Label::Color => a.kind == AttributeKind::Color,
        Label::Size => a.kind == AttributeKind::Size,
        Label::Promo => matches!(a.kind, AttributeKind::Price | AttributeKind::Offer),
        Label::Urgency => matches!(a.kind, AttributeKind::Count | AttributeKind::Date),
        Label::AfterSales => a.kind == AttributeKind::Date,
        Label::Gift => matches!(a.kind, AttributeKind::Offer | AttributeKind::Count),
        Label::Function => matches!(a.kind, AttributeKind::Date | AttributeKind::Size),
        _ => false,
    }
}

/// Words that a hook does not begin with.
const FILLERS: [&str; 30] = [
    "家人们",
    "姐妹们",
    "宝宝们",
    "宝子们",
    "我跟你们说",
    "我跟你说",
    "我跟大家讲",
    "你们看",
    "你看",
    "来来来",
    "来，",
    "然后",
    "那个",
    "就是说",
    "嗯",
    "呃",
    "哎",
    "so ",
    "okay ",
    "ok ",
    "um ",
    "uh ",
    "and ",
    "you guys ",
    "guys ",
    "well ",
    "now ",
    "like ",
    "all right ",
    "alright ",
];

/// The clauses of `quote` that say most and fit: those with values first, else the first ones. A clause too long is cut
/// after a word of pausing in Chinese, between words in English, never inside a value; empty where no place is known.
pub fn hook(quote: &str, attributes: &[Attribute], language: Language) -> String {
    let max = chars_max(language);
    let clauses = split(quote);
    let trimmed = |text: &str| -> String { text.trim_matches(edge).to_owned() };
    let mut best: Option<(usize, usize, String)> = None;
    for first in 0..clauses.len() {
        for clause in &clauses[first..] {
            let run = &quote[clauses[first].start..clause.end];
            let text = trimmed(without_filler(run.trim_matches(edge)));
            if text.chars().count() > max {
                break;
            }
            let values = attributes.iter().filter(|a| text.contains(&a.raw)).count();
            let count = text.chars().count();
            let better = best
                .as_ref()
                .is_none_or(|(v, c, _)| values > *v || values == *v && count > *c && *v == 0 && first == 0);
            if count >= 4 && better {
                best = Some((values, count, text));
            }
        }
    }
    if let Some((_, _, text)) = best {
        return text;
    }
    clauses
        .iter()
        .find_map(|c| cut(without_filler(quote[(*c).clone()].trim_matches(edge)), attributes, language))
        .unwrap_or_default()
}

fn edge(c: char) -> bool {
    c.is_whitespace() || "，。！；、：,.!;:".contains(c)
}

/// Bytes of the clauses, with the marks that end them.
fn split(text: &str) -> Vec<Range<usize>> {
    let mut all = vec![];
    let mut start = 0;
    let mut before = ' ';
    for (i, c) in text.char_indices() {
        let end = i + c.len_utf8();
        let number = before.is_ascii_digit() && text[end..].starts_with(|n: char| n.is_ascii_digit());
        if "，。！？；,.!?;\n".contains(c) && !number {
            all.push(start..end);
            start = end;
        }
        before = c;
    }
    all.push(start..text.len());
    all.retain(|c| !text[c.clone()].trim_matches(edge).is_empty());
    all
}

fn without_filler(text: &str) -> &str {
    let mut rest = text;
    while let Some(next) = FILLERS.iter().find_map(|f| {
        let head = rest.get(..f.len())?;
        head.eq_ignore_ascii_case(f).then(|| rest[f.len()..].trim_start_matches(edge))
    }) {
        rest = next;
    }
    rest
}

/// The longest beginning of a clause that fits and ends at a word's end.
fn cut(clause: &str, attributes: &[Attribute], language: Language) -> Option<String> {
    let max = chars_max(language);
    if clause.chars().count() <= max {
        return (clause.chars().count() >= 4).then(|| clause.to_owned());
    }
    let limit = clause.char_indices().nth(max - 1).map_or(clause.len(), |(i, _)| i);
    let inside = |at: usize| {
        attributes.iter().any(|a| clause.match_indices(&a.raw).any(|(i, raw)| i < at && at < i + raw.len()))
    };
    let ends: Vec<usize> = clause[..limit]
        .char_indices()
        .filter(|(i, c)| match language {
            Language::En => *c == ' ',
            Language::Zh => {
                let rest = &clause[*i..];
                ["而且", "然后", "所以", "但是", "因为", "还有", "并且", "以及"]
                    .iter()
                    .any(|w| rest.starts_with(w))
                    || clause[..*i].ends_with(['了', '呢', '啊', '吧', '、'])
            }
        })
        .map(|(i, _)| i)
        .filter(|i| !inside(*i))
        .collect();
    let end = *ends.last()?;
    let text = clause[..end].trim_matches(edge);
    // Not on a word that needs another after it.
    let text =
        [" a", " an", " the", " of", " and", " with", " to", " in", " for", " no", " not", " is", " or"]
            .iter()
            .fold(text, |t, w| t.strip_suffix(w).unwrap_or(t));
    (text.chars().count() >= 6).then(|| format!("{text}…"))
}

fn says(text: &str, name: &str) -> bool {
    text.to_lowercase().contains(&name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attribute::attributes;

    fn product(name: &str) -> Product {
        Product {
            sku: "A".into(),
            name: name.into(),
            aliases: vec![],
            category: None,
            attributes: [("面料".to_owned(), "55%亚麻 45%莫代尔".to_owned())].into(),
            price: Some(89.9),
            link: None,
            order: None,
        }
    }

    #[test]
    fn titles_are_filled_from_what_was_said() {
        let quote = "姐妹们，先看这件针织开衫，成分是百分之五十五的亚麻，加上百分之四十五的莫代尔。";
        let said = attributes(quote, Language::Zh, 0);
        let p = product("针织开衫");
        let w = wording(Label::Fabric, Some(&p), quote, &said, Language::Zh);
        assert_eq!(w.titles[0], "针织开衫：百分之五十五的亚麻");
        assert!(w.hook.contains("百分之五十五的亚麻"), "{w:?}");
        assert!(!w.titles.is_empty() && w.titles.len() <= 3);
        let quote = "Okay so it's 70% linen, 30% cotton, and it washes like a dream";
        let said = attributes(quote, Language::En, 0);
        let shirt = Product { attributes: std::collections::BTreeMap::new(), ..product("Linen Shirt") };
        let w = wording(Label::Fabric, Some(&shirt), quote, &said, Language::En);
        assert_eq!(w.titles[0], "Linen Shirt: 70% linen, 30% cotton");
        assert_eq!(wording(Label::Fabric, None, "", &[], Language::Zh).hook, "");
    }

    #[test]
    fn long_clauses_are_cut_between_words_or_not_at_all() {
        let long = "it has a brushed lining that keeps you warm even when the wind is blowing right through the city streets";
        let w = wording(Label::Function, None, long, &[], Language::En);
        assert!(w.hook.ends_with('…') && long.contains(w.hook.trim_end_matches('…')), "{w:?}");
        assert!(long[w.hook.len() - '…'.len_utf8()..].starts_with(' '));
        let zh = "这件衣服穿上去真的特别特别舒服特别特别显瘦特别特别百搭什么场合都可以穿出去见人";
        assert_eq!(wording(Label::Fit, None, zh, &[], Language::Zh).hook, "", "no place to cut is known");
    }

    proptest! {
        // Each case asks many questions.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn lines_fit_and_hold(parts in prop::collection::vec(prop::sample::select(vec![
            "这件开衫", "百分之五十五的亚麻", "没有黑色", "只有白色", "八十九块九", "两件一百六十九", "很软", "，", "。", "家人们，", "而且",
            "it is ", "70% linen ", "not black ", "only $19.99 ", "two for thirty ", "soft ", ", ", ". ", "so ", "the ",
        ]), 0..16), zh in any::<bool>()) {
            let quote = parts.concat();
            let language = if zh { Language::Zh } else { Language::En };
            let said = attributes(&quote, language, 0);
            for label in [Label::Fabric, Label::Color, Label::Promo, Label::Fit] {
                let w = wording(label, Some(&product("开衫")), &quote, &said, language);
                prop_assert!(w.titles.len() <= 3);
                for line in w.titles.iter().chain([&w.hook]) {
                    prop_assert!(line.chars().count() <= chars_max(language), "{}", line);
                }
                for title in &w.titles {
                    prop_assert!(claims_hold(title, &quote, Some(&product("开衫"))), "{}", title);
                }
                prop_assert!(quote.contains(w.hook.trim_end_matches('…')), "{:?} {:?}", quote, w.hook);
            }
        }
    }
}
