//! What turns speech into words: a model here, or a service.

use std::{sync::Arc, time::Duration};

use clipmill_inference::{
    asr::{Effort, Endpoint, EndpointOptions, Recognizer, Request, Terms, Whisper, WhisperOptions},
    registry::Registry,
    vad::SAMPLE_RATE,
};
use url::Url;

use super::{Failure, error_chain};
use crate::config::Config;

/// A service that has not answered for so long is tried again.
const SERVICE_DEADLINE: Duration = Duration::from_secs(60);

/// The recogniser that the configuration asks for: its service if it has one, else its model, with memory for `at_once`
/// calls. Blocks.
pub(super) fn ears(
    config: &Config,
    registry: &Registry,
    at_once: usize,
) -> Result<Arc<dyn Recognizer>, Failure> {
    match service(config)? {
        Some(service) => Ok(Arc::new(service)),
        None => local(config, registry, &config.transcribe.model, at_once),
    }
}

/// The speech model `name`, on this machine. Blocks.
pub(super) fn local(
    config: &Config,
    registry: &Registry,
    name: &str,
    at_once: usize,
) -> Result<Arc<dyn Recognizer>, Failure> {
    let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
    let speech = registry.verify(name).map_err(|e| bad(&e))?;
    Ok(Arc::new(Whisper::load(&speech, options(config, at_once)).map_err(|e| bad(&e))?))
}

/// How a speech model is run here, with memory for `at_once` calls.
pub(super) fn options(config: &Config, at_once: usize) -> WhisperOptions {
    WhisperOptions {
        threads: u16::try_from(config.transcribe.threads).unwrap_or(1),
        states: u16::try_from(at_once).unwrap_or(1),
        ..WhisperOptions::default()
    }
}

/// The service that the configuration names; it is not asked yet.
fn service(config: &Config) -> Result<Option<Endpoint>, Failure> {
    let t = &config.transcribe;
    let Some(base) = &t.endpoint else { return Ok(None) };
    let base = Url::parse(base).map_err(|e| Failure::configuration(format!("transcribe.endpoint: {e}")))?;
    let options = EndpointOptions {
        base,
        model: t.endpoint_model.as_deref().unwrap_or_default().trim().to_owned(),
        key: config.transcription_key().map_err(Failure::configuration)?,
        deadline: SERVICE_DEADLINE,
    };
    let bad = |e| Failure::configuration(error_chain(&e));
    Endpoint::new(options).map(Some).map_err(bad)
}

/// Sends a second of silence to the configured service, if there is one: its name if it answers. Blocks; not for
/// asynchronous code.
pub(super) fn ask_service(config: &Config) -> Option<Result<String, String>> {
    let service = match service(config) {
        Ok(service) => service?,
        Err(failure) => return Some(Err(failure.message)),
    };
    let silence = vec![0.0; SAMPLE_RATE as usize];
    let request =
        Request { samples: &silence, language: "en", or: &[], effort: Effort::Usual, terms: Terms::NONE };
    Some(service.transcribe(&request).map(|_| service.id()).map_err(|e| e.to_string()))
}
