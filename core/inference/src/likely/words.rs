//! Chinese words: their sound, and how likely each is by itself and after another. Flat sorted tables.

use std::collections::{HashMap, HashSet};

use super::sound::{Reading, neighbours, readings};

/// A syllable without its tone: its place among the sounds, from 1; 0 is none.
pub(super) type Sound = u16;
/// The place of a word among the words.
pub(super) type Id = u32;
/// The longest word, in characters.
pub(super) const LONGEST: usize = 5;
/// What comes before the first word.
pub(super) const START: &str = "<s>";
/// Any word that is not among them.
pub(super) const UNKNOWN: &str = "<unk>";
/// A logarithm is kept as minus so many thousandths.
pub(super) const PER_NAT: f32 = 1000.0;
/// How likely a word is that nobody has counted, where the tables do not say: one in ten to the eighth.
const NEVER: f32 = -8.0 * std::f32::consts::LN_10;
/// A pair is the second word, and below it so many bits of how likely it is.
pub(super) const PAIR_BITS: u32 = 14;

/// The tables, as the file has them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tables {
    /// Syllables without tones, ascending.
    pub sounds: Vec<String>,
    /// The words, ascending, one after the other.
    pub text: String,
    /// Where each word ends in `text`.
    pub ends: Vec<u32>,
    /// How unlikely each word is by itself, in thousandths of a nat.
    pub unlikely: Vec<u16>,
    /// The weight of what is known without the word before, likewise.
    pub back_off: Vec<u16>,
    /// Where the pairs of each first word begin, and where the last ones end.
    pub rows: Vec<u32>,
    /// Second words of pairs, ascending for each first word, each with how unlikely it is then.
    pub pairs: Vec<u32>,
    /// The sounds of words that can be looked up, ascending; 0 behind the last.
    pub spoken: Vec<[Sound; LONGEST]>,
    /// Which word each of them is.
    pub spelt: Vec<Id>,
}

impl Tables {
    /// A word's text.
    pub fn word(&self, id: Id) -> &str {
        let id = id as usize;
        let from = id.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        self.ends.get(id).and_then(|to| self.text.get(from as usize..*to as usize)).unwrap_or("")
    }

    /// Where a word is.
    pub fn id(&self, word: &str) -> Option<Id> {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            let id = Id::try_from(middle).ok()?;
            match self.word(id).cmp(word) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(id),
            }
        }
        None
    }
}

/// The words that begin with some sounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    from: usize,
    to: usize,
    sounds: usize,
}

/// The tables, ready to be asked.
#[derive(Debug)]
pub(super) struct Words {
    tables: Tables,
    readings: HashMap<char, Vec<Reading>>,
    near: Vec<Vec<Sound>>,
    start: Option<Id>,
    unknown: f32,
}

impl Words {
    pub fn new(tables: Tables) -> Self {
        let sound = |s: &str| {
            tables
                .sounds
                .binary_search_by(|x| x.as_str().cmp(s))
                .ok()
                .and_then(|i| Sound::try_from(i + 1).ok())
        };
        let near =
            tables.sounds.iter().map(|s| neighbours(s).iter().filter_map(|n| sound(n)).collect()).collect();
        let characters: HashSet<char> = tables.text.chars().collect();
        let readings =
            characters.into_iter().map(|c| (c, readings(c, &sound))).filter(|(_, r)| !r.is_empty()).collect();
        let start = tables.id(START);
        let unknown = tables.id(UNKNOWN).and_then(|i| tables.unlikely.get(i as usize)).map(|u| nats(*u));
        Self { tables, readings, near, start, unknown: unknown.unwrap_or(NEVER) }
    }

    /// How `c` can be read, the usual way first.
    pub fn readings(&self, c: char) -> &[Reading] {
        self.readings.get(&c).map_or(&[], Vec::as_slice)
    }

    /// The sounds that `sound` is easily taken for.
    pub fn near(&self, sound: Sound) -> &[Sound] {
        usize::from(sound).checked_sub(1).and_then(|i| self.near.get(i)).map_or(&[], Vec::as_slice)
    }

    /// Every word.
    pub fn root(&self) -> Node {
        Node { from: 0, to: self.tables.spoken.len(), sounds: 0 }
    }

    /// The words of `node` that go on with `sound`.
    pub fn step(&self, node: Node, sound: Sound) -> Option<Node> {
        let all = self.tables.spoken.get(node.from..node.to)?;
        let at = |s: &[Sound; LONGEST]| s.get(node.sounds).copied().unwrap_or(0);
        let from = node.from + all.partition_point(|s| at(s) < sound);
        let to = node.from + all.partition_point(|s| at(s) <= sound);
        (from < to).then_some(Node { from, to, sounds: node.sounds + 1 })
    }

    /// The words that sound as `node` and no further.
    pub fn spelt(&self, node: Node) -> impl Iterator<Item = (Id, &str)> {
        let spoken = self.tables.spoken.get(node.from..node.to).unwrap_or(&[]);
        let over = spoken.iter().take_while(move |s| s.get(node.sounds).is_none_or(|s| *s == 0)).count();
        let ids = self.tables.spelt.get(node.from..node.from + over).unwrap_or(&[]);
        ids.iter().map(|id| (*id, self.tables.word(*id)))
    }

    /// A word, where it is known.
    pub fn id(&self, word: &str) -> Option<Id> {
        self.tables.id(word)
    }

    /// What comes before the first word.
    pub fn start(&self) -> Option<Id> {
        self.start
    }

    /// The natural logarithm of the probability of `word` after `before`; `None` is a word that is not known.
    pub fn likely(&self, before: Option<Id>, word: Option<Id>) -> f32 {
        if let Some(pair) = before.zip(word).and_then(|(b, w)| self.pair(b, w)) {
            return pair;
        }
        let get = |of: &[u16], id: Id| of.get(id as usize).map_or(0.0, |u| nats(*u));
        let back_off = before.map_or(0.0, |b| get(&self.tables.back_off, b));
        back_off + word.map_or(self.unknown, |w| get(&self.tables.unlikely, w))
    }

    fn pair(&self, before: Id, word: Id) -> Option<f32> {
        let rows = self.tables.rows.get(before as usize..before as usize + 2)?;
        let pairs = self.tables.pairs.get(rows[0] as usize..rows[1] as usize)?;
        let i = pairs.binary_search_by_key(&word, |p| p >> PAIR_BITS).ok()?;
        let low = pairs[i] & ((1 << PAIR_BITS) - 1);
        u16::try_from(low).ok().map(nats)
    }
}

fn nats(unlikely: u16) -> f32 {
    -f32::from(unlikely) / PER_NAT
}
