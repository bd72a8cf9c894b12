//! Whether the words of the trade were recognised.

use clipmill_domain::source::Language;

use super::{lexicon::Term, normalise::text_tokens};

/// Terms in the common form, ready to be looked for.
#[derive(Debug, Clone)]
pub struct TermSet {
    /// The names of each term: no spaces, the longest first.
    terms: Vec<Vec<String>>,
}

impl TermSet {
    /// Names that are nothing in the common form are left out.
    pub fn new(terms: &[Term], language: Language) -> Self {
        let names = |t: &Term| {
            let mut names: Vec<String> = t.names.iter().map(|n| text_tokens(n, language).concat()).collect();
            names.retain(|n| !n.is_empty());
            names.sort_by_key(|n| std::cmp::Reverse(n.len()));
            names.dedup();
            names
        };
        Self { terms: terms.iter().map(names).filter(|n| !n.is_empty()).collect() }
    }

    /// How often each term stands in the tokens, by any of its names.
    pub fn count<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
        let mut text = String::new();
        // Where tokens meet, in bytes: a name starts and ends there. Digits and Latin letters of Chinese text are tokens
        // of one character each; a name does not begin or end inside a number or a Latin word either.
        let mut seams = vec![true];
        for token in tokens {
            let joined = token.chars().count() == 1
                && text.chars().next_back().is_some_and(|before| same_word(before, token.chars().next()));
            if let Some(seam) = seams.last_mut() {
                *seam = !joined;
            }
            text.push_str(token);
            seams.resize(text.len() + 1, false);
            seams[text.len()] = true;
        }
        self.terms.iter().map(|names| occurrences(&text, &seams, names)).collect()
    }
}

/// Two characters of one number or one Latin word.
fn same_word(a: char, b: Option<char>) -> bool {
    let class = |c: char| (c.is_ascii_digit() || c == '.', c.is_ascii_alphabetic());
    b.is_some_and(|b| class(a) == class(b) && class(a) != (false, false))
}

fn occurrences(text: &str, seams: &[bool], names: &[String]) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        let found = names.iter().find(|n| {
            seams[at] && text[at..].starts_with(n.as_str()) && seams.get(at + n.len()) == Some(&true)
        });
        count += usize::from(found.is_some());
        at += found.map_or_else(|| text[at..].chars().next().map_or(1, char::len_utf8), String::len);
    }
    count
}

/// How many terms were said and how many of those were recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recall {
    /// Terms said, each occurrence.
    pub said: usize,
    /// Of those, recognised.
    pub found: usize,
}

impl Recall {
    /// Adds a sentence: what is said in it, and what was recognised in its time.
    pub fn add(&mut self, said: &[usize], heard: &[usize]) {
        self.said += said.iter().sum::<usize>();
        self.found += said.iter().zip(heard).map(|(s, h)| s.min(h)).sum::<usize>();
    }

    /// Adds up.
    pub fn join(&mut self, other: Self) {
        self.said += other.said;
        self.found += other.found;
    }

    /// As a share of 0 to 1; `None` when no term is said.
    #[expect(clippy::cast_precision_loss, reason = "there are few terms")]
    pub fn share(self) -> Option<f64> {
        (self.said > 0).then(|| self.found as f64 / self.said as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(terms: &[&[&str]], text: &str, language: Language) -> Vec<usize> {
        let terms: Vec<Term> =
            terms.iter().map(|n| Term { names: n.iter().map(|n| (*n).to_owned()).collect() }).collect();
        let tokens = text_tokens(text, language);
        TermSet::new(&terms, language).count(tokens.iter().map(String::as_str))
    }

    #[test]
    fn each_occurrence_of_any_name_counts_once() {
        let zh = |terms: &[&[&str]], text: &str| count(terms, text, Language::Zh);
        assert_eq!(zh(&[&["磁吸充电宝", "充电宝"]], "磁吸充电宝，这个充电寶"), [2]);
        assert_eq!(zh(&[&["三C认证"], &["毫安", "mAh"]], "3c認證，一万毫安10000mAh"), [1, 2]);
        assert_eq!(zh(&[&["50克"], &["xt"]], "一百五十克 xts"), [0, 0], "not inside a number or a word");
        let en = |terms: &[&[&str]], text: &str| count(terms, text, Language::En);
        assert_eq!(en(&[&["lip balm"], &["denim"]], "The lip-balm. Lipbalm! denims"), [2, 0]);
        assert_eq!(
            en(&[&["milliamp hours", "mAh"], &["USB-C", "type C"]], "10,000 mAh, USB C type-c"),
            [1, 2]
        );
    }

    #[test]
    fn recall_counts_what_was_said() {
        let mut recall = Recall::default();
        assert_eq!(recall.share(), None);
        recall.add(&[2, 1, 0], &[1, 3, 5]);
        assert_eq!((recall, recall.share()), (Recall { said: 3, found: 2 }, Some(2.0 / 3.0)));
    }
}
