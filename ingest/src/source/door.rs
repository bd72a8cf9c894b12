//! What every listener asks before it takes a stream, and the words for a refusal. One policy for all of them:
//! RTMP, RTMPS and SRT share the same places ([`super::publishers`]) and the same [`Door`].

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use clipmill_domain::{SourceId, WallTime, source::Source};
use secrecy::SecretString;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::{
    feed::Feed,
    publishers::{Busy, Claim},
};

/// Why a publisher is turned away, in words for the person at the encoder.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No source has this key.
    #[error("this stream key is not known; copy it again from the source's page")]
    WrongKey,
    /// The source is switched off.
    #[error("the source {0:?} is disabled; enable it first")]
    Disabled(String),
    /// The source records when it is asked to, and it is not.
    #[error("the source {0:?} records on demand only; start it first")]
    OnDemand(String),
    /// Outside the windows of its schedule.
    #[error("the source {name:?} records by its schedule and is closed now; {}", opens(*.in_minutes))]
    Closed {
        /// The source.
        name: String,
        /// Minutes until it opens; `None` when it does not within a week.
        in_minutes: Option<u32>,
    },
    /// Somebody else is publishing.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// No room to record.
    #[error(
        "the disk is too full to record ({free_bytes} bytes free, {floor_bytes} needed); free some space"
    )]
    DiskFull {
        /// Free now.
        free_bytes: u64,
        /// The configured floor.
        floor_bytes: u64,
    },
    /// The recorder cannot answer now.
    #[error("the recorder cannot take this stream just now; try again in some seconds")]
    NotNow,
}

fn opens(in_minutes: Option<u32>) -> String {
    match in_minutes {
        None => "it does not open within a week".to_owned(),
        Some(m @ ..60) => format!("it opens in {m} min"),
        Some(m) => format!("it opens in {} h {} min", m / 60, m % 60),
    }
}

/// Minutes until a closed source opens, to the minute, looking a week ahead.
pub fn minutes_to_opening(source: &Source, now: WallTime) -> Option<u32> {
    (1..=7 * 24 * 60).find(|m| source.settings.schedule.is_open(now.plus_millis(i64::from(*m) * 60_000)))
}

/// A publisher that was let in.
pub struct Publisher {
    /// What it publishes on.
    pub source: Source,
    /// The stream key it came with: once it is another one, the publisher has to go.
    pub key: SecretString,
    /// Its media.
    pub feed: Feed,
    /// The container of its media, by file extension.
    pub format: &'static str,
    /// Its place, to be kept until the recording side has finished.
    pub claim: Arc<Claim>,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// Ends the reading side of its feed.
    pub stop: CancellationToken,
}

/// A push source as the SRT listener must know it beforehand: there the key is the passphrase.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The source.
    pub id: SourceId,
    /// Its name.
    pub name: String,
    /// Its stream key; `None` when it was revoked, or set before keys were kept.
    pub key: Option<SecretString>,
    /// Whether it would be let in now.
    pub verdict: Result<(), Refusal>,
}

/// Who decides about publishers, and takes their media.
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// The source behind a stream key, if it may record now.
    async fn admit(&self, key: &SecretString) -> Result<Source, Refusal>;
    /// Every push source; `None` when they cannot be read now.
    async fn guests(&self) -> Option<Vec<Guest>>;
    /// Takes a publisher. Called once the publisher was told that it may send.
    fn enter(&self, publisher: Publisher);
    /// Notes that `source` sends what cannot be recorded.
    fn refuse_media(&self, source: &Source, why: &str);
    /// The present instant.
    fn now(&self) -> WallTime;
    /// A token that ends the reading side of one publisher's feed.
    fn stop_token(&self) -> CancellationToken;
}

/// The deadlines of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From connecting to the end of the handshake.
    pub handshake: Duration,
    /// From the handshake to an accepted publish.
    pub publish: Duration,
    /// No media for so long is a stall: the epoch ends, the connection stays.
    pub stall: Duration,
    /// No media for so long ends the connection.
    pub hold: Duration,
    /// The longest wait for one write to the peer, and for room in the feed.
    pub write: Duration,
}

impl Limits {
    /// The usual ones, with the given stall limit.
    pub fn with_stall(stall: Duration) -> Self {
        let s = Duration::from_secs;
        Self { handshake: s(5), publish: s(15), stall, hold: stall + s(60), write: s(10) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_source_says_when_it_opens() {
        let closed = |in_minutes| Refusal::Closed { name: "a".into(), in_minutes }.to_string();
        assert!(closed(Some(5)).ends_with("it opens in 5 min"));
        assert!(closed(Some(200)).ends_with("it opens in 3 h 20 min"));
        assert!(closed(None).contains("a week"));
    }
}
