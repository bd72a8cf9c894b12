//! The taxonomy as data: what the base labels mean, and the finer labels that packs put under them.
//!
//! Files are `data/taxonomy/*.toml`; the built-in ones are part of the program, more come by file in the same form. A
//! brand's own labels are a pack like any other.

use std::{collections::BTreeSet, fmt::Write as _, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::Label;
use crate::source::Language;

/// Examples that a finer label needs at least, both languages together: fewer cannot be told from chance.
pub const EXAMPLES_MIN: usize = 10;
/// Counter-examples that a finer label needs at least.
pub const NOT_MIN: usize = 2;
/// A pack file longer than this many bytes is refused.
pub const PACK_BYTES_MAX: usize = 1 << 20;

const BASE: &str = include_str!("../../data/taxonomy/base.toml");
const PACKS: [(&str, &str); 5] = [
    ("the built-in pack apparel", include_str!("../../data/taxonomy/apparel.toml")),
    ("the built-in pack beauty", include_str!("../../data/taxonomy/beauty.toml")),
    ("the built-in pack 3c", include_str!("../../data/taxonomy/3c.toml")),
    ("the built-in pack food", include_str!("../../data/taxonomy/food.toml")),
    ("the built-in pack household", include_str!("../../data/taxonomy/household.toml")),
];

/// A text in both languages of the product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Bilingual {
    /// The text in `language`.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }
}

/// Sentences as hosts say them, by language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sentences {
    /// Chinese.
    pub zh: Vec<String>,
    /// English.
    pub en: Vec<String>,
}

impl Sentences {
    /// Those in `language`.
    pub fn get(&self, language: Language) -> &[String] {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }

    /// All, Chinese first.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.zh.iter().chain(&self.en).map(String::as_str)
    }
}

/// A label as its file describes it: a base label, or a finer one under a base label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Of a base label its key; of a finer one unique within its pack: small letters, digits and `_`.
    pub key: String,
    /// The base label that a finer one lies under.
    #[serde(default)]
    pub under: Option<String>,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// What it means, in a sentence.
    pub define: Bilingual,
    /// What hosts say under it.
    pub examples: Sentences,
    /// What is close to it and is not it.
    pub not: Sentences,
}

impl Entry {
    /// Its name in `language`.
    pub fn name(&self, language: Language) -> &str {
        match language {
            Language::Zh => &self.zh,
            Language::En => &self.en,
        }
    }

    /// The base label that it lies under, or is.
    pub fn parent(&self) -> Option<Label> {
        self.under.as_deref().unwrap_or(&self.key).parse().ok()
    }
}

/// The finer labels of a category, or of a brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Unique: small letters, digits and `_`.
    pub key: String,
    /// Raised whenever a label changes.
    pub version: u32,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Its labels.
    #[serde(rename = "label")]
    pub labels: Vec<Entry>,
}

/// A file that is no usable pack: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin} is not a usable label file: {}", problems.join("; "))]
pub struct TaxonomyError {
    /// The file.
    pub origin: String,
    /// What to correct, one by one.
    pub problems: Vec<String>,
}

/// The base labels and every pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taxonomy {
    /// Described in the order of [`Label::ALL`].
    base: Pack,
    packs: Vec<Pack>,
}

static BUILT_IN: LazyLock<Taxonomy> = LazyLock::new(|| {
    Taxonomy::read(BASE, &PACKS).expect("the built-in labels are part of the program, and a test reads them")
});

impl Taxonomy {
    /// The base labels and the built-in packs.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// This and more packs, each with its origin (a path) for the errors.
    pub fn with<O: AsRef<str>, T: AsRef<str>>(&self, more: &[(O, T)]) -> Result<Self, TaxonomyError> {
        let mut whole = self.clone();
        for (origin, text) in more {
            let pack = read_pack(origin.as_ref(), text.as_ref())?;
            if whole.packs.iter().any(|p| p.key == pack.key) || pack.key == whole.base.key {
                let problem = format!("a pack {:?} is there already: give this one another key", pack.key);
                return Err(TaxonomyError { origin: origin.as_ref().to_owned(), problems: vec![problem] });
            }
            whole.packs.push(pack);
        }
        Ok(whole)
    }

    fn read(base: &str, packs: &[(&str, &str)]) -> Result<Self, TaxonomyError> {
        let origin = "the built-in base labels";
        let base: Pack = parse(origin, base)?;
        let keys: Vec<&str> = base.labels.iter().map(|l| l.key.as_str()).collect();
        let problems = if keys == Label::ALL.map(Label::key) {
            vec![]
        } else {
            vec!["it must describe every base label, in their order".to_owned()]
        };
        refuse(origin, problems.into_iter().chain(base.labels.iter().flat_map(words_missing)).collect())?;
        Self { base, packs: vec![] }.with(packs)
    }

    /// The base labels as described, in the order of [`Label::ALL`].
    pub fn base(&self) -> &[Entry] {
        &self.base.labels
    }

    /// The packs, built-in ones first.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// How a base label is described.
    pub fn label(&self, label: Label) -> &Entry {
        &self.base.labels[label.index()]
    }

    /// What a base label means.
    pub fn definition(&self, label: Label, language: Language) -> &str {
        self.label(label).define.get(language)
    }

    /// What hosts say under a base label.
    pub fn examples(&self, label: Label, language: Language) -> &[String] {
        self.label(label).examples.get(language)
    }

    /// What is close to a base label and is not it.
    pub fn counter_examples(&self, label: Label, language: Language) -> &[String] {
        self.label(label).not.get(language)
    }

    /// A finer label by its pack and key joined with a dot (`apparel.warmth`).
    pub fn finer(&self, id: &str) -> Option<&Entry> {
        let (pack, key) = id.split_once('.')?;
        self.packs.iter().find(|p| p.key == pack)?.labels.iter().find(|l| l.key == key)
    }

    /// Names base and packs with their versions (`base 1, apparel 1`): what was labelled with it, was labelled with this.
    pub fn version(&self) -> String {
        let mut out = format!("base {}", self.base.version);
        for pack in &self.packs {
            let _ = write!(out, ", {} {}", pack.key, pack.version);
        }
        out
    }
}

/// Reads a pack and checks all of it.
pub fn read_pack(origin: &str, text: &str) -> Result<Pack, TaxonomyError> {
    let pack: Pack = parse(origin, text)?;
    let mut problems = vec![];
    if !is_key(&pack.key) {
        problems.push(format!("pack key {:?}: use small letters, digits and _ only", pack.key));
    }
    if pack.zh.trim().is_empty() || pack.en.trim().is_empty() {
        problems.push("the pack needs a name in both zh and en".to_owned());
    }
    if pack.labels.is_empty() {
        problems.push("it has no [[label]]".to_owned());
    }
    let mut keys = BTreeSet::new();
    let mut sentences = BTreeSet::new();
    for label in &pack.labels {
        let key = &label.key;
        if !is_key(key) {
            problems.push(format!("label key {key:?}: use small letters, digits and _ only"));
        }
        if !keys.insert(key) {
            problems.push(format!("label {key:?} is there twice"));
        }
        match label.under.as_deref().map(str::parse::<Label>) {
            None => problems.push(format!("label {key:?} lacks `under`: name the base label it belongs to")),
            Some(Err(unknown)) => problems.push(format!("label {key:?} lies under {unknown}")),
            Some(Ok(Label::Chat)) => {
                problems.push(format!("label {key:?} lies under chat, which does not sell"));
            }
            Some(Ok(_)) => {}
        }
        problems.extend(words_missing(label));
        let (said, not) = (label.examples.all().count(), label.not.all().count());
        if said < EXAMPLES_MIN {
            problems.push(format!("label {key:?} has {said} examples and {EXAMPLES_MIN} are needed"));
        }
        if not < NOT_MIN {
            problems
                .push(format!("label {key:?} has {not} counter-examples (`not`) and {NOT_MIN} are needed"));
        }
        for text in label.examples.all() {
            if !sentences.insert(text.trim()) {
                problems.push(format!("{text:?} is an example twice"));
            }
            if label.not.all().any(|n| n.trim() == text.trim()) {
                problems.push(format!("{text:?} is both an example and a counter-example of {key:?}"));
            }
        }
    }
    refuse(origin, problems)?;
    Ok(pack)
}

fn parse(origin: &str, text: &str) -> Result<Pack, TaxonomyError> {
    if text.len() > PACK_BYTES_MAX {
        refuse(origin, vec![format!("it has more than {PACK_BYTES_MAX} bytes")])?;
    }
    toml::from_str(text).map_err(|e| TaxonomyError {
        origin: origin.to_owned(),
        problems: vec![e.to_string().trim().to_owned()],
    })
}

fn refuse(origin: &str, problems: Vec<String>) -> Result<(), TaxonomyError> {
    if problems.is_empty() { Ok(()) } else { Err(TaxonomyError { origin: origin.to_owned(), problems }) }
}

/// Names and definitions in both languages; no sentence blank.
fn words_missing(label: &Entry) -> Vec<String> {
    let mut problems = vec![];
    let blank = |s: &str| s.trim().is_empty();
    if blank(&label.zh) || blank(&label.en) {
        problems.push(format!("label {:?} needs a name in both zh and en", label.key));
    }
    if blank(&label.define.zh) || blank(&label.define.en) {
        problems.push(format!("label {:?} needs a definition in both zh and en", label.key));
    }
    if label.examples.all().chain(label.not.all()).any(blank) {
        problems.push(format!("label {:?} has a blank example", label.key));
    }
    problems
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 40
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_labels_are_whole_and_in_both_languages() {
        let t = Taxonomy::built_in();
        assert_eq!(t.base().len(), Label::ALL.len());
        for label in Label::ALL {
            assert_eq!((t.label(label).zh.as_str(), t.label(label).en.as_str()), (label.zh(), label.en()));
            for language in [Language::Zh, Language::En] {
                assert!(!t.definition(label, language).is_empty());
                assert!(t.examples(label, language).len() >= 2, "{label}");
                assert!(t.counter_examples(label, language).len() >= 2, "{label}");
            }
        }
        assert_eq!(t.packs().len(), 5);
        for pack in t.packs() {
            assert!(pack.labels.len() >= 5, "{}", pack.key);
            for l in &pack.labels {
                assert!(l.examples.zh.len() >= 5 && l.examples.en.len() >= 5, "{}.{}", pack.key, l.key);
                assert!(!l.not.zh.is_empty() && !l.not.en.is_empty(), "{}.{}", pack.key, l.key);
            }
        }
        assert_eq!(t.finer("apparel.warmth").unwrap().parent(), Some(Label::Function));
        assert_eq!(t.finer("apparel.shade"), None);
        assert!(t.version().starts_with("base 1, apparel 1, "));
    }

    const BRAND: &str = r#"
        key = "ours"
        version = 3
        zh = "自家"
        en = "Ours"
        [[label]]
        key = "cooling"
        under = "function"
        zh = "冰感"
        en = "Cooling"
        define = { zh = "摸着凉", en = "Cool to the touch" }
        examples = { zh = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"] }
        not = { en = ["warm", "soft"] }
    "#;

    #[test]
    fn a_brand_adds_its_own_with_ten_examples() {
        let t = Taxonomy::built_in().with(&[("ours.toml", BRAND)]).unwrap();
        assert_eq!(t.finer("ours.cooling").unwrap().en, "Cooling");
        assert!(t.version().ends_with("ours 3"));
        let twice = t.with(&[("again.toml", BRAND)]).unwrap_err();
        assert!(twice.to_string().contains("again.toml") && twice.to_string().contains("there already"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (from, to, expected) in [
            ("under = \"function\"", "under = \"functions\"", "lies under label \"functions\" is not in"),
            ("under = \"function\"", "under = \"chat\"", "does not sell"),
            ("under = \"function\"", "", "lacks `under`"),
            ("\"十\"", "\"九\"", "is an example twice"),
            (", \"十\"", "", "has 9 examples and 10 are needed"),
            ("\"十\"", "\" \"", "blank"),
            (", \"soft\"", "", "has 1 counter-examples"),
            ("en = \"Cooling\"", "en = \"\"", "a name in both"),
            ("en = \"Cool to the touch\"", "en = \" \"", "a definition in both"),
            ("key = \"cooling\"", "key = \"Cool.ing\"", "small letters"),
            ("\"warm\"", "\"一\"", "both an example and a counter-example"),
            ("version = 3", "version = 3\nversion = 4", "duplicate key"),
            ("version = 3", "colour = 3", "unknown field `colour`"),
        ] {
            assert!(BRAND.contains(from), "{from}");
            let error = read_pack("a.toml", &BRAND.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(expected), "{to}: {error}");
        }
        let doubled = BRAND.to_owned() + &BRAND[BRAND.find("[[label]]").unwrap()..];
        assert!(read_pack("a.toml", &doubled).unwrap_err().problems[0].contains("there twice"));
    }
}
