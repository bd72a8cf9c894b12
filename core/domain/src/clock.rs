//! The seam through which the rest of the program reads the time.

use crate::WallTime;

/// Where "now" comes from. The real one lives outside this crate; tests pass a fixed one.
pub trait Clock: Send + Sync {
    /// The present instant, UTC.
    fn now(&self) -> WallTime;
}

/// A clock that stands still, for tests and for planning with a given "now".
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(
    /// The instant it always answers.
    pub WallTime,
);

impl Clock for FixedClock {
    fn now(&self) -> WallTime {
        self.0
    }
}
