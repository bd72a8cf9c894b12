//! The composition, with a voice and a recogniser whose answers can be counted by hand.

use proptest::prelude::*;

use super::*;
use crate::{
    asr::{Recognized, RecognizedWord},
    vad::{Memory, VadError},
};

/// A frame is as much speech as it is loud, or half as much as the one before it. Answers blocks, forgets at each what lies
/// further back than its context, and does not believe the first frames it knows of, as a real network does.
#[derive(Default)]
struct Loudness {
    held: Vec<f32>,
    context: usize,
}

/// Frames in a block, and of context.
const BLOCK: usize = 6;
const CONTEXT: usize = 8;
/// Frames that are not believed.
const COLD: usize = 3;

impl Loudness {
    fn block(&mut self, samples: usize) -> Vec<f32> {
        let end = self.context + samples;
        let mut last = 0.0f32;
        let loud = self.held[..end].chunks(FRAME).map(|f| f.iter().fold(0.0f32, |a, b| a.max(*b)));
        let believed = |(i, p): (usize, f32)| if i < COLD { p / 2.0 } else { p };
        let probs: Vec<f32> = loud
            .enumerate()
            .map(|frame| {
                last = believed(frame).max(last / 2.0);
                last
            })
            .collect();
        let answer = probs[self.context / FRAME..].to_vec();
        let forgotten = end.saturating_sub(CONTEXT * FRAME);
        self.held.drain(..forgotten);
        self.context = end - forgotten;
        answer
    }
}

impl Voice for Loudness {
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        self.held.extend_from_slice(samples);
        let mut probs = vec![];
        while self.held.len() - self.context >= BLOCK * FRAME {
            probs.extend(self.block(BLOCK * FRAME));
        }
        Ok(probs)
    }

    fn memory(&self) -> Memory {
        Memory { block: BLOCK as u64, context: CONTEXT as u64 }
    }

    fn finish(&mut self) -> Result<Vec<f32>, VadError> {
        let rest = self.held.len() - self.context;
        let probs = if rest > 0 { self.block(rest) } else { vec![] };
        *self = Self::default();
        Ok(probs)
    }
}

/// Says a word for every loud sample-second: one word whose probability is the mean sample, so that the tests see exactly
/// which samples it was given.
struct Sum;

impl Recognizer for Sum {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        let samples = request.samples;
        let end_s = samples.len() as f64 / f64::from(SAMPLE_RATE);
        let p = samples.iter().sum::<f32>();
        let words = vec![RecognizedWord { text: "好".into(), start_s: 0.0, end_s, p, mended: None }];
        let segments = vec![RecognizedSegment { start_s: 0.0, end_s, words }];
        Ok(Recognized { segments, spoken: None })
    }

    fn id(&self) -> String {
        "sum".into()
    }
}

fn stream() -> SpeechToText<Loudness, Sum> {
    SpeechToText::new(Loudness::default(), Sum, "zh", ChunkerConfig::default())
}

/// Seconds of silence, then of sound, and so on.
fn sound(seconds: &[f64]) -> Vec<f32> {
    let run = |(i, s): (usize, &f64)| {
        std::iter::repeat_n(if i % 2 == 1 { 0.75 } else { 0.0 }, (s * f64::from(SAMPLE_RATE)) as usize)
    };
    seconds.iter().enumerate().flat_map(run).collect()
}

fn hear(at: u64, samples: &[f32], blocks: &[usize]) -> (Vec<RecognizedChunk>, u64) {
    hear_on(stream(), at, samples, blocks)
}

fn hear_on(
    mut live: SpeechToText<Loudness, Sum>,
    at: u64,
    samples: &[f32],
    blocks: &[usize],
) -> (Vec<RecognizedChunk>, u64) {
    let (mut chunks, mut done, mut marks) = (vec![], 0, vec![]);
    let mut sizes = blocks.iter().cycle();
    while done < samples.len() {
        let to = (done + sizes.next().unwrap()).min(samples.len());
        let heard = live.push(at + done as u64, &samples[done..to]).unwrap();
        chunks.extend(heard.chunks);
        marks.push(heard.final_until);
        done = to;
    }
    let heard = live.finish().unwrap();
    chunks.extend(heard.chunks);
    marks.push(heard.final_until);
    assert!(marks.is_sorted(), "{marks:?}");
    (chunks, heard.final_until)
}

#[test]
fn times_are_those_of_the_recording() {
    let at = 3600 * u64::from(SAMPLE_RATE);
    let (chunks, until) = hear(at, &sound(&[1.0, 4.0, 2.0, 1.0, 1.0]), &[1000]);
    assert_eq!(chunks.len(), 2, "{chunks:?}");
    assert!((chunks[0].segments[0].start_s - 3601.0).abs() < 0.07, "{chunks:?}");
    assert!((chunks[0].segments[0].end_s - 3605.0).abs() < 0.07, "{chunks:?}");
    assert!((chunks[1].segments[0].start_s - 3607.0).abs() < 0.07, "{chunks:?}");
    assert_eq!(until, at + 9 * u64::from(SAMPLE_RATE));
}

#[test]
fn a_gap_ends_what_was_said_and_repeats_are_passed_over() {
    let mut live = stream();
    let rate = u64::from(SAMPLE_RATE);
    let talk = sound(&[0.0, 2.0]);
    assert_eq!(live.push(0, &talk).unwrap().chunks, []);
    // The same again: nothing new.
    assert_eq!(live.push(0, &talk).unwrap().chunks, []);
    assert_eq!(live.next(), 2 * rate);
    let heard = live.push(10 * rate, &talk).unwrap();
    assert_eq!(heard.chunks.len(), 1);
    assert!((heard.chunks[0].end_s - 2.0).abs() < 1e-9);
    let heard = live.finish().unwrap();
    assert_eq!(heard.chunks.len(), 1);
    assert!((heard.chunks[0].start_s - 10.0).abs() < 1e-9 && (heard.chunks[0].end_s - 12.0).abs() < 1e-9);
    assert_eq!(heard.final_until, 12 * rate);
}

#[test]
fn silence_is_final_almost_at_once_and_held_no_longer() {
    let mut live = stream();
    let heard = live.push(0, &sound(&[60.0])).unwrap();
    assert_eq!(heard.chunks, []);
    assert!(60.0 - heard.final_until as f64 / f64::from(SAMPLE_RATE) < 0.3, "{}", heard.final_until);
    assert!(live.held.len() < 2 * SAMPLE_RATE as usize);
}

fn talk() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec((0.05f64..2.0, 0.2f64..16.0), 1..5)
        .prop_map(|runs| sound(&runs.into_iter().flat_map(|(a, b)| [a, b]).collect::<Vec<_>>()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn block_sizes_change_nothing(samples in talk(), blocks in prop::collection::vec(1usize..40_000, 1..6)) {
        prop_assert_eq!(hear(0, &samples, &[usize::MAX / 2]), hear(0, &samples, &blocks));
    }

    /// Killed anywhere and started again with what was stored, from any sound before that: the very same chunks.
    #[test]
    fn a_restart_changes_nothing(
        samples in talk(), at in 0u64..100_000, part in 0.0f64..1.0, back in 0usize..60_000, block in 500usize..9_000,
    ) {
        let whole = hear(at, &samples, &[4800]);
        let kill = (samples.len() as f64 * part) as usize;
        let mut first = stream();
        let mut chunks = vec![];
        for (i, block) in samples[..kill].chunks(4800).enumerate() {
            chunks.extend(first.push(at + (i * 4800) as u64, block).unwrap().chunks);
        }
        let (until, run) = (first.final_until(), first.run());
        prop_assert_eq!(run.is_some(), kill > 0);
        let mut second = stream();
        second.resume(until, run);
        prop_assert_eq!(second.run(), run);
        // A second is enough; less makes it as good as it can be.
        let from = (until.saturating_sub(at) as usize).saturating_sub(back);
        let (rest, end) = hear_on(second, at + from as u64, &samples[from..], &[block]);
        prop_assert_eq!(end, whole.1.max(until));
        if back >= 16_000 {
            chunks.extend(rest);
            prop_assert_eq!(chunks, whole.0);
        } else {
            prop_assert!(rest.iter().all(|c| c.start_s >= until as f64 / f64::from(SAMPLE_RATE) - 1e-9), "{rest:?}");
        }
    }
}
