//! `clipmill work`: followers and stages of the whole road, wired on one page.

use std::sync::Arc;

use clipmill_clipper::{
    classify::Classify,
    cut::{CutDraft, CutExact, plan::CutRules},
    segment::SegmentRules,
};
use clipmill_inference::{classify::QwenClassifier, registry::Registry};
use clipmill_ingest::transcribe::Transcribe;
use clipmill_publish::{
    calendar::Rhythm,
    platform::{LocalFolder, Platform as _},
    post::{PlanPosts, Upload},
};
use clipmill_remix::{arrange::Template, render::Render};
use clipmill_worker::{Engine, QueueName};

use super::{Cli, Failure, error_chain, load, open_store, pulse::Pulse, start_telemetry, stop_signal};
use crate::config::Config;

pub(super) async fn run(cli: &Cli) -> Result<(), Failure> {
    let config = load(cli)?;
    let telemetry = start_telemetry(&config, "work")?;
    clipmill_media::init();
    let store = open_store(&config).await?;
    let stop = stop_signal();
    let pulse = Pulse::start(store.clone(), "work", stop.clone());

    let settings = config.clone();
    let loading = tokio::task::spawn_blocking(move || Models::load(&settings));
    let models = tokio::select! {
        loaded = loading => loaded.map_err(|e| Failure::new(format!("loading the models failed: {e}")))??,
        () = stop.cancelled() => return Ok(()),
    };
    let engine = wire(&config, models);
    tracing::info!("models are loaded; the workers are up");
    pulse.ready()();
    let done = engine.run(store.clone(), stop).await;
    drop(pulse);
    store.close().await;
    telemetry.shutdown(crate::telemetry::SHUTDOWN_DEADLINE).await;
    done.map_err(|e| Failure::new(error_chain(&e)))
}

/// Every model of the road, verified and loaded.
struct Models {
    transcribe: Transcribe,
    classifier: QwenClassifier,
}

impl Models {
    fn load(config: &Config) -> Result<Self, Failure> {
        let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
        let registry = Registry::new(config.models_dir(), None).map_err(|e| bad(&e))?;
        let speech = registry.verify(&config.transcribe.model).map_err(|e| bad(&e))?;
        let voice = registry.verify("silero-vad").map_err(|e| bad(&e))?;
        let language = registry.verify(&config.classify.model).map_err(|e| bad(&e))?;
        let transcribe =
            Transcribe::load(&speech, &voice.path, config.transcribe.threads).map_err(|e| bad(&e))?;
        let classifier =
            QwenClassifier::open(&language.path, config.classify.head.as_deref()).map_err(|e| bad(&e))?;
        Ok(Self { transcribe, classifier })
    }
}

/// The road, in flow order.
fn wire(config: &Config, models: Models) -> Engine {
    let seconds = |s: f64| clipmill_domain::MediaTime::from_seconds(s).as_micros();
    let rules = CutRules {
        length_us_min: seconds(config.cut.min_seconds),
        length_us_max: seconds(config.cut.max_seconds),
        ..CutRules::default()
    };
    let template = Template {
        width: config.render.width,
        height: config.render.height,
        fps: config.render.fps,
        ..Template::default()
    };
    let folder = LocalFolder::new("published", &config.publish_folder());
    let target = folder.target().to_owned();
    let spacing_ms = i64::try_from(config.publish.spacing_seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
    Engine::builder()
        .follower(models.transcribe)
        .follower(Classify::new(Arc::new(models.classifier), SegmentRules::default()))
        .stage(CutDraft { rules })
        .stage(Render { template, fonts_dir: None })
        .stage(CutExact)
        .stage(PlanPosts { target, rhythm: Rhythm { spacing_ms } })
        .stage(Upload { platform: folder })
        .concurrency(QueueName::Cpu, 1)
        .concurrency(QueueName::Small, 2)
        .concurrency(QueueName::Publish, 1)
        .build()
}
