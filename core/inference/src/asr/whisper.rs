//! Whisper through whisper.cpp.
//!
//! One thread a call: whisper.cpp's barrier spins, and two threads on a busy machine cost many times the time. No text is
//! carried from call to call and no temperature fallback is used: both were measured to lose or invent text.
//!
//! Two things are done to the likelihoods while it decodes: those of the two Chinese scripts are joined ([`tokens`]), and
//! the request's terms get a bonus ([`bias`]). Matrices are in eight bits ([`Weights`]).
//!
//! Characters wrong of 660 and 764 in two synthetic Chinese lives (140 s, 164 s), in chunks, one thread; terms right of 27
//! and 37; CPU seconds a second of sound, on a machine busy with other work:
//!
//! | | wrong | terms | CPU |
//! | --- | --- | --- | --- |
//! | half precision, whisper.cpp's plain products | not scored | - | 2.5 times the next |
//! | half precision, blocked products | 137, - | - | 0.076 |
//! | eight bits | 130, 191 | 6, 10 | 0.064, 0.072 |
//! | scripts joined | 126, 193 | 7, 8 | 0.061, 0.066 |
//! | and terms: own, the other live's, 103 of neither | **107, 182** | **15, 17** | 0.066, 0.066 |
//! | and only the 103 terms of neither, at twice the bonus to begin | 131, 197 | 7, 9 | 0.065 |
//! | beam of 3, of 5, without terms | 126, 121 | | 0.15, 0.19 |
//!
//! (The beams on the first live alone, scripts not joined.)
//!
//! Of no clear use: half a second of silence before and after (120, 186, but starts are worse placed), slower sound (128,
//! 192), the words of a dictionary as weak terms (113, 174, where terms alone gave 111, 175); a prompt loses text (153, 196).

mod bias;
mod header;
mod pool;
mod tokens;

use std::{
    ffi::c_void,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

use self::{
    bias::Bias,
    pool::Pool,
    tokens::{Filter, Vocabulary, on_logits},
};
use super::{AsrError, Effort, Recognized, RecognizedSegment, Recognizer, Request, Spoken, Terms, words};
use crate::{
    registry::{ModelFile, quantize},
    script::to_traditional,
    vad::SAMPLE_RATE,
};

/// How the decoder looks for the likeliest text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Search {
    /// The likeliest token each time.
    #[default]
    Greedy,
    /// The best of this many running candidates (2 to 8): about twice the work of greedy at 5.
    Beam(u8),
}

/// How precise the model's matrices are in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weights {
    /// As in the file.
    AsStored,
    /// In eight bits, made so while loading (a second, once): half the memory, a sixth less work, the same words.
    #[default]
    EightBits,
}

/// How to run Whisper.
#[derive(Debug, Clone, Copy)]
pub struct WhisperOptions {
    /// Threads a call; leave it at 1 unless the machine is idle.
    pub threads: u16,
    /// The search.
    pub search: Search,
    /// The model's matrices; a file that is quantised already stays as it is.
    pub weights: Weights,
    /// A call is given up after this long, its wait for a free working memory included.
    pub deadline: Duration,
    /// Working memories, that is calls at once; more than there are cores make each slower. About 130 MB each.
    pub states: u16,
}

impl Default for WhisperOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            search: Search::Greedy,
            weights: Weights::default(),
            deadline: Duration::from_secs(120),
            states: 1,
        }
    }
}

/// A loaded Whisper model. As many calls run at once as the options allow; others wait.
pub struct Whisper {
    // Dropped before the context they belong to; each also keeps the context alive by itself.
    states: Pool<WhisperState>,
    context: WhisperContext,
    vocabulary: Vocabulary,
    /// Of the terms last asked for: a stream asks for the same ones chunk after chunk.
    bias: Mutex<Option<(Terms, Arc<Bias>)>>,
    options: WhisperOptions,
    id: String,
}

impl std::fmt::Debug for Whisper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whisper")
            .field("id", &self.id)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Fewer samples are padded with silence: the model falls apart below two seconds.
const LEAST_SAMPLES: usize = 2 * SAMPLE_RATE as usize;
/// Encoder positions for 30 s, the most there are.
const AUDIO_CTX_MAX: usize = 1500;
/// Whether whisper.cpp is built for a GPU; where it finds none, it uses the processor.
const ON_GPU: bool = cfg!(any(feature = "cuda", feature = "metal", feature = "vulkan"));
/// whisper.cpp counts time in hundredths of a second.
const TICK_S: f64 = 0.01;

impl Whisper {
    /// Loads `model`, a file in whisper.cpp's format that the registry has verified.
    pub fn load(model: &ModelFile, options: WhisperOptions) -> Result<Self, AsrError> {
        whisper_rs::install_logging_hooks();
        let failed =
            |e: whisper_rs::WhisperError| AsrError::Load { path: model.path.to_string(), why: e.to_string() };
        let no_load = |why: String| AsrError::Load { path: model.path.to_string(), why };
        match header::is_whisper(model.path.as_std_path()) {
            Ok(true) => {}
            Ok(false) => return Err(no_load("it is not a Whisper model".to_owned())),
            Err(e) => return Err(no_load(e.to_string())),
        }
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(ON_GPU);
        let eight_bits = match options.weights {
            Weights::AsStored => None,
            Weights::EightBits => std::fs::read(&model.path).ok().and_then(|m| quantize(&m).ok()),
        };
        let context = match &eight_bits {
            Some(bytes) => WhisperContext::new_from_buffer_with_params(bytes, parameters),
            // What cannot be made smaller loads as it is, or says why it does not load.
            None => WhisperContext::new_with_params(&model.path, parameters),
        }
        .map_err(failed)?;
        let states = (0..options.states.max(1))
            .map(|_| context.create_state().map_err(failed))
            .collect::<Result<Vec<_>, _>>()?;
        let vocabulary = Vocabulary::of(&context);
        let search = match options.search {
            Search::Greedy => "greedy".to_owned(),
            Search::Beam(n) => format!("beam{n}"),
        };
        let bits = if eight_bits.is_some() { "/q8" } else { "" };
        let place = if ON_GPU { "/gpu" } else { "" };
        let id = format!("{}{bits}/{search}{place}", model.id());
        Ok(Self { states: Pool::new(states), context, vocabulary, bias: Mutex::new(None), options, id })
    }

    fn params<'a>(&self, search: Search, samples: usize, language: &'a str) -> FullParams<'a, 'static> {
        let mut p = FullParams::new(match search {
            Search::Greedy => SamplingStrategy::Greedy { best_of: 1 },
            Search::Beam(n) => {
                SamplingStrategy::BeamSearch { beam_size: i32::from(n.clamp(2, 8)), patience: -1.0 }
            }
        });
        let seconds = samples as f64 / f64::from(SAMPLE_RATE);
        p.set_n_threads(i32::from(self.options.threads.max(1)));
        p.set_language(Some(language));
        p.set_translate(false);
        p.set_no_context(true);
        p.set_temperature(0.0);
        p.set_temperature_inc(0.0);
        p.set_token_timestamps(true);
        p.set_audio_ctx(audio_ctx(samples) as i32);
        p.set_max_tokens((12.0 * seconds.min(30.0)) as i32 + 16);
        p.set_suppress_blank(true);
        p.set_print_special(false);
        p.set_print_progress(false);
        p.set_print_realtime(false);
        p.set_print_timestamps(false);
        p
    }
}

/// Encoder positions for so many samples: fifty a second and some room, in steps of 64.
fn audio_ctx(samples: usize) -> usize {
    let positions = (samples * 50).div_ceil(SAMPLE_RATE as usize) + 32;
    positions.next_multiple_of(64).min(AUDIO_CTX_MAX)
}

/// Tells whisper.cpp to stop once the deadline is over.
///
/// # Safety
/// `deadline` points to an [`Instant`] that outlives the call.
unsafe extern "C" fn is_over(deadline: *mut c_void) -> bool {
    // SAFETY: the caller's promise; the value is only read.
    let deadline = unsafe { *deadline.cast::<Instant>() };
    Instant::now() >= deadline
}

impl Whisper {
    /// The bias for `terms`, in both scripts where that matters.
    fn bias_of(&self, terms: &Terms) -> Option<Arc<Bias>> {
        if terms == Terms::NONE {
            return None;
        }
        let mut last = self.bias.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bias)) = last.as_ref().filter(|(of, _)| of == terms) {
            return Some(Arc::clone(bias));
        }
        let bias = Arc::new(Bias::new(spellings(&terms.names), spellings(&terms.usual)));
        *last = Some((terms.clone(), Arc::clone(&bias)));
        Some(bias)
    }

    /// One run over `sound`, in one language; its result stays in `state`.
    fn run(
        &self,
        state: &mut WhisperState,
        search: Search,
        sound: &[f32],
        language: &str,
        bias: Option<&Bias>,
        mut deadline: Instant,
    ) -> Result<(), whisper_rs::WhisperError> {
        let mut filter = Filter { vocabulary: &self.vocabulary, one_script: language == "zh", bias };
        let mut params = self.params(search, sound.len(), language);
        // SAFETY: `is_over` only reads the `Instant` and `on_logits` only reads the `Filter` that their user data point to;
        // both live until after the call to `full` below, the only user of `params`.
        unsafe {
            params.set_abort_callback(Some(is_over));
            params.set_abort_callback_user_data((&raw mut deadline).cast());
            if !filter.is_idle() {
                params.set_filter_logits_callback(Some(on_logits));
                params.set_filter_logits_callback_user_data((&raw mut filter).cast());
            }
        }
        state.full(params, sound)
    }

    /// Which of `languages` the sound that `state` last ran over is in: one more step of the decoder, over what is encoded.
    fn spoken(&self, state: &mut WhisperState, languages: &[&str]) -> Option<Spoken> {
        state.decode(&[self.context.token_sot()], 0, usize::from(self.options.threads.max(1))).ok()?;
        let logits = state.get_logits().ok()?;
        let of = |language: &str| {
            let token = self.context.token_lang(whisper_rs::get_lang_id(language)?);
            logits.get(usize::try_from(token).ok()?).copied()
        };
        let scored: Vec<(&str, f32)> = languages.iter().filter_map(|l| Some((*l, of(l)?))).collect();
        let (language, best) = scored.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let all: f32 = scored.iter().map(|(_, logit)| (logit - best).exp()).sum();
        Some(Spoken { language: language.to_owned(), p: 1.0 / all })
    }

    fn segments(&self, state: &WhisperState, seconds: f64) -> Vec<RecognizedSegment> {
        let first_special = self.context.token_eot();
        let segments = state.as_iter().filter_map(|segment| {
            let tokens: Vec<_> = (0..segment.n_tokens())
                .filter_map(|i| segment.get_token(i))
                .filter(|t| t.token_id() < first_special)
                .filter_map(|t| {
                    let data = t.token_data();
                    let bytes = t.to_bytes().ok()?;
                    Some(words::Token {
                        bytes,
                        start_s: data.t0 as f64 * TICK_S,
                        end_s: data.t1 as f64 * TICK_S,
                        p: data.p,
                    })
                })
                .collect();
            let (start_s, end_s) =
                (segment.start_timestamp() as f64 * TICK_S, segment.end_timestamp() as f64 * TICK_S);
            words::segment(&tokens, start_s, end_s, seconds)
        });
        segments.collect()
    }
}

fn spellings(terms: &[String]) -> impl Iterator<Item = String> {
    terms.iter().flat_map(|t| written(t))
}

/// How `term` may be written: as it is, in Traditional characters, and, for what is written with spaces, after a space.
fn written(term: &str) -> Vec<String> {
    let term = term.trim();
    if term.is_ascii() {
        return vec![format!(" {term}"), format!(" {}", term.to_lowercase())];
    }
    let traditional = to_traditional(term);
    let mut all = vec![term.to_owned()];
    all.extend((traditional != term).then_some(traditional));
    all
}

impl Recognizer for Whisper {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        let samples = request.samples;
        if samples.is_empty() {
            return Err(AsrError::NoSound);
        }
        let languages: Vec<&str> = [request.language].into_iter().chain(request.or.iter().copied()).collect();
        if let Some(unknown) = languages.iter().find(|l| whisper_rs::get_lang_id(l).is_none()) {
            return Err(AsrError::UnknownLanguage((*unknown).to_owned()));
        }
        let search = match (request.effort, self.options.search) {
            (Effort::Quick, _) => Search::Greedy,
            (Effort::Usual, usual) => usual,
            // The other way: what misled the one may not mislead the other.
            (Effort::Careful, Search::Greedy) => Search::Beam(5),
            (Effort::Careful, Search::Beam(_)) => Search::Greedy,
        };
        let bias = self.bias_of(request.terms);
        let seconds = samples.len() as f64 / f64::from(SAMPLE_RATE);
        let mut padded;
        let sound = if samples.len() < LEAST_SAMPLES {
            padded = samples.to_vec();
            padded.resize(LEAST_SAMPLES, 0.0);
            &padded
        } else {
            samples
        };
        let deadline = Instant::now() + self.options.deadline;
        let too_slow = || AsrError::TooSlow { seconds, limit_s: self.options.deadline.as_secs() };
        let failed = |e: whisper_rs::WhisperError| {
            if Instant::now() >= deadline {
                too_slow()
            } else {
                AsrError::Run { seconds, why: e.to_string() }
            }
        };
        let work = |state: &mut WhisperState| {
            self.run(state, search, sound, request.language, bias.as_deref(), deadline).map_err(failed)?;
            let segments = self.segments(state, seconds);
            let spoken = if request.or.is_empty() { None } else { self.spoken(state, &languages) };
            Ok(Recognized { segments, spoken })
        };
        self.states.with(deadline, work).unwrap_or_else(|| Err(too_slow()))
    }

    fn can_try_harder(&self) -> bool {
        true
    }

    fn id(&self) -> String {
        self.id.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoder_is_fitted_to_the_sound() {
        let ctx = |seconds: f64| audio_ctx((seconds * f64::from(SAMPLE_RATE)) as usize);
        assert_eq!((ctx(2.0), ctx(5.0), ctx(12.0)), (192, 320, 640));
        assert_eq!(ctx(60.0), AUDIO_CTX_MAX);
    }
}
