//! The one line shown in the feed: a fixed outline whose blanks are filled from what was said.

use clipmill_domain::{selling_point::SellingPoint, source::Language};

/// The most characters a hook may have before it is cut at a word or clause: Chinese counts each character.
const HOOK_CHARS_MAX: usize = 24;

/// "product · label: hook", in the language of the live. Every word of the hook was said.
pub fn title(point: &SellingPoint, language: Language) -> String {
    let label = match language {
        Language::Zh => point.label.zh(),
        Language::En => point.label.en(),
    };
    let hook = hook(&point.evidence.quote);
    let head = match &point.product_name {
        Some(name) => format!("{name} · {label}"),
        None => label.to_owned(),
    };
    match (hook.is_empty(), language) {
        (true, _) => head,
        (false, Language::Zh) => format!("{head}：{hook}"),
        (false, Language::En) => format!("{head}: {hook}"),
    }
}

/// The first clauses of `quote` that fit, or its first words.
fn hook(quote: &str) -> String {
    let quote = quote.trim();
    let mut end = 0;
    for (i, c) in quote.char_indices() {
        if "，。！？,.!?；;".contains(c) {
            if quote[..i].chars().count() > HOOK_CHARS_MAX {
                break;
            }
            end = i;
        }
    }
    if quote.chars().count() <= HOOK_CHARS_MAX {
        return quote.trim_end_matches(['，', '。', ',', '.', '；', ';']).to_owned();
    }
    if quote[..end].chars().count() >= 6 {
        return quote[..end].to_owned();
    }
    let cut: String = quote.chars().take(HOOK_CHARS_MAX).collect();
    let whole = if quote.is_ascii() { cut.rsplit_once(' ').map_or(cut.as_str(), |(a, _)| a) } else { &cut };
    format!("{}…", whole.trim_end())
}

#[cfg(test)]
mod tests {
    use super::hook;

    #[test]
    fn a_hook_is_a_whole_clause_or_whole_words() {
        assert_eq!(
            hook("纱线是细支的，织得很密，透气又不会勾丝。"),
            "纱线是细支的，织得很密，透气又不会勾丝"
        );
        assert_eq!(
            hook("先看这件针织开衫，成分是百分之五十五的亚麻，加上百分之四十五的莫代尔"),
            "先看这件针织开衫，成分是百分之五十五的亚麻"
        );
        assert_eq!(hook("it has a brushed lining that keeps you warm"), "it has a brushed lining…");
        assert_eq!(hook(""), "");
    }
}
