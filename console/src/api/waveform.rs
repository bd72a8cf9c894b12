//! How the sound of a recording runs, as many points as can be drawn.

use axum::{Json, extract::State};
use clipmill_domain::{
    MediaTime, MicrosDelta, RecordingId, Span,
    sound::{CURVE_MICROS, FLOOR_DB, PEAK_MICROS, PartCurves},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    App,
    error::ApiError,
    extract::{Named, Params, id},
    view::{CurvesView, ErrorBody, WaveformView, seconds},
};

/// Points given when no number is asked for, and at most.
const POINTS: usize = 1000;
const POINTS_MAX: usize = 4000;

/// Which stretch, and how fine.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Where to begin, in seconds of the recording; its beginning if not given.
    from: Option<f64>,
    /// Where to end, in seconds of the recording; its end if not given.
    to: Option<f64>,
    /// How many points at most, 1 to 4000; 1000 if not given. A point is never shorter than 20 ms.
    points: Option<usize>,
    /// Whether energy, loudness and pitch are wanted too; their points are never shorter than 100 ms.
    curves: Option<bool>,
}

/// The waveform of a recording or a stretch of it; while it is live it lags behind the recording by some seconds.
#[utoipa::path(get, path = "/api/recordings/{id}/waveform", tag = "playback",
    params(("id" = String, Path, description = "The recording."), Asked),
    responses(
        (status = 200, body = WaveformView),
        (status = 404, body = ErrorBody, description = "No such recording."),
        (status = 422, body = ErrorBody, description = "The stretch is empty, or too many points are asked for."),
    ))]
pub(super) async fn waveform(
    State(app): State<App>,
    Named(text): Named,
    Params(asked): Params<Asked>,
) -> Result<Json<WaveformView>, ApiError> {
    let recording: RecordingId = id("recording", &text)?;
    app.store.recording(recording).await?.ok_or_else(|| ApiError::not_found("recording", &text))?;
    let points = asked.points.unwrap_or(POINTS);
    if !(1..=POINTS_MAX).contains(&points) {
        return Err(ApiError::invalid(format!("points must be from 1 to {POINTS_MAX}")));
    }
    let from = MediaTime::from_seconds(asked.from.unwrap_or(0.0).max(0.0));
    // What lies beyond the end may be asked for: the browser may know of parts that were not heard yet.
    let to = match asked.to {
        Some(to) => MediaTime::from_seconds(to),
        None => app.store.sound_end(recording).await?.unwrap_or_default().max(from + PEAK_MICROS),
    };
    let span = Span::new(from, to).map_err(|_| ApiError::invalid("to must lie after from"))?;
    let mut wave = Wave::new(span, points, asked.curves.unwrap_or(false));
    app.store.sound_curves_in(recording, span, |part| wave.take(&part)).await?;
    Ok(Json(wave.view()))
}

/// Values put together into at most so many points of one length.
struct Points<T> {
    begin: MicrosDelta,
    step: MicrosDelta,
    values: Vec<T>,
}

impl<T: Default + Clone> Points<T> {
    /// For values that are `grid` apart.
    fn new(span: Span, grid: MicrosDelta, most: usize) -> Self {
        let begin = span.start().as_micros().div_euclid(grid) * grid;
        let values_in = (span.end().as_micros() - begin).unsigned_abs().div_ceil(grid.unsigned_abs());
        let per_point = values_in.div_ceil(most.max(1) as u64).max(1);
        let count = usize::try_from(values_in.div_ceil(per_point)).unwrap_or(most);
        let step = grid.saturating_mul(i64::try_from(per_point).unwrap_or(i64::MAX));
        Self { begin, step, values: vec![T::default(); count] }
    }

    /// The point that holds a media time.
    fn at(&mut self, time: MicrosDelta) -> Option<&mut T> {
        let index = (time - self.begin).div_euclid(self.step);
        self.values.get_mut(usize::try_from(index).ok()?)
    }
}

/// Energy, loudness and pitch of what falls into a point.
#[derive(Debug, Default, Clone)]
struct Level {
    /// Sum of the powers, and how many.
    power: f64,
    counted: u32,
    loudest: Option<f32>,
    pitches: Vec<f32>,
}

struct Wave {
    peaks: Points<Option<u8>>,
    levels: Option<Points<Level>>,
}

impl Wave {
    fn new(span: Span, points: usize, curves: bool) -> Self {
        let levels = curves.then(|| Points::new(span, CURVE_MICROS, points));
        Self { peaks: Points::new(span, PEAK_MICROS, points), levels }
    }

    fn take(&mut self, part: &PartCurves) {
        let start = part.start.as_micros();
        let times = |grid: MicrosDelta| (0i64..).map(move |n| start + n * grid);
        for (time, peak) in times(PEAK_MICROS).zip(&part.curves.peaks) {
            if let Some(point) = self.peaks.at(time) {
                *point = (*point).max(*peak);
            }
        }
        let Some(levels) = &mut self.levels else { return };
        let curves = &part.curves;
        for (((time, energy), loud), pitch) in
            times(CURVE_MICROS).zip(&curves.energy_db).zip(&curves.loudness_lufs).zip(&curves.pitch_hz)
        {
            let Some(level) = levels.at(time) else { continue };
            if let Some(db) = energy {
                level.power += 10f64.powf(f64::from(*db) / 10.0);
                level.counted += 1;
            }
            level.loudest = match (level.loudest, *loud) {
                (Some(a), Some(b)) => Some(a.max(b)),
                (a, b) => a.or(b),
            };
            level.pitches.extend(pitch);
        }
    }

    fn view(self) -> WaveformView {
        WaveformView {
            start_s: seconds(MediaTime::from_micros(self.peaks.begin)),
            step_s: seconds(MediaTime::from_micros(self.peaks.step)),
            peaks: self.peaks.values,
            curves: self.levels.map(|levels| CurvesView {
                start_s: seconds(MediaTime::from_micros(levels.begin)),
                step_s: seconds(MediaTime::from_micros(levels.step)),
                energy_db: levels.values.iter().map(mean_db).collect(),
                loudness_lufs: levels.values.iter().map(|l| l.loudest).collect(),
                pitch_hz: levels.values.into_iter().map(|l| median(l.pitches)).collect(),
            }),
        }
    }
}

fn mean_db(level: &Level) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "a tenth of a decibel is kept")]
    let db = (10.0 * (level.power / f64::from(level.counted)).log10()) as f32;
    (level.counted > 0).then(|| ((db * 10.0).round() / 10.0).max(FLOOR_DB))
}

fn median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{Id as _, WallTime, sound::Curves};

    use super::*;

    fn span(from: i64, to: i64) -> Span {
        Span::new(MediaTime::from_micros(from * 1000), MediaTime::from_micros(to * 1000)).unwrap()
    }

    /// Two seconds; the peak with number n of the recording is n modulo 200, and none from 1 s to 1.1 s.
    fn part(n: i64) -> PartCurves {
        let each = |value: f32| (0..20).map(|i| (i != 10).then_some(value)).collect::<Vec<_>>();
        let peaks = (n * 100..n * 100 + 100).map(|i| u8::try_from(i % 200).ok());
        let there = (0..100).map(|i| i / 5 != 10);
        PartCurves {
            recording_id: RecordingId::new_at(WallTime::from_millis(0)),
            part_seq: n,
            start: MediaTime::from_micros(n * 2_000_000),
            curves: Curves {
                peaks: peaks.zip(there).map(|(p, there)| p.filter(|_| there)).collect(),
                energy_db: each(-20.0),
                loudness_lufs: (0..20i8).map(|i| Some(f32::from(i) - 40.0)).collect(),
                pitch_hz: (0..20u8).map(|i| (i < 3).then_some(100.0 + f32::from(i))).collect(),
            },
        }
    }

    fn wave(span: Span, points: usize, curves: bool) -> WaveformView {
        let mut wave = Wave::new(span, points, curves);
        (0..4).for_each(|n| wave.take(&part(n)));
        wave.view()
    }

    #[test]
    fn never_more_points_than_asked_for_and_none_is_finer_than_the_sound() {
        let fine = wave(span(0, 2000), 4000, false);
        assert_eq!((fine.peaks.len(), fine.step_s), (100, 0.02));
        assert_eq!(fine.peaks[..3], [Some(0), Some(1), Some(2)]);
        assert_eq!((fine.peaks[49], fine.peaks[50], fine.peaks[55]), (Some(49), None, Some(55)));
        for points in 1..60 {
            let view = wave(span(30, 7_990), points, false);
            assert!(view.peaks.len() <= points, "{} of {points}", view.peaks.len());
            assert!(view.start_s + view.step_s * view.peaks.len() as f64 >= 7.99);
            assert_eq!(view.peaks.iter().flatten().max(), Some(&199));
        }
    }

    #[test]
    fn a_point_of_many_is_their_highest_mean_loudest_and_median() {
        let view = wave(span(0, 2000), 2, true);
        assert_eq!(view.peaks, [Some(49), Some(99)]);
        let curves = view.curves.unwrap();
        assert_eq!((curves.step_s, curves.energy_db), (1.0, vec![Some(-20.0); 2]));
        assert_eq!(curves.loudness_lufs, [Some(-31.0), Some(-21.0)]);
        assert_eq!(curves.pitch_hz, [Some(101.0), None]);
        let beyond = wave(span(60_000, 61_000), 2, true);
        assert_eq!((beyond.peaks, beyond.curves.unwrap().energy_db), (vec![None; 2], vec![None; 2]));
    }
}
