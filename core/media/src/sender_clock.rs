//! The sender's clock within an epoch: small steps ahead are time passing, others are jumps.
//!
//! A jump ends the epoch, but the next can only begin with a key frame. Until it comes, what is sent goes on without
//! the jump, so that the rest of the group is not lost.

use crate::streams::StreamKind;

/// Timestamps may step back this far by rounding: 50 ms, in microseconds.
const BACK_MICROS_MAX: i64 = 50_000;
/// A larger step ahead is a jump: 1 s, in microseconds.
const JUMP_MICROS_MAX: i64 = 1_000_000;
/// Sound this far from the pictures may be the rest of the epoch before: 300 ms, in microseconds.
const APART_MICROS: i64 = 300_000;

/// What a packet's time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes on; with a slip, if the clock jumped just now.
    Steady,
    /// The epoch ends before it.
    Jumped,
}

/// Decoding times of an epoch, in the sender's microseconds.
#[derive(Debug, Default)]
pub(crate) struct SenderClock {
    /// Last time and step taken: video, audio; slips included.
    last: [Option<(i64, i64)>; 2],
    /// What is added to the sender's time since a jump.
    slip: [i64; 2],
    /// The sender's time of the last sound of the epoch before.
    sound_before: Option<i64>,
}

impl SenderClock {
    pub(crate) fn slip_us(&self, kind: StreamKind) -> i64 {
        self.slip.get(kind as usize).copied().unwrap_or(0)
    }

    fn last(&self, kind: StreamKind) -> Option<(i64, i64)> {
        self.last.get(kind as usize).copied().flatten()
    }

    /// The clock of the epoch that follows this one.
    pub(crate) fn next(&self) -> Self {
        let sound = self.last(StreamKind::Audio).map(|(at, _)| at - self.slip_us(StreamKind::Audio));
        Self { sound_before: sound.or(self.sound_before), ..Self::default() }
    }

    /// Whether this is sound that goes on with the epoch before, and is nowhere near this one's pictures.
    pub(crate) fn astray(&mut self, kind: StreamKind, dts_us: i64) -> bool {
        let Some((pictures, _)) = self.last(StreamKind::Video) else { return false };
        if kind == StreamKind::Video || self.last(kind).is_some() {
            return false;
        }
        let goes_on =
            self.sound_before.is_some_and(|b| (-BACK_MICROS_MAX..=JUMP_MICROS_MAX).contains(&(dts_us - b)));
        let astray = goes_on && (dts_us - pictures).abs() > APART_MICROS;
        if astray {
            self.sound_before = Some(dts_us);
        }
        astray
    }

    /// Judges a packet that is about to be taken; `opens` says that an epoch could begin with it.
    pub(crate) fn step(&mut self, kind: StreamKind, dts_us: i64, opens: bool) -> Step {
        let other = if kind == StreamKind::Video { StreamKind::Audio } else { StreamKind::Video };
        let Some((last, usual)) = self.last(kind) else { return Step::Steady };
        let steady = |slip: i64| (-BACK_MICROS_MAX..=JUMP_MICROS_MAX).contains(&(dts_us + slip - last));
        let slipped = self.slip.iter().any(|s| *s != 0);
        let mine = self.slip_us(kind);
        if opens {
            return if slipped || !steady(mine) { Step::Jumped } else { Step::Steady };
        }
        let ahead = dts_us + mine > last;
        let with_pictures = |(o, _): (i64, i64)| ahead && (dts_us + mine - o).abs() <= JUMP_MICROS_MAX;
        // A hole in the sound is no jump as long as it keeps to the pictures.
        if steady(mine) || kind == StreamKind::Audio && self.last(other).is_some_and(with_pictures) {
            return Step::Steady;
        }
        let slip = Some(self.slip_us(other)).filter(|s| steady(*s)).unwrap_or(last + usual - dts_us);
        if let Some(slot) = self.slip.get_mut(kind as usize) {
            *slot = slip;
        }
        Step::Steady
    }

    /// A packet was taken; its time, slip included.
    pub(crate) fn took(&mut self, kind: StreamKind, dts_us: i64) {
        let usual = self.last(kind).map_or(0, |(last, usual)| match dts_us - last {
            step if (1..=JUMP_MICROS_MAX).contains(&step) => step,
            _ => usual,
        });
        if let Some(slot) = self.last.get_mut(kind as usize) {
            *slot = Some((dts_us, usual));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: StreamKind = StreamKind::Video;
    const A: StreamKind = StreamKind::Audio;

    fn running() -> SenderClock {
        let mut clock = SenderClock::default();
        for i in 0..10 {
            for (kind, step) in [(V, 40_000), (A, 20_000)] {
                assert_eq!(clock.step(kind, i * step, false), Step::Steady);
                clock.took(kind, i * step);
            }
        }
        clock
    }

    #[test]
    fn a_jump_inside_a_group_slips_and_the_next_key_frame_ends_the_epoch() {
        for jump in [-3_600_000_000, 5_000_000] {
            let mut clock = running();
            assert_eq!(clock.step(A, 200_000 + jump, false), Step::Steady);
            assert_eq!(clock.slip_us(A), -jump, "sound goes on without a hole");
            clock.took(A, 200_000);
            assert_eq!(clock.step(V, 400_000, false), Step::Steady);
            assert_eq!(clock.slip_us(V), 0, "pictures of before the jump stay where they are");
            clock.took(V, 400_000);
            assert_eq!(clock.step(V, 440_000 + jump, false), Step::Steady);
            assert_eq!(clock.slip_us(V), -jump, "both by as much");
            clock.took(V, 440_000);
            assert_eq!(clock.step(V, 480_000 + jump, true), Step::Jumped);
        }
    }

    #[test]
    fn a_hole_in_the_sound_is_no_jump() {
        let mut clock = running();
        for i in 10..100 {
            assert_eq!(clock.step(V, i * 40_000, i % 25 == 0), Step::Steady);
            clock.took(V, i * 40_000);
        }
        assert_eq!(clock.step(A, 3_900_000, false), Step::Steady);
        clock.took(A, 3_900_000);
        assert_eq!(clock.step(V, 4_000_000, true), Step::Steady);
    }

    #[test]
    fn sound_left_from_the_clock_before_is_astray() {
        let mut clock = running().next();
        assert_eq!(clock.step(V, 9_000_000, true), Step::Steady);
        clock.took(V, 9_000_000);
        assert!(clock.astray(A, 200_000) && clock.astray(A, 220_000));
        assert!(!clock.astray(A, 9_000_000));
        clock.took(A, 9_000_000);
        assert!(!clock.astray(A, 240_000), "a jump, by now");
    }
}
