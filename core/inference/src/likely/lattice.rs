//! The lattice of words that sound like what was heard, and the best way through it.

use std::collections::HashMap;

use super::{
    Language,
    dictionary::{Dictionary, Sound},
};

/// A character as the recogniser gave it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    pub c: char,
    /// Its probability, 0 to 1.
    pub p: f32,
}

/// The longest word looked for, in characters.
const LONGEST: usize = 5;
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
/// By how much the winner must win over what was heard.
const MARGIN: f32 = 1.0;

/// A sound a place may have had: its tone as heard, and its price.
#[derive(Debug, Clone, Copy)]
struct Voicing {
    sound: Sound,
    tone: u8,
    price: f32,
}

/// A word that begins at a place, and its price.
#[derive(Debug)]
struct Edge {
    word: Box<str>,
    length: usize,
    price: f32,
}

struct Path<S> {
    score: f32,
    state: S,
    text: String,
}

/// The likelier text, of as many characters, or `None` where what was heard stays.
pub(super) fn better<L: Language>(
    dictionary: &Dictionary,
    language: &L,
    heard: &[Heard],
) -> Option<Vec<char>> {
    if heard.iter().all(|h| h.p > SURE) {
        return None;
    }
    let edges = edges(dictionary, heard);
    let text: String = heard.iter().map(|h| h.c).collect();
    let all: Vec<Vec<&Edge>> = edges.iter().map(|e| e.iter().collect()).collect();
    let winner = best(language, &all)?;
    if winner.text == text {
        return None;
    }
    let as_heard: Vec<Vec<&Edge>> = edges
        .iter()
        .enumerate()
        .map(|(i, e)| {
            e.iter().filter(|e| e.word.chars().eq(heard[i..i + e.length].iter().map(|h| h.c))).collect()
        })
        .collect();
    let stays = best(language, &as_heard)?;
    (winner.score > stays.score + MARGIN).then(|| winner.text.chars().collect())
}

/// What it costs to put another character in the place of this one.
fn change(p: f32) -> f32 {
    if p > SURE {
        return f32::INFINITY;
    }
    let p = p.clamp(DOUBTFUL, SURE);
    CHANGE + (p / (1.0 - p)).ln()
}

fn options(dictionary: &Dictionary, c: char) -> Vec<Voicing> {
    let mut out: Vec<Voicing> = vec![];
    let mut put = |o: Voicing| {
        if out.iter().all(|x| x.sound != o.sound) {
            out.push(o);
        }
    };
    let readings = dictionary.readings(c);
    let price = |i: usize| if i == 0 { 0.0 } else { SECOND_READING };
    for (i, r) in readings.iter().enumerate() {
        put(Voicing { sound: r.sound, tone: r.tone, price: price(i) });
    }
    for (i, r) in readings.iter().enumerate() {
        for sound in dictionary.near(r.sound) {
            put(Voicing { sound: *sound, tone: r.tone, price: price(i) + NEAR });
        }
    }
    out
}

/// The words that can begin at each place. What was heard is always among them.
fn edges(dictionary: &Dictionary, heard: &[Heard]) -> Vec<Vec<Edge>> {
    let options: Vec<_> = heard.iter().map(|h| options(dictionary, h.c)).collect();
    (0..heard.len())
        .map(|at| {
            let mut found: HashMap<Box<str>, f32> = HashMap::new();
            let mut open = vec![(0_u32, vec![])];
            for length in 1..=LONGEST.min(heard.len() - at) {
                let mut next: Vec<(u32, Vec<Voicing>)> = vec![];
                for (node, way) in &open {
                    for o in &options[at + length - 1] {
                        if let Some(node) = dictionary.step(*node, o.sound) {
                            next.push((node, way.iter().chain([o]).copied().collect()));
                        }
                    }
                }
                for (node, way) in &next {
                    for e in dictionary.entries(*node) {
                        let price = e.word.chars().zip(&e.tones).zip(way).zip(&heard[at..]).map(
                            |(((c, tone), o), h)| {
                                let tones_differ = *tone != 0 && o.tone != 0 && *tone != o.tone;
                                if c == h.c {
                                    0.0
                                } else {
                                    change(h.p) + o.price + if tones_differ { TONE } else { 0.0 }
                                }
                            },
                        );
                        let price: f32 = price.sum();
                        if price.is_finite() {
                            let known = found.entry(e.word.clone()).or_insert(price);
                            *known = known.min(price);
                        }
                    }
                }
                let word: Box<str> = heard[at..at + length].iter().map(|h| h.c).collect::<String>().into();
                if length == 1 || dictionary.has(&word) {
                    found.insert(word, 0.0);
                }
                open = next;
            }
            let mut edges: Vec<_> = found
                .into_iter()
                .map(|(word, price)| Edge { length: word.chars().count(), word, price })
                .collect();
            // The same in, the same out.
            edges.sort_by(|a, b| a.price.total_cmp(&b.price).then_with(|| a.word.cmp(&b.word)));
            edges
        })
        .collect()
}

/// The best way from the first place to the last.
fn best<L: Language>(language: &L, edges: &[Vec<&Edge>]) -> Option<Path<L::State>> {
    let mut at: Vec<Vec<Path<L::State>>> = (0..=edges.len()).map(|_| vec![]).collect();
    at[0].push(Path { score: 0.0, state: language.start(), text: String::new() });
    for (i, begins) in edges.iter().enumerate() {
        let mut paths = std::mem::take(&mut at[i]);
        paths.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.text.cmp(&b.text)));
        let mut kept: Vec<Path<L::State>> = vec![];
        for path in paths {
            if kept.len() < PATHS && kept.iter().all(|k| k.state != path.state) {
                kept.push(path);
            }
        }
        for path in &kept {
            for edge in begins {
                let (likely, state) = language.next(&path.state, &edge.word);
                at[i + edge.length].push(Path {
                    score: path.score + LANGUAGE * likely - edge.price,
                    state,
                    text: format!("{}{}", path.text, edge.word),
                });
            }
        }
    }
    at.pop()?.into_iter().max_by(|a, b| a.score.total_cmp(&b.score).then_with(|| b.text.cmp(&a.text)))
}
