mod en;
mod properties;
mod warnings;
mod zh;

use super::*;

/// `kind what amount-to unit /pieces`, with what is empty left out.
fn show(a: &Attribute) -> String {
    let kind = serde_json::to_string(&a.kind).unwrap();
    let mut out = kind.trim_matches('"').to_owned();
    if !a.what.is_empty() {
        out += &format!(" {}", a.what);
    }
    if let Some(amount) = a.amount {
        out += &format!(" {amount}");
    }
    if let Some(to) = a.to {
        out += &format!("-{to}");
    }
    if !a.unit.is_empty() {
        out += &format!(" {}", a.unit);
    }
    if let Some(pieces) = a.pieces {
        out += &format!(" /{pieces}");
    }
    out
}

/// Checks a table of sentences and what is said in them, `; ` between the values.
fn check(language: Language, table: &[(&str, &str)]) {
    let mut wrong = vec![];
    for (text, expected) in table {
        let found = attributes(text, language, 7);
        let shown = found.iter().map(show).collect::<Vec<_>>().join("; ");
        if shown != *expected {
            wrong.push(format!("{text}\n   wanted {expected}\n   found  {shown}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}
