//! Pull sources: opened again and again until they end, the operator stops them, or they cannot work.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clipmill_domain::{recording::EndReason, source::Source};
use clipmill_store::{StoreError, audit::audit, sources};
use secrecy::{ExposeSecret, SecretString};

use super::{
    desk::{Desk, Halt},
    journal::{ACTOR, Journal},
    plan,
    status::SourceState,
    take::TakeError,
};
use crate::source::pull::{self, PullKind};

/// A connection that lasted so long was a good one: the next try is made at once.
const GOOD: Duration = Duration::from_secs(5);

/// What one opening came to.
enum Opened {
    /// It played to its end.
    Finished,
    /// It broke off or could not be opened.
    Failed {
        error: String,
        /// Trying again cannot help.
        is_final: bool,
    },
    /// It was told to stop.
    Halted,
}

/// Pulls a source until it is over. Returns when the source needs no more pulling.
pub(crate) async fn pull(desk: Arc<Desk>, source: Source, halt: Halt) {
    let mut failures = 0u32;
    loop {
        let begun = Instant::now();
        let error = match once(&desk, &source, &halt).await {
            Opened::Halted => break,
            Opened::Finished => {
                switch_off(&desk, &source, "source.finished", "it played to its end").await;
                break;
            }
            Opened::Failed { error, is_final: true } => {
                desk.problem(&source, &error).await;
                switch_off(&desk, &source, "source.failed", &error).await;
                desk.config.board.set(source.id, &source.name, SourceState::Failed, None, desk.now());
                return;
            }
            Opened::Failed { error, is_final: false } => error,
        };
        failures = if begun.elapsed() >= GOOD && failures == 0 { 0 } else { failures.saturating_add(1) };
        if begun.elapsed() >= GOOD * 6 {
            failures = 0;
        }
        desk.problem(&source, &error).await;
        desk.config.board.set(source.id, &source.name, SourceState::Retrying, None, desk.now());
        let wait = plan::backoff(failures, rand::random());
        tracing::debug!(source = source.name, ?wait, failures, "the source will be opened again");
        tokio::select! {
            () = halt.token.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
    }
    desk.config.board.set(source.id, &source.name, SourceState::Idle, None, desk.now());
}

async fn once(desk: &Arc<Desk>, source: &Source, halt: &Halt) -> Opened {
    if let Err(full) = desk.room() {
        return Opened::Failed { error: full.to_string(), is_final: false };
    }
    let url = match desk.store.pull_url(source.id).await {
        Ok(url) => url,
        Err(error) => return Opened::Failed { error: error.to_string(), is_final: false },
    };
    desk.config.board.set(source.id, &source.name, SourceState::Opening, None, desk.now());
    let (id, source, halt) = (source.id, source.clone(), halt.clone());
    let work = move |desk: &Desk| record(desk, &source, &url, &halt);
    let failed = || Opened::Failed { error: "recording failed inside; see the log".into(), is_final: false };
    let opened = desk.on_thread("pull".to_owned(), work).await;
    desk.writing.lock().await.remove(&id);
    opened.unwrap_or_else(failed)
}

/// Opens and records the source once. Blocking.
fn record(desk: &Desk, source: &Source, url: &SecretString, halt: &Halt) -> Opened {
    let kind = PullKind::of(url.expose_secret());
    let (flag, _raised_at_end) = halt.flag(&desk.runtime);
    let mut input = match pull::open(url, kind, desk.config.stall, flag) {
        Ok(input) => input,
        Err(_) if halt.token.is_cancelled() => return Opened::Halted,
        Err(error) => return Opened::Failed { error: error.to_string(), is_final: kind.failure_is_final() },
    };
    let mut journal =
        Journal::new(desk.store.clone(), source.clone(), desk.config.quiet_end, kind.from_start());
    let (_, ended) = desk.take(source, &mut journal, &mut input, &|| None);
    let reason = match &ended {
        Ok(()) => kind.at_end(),
        Err(error) => error.reason(),
    };
    // A file that broke off half-way is over: it would only break off there again.
    let is_final = kind.failure_is_final() && matches!(&ended, Err(TakeError::Media(_)));
    let reason = if is_final && reason == EndReason::Disconnected { EndReason::Finished } else { reason };
    desk.close(source, &mut journal, reason, halt);
    match ended {
        _ if halt.token.is_cancelled() => Opened::Halted,
        Ok(()) if reason == EndReason::Finished => Opened::Finished,
        Ok(()) => Opened::Failed { error: format!("{} ended the stream", input.shown()), is_final: false },
        Err(error) => Opened::Failed { error: error.to_string(), is_final },
    }
}

/// Disables a source that has nothing more to give, and says so in the audit log.
async fn switch_off(desk: &Desk, source: &Source, action: &str, why: &str) {
    let now = desk.now();
    let mut failures = 0;
    loop {
        let done: Result<(), StoreError> = async {
            let mut tx = desk.store.begin().await?;
            sources::set_source_enabled(&mut tx, source.id, false).await?;
            audit(&mut tx, now, ACTOR, action, &source.id.to_string(), Some(why)).await?;
            tx.commit().await
        }
        .await;
        match done {
            Ok(()) => return tracing::info!(source = source.name, why, "the source was switched off"),
            Err(StoreError::NotFound { .. }) => return,
            Err(error) => {
                tracing::warn!(source = source.name, %error, "the source could not be switched off")
            }
        }
        failures += 1;
        tokio::select! {
            () = desk.abandon.cancelled() => return,
            () = tokio::time::sleep(plan::backoff(failures, 0.0)) => {}
        }
    }
}
