//! How long to wait before a failed attempt is tried again. Pure: the caller brings the randomness.

use std::time::Duration;

/// Exponential back-off with a ceiling and jitter, and the number of attempts after which a job is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Wait after the first failed attempt.
    pub first: Duration,
    /// The wait is multiplied by this after every further failure.
    pub factor: u32,
    /// No wait is longer than this.
    pub ceiling: Duration,
    /// Attempts, the first included, after which the job is dead. At least 1.
    pub max_attempts: u32,
}

impl Default for RetryPolicy {
    /// 1 s, 4 s, 16 s, 64 s, then dead: a passing fault is ridden out within a minute and a half.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            factor: 4,
            ceiling: Duration::from_secs(15 * 60),
            max_attempts: 5,
        }
    }
}

impl RetryPolicy {
    /// The wait after the `failures`-th failed attempt in a row (1 is the first): between half and the whole of
    /// `first * factor^(failures - 1)`, never above `ceiling`. `unit` is uniform in `0.0..1.0`.
    pub fn delay(&self, failures: u32, unit: f64) -> Duration {
        let steps = failures.saturating_sub(1).min(64);
        let mut whole = self.first.min(self.ceiling);
        for _ in 0..steps {
            whole = whole.saturating_mul(self.factor.max(1)).min(self.ceiling);
        }
        jittered(whole, unit)
    }

    /// Whether another attempt is allowed after `used` attempts that count.
    pub fn allows(&self, used: i64) -> bool {
        used < i64::from(self.max_attempts.max(1))
    }
}

/// Between half of `whole` and `whole`. `unit` is uniform in `0.0..1.0`; anything else is clamped.
pub fn jittered(whole: Duration, unit: f64) -> Duration {
    let unit = if unit.is_finite() { unit.clamp(0.0, 1.0) } else { 0.0 };
    whole.mul_f64(0.5 + unit / 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        first: Duration::from_secs(1),
        factor: 2,
        ceiling: Duration::from_secs(30),
        max_attempts: 3,
    };

    #[test]
    fn the_wait_doubles_up_to_the_ceiling() {
        let whole: Vec<u64> = (1..=7).map(|n| POLICY.delay(n, 1.0).as_secs()).collect();
        assert_eq!(whole, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(POLICY.delay(3, 0.0), Duration::from_secs(2));
        assert_eq!(POLICY.delay(u32::MAX, 1.0), Duration::from_secs(30));
    }

    #[test]
    fn attempts_are_bounded() {
        assert!(POLICY.allows(2) && !POLICY.allows(3));
        assert!(RetryPolicy { max_attempts: 0, ..POLICY }.allows(0), "one attempt is always made");
    }

    proptest! {
        #[test]
        fn jitter_stays_between_half_and_whole(failures in 1u32..100, unit in 0.0f64..1.0) {
            let (low, high) = (POLICY.delay(failures, 0.0), POLICY.delay(failures, 1.0));
            let got = POLICY.delay(failures, unit);
            prop_assert!(low <= got && got <= high && high <= POLICY.ceiling);
            prop_assert!(low * 2 >= high - Duration::from_nanos(2));
        }
    }
}
