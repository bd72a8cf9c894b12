//! How sure it is which product is on sale: a hidden Markov filter. Its states are the products and "none"; from one
//! utterance to the next the product mostly stays, and changes readily where the host says that another one comes.

use clipmill_domain::{MediaTime, source::Language};
use serde::{Deserialize, Serialize};

use super::{
    Matcher,
    mention::{Mention, announces_another, mentions},
};

/// The chance that the product changes from one utterance to the next.
const CHANGE: f32 = 0.03;
/// The same where the host says that another one comes.
const CHANGE_SAID: f32 = 0.95;
/// Of that, what goes to the next one in the running order, if there is one; of the rest, half goes to any other product
/// and half to none.
const TO_NEXT: f32 = 0.7;
/// The chance that a product begins where there was none.
const BEGIN: f32 = 0.2;
/// Half of what is believed without new evidence is given up in this time: 2 minutes, in microseconds.
const HALF_LIFE_US: f32 = 120e6;
/// A product is bound from this probability on: below it, unsure means unbound.
const SURE: f32 = 0.6;
/// How strongly the brand's own feed speaks.
const FEED: f32 = 100_000.0;
/// Nothing is believed less than this, so that evidence can always bring it back.
const FLOOR: f32 = 1e-4;

/// The product on sale, with the reason for thinking so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// The product's SKU.
    pub sku: String,
    /// In words: what was said, and when.
    pub why: String,
    /// When the evidence was said.
    pub at: MediaTime,
    /// How sure it is, 0 to 1.
    pub p: f32,
}

/// The running state of product binding. Serialisable, so that a restart goes on where it stood.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OnSale {
    /// What is believed of each product; the rest to 1 is "none".
    beliefs: Vec<Belief>,
    heard: Option<MediaTime>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Belief {
    sku: String,
    p: f32,
    why: String,
    at: MediaTime,
}

/// Something said, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The words.
    pub text: &'a str,
    /// When they began.
    pub at: MediaTime,
    /// How likely it is small talk, 0 to 1: product words count for little there.
    pub chat: f32,
}

impl OnSale {
    /// Takes an utterance; answers what is on sale during it, with the reason in `language`.
    pub fn hear(&mut self, products: &[Matcher], said: Said<'_>, language: Language) -> Option<Binding> {
        self.pass(products, said.at, announces_another(said.text), language);
        let weight = 1.0 - 0.75 * said.chat.clamp(0.0, 1.0);
        for (product, (strength, mention)) in products.iter().zip(mentions(products, said.text)) {
            if let Some(mention) = mention {
                self.weigh(product, strength.powf(weight), || mention.describe(said.at, language), said.at);
            }
        }
        self.current()
    }

    /// Takes word from the brand's product feed that `sku` is on air since `at`; `None`: nothing is.
    pub fn fed(&mut self, products: &[Matcher], sku: Option<&str>, at: MediaTime, language: Language) {
        self.pass(products, at, true, language);
        match sku.and_then(|sku| products.iter().find(|p| p.sku == sku)) {
            Some(product) => self.weigh(product, FEED, || Mention::Feed.describe(at, language), at),
            None => self.beliefs.iter_mut().for_each(|b| b.p = FLOOR),
        }
    }

    /// What is on sale as far as is known, if that is sure enough.
    pub fn current(&self) -> Option<Binding> {
        let best = self.beliefs.iter().max_by(|a, b| a.p.total_cmp(&b.p)).filter(|b| b.p >= SURE)?;
        Some(Binding { sku: best.sku.clone(), why: best.why.clone(), at: best.at, p: best.p })
    }

    /// Time goes by, and the product may change.
    fn pass(&mut self, products: &[Matcher], at: MediaTime, announced: bool, language: Language) {
        self.beliefs.retain(|b| products.iter().any(|p| p.sku == b.sku));
        for product in products {
            if !self.beliefs.iter().any(|b| b.sku == product.sku) {
                let sku = product.sku.clone();
                self.beliefs.push(Belief { sku, p: FLOOR, why: String::new(), at });
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a length of time")]
        let gone = self.heard.map_or(0.0, |heard| (at - heard).max(0) as f32);
        self.heard = Some(at);
        let fade = 0.5f32.powf(gone / HALF_LIFE_US);
        let leave = if announced { CHANGE_SAID } else { CHANGE };
        let next = if announced { self.next(products) } else { None };
        self.beliefs.iter_mut().for_each(|b| b.p *= fade);
        let (leaving, none) = (self.some() * leave, self.none());
        let to_next = if next.is_some() { leaving * TO_NEXT } else { 0.0 };
        let to_others = (leaving - to_next) / 2.0;
        #[expect(clippy::cast_precision_loss, reason = "a product list")]
        let n = self.beliefs.len().max(1) as f32;
        let some = self.some().max(FLOOR);
        for b in &mut self.beliefs {
            // What leaves a product goes to another one.
            let of_others = to_others * (1.0 - b.p / some) / (n - 1.0).max(1.0);
            b.p = b.p * (1.0 - leave) + of_others + none * BEGIN / n;
        }
        if let Some(b) = next.and_then(|next| self.beliefs.get_mut(next)) {
            b.p += to_next;
            b.why = Mention::Next.describe(at, language);
            b.at = at;
        }
    }

    /// The product that comes after the believed one in the running order.
    fn next(&self, products: &[Matcher]) -> Option<usize> {
        let current = self.current()?;
        let order = products.iter().find(|p| p.sku == current.sku)?.order?;
        let later = products.iter().filter(|p| p.order.is_some_and(|o| o > order));
        let next = later.min_by_key(|p| p.order)?;
        self.beliefs.iter().position(|b| b.sku == next.sku)
    }

    /// Evidence for a product: `strength` times likelier while it is on sale than otherwise.
    fn weigh(&mut self, product: &Matcher, strength: f32, why: impl FnOnce() -> String, at: MediaTime) {
        let Some(i) = self.beliefs.iter().position(|b| b.sku == product.sku) else { return };
        let whole = 1.0 + self.beliefs[i].p * (strength - 1.0);
        self.beliefs[i].p *= strength;
        self.beliefs[i].why = why();
        self.beliefs[i].at = at;
        self.beliefs.iter_mut().for_each(|b| b.p = (b.p / whole).max(FLOOR));
    }

    fn some(&self) -> f32 {
        self.beliefs.iter().map(|b| b.p).sum()
    }

    fn none(&self) -> f32 {
        (1.0 - self.some()).max(FLOOR)
    }
}
