//! However the same sound is cut into blocks, and into chunks, the same speech is written down.

use std::{collections::BTreeMap, sync::Arc};

use clipmill_domain::{MediaTime, source::Language, transcript::Word};
use clipmill_inference::{
    asr::{AsrError, Recognized, RecognizedSegment, RecognizedWord, Recognizer, Request},
    vad::{FRAME, SAMPLE_RATE, VadError, Voice},
};
use clipmill_ingest::transcribe::{
    listen::{AnyVoice, Listener, Output, State},
    pace::Rung,
};
use proptest::prelude::*;

/// A window of the voice detector, in microseconds.
const WINDOW_US: i64 = FRAME as i64 * 1_000_000 / SAMPLE_RATE as i64;
/// Speech of fewer than four windows, between silences, is a blip.
const BLIP_US: i64 = 4 * WINDOW_US;

/// The loudness of word number `n`; silence is 0.
fn loudness(n: u16) -> f32 {
    0.1 + f32::from(n) / 4096.0
}

fn number(sample: f32) -> Option<u16> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was made of a number")]
    (sample > 0.05).then(|| ((sample - 0.1) * 4096.0).round() as u16)
}

/// A name that compresses like no other: five letters, of the number.
fn name(n: u16) -> String {
    let mut mixed = u32::from(n).wrapping_mul(2_654_435_761) ^ 0x5bd1_e995;
    let letter = |_| {
        mixed = mixed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + u8::try_from((mixed >> 16) % 26).unwrap_or(0))
    };
    (0..5).map(letter).collect()
}

/// Speech is a frame that has a sample of a word in it.
#[derive(Default)]
struct Loud(Vec<f32>);

impl Voice for Loud {
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        self.0.extend_from_slice(samples);
        let whole = self.0.len() / FRAME * FRAME;
        let speech = |f: &[f32]| if f.iter().any(|s| number(*s).is_some()) { 0.95 } else { 0.02 };
        Ok(self.0.drain(..whole).collect::<Vec<_>>().chunks(FRAME).map(speech).collect())
    }

    fn finish(&mut self) -> Result<Vec<f32>, VadError> {
        let rest = FRAME - self.0.len() % FRAME;
        self.push(&vec![0.0; if rest == FRAME { 0 } else { rest }])
    }
}

/// Hears every word by its loudness, where it is.
struct Reader;

impl Recognizer for Reader {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        #[expect(clippy::cast_precision_loss)]
        let seconds = |i: usize| i as f64 / f64::from(SAMPLE_RATE);
        let mut words: Vec<RecognizedWord> = vec![];
        let mut at = 0;
        for run in request.samples.chunk_by(|a, b| number(*a) == number(*b)) {
            if let Some(n) = number(run[0]) {
                let (start_s, end_s) = (seconds(at), seconds(at + run.len()));
                words.push(RecognizedWord { text: name(n), start_s, end_s, p: 0.9, mended: None });
            }
            at += run.len();
        }
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            return Ok(Recognized::default());
        };
        let segment = RecognizedSegment { start_s: first.start_s, end_s: last.end_s, words };
        Ok(Recognized { segments: vec![segment], spoken: None })
    }

    fn id(&self) -> String {
        "reader/1".into()
    }
}

/// Sound, and where it is speech: from and to, in samples.
#[derive(Clone)]
struct Talk {
    samples: Vec<f32>,
    words: Vec<(usize, usize)>,
    /// From this sample on it comes so much later: something was not recorded.
    gap: (usize, u64),
}

impl std::fmt::Debug for Talk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} samples, words {:?}, gap {:?}", self.samples.len(), self.words, self.gap)
    }
}

impl Talk {
    fn position(&self, sample: usize) -> u64 {
        sample as u64 + if sample >= self.gap.0 { self.gap.1 } else { 0 }
    }
}

/// Runs of words without a pause, of up to 14 seconds, and the pauses before them.
fn talk() -> impl Strategy<Value = Talk> {
    let run = (
        prop_oneof![1_600usize..6_000, 6_000usize..16_000, 16_000usize..48_000],
        prop_oneof![4 => 1usize..8, 1 => 8usize..40],
        4_800usize..9_600,
    );
    let gap = (any::<prop::sample::Index>(), prop_oneof![Just(0u64), 3_200u64..80_000]);
    (prop::collection::vec(run, 1..8), 0usize..20_000, gap).prop_map(|(runs, tail, (gap_at, gap))| {
        let (mut samples, mut words, mut n) = (vec![], vec![], 0);
        for (pause, count, length) in runs {
            samples.resize(samples.len() + pause, 0.0);
            for _ in 0..count {
                words.push((samples.len(), samples.len() + length));
                samples.resize(samples.len() + length, loudness(n));
                n += 1;
            }
        }
        samples.resize(samples.len() + tail, 0.0);
        let gap_at = gap_at.index(samples.len());
        Talk { samples, words, gap: (gap_at, gap) }
    })
}

/// Listens to all of it, in blocks of these lengths, again and again from the first; `rungs` as well.
fn listened(talk: &Talk, blocks: &[usize], rungs: &[Rung]) -> Output {
    let state = State::new(Language::En);
    let mut listener =
        Listener::resume(AnyVoice(Box::new(Loud::default())), Arc::new(Reader), state, Language::En);
    let (mut out, mut at) = (Output::default(), 0);
    let mut turns = blocks.iter().cycle().zip(rungs.iter().cycle());
    while at < talk.samples.len() {
        let Some((block, rung)) = turns.next() else { break };
        let end = (at + block).min(talk.samples.len());
        // No block goes across what was not recorded.
        let end = if at < talk.gap.0 { end.min(talk.gap.0) } else { end };
        listener.set_rung(*rung);
        listener.sound(talk.position(at), talk.samples[at..end].to_vec(), &mut out).unwrap();
        at = end;
    }
    listener.finish(&mut out).unwrap();
    out
}

fn words(out: &Output) -> impl Iterator<Item = &Word> {
    out.sentences.iter().flat_map(|s| &s.words)
}

fn micros(position: u64) -> i64 {
    i64::try_from(position * 1_000_000 / u64::from(SAMPLE_RATE)).unwrap()
}

/// The stretches covered, joined where they touch.
fn joined(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut all: Vec<(i64, i64)> = vec![];
    for (from, to) in spans {
        match all.last_mut() {
            Some(last) if from <= last.1 + 1 => last.1 = last.1.max(to),
            _ => all.push((from, to)),
        }
    }
    all
}

fn covered(out: &Output) -> Vec<(i64, i64)> {
    joined(words(out).map(|w| (w.start.as_micros(), w.end.as_micros())).collect())
}

/// The longest stretch that one covers and the other does not.
fn apart(a: &[(i64, i64)], b: &[(i64, i64)]) -> i64 {
    let mut edges: BTreeMap<i64, (i32, i32)> = BTreeMap::new();
    for (from, to) in a {
        edges.entry(*from).or_default().0 += 1;
        edges.entry(*to).or_default().0 -= 1;
    }
    for (from, to) in b {
        edges.entry(*from).or_default().1 += 1;
        edges.entry(*to).or_default().1 -= 1;
    }
    let (mut longest, mut inside, mut since) = (0, (0, 0), 0);
    for (at, (in_a, in_b)) in edges {
        if (inside.0 > 0) != (inside.1 > 0) {
            longest = longest.max(at - since);
        }
        inside = (inside.0 + in_a, inside.1 + in_b);
        since = at;
    }
    longest
}

fn in_order(out: &Output, end: MediaTime) -> Result<(), TestCaseError> {
    for s in &out.sentences {
        prop_assert!(MediaTime::ZERO <= s.span.start() && s.span.end() <= end, "{s:?}, sound to {end}");
        prop_assert!(s.words.iter().all(|w| w.start < w.end));
        prop_assert!(s.words.iter().all(|w| s.span.start() <= w.start && w.end <= s.span.end()));
        prop_assert!(s.words.windows(2).all(|p| p[0].end <= p[1].start));
    }
    prop_assert!(out.sentences.windows(2).all(|p| p[0].span.end() <= p[1].span.start()));
    Ok(())
}

fn blocks() -> impl Strategy<Value = Vec<usize>> {
    let block = prop_oneof![Just(1usize), 2usize..600, 600usize..20_000, 20_000usize..160_000];
    // One of them is long, so that a whole talk is not fed sample by sample.
    (prop::collection::vec(block, 1..40), 4_000usize..40_000).prop_map(|(mut all, long)| {
        all.push(long);
        all
    })
}

fn rungs() -> impl Strategy<Value = Vec<Rung>> {
    let rung = prop_oneof![Just(Rung::Full), Just(Rung::Quick), Just(Rung::Bulk), Just(Rung::Import)];
    prop::collection::vec(rung, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_cutting_into_blocks_gives_the_same_sentences(talk in talk(), blocks in blocks(), rung in rungs()) {
        let rung = &rung[..1];
        let whole = listened(&talk, &[talk.samples.len()], rung);
        let cut = listened(&talk, &blocks, rung);
        let end = MediaTime::from_micros(micros(talk.position(talk.samples.len()) + FRAME as u64));
        in_order(&cut, end)?;
        prop_assert_eq!(covered(&cut), covered(&whole));
        prop_assert_eq!(&cut.sentences, &whole.sentences);
        prop_assert_eq!(&cut.dropped, &whole.dropped);
    }

    #[test]
    fn any_cutting_into_chunks_covers_all_speech(talk in talk(), blocks in blocks(), rungs in rungs()) {
        let end = MediaTime::from_micros(micros(talk.position(talk.samples.len()) + FRAME as u64));
        let live = listened(&talk, &blocks, &[Rung::Full]);
        let import = listened(&talk, &blocks, &[Rung::Import]);
        let mixed = listened(&talk, &blocks, &rungs);
        let said = talk.words.iter().flat_map(|&(from, to)| {
            // A word that the gap falls into is said on both sides of it.
            let cut = talk.gap.0.clamp(from, to);
            let piece = |from: usize, to: usize| (micros(talk.position(from)), micros(talk.position(to - 1) + 1));
            [(from < cut).then(|| piece(from, cut)), (cut < to).then(|| piece(cut, to))]
        });
        let said = joined(said.flatten().collect());
        // One window for where the detector's windows lie, and one because real ones notice a beginning late: the listener
        // lets speech begin a window earlier. What a gap leaves of a word may be too short to be heard as one.
        let has_blip = said.iter().any(|(from, to)| to - from < BLIP_US);
        let most = if has_blip { BLIP_US } else { 2 * WINDOW_US };
        for out in [&live, &import, &mixed] {
            in_order(out, end)?;
            prop_assert_eq!(&out.dropped, &vec![]);
            let off = apart(&covered(out), &said);
            prop_assert!(off <= most, "{off} us: {:?}, said {said:?}", covered(out));
        }
        for (n, _) in (0u16..).zip(&talk.words) {
            prop_assert!(words(&mixed).any(|w| w.text == name(n)), "word {n}");
        }
        // One may hear such a blip with its neighbours, and the other drop it by itself.
        let most = if has_blip { BLIP_US } else { WINDOW_US };
        prop_assert!(apart(&covered(&live), &covered(&import)) <= most);
        prop_assert!(apart(&covered(&live), &covered(&mixed)) <= most);
    }
}
