//! Whether media is flowing: what a source's connection says of itself, packet by packet.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// No packet yet.
const NEVER: u64 = u64::MAX;

/// One connection of a source. Written by the thread that reads it, read by whoever wants to know.
#[derive(Debug)]
pub(crate) struct Flow {
    born: Instant,
    /// Silence longer than this is shown as a stall.
    still_after: Duration,
    first_ms: AtomicU64,
    last_ms: AtomicU64,
}

impl Flow {
    /// A connection that is given up after silence of `stall`.
    pub(crate) fn new(stall: Duration) -> Self {
        Self {
            born: Instant::now(),
            still_after: (stall / 2).max(Duration::from_millis(500)),
            first_ms: AtomicU64::new(NEVER),
            last_ms: AtomicU64::new(NEVER),
        }
    }

    /// A packet came.
    pub(crate) fn packet(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(NEVER - 1);
        let _ = self.first_ms.compare_exchange(NEVER, now, Ordering::Relaxed, Ordering::Relaxed);
        self.last_ms.store(now, Ordering::Relaxed);
    }

    /// How long packets have come: from the first to the last.
    pub(crate) fn lasted(&self) -> Duration {
        match (self.first_ms.load(Ordering::Relaxed), self.last_ms.load(Ordering::Relaxed)) {
            (NEVER, _) | (_, NEVER) => Duration::ZERO,
            (first, last) => Duration::from_millis(last.saturating_sub(first)),
        }
    }

    /// Time since the last packet, or since the connection was begun.
    pub(crate) fn silence(&self) -> Duration {
        let last = self.last_ms.load(Ordering::Relaxed);
        let since = if last == NEVER { 0 } else { last };
        self.born.elapsed().saturating_sub(Duration::from_millis(since))
    }

    /// Whether the silence is long enough to be told.
    pub(crate) fn is_still(&self) -> bool {
        self.silence() >= self.still_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_lasts_from_the_first_packet_to_the_last() {
        let flow = Flow::new(Duration::from_secs(8));
        assert_eq!(flow.lasted(), Duration::ZERO);
        tokio::time::sleep(Duration::from_millis(30)).await;
        flow.packet();
        assert_eq!(flow.lasted(), Duration::ZERO, "waiting for the first is not flowing");
        tokio::time::sleep(Duration::from_millis(30)).await;
        flow.packet();
        assert!(flow.lasted() >= Duration::from_millis(29), "{:?}", flow.lasted());
        assert!(!flow.is_still());
    }
}
