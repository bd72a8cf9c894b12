//! Who said what: the voices of the stretches that were recognised, laid over the sentences made of them.

use std::collections::VecDeque;

use clipmill_domain::{MediaTime, MicrosDelta, Span};
use clipmill_inference::voiceprint::{Print, Voices};
use serde::{Deserialize, Serialize};

/// Stretches kept for sentences that are still open; a sentence is made of a few.
const STRETCHES_MAX: usize = 64;

/// The voices of a recording, and the stretches whose sentences are still open.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Speakers {
    voices: Voices,
    stretches: VecDeque<(Span, u32)>,
}

impl Speakers {
    /// Takes the next recognised stretch, in seconds of the recording.
    pub fn hear(&mut self, start_s: f64, end_s: f64, print: Option<&Print>) {
        let Some(voice) = print.and_then(|p| self.voices.tell(p, end_s - start_s)) else { return };
        let span = Span::new(MediaTime::from_seconds(start_s), MediaTime::from_seconds(end_s));
        if let Ok(span) = span {
            self.stretches.push_back((span, voice));
        }
        while self.stretches.len() > STRETCHES_MAX {
            self.stretches.pop_front();
        }
    }

    /// The voice that says most of a sentence; `None` where no voice was told. What lies before the sentence is let go:
    /// sentences come in order.
    pub fn of(&mut self, sentence: Span) -> Option<u32> {
        while self.stretches.front().is_some_and(|(span, _)| span.end() <= sentence.start()) {
            self.stretches.pop_front();
        }
        let mut said: Vec<(u32, MicrosDelta)> = vec![];
        for (span, voice) in &self.stretches {
            let shared = span.end().min(sentence.end()) - span.start().max(sentence.start());
            match said.iter_mut().find(|(known, _)| known == voice) {
                _ if shared <= 0 => {}
                Some((_, sum)) => *sum += shared,
                None => said.push((*voice, shared)),
            }
        }
        said.into_iter().max_by_key(|(voice, sum)| (*sum, std::cmp::Reverse(*voice))).map(|(voice, _)| voice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(which: usize) -> Print {
        let mut values = vec![0.0; 8];
        values[which] = 1.0;
        Print::new(values).unwrap()
    }

    fn span(from: f64, to: f64) -> Span {
        Span::new(MediaTime::from_seconds(from), MediaTime::from_seconds(to)).unwrap()
    }

    #[test]
    fn a_sentence_is_said_by_the_voice_that_says_most_of_it() {
        let mut speakers = Speakers::default();
        speakers.hear(0.0, 2.0, Some(&print(3)));
        speakers.hear(2.0, 5.0, Some(&print(5)));
        speakers.hear(5.0, 5.5, None);
        speakers.hear(6.0, 9.0, Some(&print(3)));
        let stored = serde_json::to_string(&speakers).unwrap();
        let mut again: Speakers = serde_json::from_str(&stored).unwrap();
        for told in [&mut speakers, &mut again] {
            assert_eq!(told.of(span(0.1, 2.9)), Some(0));
            assert_eq!(told.of(span(3.0, 6.5)), Some(1));
            assert_eq!(told.of(span(9.5, 10.0)), None);
        }
        assert_eq!(Speakers::default().of(span(0.0, 1.0)), None);
    }

    #[test]
    fn stretches_without_sentences_do_not_pile_up() {
        let mut speakers = Speakers::default();
        for n in 0u16..500 {
            speakers.hear(f64::from(n) * 2.0, f64::from(n) * 2.0 + 2.0, Some(&print(1)));
        }
        assert_eq!(speakers.stretches.len(), STRETCHES_MAX);
        assert_eq!(speakers.of(span(998.0, 999.0)), Some(0));
    }
}
