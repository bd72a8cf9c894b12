//! Words by their sound.

use std::collections::{HashMap, HashSet};

use super::sound::{neighbours, tone_apart};

/// A number for a syllable without its tone.
pub(super) type Sound = u16;

/// A word and the tones of its characters, 0 for none or not known.
#[derive(Debug)]
pub(super) struct Entry {
    pub word: Box<str>,
    pub tones: Box<[u8]>,
}

/// A way to read a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub sound: Sound,
    pub tone: u8,
}

/// Words by their sound, as a tree of syllables.
#[derive(Debug, Default)]
pub struct Dictionary {
    sounds: HashMap<Box<str>, Sound>,
    steps: HashMap<(u32, Sound), u32>,
    entries: HashMap<u32, Vec<Entry>>,
    words: HashSet<Box<str>>,
    readings: HashMap<char, Vec<Reading>>,
    near: HashMap<Sound, Vec<Sound>>,
    nodes: u32,
}

/// A line of a dictionary that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "line {line} of the dictionary is not a word, a space and as many syllables as the word has characters, joined by ': {text}"
)]
pub struct BadEntry {
    /// From 1.
    pub line: usize,
    /// The line.
    pub text: String,
}

impl Dictionary {
    /// From lines such as `充电宝 chong1'dian4'bao3`; the tones may be missing, and what follows the syllables is
    /// passed over. A character can be read as the dictionary reads it when it is a word by itself.
    pub fn parse(text: &str) -> Result<Self, BadEntry> {
        let mut out = Self::default();
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let bad = || BadEntry { line: i + 1, text: line.to_owned() };
            let mut parts = line.split_ascii_whitespace();
            let (word, syllables) = parts.next().zip(parts.next()).ok_or_else(bad)?;
            out.add(word, &syllables.split('\'').collect::<Vec<_>>()).ok_or_else(bad)?;
        }
        let ids: Vec<_> = out.sounds.iter().map(|(s, id)| (s.clone(), *id)).collect();
        for (syllable, id) in ids {
            let near =
                neighbours(&syllable).iter().filter_map(|n| out.sounds.get(n.as_str()).copied()).collect();
            out.near.insert(id, near);
        }
        Ok(out)
    }

    fn add(&mut self, word: &str, syllables: &[&str]) -> Option<()> {
        if word.chars().count() != syllables.len() {
            return None;
        }
        let mut readings = vec![];
        let mut node = 0;
        for syllable in syllables {
            let (bare, tone) = tone_apart(syllable);
            let free = Sound::try_from(self.sounds.len()).ok()?;
            let sound = *self.sounds.entry(bare.into()).or_insert(free);
            readings.push(Reading { sound, tone });
            let nodes = &mut self.nodes;
            node = *self.steps.entry((node, sound)).or_insert_with(|| {
                *nodes += 1;
                *nodes
            });
        }
        if let ([reading], Some(c)) = (readings.as_slice(), word.chars().next()) {
            let all = self.readings.entry(c).or_default();
            if !all.contains(reading) {
                all.push(*reading);
            }
        }
        self.words.insert(word.into());
        let tones = readings.iter().map(|r| r.tone).collect();
        self.entries.entry(node).or_default().push(Entry { word: word.into(), tones });
        Some(())
    }

    /// How `c` can be read.
    pub(super) fn readings(&self, c: char) -> &[Reading] {
        self.readings.get(&c).map_or(&[], Vec::as_slice)
    }

    /// The sounds that `sound` is easily taken for.
    pub(super) fn near(&self, sound: Sound) -> &[Sound] {
        self.near.get(&sound).map_or(&[], Vec::as_slice)
    }

    /// From a node of the tree to the next; 0 is the root.
    pub(super) fn step(&self, node: u32, sound: Sound) -> Option<u32> {
        self.steps.get(&(node, sound)).copied()
    }

    /// The words that end at a node.
    pub(super) fn entries(&self, node: u32) -> &[Entry] {
        self.entries.get(&node).map_or(&[], Vec::as_slice)
    }

    /// Whether `word` is in it.
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.contains(word)
    }
}
