//! A price said against the prices of the product it was said of.

use super::words::words;
use crate::{
    product::Product,
    selling_point::{Attribute, AttributeKind, Warning},
    source::Language,
};

/// Prices within this of each other are the same: half of the smallest coin.
const SAME: f64 = 0.005;

/// Which of a product's prices a price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// What the live asks now.
    Now,
    /// What it costs elsewhere or otherwise: 原价, regular price.
    List,
    /// Of a part of the goods, or of something else: never compared.
    Part,
}

/// A price of the product list.
struct Price {
    standing: Standing,
    /// Pieces that it is for.
    pieces: u32,
    value: f64,
}

/// The warning due where a price that was said is none of the product's prices.
///
/// Unsure means no warning: a price whose words tell neither "now" nor "list", of a part of the goods, for a number of
/// pieces that the product list gives no price for, or in another currency than other prices said, is compared only
/// where every reading of it is wrong. Where a reduction is said too, or the product lists an offer that changes its
/// price, the sum to pay is unknown, and nothing is compared but what stands in the list word for word.
pub fn price_warning(said: &[Attribute], product: &Product) -> Option<Warning> {
    let listed = prices(product);
    let own = product.price?;
    let reduced = said.iter().any(|a| {
        a.kind == AttributeKind::Offer && (a.unit == "x" || a.unit.starts_with('-') || a.unit == "free")
    });
    said.iter().filter(|a| a.amount.is_some()).find_map(|a| {
        let value = a.amount?;
        let pieces = match a.kind {
            AttributeKind::Price => 1,
            AttributeKind::Offer if money(&a.unit) => a.pieces?,
            _ => return None,
        };
        let standing = standing(&a.what);
        let same = |p: &&Price| (p.value - value).abs() < SAME;
        // Any listed price excuses it: which one was meant is not ours to say.
        if standing == Some(Standing::Part) || listed.iter().any(|p| same(&p)) {
            return None;
        }
        let expected = match (standing, pieces) {
            // As many times the price of one is no other price.
            (_, 2..) if (value - own * f64::from(pieces)).abs() < SAME => None,
            (_, 2..) => listed.iter().find(|p| p.pieces == pieces && p.standing == Standing::Now),
            (Some(Standing::List), _) => {
                let mut lists = listed.iter().filter(|p| p.standing == Standing::List && p.pieces == 1);
                // Several places cost differently; with two list prices it is not known which was meant.
                lists.next().filter(|_| lists.next().is_none())
            }
            (Some(_), _) if !reduced => listed.iter().find(|p| p.standing == Standing::Now && p.pieces == 1),
            // A bare price is compared where nothing else said could explain it, and it is no sum of several.
            (None, _) if !reduced && said.iter().all(|o| o.kind != AttributeKind::Count) => {
                let several = (2..=6).any(|n| (value - own * f64::from(n)).abs() < SAME);
                listed.iter().find(|p| p.standing == Standing::Now && p.pieces == 1).filter(|_| !several)
            }
            _ => None,
        }?;
        Some(Warning::PriceDiffers { said: value, listed: expected.value })
    })
}

fn money(unit: &str) -> bool {
    matches!(unit, "" | "¥" | "$" | "€" | "£")
}

/// Whether the words before a price make it a list price.
pub(crate) fn is_list_price(what: &str) -> bool {
    standing(what) == Some(Standing::List)
}

/// What the words before a price make it; `None`: nothing certain.
fn standing(what: &str) -> Option<Standing> {
    let lower = what.to_lowercase();
    [Language::Zh, Language::En].into_iter().find_map(|language| {
        let words = words(language);
        if words.prices_part.has(&lower) {
            Some(Standing::Part)
        } else if words.prices_list.has(&lower) {
            Some(Standing::List)
        } else {
            words.prices_now.has(&lower).then_some(Standing::Now)
        }
    })
}

/// Every price of the product list: its price, and attributes that are named or written as prices.
fn prices(product: &Product) -> Vec<Price> {
    let mut all: Vec<Price> = vec![];
    for (name, text) in &product.attributes {
        for language in [Language::Zh, Language::En] {
            let named = name.to_lowercase();
            let list = !words(language).prices_list.all(&named, 0..named.len()).is_empty();
            let bundle = super::attributes(text, language, 0);
            let sums = bundle.iter().filter(|a| a.kind == AttributeKind::Offer && money(&a.unit));
            all.extend(sums.filter_map(|a| {
                Some(Price { standing: Standing::Now, pieces: a.pieces?, value: a.amount? })
            }));
            let prices = bundle.iter().filter(|a| a.kind == AttributeKind::Price);
            let standing_of = |a: &Attribute| {
                if list { Standing::List } else { standing(&a.what).unwrap_or(Standing::Part) }
            };
            all.extend(
                prices.filter_map(|a| Some(Price { standing: standing_of(a), pieces: 1, value: a.amount? })),
            );
            if let Some(value) = bare(text).filter(|_| priced(&named)) {
                let pieces = pieces(name, language).unwrap_or(1);
                let standing = match (list, pieces, standing(&named)) {
                    (true, ..) => Standing::List,
                    (_, 2.., _) | (_, _, Some(Standing::Now)) => Standing::Now,
                    _ => Standing::Part,
                };
                all.push(Price { standing, pieces, value });
            }
        }
    }
    let bundled =
        all.iter().any(|p| p.pieces > 1 && product.price.is_some_and(|own| (own - p.value).abs() < SAME));
    // "Three for 15" with the price 15: the price is of three.
    if !bundled {
        all.extend(product.price.map(|value| Price { standing: Standing::Now, pieces: 1, value }));
    }
    all
}

/// A value that is nothing but an amount: "138", "¥138", "99.50 元".
fn bare(text: &str) -> Option<f64> {
    let sign = |c: char| c.is_whitespace() || "¥￥$€£元块".contains(c);
    text.trim_matches(sign).replace(',', "").parse().ok().filter(|v: &f64| v.is_finite() && *v > 0.0)
}

/// Whether an attribute's name says that its value is a price.
fn priced(name: &str) -> bool {
    ["价", "price", "rrp", "msrp", "retail", "cost"].iter().any(|w| name.contains(w))
        || [Language::Zh, Language::En].into_iter().any(|l| words(l).prices_list.has(name))
}

/// The pieces that a price's name counts: 两件价, "price for 2 pairs".
fn pieces(name: &str, language: Language) -> Option<u32> {
    let said = crate::quantity::quantities(name, language);
    said.iter().find_map(|q| q.value.as_count().filter(|c| (2..=100).contains(c)))
}
