//! Sound in, sentences out: the one way in which lives, finished recordings and files are heard. Blocking.

use std::sync::Arc;

use clipmill_domain::{MediaTime, Span, source::Language, transcript::Word};
use clipmill_inference::{
    asr::{
        AsrError, Recognizer,
        live::{Heard, RecognizedChunk, Run, SpeechToText, Tongue},
    },
    lexicon::Lexicon,
    likely::Likely,
    vad::{ChunkerConfig, Memory, SAMPLE_RATE, VadError, Voice},
    voiceprint::Printer,
};
use serde::{Deserialize, Serialize};

use super::{
    pace::Rung,
    sentence::{Sentence, Sentences},
    speakers::Speakers,
};

/// Sound missing for less than this, in samples, is a seam between two blocks, not a gap: 100 ms.
const SEAM_SAMPLES: u64 = SAMPLE_RATE as u64 / 10;
/// Without a word for so long, in seconds, what is pending is a sentence.
const SILENCE_S: f64 = 0.4;
/// A chunk that ended at a pause keeps more than this, in seconds, behind its last word; one that was cut in the
/// middle of speech does not.
const PAUSE_TAIL_S: f64 = 0.09;

/// Where listening stands; stored with the sentences it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Samples of 16 kHz from media time zero before which everything is final.
    pub final_until: u64,
    /// Number of the next utterance.
    pub next_utterance: i64,
    /// Words heard that close no sentence yet.
    pub sentences: Sentences,
    /// The voices so far.
    #[serde(default)]
    pub speakers: Speakers,
    /// Where the language is found out: what is known of it.
    #[serde(default)]
    pub tongue: Option<Tongue>,
    /// The unbroken sound it is in: what must be known to go on in it as if nothing had been.
    #[serde(default)]
    pub run: Option<Run>,
}

impl State {
    /// At the beginning.
    pub fn new(language: Language) -> Self {
        Self {
            final_until: 0,
            next_utterance: 0,
            sentences: Sentences::new(language),
            speakers: Speakers::default(),
            tongue: None,
            run: None,
        }
    }

    /// Media time before which no further sentence will begin.
    pub fn heard_until(&self) -> MediaTime {
        let samples = i64::try_from(self.final_until).unwrap_or(i64::MAX);
        let heard = MediaTime::from_micros(samples.saturating_mul(1_000_000) / i64::from(SAMPLE_RATE));
        self.sentences.pending_since().map_or(heard, |start| heard.min(start))
    }
}

/// Text that a guard took out.
#[derive(Debug, Clone, PartialEq)]
pub struct DroppedText {
    /// Where it was put.
    pub span: Span,
    /// What was recognised.
    pub text: String,
    /// Which guard it was.
    pub reason: &'static str,
}

/// What a piece of sound gave.
#[derive(Debug, Default)]
pub struct Output {
    /// Sentences that are over, in order.
    pub sentences: Vec<Sentence>,
    /// What is no speech.
    pub dropped: Vec<DroppedText>,
    /// How many chunks went to the recogniser.
    pub chunks: u64,
}

/// A voice detector of any make.
pub struct AnyVoice(pub Box<dyn Voice + Send>);

impl std::fmt::Debug for AnyVoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnyVoice")
    }
}

impl Voice for AnyVoice {
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        self.0.push(samples)
    }

    fn finish(&mut self) -> Result<Vec<f32>, VadError> {
        self.0.finish()
    }

    fn lag_s(&self) -> f64 {
        self.0.lag_s()
    }

    fn memory(&self) -> Memory {
        self.0.memory()
    }
}

/// Listens to one stream of sound; can be made anew from its [`State`] at any time.
pub struct Listener {
    stream: SpeechToText<AnyVoice, Arc<dyn Recognizer>>,
    state: State,
    language: Language,
    likely: Option<Arc<Likely>>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Listener {
    /// Goes on from `state`. Sound of a second before that, or more, makes it hear what it would have heard without a break.
    pub fn resume(voice: AnyVoice, ears: Arc<dyn Recognizer>, state: State, language: Language) -> Self {
        let mut stream = SpeechToText::new(voice, ears, language.code(), ChunkerConfig::default());
        stream.resume(state.final_until, state.run);
        Self { stream, state, language, likely: None }
    }

    /// Chinese sentences are put right by likelihood from now on, or no more.
    pub fn set_likely(&mut self, likely: Option<Arc<Likely>>) {
        self.likely = likely;
    }

    /// Finds out the language of each chunk from now on, beginning with its own; or no more.
    pub fn find_language(&mut self, yes: bool) {
        let known = || Some(self.state.tongue.clone().unwrap_or_else(|| Tongue::new(self.language.code())));
        let tongue = if yes { known() } else { None };
        self.state.tongue.clone_from(&tongue);
        self.stream.set_tongue(tongue);
    }

    /// Tells voices apart from now on.
    pub fn tell_voices(&mut self, printer: Arc<dyn Printer>) {
        self.stream.set_printer(printer);
    }

    /// Who said the sentence of `span`. To be asked once for each sentence, in order.
    pub fn speaker(&mut self, span: Span) -> Option<u32> {
        self.state.speakers.of(span)
    }

    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Listens so hard from now on.
    pub fn set_rung(&mut self, rung: Rung) {
        self.stream.set_effort(rung.effort());
        self.stream.set_chunks(rung.chunks());
    }

    /// The names and terms that are put right from now on.
    pub fn set_lexicon(&mut self, lexicon: Arc<Lexicon>) {
        self.stream.set_lexicon(lexicon);
    }

    /// Takes the number of the next utterance.
    pub fn number(&mut self) -> i64 {
        let seq = self.state.next_utterance;
        self.state.next_utterance += 1;
        seq
    }

    /// Takes the next sound (16 kHz mono), which starts at sample position `at` of the recording.
    pub fn sound(&mut self, mut at: u64, mut samples: Vec<f32>, out: &mut Output) -> Result<(), AsrError> {
        let next = self.stream.next();
        if self.stream.has_begun() && at > next && at - next <= SEAM_SAMPLES {
            let missing = usize::try_from(at - next).unwrap_or(0);
            at = next;
            samples.splice(..0, std::iter::repeat_n(0.0, missing));
        }
        let heard = self.stream.push(at, &samples)?;
        let known = out.sentences.len();
        self.take(heard, out);
        self.put_right(&mut out.sentences[known..]);
        Ok(())
    }

    /// The sound is over: what is still open is closed.
    pub fn finish(&mut self, out: &mut Output) -> Result<(), AsrError> {
        let heard = self.stream.finish()?;
        let known = out.sentences.len();
        self.take(heard, out);
        out.sentences.extend(self.state.sentences.close());
        self.put_right(&mut out.sentences[known..]);
        Ok(())
    }

    fn put_right(&self, sentences: &mut [Sentence]) {
        let Some(likely) = &self.likely else { return };
        let chinese = sentences.iter_mut().filter(|s| s.language == Language::Zh);
        chinese.for_each(|s| s.put_right(likely));
    }

    fn take(&mut self, heard: Heard, out: &mut Output) {
        out.chunks += heard.chunks.len() as u64;
        for chunk in heard.chunks {
            self.close_if_silent(chunk.start_s, out);
            let language = chunk.language.parse().unwrap_or(self.language);
            out.sentences.extend(self.state.sentences.speak(language));
            for (segment, print) in chunk.segments.iter().zip(&chunk.prints) {
                self.state.speakers.hear(segment.start_s, segment.end_s, print.as_ref());
            }
            for segment in &chunk.segments {
                let words: Vec<Word> = segment
                    .words
                    .iter()
                    .map(|w| Word {
                        text: w.text.clone(),
                        start: MediaTime::from_seconds(w.start_s),
                        end: MediaTime::from_seconds(w.end_s),
                        p: w.p,
                        mended: w.mended.clone(),
                    })
                    .collect();
                out.sentences.extend(self.state.sentences.clause(&words));
            }
            if ended_at_pause(&chunk) {
                out.sentences.extend(self.state.sentences.close());
            }
            for d in chunk.dropped {
                let (start, end) = (MediaTime::from_seconds(d.start_s), MediaTime::from_seconds(d.end_s));
                if let Ok(span) = Span::new(start, end.max(start + 1)) {
                    out.dropped.push(DroppedText { span, text: d.text, reason: d.reason.key() });
                }
            }
        }
        self.state.tongue = self.stream.tongue().cloned();
        self.state.run = self.stream.run();
        self.state.final_until = self.state.final_until.max(heard.final_until);
        #[expect(clippy::cast_precision_loss, reason = "exact for ages of samples")]
        let final_s = self.state.final_until as f64 / f64::from(SAMPLE_RATE);
        self.close_if_silent(final_s, out);
    }

    /// Closes what is pending when nothing was said from then to `until_s`.
    fn close_if_silent(&mut self, until_s: f64, out: &mut Output) {
        let last = self.state.sentences.pending().last().map(|w| w.end.as_seconds());
        if last.is_some_and(|last| until_s - last >= SILENCE_S) {
            out.sentences.extend(self.state.sentences.close());
        }
    }
}

/// Whether the speaker paused where the chunk ends.
fn ended_at_pause(chunk: &RecognizedChunk) -> bool {
    let last = chunk.segments.iter().flat_map(|s| &s.words).map(|w| w.end_s).fold(f64::MIN, f64::max);
    chunk.end_s - last >= PAUSE_TAIL_S
}

/// Sample position of a media time; times before zero are zero.
pub fn position(us: i64) -> u64 {
    u64::try_from((us.max(0) * i64::from(SAMPLE_RATE) + 500_000) / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use clipmill_domain::transcript::Word;
    use clipmill_inference::voiceprint::Print;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is compared to see whether a hearing may go on: the state as stored.
        #[test]
        fn a_state_is_the_same_after_it_was_stored(p in 0f32..1.0, from in 0f64..1e5, lasts in 2f64..30.0) {
            let mut state = State::new(Language::En);
            let (start, end) = (MediaTime::from_seconds(from), MediaTime::from_seconds(from + lasts));
            let word = Word { text: "lip".into(), start, end, p, mended: None };
            state.sentences.clause(&[word]);
            state.speakers.hear(from, from + lasts, Print::new(vec![p, 1.0, 0.3]).as_ref());
            let stored = serde_json::to_value(&state).unwrap().to_string();
            prop_assert!(!state.sentences.pending().is_empty());
            prop_assert_eq!(serde_json::from_str::<State>(&stored).unwrap(), state);
        }
    }
}
