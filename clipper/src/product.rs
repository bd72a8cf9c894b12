//! What is on sale now: binds talk to a product of the brand's list. Pure; unsure means unbound.

use clipmill_domain::{MediaTime, product::Product};
use pinyin::ToPinyin;
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

/// The running state of product binding. Serialisable, so that a restart goes on where it stood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnSale {
    current: Option<Binding>,
}

impl OnSale {
    /// Takes an utterance said at `at`; answers what is on sale during it.
    pub fn hear(&mut self, products: &[Matcher], text: &str, at: MediaTime) -> Option<Binding> {
        if self.current.as_ref().is_some_and(|b| at - b.at > BINDING_MICROS_MAX) {
            self.current = None;
        }
        if let Some((sku, said)) = named(products, text) {
            self.current = Some(Binding { why: format!("{said} at {at}"), sku, at });
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
}

#[derive(Debug, Clone)]
struct Name {
    text: String,
    syllables: Vec<String>,
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
        Self { sku: p.sku.clone(), link: p.link, names }
    }
}

/// Tone-less pinyin of the Chinese characters, with the sounds that recognisers and speakers confuse made equal
/// (zh/z, ch/c, sh/s, n/l at the start, ng/n at the end). Other characters become themselves.
fn syllables(text: &str) -> Vec<String> {
    text.chars()
        .zip(text.to_pinyin())
        .filter(|(c, _)| c.is_alphanumeric())
        .map(|(c, py)| py.map_or_else(|| c.to_string(), |p| fold(p.plain())))
        .collect()
}

fn fold(py: &str) -> String {
    let s = py.replace("zh", "z").replace("ch", "c").replace("sh", "s");
    let s = s.strip_suffix('g').filter(|t| t.ends_with('n')).map_or(s.clone(), str::to_owned);
    match s.strip_prefix('l') {
        Some(rest) => format!("n{rest}"),
        None => s,
    }
}

/// The strongest mention in `text`: how strong, which product, what was said. Two products equally strong: none.
fn named(products: &[Matcher], text: &str) -> Option<(String, String)> {
    let lower = text.to_lowercase();
    let sounds = syllables(&lower);
    let links: Vec<u32> = hits(&lower)
        .into_iter()
        .filter_map(|h| if let RuleHit::LinkNumber(n) = h { Some(n) } else { None })
        .collect();
    let mut scored: Vec<(usize, &Matcher, String)> = products
        .iter()
        .filter_map(|p| {
            let by_name =
                p.names.iter().filter_map(|n| mention(n, &lower, &sounds)).max_by_key(|(score, _)| *score);
            let by_link = p.link.filter(|l| links.contains(l)).map(|l| (90, format!("said link {l}")));
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
fn mention(name: &Name, lower: &str, sounds: &[String]) -> Option<(usize, String)> {
    let len = name.text.chars().count();
    let ascii = name.text.is_ascii();
    if ascii {
        let hit = lower.match_indices(&name.text).any(|(i, _)| {
            let before = lower[..i].chars().next_back();
            let after = lower[i + name.text.len()..].trim_start_matches('s').chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        });
        return hit.then(|| (100 + len, format!("said “{}”", name.text)));
    }
    if lower.contains(&name.text) {
        return Some((100 + 4 * len, format!("said “{}”", name.text)));
    }
    let n = name.syllables.len();
    if n < 2 || sounds.len() < n {
        return None;
    }
    let wrong_most = usize::from(n >= 4);
    let best =
        sounds.windows(n).map(|w| w.iter().zip(&name.syllables).filter(|(a, b)| a != b).count()).min()?;
    (best <= wrong_most)
        .then(|| (50 + 4 * (n - best), format!("said something that sounds like “{}”", name.text)))
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
        OnSale::default().hear(&list(), text, MediaTime::ZERO).map(|b| b.sku)
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

    #[test]
    fn a_binding_lasts_then_lapses() {
        let mut s = OnSale::default();
        let list = list();
        s.hear(&list, "这件开衫", MediaTime::ZERO);
        assert!(s.hear(&list, "很软", MediaTime::from_seconds(60.0)).is_some());
        assert!(s.hear(&list, "很软", MediaTime::from_seconds(300.0)).is_none());
    }
}
