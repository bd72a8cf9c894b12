//! How work moves: stages run as jobs, followers run as loops, child processes are kept alive.
//!
//! - A [`Stage`] is `find` → `run` → `commit`. The tick asks every stage what lacks its output and keeps one row for
//!   each such input; due rows become tickets in a [`queue`]; a ticket begins an attempt; an attempt runs under a
//!   deadline, beats its lease, and commits its output together with the end of the job, fenced by its number.
//!   When and whether a job runs is in its row, never in the queue: the queue may be lost.
//! - A [`Follower`] is stepped over every recording that it has not finished, live ones first, and writes its output
//!   and its position in one transaction.
//! - The [`supervise`] module keeps child processes alive.
//!
//! A crash at any point repeats work and doubles no output.

mod clock;
mod context;
mod engine;
mod follower;
mod outcome;
pub mod queue;
mod retry;
mod runner;
mod stage;
mod status;
pub mod supervise;
mod tick;
mod wake;

pub use clock::SystemClock;
pub use context::JobCtx;
pub use engine::{Engine, EngineBuilder, EngineOptions, WorkerError};
pub use follower::{FollowCtx, Follower, Progress};
pub use queue::Lease;
pub use retry::{RetryPolicy, jittered};
pub use stage::{BoxError, QueueName, Stage, StageError};
pub use status::{EngineStatus, FollowerStatus, RunningJob, StatusHandle, job_counts};
pub use wake::{Listener, Wake};
