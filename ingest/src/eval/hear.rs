//! Hears a file exactly as a live is heard: the same listener, fed in order, in blocks as parts bring them.

use std::{sync::Arc, time::Duration};

use clipmill_domain::{Id as _, LexiconEntryId, WallTime, lexicon::LexiconEntry, source::Language};
use clipmill_inference::{
    asr::Recognizer,
    lexicon::Lexicon,
    likely::Likely,
    vad::{SAMPLE_RATE, Voice},
};
use clipmill_media::{AudioChunk, SoundFile};

use super::{EvalError, lexicon::Term};
use crate::transcribe::{
    listen::{AnyVoice, DroppedText, Listener, Output, State, position},
    sentence::Sentence,
};

/// Sound comes in blocks of this length, as parts of a recording bring it: 2 s.
const BLOCK_SAMPLES: usize = 2 * SAMPLE_RATE as usize;

/// What came out of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// The sentences, in order. Their words carry the text before a repair ([`clipmill_domain::transcript::Word::heard`])
    /// and after it.
    pub sentences: Vec<Sentence>,
    /// What the guards took out.
    pub dropped: Vec<DroppedText>,
    /// How many chunks went to the recogniser.
    pub chunks: u64,
    /// Length of the sound in seconds, gaps counted.
    pub audio_s: f64,
    /// CPU seconds (user and system) of this process while it listened; loading models is not in it.
    pub cpu_s: f64,
    /// For each sentence, the seconds from its end to its text: the sound waited for, whole blocks, and the CPU
    /// seconds spent on the block that brought it.
    pub waits_s: Vec<f64>,
    /// What recognised it: model and search.
    pub made_by: String,
}

/// What a listener is given besides its ears.
#[derive(Debug, Default)]
pub struct With<'a> {
    /// The terms on sale.
    pub lexicon: &'a [Term],
    /// Puts Chinese right, with the id of its model.
    pub likely: Option<(String, Arc<Likely>)>,
}

/// Hears `sound`; `shown` names it in errors. `tell` is called now and then with the seconds heard.
///
/// # Errors
/// [`EvalError::Media`], [`EvalError::Asr`], or [`EvalError::NoSound`] when there is not one sample.
pub fn hear(
    sound: SoundFile,
    shown: &str,
    voice: Box<dyn Voice + Send>,
    ears: Arc<dyn Recognizer>,
    language: Language,
    with: With<'_>,
    tell: &mut dyn FnMut(f64),
) -> Result<Heard, EvalError> {
    let begun = cpu_time();
    let made_by = match &with.likely {
        Some((id, _)) if language == Language::Zh => format!("{}+{id}", ears.id()),
        _ => ears.id(),
    };
    // The one place where a listener is made for measuring: what a live's listener is given, this one is given.
    let mut listener = Listener::resume(AnyVoice(voice), ears, State::new(language), language);
    let entries: Vec<LexiconEntry> = with.lexicon.iter().filter_map(entry).collect();
    listener.set_lexicon(Arc::new(Lexicon::new(&entries, &[]).with_usual()));
    listener.set_likely(with.likely.map(|(_, likely)| likely));
    let mut listening = Listening { listener, heard: Heard { made_by, ..Heard::default() } };
    let mut blocks = Blocks::default();
    for chunk in sound {
        for (at, samples) in blocks.push(chunk?) {
            listening.block(at, samples)?;
            tell(listening.heard.audio_s);
        }
    }
    if let Some((at, samples)) = blocks.rest() {
        listening.block(at, samples)?;
    }
    let mut heard = listening.finish()?;
    heard.cpu_s = (cpu_time() - begun).as_secs_f64();
    if heard.audio_s <= 0.0 {
        return Err(EvalError::NoSound(shown.to_owned()));
    }
    Ok(heard)
}

/// A term as a person would enter it.
fn entry(term: &Term) -> Option<LexiconEntry> {
    let (first, aliases) = term.names.split_first()?;
    Some(LexiconEntry {
        id: LexiconEntryId::new_at(WallTime::from_millis(0)),
        source_id: None,
        language: None,
        term: first.clone(),
        aliases: aliases.to_vec(),
        misheard: vec![],
        entered_by: String::new(),
        entered_at: WallTime::from_millis(0),
    })
}

struct Listening {
    listener: Listener,
    heard: Heard,
}

impl Listening {
    fn block(&mut self, at: u64, samples: Vec<f32>) -> Result<(), EvalError> {
        let begun = cpu_time();
        self.heard.audio_s = seconds(at + samples.len() as u64);
        let mut out = Output::default();
        self.listener.sound(at, samples, &mut out)?;
        self.take(out, begun);
        Ok(())
    }

    fn finish(mut self) -> Result<Heard, EvalError> {
        let begun = cpu_time();
        let mut out = Output::default();
        self.listener.finish(&mut out)?;
        self.take(out, begun);
        Ok(self.heard)
    }

    fn take(&mut self, out: Output, begun: Duration) {
        let spent = (cpu_time() - begun).as_secs_f64();
        let until = self.heard.audio_s;
        let heard = &mut self.heard;
        heard
            .waits_s
            .extend(out.sentences.iter().map(|s| (until - s.span.end().as_seconds()).max(0.0) + spent));
        heard.sentences.extend(out.sentences);
        heard.dropped.extend(out.dropped);
        heard.chunks += out.chunks;
    }
}

/// Cuts sound into blocks of one length; a gap ends a block early.
#[derive(Default)]
struct Blocks {
    at: u64,
    samples: Vec<f32>,
}

impl Blocks {
    fn push(&mut self, chunk: AudioChunk) -> Vec<(u64, Vec<f32>)> {
        let mut whole = Vec::new();
        let early = usize::try_from(position(-chunk.start_us.min(0))).unwrap_or(usize::MAX);
        let Some(samples) = chunk.samples.get(early..).filter(|s| !s.is_empty()) else { return whole };
        let at = position(chunk.start_us);
        let next = self.at + self.samples.len() as u64;
        if at.abs_diff(next) > 1 {
            whole.extend(self.rest());
        }
        if self.samples.is_empty() {
            self.at = at;
        }
        self.samples.extend_from_slice(samples);
        while self.samples.len() >= BLOCK_SAMPLES {
            let rest = self.samples.split_off(BLOCK_SAMPLES);
            whole.push((self.at, std::mem::replace(&mut self.samples, rest)));
            self.at += BLOCK_SAMPLES as u64;
        }
        whole
    }

    fn rest(&mut self) -> Option<(u64, Vec<f32>)> {
        let samples = std::mem::take(&mut self.samples);
        (!samples.is_empty()).then_some((self.at, samples))
    }
}

/// User and system time of the whole process.
pub fn cpu_time() -> Duration {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let nanos = u32::try_from(t.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(t.tv_sec).unwrap_or(0), nanos)
}

#[expect(clippy::cast_precision_loss, reason = "exact for ages of samples")]
fn seconds(position: u64) -> f64 {
    position as f64 / f64::from(SAMPLE_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(start_us: i64, samples: usize) -> AudioChunk {
        AudioChunk { start_us, samples: vec![0.5; samples] }
    }

    #[test]
    fn blocks_are_two_seconds_long_and_end_at_gaps() {
        let mut blocks = Blocks::default();
        let lengths = |given: Vec<(u64, Vec<f32>)>| -> Vec<(u64, usize)> {
            given.into_iter().map(|(at, s)| (at, s.len())).collect()
        };
        assert!(blocks.push(chunk(-10_000, 16_160)).is_empty(), "what lies before zero is not heard");
        assert_eq!(lengths(blocks.push(chunk(1_000_000, 50_000))), [(0, 32_000), (32_000, 32_000)]);
        // 66,000 samples came, so the next are due at 4.125 s; these come two seconds later.
        assert_eq!(lengths(blocks.push(chunk(6_125_000, 100))), [(64_000, 2_000)]);
        assert_eq!(lengths(blocks.rest().into_iter().collect()), [(98_000, 100)]);
        assert!(blocks.rest().is_none());
    }
}
