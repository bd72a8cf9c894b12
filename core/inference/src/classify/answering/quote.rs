//! Whether quoted words stand in a text.

/// The stretch of `text` that `quote` repeats letter for letter, as it stands there; `None` where there is none.
/// Only white space may differ: a run of it counts as one blank, and at the quote's ends it counts for nothing.
pub fn stands_in<'a>(text: &'a str, quote: &str) -> Option<&'a str> {
    let wanted: Vec<char> = squeezed(quote.trim()).map(|(_, _, c)| c).collect();
    if wanted.is_empty() {
        return None;
    }
    let there: Vec<(usize, usize, char)> = squeezed(text).collect();
    let found = there.windows(wanted.len()).find(|w| w.iter().map(|(_, _, c)| c).eq(&wanted))?;
    let (first, last) = (found.first()?, found.last()?);
    text.get(first.0..last.1)
}

/// The characters with where each begins and ends, in bytes; a run of white space is one blank.
fn squeezed(text: &str) -> impl Iterator<Item = (usize, usize, char)> + '_ {
    let mut after_blank = false;
    text.char_indices().filter_map(move |(at, c)| {
        let blank = c.is_whitespace();
        let repeated = blank && after_blank;
        after_blank = blank;
        (!repeated).then(|| (at, at + c.len_utf8(), if blank { ' ' } else { c }))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_must_be_the_same_and_white_space_need_not() {
        assert_eq!(stands_in("现在 只要\n九十九元", "只要 九十九"), Some("只要\n九十九"));
        assert_eq!(stands_in("only  two left", " only two "), Some("only  two"));
        assert_eq!(stands_in("only two left", "Only two"), None, "another letter case is another letter");
        assert_eq!(stands_in("今天只要九十九元", "今天只要99元"), None);
        assert_eq!(stands_in("今天", "今天只要九十九元"), None);
        for nothing in ["", " \n\t "] {
            assert_eq!(stands_in("今天 ", nothing), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_part_of_the_text_and_says_the_same(text in "[a-c 一二\\n\u{3000}]{0,12}", quote in "[a-c 一二\\n\u{3000}]{0,5}") {
            let plain = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
            match stands_in(&text, &quote) {
                Some(found) => {
                    prop_assert!(text.contains(found));
                    prop_assert_eq!(plain(found), plain(&quote));
                }
                None => prop_assert!(quote.trim().is_empty() || !plain(&text).contains(&plain(&quote))),
            }
        }

        #[test]
        fn every_stretch_of_a_text_stands_in_it(text in "\\PC{1,20}", from in 0usize..20, len in 1usize..20) {
            let part: String = text.chars().skip(from).take(len).collect();
            prop_assume!(!part.trim().is_empty());
            prop_assert!(stands_in(&text, &part).is_some());
        }
    }
}
