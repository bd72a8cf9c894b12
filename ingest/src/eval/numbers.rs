//! Whether prices, sizes and measures were recognised with their value and unit.

use clipmill_domain::{
    quantity::{Number, Quantity, Unit, quantities},
    source::Language,
};

use super::terms::Recall;

/// A bare number below this is as likely an article or a pronoun.
const LEAST_BARE: i64 = 10;

/// Counts the numbers said in a sentence (those with a unit, and bare ones of two digits and more) and how many of
/// them stand in what was recognised in its time. Each number recognised answers for one number said.
pub(super) fn compare(said: &str, heard: &str, language: Language) -> Recall {
    let mut left = quantities(heard, language);
    let mut recall = Recall::default();
    for q in quantities(said, language).into_iter().filter(counts) {
        recall.said += 1;
        if let Some(at) = left.iter().position(|h| same(&q, h)) {
            left.remove(at);
            recall.found += 1;
        }
    }
    recall
}

fn counts(q: &Quantity) -> bool {
    q.unit != Unit::Plain || Number::whole(LEAST_BARE).is_none_or(|least| q.value >= least)
}

/// The same value and unit. Money that does not say which money may be said to be any, and a bare number said may be
/// written as money: `sixty nine fifty` is `$69.50`.
fn same(said: &Quantity, heard: &Quantity) -> bool {
    let unit = match (&said.unit, &heard.unit) {
        (a, b) if a == b => true,
        (Unit::Money(None) | Unit::Plain, Unit::Money(_)) | (Unit::Money(None), Unit::Plain) => true,
        (Unit::Bundle { count, currency: None }, Unit::Bundle { count: pieces, .. }) => count == pieces,
        _ => false,
    };
    unit && said.value == heard.value
}
