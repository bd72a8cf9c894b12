//! What the recorder decides: pure functions from what it knows to what it does.

use std::time::{Duration, Instant};

use clipmill_domain::{MediaTime, WallTime, recording::EndReason, source::AutoStop};

/// The end of a live recording, as far as rows tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Wall time of its media time zero.
    pub started_at: WallTime,
    /// Media time at which its last part ends; `None` without parts.
    pub last_end: Option<MediaTime>,
    /// Wall time at which media was last taken.
    pub last_heard: WallTime,
}

/// What a new connection of a source records into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// A new recording; the source has no live one.
    New,
    /// A new epoch of the live recording.
    Continue,
    /// The live recording is over for this reason; then a new one.
    EndThenNew(EndReason),
}

/// Whether media that arrives at `now` belongs to the live recording with this `tail`. A source that plays
/// `from_start` on every opening (a file) is never continued: it would repeat itself.
pub fn join(tail: Option<&Tail>, now: WallTime, quiet_end: Duration, from_start: bool) -> Join {
    match tail {
        None => Join::New,
        Some(_) if from_start => Join::EndThenNew(EndReason::Crashed),
        Some(t) if is_quiet(t, now, quiet_end) => Join::EndThenNew(EndReason::Quiet),
        Some(_) => Join::Continue,
    }
}

/// Whether a recording without a connection has been quiet for long enough to be over.
pub fn is_quiet(tail: &Tail, now: WallTime, quiet_end: Duration) -> bool {
    now.millis_since(tail.last_heard) >= i64::try_from(quiet_end.as_millis()).unwrap_or(i64::MAX)
}

/// Media time of an epoch whose first key frame arrived at `arrival`: the wall time since the recording began,
/// and never before the end of what is recorded already (media may have come faster than real time, or the
/// clock may have stepped back).
pub fn media_start(tail: &Tail, arrival: WallTime) -> MediaTime {
    let by_wall = MediaTime::from_micros(arrival.millis_since(tail.started_at).saturating_mul(1000));
    by_wall.max(tail.last_end.unwrap_or(MediaTime::ZERO)).max(MediaTime::ZERO)
}

/// How a recording ends with its epoch, if it does. Only an end that the source itself declared is one; drops,
/// stalls, changes, a full disk and shutdowns leave the recording to be continued or to fall quiet.
pub fn recording_end(epoch_end: EndReason) -> Option<EndReason> {
    match epoch_end {
        EndReason::Finished => Some(EndReason::Finished),
        _ => None,
    }
}

/// Whether recording may go on with `free` bytes on the disk.
pub fn has_room(free: u64, floor: u64) -> bool {
    free >= floor
}

const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long to wait before a pull source is opened again after `failures` failures in a row: at once, then
/// 0.5, 1, 2, 4 … 30 s, each shortened by up to a quarter. `unit` is uniform in `0.0..1.0`.
pub fn backoff(failures: u32, unit: f64) -> Duration {
    let Some(steps) = failures.checked_sub(1) else { return Duration::ZERO };
    let whole = Duration::from_millis(500).saturating_mul(1 << steps.min(10)).min(LONGEST_WAIT);
    whole.mul_f64(1.0 - unit.clamp(0.0, 1.0) / 4.0)
}

/// How often a server is looked for, in waits that are longer than that.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// One that could not be reached: by one TCP handshake, no request. That is less than what a single viewer costs
    /// it, and it makes the difference between half a second and half a minute lost.
    pub knock: Duration,
    /// One that can be reached is asked for the stream, at most so often; see [`Pace::ask`].
    pub ask: Duration,
}

/// The pace of the service.
pub const PACE: Pace = Pace { knock: Duration::from_millis(500), ask: Duration::from_secs(1) };

impl Pace {
    /// When to ask again, after no media has come for `outage`: in a tenth of that, but not later than after the longest
    /// wait. That is ten requests in the first ten seconds, some forty in the first five minutes, then no more than
    /// the tries themselves.
    pub fn ask(self, outage: Duration) -> Duration {
        (outage / 10).clamp(self.ask, LONGEST_WAIT.max(self.ask))
    }
}

/// An opening that takes longer is looked into: the server may have been mended since, and answer others.
pub const HANGING: Duration = Duration::from_secs(1);

/// Media that flowed for so long makes a connection a good one: it gave a whole part, and is worth what it cost.
pub const GOOD: Duration = Duration::from_secs(2);

/// Counts the failures in a row of a pull source.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retries(u32);

impl Retries {
    /// How long to wait after a try in which media flowed for `flowed`. After a good connection the next is made at
    /// once; a server that takes connections only to close them is asked less and less often.
    pub fn wait(&mut self, flowed: Duration, unit: f64) -> Duration {
        self.0 = if flowed >= GOOD { 0 } else { self.0.saturating_add(1) };
        backoff(self.0, unit)
    }

    /// The server is back: what failed before says nothing of it.
    pub fn forget(&mut self) {
        self.0 = 0;
    }
}

/// What a pull knows of the fault it is in, from one try to the next.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    since: Instant,
    unreachable: bool,
    gave_up: bool,
}

impl Fault {
    /// A pull that begins `now`.
    pub fn new(now: Instant) -> Self {
        Self { since: now, unreachable: false, gave_up: false }
    }

    /// When media was last known to flow, or else when the pull began.
    pub fn silent_since(&self) -> Instant {
        self.since
    }

    /// Whether an opening that hangs may be given up when the server is found to be back, which has been silent since
    /// then. Once in a fault at most: a slow server must not be left again and again.
    pub fn hurry(&self) -> Option<Instant> {
        (!self.gave_up).then_some(self.since)
    }

    /// Learns from a try that ended `now`: how long media flowed, whether no server was reached, whether it was given
    /// up because the server is back. Whether it reached a server that had been away: failures to reach it say
    /// nothing of what comes.
    pub fn learn(&mut self, now: Instant, flowed: Duration, unreachable: bool, gave_up: bool) -> bool {
        let back = self.unreachable && !unreachable;
        if flowed > Duration::ZERO {
            self.since = now;
        }
        self.gave_up = (self.gave_up || gave_up) && flowed < GOOD;
        self.unreachable = unreachable;
        back
    }
}

/// Which of its source's rules ends a recording that began `age_ms` ago and has `bytes`, if one does.
pub fn limit(stop: &AutoStop, age_ms: i64, bytes: u64) -> Option<EndReason> {
    if stop.after_minutes.is_some_and(|m| age_ms >= i64::from(m) * 60_000) {
        return Some(EndReason::TimeLimit);
    }
    stop.after_gigabytes
        .is_some_and(|g| bytes >= u64::from(g).saturating_mul(1_000_000_000))
        .then_some(EndReason::SizeLimit)
}

/// How long nothing may come until a recording is over, by the source's rule or else the service's.
pub fn quiet_end(stop: &AutoStop, usual: Duration) -> Duration {
    stop.quiet_minutes.map_or(usual, |m| Duration::from_secs(u64::from(m) * 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUIET: Duration = Duration::from_secs(300);

    fn tail(last_end: Option<i64>, last_heard: i64) -> Tail {
        Tail {
            started_at: WallTime::from_millis(1_000_000),
            last_end: last_end.map(MediaTime::from_micros),
            last_heard: WallTime::from_millis(last_heard),
        }
    }

    #[test]
    fn a_drop_shorter_than_the_quiet_time_continues_and_a_longer_one_begins_anew() {
        let t = tail(Some(5_000_000), 1_005_000);
        let at = |ms| WallTime::from_millis(ms);
        assert_eq!(join(None, at(0), QUIET, false), Join::New);
        assert_eq!(join(Some(&t), at(1_304_999), QUIET, false), Join::Continue);
        assert_eq!(join(Some(&t), at(1_305_000), QUIET, false), Join::EndThenNew(EndReason::Quiet));
        assert_eq!(join(Some(&t), at(1_005_001), QUIET, true), Join::EndThenNew(EndReason::Crashed));
    }

    #[test]
    fn gaps_are_wall_time_and_time_never_runs_back() {
        let at = |ms| WallTime::from_millis(ms);
        assert_eq!(media_start(&tail(Some(5_000_000), 0), at(1_012_000)).as_micros(), 12_000_000);
        assert_eq!(
            media_start(&tail(Some(5_000_000), 0), at(1_004_000)).as_micros(),
            5_000_000,
            "came in a burst"
        );
        assert_eq!(media_start(&tail(None, 0), at(900_000)), MediaTime::ZERO, "the clock stepped back");
    }

    #[test]
    fn only_a_declared_end_ends_the_recording() {
        use EndReason as R;
        for r in [
            R::Disconnected,
            R::Stalled,
            R::FormatChanged,
            R::TimestampJump,
            R::Stopped,
            R::Crashed,
            R::DiskFull,
            R::TimeLimit,
            R::WindowEnd,
        ] {
            assert_eq!(recording_end(r), None, "{r:?}");
        }
        assert_eq!(recording_end(R::Finished), Some(R::Finished));
    }

    #[test]
    fn waits_grow_to_thirty_seconds() {
        let ms: Vec<u128> = (0..9).map(|n| backoff(n, 0.0).as_millis()).collect();
        assert_eq!(ms, [0, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(backoff(u32::MAX, 1.0), Duration::from_millis(22_500));
    }

    #[test]
    fn a_dropped_connection_is_made_again_at_once_and_then_less_and_less_often() {
        let s = Duration::from_secs;
        let mut r = Retries::default();
        let waits: Vec<_> = (0..4).map(|_| r.wait(s(0), 0.0).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000], "it never came up");
        assert_eq!(r.wait(s(5), 0.0), Duration::ZERO, "it was up, so at once");
        let waits: Vec<_> = (0..3).map(|_| r.wait(s(1), 0.0).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000]);
    }

    #[test]
    fn a_fault_is_over_with_good_media_and_a_server_that_was_away_is_noticed() {
        let (begun, none) = (Instant::now(), Duration::ZERO);
        let at = |s| begun + Duration::from_secs(s);
        let mut fault = Fault::new(begun);
        assert!(!fault.learn(at(1), none, true, false), "nobody is there");
        assert!(!fault.learn(at(2), none, true, false), "nor now");
        assert!(fault.learn(at(3), none, false, false), "it answers, if with an error");
        assert!(!fault.learn(at(4), none, false, false), "that is no news any more");
        assert_eq!((fault.silent_since(), fault.hurry()), (begun, Some(begun)));
        fault.learn(at(5), none, false, true);
        assert_eq!(fault.hurry(), None, "given up once");
        fault.learn(at(7), GOOD / 2, false, false);
        assert_eq!((fault.silent_since(), fault.hurry()), (at(7), None), "a little media is no end of it");
        fault.learn(at(12), GOOD, false, false);
        assert_eq!(fault.hurry(), Some(at(12)));
    }

    #[test]
    fn a_server_is_asked_less_and_less_often() {
        let s = Duration::from_secs;
        let asked_in = |whole: Duration| {
            let (mut at, mut asked) = (Duration::ZERO, 0);
            while at < whole {
                at += PACE.ask(at);
                asked += 1;
            }
            asked
        };
        assert_eq!(asked_in(s(10)), 10);
        assert!(asked_in(s(300)) <= 50, "{}", asked_in(s(300)));
        assert_eq!(PACE.ask(s(86_400)), s(30));
    }

    #[test]
    fn rules_end_a_recording_when_they_are_reached() {
        let stop = AutoStop { after_minutes: Some(60), after_gigabytes: Some(2), ..AutoStop::default() };
        assert_eq!(limit(&stop, 3_599_999, 1_999_999_999), None);
        assert_eq!(limit(&stop, 3_600_000, 0), Some(EndReason::TimeLimit));
        assert_eq!(limit(&stop, 0, 2_000_000_000), Some(EndReason::SizeLimit));
        assert_eq!(limit(&AutoStop::default(), i64::MAX, u64::MAX), None);
        assert_eq!(quiet_end(&stop, QUIET), QUIET);
        let own = AutoStop { quiet_minutes: Some(2), ..stop };
        assert_eq!(quiet_end(&own, QUIET), Duration::from_secs(120));
    }

    proptest! {
        /// Whatever a server does, it is asked at once only after a good connection, and less and less often the
        /// longer it is asked in vain.
        #[test]
        fn a_server_is_never_hammered(tries in prop::collection::vec((0u64..12_000, 0.0f64..1.0), 1..200)) {
            let (mut r, mut failed) = (Retries::default(), 0u32);
            for (flowed_ms, unit) in tries {
                let flowed = Duration::from_millis(flowed_ms);
                let wait = r.wait(flowed, unit);
                failed = if flowed >= GOOD { 0 } else { failed + 1 };
                prop_assert_eq!(wait.is_zero(), failed == 0);
                let full = Duration::from_millis(500u64 << failed.saturating_sub(1).min(6)).min(Duration::from_secs(30));
                if failed > 0 {
                    prop_assert!(wait <= full && wait >= full.mul_f64(0.75), "{failed} failures: {wait:?}");
                }
            }
        }

        /// Over any series of epochs with outages, bursts and clock steps, media time is ordered and, while the
        /// clock is honest and media comes in real time, a gap is as long as the outage.
        #[test]
        fn media_time_of_epochs_is_ordered_and_true_to_the_wall(
            epochs in prop::collection::vec((0i64..600_000, 0i64..600_000, 0i64..700_000, -20_000i64..20_000), 1..30),
        ) {
            let start = WallTime::from_millis(1_700_000_000_000);
            let mut t = Tail { started_at: start, last_end: None, last_heard: start };
            let mut wall = start;
            let mut honest = true;
            for (outage_ms, media_ms, took_ms, step_ms) in epochs {
                wall = wall.plus_millis(outage_ms + if step_ms.abs() > 15_000 { step_ms } else { 0 });
                honest &= step_ms.abs() <= 15_000;
                let at = media_start(&t, wall);
                prop_assert!(at >= t.last_end.unwrap_or(MediaTime::ZERO));
                if honest {
                    prop_assert_eq!(at.as_micros(), wall.millis_since(start) * 1000);
                }
                t.last_end = Some(at + media_ms * 1000);
                wall = wall.plus_millis(took_ms);
                honest &= media_ms <= took_ms;
            }
        }

        #[test]
        fn waits_are_bounded(failures: u32, unit in 0.0f64..1.0) {
            prop_assert!(backoff(failures, unit) <= Duration::from_secs(30));
        }
    }
}
