//! Once a second: does what is recorded agree with what the operator wants and with the clock?

use std::{collections::HashMap, sync::Arc, time::Duration};

use clipmill_domain::{
    SourceId,
    recording::EndReason,
    source::{Source, SourceKind},
};
use clipmill_store::StoreError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    desk::{self, Desk, Halt},
    journal, plan, pulls,
};

const TICK: Duration = Duration::from_secs(1);
/// A sign of life every so many ticks.
const BEAT_TICKS: u64 = 2;

struct Pulling {
    halt: Halt,
    task: JoinHandle<()>,
}

/// Runs until `stop`, then halts the pull sources and waits for them.
pub(crate) async fn supervise(desk: Arc<Desk>, stop: CancellationToken) {
    let instance = format!("record-{}-{}", std::process::id(), desk.now().as_millis());
    let mut pulling = HashMap::new();
    let mut ticks = 0u64;
    let mut said = None;
    while !stop.is_cancelled() {
        let trouble = tick(&desk, &mut pulling).await.err().map(|e| e.to_string());
        if trouble.is_some() && trouble != said {
            tracing::warn!(error = trouble, "the recorder cannot look at its sources");
        }
        said = trouble;
        if ticks.is_multiple_of(BEAT_TICKS) {
            beat(&desk, &instance).await;
        }
        ticks += 1;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
    for p in pulling.values() {
        p.halt.token.cancel();
    }
    for (_, p) in pulling {
        let _ = p.task.await;
    }
}

async fn tick(desk: &Arc<Desk>, pulling: &mut HashMap<SourceId, Pulling>) -> Result<(), StoreError> {
    // A pull that is over has switched its source off before; so look at the sources after.
    pulling.retain(|_, p| !p.task.is_finished());
    let full = desk.room().err().map(|full| full.to_string());
    desk.config.board.disk(full);
    let sources = desk.store.sources().await?;
    desk.config.board.keep(&sources.iter().map(|s| s.id).collect::<Vec<_>>());

    let wanted = |id: &SourceId| sources.iter().any(|s| s.id == *id && s.enabled);
    desk::turn_out(desk, &sources).await?;
    for (id, p) in pulling.iter() {
        if !wanted(id) && !p.halt.token.is_cancelled() && !p.task.is_finished() {
            p.halt.by_operator();
        }
    }
    for source in sources.iter().filter(|s| s.enabled && s.kind == SourceKind::Pull) {
        pulling.entry(source.id).or_insert_with(|| {
            let halt = Halt::new(desk.abandon.child_token());
            let task = desk.threads.spawn(pulls::pull(Arc::clone(desk), source.clone(), halt.clone()));
            Pulling { halt, task }
        });
    }
    end_idle(desk, &sources).await
}

/// Ends live recordings that nobody writes: quiet for too long, or of a source that was switched off.
async fn end_idle(desk: &Desk, sources: &[Source]) -> Result<(), StoreError> {
    for rec in desk.store.live_recordings().await? {
        let writing = desk.writing.lock().await;
        if writing.contains(&rec.source_id) || desk.publishers.is_held(rec.source_id) {
            continue;
        }
        let source = sources.iter().find(|s| s.id == rec.source_id);
        let enabled = source.is_some_and(|s| s.enabled);
        let quiet_end = source.map_or(desk.config.quiet_end, |s| desk.quiet_end(s));
        let (tail, _) = journal::tail_of(&desk.store, &rec).await?;
        if plan::is_quiet(&tail, desk.now(), quiet_end) {
            journal::end(&desk.store, rec.id, tail.last_heard, EndReason::Quiet).await?;
        } else if !enabled {
            journal::end(&desk.store, rec.id, tail.last_heard, EndReason::Stopped).await?;
        }
        drop(writing);
    }
    Ok(())
}

async fn beat(desk: &Desk, instance: &str) {
    let snapshot = desk.config.board.snapshot();
    let status = serde_json::json!({
        "sources": snapshot.sources,
        "disk_full": snapshot.disk_full,
        "problems": snapshot.problems(),
    });
    if let Err(error) = desk.store.beat("record", instance, std::process::id(), &status, desk.now()).await {
        tracing::warn!(%error, "the recorder's sign of life could not be written");
    }
}
