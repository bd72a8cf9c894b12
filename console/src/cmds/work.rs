//! `clipmill work`: followers and stages of the whole road, wired on one page.

use std::{sync::Arc, time::Duration};

use clipmill_clipper::{
    classify::{self, Classify},
    cut::{CutDraft, CutExact, plan::CutRules},
    heads::HeadLibrary,
    relabel::Relabel,
    segment::SegmentRules,
};
use clipmill_domain::{Clock as _, MediaTime, retention::Rules};
use clipmill_inference::{
    classify::{Finer, Head, HeadClassifier},
    likely::Likely,
    registry::{ModelFile, Registry, RegistryError},
    voiceprint::Voiceprints,
};
use clipmill_ingest::{
    keep::{Keeper, keep_up},
    scrub::Scrubber,
    transcribe::{self, Transcriber},
};
use clipmill_publish::{
    calendar::Rhythm,
    platform::{LocalFolder, Platform as _},
    post::{PlanPosts, Upload},
};
use clipmill_remix::{arrange::Template, render::Render};
use clipmill_store::{Store, StoreError, check::sweep_leftovers};
use clipmill_worker::{Engine, QueueName, SystemClock};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    Cli, Failure, ears, error_chain,
    labeller::{configured, finer},
    labeller_llm::Second,
    load, open_store,
    other_ears::other_ears,
    pulse::Pulse,
    start_telemetry, stop_signal,
};
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
    let paces = models.transcribe.paces();
    pulse.show("transcribing", move || serde_json::to_value(paces.snapshot()).unwrap_or_default());
    let engine = wire(&config, models);
    tracing::info!("models are loaded; the workers are up");
    pulse.ready()();
    let sweeper = tokio::spawn(sweep(store.clone(), stop.clone()));
    let keeper = tokio::spawn(keep_up(keeper(&config), store.clone(), Arc::new(SystemClock), stop.clone()));
    let done = engine.run(store.clone(), stop).await;
    sweeper.abort();
    keeper.abort();
    drop(pulse);
    store.close().await;
    telemetry.shutdown(crate::telemetry::SHUTDOWN_DEADLINE).await;
    done.map_err(|e| Failure::new(error_chain(&e)))
}

/// Speech inferences at a time: one for each core. More would only wait for each other.
fn inferences_at_once() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Calls to a transcription service at a time, for each core: finding speech and waiting for the answer is little work.
const CALLS_A_CORE: usize = 4;

/// How often what crashed attempts left behind is swept up.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// A file without a row is taken for work in flight while it is younger than this, in milliseconds.
const IN_FLIGHT_MS: i64 = 30_000;

/// A temporary file older than this belongs to nobody.
const TEMP_AGE: Duration = Duration::from_secs(6 * 3600);

/// Deletes what crashed attempts left behind, and garbage.
async fn sweep(store: Store, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let swept = async {
            let left = sweep_leftovers(&store, IN_FLIGHT_MS, SystemClock.now()).await?;
            let garbage = store.sweep_garbage(100).await?;
            let temp = store.library().sweep_temp(TEMP_AGE).await?;
            Ok::<_, StoreError>((left, garbage, temp))
        };
        match swept.await {
            Ok((0, 0, 0)) => {}
            Ok((left, garbage, temp)) => tracing::info!(left, garbage, temp, "swept files that no row names"),
            Err(error) => tracing::warn!(%error, "cannot sweep"),
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Every model of the road, verified and loaded.
struct Models {
    transcribe: Transcriber,
    classifier: HeadClassifier,
    second: Second,
    finer: Arc<Finer>,
}

impl Models {
    fn load(config: &Config) -> Result<Self, Failure> {
        let bad = |e: &dyn std::error::Error| Failure::configuration(error_chain(e));
        let registry = Registry::new(config.models_dir(), None).map_err(|e| bad(&e))?;
        let voice = registry.verify("silero-vad").map_err(|e| bad(&e))?;
        let at_once = inferences_at_once();
        let ears = ears::ears(config, &registry, at_once)?;
        tracing::info!(ears = ears.id(), "speech is recognised by");
        let room = Arc::new(Semaphore::new(match config.transcribe.endpoint {
            // One that waits for a service keeps no core busy.
            Some(_) => at_once * CALLS_A_CORE,
            None => at_once,
        }));
        let others = other_ears(
            registry.clone(),
            config.transcribe.model.clone(),
            Arc::clone(&ears),
            ears::options(config, at_once),
            config.data_dir.clone(),
        );
        let mut transcribe =
            Transcriber::with_silero(ears, &voice.path, room).map_err(|e| bad(&e))?.hearing_again(others);
        if let Some(words) = zh_words(config, &registry).map_err(|e| bad(&e))? {
            let likely = Likely::load(&words.path).map_err(|e| bad(&e))?;
            transcribe = transcribe.with_likely(words.id(), likely);
        }
        if config.transcribe.speakers {
            let prints = registry.verify("voiceprint").map_err(|e| bad(&e))?;
            let printer = Voiceprints::load(&prints.path).map_err(|e| bad(&e))?;
            transcribe = transcribe.telling_voices(Arc::new(printer));
        }
        let second = Second::open(config, &registry)?;
        let classifier = configured(config)?;
        Ok(Self { transcribe, classifier, second, finer: Arc::new(finer(config)?) })
    }
}

/// The Chinese words, where they are wanted and here. Without them Chinese stays as it was heard; a damaged file or a
/// name that nobody knows is an error.
pub(super) fn zh_words(config: &Config, registry: &Registry) -> Result<Option<ModelFile>, RegistryError> {
    let name = config.transcribe.zh_words.as_deref().unwrap_or("").trim();
    if name.is_empty() {
        return Ok(None);
    }
    match registry.verify(name) {
        Ok(file) => Ok(Some(file)),
        Err(e @ RegistryError::Missing { .. }) => {
            tracing::warn!(error = %e, "Chinese stays as it is heard");
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// The heads of the library over the configured models, with the larger model behind them: a promoted head is taken up
/// without a restart.
fn head_library(classifier: HeadClassifier, second: Second) -> HeadLibrary {
    let models = Arc::new(classifier);
    let configured = second.after(models.clone());
    tracing::info!(labels = configured.id(), "talk is labelled by");
    let make = move |bytes: &[u8]| {
        let head = Head::from_bytes(bytes, "the head of the library").and_then(|h| models.with_head(h));
        head.map(|c| second.after(Arc::new(c))).map_err(|e| error_chain(&e))
    };
    HeadLibrary::new(configured, Arc::new(make))
}

/// The road, in flow order.
fn wire(config: &Config, models: Models) -> Engine {
    let seconds = |s: f64| MediaTime::from_seconds(s).as_micros();
    let rules = CutRules {
        length_us_min: seconds(config.cut.min_seconds),
        length_us_max: seconds(config.cut.max_seconds),
        ..CutRules::default()
    };
    let template = Template {
        name: format!("{}/1", config.render.template),
        width: config.render.width,
        height: config.render.height,
        fps: config.render.fps,
        ..Template::default()
    };
    let folder = LocalFolder::new("published", &config.publish_folder());
    let target = folder.target().to_owned();
    let spacing_ms = i64::try_from(config.publish.spacing_seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
    let heads = Arc::new(head_library(models.classifier, models.second));
    Engine::builder()
        .instance(format!("work@{}", host_name()))
        .follower(models.transcribe)
        .follower(Classify::with(heads.clone(), SegmentRules::default()).with_finer(models.finer.clone()))
        .follower(Relabel::new(heads, SegmentRules::default()).with_finer(models.finer))
        .follower(Scrubber)
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

/// The operator's rules for old recordings, and who must have gone through one before it may go.
pub(crate) fn keeper(config: &Config) -> Keeper {
    let r = &config.retention;
    let bytes = |gigabytes: u32| i64::from(gigabytes) * 1_000_000_000;
    let floor = i64::try_from(config.record.free_space_floor_bytes).unwrap_or(i64::MAX);
    let rules = Rules {
        keep_days: r.keep_days,
        keep_unreviewed_days: r.keep_unreviewed_days,
        max_bytes: r.max_gigabytes.map(bytes),
        free_bytes: r.make_room_gigabytes.map(|g| floor.saturating_add(bytes(g))),
        clip_margin_us: MediaTime::from_seconds(r.clip_margin_seconds).as_micros(),
    };
    Keeper { rules, followers: vec![transcribe::NAME, classify::NAME] }
}

/// The machine's name: a worker that starts takes back at once what its dead predecessor here left running.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}
