//! What in an utterance points to a product, and how strongly.
//!
//! The strength is a likelihood ratio: how much likelier it is that this is said while the product is on sale than while
//! another one is. The figures are orders of magnitude by reason: a full name is hardly ever said of another product, a
//! common word often is ("bottle" of a serum), and a single trait may be anything.

use clipmill_domain::{
    MediaTime,
    quantity::{Unit, quantities},
    source::Language,
};
use clipmill_inference::script::is_cjk;

use super::matcher::{Matcher, Name, Sound, hundredths, sounds};
use crate::rules::{RuleHit, hits};

/// A name that is long enough to be no common word.
const NAME: f32 = 2_000.0;
/// A short one.
const SHORT_NAME: f32 = 30.0;
/// Something that sounds like the whole of a name.
const SOUND: f32 = 200.0;
/// Something that sounds like it but for one syllable in four.
const NEARLY: f32 = 20.0;
/// The link number.
const LINK: f32 = 2_000.0;
/// A price that only this product has.
const PRICE: f32 = 10.0;
/// A trait that only this product has.
const TRAIT: f32 = 4.0;
/// More than so much is not given for traits together.
const TRAITS_MOST: f32 = 30.0;

/// What points to a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mention {
    /// Its name, letter for letter.
    Name(String),
    /// Something that sounds like this name.
    Sound(String),
    /// Its link number.
    Link(u32),
    /// One of its prices, as said.
    Price(String),
    /// These of its traits.
    Traits(Vec<String>),
    /// The brand's product feed says so.
    Feed,
    /// It is the next one in the running order.
    Next,
}

impl Mention {
    /// In words, for the reason shown to a person.
    pub fn describe(&self, at: MediaTime, language: Language) -> String {
        match (self, language) {
            (Self::Name(n), Language::Zh) => format!("{at} 说到“{n}”"),
            (Self::Name(n), Language::En) => format!("said “{n}” at {at}"),
            (Self::Sound(n), Language::Zh) => format!("{at} 说到的音近“{n}”"),
            (Self::Sound(n), Language::En) => format!("said something that sounds like “{n}” at {at}"),
            (Self::Link(l), Language::Zh) => format!("{at} 说到 {l} 号链接"),
            (Self::Link(l), Language::En) => format!("said link {l} at {at}"),
            (Self::Price(p), Language::Zh) => format!("{at} 说到它的价格：{p}"),
            (Self::Price(p), Language::En) => format!("said its price at {at}: {p}"),
            (Self::Traits(t), Language::Zh) => format!("{at} 说到它的特征：{}", t.join("、")),
            (Self::Traits(t), Language::En) => format!("described at {at}: {}", t.join(", ")),
            (Self::Feed, Language::Zh) => format!("{at} 商品推送为正在讲解"),
            (Self::Feed, Language::En) => format!("put on air by the product feed at {at}"),
            (Self::Next, Language::Zh) => format!("{at} 说换下一个，按讲解顺序轮到它"),
            (Self::Next, Language::En) => format!("said “next” at {at}, and it is next in the running order"),
        }
    }
}

/// For each product of `products`, how strongly `text` points to it (1: not at all), and the strongest of what does.
pub fn mentions(products: &[Matcher], text: &str) -> Vec<(f32, Option<Mention>)> {
    let lower = text.to_lowercase();
    let said = Said {
        sounds: sounds(&lower),
        links: hits(&lower)
            .into_iter()
            .filter_map(|h| if let RuleHit::LinkNumber(n) = h { Some(n) } else { None })
            .collect(),
        money: money(text),
        plain: lower.replace(',', ""),
        lower,
    };
    products.iter().map(|p| said.points_to(p, products)).collect()
}

struct Said {
    lower: String,
    /// Without commas, which part thousands.
    plain: String,
    sounds: Vec<Sound>,
    links: Vec<u32>,
    money: Vec<(i64, String)>,
}

impl Said {
    fn points_to(&self, p: &Matcher, all: &[Matcher]) -> (f32, Option<Mention>) {
        let name = p.names.iter().filter_map(|n| self.says_name(n));
        let name = name.max_by(|a, b| a.0.total_cmp(&b.0));
        let link = p.link.filter(|l| self.links.contains(l)).map(|l| (LINK, Mention::Link(l)));
        let own_price = |cents: &i64| all.iter().filter(|q| q.prices.contains(cents)).count() == 1;
        let price = self.money.iter().find(|(cents, _)| p.prices.contains(cents) && own_price(cents));
        let price = price.map(|(_, raw)| (PRICE, Mention::Price(raw.clone())));
        let own_trait = |t: &&String| all.iter().filter(|q| q.traits.contains(*t)).count() == 1;
        let traits: Vec<String> =
            p.traits.iter().filter(own_trait).filter(|t| self.says_trait(t)).cloned().collect();
        let strength = TRAIT.powi(i32::try_from(traits.len()).unwrap_or(0)).min(TRAITS_MOST);
        let traits = (!traits.is_empty()).then_some((strength, Mention::Traits(traits)));
        let found: Vec<(f32, Mention)> = [name, link, price, traits].into_iter().flatten().collect();
        let together = found.iter().map(|(s, _)| s).product();
        (together, found.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, said)| said))
    }

    /// Whether and how strongly a name is said: letter for letter, or by its sound (Chinese, two syllables or more).
    fn says_name(&self, name: &Name) -> Option<(f32, Mention)> {
        let length = name.text.chars().count();
        let ascii = name.text.is_ascii();
        let whole = |i: usize| {
            let before = self.lower[..i].chars().next_back();
            let after = self.lower[i + name.text.len()..].trim_start_matches('s').chars().next();
            !ascii
                || !before.is_some_and(|c| c.is_ascii_alphanumeric())
                    && !after.is_some_and(|c| c.is_ascii_alphanumeric())
        };
        let places: Vec<usize> =
            self.lower.match_indices(&name.text).map(|(i, _)| i).filter(|i| whole(*i)).collect();
        if !places.is_empty() {
            let long = if ascii { name.text.contains(' ') || length >= 9 } else { length >= 3 };
            let shown = places.iter().any(|i| presents(&self.lower[..*i]));
            let strength = if long || shown { NAME } else { SHORT_NAME };
            return Some((strength, Mention::Name(name.text.clone())));
        }
        if ascii {
            return None;
        }
        let n = name.sounds.len();
        if n < 2 || self.sounds.len() < n {
            return None;
        }
        let wrong = |w: &[Sound]| w.iter().zip(&name.sounds).filter(|(a, b)| !a.is_like(b)).count();
        let strength = match self.sounds.windows(n).map(wrong).min()? {
            0 if n >= 3 => SOUND,
            0 => NEARLY,
            1 if n >= 4 => NEARLY,
            _ => return None,
        };
        Some((strength, Mention::Sound(name.text.clone())))
    }

    /// Whether a trait is said: numbers and words whole, short Chinese anywhere, and of a longer Chinese phrase most.
    fn says_trait(&self, t: &str) -> bool {
        if t.chars().all(is_cjk) {
            let phrase: Vec<char> = t.chars().collect();
            // "天然橡胶" of "天然橡胶鞋底": people do not say attributes as lists write them.
            let enough = if phrase.len() <= 3 { phrase.len() } else { (phrase.len() / 2).max(3) };
            return phrase.windows(enough).any(|w| self.lower.contains(&w.iter().collect::<String>()));
        }
        let number = t.starts_with(|c: char| c.is_ascii_digit());
        let same_kind = |c: char| if number { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        self.plain.match_indices(t).any(|(i, _)| {
            let before = self.plain[..i].chars().next_back();
            let after = self.plain[i + t.len()..].chars().next();
            !before.is_some_and(same_kind) && !after.is_some_and(same_kind)
        })
    }
}

/// Whether what stands before a name presents the thing: "this …", "这款…".
fn presents(before: &str) -> bool {
    const WITH: [&str; 9] =
        ["this ", "these ", "here is the ", "here's the ", "is the ", "our ", "now the ", "这", "咱家的"];
    // A measure word stands between: 这件开衫, 这款开衫.
    let bare = before.trim_end_matches(|c| "件款个支双罐盒条瓶台只套把张包".contains(c));
    WITH.iter().any(|w| before.ends_with(w) || (is_cjk(w.chars().next().unwrap_or(' ')) && bare.ends_with(w)))
}

/// Amounts of money that are said, in hundredths, with the words.
fn money(text: &str) -> Vec<(i64, String)> {
    let language = if text.chars().any(is_cjk) { Language::Zh } else { Language::En };
    let of_money = |u: &Unit| matches!(u, Unit::Money(_) | Unit::Bundle { .. });
    let said = quantities(text, language).into_iter().filter(|q| of_money(&q.unit));
    said.filter_map(|q| Some((hundredths(q.value.as_f64())?, q.raw))).collect()
}

/// Phrases by which a host goes on to another product.
const ANNOUNCEMENTS: [&str; 20] = [
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
    "再来看",
    "next one",
    "next is",
    "next up",
    "next item",
    "last one",
    "last item",
    "moving on",
    "on to the",
    "now the ",
];

/// Whether the host says that another product comes now.
pub fn announces_another(text: &str) -> bool {
    let lower = text.to_lowercase();
    ANNOUNCEMENTS.iter().any(|cue| lower.contains(cue))
}
