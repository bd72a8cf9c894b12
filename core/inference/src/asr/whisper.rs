//! Whisper through whisper.cpp.
//!
//! One thread a call: whisper.cpp's barrier spins, and two threads on a busy machine cost many times the time. No text is
//! carried from call to call and no temperature fallback is used: both were measured to lose or invent text.

use std::{
    ffi::c_void,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

use super::{AsrError, Effort, Recognized, RecognizedSegment, Recognizer, Request, words};
use crate::{registry::ModelFile, vad::SAMPLE_RATE};

/// How the decoder looks for the likeliest text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Search {
    /// The likeliest token each time.
    #[default]
    Greedy,
    /// The best of this many running candidates (2 to 8): about twice the work of greedy at 5.
    Beam(u8),
}

/// How to run Whisper.
#[derive(Debug, Clone, Copy)]
pub struct WhisperOptions {
    /// Threads a call; leave it at 1 unless the machine is idle.
    pub threads: u16,
    /// The search.
    pub search: Search,
    /// A call is given up after this long.
    pub deadline: Duration,
}

impl Default for WhisperOptions {
    fn default() -> Self {
        Self { threads: 1, search: Search::Greedy, deadline: Duration::from_secs(120) }
    }
}

/// A loaded Whisper model. Calls from several threads are taken one at a time.
pub struct Whisper {
    // Dropped before the context it belongs to; the state also keeps the context alive by itself.
    state: Mutex<WhisperState>,
    context: WhisperContext,
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
/// whisper.cpp counts time in hundredths of a second.
const TICK_S: f64 = 0.01;

impl Whisper {
    /// Loads `model`, a file in whisper.cpp's format that the registry has verified.
    pub fn load(model: &ModelFile, options: WhisperOptions) -> Result<Self, AsrError> {
        whisper_rs::install_logging_hooks();
        let failed =
            |e: whisper_rs::WhisperError| AsrError::Load { path: model.path.to_string(), why: e.to_string() };
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(false);
        let context = WhisperContext::new_with_params(&model.path, parameters).map_err(failed)?;
        let state = context.create_state().map_err(failed)?;
        let search = match options.search {
            Search::Greedy => "greedy".to_owned(),
            Search::Beam(n) => format!("beam{n}"),
        };
        Ok(Self { state: Mutex::new(state), context, options, id: format!("{}/{search}", model.id()) })
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
    fn run(
        &self,
        search: Search,
        samples: &[f32],
        language: &str,
    ) -> Result<Vec<RecognizedSegment>, AsrError> {
        if samples.is_empty() {
            return Err(AsrError::NoSound);
        }
        if language != "auto" && whisper_rs::get_lang_id(language).is_none() {
            return Err(AsrError::UnknownLanguage(language.to_owned()));
        }
        let seconds = samples.len() as f64 / f64::from(SAMPLE_RATE);
        let mut padded;
        let sound = if samples.len() < LEAST_SAMPLES {
            padded = samples.to_vec();
            padded.resize(LEAST_SAMPLES, 0.0);
            &padded
        } else {
            samples
        };
        let mut params = self.params(search, sound.len(), language);
        let mut deadline = Instant::now() + self.options.deadline;
        // SAFETY: `is_over` only reads the `Instant` that its user data points to, and `deadline` lives until after the
        // call to `full` below, the only user of `params`.
        unsafe {
            params.set_abort_callback(Some(is_over));
            params.set_abort_callback_user_data((&raw mut deadline).cast());
        }
        // A panic in another call leaves nothing behind that the next call does not overwrite.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.full(params, sound).map_err(|e| {
            if Instant::now() >= deadline {
                AsrError::TooSlow { seconds, limit_s: self.options.deadline.as_secs() }
            } else {
                AsrError::Run { seconds, why: e.to_string() }
            }
        })?;
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
        Ok(segments.collect())
    }
}

impl Recognizer for Whisper {
    fn transcribe(&self, request: &Request<'_>) -> Result<Recognized, AsrError> {
        let search = match (request.effort, self.options.search) {
            (Effort::Quick, _) => Search::Greedy,
            (Effort::Usual, usual) => usual,
            // The other way: what misled the one may not mislead the other.
            (Effort::Careful, Search::Greedy) => Search::Beam(5),
            (Effort::Careful, Search::Beam(_)) => Search::Greedy,
        };
        let segments = self.run(search, request.samples, request.language)?;
        let language = (request.language != "auto").then(|| request.language.to_owned());
        Ok(Recognized { segments, language })
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
