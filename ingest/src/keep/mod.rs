//! Old recordings go, by the operator's rules: looks up what a plan needs, and carries a plan out.
//!
//! The plan is [`clipmill_domain::retention`]'s. Carrying it out marks rows in short transactions and deletes files
//! after each; wherever it is cut off, the next plan finds what is left to do, and the sweep of garbage the files.

use std::{sync::Arc, time::Duration};

use clipmill_domain::{
    Clock,
    cost::{Amount, size_words},
    retention::{DiskFacts, Plan, Planner, Removal, Rules},
};
use clipmill_store::{
    Store, StoreError,
    audit::audit,
    retention::{Removed, remove_parts},
};
use tokio_util::sync::CancellationToken;

/// Who removes, for the audit log.
pub const ACTOR: &str = "retention";

/// How often the rules are applied.
pub const EVERY: Duration = Duration::from_secs(300);

/// Parts removed in one transaction: on SQLite the recorder waits for it.
const PARTS_AT_ONCE: u32 = 250;

/// Garbage files deleted in one go; parts and their pictures are two each.
const FILES_AT_ONCE: u32 = 2 * PARTS_AT_ONCE;

/// The rules of this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// What the operator asks for.
    pub rules: Rules,
    /// The followers that must have gone through a recording before anything of it goes.
    pub followers: Vec<&'static str>,
}

/// What carrying out did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Recordings of which something went.
    pub recordings: u64,
    /// What went.
    pub gone: Amount,
}

impl Keeper {
    /// What would be removed now, and what not. Changes nothing.
    pub async fn plan(&self, store: &Store, clock: &dyn Clock) -> Result<Plan, StoreError> {
        let facts = store.retention_facts(&self.followers).await?;
        // Pending before free: a file that is deleted in between counts twice, and too little goes; the other way round
        // it would not count, and too much would go.
        let pending_bytes = store.pending_bytes().await?;
        let free_bytes = i64::try_from(store.library().free_bytes()?).unwrap_or(i64::MAX);
        let disk = DiskFacts { free_bytes, pending_bytes };
        let mut planner = Planner::new(self.rules.clone(), facts, disk, clock.now());
        while let Some(recording) = planner.next() {
            planner.look(&store.retention_media(recording).await?);
        }
        Ok(planner.finish())
    }

    /// Carries a plan out, in its order, until `stop`. A recording that came under a hold since stays as it is.
    pub async fn carry_out(
        &self,
        store: &Store,
        plan: &Plan,
        clock: &dyn Clock,
        stop: &CancellationToken,
    ) -> Result<Done, StoreError> {
        let mut done = Done::default();
        for removal in &plan.removals {
            if stop.is_cancelled() {
                break;
            }
            let gone = self.remove(store, removal, clock, stop).await?;
            if gone.parts > 0 {
                tracing::info!(
                    recording = %removal.recording_id, parts = gone.parts, bytes = gone.bytes, why = %removal.why,
                    "an old recording was removed"
                );
                done.recordings += 1;
                done.gone = done.gone.plus(gone);
            }
        }
        Ok(done)
    }

    async fn remove(
        &self,
        store: &Store,
        removal: &Removal,
        clock: &dyn Clock,
        stop: &CancellationToken,
    ) -> Result<Amount, StoreError> {
        let (mut gone, mut in_all) = (Amount::default(), Amount::default());
        let mut runs = removal.runs.iter().copied().peekable();
        while let Some(run) = runs.peek().copied() {
            let now = clock.now();
            let margin = self.rules.clip_margin_us;
            let mut tx = store.begin().await?;
            let step = remove_parts(&mut tx, removal.recording_id, run, margin, PARTS_AT_ONCE, now).await?;
            let mut over = stop.is_cancelled();
            match step {
                Removed::Refused => over = true,
                Removed::Parts { gone: now_gone, in_all: now_in_all } => {
                    if now_gone.parts > 0 {
                        gone = gone.plus(now_gone);
                        in_all = now_in_all;
                    }
                    if now_gone.parts < i64::from(PARTS_AT_ONCE) {
                        runs.next();
                    }
                    over |= runs.peek().is_none();
                }
            }
            if over && gone.parts > 0 {
                let line = line(removal, gone, in_all);
                let subject = removal.recording_id.to_string();
                audit(&mut tx, now, ACTOR, "recording.removed", &subject, Some(&line)).await?;
            }
            tx.commit().await?;
            while store.sweep_garbage(FILES_AT_ONCE).await? == u64::from(FILES_AT_ONCE) {}
            if over {
                break;
            }
        }
        Ok(gone)
    }
}

/// The line of the audit log.
fn line(removal: &Removal, gone: Amount, in_all: Amount) -> String {
    format!(
        "{} parts, {}: {} ({} parts, {} in all)",
        gone.parts,
        size_words(gone.bytes),
        removal.why,
        in_all.parts,
        size_words(in_all.bytes)
    )
}

/// Applies the rules every few minutes until `stop`. A round that fails, or panics, is logged; the next one comes.
pub async fn keep_up(keeper: Keeper, store: Store, clock: Arc<dyn Clock>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let (keeper, store, clock, halt) =
            (keeper.clone(), store.clone(), Arc::clone(&clock), stop.child_token());
        let round = tokio::spawn(async move {
            let plan = keeper.plan(&store, clock.as_ref()).await?;
            if plan.room_short_bytes > 0 {
                let missing = size_words(plan.room_short_bytes);
                tracing::warn!(missing, "the disk stays short of room: nothing more may be removed");
            }
            keeper.carry_out(&store, &plan, clock.as_ref(), &halt).await
        });
        match round.await {
            Ok(Ok(done)) if done.recordings > 0 => {
                let size = size_words(done.gone.bytes);
                tracing::info!(recordings = done.recordings, size, "old recordings were removed");
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot apply the retention rules"),
            Err(error) => tracing::error!(%error, "applying the retention rules broke off"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}
