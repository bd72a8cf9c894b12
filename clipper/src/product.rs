//! What is on sale now: binds talk to a product of the brand's list. Pure; unsure means unbound.

use std::collections::BTreeSet;

use clipmill_domain::{MediaTime, product::Product, source::Language};
use clipmill_inference::lexicon::sound_zh::{Readings, alike, readings};
use serde::{Deserialize, Serialize};

use crate::rules::{RuleHit, hits};

/// A binding lasts this long without new evidence: 4 minutes, in microseconds.
pub const BINDING_MICROS_MAX: i64 = 240_000_000;

/// The product on sale, with the reason for thinking so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The product's SKU.
    pub sku: String,
    /// In words: what was said, and when.
    pub why: String,
    /// When the evidence was said.
    pub at: MediaTime,
}

/// What in an utterance points to a product.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mention {
    /// Its name, letter for letter.
    Name(String),
    /// Something that sounds like this name.
    Sound(String),
    /// Its link number.
    Link(u32),
    /// These of its traits.
    Traits(Vec<String>),
}

impl Mention {
    fn describe(&self, at: MediaTime, language: Language) -> String {
        match (self, language) {
            (Self::Name(n), Language::Zh) => format!("{at} 说到“{n}”"),
            (Self::Name(n), Language::En) => format!("said “{n}” at {at}"),
            (Self::Sound(n), Language::Zh) => format!("{at} 说到的音近“{n}”"),
            (Self::Sound(n), Language::En) => format!("said something that sounds like “{n}” at {at}"),
            (Self::Link(l), Language::Zh) => format!("{at} 说到 {l} 号链接"),
            (Self::Link(l), Language::En) => format!("said link {l} at {at}"),
            (Self::Traits(t), Language::Zh) => format!("{at} 说到它的特征：{}", t.join("、")),
            (Self::Traits(t), Language::En) => format!("described at {at}: {}", t.join(", ")),
        }
    }
}

/// The running state of product binding. Serialisable, so that a restart goes on where it stood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnSale {
    current: Option<Binding>,
}

impl OnSale {
    /// Takes an utterance said at `at`; answers what is on sale during it, with the reason in `language`.
    pub fn hear(
        &mut self,
        products: &[Matcher],
        text: &str,
        at: MediaTime,
        language: Language,
    ) -> Option<Binding> {
        if self.current.as_ref().is_some_and(|b| at - b.at > BINDING_MICROS_MAX) {
            self.current = None;
        }
        // "The next one": whatever it is, it is not what was on sale so far.
        if announces_another(text) {
            self.current = None;
        }
        let found = named(products, text).or_else(|| match self.current {
            None => described(products, text),
            Some(_) => None,
        });
        if let Some((sku, said)) = found {
            self.current = Some(Binding { why: said.describe(at, language), sku, at });
        }
        self.current.clone()
    }
}

/// A product prepared for matching.
#[derive(Debug, Clone)]
pub struct Matcher {
    sku: String,
    link: Option<u32>,
    names: Vec<Name>,
    traits: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Name {
    text: String,
    syllables: Vec<Syllable>,
}

#[derive(Debug, Clone)]
struct Syllable {
    c: char,
    readings: Readings,
}

impl Syllable {
    fn sounds_like(&self, other: &Self) -> bool {
        self.c == other.c || alike(&self.readings, &other.readings)
    }
}

impl Matcher {
    /// Prepares a product of the brand's list.
    pub fn new(p: &Product) -> Self {
        let names = std::iter::once(&p.name)
            .chain(&p.aliases)
            .map(|n| n.trim().to_lowercase())
            .filter(|n| n.chars().count() >= 2)
            .map(|text| Name { syllables: syllables(&text), text })
            .collect();
        Self {
            sku: p.sku.clone(),
            link: p.link,
            names,
            traits: p.attributes.values().flat_map(|v| traits(v)).collect(),
        }
    }
}

/// Phrases by which a host goes on to another product.
const ANNOUNCEMENTS: [&str; 16] = [
    "下一个",
    "下一款",
    "下一件",
    "下面这",
    "下面来",
    "接下来",
    "最后一个",
    "最后一款",
    "最后一件",
    "换一个",
    "next one",
    "next up",
    "next item",
    "last one is",
    "last item",
    "moving on",
];

fn announces_another(text: &str) -> bool {
    let lower = text.to_lowercase();
    ANNOUNCEMENTS.iter().any(|cue| lower.contains(cue))
}

/// What an attribute's value can be recognised by: numbers of two digits or more, Latin words of four letters or more,
/// and Chinese phrases between punctuation, of two characters or more.
fn traits(value: &str) -> Vec<String> {
    let value = value.to_lowercase().replace(',', "");
    let mut out = vec![];
    for phrase in value.split(|c: char| c.is_whitespace() || "、，；。：/()（）-".contains(c)) {
        let numbers = phrase.split(|c: char| !c.is_ascii_digit()).filter(|n| n.len() >= 2);
        out.extend(numbers.map(str::to_owned));
        let words = phrase.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| w.len() >= 4);
        out.extend(words.map(str::to_owned));
        let chinese: String = phrase.chars().filter(|c| !c.is_ascii()).collect();
        if chinese.chars().count() >= 2 {
            out.push(chinese);
        }
    }
    out
}

/// The product that `text` describes: at least two of its traits are said, none of which another product has.
fn described(products: &[Matcher], text: &str) -> Option<(String, Mention)> {
    let lower = text.to_lowercase().replace(',', "");
    let mut found: Vec<(&Matcher, Vec<&str>)> = products
        .iter()
        .map(|p| {
            let own = |t: &&String| products.iter().filter(|q| q.traits.contains(*t)).count() == 1;
            (
                p,
                p.traits
                    .iter()
                    .filter(own)
                    .filter(|t| says(&lower, t))
                    .map(String::as_str)
                    .collect::<Vec<_>>(),
            )
        })
        .filter(|(_, said)| said.len() >= 2)
        .collect();
    found.sort_by_key(|(_, said)| std::cmp::Reverse(said.len()));
    match &found[..] {
        [(_, a), (_, b), ..] if a.len() == b.len() => None,
        [(p, said), ..] => {
            Some((p.sku.clone(), Mention::Traits(said.iter().map(|t| (*t).to_owned()).collect())))
        }
        [] => None,
    }
}

/// Whether a trait is said: numbers and words whole, Chinese anywhere.
fn says(lower: &str, t: &str) -> bool {
    let same_kind = |c: char| match t.chars().next() {
        Some(first) if first.is_ascii_digit() => c.is_ascii_digit(),
        Some(first) if first.is_ascii_alphabetic() => c.is_ascii_alphabetic(),
        _ => false,
    };
    lower.match_indices(t).any(|(i, _)| {
        !lower[..i].chars().next_back().is_some_and(same_kind)
            && !lower[i + t.len()..].chars().next().is_some_and(same_kind)
    })
}

/// What is said, a character at a time: its letters, and its sound in Chinese.
fn syllables(text: &str) -> Vec<Syllable> {
    let spoken = text.chars().filter(|c| c.is_alphanumeric());
    spoken.map(|c| Syllable { c, readings: if c.is_ascii() { vec![] } else { readings(c) } }).collect()
}

/// The strongest mention in `text`: how strong, which product, what was said. Two products equally strong: none.
fn named(products: &[Matcher], text: &str) -> Option<(String, Mention)> {
    let lower = text.to_lowercase();
    let sounds = syllables(&lower);
    let links: Vec<u32> = hits(&lower)
        .into_iter()
        .filter_map(|h| if let RuleHit::LinkNumber(n) = h { Some(n) } else { None })
        .collect();
    let mut scored: Vec<(usize, &Matcher, Mention)> = products
        .iter()
        .filter_map(|p| {
            let by_name =
                p.names.iter().filter_map(|n| mention(n, &lower, &sounds)).max_by_key(|(score, _)| *score);
            let by_link = p.link.filter(|l| links.contains(l)).map(|l| (90, Mention::Link(l)));
            let (score, said) = by_name.into_iter().chain(by_link).max_by_key(|(score, _)| *score)?;
            Some((score, p, said))
        })
        .collect();
    scored.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    match &scored[..] {
        [(a, ..), (b, ..), ..] if a == b => None,
        [(_, p, said), ..] => Some((p.sku.clone(), said.clone())),
        [] => None,
    }
}

/// Whether and how strongly a name is said: letter for letter, or by its sound (Chinese, two syllables or more).
fn mention(name: &Name, lower: &str, sounds: &[Syllable]) -> Option<(usize, Mention)> {
    let len = name.text.chars().count();
    let ascii = name.text.is_ascii();
    if ascii {
        let hit = lower.match_indices(&name.text).any(|(i, _)| {
            let before = lower[..i].chars().next_back();
            let after = lower[i + name.text.len()..].trim_start_matches('s').chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        });
        return hit.then(|| (100 + len, Mention::Name(name.text.clone())));
    }
    if lower.contains(&name.text) {
        return Some((100 + 4 * len, Mention::Name(name.text.clone())));
    }
    let n = name.syllables.len();
    if n < 2 || sounds.len() < n {
        return None;
    }
    let wrong_most = usize::from(n >= 4);
    let best = sounds
        .windows(n)
        .map(|w| w.iter().zip(&name.syllables).filter(|(a, b)| !a.sounds_like(b)).count())
        .min()?;
    (best <= wrong_most).then(|| (50 + 4 * (n - best), Mention::Sound(name.text.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(sku: &str, name: &str, aliases: &[&str], link: Option<u32>) -> Product {
        Product {
            sku: sku.into(),
            name: name.into(),
            aliases: aliases.iter().map(|a| (*a).into()).collect(),
            category: None,
            attributes: std::collections::BTreeMap::default(),
            price: None,
            link,
        }
    }

    fn list() -> Vec<Matcher> {
        [
            product("K", "针织开衫", &["开衫"], Some(5)),
            product("C", "充电宝", &["磁吸充电宝"], Some(6)),
            product("D", "Denim Jacket", &["jacket"], None),
        ]
        .iter()
        .map(Matcher::new)
        .collect()
    }

    fn bound(text: &str) -> Option<String> {
        OnSale::default().hear(&list(), text, MediaTime::ZERO, Language::Zh).map(|b| b.sku)
    }

    #[test]
    fn names_sounds_and_links_bind() {
        assert_eq!(bound("套上开衫马上就有层次了").as_deref(), Some("K"));
        assert_eq!(bound("磁吸充电保自带线").as_deref(), Some("C"), "a homophone of the name");
        assert_eq!(bound("六号链接点进去").as_deref(), Some("C"));
        assert_eq!(bound("look at this Denim Jacket").as_deref(), Some("D"));
        assert_eq!(bound("two jackets please").as_deref(), Some("D"));
    }

    #[test]
    fn nothing_said_binds_nothing() {
        assert_eq!(bound("家人们中午好"), None);
        assert_eq!(bound("straitjacketed"), None);
        assert_eq!(bound(""), None);
    }

    fn described_list() -> Vec<Matcher> {
        let with = |sku: &str, name: &str, attributes: &[(&str, &str)]| {
            let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            Matcher::new(&Product { attributes, ..product(sku, name, &[], None) })
        };
        vec![
            with("B", "Lip Balm", &[("finish", "light shine"), ("sold as", "three for 15")]),
            with(
                "P",
                "Power Bank",
                &[("capacity", "10,000 mAh"), ("attachment", "snaps on the back of the phone")],
            ),
        ]
    }

    #[test]
    fn going_on_to_another_product_unbinds_and_a_description_binds() {
        let list = described_list();
        let mut s = OnSale::default();
        let mut hear = |text: &str, at: f64| {
            s.hear(&list, text, MediaTime::from_seconds(at), Language::En).map(|b| b.sku)
        };
        assert_eq!(hear("this lip balm is great", 0.0).as_deref(), Some("B"));
        assert_eq!(hear("the last one is from the same team", 5.0), None, "unsure means unbound");
        assert_eq!(hear("10,000mAh and it snaps on", 9.0).as_deref(), Some("P"));
        assert_eq!(
            hear("a light shine on the case", 12.0).as_deref(),
            Some("P"),
            "a description never unbinds"
        );
    }

    #[test]
    fn one_trait_alone_binds_nothing() {
        let bound = OnSale::default().hear(
            &described_list(),
            "my phone is over there",
            MediaTime::ZERO,
            Language::En,
        );
        assert_eq!(bound, None);
    }

    #[test]
    fn a_binding_lasts_then_lapses() {
        let mut s = OnSale::default();
        let list = list();
        s.hear(&list, "这件开衫", MediaTime::ZERO, Language::Zh);
        assert!(s.hear(&list, "很软", MediaTime::from_seconds(60.0), Language::Zh).is_some());
        assert!(s.hear(&list, "很软", MediaTime::from_seconds(300.0), Language::Zh).is_none());
    }
}
