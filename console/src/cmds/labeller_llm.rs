//! What is asked about talk that the default is unsure of: a larger model here, or a service.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_inference::{
    classify::{
        Cascade, CascadeOptions, Classifier, Service, ServiceOptions,
        answering::{Answerer, LocalAnswerer},
        endpoint::{Budget, Prices},
    },
    llm::Decoder,
    registry::Registry,
};
use url::Url;

use super::{Failure, error_chain};
use crate::config::Config;

/// What is asked after a default, whichever that is: a larger model, if the configuration names one.
#[derive(Clone)]
pub(super) struct Second {
    answerer: Option<Arc<dyn Answerer>>,
    options: CascadeOptions,
}

impl Second {
    /// What the configuration names. Blocks: a local model is loaded and reads its instructions.
    pub fn open(config: &Config, registry: &Registry) -> Result<Self, Failure> {
        let accounts = config.data_dir.join("language-model-usage.json");
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        let options = CascadeOptions { below: config.classify.cascade_below as f32 };
        Ok(Self { answerer: answerer(config, registry, Some(accounts))?, options })
    }

    /// Whether there is a larger model.
    pub fn is_there(&self) -> bool {
        self.answerer.is_some()
    }

    /// Asked about everything, not only about what the default is unsure of.
    pub fn about_everything(self) -> Self {
        Self { options: CascadeOptions { below: 1.0 }, ..self }
    }

    /// `default` by itself, or with the larger model behind it.
    pub fn after(&self, default: Arc<dyn Classifier>) -> Arc<dyn Classifier> {
        match &self.answerer {
            Some(second) => Arc::new(Cascade::new(default, Arc::clone(second), self.options)),
            None => default,
        }
    }
}

/// The model that answers in words, if the configuration names one. What a service costs is kept in `accounts`. Blocks.
pub(super) fn answerer(
    config: &Config,
    registry: &Registry,
    accounts: Option<Utf8PathBuf>,
) -> Result<Option<Arc<dyn Answerer>>, Failure> {
    if let Some(service) = service(config, accounts)? {
        return Ok(Some(Arc::new(service)));
    }
    let Some(name) = config.classify.llm.as_deref().map(str::trim) else { return Ok(None) };
    let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
    let path = if name.ends_with(".gguf") {
        Utf8Path::new(name).to_owned()
    } else {
        registry.verify(name).map_err(|e| bad(&e))?.path
    };
    let decoder = Decoder::open(&path).map_err(|e| bad(&e))?;
    let deadline = Duration::from_secs(config.classify.answer_seconds);
    Ok(Some(Arc::new(LocalAnswerer::new(decoder, deadline).map_err(|e| bad(&e))?)))
}

/// The service that the configuration names; it is not asked yet.
fn service(config: &Config, accounts: Option<Utf8PathBuf>) -> Result<Option<Service>, Failure> {
    let c = &config.classify;
    let Some(base) = &c.endpoint else { return Ok(None) };
    let base = Url::parse(base).map_err(|e| Failure::configuration(format!("classify.endpoint: {e}")))?;
    let model = c.endpoint_model.as_deref().unwrap_or_default().trim();
    let options = ServiceOptions {
        key: config.language_model_key().map_err(Failure::configuration)?,
        extra: c.endpoint_fields().unwrap_or_default(),
        deadline: Duration::from_secs(c.answer_seconds),
        requests_per_minute: c.requests_per_minute.and_then(NonZeroU32::new),
        tokens_per_minute: c.tokens_per_minute.and_then(NonZeroU32::new),
        prices: Prices { input: c.price_per_million_input, output: c.price_per_million_output },
        budget: Budget { per_live_hour: c.budget_per_live_hour, per_day: c.budget_per_day },
        accounts,
        ..ServiceOptions::new(base, model)
    };
    Service::new(options).map(Some).map_err(|e| Failure::configuration(error_chain(&e)))
}

/// Asks the configured service one fixed question, if there is one: its name if it answers. Blocks; not for asynchronous
/// code.
pub(super) fn ask_language_model(config: &Config) -> Option<Result<String, String>> {
    match service(config, None) {
        Ok(service) => Some(service?.check()),
        Err(failure) => Some(Err(failure.message)),
    }
}
