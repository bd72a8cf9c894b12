//! Which points of the sound's curves belong to which part. Pure but for the meter's own arithmetic.

use std::collections::VecDeque;

use clipmill_domain::{
    MediaTime, RecordingId,
    recording::Part,
    sound::{CURVE_MICROS, Curves, PEAKS_PER_POINT, PartCurves},
};
use clipmill_inference::{
    sound::{POINT, Point, SoundMeter},
    vad::SAMPLE_RATE,
};

/// A part whose sound may still be on its way: a decoder keeps the last of it until it sees the next part.
const PARTS_WAITED_FOR: usize = 2;

/// Makes rows of a recording's sound, one for each part that has any.
#[derive(Debug)]
pub(super) struct CurveRows {
    recording_id: RecordingId,
    meter: Option<SoundMeter>,
    /// Parts that were fed and whose row is open: number and first point.
    open: VecDeque<(i64, u64)>,
    /// Points that are in no row yet, in order.
    points: Vec<Point>,
    /// Rows that are not stored yet.
    rows: Vec<PartCurves>,
}

impl CurveRows {
    /// The next sound is that of any part.
    pub(super) fn new(recording_id: RecordingId) -> Self {
        Self { recording_id, meter: None, open: VecDeque::new(), points: vec![], rows: vec![] }
    }

    /// The part whose sound comes next.
    pub(super) fn part(&mut self, part: &Part) {
        self.open.push_back((part.seq, first_point(part.span.start())));
        while self.open.len() > PARTS_WAITED_FOR {
            self.close_oldest();
        }
    }

    /// Sound (16 kHz mono) from position `at` on. What cannot be measured is missing.
    pub(super) fn sound(&mut self, at: u64, samples: &[f32]) {
        let measured = match &mut self.meter {
            Some(meter) => meter.push(at, samples),
            None => SoundMeter::new().and_then(|mut meter| {
                let points = meter.push(at, samples);
                self.meter = Some(meter);
                points
            }),
        };
        match measured {
            Ok(points) => self.points.extend(points),
            Err(error) => {
                tracing::warn!(recording = %self.recording_id, %error, "a stretch of sound has no curves");
                self.meter = None;
            }
        }
        let settled = self.meter.as_ref().map_or(0, |m| m.settled() / POINT as u64);
        while self.open.get(1).is_some_and(|(_, next)| settled >= *next) {
            self.close_oldest();
        }
    }

    /// The recording is over.
    pub(super) fn finish(&mut self) {
        if let Some(Ok(last)) = self.meter.take().map(|mut m| m.end()) {
            self.points.extend(last);
        }
        while !self.open.is_empty() {
            self.close_oldest();
        }
    }

    /// The rows that are complete and were not stored; they stay until [`Self::stored`].
    pub(super) fn rows(&self) -> &[PartCurves] {
        &self.rows
    }

    /// All complete rows are stored.
    pub(super) fn stored(&mut self) {
        self.rows.clear();
    }

    fn close_oldest(&mut self) {
        let Some((part_seq, _)) = self.open.pop_front() else { return };
        let end = self.open.front().map_or(u64::MAX, |(_, next)| *next);
        let count = self.points.partition_point(|p| p.number < end);
        let points: Vec<Point> = self.points.drain(..count).collect();
        let Some(first) = points.first() else { return };
        let start = i64::try_from(first.number).unwrap_or(i64::MAX).saturating_mul(CURVE_MICROS);
        let start = MediaTime::from_micros(start);
        let row = PartCurves { recording_id: self.recording_id, part_seq, start, curves: curves(&points) };
        self.rows.push(row);
    }
}

/// The first point that begins at `start` or after.
fn first_point(start: MediaTime) -> u64 {
    let micros = start.as_micros().max(0).unsigned_abs();
    micros.div_ceil(CURVE_MICROS.unsigned_abs())
}

/// Points side by side; where one is missing there is none.
fn curves(points: &[Point]) -> Curves {
    let mut all = Curves::default();
    let mut next = points.first().map_or(0, |p| p.number);
    for point in points {
        // A part is some seconds long, so what is missing inside of it is, too.
        for _ in next..point.number {
            push(&mut all, None);
        }
        push(&mut all, Some(point));
        next = point.number + 1;
    }
    all
}

fn push(all: &mut Curves, point: Option<&Point>) {
    all.peaks.extend(point.map_or([None; PEAKS_PER_POINT], |p| p.peaks));
    all.energy_db.push(point.and_then(|p| p.energy_db));
    all.loudness_lufs.push(point.and_then(|p| p.loudness_lufs));
    all.pitch_hz.push(point.and_then(|p| p.pitch_hz));
}

const _: () = assert!(POINT as i64 * 1_000_000 == CURVE_MICROS * SAMPLE_RATE as i64);

#[cfg(test)]
mod tests {
    use clipmill_domain::{EpochId, Id as _, PartId, Span, WallTime};
    use proptest::prelude::*;

    use super::*;

    const NOW: WallTime = WallTime::from_millis(0);

    fn part(seq: i64, start_us: i64, end_us: i64) -> Part {
        let span = Span::new(MediaTime::from_micros(start_us), MediaTime::from_micros(end_us)).unwrap();
        Part {
            id: PartId::new_at(NOW),
            recording_id: RecordingId::new_at(NOW),
            epoch_id: EpochId::new_at(NOW),
            seq,
            path: String::new(),
            bytes: 0,
            span,
            key_frames: vec![],
            wall_start: NOW,
            removed_at: None,
        }
    }

    fn samples(from: u64, to: u64) -> Vec<f32> {
        (from..to).map(|i| ((i * 7919) % 1000) as f32 / 2000.0 - 0.25).collect()
    }

    /// Rows of parts that end at `ends` (in samples) when `late` samples of each part come with the next one.
    fn rows(ends: &[u64], late: u64, silent: Option<usize>) -> Vec<PartCurves> {
        let mut rows = CurveRows::new(RecordingId::new_at(NOW));
        let us = |at: u64| i64::try_from(at * 125 / 2).unwrap();
        let (mut from, mut heard) = (0, 0);
        for (n, end) in ends.iter().enumerate() {
            rows.part(&part(i64::try_from(n).unwrap(), us(from), us(*end)));
            let to = end.saturating_sub(late).max(heard);
            if silent != Some(n) {
                rows.sound(heard, &samples(heard, to));
            }
            (from, heard) = (*end, to);
        }
        rows.sound(heard, &samples(heard, *ends.last().unwrap()));
        rows.finish();
        let mut all = rows.rows().to_vec();
        rows.stored();
        assert!(rows.rows().is_empty());
        all.iter_mut().for_each(|row| row.recording_id = RecordingId::new_at(NOW));
        all
    }

    /// Number, energy, loudness and peaks of a point.
    type Joined = (i64, Option<f32>, Option<f32>, Vec<Option<u8>>);

    /// All rows as one, with nothing where no row says anything.
    fn joined(rows: &[PartCurves]) -> Vec<Joined> {
        rows.iter()
            .flat_map(|row| {
                let c = &row.curves;
                (0i64..).zip(&c.energy_db).zip(&c.loudness_lufs).zip(c.peaks.chunks(5)).map(
                    |(((n, energy), loud), peaks)| {
                        (row.start.as_micros() / CURVE_MICROS + n, *energy, *loud, peaks.to_vec())
                    },
                )
            })
            .filter(|(_, energy, _, peaks)| energy.is_some() || peaks.iter().any(Option::is_some))
            .collect()
    }

    #[test]
    fn a_part_without_sound_has_no_row_and_a_hole_stays_a_hole() {
        let ends = [32_000, 64_000, 96_000, 128_000];
        let all = rows(&ends, 0, Some(1));
        let seqs: Vec<i64> = all.iter().map(|r| r.part_seq).collect();
        assert_eq!(seqs, [0, 2, 3]);
        assert_eq!(all.iter().map(|r| r.curves.len()).collect::<Vec<_>>(), [20, 20, 20]);
        assert_eq!(all[1].start, MediaTime::from_micros(4_000_000));
        assert_eq!(all[1].curves.loudness_lufs[..4], [None, None, None, all[1].curves.loudness_lufs[3]]);
        assert!(all[1].curves.loudness_lufs[3].is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn parts_of_any_length_give_the_same_curves_each_point_once(
            lengths in prop::collection::vec(9_000u64..50_000, 1..6),
            late in 0u64..1500,
        ) {
            let ends: Vec<u64> = lengths.iter().scan(0, |at, l| { *at += l; Some(*at) }).collect();
            let whole = joined(&rows(&[*ends.last().unwrap()], 0, None));
            let cut = rows(&ends, late, None);
            prop_assert_eq!(joined(&cut), whole);
            prop_assert!(cut.windows(2).all(|w| w[0].part_seq < w[1].part_seq && w[0].start < w[1].start));
            for row in &cut {
                prop_assert_eq!(row.curves.peaks.len(), row.curves.len() * PEAKS_PER_POINT);
                let start = if row.part_seq == 0 { 0 } else { ends[usize::try_from(row.part_seq).unwrap() - 1] };
                prop_assert_eq!(row.start.as_micros(), i64::try_from(start.div_ceil(1600)).unwrap() * CURVE_MICROS);
            }
        }
    }
}
