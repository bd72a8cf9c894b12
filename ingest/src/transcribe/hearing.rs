//! One recording being heard: parts in, sentences and a durable position out. Blocking.

use clipmill_domain::{MediaTime, Span, recording::Part, source::Language, transcript::Word};
use clipmill_inference::{
    asr::{
        AsrError, Recognizer,
        live::{Heard, RecognizedChunk, SpeechToText},
    },
    vad::{ChunkerConfig, SAMPLE_RATE, VadError, Voice},
};
use clipmill_media::{AudioChunk, AudioFollower, MediaError, MediaPart};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::sentence::{Sentence, Sentences};

/// Sound missing for less than this, in samples, is a seam between two blocks, not a gap: 100 ms.
const SEAM_SAMPLES: u64 = SAMPLE_RATE as u64 / 10;
/// Without a word for so long, in seconds, what is pending is a sentence.
const SILENCE_S: f64 = 0.4;
/// A chunk that ended at a pause keeps more than this, in seconds, behind its last word; one that was cut in the
/// middle of speech does not.
const PAUSE_TAIL_S: f64 = 0.09;

/// Where hearing stands; stored with the sentences it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Samples of 16 kHz from media time zero before which everything is final.
    pub(crate) final_until: u64,
    /// Number of the next utterance.
    pub(crate) next_utterance: i64,
    /// Words heard that close no sentence yet.
    pub(crate) sentences: Sentences,
}

impl State {
    pub(crate) fn new(language: Language) -> Self {
        Self { final_until: 0, next_utterance: 0, sentences: Sentences::new(language) }
    }
}

/// Text that a guard took out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DroppedText {
    pub(crate) span: Span,
    pub(crate) text: String,
    pub(crate) reason: &'static str,
}

/// What a piece of hearing gave.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) sentences: Vec<Sentence>,
    pub(crate) dropped: Vec<DroppedText>,
}

/// A voice detector of any make.
pub(crate) struct AnyVoice(pub(crate) Box<dyn Voice + Send>);

impl Voice for AnyVoice {
    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, VadError> {
        self.0.push(samples)
    }

    fn finish(&mut self) -> Result<Vec<f32>, VadError> {
        self.0.finish()
    }
}

/// Hearing one recording; can be made anew from its [`State`] at any time.
pub(crate) struct Hearing {
    sound: AudioFollower,
    stream: SpeechToText<AnyVoice, Arc<dyn Recognizer>>,
    /// Sound before this position was heard before the restart.
    resume_at: u64,
    begun: bool,
    /// Number of the last part taken in.
    pub(crate) fed: i64,
    pub(crate) state: State,
}

impl Hearing {
    /// Goes on from `state`; the parts from number `fed` + 1 on must be fed.
    pub(crate) fn resume(
        voice: AnyVoice,
        ears: Arc<dyn Recognizer>,
        state: State,
        language: Language,
        fed: i64,
    ) -> Self {
        Self {
            sound: AudioFollower::new(),
            stream: SpeechToText::new(voice, ears, language.code(), ChunkerConfig::default()),
            resume_at: state.final_until,
            begun: false,
            fed,
            state,
        }
    }

    /// Takes the next part. One that cannot be decoded is passed over: it is a gap in the sound.
    pub(crate) fn part(&mut self, part: &Part, media: &MediaPart, out: &mut Output) -> Result<(), HearError> {
        match self.sound.push(media) {
            Ok(chunks) => self.sound(chunks, out)?,
            Err(error @ MediaError::Io { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(recording = %part.recording_id, part = part.seq, %error, "a part cannot be heard");
                self.sound = AudioFollower::new();
            }
        }
        self.fed = part.seq;
        Ok(())
    }

    /// The recording is over: what is still open is closed.
    pub(crate) fn finish(&mut self, out: &mut Output) -> Result<(), HearError> {
        let rest = self.sound.finish()?;
        self.sound(rest, out)?;
        let heard = self.stream.finish()?;
        self.take(heard, out);
        out.sentences.extend(self.state.sentences.close());
        Ok(())
    }

    fn sound(&mut self, chunks: Vec<AudioChunk>, out: &mut Output) -> Result<(), HearError> {
        for AudioChunk { start_us, mut samples } in chunks {
            let mut at = position(start_us);
            if !self.begun {
                let known = self.resume_at.saturating_sub(at);
                if known >= samples.len() as u64 {
                    continue;
                }
                samples.drain(..usize::try_from(known).unwrap_or(0));
                at += known;
                self.begun = true;
            } else if at > self.stream.next() && at - self.stream.next() <= SEAM_SAMPLES {
                let missing = usize::try_from(at - self.stream.next()).unwrap_or(0);
                at = self.stream.next();
                samples.splice(..0, std::iter::repeat_n(0.0, missing));
            }
            let heard = self.stream.push(at, &samples)?;
            self.take(heard, out);
        }
        Ok(())
    }

    fn take(&mut self, heard: Heard, out: &mut Output) {
        for chunk in heard.chunks {
            self.close_if_silent(chunk.start_s, out);
            for segment in &chunk.segments {
                let words: Vec<Word> = segment
                    .words
                    .iter()
                    .map(|w| Word {
                        text: w.text.clone(),
                        start: MediaTime::from_seconds(w.start_s),
                        end: MediaTime::from_seconds(w.end_s),
                        p: w.p,
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
pub(crate) fn position(us: i64) -> u64 {
    u64::try_from((us.max(0) * i64::from(SAMPLE_RATE) + 500_000) / 1_000_000).unwrap_or(0)
}

/// Why a recording could not be heard on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HearError {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Asr(#[from] AsrError),
}
