//! What to do when a child process ends. Pure.

use std::time::Duration;

/// Exit code (`EX_CONFIG`) by which a child says that its configuration is wrong: starting it again cannot help.
pub const CONFIGURATION_EXIT: i32 = 78;

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By a signal, or in a way the system does not tell.
    Signal,
}

/// Waits between restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Wait before the first restart.
    pub first: Duration,
    /// The wait doubles with every quick end, up to this.
    pub ceiling: Duration,
    /// A child that was up for this long starts again at `first`.
    pub reset_after: Duration,
}

impl Default for RestartPolicy {
    /// 0.2 s doubling to 10 s, forgotten after 30 s up.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            ceiling: Duration::from_secs(10),
            reset_after: Duration::from_secs(30),
        }
    }
}

/// The supervisor's next move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A stop was asked for: let it be over.
    Over,
    /// Start it again after `wait`.
    Restart {
        /// How long to wait first.
        wait: Duration,
    },
    /// Stop every child and report the configuration error.
    Fatal,
}

/// Decides after an exit: `up` is how long the child lived, `last_wait` the wait before that life (`None` for the
/// first), `stopping` whether the whole family is being stopped.
pub fn next(
    exit: Exit,
    up: Duration,
    last_wait: Option<Duration>,
    stopping: bool,
    policy: &RestartPolicy,
) -> Next {
    match (stopping, exit) {
        (true, _) => Next::Over,
        (false, Exit::Code(CONFIGURATION_EXIT)) => Next::Fatal,
        (false, Exit::Code(_) | Exit::Signal) => {
            let wait = match last_wait {
                Some(last) if up < policy.reset_after => last.saturating_mul(2).min(policy.ceiling),
                _ => policy.first,
            };
            Next::Restart { wait }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RestartPolicy = RestartPolicy {
        first: Duration::from_millis(200),
        ceiling: Duration::from_secs(10),
        reset_after: Duration::from_secs(30),
    };

    #[test]
    fn quick_ends_double_the_wait_and_a_long_life_resets_it() {
        let mut last = None;
        let mut waits = Vec::new();
        for _ in 0..8 {
            let Next::Restart { wait } = next(Exit::Signal, Duration::from_secs(1), last, false, &POLICY)
            else {
                panic!("a killed child comes back")
            };
            waits.push(wait.as_millis());
            last = Some(wait);
        }
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        let after_long_life = next(Exit::Code(1), Duration::from_secs(30), last, false, &POLICY);
        assert_eq!(after_long_life, Next::Restart { wait: POLICY.first });
    }

    #[test]
    fn a_configuration_error_is_fatal_unless_a_stop_was_asked_for() {
        assert_eq!(next(Exit::Code(78), Duration::ZERO, None, false, &POLICY), Next::Fatal);
        assert_eq!(next(Exit::Code(78), Duration::ZERO, None, true, &POLICY), Next::Over);
        assert_eq!(next(Exit::Code(0), Duration::ZERO, None, true, &POLICY), Next::Over);
        assert_eq!(
            next(Exit::Code(0), Duration::ZERO, None, false, &POLICY),
            Next::Restart { wait: POLICY.first }
        );
    }
}
