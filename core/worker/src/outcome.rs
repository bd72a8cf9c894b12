//! What a failed attempt leads to. Pure.

use clipmill_domain::WallTime;
use clipmill_store::jobs::AfterFailure;

use crate::{retry::RetryPolicy, stage::StageError};

/// Decides after attempt number `attempt` (from 1) failed with `error` at `now`. `unit` is uniform in `0.0..1.0`.
pub(crate) fn after_failure(
    attempt: i64,
    error: &StageError,
    policy: &RetryPolicy,
    now: WallTime,
    unit: f64,
) -> AfterFailure {
    match error {
        StageError::Retry { after, .. } if policy.allows(attempt) => {
            let failures = u32::try_from(attempt).unwrap_or(u32::MAX);
            let wait = after.unwrap_or_else(|| policy.delay(failures, unit));
            AfterFailure::RetryAt(now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
        }
        StageError::Retry { .. } | StageError::GiveUp { .. } | StageError::NeedsOperator { .. } => {
            AfterFailure::Dead
        }
    }
}

/// Whether attempt number `attempt` may begin at all: attempts that killed their process were counted too, so a job
/// that takes its worker down every time ends here instead of going round for ever. A job past its attempts without
/// a `last_error` was revived by an operator, who wants one more.
pub(crate) fn may_begin(attempt: i64, last_error: Option<&str>, policy: &RetryPolicy) -> bool {
    policy.allows(attempt.saturating_sub(1)) || last_error.is_none()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        first: Duration::from_secs(2),
        factor: 2,
        ceiling: Duration::from_secs(60),
        max_attempts: 3,
    };
    const NOW: WallTime = WallTime::from_millis(1_000_000);

    #[test]
    fn retries_wait_longer_and_end() {
        let passing = StageError::retry("busy");
        let after = |attempt| after_failure(attempt, &passing, &POLICY, NOW, 1.0);
        assert_eq!(after(1), AfterFailure::RetryAt(NOW.plus_millis(2_000)));
        assert_eq!(after(2), AfterFailure::RetryAt(NOW.plus_millis(4_000)));
        assert_eq!(after(3), AfterFailure::Dead);
    }

    #[test]
    fn a_wait_asked_for_is_kept_and_hopeless_errors_end_at_once() {
        let told = StageError::retry_after(Duration::from_secs(90), "rate limited");
        assert_eq!(
            after_failure(1, &told, &POLICY, NOW, 0.3),
            AfterFailure::RetryAt(NOW.plus_millis(90_000))
        );
        for hopeless in [StageError::give_up("no video"), StageError::needs_operator("log in")] {
            assert_eq!(after_failure(1, &hopeless, &POLICY, NOW, 0.5), AfterFailure::Dead);
        }
    }

    #[test]
    fn the_attempt_after_the_last_may_not_begin() {
        assert!(may_begin(1, None, &POLICY) && may_begin(3, Some("busy"), &POLICY));
        assert!(!may_begin(4, Some("its process ended"), &POLICY));
        assert!(may_begin(4, None, &POLICY), "revived");
    }
}
