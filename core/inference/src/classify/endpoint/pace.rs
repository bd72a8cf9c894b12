//! Requests and tokens a minute, as the service allows them.

use std::{
    num::NonZeroU32,
    sync::mpsc,
    time::{Duration, Instant},
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

/// Lets calls through at the allowed pace. A minute's worth may go at once.
#[derive(Debug)]
pub(super) struct Pace {
    requests: Option<DefaultDirectRateLimiter>,
    tokens: Option<(DefaultDirectRateLimiter, NonZeroU32)>,
    clock: DefaultClock,
}

impl Pace {
    pub(super) fn new(requests: Option<NonZeroU32>, tokens: Option<NonZeroU32>) -> Self {
        let limiter = |n| RateLimiter::direct(Quota::per_minute(n));
        Self {
            requests: requests.map(limiter),
            tokens: tokens.map(|n| (limiter(n), n)),
            clock: DefaultClock::default(),
        }
    }

    /// Waits until a call of so many tokens may go; false when that would be after `ends`. A call of more than a minute's
    /// tokens counts as a minute's.
    pub(super) fn wait(&self, tokens: u64, ends: Instant) -> bool {
        let requests = || match &self.requests {
            Some(limiter) => limiter.check().map_err(|n| n.wait_time_from(self.clock.now())),
            None => Ok(()),
        };
        let tokens = || match &self.tokens {
            Some((limiter, most)) => {
                let n = u32::try_from(tokens).unwrap_or(u32::MAX).min(most.get());
                let n = NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
                match limiter.check_n(n) {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(not_until)) => Err(not_until.wait_time_from(self.clock.now())),
                    // The limiter holds a minute's worth, and `n` is no more.
                    Err(_) => Ok(()),
                }
            }
            None => Ok(()),
        };
        until(requests, ends) && until(tokens, ends)
    }
}

/// Asks again after each wait that is asked for; false when one would end after `ends`.
fn until(mut ask: impl FnMut() -> Result<(), Duration>, ends: Instant) -> bool {
    while let Err(wait) = ask() {
        if Instant::now() + wait >= ends {
            return false;
        }
        pause(wait);
    }
    true
}

/// Nothing for so long. Callers have a deadline and wait within it.
pub(super) fn pause(time: Duration) {
    let (_nobody, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(n: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(n)
    }

    #[test]
    fn a_minutes_worth_goes_at_once_and_then_there_is_no_room_before_the_deadline() {
        let soon = || Instant::now() + Duration::from_millis(50);
        let pace = Pace::new(n(3), None);
        let let_through = (0..9).filter(|_| pace.wait(u64::MAX, soon())).count();
        assert_eq!(let_through, 3);
        let pace = Pace::new(None, n(1000));
        assert!(pace.wait(600, soon()) && !pace.wait(600, soon()) && pace.wait(300, soon()));
        let pace = Pace::new(None, n(10));
        assert!(pace.wait(5_000_000_000, soon()), "more than a minute's worth still goes, once");
        assert!(!pace.wait(1, soon()));
        let pace = Pace::new(None, None);
        assert!((0..1000).all(|_| pace.wait(u64::MAX, Instant::now())));
    }
}
