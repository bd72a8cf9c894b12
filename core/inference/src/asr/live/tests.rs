//! The composition, with a voice and a recogniser whose answers can be counted by hand.

use proptest::prelude::*;

use super::*;
use crate::{
    asr::{Recognized, RecognizedWord},
    vad::VadError,
};

/// A frame is speech when its samples are not zero. Holds frames back in pairs, as a real network holds back blocks.
#[derive(Default)]
struct Loudness(Vec<f32>);

impl Loudness {
    fn frames(&mut self, samples: usize) -> Vec<f32> {
        self.0
            .drain(..samples)
            .collect::<Vec<_>>()
            .chunks(FRAME)
            .map(|f| f.iter().fold(0.0f32, |a, b| a.max(*b)))
            .collect()
    }
}

impl Voice for Loudness {
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        self.0.extend_from_slice(samples);
        let whole = self.0.len() / (2 * FRAME) * (2 * FRAME);
        Ok(self.frames(whole))
    }

    fn finish(&mut self) -> Result<Vec<f32>, VadError> {
        let all = self.0.len();
        Ok(self.frames(all))
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
    let mut live = stream();
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

    /// Killed anywhere and started again from the last `final_until`: every chunk once, none twice, no sound of speech lost.
    #[test]
    fn a_restart_loses_and_doubles_nothing(samples in talk(), part in 0.0f64..1.0) {
        let kill = (samples.len() as f64 * part) as usize;
        let mut first = stream();
        let mut chunks = vec![];
        let mut until = 0;
        for (i, block) in samples[..kill].chunks(4800).enumerate() {
            let heard = first.push((i * 4800) as u64, block).unwrap();
            chunks.extend(heard.chunks);
            until = heard.final_until;
        }
        let (rest, _) = hear(until, &samples[until as usize..], &[4800]);
        chunks.extend(rest);
        for w in chunks.windows(2) {
            prop_assert!(w[0].end_s <= w[1].start_s + 1e-9, "{w:?}");
        }
        let given: f64 = chunks.iter().map(|c| f64::from(c.segments[0].words[0].p)).sum();
        let all: f64 = samples.iter().map(|s| f64::from(*s)).sum();
        // Sums of a few hundred thousand single-precision numbers.
        prop_assert!((given - all).abs() <= all * 1e-3 + 4.0 * 0.75 * FRAME as f64, "{given} of {all}");
    }
}
