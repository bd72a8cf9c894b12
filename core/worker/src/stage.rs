//! What a stage is: `find` lists what lacks its output, `run` computes it, `commit` writes it.

use std::{any::Any, error::Error, fmt, time::Duration};

use async_trait::async_trait;
use clipmill_domain::{Id, WallTime, provenance::StageVersion};
use clipmill_store::{Store, StoreError, Tx};

use crate::{context::JobCtx, retry::RetryPolicy};

/// Any error that can cross threads.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// The resource a stage competes for. Each has its own number of slots per process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueName {
    /// Long, processor-bound work: rendering, exact cuts.
    Cpu,
    /// Short work that should never wait behind a render.
    Small,
    /// Calls to platforms: waits, not processor.
    Publish,
}

impl QueueName {
    /// Every queue.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Small, Self::Publish];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Small => "small",
            Self::Publish => "publish",
        }
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an attempt failed, by what is to be done about it.
#[derive(Debug)]
pub enum StageError {
    /// It may work another time: back off and try again, until the attempts are used up.
    Retry {
        /// Wait this long instead of the policy's back-off.
        after: Option<Duration>,
        /// What went wrong.
        source: BoxError,
    },
    /// It will never work on this input: the job is dead at once.
    GiveUp {
        /// What went wrong.
        source: BoxError,
    },
    /// It cannot work until a person changes something: the job is dead at once and the operator is told.
    NeedsOperator {
        /// What to do.
        source: BoxError,
    },
}

impl StageError {
    /// A [`StageError::Retry`] with the policy's back-off.
    pub fn retry(source: impl Into<BoxError>) -> Self {
        Self::Retry { after: None, source: source.into() }
    }

    /// A [`StageError::Retry`] after a wait of its own.
    pub fn retry_after(after: Duration, source: impl Into<BoxError>) -> Self {
        Self::Retry { after: Some(after), source: source.into() }
    }

    /// A [`StageError::GiveUp`].
    pub fn give_up(source: impl Into<BoxError>) -> Self {
        Self::GiveUp { source: source.into() }
    }

    /// A [`StageError::NeedsOperator`].
    pub fn needs_operator(source: impl Into<BoxError>) -> Self {
        Self::NeedsOperator { source: source.into() }
    }

    /// What went wrong.
    pub fn cause(&self) -> &(dyn Error + Send + Sync + 'static) {
        match self {
            Self::Retry { source, .. } | Self::GiveUp { source } | Self::NeedsOperator { source } => {
                source.as_ref()
            }
        }
    }
}

impl fmt::Display for StageError {
    /// The error and its causes, each said once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.cause().to_string();
        let mut next = self.cause().source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.contains(&text) {
                said = format!("{said}: {text}");
            }
            next = cause.source();
        }
        f.write_str(&said)
    }
}

impl Error for StageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause())
    }
}

impl From<StoreError> for StageError {
    /// The database may answer another time; what a retention rule removed never comes back.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Removed { .. } => Self::give_up(error.to_string()),
            other => Self::retry(other),
        }
    }
}

/// A kind of job. Running one twice is harmless: an output counts only once `commit` has written its rows, in the
/// same transaction in which the job is finished, and that transaction is refused to any attempt but the last.
#[async_trait]
pub trait Stage: Send + Sync + 'static {
    /// Names the row to work on.
    type Input: Id;
    /// What `run` hands to `commit`.
    type Output: Send + 'static;

    /// Its name, unique and lasting, for example `clipper.cut_draft`.
    fn name(&self) -> &'static str;

    /// The resource it competes for.
    fn queue(&self) -> QueueName;

    /// Larger goes first within a queue.
    fn priority(&self) -> i32;

    /// Version of its code, parameters and model; another version makes new work by itself.
    fn version(&self) -> StageVersion;

    /// Longest time one attempt may run before it is stopped and counted as failed.
    fn deadline(&self) -> Duration;

    /// Longest time between two [`JobCtx::beat`]s before an attempt counts as hung; `None` leaves it to the deadline.
    fn stall(&self) -> Option<Duration> {
        None
    }

    /// Its own attempts and back-off; `None` takes the engine's.
    fn retry(&self) -> Option<RetryPolicy> {
        None
    }

    /// At most `limit` inputs that lack this stage's output at this version, the most urgent first. Inputs that
    /// already have a job are listed too: the engine knows them.
    async fn find(&self, store: &Store, limit: u32) -> Result<Vec<Self::Input>, StoreError>;

    /// Computes the output of one input. Runs on a task of its own: a panic fails the attempt alone. Blocking work
    /// belongs in `spawn_blocking` and must watch `cx.stop`.
    async fn run(&self, cx: &JobCtx, id: Self::Input) -> Result<Self::Output, StageError>;

    /// Writes the output's rows. The engine commits `tx`, together with the end of the job.
    async fn commit(
        &self,
        tx: &mut Tx<'_>,
        id: Self::Input,
        out: Self::Output,
        now: WallTime,
    ) -> Result<(), StageError>;
}

/// An output whose type only its stage knows.
pub(crate) type AnyOutput = Box<dyn Any + Send>;

/// A [`Stage`] with ids as text and outputs as [`AnyOutput`], so that stages of all types fit one table.
#[async_trait]
pub(crate) trait ErasedStage: Send + Sync {
    fn name(&self) -> &'static str;
    fn queue(&self) -> QueueName;
    fn priority(&self) -> i32;
    fn version(&self) -> StageVersion;
    fn deadline(&self) -> Duration;
    fn stall(&self) -> Option<Duration>;
    fn retry(&self) -> Option<RetryPolicy>;
    async fn find(&self, store: &Store, limit: u32) -> Result<Vec<String>, StoreError>;
    async fn run(&self, cx: &JobCtx, id: &str) -> Result<AnyOutput, StageError>;
    async fn commit(
        &self,
        tx: &mut Tx<'_>,
        id: &str,
        out: AnyOutput,
        now: WallTime,
    ) -> Result<(), StageError>;
}

fn read_id<T: Id>(text: &str) -> Result<T, StageError> {
    text.parse::<T>().map_err(|e| StageError::give_up(format!("input id {text:?} is not an id: {e}")))
}

#[async_trait]
impl<S: Stage> ErasedStage for S {
    fn name(&self) -> &'static str {
        Stage::name(self)
    }
    fn queue(&self) -> QueueName {
        Stage::queue(self)
    }
    fn priority(&self) -> i32 {
        Stage::priority(self)
    }
    fn version(&self) -> StageVersion {
        Stage::version(self)
    }
    fn deadline(&self) -> Duration {
        Stage::deadline(self)
    }
    fn stall(&self) -> Option<Duration> {
        Stage::stall(self)
    }
    fn retry(&self) -> Option<RetryPolicy> {
        Stage::retry(self)
    }
    async fn find(&self, store: &Store, limit: u32) -> Result<Vec<String>, StoreError> {
        Ok(Stage::find(self, store, limit).await?.iter().map(ToString::to_string).collect())
    }
    async fn run(&self, cx: &JobCtx, id: &str) -> Result<AnyOutput, StageError> {
        Ok(Box::new(Stage::run(self, cx, read_id(id)?).await?))
    }
    async fn commit(
        &self,
        tx: &mut Tx<'_>,
        id: &str,
        out: AnyOutput,
        now: WallTime,
    ) -> Result<(), StageError> {
        let out = out.downcast::<S::Output>().map_err(|_| {
            StageError::give_up(format!("{} was handed another stage's output", Stage::name(self)))
        })?;
        Stage::commit(self, tx, read_id(id)?, *out, now).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot cut clip 7")]
    struct Cut(#[source] std::io::Error);

    #[test]
    fn an_error_says_its_causes_once() {
        let disk = || std::io::Error::other("disk on fire");
        assert_eq!(StageError::retry(Cut(disk())).to_string(), "cannot cut clip 7: disk on fire");
        assert_eq!(StageError::give_up(disk()).to_string(), "disk on fire");
        assert_eq!(StageError::needs_operator("log in again").to_string(), "log in again");
    }
}
