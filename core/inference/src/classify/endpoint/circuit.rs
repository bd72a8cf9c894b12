//! When a service that fails is left alone. Pure: the time is given.

use std::time::{Duration, Instant};

/// Failures in a row after which it is left alone.
const FAILURES: u32 = 3;

/// How long it is left alone at first; each failure afterwards doubles it.
const PAUSE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(600));

/// Knows whether a service may be asked.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    /// Until when nobody asks, and whether somebody then tries.
    left_alone_until: Option<Instant>,
}

impl Circuit {
    /// Whether to ask. After a pause the first caller is let through, and the others wait for what it finds (or for the
    /// pause to pass once more, in case it finds nothing).
    pub(super) fn may_ask(&mut self, now: Instant) -> bool {
        match self.left_alone_until {
            Some(until) if now < until => false,
            Some(_) => {
                self.left_alone_until = Some(now + self.pause());
                true
            }
            None => true,
        }
    }

    /// It answered.
    pub(super) fn went_well(&mut self) {
        *self = Self::default();
    }

    /// It failed; with `for_good`, in a way that another try does not mend. True when it is left alone from now on and was
    /// not before.
    pub(super) fn failed(&mut self, now: Instant, for_good: bool) -> bool {
        let was_open = self.left_alone_until.is_some();
        self.failures = (self.failures + 1).max(if for_good { FAILURES } else { 0 });
        if self.failures >= FAILURES {
            self.left_alone_until = Some(now + self.pause());
        }
        !was_open && self.left_alone_until.is_some()
    }

    fn pause(&self) -> Duration {
        let doublings = self.failures.saturating_sub(FAILURES).min(16);
        (PAUSE.0 * (1 << doublings)).min(PAUSE.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_three_failures_lets_one_try_and_closes_when_that_went_well() {
        let (mut c, start) = (Circuit::default(), Instant::now());
        assert!(!c.failed(start, false) && !c.failed(start, false) && c.may_ask(start));
        assert!(c.failed(start, false), "told once");
        assert!(!c.may_ask(start + PAUSE.0 / 2));
        let later = start + PAUSE.0;
        assert!(c.may_ask(later) && !c.may_ask(later), "one tries");
        assert!(!c.failed(later, false), "not told again");
        assert!(!c.may_ask(later + PAUSE.0) && c.may_ask(later + 2 * PAUSE.0), "the pause doubles");
        c.went_well();
        assert!(c.may_ask(later) && c.may_ask(later));
        assert!(!c.failed(later, false), "and counting begins anew");
    }

    #[test]
    fn what_no_try_mends_opens_it_at_once_and_pauses_are_bounded() {
        let (mut c, mut now) = (Circuit::default(), Instant::now());
        assert!(c.failed(now, true));
        for _ in 0..40 {
            assert!(!c.may_ask(now));
            now += PAUSE.1;
            assert!(c.may_ask(now));
            c.failed(now, false);
        }
    }
}
