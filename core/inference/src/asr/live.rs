//! The whole road from a running stream of samples to guarded words, one code path for live and replay.
//!
//! Samples come in blocks of any size, each with its position in the recording; finished chunks come out with times in the
//! recording, and with the position up to which everything is final. Whoever writes the chunks and that position together
//! can start again from the position after a crash, and loses and doubles nothing.

mod edges;
mod tongue;

use std::{collections::VecDeque, sync::Arc};

use edges::{Speech, at_edges};
use serde::{Deserialize, Serialize};
pub use tongue::{Look, TONGUES, Tongue};

use super::{AsrError, Effort, RecognizedSegment, Recognizer, Request, Terms};
use crate::{
    guard::{Dropped, guard},
    lexicon::{Lexicon, second_look},
    vad::{Chunk, ChunkerConfig, FRAME, FRAME_SECONDS, SAMPLE_RATE, VadChunker, Voice},
    voiceprint::{Print, Printer},
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
    /// What it was heard in, two letters.
    pub language: String,
    /// Whose voice it sounds like, one for each segment; empty where prints are not taken.
    pub prints: Vec<Option<Print>>,
}

/// What a push or the end of a stream gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// Chunks that ended, in order, not overlapping.
    pub chunks: Vec<RecognizedChunk>,
    /// The position (samples of 16 kHz from the start of the recording) before which everything is final. Never goes back.
    pub final_until: u64,
}

/// What of a run of unbroken sound must be known, besides where it is final, to go on with it as if nothing had been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The position at which it began: frames are counted from there.
    base: u64,
    /// The frame where speech of the chunk before ended.
    spoken_until: u64,
    /// Where a chunk is open, which then begins where all is final: how many of its frames the one before left over.
    open: Option<u64>,
}

/// Turns a stream into words; see the module's text. Pushing blocks while chunks are recognised.
#[derive(Debug)]
pub struct SpeechToText<V, R> {
    voice: V,
    recognizer: R,
    language: String,
    /// Where the language is found out: what has been found so far.
    tongue: Option<Tongue>,
    effort: Effort,
    terms: Terms,
    lexicon: Option<Arc<Lexicon>>,
    printer: Option<Arc<dyn Printer>>,
    chunker: VadChunker,
    /// The probabilities of speech of the frames that may still be in a chunk, and the number of the first.
    probs: VecDeque<f32>,
    probs_from: u64,
    /// Where speech of the chunk before ended, in frames: nothing is heard twice.
    spoken_until: u64,
    /// Position of frame 0 of the present run of unbroken sound.
    base: u64,
    /// Samples not yet final, and their position.
    held: Vec<f32>,
    held_from: u64,
    /// Whether any sound has come; until then a push sets the position.
    begun: bool,
    /// The run that is to go on at `final_until`, until sound comes.
    resumed: Option<Run>,
    /// The next so many probabilities are known: their frames are final.
    known: u64,
    final_until: u64,
}

/// Sound before this is context only: a lead that the chunker, or the recogniser, may still want.
const SLACK_FRAMES: u64 = 16;

/// Frames less likely than this to be speech …
const PAUSE_P: f32 = 0.5;
/// … and so many of them on end are a pause inside a chunk.
const PAUSE_FRAMES: u64 = 2;

/// The recogniser hears so much of the silence before a chunk, where there is so much: 256 ms. Sound that begins with a
/// word costs it the first consonant.
const RUN_UP_FRAMES: u64 = 8;

impl<V: Voice, R: Recognizer> SpeechToText<V, R> {
    /// A stream in `language` (two letters) that starts where its first samples are.
    pub fn new(voice: V, recognizer: R, language: impl Into<String>, config: ChunkerConfig) -> Self {
        Self {
            voice,
            recognizer,
            language: language.into(),
            tongue: None,
            effort: Effort::Usual,
            terms: Terms::default(),
            lexicon: None,
            printer: None,
            chunker: VadChunker::new(config),
            probs: VecDeque::new(),
            probs_from: 0,
            spoken_until: 0,
            base: 0,
            held: vec![],
            held_from: 0,
            begun: false,
            resumed: None,
            known: 0,
            final_until: 0,
        }
    }

    /// A fresh stream goes on where another one stood: all before `final_until` is known. Sound from up to a second before
    /// that makes the voice detector hear what it heard then; earlier sound is passed over.
    pub fn resume(&mut self, final_until: u64, run: Option<Run>) {
        (self.final_until, self.resumed) = (final_until, run);
    }

    /// The run that it is in; stored with [`Self::final_until`].
    pub fn run(&self) -> Option<Run> {
        let run = Run { base: self.base, spoken_until: self.spoken_until, open: self.chunker.open() };
        if self.begun { Some(run) } else { self.resumed }
    }

    /// Whether any sound has come that is not passed over.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// The recogniser's id, for provenance.
    pub fn id(&self) -> String {
        self.recognizer.id()
    }

    /// The language is found out from now on, beginning with what `tongue` knows; `None`: it is the stream's own.
    pub fn set_tongue(&mut self, tongue: Option<Tongue>) {
        self.tongue = tongue;
    }

    /// What has been found out about the language; `None` where it is not looked at.
    pub fn tongue(&self) -> Option<&Tongue> {
        self.tongue.as_ref()
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
    pub fn set_terms(&mut self, terms: Terms) {
        self.terms = terms;
    }

    /// The names and terms that weigh in and are put right from now on.
    pub fn set_lexicon(&mut self, lexicon: Arc<Lexicon>) {
        if self.lexicon.as_ref().is_some_and(|known| Arc::ptr_eq(known, &lexicon)) {
            return;
        }
        self.terms = lexicon.terms();
        self.lexicon = Some(lexicon).filter(|l| !l.is_empty());
    }

    /// Takes prints of the voices from now on.
    pub fn set_printer(&mut self, printer: Arc<dyn Printer>) {
        self.printer = Some(printer);
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
            let wanted = self.begin(at);
            let passed = usize::try_from(wanted.saturating_sub(at)).unwrap_or(usize::MAX);
            samples = samples.get(passed..).unwrap_or_default();
            if samples.is_empty() {
                return Ok(Heard { chunks: vec![], final_until: self.final_until });
            }
            at = at.max(wanted);
            self.begun = true;
        } else if at > self.next() {
            self.flush(&mut heard)?;
            self.resumed = None;
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
        (self.begun, self.resumed) = (false, None);
        heard.final_until = self.final_until;
        Ok(heard)
    }

    /// Sound comes at `at`, the first or after some that was passed over: says from where on it is wanted.
    fn begin(&mut self, at: u64) -> u64 {
        let Some(run) = self.resumed.filter(|run| run.base <= self.final_until) else {
            let from = self.final_until.max(at);
            self.restart(from);
            return from;
        };
        let frames = |samples: u64| samples / FRAME as u64;
        let memory = self.voice.memory();
        let settled = frames(self.final_until - run.base);
        let remembered = (settled - settled % memory.block).saturating_sub(memory.context);
        let needed = remembered.min(settled.saturating_sub(RUN_UP_FRAMES));
        let first_there = frames(at.saturating_sub(run.base) + FRAME as u64 - 1);
        let from = (needed - needed % memory.block).max(first_there.next_multiple_of(memory.block));
        if from > settled {
            self.resumed = None;
            return self.begin(at);
        }
        self.restart(run.base + from * FRAME as u64);
        (self.base, self.spoken_until, self.probs_from) = (run.base, run.spoken_until, settled);
        self.known = settled - from;
        self.chunker = VadChunker::resume(self.chunker.config(), settled, run.open);
        self.held_from
    }

    fn restart(&mut self, at: u64) {
        self.known = 0;
        self.spoken_until = 0;
        self.probs.clear();
        self.probs_from = 0;
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
        let known = probs.len().min(usize::try_from(self.known).unwrap_or(usize::MAX));
        self.known -= known as u64;
        for p in &probs[known..] {
            self.probs.push_back(*p);
            if let Some(chunk) = self.chunker.push(*p) {
                heard.chunks.push(self.recognize(chunk)?);
                self.spoken_until = chunk.speech_end;
            }
        }
        let settled = self.chunker.settled();
        let unneeded = usize::try_from(settled.saturating_sub(self.probs_from)).unwrap_or(usize::MAX);
        self.probs_from += self.probs.drain(..unneeded.min(self.probs.len())).len() as u64;
        self.final_until = self.position(settled).min(self.next()).max(self.final_until);
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

    fn recognize(&mut self, chunk: Chunk) -> Result<RecognizedChunk, AsrError> {
        let seconds = |position: u64| position as f64 / f64::from(SAMPLE_RATE);
        let index = |position: u64| {
            usize::try_from(position.saturating_sub(self.held_from))
                .unwrap_or(usize::MAX)
                .min(self.held.len())
        };
        let kept_from = self.held_from.saturating_sub(self.base).div_ceil(FRAME as u64);
        let silence_from = self.spoken_until.max(kept_from).max(chunk.start.saturating_sub(RUN_UP_FRAMES));
        let (from, to) =
            (self.position(chunk.start.min(silence_from)), self.position(chunk.end).min(self.next()));
        let sound = &self.held[index(from)..index(to)];
        let offset = seconds(from);
        let speech_s = (chunk.speech_end - chunk.speech_start) as f64 * FRAME_SECONDS;
        let speech = self.speech(chunk);
        let span = tracing::debug_span!("recognize", seconds = sound.len() as f64 / f64::from(SAMPLE_RATE));
        let mut tongue = self.tongue.clone();
        let hear_in = |language: &str, or: &[&str], effort: Effort, terms: &Terms| {
            let request = Request { samples: sound, language, or, effort, terms };
            let said = self.recognizer.transcribe(&request)?;
            Ok::<_, AsrError>((guard(in_recording(said.segments, &speech, offset), speech_s), said.spoken))
        };
        let begun_in = tongue.as_ref().map_or(self.language.as_str(), Tongue::language).to_owned();
        let or = tongue.as_ref().map(Tongue::others).unwrap_or_default();
        let (mut first, spoken) = span.in_scope(|| hear_in(&begun_in, &or, self.effort, &self.terms))?;
        let look = tongue.as_mut().zip(spoken).map_or(Look::Same, |(t, spoken)| t.look(&spoken, speech_s));
        let mut language = begun_in;
        let other = match &look {
            Look::Same => None,
            Look::Other(other) => Some(other.clone()),
            Look::Changed => tongue.as_ref().map(|t| t.language().to_owned()),
        };
        if let Some(other) = other {
            let (again, _) = span.in_scope(|| hear_in(&other, &[], self.effort, &self.terms))?;
            // Words forced into a language that is not spoken are made up, and unlikely.
            if look == Look::Changed || again.likelihood() > first.likelihood() {
                tracing::info!(language, other, at_s = offset, "another language is spoken");
                (first, language) = (again, other);
            }
        }
        let hear =
            |effort: Effort, terms: &Terms| Ok::<_, AsrError>(hear_in(&language, &[], effort, terms)?.0);
        let mut guarded = span.in_scope(|| {
            let enough = self.effort == Effort::Quick || !self.recognizer.can_try_harder();
            if !first.ran_wild() || enough {
                return Ok::<_, AsrError>(first);
            }
            let second = hear(Effort::Careful, &self.terms)?;
            let better = second.letters() > first.letters() || !second.ran_wild();
            Ok(if better { second } else { first })
        })?;
        if let Some(lexicon) = &self.lexicon {
            let again = |names: &[String]| hear(Effort::Careful, &Terms::of(names.iter().cloned()));
            let may = self.effort != Effort::Quick && self.recognizer.can_try_harder();
            span.in_scope(|| second_look::mend(lexicon, &mut guarded, may.then_some(again)))?;
        }
        for d in &guarded.dropped {
            tracing::info!(
                text = d.text,
                start_s = d.start_s,
                reason = d.reason.key(),
                "recognised text dropped"
            );
        }
        let prints = self.prints(&guarded.kept, sound, offset);
        self.tongue = tongue;
        Ok(RecognizedChunk {
            start_s: seconds(self.position(chunk.start)),
            end_s: seconds(to),
            segments: guarded.kept,
            dropped: guarded.dropped,
            language,
            prints,
        })
    }

    /// Where speech lies in a chunk, in seconds of the recording. The voice detector is late to notice its end.
    fn speech(&self, chunk: Chunk) -> Speech {
        let at = |frame: u64| self.position(frame) as f64 / f64::from(SAMPLE_RATE);
        let lag_s = self.voice.lag_s();
        let pauses_at_end = chunk.end > chunk.speech_end;
        let start_s = at(chunk.speech_start.saturating_sub(1).max(chunk.start));
        let end_s = at(chunk.speech_end) - if pauses_at_end { lag_s } else { 0.0 };
        let mut pauses = vec![];
        let mut quiet = 0;
        for frame in chunk.speech_start..chunk.speech_end {
            let index = frame.checked_sub(self.probs_from).and_then(|i| usize::try_from(i).ok());
            let p = index.and_then(|i| self.probs.get(i)).copied().unwrap_or(1.0);
            if p < PAUSE_P {
                quiet += 1;
                continue;
            }
            if quiet >= PAUSE_FRAMES {
                pauses.push((at(frame - quiet) - lag_s, at(frame - 1)));
            }
            quiet = 0;
        }
        Speech { start_s, end_s: end_s.max(start_s + FRAME_SECONDS), pauses_at_end, pauses }
    }

    /// The prints of segments of `sound`, which starts at `offset` seconds. Words without a voice are better than none.
    fn prints(&self, segments: &[RecognizedSegment], sound: &[f32], offset: f64) -> Vec<Option<Print>> {
        let Some(printer) = &self.printer else { return vec![] };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a chunk; saturates"
        )]
        let index = |s: f64| (((s - offset) * f64::from(SAMPLE_RATE)).round() as usize).min(sound.len());
        let speech = |s: &RecognizedSegment| &sound[index(s.start_s)..index(s.end_s).max(index(s.start_s))];
        let speech: Vec<&[f32]> = segments.iter().map(speech).collect();
        printer.prints(&speech).unwrap_or_else(|error| {
            tracing::warn!(%error, "the voices of a chunk are not told apart");
            vec![None; segments.len()]
        })
    }
}

/// The segments with times of the recording, of which their first sample is at `offset` seconds.
fn in_recording(
    mut segments: Vec<RecognizedSegment>,
    speech: &Speech,
    offset: f64,
) -> Vec<RecognizedSegment> {
    for segment in &mut segments {
        segment.start_s += offset;
        segment.end_s += offset;
        for word in &mut segment.words {
            word.start_s += offset;
            word.end_s += offset;
        }
    }
    at_edges(&mut segments, speech);
    segments
}

#[cfg(test)]
mod tests;
