//! The gap map: which stretches of a recording hold no media, computed from its parts alone.

use serde::{Deserialize, Serialize};

use crate::{
    EpochId, Span,
    recording::{EndReason, Epoch, Part},
};

/// Holes shorter than this are frame-time jitter at a part boundary, not a gap: 200 ms in microseconds.
pub const GAP_MICROS_MIN: i64 = 200_000;

/// A stretch of media time without media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The stretch missing.
    pub span: Span,
    /// Why the epoch before it ended, where it is known.
    pub reason: Option<EndReason>,
}

/// The gaps between `parts` (in `seq` order), explained by the `epochs` they belong to.
pub fn gap_map(parts: &[Part], epochs: &[Epoch]) -> Vec<Gap> {
    let reason = |id: EpochId| epochs.iter().find(|e| e.id == id).and_then(|e| e.end_reason);
    parts
        .windows(2)
        .filter_map(|w| {
            let [before, after] = w else { return None };
            let span = Span::new(before.span.end(), after.span.start()).ok()?;
            let differ = before.epoch_id != after.epoch_id;
            (span.micros() >= GAP_MICROS_MIN)
                .then(|| Gap { span, reason: if differ { reason(before.epoch_id) } else { None } })
        })
        .collect()
}

/// The share of `[first start, last end]` that the parts cover, 0 to 1; 1 for no parts.
pub fn coverage(parts: &[Part], gaps: &[Gap]) -> f64 {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return 1.0 };
    let whole = (last.span.end() - first.span.start()).max(1);
    let lost: i64 = gaps.iter().map(|g| g.span.micros()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
    let share = 1.0 - lost as f64 / whole as f64;
    share
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Id, MediaTime, PartId, RecordingId, WallTime, recording::Tracks};

    fn part(epoch: EpochId, seq: i64, start: i64, end: i64) -> Part {
        let now = WallTime::from_millis(0);
        Part {
            id: PartId::new_at(now),
            recording_id: RecordingId::new_at(now),
            epoch_id: epoch,
            seq,
            path: String::new(),
            bytes: 1,
            span: Span::new(MediaTime::from_micros(start), MediaTime::from_micros(end)).unwrap(),
            key_frames: vec![],
            wall_start: now,
            removed_at: None,
        }
    }

    #[test]
    fn a_drop_between_epochs_is_one_gap_with_its_reason() {
        let now = WallTime::from_millis(0);
        let (a, b) = (EpochId::new_at(now), EpochId::new_at(now));
        let parts =
            [part(a, 0, 0, 2_000_000), part(a, 1, 2_000_000, 4_000_000), part(b, 2, 7_000_000, 9_000_000)];
        let epoch = Epoch {
            id: a,
            recording_id: parts[0].recording_id,
            seq: 0,
            init_path: String::new(),
            tracks: Tracks::default(),
            media_start: MediaTime::ZERO,
            started_at: now,
            end_reason: Some(EndReason::Disconnected),
        };
        let gaps = gap_map(&parts, &[epoch]);
        assert_eq!(gaps.len(), 1);
        assert_eq!(
            (gaps[0].span.start().as_micros(), gaps[0].span.end().as_micros()),
            (4_000_000, 7_000_000)
        );
        assert_eq!(gaps[0].reason, Some(EndReason::Disconnected));
        assert!((coverage(&parts, &gaps) - 6.0 / 9.0).abs() < 1e-9);
    }

    proptest! {
        /// Parts and gaps together tile the recording: lengths add up when no hole is below the limit.
        #[test]
        fn parts_and_gaps_tile_the_recording(steps in prop::collection::vec((1i64..5_000_000, prop_oneof![Just(0i64), GAP_MICROS_MIN..60_000_000]), 1..40)) {
            let e = EpochId::new_at(WallTime::from_millis(0));
            let mut at = 0;
            let mut parts = vec![];
            for (seq, (len, hole)) in (0i64..).zip(steps) {
                parts.push(part(e, seq, at, at + len));
                at += len + hole;
            }
            let gaps = gap_map(&parts, &[]);
            let sum: i64 = parts.iter().map(|p| p.span.micros()).sum::<i64>() + gaps.iter().map(|g| g.span.micros()).sum::<i64>();
            prop_assert_eq!(sum, parts.last().unwrap().span.end() - parts[0].span.start());
        }
    }
}
