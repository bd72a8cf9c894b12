//! Numbers as hosts say them and as recognisers write them.

mod en;
mod properties;
mod zh;

use super::{Currency, Quantity, Unit, quantities};
use crate::source::Language;

/// A quantity in short: its value and unit.
fn show(q: &Quantity) -> String {
    let money = |c: &Option<Currency>| match c {
        Some(Currency::Yuan) => "yuan",
        Some(Currency::Dollar) => "dollar",
        Some(Currency::Euro) => "euro",
        Some(Currency::Pound) => "sterling",
        None => "money",
    };
    let word = |w: String| w.to_lowercase();
    let unit = match &q.unit {
        Unit::Money(c) => money(c).to_owned(),
        Unit::Percent => "%".to_owned(),
        Unit::Discount => "x".to_owned(),
        Unit::DiscountOnNth(n) => format!("x on {n}"),
        Unit::Rebate { over } => format!("off {over}"),
        Unit::Bundle { count, currency } => format!("{} for {count}", money(currency)),
        Unit::Offer { buy, .. } => format!("free for {buy}"),
        Unit::Count(what) => what.clone(),
        Unit::Length(u) => word(format!("{u:?}")),
        Unit::Weight(u) => word(format!("{u:?}")),
        Unit::Volume(u) => word(format!("{u:?}")),
        Unit::Time(u) => word(format!("{u:?}")),
        Unit::Size | Unit::Power | Unit::Capacity | Unit::Link | Unit::Plain => word(format!("{:?}", q.unit)),
    };
    format!("{} {unit}", q.value)
}

/// Checks a table of texts and what is said in them, `; ` between the quantities.
fn check(language: Language, table: &[(&str, &str)]) {
    let mut wrong = vec![];
    for (text, expected) in table {
        let found = quantities(text, language);
        let shown = found.iter().map(show).collect::<Vec<_>>().join("; ");
        if shown != *expected {
            wrong.push(format!("{text}\n   wanted {expected}\n   found  {shown}"));
        }
        for q in &found {
            assert_eq!(&text[q.range.clone()], q.raw, "{text}");
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}
