//! What people put right in a transcript, carried over into a new one of the same recording. Pure.
//!
//! An edited utterance keeps its span, text and words, and replaces what the new transcript says there. What is there is
//! told by the middles of words, and reaches half-way into the pauses around the edit, at most [`BORDER_US`]: two models
//! never agree on a border to the millisecond. Words of the new transcript beyond that stay, so that nothing said is
//! lost; a sentence that an edit is taken out of falls into the pieces before and behind it.

use clipmill_domain::{MediaTime, Span, UtteranceId, transcript::Utterance};
use clipmill_inference::script::join_words;

/// The most of a pause beside an edit that belongs to it, in microseconds.
const BORDER_US: i64 = 200_000;

/// An edited utterance, and the stretch in which it replaces what was heard: from, and up to.
struct Edit<'a> {
    utterance: &'a Utterance,
    from: MediaTime,
    to: MediaTime,
}

/// The utterances `heard` now, with those of `shown` that a person has edited in their places, numbered from 0. Both
/// lists are ordered and do not overlap in themselves; nor does the answer. `fresh` gives ids: rows of `shown` keep theirs.
pub fn carry_over(
    shown: &[Utterance],
    heard: &[Utterance],
    mut fresh: impl FnMut() -> UtteranceId,
) -> Vec<Utterance> {
    let edits = edits(shown);
    let mut all: Vec<Utterance> = vec![];
    for utterance in heard {
        let mut pieces = pieces(utterance, &edits).into_iter();
        all.extend(pieces.next());
        all.extend(pieces.map(|piece| Utterance { id: fresh(), ..piece }));
    }
    for edit in &edits {
        let span = edit.utterance.span;
        // Voices are numbered anew in each transcript.
        let voice = heard.iter().max_by_key(|u| shared(u.span, span)).filter(|u| u.span.overlaps(span));
        all.push(Utterance { id: fresh(), speaker: voice.and_then(|u| u.speaker), ..edit.utterance.clone() });
    }
    all.sort_by_key(|u| u.span.start());
    for (seq, utterance) in (0..).zip(&mut all) {
        utterance.seq = seq;
    }
    all
}

fn edits(shown: &[Utterance]) -> Vec<Edit<'_>> {
    let border = |pause_us: i64| (pause_us / 2).clamp(0, BORDER_US);
    let edited = shown.iter().enumerate().filter(|(_, u)| u.edited_at.is_some());
    edited
        .map(|(i, u)| {
            let before = i.checked_sub(1).map_or(MediaTime::ZERO, |i| shown[i].span.end());
            let behind = shown.get(i + 1).map_or(BORDER_US * 2, |next| next.span.start() - u.span.end());
            let from = u.span.start() + -border(u.span.start() - before);
            Edit { utterance: u, from, to: u.span.end() + border(behind) }
        })
        .collect()
}

/// What is left of an utterance beside the edits, in order. The utterance itself where no edit touches it.
fn pieces(utterance: &Utterance, edits: &[Edit<'_>]) -> Vec<Utterance> {
    let touches = |e: &Edit<'_>| utterance.span.start() < e.to && e.from < utterance.span.end();
    if !edits.iter().any(touches) {
        return vec![utterance.clone()];
    }
    // How many edits lie before a word, and the words between the same two edits.
    let mut runs: Vec<(usize, Vec<_>)> = vec![];
    for word in &utterance.words {
        let middle = word.start + (word.end - word.start) / 2;
        let passed = edits.partition_point(|e| e.to <= middle);
        let next = edits.get(passed);
        if next.is_some_and(|e| e.from <= middle) {
            continue;
        }
        let floor = passed.checked_sub(1).map(|i| edits[i].utterance.span.end());
        let mut word = word.clone();
        word.start = floor.map_or(word.start, |floor| word.start.max(floor));
        word.end = next.map_or(word.end, |e| word.end.min(e.utterance.span.start()));
        match runs.last_mut() {
            Some((same, words)) if *same == passed => words.push(word),
            _ => runs.push((passed, vec![word])),
        }
    }
    let piece = |(_, words): (usize, Vec<clipmill_domain::transcript::Word>)| {
        let span = Span::new(words.first()?.start, words.last()?.end).ok()?;
        // Untouched words are the utterance as it was, whatever its text says beyond them.
        if words == utterance.words && span == utterance.span {
            return Some(utterance.clone());
        }
        let text = join_words(words.iter().map(|w| w.text.as_str()));
        Some(Utterance { span, text, words, ..utterance.clone() })
    };
    runs.into_iter().filter_map(piece).collect()
}

/// How long two spans share, in microseconds.
fn shared(a: Span, b: Span) -> i64 {
    (a.end().min(b.end()) - a.start().max(b.start())).max(0)
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{Id as _, RecordingId, WallTime, transcript::Word};
    use proptest::prelude::*;

    use super::*;

    fn ids() -> impl FnMut() -> UtteranceId {
        || UtteranceId::new_at(WallTime::from_millis(5))
    }

    fn at(ms: i64) -> MediaTime {
        MediaTime::from_micros(ms * 1000)
    }

    /// An utterance of words at these milliseconds.
    fn said(seq: i64, words: &[(&str, i64, i64)]) -> Utterance {
        let words: Vec<Word> = words
            .iter()
            .map(|&(text, from, to)| Word {
                text: text.to_owned(),
                start: at(from),
                end: at(to),
                p: 0.9,
                mended: None,
            })
            .collect();
        Utterance {
            id: ids()(),
            recording_id: RecordingId::new_at(WallTime::from_millis(1)),
            seq,
            span: Span::new(words[0].start, words[words.len() - 1].end).unwrap(),
            text: join_words(words.iter().map(|w| w.text.as_str())),
            words,
            made_by: "ears/1".to_owned(),
            language: None,
            speaker: Some(0),
            edited_at: None,
        }
    }

    fn edited(u: Utterance) -> Utterance {
        Utterance { edited_at: Some(WallTime::from_millis(9)), ..u }
    }

    fn told(all: &[Utterance]) -> Vec<(&str, i64, i64)> {
        let ms = |t: MediaTime| t.as_micros() / 1000;
        all.iter().map(|u| (u.text.as_str(), ms(u.span.start()), ms(u.span.end()))).collect()
    }

    #[test]
    fn an_edit_replaces_what_is_heard_there_and_no_more() {
        let shown = [
            said(0, &[("one", 0, 400)]),
            edited(said(1, &[("AeonGlow", 1000, 2000)])),
            said(2, &[("three", 2600, 3000)]),
        ];
        // The new model joins all in one sentence, and hears the edit's last word a little longer.
        let words = [
            ("one", 0, 400),
            ("eon", 950, 1500),
            ("glow", 1500, 2080),
            ("and", 2090, 2300),
            ("three", 2600, 3000),
        ];
        let mut heard = said(0, &words);
        heard.speaker = Some(3);
        let all = carry_over(&shown, std::slice::from_ref(&heard), ids());
        // "and", from 2090 to 2300, has its middle within the 200 ms that belong to the edit.
        assert_eq!(told(&all), [("one", 0, 400), ("AeonGlow", 1000, 2000), ("three", 2600, 3000)]);
        assert_eq!(all.iter().map(|u| u.seq).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((all[1].edited_at, all[1].words.clone()), (shown[1].edited_at, shown[1].words.clone()));
        assert_eq!((all[0].id, all[1].speaker), (heard.id, Some(3)));
        assert!(all[1].id != shown[1].id && all[2].id != heard.id, "each row has its own id");
    }

    #[test]
    fn words_over_the_border_are_cut_to_it_and_neighbours_without_a_pause_stay() {
        let shown = [
            said(0, &[("a", 0, 1000)]),
            edited(said(1, &[("b", 1000, 2000)])),
            said(2, &[("c", 2000, 3000)]),
        ];
        let heard = [said(0, &[("A", 0, 1100), ("B", 1100, 1900)]), said(1, &[("C", 1900, 3000)])];
        let all = carry_over(&shown, &heard, ids());
        assert_eq!(told(&all), [("A", 0, 1000), ("b", 1000, 2000), ("C", 2000, 3000)]);
    }

    #[test]
    fn without_edits_it_is_what_was_heard_and_an_edit_where_nothing_is_heard_stays() {
        let shown = [said(0, &[("a", 0, 900)]), said(1, &[("b", 5000, 6000)])];
        let heard = [said(0, &[("x", 0, 1000)])];
        assert_eq!(carry_over(&shown, &heard, ids()), heard);
        let all = carry_over(&[shown[0].clone(), edited(shown[1].clone())], &heard, ids());
        assert_eq!(told(&all), [("x", 0, 1000), ("b", 5000, 6000)]);
        assert_eq!(told(&carry_over(&[edited(shown[0].clone())], &[], ids())), [("a", 0, 900)]);
    }

    /// Utterances of words with pauses between, from steps in milliseconds; every third pause is none.
    fn talk(edits: bool) -> impl Strategy<Value = Vec<Utterance>> {
        let word = (0i64..900, 2i64..700);
        let utterance = (prop::collection::vec(word, 1..6), any::<bool>());
        prop::collection::vec(utterance, 0..12).prop_map(move |all| {
            let mut ms = 0;
            let mut out = vec![];
            for (seq, (words, is_edited)) in (0..).zip(all) {
                let words: Vec<(&str, i64, i64)> = words
                    .iter()
                    .map(|&(pause, length)| {
                        let from = ms + if pause % 3 == 0 { 0 } else { pause };
                        ms = from + length;
                        ("w", from, ms)
                    })
                    .collect();
                let u = said(seq, &words);
                out.push(if edits && is_edited { edited(u) } else { u });
            }
            out
        })
    }

    proptest! {
        #[test]
        fn every_edit_is_kept_nothing_overlaps_and_no_word_beside_them_is_lost(
            shown in talk(true), heard in talk(false),
        ) {
            let all = carry_over(&shown, &heard, ids());
            let seqs: Vec<i64> = all.iter().map(|u| u.seq).collect();
            prop_assert_eq!(seqs, (0..i64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
            prop_assert!(all.windows(2).all(|p| p[0].span.end() <= p[1].span.start()));
            for u in &all {
                prop_assert!(u.words.iter().all(|w| w.start < w.end));
                prop_assert!(u.words.iter().all(|w| u.span.start() <= w.start && w.end <= u.span.end()));
                prop_assert!(u.words.windows(2).all(|p| p[0].end <= p[1].start));
            }
            let kept = |u: &Utterance| (u.span, u.text.clone(), u.words.clone(), u.edited_at);
            let want: Vec<_> = shown.iter().filter(|u| u.edited_at.is_some()).map(kept).collect();
            let got: Vec<_> = all.iter().filter(|u| u.edited_at.is_some()).map(kept).collect();
            prop_assert_eq!(&got, &want);
            // A word whose middle is further from every edit than a border can be is there, once.
            let far = |w: &Word| {
                let middle = w.start + (w.end - w.start) / 2;
                want.iter().all(|(span, ..)| middle < span.start() + -BORDER_US || middle >= span.end() + BORDER_US)
            };
            let holds = |w: &Word| {
                let middle = w.start + (w.end - w.start) / 2;
                let same = |k: &Word| k.start <= middle && middle < k.end && w.start <= k.start && k.end <= w.end;
                all.iter().filter(|u| u.edited_at.is_none()).flat_map(|u| &u.words).filter(|k| same(k)).count()
            };
            for w in heard.iter().flat_map(|u| &u.words).filter(|w| far(w)) {
                prop_assert_eq!(holds(w), 1, "{:?}", w);
            }
            // And none that was heard where an edit is.
            let inside = all.iter().filter(|u| u.edited_at.is_none()).filter(|u| want.iter().any(|(s, ..)| s.overlaps(u.span)));
            prop_assert_eq!(inside.count(), 0);
            let again = carry_over(&shown, &heard, ids());
            prop_assert_eq!(told(&again), told(&all));
        }
    }
}
