//! What recordings cost: hours, bytes and gaps by source, and how long the disk lasts at the present rate.

use crate::{RecordingId, SourceId, WallTime, retention::DAY_MS};

/// The present rate is taken over so many days.
pub const RATE_DAYS: i64 = 7;

/// A sum over parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub parts: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Media time they cover, in microseconds.
    pub micros: i64,
}

impl Amount {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            parts: self.parts + other.parts,
            bytes: self.bytes + other.bytes,
            micros: self.micros + other.micros,
        }
    }
}

/// Bytes for people, in decimal units: `12.3 GB`, `4.5 MB`, `6 kB`.
pub fn size_words(bytes: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for display")]
    let b = bytes as f64;
    match bytes {
        1_000_000_000.. => format!("{:.1} GB", b / 1e9),
        1_000_000.. => format!("{:.1} MB", b / 1e6),
        _ => format!("{:.0} kB", b / 1e3),
    }
}

/// The sums of one recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingSums {
    /// The recording.
    pub id: RecordingId,
    /// Its source.
    pub source_id: SourceId,
    /// When it began.
    pub started_at: WallTime,
    /// When it ended; `None` while live.
    pub ended_at: Option<WallTime>,
    /// Whether it is under a legal hold.
    pub held: bool,
    /// Parts whose files are there.
    pub kept: Amount,
    /// Parts that a retention rule removed.
    pub removed: Amount,
    /// From the first to the last instant of media, gaps included, in microseconds.
    pub extent_us: i64,
}

impl RecordingSums {
    /// Everything ever recorded, removed or not.
    pub fn recorded(&self) -> Amount {
        self.kept.plus(self.removed)
    }
}

/// What one source cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceCost {
    /// The source.
    pub source_id: SourceId,
    /// Its recordings.
    pub recordings: i64,
    /// Parts whose files are there.
    pub kept: Amount,
    /// Everything ever recorded.
    pub recorded: Amount,
    /// Media time without media, in microseconds.
    pub gap_us: i64,
    /// Bytes of recordings under a legal hold.
    pub held_bytes: i64,
}

impl SourceCost {
    /// Bytes of an hour of media, over everything it recorded; `None` before the first part.
    pub fn bytes_per_hour(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a rate for display")]
        let rate = |a: Amount| a.bytes as f64 / (a.micros as f64 / 3.6e9);
        (self.recorded.micros > 0).then(|| rate(self.recorded))
    }
}

/// Sums by source, the largest on disk first.
pub fn by_source(recordings: &[RecordingSums]) -> Vec<SourceCost> {
    let mut costs = std::collections::BTreeMap::new();
    for r in recordings {
        let cost = costs.entry(r.source_id).or_insert(SourceCost {
            source_id: r.source_id,
            recordings: 0,
            kept: Amount::default(),
            recorded: Amount::default(),
            gap_us: 0,
            held_bytes: 0,
        });
        cost.recordings += 1;
        cost.kept = cost.kept.plus(r.kept);
        cost.recorded = cost.recorded.plus(r.recorded());
        cost.gap_us += (r.extent_us - r.recorded().micros).max(0);
        cost.held_bytes += if r.held { r.kept.bytes } else { 0 };
    }
    let mut costs: Vec<SourceCost> = costs.into_values().collect();
    costs.sort_by_key(|c| (std::cmp::Reverse(c.kept.bytes), c.source_id));
    costs
}

/// Bytes recorded a day, over the last [`RATE_DAYS`] days, or since the first recording when that is less (but at least
/// a day). A recording counts by the share of its time that lies in there.
pub fn bytes_per_day(recordings: &[RecordingSums], now: WallTime) -> i64 {
    let Some(first) = recordings.iter().map(|r| r.started_at).min() else { return 0 };
    let window_ms = now.millis_since(first).clamp(DAY_MS, RATE_DAYS * DAY_MS);
    let from = now.plus_millis(-window_ms);
    let bytes: i128 = recordings
        .iter()
        .map(|r| {
            let end = r.ended_at.unwrap_or(now).min(now);
            let whole_ms = end.millis_since(r.started_at).max(1);
            let inside_ms = end.millis_since(r.started_at.max(from)).clamp(0, whole_ms);
            i128::from(r.recorded().bytes) * i128::from(inside_ms) / i128::from(whole_ms)
        })
        .sum();
    i64::try_from(bytes * i128::from(DAY_MS) / i128::from(window_ms)).unwrap_or(i64::MAX)
}

/// Days until the disk is down to `floor_bytes`, when nothing is removed; `None` when nothing is being recorded.
pub fn days_left(free_bytes: i64, floor_bytes: i64, bytes_per_day: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a forecast for display")]
    let days = |usable: i64| usable as f64 / bytes_per_day as f64;
    (bytes_per_day > 0).then(|| days(free_bytes.saturating_sub(floor_bytes).max(0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Id;

    const NOW: WallTime = WallTime::from_millis(1_790_000_000_000);

    fn sums(source_id: SourceId, from_days: f64, to_days: Option<f64>, bytes: i64) -> RecordingSums {
        #[expect(clippy::cast_possible_truncation, reason = "a test's days")]
        let ago = |days: f64| NOW.plus_millis((-days * DAY_MS as f64) as i64);
        let amount = |bytes| Amount { parts: 1, bytes, micros: 1_800_000_000 };
        RecordingSums {
            id: RecordingId::new_at(NOW),
            source_id,
            started_at: ago(from_days),
            ended_at: to_days.map(ago),
            held: false,
            kept: amount(bytes),
            removed: Amount::default(),
            extent_us: 1_860_000_000,
        }
    }

    #[test]
    fn a_source_is_charged_for_its_own_and_removed_parts_count_as_recorded() {
        let (a, b) = (SourceId::new_at(NOW), SourceId::new_at(NOW));
        let mut old = sums(a, 3.0, Some(2.0), 100);
        old.removed = Amount { parts: 9, bytes: 900, micros: 1_800_000_000 };
        old.extent_us = 3_600_000_000;
        let held = RecordingSums { held: true, ..sums(b, 2.0, Some(1.0), 400) };
        let costs = by_source(&[old, sums(a, 1.0, None, 50), held]);
        assert_eq!(costs[0].source_id, b, "the largest first");
        assert_eq!((costs[0].held_bytes, costs[1].held_bytes), (400, 0));
        assert_eq!((costs[1].recordings, costs[1].kept.bytes, costs[1].recorded.bytes), (2, 150, 1050));
        assert_eq!(costs[1].gap_us, 60_000_000, "removed parts are no gap");
        assert!((costs[1].bytes_per_hour().unwrap() - 700.0).abs() < 1e-9);
        let nothing = RecordingSums { kept: Amount::default(), ..sums(a, 1.0, None, 0) };
        assert_eq!(by_source(&[nothing])[0].bytes_per_hour(), None);
    }

    #[test]
    fn the_rate_counts_the_last_week_only() {
        let a = SourceId::new_at(NOW);
        assert_eq!(bytes_per_day(&[], NOW), 0);
        // Two days long, one of them inside the week; and a live one of half a day.
        let week = [sums(a, 8.0, Some(6.0), 1400), sums(a, 0.5, None, 700)];
        assert_eq!(bytes_per_day(&week, NOW), 200);
        assert_eq!(bytes_per_day(&[sums(a, 0.1, None, 50)], NOW), 50, "a first hour is not made a day of");
        assert_eq!(bytes_per_day(&[sums(a, 99.0, Some(98.0), 5000)], NOW), 0);
        assert_eq!(days_left(1000, 200, 400), Some(2.0));
        assert_eq!((days_left(100, 200, 400), days_left(100, 0, 0)), (Some(0.0), None));
    }

    proptest! {
        #[test]
        fn the_rate_never_exceeds_what_was_recorded(list in prop::collection::vec((0.0f64..20.0, 0.0f64..20.0, 0i64..1_000_000), 0..9)) {
            let a = SourceId::new_at(NOW);
            let all: Vec<_> = list.iter().map(|(x, y, b)| sums(a, x.max(*y), Some(x.min(*y)), *b)).collect();
            prop_assert!(bytes_per_day(&all, NOW) <= all.iter().map(|r| r.recorded().bytes).sum());
        }
    }
}
