//! The lattice of words that sound like what was heard, and the best way through it.

use std::collections::HashMap;

use super::{
    unsaid::brings_in,
    words::{Id, LONGEST, Sound, Words},
};

/// A character as the recogniser gave it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub c: char,
    /// Its probability, 0 to 1.
    pub p: f32,
}

/// Paths kept at each place.
const PATHS: usize = 30;
/// The weight of the language, against what was heard: it knows less of the matter than the recogniser's ear.
const LANGUAGE: f32 = 0.7;
/// The price of another character at even odds, in nats; the odds are added.
const CHANGE: f32 = 3.0;
/// Characters surer than this stay: nine in ten of the others are right as well, and cost accordingly.
const SURE: f32 = 0.98;
/// The recogniser's doubt counts no further than this.
const DOUBTFUL: f32 = 0.2;
/// The price of another tone: the recogniser is fair at tones.
const TONE: f32 = 1.0;
/// The price of a sound that is easily taken for the one heard.
const NEAR: f32 = 2.0;
/// The price of a second reading of what was heard.
const SECOND_READING: f32 = 0.5;
/// Rarer readings are scholars' business.
const READINGS: usize = 3;
/// By how much the winner must win over what was heard …
const MARGIN: f32 = 1.0;
/// … and for every character changed, by so much more times the doubt about the whole run: words in the midst of what was
/// misheard are judged by misheard words.
const WARY: f32 = 2.0;

/// A sound a place may have had: its tones as heard, a bit each, and its price.
#[derive(Debug, Clone, Copy)]
struct Voicing {
    sound: Sound,
    tones: u8,
    price: f32,
}

/// A word that begins at a place, and its price.
#[derive(Debug)]
struct Edge<'a> {
    word: &'a str,
    id: Option<Id>,
    length: usize,
    price: f32,
}

struct Path {
    score: f32,
    /// The last word; `None` is one that is not known.
    last: Option<Id>,
    text: String,
}

/// The likelier text, of as many characters, or `None` where what was heard stays.
pub(super) fn better(words: &Words, heard: &[Heard]) -> Option<Vec<char>> {
    if heard.iter().all(|h| h.p > SURE) {
        return None;
    }
    let text: String = heard.iter().map(|h| h.c).collect();
    let places: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    let edges = edges(words, heard, &text, &places);
    let all: Vec<Vec<&Edge>> = edges.iter().map(|e| e.iter().collect()).collect();
    let winner = best(words, &all, heard)?;
    if winner.text == text {
        return None;
    }
    let as_heard: Vec<Vec<&Edge>> = edges
        .iter()
        .enumerate()
        .map(|(i, e)| e.iter().filter(|e| e.word == &text[places[i]..places[i + e.length]]).collect())
        .collect();
    let stays = best(words, &as_heard, heard)?;
    let changes = winner.text.chars().zip(heard).filter(|(c, h)| *c != h.c).count() as f32;
    let doubt = heard.iter().map(|h| 1.0 - h.p).sum::<f32>() / heard.len() as f32;
    (winner.score > stays.score + MARGIN + WARY * doubt * changes).then(|| winner.text.chars().collect())
}

/// What it costs to put another character in the place of this one.
fn change(p: f32) -> f32 {
    if p > SURE {
        return f32::INFINITY;
    }
    let p = p.clamp(DOUBTFUL, SURE);
    CHANGE + (p / (1.0 - p)).ln()
}

fn options(words: &Words, c: char) -> Vec<Voicing> {
    let mut out: Vec<Voicing> = vec![];
    let mut put = |o: Voicing| {
        if out.iter().all(|x| x.sound != o.sound) {
            out.push(o);
        }
    };
    let readings = words.readings(c);
    let readings = &readings[..readings.len().min(READINGS)];
    let price = |i: usize| if i == 0 { 0.0 } else { SECOND_READING };
    for (i, r) in readings.iter().enumerate() {
        put(Voicing { sound: r.sound, tones: r.tones, price: price(i) });
    }
    for (i, r) in readings.iter().enumerate() {
        for sound in words.near(r.sound) {
            put(Voicing { sound: *sound, tones: r.tones, price: price(i) + NEAR });
        }
    }
    out
}

/// The words that can begin at each place. What was heard is always among them.
fn edges<'a>(words: &'a Words, heard: &[Heard], text: &'a str, places: &[usize]) -> Vec<Vec<Edge<'a>>> {
    let options: Vec<_> = heard.iter().map(|h| options(words, h.c)).collect();
    (0..heard.len())
        .map(|at| {
            let mut found: HashMap<&str, (Option<Id>, f32)> = HashMap::new();
            let mut open = vec![(words.root(), vec![])];
            for length in 1..=LONGEST.min(heard.len() - at) {
                let mut next = vec![];
                for (node, way) in &open {
                    for o in &options[at + length - 1] {
                        if let Some(node) = words.step(*node, o.sound) {
                            next.push((node, way.iter().chain([o]).copied().collect::<Vec<Voicing>>()));
                        }
                    }
                }
                for (node, way) in &next {
                    for (id, word) in words.spelt(*node) {
                        let price = price(words, word, way, &heard[at..]);
                        if price.is_finite() {
                            let known = found.entry(word).or_insert((Some(id), price));
                            known.1 = known.1.min(price);
                        }
                    }
                }
                let word = &text[places[at]..places[at + length]];
                let id = words.id(word);
                if length == 1 || id.is_some() {
                    found.insert(word, (id, 0.0));
                }
                open = next;
            }
            let mut edges: Vec<_> = found
                .into_iter()
                .map(|(word, (id, price))| Edge { length: word.chars().count(), word, id, price })
                .collect();
            // The same in, the same out.
            edges.sort_by(|a, b| a.price.total_cmp(&b.price).then_with(|| a.word.cmp(b.word)));
            edges
        })
        .collect()
}

/// What it costs to put `word` in the place of what was heard, by way of these sounds.
fn price(words: &Words, word: &str, way: &[Voicing], heard: &[Heard]) -> f32 {
    let prices = word.chars().zip(way).zip(heard).map(|((c, o), h)| {
        if c == h.c {
            return 0.0;
        }
        let tones = words.readings(c).iter().find(|r| r.sound == o.sound).map_or(0, |r| r.tones);
        let tones_differ = tones != 0 && o.tones != 0 && tones & o.tones == 0;
        change(h.p) + o.price + if tones_differ { TONE } else { 0.0 }
    });
    prices.sum()
}

/// The best way from the first place to the last that brings in nothing unsaid.
fn best(words: &Words, edges: &[Vec<&Edge>], heard: &[Heard]) -> Option<Path> {
    let mut at: Vec<Vec<Path>> = (0..=edges.len()).map(|_| vec![]).collect();
    at[0].push(Path { score: 0.0, last: words.start(), text: String::new() });
    for (i, begins) in edges.iter().enumerate() {
        let mut paths = std::mem::take(&mut at[i]);
        paths.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.text.cmp(&b.text)));
        let mut kept: Vec<Path> = vec![];
        for path in paths {
            if kept.len() < PATHS && kept.iter().all(|k| k.last != path.last) {
                kept.push(path);
            }
        }
        for path in &kept {
            for edge in begins {
                let likely = words.likely(path.last, edge.id);
                let text = format!("{}{}", path.text, edge.word);
                if !brings_in(&text, edge.length, heard) {
                    let score = path.score + LANGUAGE * likely - edge.price;
                    at[i + edge.length].push(Path { score, last: edge.id, text });
                }
            }
        }
    }
    at.pop()?.into_iter().max_by(|a, b| a.score.total_cmp(&b.score).then_with(|| b.text.cmp(&a.text)))
}
