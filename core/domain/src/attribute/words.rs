//! The lists of words that values are found by: `data/attributes/*.toml`.

use std::{collections::BTreeMap, ops::Range, sync::LazyLock};

use serde::{Deserialize, Deserializer};

use crate::source::Language;

/// The lists of one language, as its file documents them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub materials: List,
    pub materials_short: List,
    pub downs: List,
    pub material_stops: List,
    pub share_links: List,
    pub colours: List,
    pub colours_loose: List,
    pub colour_context: List,
    pub colour_modifiers: List,
    pub colour_bases: List,
    pub colour_with_se: List,
    pub colour_stops: List,
    pub negations: List,
    pub negations_tight: List,
    pub negation_exceptions: List,
    pub negations_after: List,
    pub negations_end: List,
    pub resets: List,
    pub similes: List,
    pub similes_weak: List,
    pub simile_ends: List,
    pub about_before: List,
    pub about_after: List,
    pub asks_end: List,
    pub asks_within: List,
    pub prices_list: List,
    pub prices_now: List,
    pub prices_part: List,
    pub prices_other: List,
    pub reductions: List,
    pub reductions_after: List,
    pub offers: List,
    pub offer_stops: List,
    pub size_marks: List,
    pub sizes_whole: List,
    pub measured: List,
    pub measured_other: List,
    pub count_units: List,
    pub count_units_loose: List,
    pub count_cues: List,
    pub count_stops: List,
    pub stock_cues: List,
    pub terms: List,
    pub day_words: List,
    pub day_cues: List,
    pub day_parts: List,
}

static ZH: LazyLock<Words> = LazyLock::new(|| read(include_str!("../../data/attributes/zh.toml")));
static EN: LazyLock<Words> = LazyLock::new(|| read(include_str!("../../data/attributes/en.toml")));

/// The lists for `language`.
pub(super) fn words(language: Language) -> &'static Words {
    match language {
        Language::Zh => &ZH,
        Language::En => &EN,
    }
}

fn read(text: &str) -> Words {
    toml::from_str(text).expect("the lists are part of the program, and a test reads them")
}

/// Words and phrases in lower case, by their first character, longest first.
#[derive(Debug, Default)]
pub(super) struct List(BTreeMap<char, Vec<String>>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut all: BTreeMap<char, Vec<String>> = BTreeMap::new();
        for entry in text.split([',', '\n']).map(str::trim).filter(|e| !e.is_empty()) {
            all.entry(entry.chars().next().unwrap_or_default()).or_default().push(entry.to_lowercase());
        }
        all.values_mut().for_each(|v| v.sort_by_key(|e| std::cmp::Reverse(e.len())));
        Ok(Self(all))
    }
}

impl List {
    /// The end of the longest entry that stands at byte `at` of `lower`, words of letters being whole words.
    pub fn at(&self, lower: &str, at: usize) -> Option<usize> {
        let rest = lower.get(at..)?;
        let rows = self.0.get(&rest.chars().next()?)?;
        let whole = |e: &&String| rest.starts_with(e.as_str()) && stands_alone(lower, at..at + e.len());
        rows.iter().find(whole).map(|e| at + e.len())
    }

    /// Whether `text` is an entry.
    pub fn has(&self, text: &str) -> bool {
        self.at(text, 0) == Some(text.len())
    }

    /// Entries in `within`, left to right, not overlapping.
    pub fn all(&self, lower: &str, within: Range<usize>) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = vec![];
        for (i, _) in lower.get(within.clone()).unwrap_or_default().char_indices() {
            let at = within.start + i;
            if found.last().is_some_and(|f| at < f.end) {
                continue;
            }
            found.extend(self.at(lower, at).filter(|end| *end <= within.end).map(|end| at..end));
        }
        found
    }

    /// The last entry in `within`.
    pub fn last(&self, lower: &str, within: Range<usize>) -> Option<Range<usize>> {
        self.all(lower, within).pop()
    }

    /// The first entry in `within`.
    pub fn first(&self, lower: &str, within: Range<usize>) -> Option<Range<usize>> {
        self.all(lower, within).into_iter().next()
    }

    /// The longest entry that ends at byte `end`, spaces and a colon between allowed.
    pub fn before(&self, lower: &str, end: usize) -> Option<Range<usize>> {
        let end = lower[..end].trim_end_matches([' ', ':', '：']).len();
        let longest = self.0.values().flatten().filter(|e| lower[..end].ends_with(e.as_str()));
        longest.map(|e| end - e.len()..end).filter(|r| stands_alone(lower, r.clone())).min_by_key(|r| r.start)
    }

    /// The longest entry at byte `at`, spaces and hyphens before it allowed.
    pub fn after(&self, lower: &str, at: usize) -> Option<Range<usize>> {
        let at = lower.len() - lower[at..].trim_start_matches([' ', '-']).len();
        self.at(lower, at).map(|end| at..end)
    }
}

/// Whether a stretch is no part of a longer run of ASCII letters and digits.
pub(super) fn stands_alone(lower: &str, range: Range<usize>) -> bool {
    let name = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let text = &lower[range.clone()];
    !(name(text.chars().next()) && name(lower[..range.start].chars().next_back())
        || name(text.chars().next_back()) && name(lower[range.end..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read_and_words_are_whole() {
        for language in [Language::Zh, Language::En] {
            assert!(words(language).materials.0.len() > 20);
        }
        let en = words(Language::En);
        assert_eq!(en.colours.at("sage green", 0), Some(10));
        assert_eq!(en.colours.at("blackout", 0), None);
        assert_eq!(en.negations.before("it has no ", 10), Some(7..9));
        assert_eq!(words(Language::Zh).materials.at("长绒棉四件套", 0), Some(9));
    }
}
