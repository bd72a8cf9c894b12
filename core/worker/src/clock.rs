//! The real clock.

use std::time::{SystemTime, UNIX_EPOCH};

use clipmill_domain::{Clock, WallTime};

/// Answers with the machine's own time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> WallTime {
        // A clock set before 1970 reads as 1970: every due time is then past, so work goes on.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_after_the_day_this_was_written() {
        assert!(SystemClock.now() > WallTime::from_millis(1_750_000_000_000));
    }
}
