//! Sound that anybody can transcribe: speech is what is loud, and a run of it is a word named after its pitch.

#![allow(dead_code, reason = "each test program uses its part")]

use std::{
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use camino::Utf8Path;
use clipmill_inference::{
    asr::{AsrError, Recognized, RecognizedSegment, RecognizedWord, Recognizer, Request},
    vad::{FRAME, Memory, SAMPLE_RATE, VadError, Voice},
};

/// Speech is what is loud. Answers blocks, and does not believe the first frames it knows of, as a real network does: to
/// one that is cold, speech begins later.
#[derive(Default)]
pub struct Loudness {
    held: Vec<f32>,
    /// Frames of `held` that are answered.
    context: usize,
}

const BLOCK: usize = 6;
const CONTEXT: usize = 8;
/// Frames that are not believed.
const COLD: usize = 3;

impl Loudness {
    fn block(&mut self, frames: usize) -> Vec<f32> {
        let end = self.context + frames;
        let loud = |f: &[f32]| f.iter().any(|s| s.abs() > 0.02);
        let heard = self.held.chunks(FRAME).take(end).enumerate().skip(self.context);
        let probs = heard.map(|(i, f)| if i >= COLD && loud(f) { 0.95 } else { 0.02 }).collect();
        let forgotten = end.saturating_sub(CONTEXT);
        self.held.drain(..(forgotten * FRAME).min(self.held.len()));
        self.context = end - forgotten;
        probs
    }
}

impl Voice for Loudness {
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        self.held.extend_from_slice(samples);
        let mut probs = vec![];
        while self.held.len() >= (self.context + BLOCK) * FRAME {
            probs.extend(self.block(BLOCK));
        }
        Ok(probs)
    }

    fn memory(&self) -> Memory {
        Memory { block: BLOCK as u64, context: CONTEXT as u64 }
    }

    fn finish(&mut self) -> Result<Vec<f32>, VadError> {
        let rest = self.held.len().div_ceil(FRAME) - self.context;
        let probs = self.block(rest);
        *self = Self::default();
        Ok(probs)
    }
}

/// A run of loud samples, named after how many hundreds of hertz it has.
pub struct Beep {
    pub name: String,
    pub start_s: f64,
    pub end_s: f64,
}

/// The beeps in 16 kHz samples, in order.
pub fn beeps_in(samples: &[f32]) -> Vec<Beep> {
    let rate = f64::from(SAMPLE_RATE);
    let loud: Vec<bool> = samples.chunks(160).map(|c| c.iter().any(|s| s.abs() > 0.02)).collect();
    let mut beeps = vec![];
    let mut at = 0;
    while let Some(start) = loud[at..].iter().position(|l| *l).map(|i| i + at) {
        let end = loud[start..].iter().position(|l| !*l).map_or(loud.len(), |i| i + start);
        let from = (start * 160 + 160).min(samples.len());
        let inside = &samples[from..(end * 160).min(samples.len()).max(from)];
        let crossings = inside.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        #[expect(clippy::cast_precision_loss)]
        let hertz = crossings as f64 / (inside.len().max(1) as f64 / rate);
        #[expect(clippy::cast_precision_loss)]
        let (start_s, end_s) = (start as f64 / 100.0, (end as f64 / 100.0).min(samples.len() as f64 / rate));
        beeps.push(Beep { name: format!("b{:.0}", hertz / 100.0), start_s, end_s });
        at = end;
    }
    beeps
}

/// A word for each run of loud samples, named after how many hundreds of hertz it has. Fails when told to.
pub struct Counter {
    heard: AtomicUsize,
    fail_at: usize,
    id: &'static str,
}

impl Counter {
    /// Fails at the recognition of this number, from 1; `usize::MAX`: never.
    pub fn failing_at(fail_at: usize) -> Self {
        Self { heard: AtomicUsize::new(0), fail_at, id: "counter/1" }
    }

    /// Never fails; of this provenance.
    pub fn named(id: &'static str) -> Self {
        Self { id, ..Self::failing_at(usize::MAX) }
    }
}

impl Recognizer for Counter {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        let samples = request.samples;
        if self.heard.fetch_add(1, Ordering::SeqCst) + 1 == self.fail_at {
            return Err(AsrError::Run { seconds: 0.0, why: "made to fail".into() });
        }
        let word = |Beep { name, start_s, end_s }| RecognizedWord {
            text: name,
            start_s,
            end_s,
            p: 0.9,
            mended: None,
        };
        let words: Vec<RecognizedWord> = beeps_in(samples).into_iter().map(word).collect();
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            return Ok(Recognized::default());
        };
        let segments = vec![RecognizedSegment { start_s: first.start_s, end_s: last.end_s, words }];
        Ok(Recognized { segments, spoken: None })
    }

    fn id(&self) -> String {
        self.id.into()
    }
}

/// An H.264 and AAC file whose sound is this expression of the time `t` in seconds.
pub fn film(path: &Utf8Path, seconds: u32, sound: &str) {
    let picture = format!("testsrc2=size=96x64:rate=25:duration={seconds}");
    let sound = format!("aevalsrc={sound}:s=44100:d={seconds}").replace(',', "\\,");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-threads", "1"])
        .args(["-c:a", "aac", "-b:a", "96k", path.as_str()])
        .status()
        .unwrap();
    assert!(made.success());
}

/// A film with `count` beeps of 0.5 s at 300, 400, 500 … Hz, one every 1.5 s: each is a sentence of its own.
pub fn make_beeps(path: &Utf8Path, count: u32) {
    film(path, (count * 3).div_ceil(2), "if(lt(mod(t,1.5),0.5),0.5*sin(2*PI*(300+100*floor(t/1.5))*t),0)");
}
