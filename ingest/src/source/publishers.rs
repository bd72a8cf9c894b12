//! Who publishes on which source: one at a time, over whichever listener.
//!
//! Policy: a second publisher with the same key is refused while the first one is sending. It takes over once
//! the first one has been silent for [`TAKEOVER_SILENCE`]: an encoder that lost its network comes back on a
//! new connection while the old one still looks open. RTMP, RTMPS and SRT share the places: an encoder may lose
//! one and come back on another.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use clipmill_domain::SourceId;
use thiserror::Error;
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

/// How long a publisher must have been silent before another one may take its place.
pub const TAKEOVER_SILENCE: Duration = Duration::from_secs(3);
/// The waits of the policy.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// A publisher that sent something within this time is plainly alive: no use in waiting.
    alive: Duration,
    /// How long to look on before it is called alive: the end of a connection is seen a moment after its last data.
    grace: Duration,
    /// Silence after which a publisher may be replaced.
    silence: Duration,
    /// How long the place may take to become free once its holder was told to go.
    handover: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            alive: Duration::from_millis(700),
            grace: Duration::from_millis(400),
            silence: TAKEOVER_SILENCE,
            handover: Duration::from_secs(6),
        }
    }
}

/// Somebody else publishes on this source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "another encoder is publishing with this stream key; stop it first, or give each encoder a source of its own"
)]
pub struct Busy;

/// Why a publisher has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Leave {
    /// A newer one has its place.
    #[error("a newer encoder took over after this one fell silent")]
    TakenOver,
    /// Its key was rotated or revoked.
    #[error("the stream key was changed or revoked; copy the new one from the source's page")]
    KeyChanged,
    /// The source was switched off, or its time is over.
    #[error("the source does not record any longer: it was stopped, disabled, or its schedule has closed")]
    NotWanted,
}

/// The places of all sources.
#[derive(Debug, Default)]
pub struct Publishers {
    held: Mutex<HashMap<SourceId, Held>>,
    freed: Notify,
    patience: Patience,
}

#[derive(Debug)]
struct Held {
    last_data: Instant,
    leaving: bool,
    evicted: CancellationToken,
    why: Arc<OnceLock<Leave>>,
}

/// The right to publish on a source, until dropped.
#[derive(Debug)]
pub struct Claim {
    publishers: Arc<Publishers>,
    source: SourceId,
    evicted: CancellationToken,
    why: Arc<OnceLock<Leave>>,
}

impl Publishers {
    /// With every place free.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Takes the place of `source`, waiting a few seconds for a holder that is leaving or silent.
    pub async fn claim(self: &Arc<Self>, source: SourceId) -> Result<Claim, Busy> {
        let begun = Instant::now();
        loop {
            let freed = self.freed.notified();
            let patience = match self.try_claim(source) {
                Ok(Some(claim)) => return Ok(claim),
                Ok(None) => self.patience.silence + self.patience.handover,
                Err(Busy) => self.patience.grace,
            };
            if begun.elapsed() >= patience {
                return Err(Busy);
            }
            let _ = tokio::time::timeout(Duration::from_millis(100), freed).await;
        }
    }

    fn try_claim(self: &Arc<Self>, source: SourceId) -> Result<Option<Claim>, Busy> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = held.get_mut(&source) {
            let silent = holder.last_data.elapsed();
            if !holder.leaving && silent < self.patience.alive {
                return Err(Busy);
            }
            if !holder.leaving && silent >= self.patience.silence {
                holder.go(Leave::TakenOver);
            }
            return Ok(None);
        }
        let (evicted, why) = (CancellationToken::new(), Arc::<OnceLock<Leave>>::default());
        let (token, reason) = (evicted.clone(), Arc::clone(&why));
        held.insert(source, Held { last_data: Instant::now(), leaving: false, evicted: token, why: reason });
        Ok(Some(Claim { publishers: Arc::clone(self), source, evicted, why }))
    }

    /// Tells the publisher on `source`, if there is one, to go.
    pub fn evict(&self, source: SourceId, why: Leave) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = held.get_mut(&source) {
            holder.go(why);
        }
    }

    /// Whether somebody holds the place of `source`.
    pub fn is_held(&self, source: SourceId) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&source)
    }
}

impl Held {
    fn go(&mut self, why: Leave) {
        self.leaving = true;
        let _ = self.why.set(why);
        self.evicted.cancel();
    }
}

impl Claim {
    /// Notes that media came just now.
    pub fn touch(&self) {
        self.update(|h| h.last_data = Instant::now());
    }

    /// Notes that the connection is over and only the recorder still has to finish: the next one may wait.
    pub fn leave(&self) {
        self.update(|h| h.leaving = true);
    }

    /// Waits until this publisher has to go; why.
    pub async fn evicted(&self) -> Leave {
        self.evicted.cancelled().await;
        self.why.get().copied().unwrap_or(Leave::TakenOver)
    }

    fn update(&self, change: impl FnOnce(&mut Held)) {
        let mut held = self.publishers.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(h) = held.get_mut(&self.source) {
            change(h);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.publishers.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.source);
        self.publishers.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{Id, WallTime};

    use super::*;

    fn source() -> SourceId {
        SourceId::new_at(WallTime::from_millis(1))
    }

    /// The usual waits, ten times shorter.
    fn hasty() -> Arc<Publishers> {
        let ms = Duration::from_millis;
        let patience = Patience { alive: ms(70), grace: ms(40), silence: ms(300), handover: ms(600) };
        Arc::new(Publishers { patience, ..Publishers::default() })
    }

    #[tokio::test]
    async fn the_second_is_refused_while_the_first_sends() {
        let (all, id) = (Publishers::new(), source());
        let first = all.claim(id).await.unwrap();
        first.touch();
        assert_eq!(all.claim(id).await.unwrap_err(), Busy);
        assert!(all.claim(source()).await.is_ok(), "another source is free");
        drop(first);
        assert!(all.claim(id).await.is_ok());
    }

    #[tokio::test]
    async fn the_second_takes_over_from_a_silent_first() {
        let (all, id) = (hasty(), source());
        let first = all.claim(id).await.unwrap();
        let begun = Instant::now();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let holder = tokio::spawn(async move {
            assert_eq!(first.evicted().await, Leave::TakenOver);
            drop(first);
        });
        let second = all.claim(id).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(300), "not before the silence was long enough");
        holder.await.unwrap();
        assert!(all.is_held(id));
        drop(second);
        assert!(!all.is_held(id));
    }

    #[tokio::test]
    async fn a_holder_that_does_not_go_keeps_its_place() {
        let (all, id) = (hasty(), source());
        let _first = all.claim(id).await.unwrap();
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(all.claim(id).await.unwrap_err(), Busy);
    }

    #[tokio::test]
    async fn a_holder_that_is_leaving_is_waited_for() {
        let (all, id) = (hasty(), source());
        let first = all.claim(id).await.unwrap();
        first.touch();
        first.leave();
        let holder = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(150)).await;
            drop(first);
        });
        assert!(all.claim(id).await.is_ok());
        holder.await.unwrap();
    }
}
