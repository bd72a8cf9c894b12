//! Hears a file with the ears that lives are heard with.

use std::{io::IsTerminal as _, path::Path, sync::Arc};

use camino::Utf8PathBuf;
use clipmill_domain::source::Language;
use clipmill_inference::{asr::Recognizer, likely::Likely, registry::Registry, vad::Vad};
use clipmill_ingest::eval::{EvalError, Heard, Term, Truth, With, hear};
use clipmill_media::read_sound;

use super::super::{Failure, ears, error_chain, work::zh_words};
use crate::config::Config;

/// Loads the models and hears the file.
pub(super) async fn listen(
    config: &Config,
    audio: &Path,
    model: Option<&str>,
    truth: Truth,
    language: Language,
    terms: Vec<Term>,
) -> Result<(Heard, Truth), Failure> {
    let (dir, audio) = (config.models_dir(), audio.to_owned());
    let (config, model) = (config.clone(), model.map(str::to_owned));
    let work = tokio::task::spawn_blocking(move || -> Result<_, Failure> {
        let sound = read_sound(&audio).map_err(|e| failed(e.into()))?;
        if let Some(length_s) = sound.length_s() {
            truth.fits(length_s).map_err(failed)?;
        }
        let (voice, ears) = models(&config, dir.clone(), model.as_deref())?;
        let likely = likely(&config, dir)?;
        let mut said_s = 0.0;
        let shown = std::io::stderr().is_terminal();
        let mut tell = |heard_s: f64| {
            if shown && heard_s - said_s >= 60.0 {
                said_s = heard_s;
                eprintln!("{heard_s:.0} s heard");
            }
        };
        let name = audio.display().to_string();
        let with = With { lexicon: &terms, likely };
        let heard = hear(sound, &name, Box::new(voice.into_stream()), ears, language, with, &mut tell)
            .map_err(failed)?;
        truth.fits(heard.audio_s).map_err(failed)?;
        Ok((heard, truth))
    });
    work.await.map_err(|e| Failure::new(format!("transcribing failed: {e}")))?
}

/// What a live is heard with, as `clipmill work` loads it; or with another `model`.
fn models(
    config: &Config,
    dir: Utf8PathBuf,
    model: Option<&str>,
) -> Result<(Vad, Arc<dyn Recognizer>), Failure> {
    let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
    let registry = Registry::new(dir, None).map_err(|e| bad(&e))?;
    let voice = registry.verify("silero-vad").map_err(|e| bad(&e))?;
    let ears = match model {
        Some(name) => ears::local(config, &registry, name, 1)?,
        None => ears::ears(config, &registry, 1)?,
    };
    Ok((Vad::load(&voice.path).map_err(|e| bad(&e))?, ears))
}

/// What puts Chinese right, as `clipmill work` loads it.
fn likely(config: &Config, dir: Utf8PathBuf) -> Result<Option<(String, Arc<Likely>)>, Failure> {
    let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
    let registry = Registry::new(dir, None).map_err(|e| bad(&e))?;
    let Some(words) = zh_words(config, &registry).map_err(|e| bad(&e))? else { return Ok(None) };
    let likely = Likely::load(&words.path).map_err(|e| bad(&e))?;
    Ok(Some((words.id(), Arc::new(likely))))
}

pub(super) fn failed(e: EvalError) -> Failure {
    Failure::new(error_chain(&e))
}
