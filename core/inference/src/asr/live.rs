//! The whole road from a running stream of samples to guarded words, one code path for live and replay.
//!
//! Samples come in blocks of any size, each with its position in the recording; finished chunks come out with times in the
//! recording, and with the position up to which everything is final. Whoever writes the chunks and that position together
//! can start again from the position after a crash, and loses and doubles nothing.

use super::{AsrError, Effort, RecognizedSegment, Recognizer, Request};
use crate::{
    guard::{Dropped, guard},
    vad::{Chunk, ChunkerConfig, FRAME, FRAME_SECONDS, SAMPLE_RATE, VadChunker, Voice},
};

/// Speech that was found and recognised. Times in seconds of the recording.
#[derive(Debug, Clone, PartialEq)]
pub struct RecognizedChunk {
    /// Where the chunk starts; speech may start a little later.
    pub start_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// What was said, in order; empty when the guards kept nothing.
    pub segments: Vec<RecognizedSegment>,
    /// What the guards took out, with the reason.
    pub dropped: Vec<Dropped>,
    /// What it is said in, two letters, if that is known.
    pub language: Option<String>,
}

/// What a push or the end of a stream gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// Chunks that ended, in order, not overlapping.
    pub chunks: Vec<RecognizedChunk>,
    /// The position (samples of 16 kHz from the start of the recording) before which everything is final. Never goes back.
    pub final_until: u64,
}

/// Turns a stream into words; see the module's text. Pushing blocks while chunks are recognised.
#[derive(Debug)]
pub struct SpeechToText<V, R> {
    voice: V,
    recognizer: R,
    language: String,
    effort: Effort,
    terms: Vec<String>,
    chunker: VadChunker,
    /// Position of frame 0 of the present run of unbroken sound.
    base: u64,
    /// Samples not yet final, and their position.
    held: Vec<f32>,
    held_from: u64,
    /// Whether any sound has come; until then a push sets the position.
    begun: bool,
    final_until: u64,
}

/// Sound before this is context only: a lead that the chunker may still want.
const SLACK_FRAMES: u64 = 16;

impl<V: Voice, R: Recognizer> SpeechToText<V, R> {
    /// A stream in `language` (two letters, or `auto`) that starts where its first samples are.
    pub fn new(voice: V, recognizer: R, language: impl Into<String>, config: ChunkerConfig) -> Self {
        Self {
            voice,
            recognizer,
            language: language.into(),
            effort: Effort::Usual,
            terms: vec![],
            chunker: VadChunker::new(config),
            base: 0,
            held: vec![],
            held_from: 0,
            begun: false,
            final_until: 0,
        }
    }

    /// The recogniser's id, for provenance.
    pub fn id(&self) -> String {
        self.recognizer.id()
    }

    /// How hard to try from now on.
    pub fn set_effort(&mut self, effort: Effort) {
        self.effort = effort;
    }

    /// Where speech is cut from now on.
    pub fn set_chunks(&mut self, config: ChunkerConfig) {
        self.chunker.set_config(config);
    }

    /// The terms that may be said from now on.
    pub fn set_terms(&mut self, terms: Vec<String>) {
        self.terms = terms;
    }

    /// The position before which everything is final.
    pub fn final_until(&self) -> u64 {
        self.final_until
    }

    /// The position of the sample expected next.
    pub fn next(&self) -> u64 {
        self.held_from + self.held.len() as u64
    }

    /// Takes `samples` (16 kHz mono, -1 to 1) that start at position `at`. Samples from before [`Self::next`] are known
    /// already and passed over; a jump ahead is a gap, which ends what was being said.
    ///
    /// After an error the stream must be made anew, from the `final_until` that was last written.
    pub fn push(&mut self, at: u64, samples: &[f32]) -> Result<Heard, AsrError> {
        let mut heard = Heard::default();
        let mut samples = samples;
        let mut at = at;
        if !self.begun {
            self.restart(at);
        } else if at > self.next() {
            self.flush(&mut heard)?;
            self.restart(at);
        } else {
            let known = usize::try_from(self.next() - at).unwrap_or(usize::MAX);
            samples = samples.get(known..).unwrap_or_default();
            at = self.next();
        }
        debug_assert_eq!(at, self.next());
        self.held.extend_from_slice(samples);
        let probs = self.voice.push(samples)?;
        self.decide(&probs, &mut heard)?;
        heard.final_until = self.final_until;
        Ok(heard)
    }

    /// Ends the stream: what is still open is recognised as it is. A later push begins anew.
    pub fn finish(&mut self) -> Result<Heard, AsrError> {
        let mut heard = Heard::default();
        self.flush(&mut heard)?;
        self.begun = false;
        heard.final_until = self.final_until;
        Ok(heard)
    }

    fn restart(&mut self, at: u64) {
        self.begun = true;
        (self.base, self.held_from) = (at, at);
        self.held.clear();
        self.final_until = self.final_until.max(at);
    }

    fn flush(&mut self, heard: &mut Heard) -> Result<(), AsrError> {
        let probs = self.voice.finish()?;
        self.decide(&probs, heard)?;
        if let Some(chunk) = self.chunker.finish() {
            heard.chunks.push(self.recognize(chunk)?);
        }
        self.final_until = self.final_until.max(self.next());
        Ok(())
    }

    fn decide(&mut self, probs: &[f32], heard: &mut Heard) -> Result<(), AsrError> {
        for p in probs {
            if let Some(chunk) = self.chunker.push(*p) {
                heard.chunks.push(self.recognize(chunk)?);
            }
        }
        let settled = self.chunker.settled();
        self.final_until = self.final_until.max(self.position(settled)).min(self.next());
        // Old sound is let go in one move now and then, not at every block.
        let unneeded = self.position(settled.saturating_sub(SLACK_FRAMES)).saturating_sub(self.held_from);
        if unneeded > u64::from(SAMPLE_RATE) {
            self.held.drain(..usize::try_from(unneeded).unwrap_or(usize::MAX).min(self.held.len()));
            self.held_from += unneeded;
        }
        Ok(())
    }

    /// Position of the first sample of `frame`.
    fn position(&self, frame: u64) -> u64 {
        self.base + frame * FRAME as u64
    }

    fn recognize(&self, chunk: Chunk) -> Result<RecognizedChunk, AsrError> {
        let seconds = |position: u64| position as f64 / f64::from(SAMPLE_RATE);
        let index = |position: u64| {
            usize::try_from(position.saturating_sub(self.held_from))
                .unwrap_or(usize::MAX)
                .min(self.held.len())
        };
        let (from, to) = (self.position(chunk.start), self.position(chunk.end).min(self.next()));
        let sound = &self.held[index(from)..index(to)];
        let offset = seconds(from);
        let speech_s = (chunk.speech_end - chunk.speech_start) as f64 * FRAME_SECONDS;
        let span = tracing::debug_span!("recognize", seconds = sound.len() as f64 / f64::from(SAMPLE_RATE));
        let hear = |effort: Effort| {
            let request = Request { samples: sound, language: &self.language, effort, terms: &self.terms };
            let said = self.recognizer.transcribe(&request)?;
            Ok::<_, AsrError>((guard(in_recording(said.segments, chunk, offset), speech_s), said.language))
        };
        let (guarded, language) = span.in_scope(|| {
            let first = hear(self.effort)?;
            let enough = self.effort == Effort::Quick || !self.recognizer.can_try_harder();
            if !first.0.ran_wild() || enough {
                return Ok::<_, AsrError>(first);
            }
            let second = hear(Effort::Careful)?;
            let better = second.0.letters() > first.0.letters() || !second.0.ran_wild();
            Ok(if better { second } else { first })
        })?;
        for d in &guarded.dropped {
            tracing::info!(
                text = d.text,
                start_s = d.start_s,
                reason = d.reason.key(),
                "recognised text dropped"
            );
        }
        Ok(RecognizedChunk {
            start_s: offset,
            end_s: seconds(to),
            segments: guarded.kept,
            dropped: guarded.dropped,
            language,
        })
    }
}

/// The segments of a chunk that starts at `offset` seconds, with times of the recording. The recogniser puts its first words
/// at the very start of the sound; voice activity knows better where speech begins and ends.
fn in_recording(mut segments: Vec<RecognizedSegment>, chunk: Chunk, offset: f64) -> Vec<RecognizedSegment> {
    let at = |frame: u64| (frame - chunk.start) as f64 * FRAME_SECONDS;
    let (first, last) =
        ((at(chunk.speech_start) - FRAME_SECONDS).max(0.0), at(chunk.speech_end) + FRAME_SECONDS);
    let inside = |t: f64| t.clamp(first, last) + offset;
    for segment in &mut segments {
        (segment.start_s, segment.end_s) = (inside(segment.start_s), inside(segment.end_s));
        for word in &mut segment.words {
            (word.start_s, word.end_s) = (inside(word.start_s), inside(word.end_s));
        }
    }
    segments
}

#[cfg(test)]
mod tests;
