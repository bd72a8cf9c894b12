//! The local wake-up: "something changed, look again now". It carries no data; losing one costs a poll interval.

use std::time::Duration;

use tokio::sync::watch;

/// Rings every [`Listener`] made from it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Wake(watch::Sender<u64>);

impl Default for Wake {
    fn default() -> Self {
        Self::new()
    }
}

impl Wake {
    /// With no listener yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Wakes every listener; several rings before a listener looks are one.
    pub fn ring(&self) {
        self.0.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Hears every ring from now on.
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Waits for a ring.
#[derive(Debug)]
pub struct Listener(watch::Receiver<u64>);

impl Listener {
    /// Returns at the next ring (at once if one came since the last look) or after `at_most`.
    pub async fn heard_or(&mut self, at_most: Duration) {
        match tokio::time::timeout(at_most, self.0.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            // Every ringer is gone: only the interval is left.
            Ok(Err(_)) => tokio::time::sleep(at_most).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_ring_before_the_wait_is_not_lost_and_silence_ends() {
        let wake = Wake::new();
        let mut ear = wake.listen();
        wake.ring();
        let began = Instant::now();
        ear.heard_or(Duration::from_secs(20)).await;
        assert!(began.elapsed() < Duration::from_secs(5));
        ear.heard_or(Duration::from_millis(20)).await;
        drop(wake);
        ear.heard_or(Duration::from_millis(20)).await;
        assert!(began.elapsed() >= Duration::from_millis(40));
    }
}
