//! Where words begin and end, by voice activity. The recogniser spreads its words over pauses and puts the first of them
//! anywhere in the silence before it; speech is heard to begin and end far more exactly. Pure.

use crate::asr::{RecognizedSegment, RecognizedWord};

/// The recogniser is that much out about a word beside a pause, in seconds.
const NEAR_S: f64 = 0.6;
/// The shortest word, in seconds.
const WORD_S_MIN: f64 = 0.02;

/// Where speech lies, in the segments' count of seconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Speech {
    /// When it begins.
    pub start_s: f64,
    /// When it ends.
    pub end_s: f64,
    /// Whether it ends by itself, and is not cut off in the middle.
    pub pauses_at_end: bool,
    /// The silences inside it, in order: from the end of speech to its beginning.
    pub pauses: Vec<(f64, f64)>,
}

/// Brings every word inside `speech`, and lets the words beside its silences end and begin where they do.
pub(super) fn at_edges(segments: &mut [RecognizedSegment], speech: &Speech) {
    let inside = |t: f64| t.clamp(speech.start_s, speech.end_s.max(speech.start_s));
    for segment in segments.iter_mut() {
        for word in &mut segment.words {
            (word.start_s, word.end_s) = (inside(word.start_s), inside(word.end_s));
        }
    }
    let mut words: Vec<&mut RecognizedWord> = segments.iter_mut().flat_map(|s| &mut s.words).collect();
    if let Some(first) = words.first_mut().filter(|w| w.start_s < speech.start_s + NEAR_S) {
        first.start_s = speech.start_s;
    }
    if let Some(last) = words.last_mut().filter(|w| speech.pauses_at_end && w.end_s > speech.end_s - NEAR_S) {
        last.end_s = speech.end_s.max(last.start_s);
    }
    for (from, to) in &speech.pauses {
        let middle = f64::midpoint(*from, *to);
        let off =
            |pair: &[&mut RecognizedWord]| (f64::midpoint(pair[0].end_s, pair[1].start_s) - middle).abs();
        let nearest = (0..words.len().saturating_sub(1))
            .min_by(|a, b| off(&words[*a..*a + 2]).total_cmp(&off(&words[*b..*b + 2])));
        let Some(before) = nearest.filter(|i| off(&words[*i..*i + 2]) < NEAR_S) else { continue };
        let end_s = from.max(words[before].start_s + WORD_S_MIN);
        let start_s = to.min(words[before + 1].end_s - WORD_S_MIN);
        // A word between them that lies across the pause: nobody knows better.
        if end_s <= start_s {
            words[before].end_s = end_s;
            words[before + 1].start_s = start_s;
        }
    }
    for segment in segments.iter_mut() {
        let (first, last) = (segment.words.first(), segment.words.last());
        if let Some((first, last)) = first.zip(last) {
            (segment.start_s, segment.end_s) = (first.start_s, last.end_s.max(first.start_s));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(words: &[(f64, f64)]) -> RecognizedSegment {
        let words: Vec<_> = words
            .iter()
            .map(|(start_s, end_s)| RecognizedWord {
                text: "a".into(),
                start_s: *start_s,
                end_s: *end_s,
                p: 0.5,
                mended: None,
            })
            .collect();
        RecognizedSegment { start_s: 0.0, end_s: words.last().map_or(0.0, |w| w.end_s), words }
    }

    fn times(segments: &[RecognizedSegment]) -> Vec<(f64, f64)> {
        segments.iter().flat_map(|s| &s.words).map(|w| (w.start_s, w.end_s)).collect()
    }

    #[test]
    fn words_beside_a_pause_end_and_begin_with_speech() {
        let mut said = vec![segment(&[(0.0, 0.8), (0.8, 1.5)]), segment(&[(1.5, 2.4), (2.4, 3.0)])];
        let speech = Speech { start_s: 0.3, end_s: 2.9, pauses_at_end: true, pauses: vec![(1.3, 1.8)] };
        at_edges(&mut said, &speech);
        assert_eq!(times(&said), [(0.3, 0.8), (0.8, 1.3), (1.8, 2.4), (2.4, 2.9)]);
        assert_eq!((said[0].end_s, said[1].start_s), (1.3, 1.8));
    }

    #[test]
    fn a_pause_that_no_two_words_are_near_changes_nothing() {
        let mut said = vec![segment(&[(0.0, 0.2), (0.2, 4.0)])];
        let speech = Speech { start_s: 0.0, end_s: 4.0, pauses_at_end: false, pauses: vec![(2.0, 2.4)] };
        at_edges(&mut said, &speech);
        assert_eq!(times(&said), [(0.0, 0.2), (0.2, 4.0)]);
    }

    proptest! {
        #[test]
        fn words_stay_in_order_and_inside(
            steps in prop::collection::vec((0.0f64..0.9, 0.0f64..0.5), 1..25),
            start in 0.0f64..2.0,
            length in 0.2f64..9.0,
            pauses in prop::collection::vec((0.1f64..1.0, 0.1f64..1.0), 0..6),
        ) {
            let mut at = 0.0;
            let words: Vec<_> = steps.iter().map(|(gap, long)| { let s = at + gap; at = s + long; (s, at) }).collect();
            let mut said = vec![segment(&words)];
            let mut at = start;
            let pauses = pauses.iter().map(|(gap, long)| { let s = at + gap; at = s + long; (s, at) }).filter(|p| p.1 < start + length).collect();
            let speech = Speech { start_s: start, end_s: start + length, pauses_at_end: true, pauses };
            at_edges(&mut said, &speech);
            for (a, b) in times(&said) {
                prop_assert!(start <= a && a <= b && b <= start + length, "{a} {b}");
            }
            for pair in times(&said).windows(2) {
                prop_assert!(pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1 + 1e-9, "{pair:?}");
            }
        }
    }
}
