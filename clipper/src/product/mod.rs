//! What is on sale now: binds talk to a product of the brand's list. Pure; unsure means unbound.
//!
//! [`Matcher`] is a product prepared, [`mention`] finds what in an utterance points to it and how strongly, and
//! [`OnSale`] weighs that against what was on sale before: a hidden Markov filter over the products and "none".

mod matcher;
pub mod mention;
mod belief;

pub use belief::{Binding, OnSale, Said};
pub use matcher::Matcher;

#[cfg(test)]
mod tests;
