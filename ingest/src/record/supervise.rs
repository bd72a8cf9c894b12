//! Once a second: does what is recorded agree with what the operator wants and with the clock?

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use clipmill_domain::{
    SourceId, WallTime,
    recording::{EndReason, Recording},
    source::{RecordMode, Source, SourceKind},
};
use clipmill_store::{StoreError, audit::audit, sources};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    desk::{self, Desk, Halt, lock},
    journal::{self, ACTOR},
    plan,
    pulls::{self, Over},
    status::SourceState,
};

const TICK: Duration = Duration::from_secs(1);
/// A sign of life every so many ticks.
const BEAT_TICKS: u64 = 2;

struct Pulling {
    halt: Halt,
    task: JoinHandle<Over>,
    /// As it was when the pull was begun.
    source: Source,
}

#[derive(Default)]
struct Pulls {
    running: HashMap<SourceId, Pulling>,
    /// Sources with nothing more to give until their next window.
    spent: HashSet<SourceId>,
}

/// Runs until `stop`, then halts the pull sources and waits for them.
pub(crate) async fn supervise(desk: Arc<Desk>, stop: CancellationToken) {
    let instance = format!("record-{}-{}", std::process::id(), desk.wall().as_millis());
    let mut pulls = Pulls::default();
    let mut ticks = 0u64;
    let mut said = None;
    while !stop.is_cancelled() {
        let trouble = tick(&desk, &mut pulls).await.err().map(|e| e.to_string());
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
    for p in pulls.running.values() {
        p.halt.token.cancel();
    }
    for (_, p) in pulls.running {
        let _ = p.task.await;
    }
}

async fn tick(desk: &Arc<Desk>, pulls: &mut Pulls) -> Result<(), StoreError> {
    follow_system_clock(desk).await?;
    // A pull that is over has switched its source off before; so look at the sources after.
    pulls.reap().await;
    let full = desk.room().err().map(|full| full.to_string());
    desk.board.disk(full);
    let sources = desk.store.sources().await?;
    let ids: Vec<_> = sources.iter().map(|s| s.id).collect();
    desk.board.keep(&ids);

    let (live, wall) = (desk.store.live_recordings().await?, desk.wall());
    let is_live = |id: SourceId| live.iter().any(|r| r.source_id == id);
    let why_not = |id: &SourceId| {
        let Some(source) = sources.iter().find(|s| s.id == *id) else { return Some(EndReason::Stopped) };
        unwanted(source, is_live(*id), wall)
    };
    desk::turn_out(desk, &sources, &why_not).await?;
    for (id, p) in &pulls.running {
        if let Some(why) = why_not(id) {
            p.halt.end(why);
        }
    }
    for source in &sources {
        match unwanted(source, is_live(source.id), wall) {
            None if source.kind == SourceKind::Pull => pulls.run(desk, source),
            None if desk.board.is(source.id, SourceState::Waiting) => {
                desk.board.set(source.id, &source.name, SourceState::Idle, None, wall);
            }
            None => {}
            Some(_) => {
                pulls.spent.remove(&source.id);
                let is_busy =
                    pulls.running.contains_key(&source.id) || lock(&desk.pushing).contains_key(&source.id);
                if source.enabled && !is_busy {
                    desk.board.set(source.id, &source.name, SourceState::Waiting, None, wall);
                }
            }
        }
    }
    limits(desk, &sources, &live, pulls).await?;
    end_idle(desk, &sources).await
}

/// Why a source is not to record now; none if it is.
fn unwanted(source: &Source, is_live: bool, wall: WallTime) -> Option<EndReason> {
    if source.enabled && source.settings.wants(source.requested, is_live, wall) {
        return None;
    }
    let by_clock = source.enabled && source.settings.mode == RecordMode::Scheduled;
    Some(if by_clock { EndReason::WindowEnd } else { EndReason::Stopped })
}

impl Pulls {
    async fn reap(&mut self) {
        let over: Vec<_> =
            self.running.iter().filter(|(_, p)| p.task.is_finished()).map(|(id, _)| *id).collect();
        for id in over {
            if let Some(p) = self.running.remove(&id)
                && let Ok(Over::UntilNextWindow) = p.task.await
            {
                self.spent.insert(id);
            }
        }
    }

    /// Sees that the source is pulled, as it is configured now.
    fn run(&mut self, desk: &Arc<Desk>, source: &Source) {
        if self.spent.contains(&source.id) {
            return;
        }
        if let Some(p) = self.running.get(&source.id) {
            let of = |s: &Source| {
                (s.url_shown.clone(), s.settings.audio.clone(), s.settings.resolver.clone(), s.language)
            };
            if of(&p.source) != of(source) && !p.halt.token.is_cancelled() {
                tracing::info!(source = source.name, "the source was changed; it is opened anew");
                p.halt.token.cancel();
            }
            return;
        }
        let halt = Halt::new(desk.abandon.child_token());
        let task = desk.threads.spawn(pulls::pull(Arc::clone(desk), source.clone(), halt.clone()));
        self.running.insert(source.id, Pulling { halt, task, source: source.clone() });
    }
}

/// Nothing is recorded and nothing can be continued: the recorder's clock follows the system's.
async fn follow_system_clock(desk: &Desk) -> Result<(), StoreError> {
    let writing = desk.writing.lock().await;
    if writing.is_empty() && desk.store.live_recordings().await?.is_empty() {
        desk.clock.follow_system();
    }
    Ok(())
}

/// Ends recordings that have reached what their source allows. Where the source still wants to record, the next
/// recording begins with the next group of pictures of the same connection.
async fn limits(
    desk: &Desk,
    sources: &[Source],
    live: &[Recording],
    pulls: &Pulls,
) -> Result<(), StoreError> {
    for rec in live {
        let Some(source) = sources.iter().find(|s| s.id == rec.source_id) else { continue };
        let stop = &source.settings.stop;
        if stop.after_minutes.is_none() && stop.after_gigabytes.is_none() {
            continue;
        }
        let bytes = match stop.after_gigabytes {
            Some(_) => desk.store.recording_bytes(rec.id).await?,
            None => 0,
        };
        let Some(reason) = plan::limit(stop, desk.now().millis_since(rec.started_at), bytes) else {
            continue;
        };
        withdraw(desk, source, reason).await?;
        let goes_on = source.settings.wants(false, false, desk.wall());
        let pushing = lock(&desk.pushing).get(&source.id).map(|p| p.halt.clone());
        let halt = pulls.running.get(&source.id).map(|p| p.halt.clone()).or(pushing);
        if goes_on {
            lock(&desk.cuts).insert(source.id, (rec.id, reason));
        } else if let Some(halt) = halt {
            halt.end(reason);
        }
        // Nobody writes it just now, so nobody else will end it.
        let writing = desk.writing.lock().await;
        if !writing.contains(&source.id) && !desk.publishers.is_held(source.id) {
            let (tail, _) = journal::tail_of(&desk.store, rec).await?;
            journal::end(&desk.store, rec.id, tail.last_heard, reason).await?;
        }
        drop(writing);
    }
    Ok(())
}

/// An on-demand source has recorded what was asked for.
async fn withdraw(desk: &Desk, source: &Source, reason: EndReason) -> Result<(), StoreError> {
    if source.settings.mode != RecordMode::OnDemand || !source.requested {
        return Ok(());
    }
    let mut tx = desk.store.begin().await?;
    sources::set_source_requested(&mut tx, source.id, false).await?;
    let detail = format!("{reason:?}");
    audit(&mut tx, desk.now(), ACTOR, "source.withdrawn", &source.id.to_string(), Some(&detail)).await?;
    tx.commit().await
}

/// Ends live recordings that nobody writes: quiet for too long, or of a source that is not to record.
async fn end_idle(desk: &Desk, sources: &[Source]) -> Result<(), StoreError> {
    for rec in desk.store.live_recordings().await? {
        let writing = desk.writing.lock().await;
        if writing.contains(&rec.source_id) || desk.publishers.is_held(rec.source_id) {
            continue;
        }
        let source = sources.iter().find(|s| s.id == rec.source_id);
        let quiet_end = source.map_or(desk.config.quiet_end, |s| desk.quiet_end(s));
        let why_not = source.map_or(Some(EndReason::Stopped), |s| unwanted(s, true, desk.wall()));
        let (tail, _) = journal::tail_of(&desk.store, &rec).await?;
        if plan::is_quiet(&tail, desk.now(), quiet_end) {
            journal::end(&desk.store, rec.id, tail.last_heard, EndReason::Quiet).await?;
            if let Some(source) = source {
                withdraw(desk, source, EndReason::Quiet).await?;
            }
        } else if let Some(why) = why_not {
            journal::end(&desk.store, rec.id, tail.last_heard, why).await?;
        }
        drop(writing);
    }
    Ok(())
}

async fn beat(desk: &Desk, instance: &str) {
    let snapshot = desk.board.snapshot();
    let status = serde_json::json!({
        "sources": snapshot.sources,
        "disk_full": snapshot.disk_full,
        "problems": snapshot.problems(),
    });
    if let Err(error) = desk.store.beat("record", instance, std::process::id(), &status, desk.wall()).await {
        tracing::warn!(%error, "the recorder's sign of life could not be written");
    }
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{
        Id,
        schedule::{Schedule, Window},
        source::{Language, SourceSettings},
    };

    use super::*;

    fn source(mode: RecordMode) -> Source {
        let window = Window { days: vec![], from: "10:00".into(), to: "11:00".into() };
        let schedule = Schedule { zone: "UTC".into(), windows: vec![window] };
        Source {
            id: SourceId::new_at(WallTime::from_millis(1)),
            name: "shop".into(),
            kind: SourceKind::Pull,
            url_shown: None,
            language: Language::Zh,
            category: None,
            enabled: true,
            requested: false,
            settings: SourceSettings { mode, schedule, ..SourceSettings::default() },
            created_at: WallTime::from_millis(1),
        }
    }

    #[test]
    fn what_stops_a_source_is_told_apart() {
        let (inside, after) = (WallTime::from_millis(10 * 3_600_000), WallTime::from_millis(12 * 3_600_000));
        assert_eq!(unwanted(&source(RecordMode::Always), false, after), None);
        assert_eq!(unwanted(&source(RecordMode::OnDemand), true, inside), Some(EndReason::Stopped));
        let asked = Source { requested: true, ..source(RecordMode::OnDemand) };
        assert_eq!(unwanted(&asked, false, after), None);
        let by_clock = source(RecordMode::Scheduled);
        assert_eq!(unwanted(&by_clock, false, inside), None);
        assert_eq!(unwanted(&by_clock, true, after), None, "it runs on beyond its window");
        assert_eq!(unwanted(&by_clock, false, after), Some(EndReason::WindowEnd));
        let off = Source { enabled: false, ..by_clock };
        assert_eq!(unwanted(&off, true, inside), Some(EndReason::Stopped));
    }
}
