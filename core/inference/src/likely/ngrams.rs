//! Word n-grams with back-off, from the usual text form (ARPA, after D. Paul and the SRI tools).

use std::{
    collections::HashMap,
    io::{self, BufRead},
};

use super::Language;

/// A number for a word.
type Id = u32;
/// What comes before the first word.
const START: &str = "<s>";
/// Any word that the model does not know.
const UNKNOWN: &str = "<unk>";
/// The common logarithm of the probability of a word nobody has counted, where the model does not say.
const NEVER: f32 = -8.0;

#[derive(Debug, Clone, Copy)]
struct Odds {
    /// Natural logarithm of the probability.
    likely: f32,
    /// Natural logarithm of the weight of what is known with less before it.
    back_off: f32,
}

/// Word n-grams of up to three words.
#[derive(Debug)]
pub struct Ngrams {
    ids: HashMap<Box<str>, Id>,
    one: Vec<Odds>,
    two: HashMap<[Id; 2], Odds>,
    three: HashMap<[Id; 3], f32>,
    unknown: Odds,
}

/// A model of the language that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadNgrams {
    /// The file could not be read.
    #[error("the n-grams cannot be read: {0}")]
    Read(#[from] io::Error),
    /// A line is not of the form.
    #[error(
        "line {line} of the n-grams is not a logarithm, words and perhaps a logarithm: fetch the file again"
    )]
    Line {
        /// From 1.
        line: usize,
    },
    /// The file ends early or is something else.
    #[error("the n-grams have no single words: the file is not in the ARPA form, or was cut short")]
    Empty,
}

impl Ngrams {
    /// Reads the text form. Longer n-grams than three words are passed over.
    pub fn read(from: impl BufRead) -> Result<Self, BadNgrams> {
        let unknown = Odds { likely: NEVER * std::f32::consts::LN_10, back_off: 0.0 };
        let mut out =
            Self { ids: HashMap::new(), one: vec![], two: HashMap::new(), three: HashMap::new(), unknown };
        let mut order = 0;
        for (i, line) in from.lines().enumerate() {
            let line = line?;
            let line = line.trim();
            if let Some(head) = line.strip_prefix('\\') {
                order = head.strip_suffix("-grams:").and_then(|n| n.parse().ok()).unwrap_or(0);
            } else if order > 0 && !line.is_empty() {
                out.add(order, line).ok_or(BadNgrams::Line { line: i + 1 })?;
            }
        }
        if out.one.is_empty() { Err(BadNgrams::Empty) } else { Ok(out) }
    }

    fn add(&mut self, order: usize, line: &str) -> Option<()> {
        let mut parts = line.split_ascii_whitespace();
        let log = |text: &str| text.parse::<f32>().ok().map(|x| x * std::f32::consts::LN_10);
        let likely = log(parts.next()?)?;
        let words: Vec<_> = parts.by_ref().take(order).collect();
        if words.len() < order {
            return None;
        }
        let odds = Odds { likely, back_off: parts.next().map_or(Some(0.0), log)? };
        match words.as_slice() {
            [word] => {
                let id = Id::try_from(self.one.len()).ok()?;
                if *word == UNKNOWN {
                    self.unknown = odds;
                }
                self.ids.insert((*word).into(), id);
                self.one.push(odds);
            }
            [a, b] => {
                self.two.insert([*self.ids.get(*a)?, *self.ids.get(*b)?], odds);
            }
            [a, b, c] => {
                let key = [*self.ids.get(*a)?, *self.ids.get(*b)?, *self.ids.get(*c)?];
                self.three.insert(key, likely);
            }
            _ => {}
        }
        Some(())
    }

    fn single(&self, id: Option<Id>) -> Odds {
        id.and_then(|id| self.one.get(id as usize)).copied().unwrap_or(self.unknown)
    }

    /// With at most one word before.
    fn after_one(&self, before: Option<Id>, word: Option<Id>) -> f32 {
        match before.zip(word).and_then(|(b, w)| self.two.get(&[b, w])) {
            Some(odds) => odds.likely,
            None => before.map_or(0.0, |b| self.single(Some(b)).back_off) + self.single(word).likely,
        }
    }
}

impl Language for Ngrams {
    /// The last two words, the nearer one second; `None` where there is none or it is not known.
    type State = [Option<Id>; 2];

    fn start(&self) -> Self::State {
        [None, self.ids.get(START).copied()]
    }

    fn next(&self, before: &Self::State, word: &str) -> (f32, Self::State) {
        let word = self.ids.get(word).copied();
        let state = [before[1], word];
        let [Some(a), Some(b)] = *before else { return (self.after_one(before[1], word), state) };
        let likely = match word.and_then(|w| self.three.get(&[a, b, w])) {
            Some(likely) => *likely,
            None => self.two.get(&[a, b]).map_or(0.0, |o| o.back_off) + self.after_one(Some(b), word),
        };
        (likely, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "\\data\\\nngram 1=6\nngram 2=4\nngram 3=1\n
\\1-grams:\n-5.5\t<unk>\n-99\t<s>\t-0.7\n-2.0\t</s>\n-1.1\t面料\t-0.4\n-1.2\t很\t-0.3\n-2.3\t舒服\t-0.2\n
\\2-grams:\n-0.5\t<s> 面料\t-0.15\n-0.6\t面料 很\t-0.25\n-0.9\t很 舒服\n-0.4\t舒服 </s>\n
\\3-grams:\n-0.1\t<s> 面料 很\n
\\end\\\n";

    /// Expected values: KenLM's `full_scores` of the same file.
    #[test]
    fn it_scores_as_the_reference_program_does() {
        let model = Ngrams::read(MODEL.as_bytes()).unwrap();
        for (text, expected) in [
            ("面料 很 舒服", &[-0.5, -0.1, -1.15][..]),
            ("很 面料 很", &[-1.9, -1.4, -0.6]),
            ("面料 廖 很", &[-0.5, -6.05, -1.2]),
        ] {
            let mut state = model.start();
            for (word, expected) in text.split(' ').zip(expected) {
                let (likely, next) = model.next(&state, word);
                let got = likely / std::f32::consts::LN_10;
                assert!((got - expected).abs() < 1e-4, "{text}, {word}: {got} for {expected}");
                state = next;
            }
        }
    }

    #[test]
    fn what_is_no_model_is_refused() {
        assert!(matches!(Ngrams::read(&b"hello"[..]), Err(BadNgrams::Empty)));
        let broken = MODEL.replace("-0.9\t很 舒服", "很 舒服");
        assert!(matches!(Ngrams::read(broken.as_bytes()), Err(BadNgrams::Line { line: 17 })));
    }
}
