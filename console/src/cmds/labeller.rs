//! What says what talk is about: the back end that is configured, or another by its name.

use std::sync::Arc;

use clipmill_inference::{
    classify::{Classifier, Features, Finer, Head, HeadClassifier, Tier},
    registry::Registry,
    sentence::SENTENCE_MODEL,
};

use super::{Failure, error_chain, labeller_llm::Second};
use crate::config::Config;

/// The back end called `name`, or what a live is labelled by; its models verified and loaded. `full` and `short` are the
/// tiers of the default; `cascade` is the default with the configured larger model behind it, `llm` asks that model about
/// everything.
pub(super) fn backend(config: &Config, name: Option<&str>) -> Result<Arc<dyn Classifier>, Failure> {
    let registry = || {
        let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
        Registry::new(config.models_dir(), None).map_err(|e| bad(&e))
    };
    match name {
        None => Ok(Second::open(config, &registry()?)?.after(Arc::new(configured(config)?))),
        Some(name @ ("cascade" | "llm")) => {
            let mut second = Second::open(config, &registry()?)?;
            if !second.is_there() {
                let missing = format!("{name} needs classify.llm or classify.endpoint in the configuration");
                return Err(Failure::configuration(missing));
            }
            if name == "llm" {
                second = second.about_everything();
            }
            Ok(second.after(Arc::new(configured(config)?)))
        }
        Some(name) => {
            let unknown = format!("there is no back end {name:?}; choose full, short, cascade or llm");
            let tier = name.parse().map_err(|_| Failure::configuration(unknown))?;
            Ok(Arc::new(with_head(config, tier)?))
        }
    }
}

/// The configured tier with the configured head.
pub(super) fn configured(config: &Config) -> Result<HeadClassifier, Failure> {
    with_head(config, config.classify.tier)
}

fn with_head(config: &Config, tier: Tier) -> Result<HeadClassifier, Failure> {
    // The configured head is for the configured tier; under another it would only be refused.
    let head = config.classify.head.as_deref().filter(|_| tier == config.classify.tier);
    let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
    let head = head.map_or_else(|| Head::built_in(tier), Head::load).map_err(|e| bad(&e))?;
    HeadClassifier::new(features(config, tier)?, head).map_err(|e| bad(&e))
}

/// Finds finer labels with the sentence encoder: those of the built-in packs and of the configured ones.
pub(super) fn finer(config: &Config) -> Result<Finer, Failure> {
    let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
    let registry = Registry::new(config.models_dir(), None).map_err(|e| bad(&e))?;
    let sentence = registry.verify(SENTENCE_MODEL).map_err(|e| bad(&e))?;
    let taxonomy = config.taxonomy().map_err(Failure::configuration)?;
    Finer::open(&sentence.path, &taxonomy).map_err(|e| bad(&e))
}

/// The models that `tier` reads with, verified and loaded.
pub(super) fn features(config: &Config, tier: Tier) -> Result<Features, Failure> {
    let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
    let registry = Registry::new(config.models_dir(), None).map_err(|e| bad(&e))?;
    let sentence = registry.verify(SENTENCE_MODEL).map_err(|e| bad(&e))?;
    let llm = match tier {
        Tier::Full => registry.verify(&config.classify.model).map_err(|e| bad(&e))?.path,
        Tier::Short => camino::Utf8PathBuf::new(),
    };
    Features::open(tier, &sentence.path, &llm).map_err(|e| bad(&e))
}
