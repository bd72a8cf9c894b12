//! Terms that may be said, as a bonus for the tokens that spell them. Pure.
//!
//! Contextual biasing by shallow fusion (Zhao et al., "Shallow-Fusion End-to-End Contextual Biasing", 2019), over bytes in
//! place of tokens: however the tokens divide a term, a text that goes on spelling one is worth more with each character,
//! and a text that leaves a term unfinished gives the bonus back. A term is thus preferred to what sounds like it, and
//! never forced: a text the recogniser is sure of stays as it is.

use std::collections::{HashMap, VecDeque};

/// Bonus, in nats, for the first character of a term. Small: any text may begin like some term.
const BEGIN: f32 = 0.5;
/// Bonus, in nats, for each further character of a name.
const GO_ON: f32 = 3.0;
/// The same of what is said in every live: the recogniser has heard most of it before.
const GO_ON_USUAL: f32 = 2.0;
/// Letters of other scripts are more to a word than characters are: so many bytes count as a Chinese character.
const CHARACTER_BYTES: usize = 3;
/// Longer lists are cut here: beyond, everything sounds like some term.
const TERMS_MAX: usize = 1000;

#[derive(Debug, Default)]
struct Node {
    next: HashMap<u8, usize>,
    /// The longest other beginning of a term that ends here.
    fall_back: usize,
    /// Bytes from the root.
    depth: usize,
    /// The bonus held here, in nats.
    worth: f32,
    /// As much of it as whole terms have earned.
    finished: f32,
}

/// The terms as a tree of bytes (Aho and Corasick's).
#[derive(Debug)]
pub(super) struct Bias {
    nodes: Vec<Node>,
}

/// How far the text so far has come into a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place(usize);

impl Bias {
    /// Over the spellings of `names` and of what is `usual`; those of one character say too little and are passed over.
    pub fn new(names: impl IntoIterator<Item = String>, usual: impl IntoIterator<Item = String>) -> Self {
        let mut nodes = vec![Node::default()];
        let names = names.into_iter().map(|s| (s, GO_ON));
        let spellings = names.chain(usual.into_iter().map(|s| (s, GO_ON_USUAL)));
        for (spelling, go_on) in spellings.filter(|(s, _)| s.trim().chars().count() > 1).take(TERMS_MAX) {
            let mut at = 0;
            for byte in spelling.bytes() {
                at = match nodes[at].next.get(&byte) {
                    Some(next) => *next,
                    None => {
                        nodes.push(Node { depth: nodes[at].depth + 1, ..Node::default() });
                        let new = nodes.len() - 1;
                        nodes[at].next.insert(byte, new);
                        new
                    }
                };
                nodes[at].worth = nodes[at].worth.max(worth(nodes[at].depth, go_on));
            }
            nodes[at].finished = nodes[at].worth;
        }
        let mut bias = Self { nodes };
        bias.find_fall_backs();
        bias
    }

    fn find_fall_backs(&mut self) {
        let mut queue: VecDeque<usize> = self.nodes[0].next.values().copied().collect();
        while let Some(at) = queue.pop_front() {
            let children: Vec<_> = self.nodes[at].next.iter().map(|(b, n)| (*b, *n)).collect();
            for (byte, child) in children {
                self.nodes[child].finished = self.nodes[child].finished.max(self.nodes[at].finished);
                self.nodes[child].fall_back = self.go(self.nodes[at].fall_back, byte);
                queue.push_back(child);
            }
        }
    }

    fn go(&self, mut at: usize, byte: u8) -> usize {
        loop {
            if let Some(next) = self.nodes[at].next.get(&byte) {
                return *next;
            }
            if at == 0 {
                return 0;
            }
            at = self.nodes[at].fall_back;
        }
    }

    /// Whether there is no term at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// Where the text stands after `bytes` more.
    pub fn after(&self, place: Place, bytes: &[u8]) -> Place {
        Place(bytes.iter().fold(place.0, |at, byte| self.go(at, *byte)))
    }

    /// What a text that stands at `place` gains by `bytes` more; negative where it leaves a term unfinished.
    pub fn gain(&self, place: Place, bytes: &[u8]) -> f32 {
        let (mut at, mut gain) = (place.0, 0.0);
        for byte in bytes {
            let to = self.go(at, *byte);
            let (from, into) = (&self.nodes[at], &self.nodes[to]);
            gain += if into.depth == from.depth + 1 {
                into.worth - from.worth
            } else {
                // The unfinished part is given back; what is finished keeps its worth. Another term may begin.
                into.worth - (from.worth - from.finished)
            };
            at = to;
        }
        gain
    }
}

/// The bonus held so many bytes into a term of which each further character is worth `go_on`. Nothing before a whole first character: too many characters share their first
/// bytes.
fn worth(depth: usize, go_on: f32) -> f32 {
    if depth < CHARACTER_BYTES {
        return 0.0;
    }
    BEGIN + go_on * (depth - CHARACTER_BYTES) as f32 / CHARACTER_BYTES as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bias(terms: &[&str]) -> Bias {
        Bias::new(terms.iter().map(|t| (*t).to_owned()), [])
    }

    /// The sum of gains of a text said in these pieces.
    fn total(bias: &Bias, pieces: &[&[u8]]) -> f32 {
        let mut place = Place::default();
        pieces
            .iter()
            .map(|bytes| {
                let gain = bias.gain(place, bytes);
                place = bias.after(place, bytes);
                gain
            })
            .sum()
    }

    #[test]
    fn going_on_with_a_term_gains_and_leaving_it_gives_back() {
        let b = bias(&["马齿苋"]);
        let at = b.after(Place::default(), "用马".as_bytes());
        assert!((b.gain(at, "齿".as_bytes()) - GO_ON).abs() < 1e-6);
        assert!((b.gain(at, "尺".as_bytes()) + BEGIN).abs() < 1e-6);
        // A whole term keeps its worth whatever comes after.
        let done = b.after(at, "齿苋".as_bytes());
        assert!(b.gain(done, "很".as_bytes()).abs() < 1e-6);
        // One that is left before its end is worth nothing in all.
        assert!(total(&b, &["马".as_bytes(), "齿".as_bytes(), "好".as_bytes()]).abs() < 1e-6);
    }

    #[test]
    fn the_way_a_term_is_cut_into_tokens_does_not_matter() {
        let b = bias(&["玻尿酸", "酸奶"]);
        let whole = total(&b, &["玻尿酸".as_bytes()]);
        let text = "玻尿酸".as_bytes();
        let cut = total(&b, &[&text[..2], &text[2..4], &text[4..]]);
        assert!((whole - (BEGIN + 2.0 * GO_ON)).abs() < 1e-5 && (whole - cut).abs() < 1e-5, "{whole} {cut}");
        // A longer term left unfinished keeps the shorter one in it.
        let b2 = bias(&["开衫", "开衫外套"]);
        let said = total(&b2, &["开衫".as_bytes(), "外".as_bytes(), "面".as_bytes()]);
        assert!((said - (BEGIN + GO_ON)).abs() < 1e-5, "{said}");
        // The end of one term can be the beginning of another.
        let at = b.after(Place::default(), "玻尿酸".as_bytes());
        assert_eq!(b.after(at, "奶".as_bytes()), b.after(Place::default(), "酸奶".as_bytes()));
    }

    #[test]
    fn a_first_byte_is_no_beginning_and_one_character_no_term() {
        let b = bias(&["小风扇", "棉"]);
        // 射 shares two of its three bytes with 小.
        assert!(b.gain(Place::default(), &"射".as_bytes()[..2]).abs() < 1e-6);
        assert!(b.gain(Place::default(), "棉".as_bytes()).abs() < 1e-6);
        assert!(bias(&["棉", " "]).is_empty());
    }

    proptest! {
        /// Whatever is said, in all nothing is lost by the bias, and nothing gained without a character of a term.
        #[test]
        fn no_text_ends_below_where_it_began(text in "[甲乙丙丁]{0,12}", terms in prop::collection::vec("[甲乙丙]{2,4}", 0..4), usual in prop::collection::vec("[甲丙]{2,4}", 0..2)) {
            let all: Vec<String> = terms.iter().chain(&usual).cloned().collect();
            let b = Bias::new(terms.clone(), usual);
            let pieces: Vec<Vec<u8>> = text.chars().map(|c| c.to_string().into_bytes()).collect();
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let sum = total(&b, &pieces);
            prop_assert!(sum > -1e-4, "{sum}");
            let touched = text.chars().any(|c| all.iter().any(|t| t.contains(c)));
            prop_assert!(touched || sum.abs() < 1e-4, "{sum}");
        }
    }
}
