//! Recordings and their gap maps.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, extract::State};
use clipmill_domain::{
    RecordingId,
    gap::{self, coverage, gap_map},
    recording::{Epoch, Part, Recording},
};
use clipmill_store::{Store, StoreError};

use super::{
    App,
    error::ApiError,
    extract::{Named, id},
    view::{EpochView, ErrorBody, Gap, HoldView, RecordingDetail, RecordingView, reason, wall},
};

/// Recordings listed.
const LISTED: u32 = 50;

/// Parts read at a time.
const BATCH: u32 = 1000;

/// Recordings whose sums are kept.
const KEPT: usize = 200;

/// What is known about a recording's parts. Parts are only ever added, so it grows by what is new.
#[derive(Debug, Default)]
struct Summary {
    first: Option<Part>,
    last: Option<Part>,
    parts: u64,
    bytes: u64,
    gaps: Vec<gap::Gap>,
}

impl Summary {
    /// Takes the next parts, in `seq` order.
    fn extend(&mut self, new: Vec<Part>, epochs: &[Epoch]) {
        self.parts += new.len() as u64;
        self.bytes += new.iter().map(|p| p.bytes.max(0).unsigned_abs()).sum::<u64>();
        let chain: Vec<Part> = self.last.take().into_iter().chain(new).collect();
        self.gaps.extend(gap_map(&chain, epochs));
        if self.first.is_none() {
            self.first = chain.first().cloned();
        }
        self.last = chain.into_iter().next_back();
    }

    fn next_seq(&self) -> i64 {
        self.last.as_ref().map_or(-1, |p| p.seq)
    }

    /// Its two ends: all that its duration and coverage depend on, besides the gaps.
    fn ends(&self) -> Vec<Part> {
        self.first.iter().chain(&self.last).cloned().collect()
    }
}

/// Sums per recording, so that a listing need not read every part again.
#[derive(Debug, Default)]
pub(super) struct Summaries(Mutex<HashMap<RecordingId, Arc<tokio::sync::Mutex<Summary>>>>);

impl Summaries {
    fn of(&self, recording: RecordingId) -> Arc<tokio::sync::Mutex<Summary>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT && !kept.contains_key(&recording) {
            kept.clear();
        }
        kept.entry(recording).or_default().clone()
    }
}

async fn view(app: &App, r: Recording, source_name: String) -> Result<RecordingView, ApiError> {
    let summary = app.recordings.of(r.id);
    let mut summary = summary.lock().await;
    read_new(&app.store, r.id, &mut summary).await?;
    // The summary holds everything ever recorded; what was removed since is counted by the row.
    let removed = app.store.removed_of(r.id).await?;
    let ends = summary.ends();
    let micros = match (ends.first(), ends.last()) {
        (Some(first), Some(last)) => last.span.end() - first.span.start(),
        _ => 0,
    };
    Ok(RecordingView {
        id: r.id.to_string(),
        source_id: r.source_id.to_string(),
        source_name,
        language: r.language.into(),
        started_at: wall(r.started_at),
        ended_at: r.ended_at.map(wall),
        end_reason: r.end_reason.map(reason),
        duration_s: clipmill_domain::MediaTime::from_micros(micros).as_seconds(),
        parts: summary.parts.saturating_sub(removed.parts.unsigned_abs()),
        bytes: summary.bytes.saturating_sub(removed.bytes.unsigned_abs()),
        removed_parts: removed.parts.unsigned_abs(),
        hold: r.hold.map(|h| HoldView { at: wall(h.at), by: h.by, why: h.why }),
        coverage: (coverage(&ends, &summary.gaps) * 10_000.0).round() / 10_000.0,
        gaps: summary.gaps.iter().map(Gap::from).collect(),
    })
}

async fn read_new(store: &Store, recording: RecordingId, summary: &mut Summary) -> Result<(), StoreError> {
    loop {
        let new = store.parts_after(recording, summary.next_seq(), BATCH).await?;
        if new.is_empty() {
            return Ok(());
        }
        let epochs = store.epochs(recording).await?;
        summary.extend(new, &epochs);
    }
}

/// The newest recordings, at most 50, with their gap maps.
#[utoipa::path(get, path = "/api/recordings", tag = "recordings", responses(
    (status = 200, body = Vec<RecordingView>),
    (status = "default", body = ErrorBody, description = "What went wrong."),
))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<RecordingView>>, ApiError> {
    let names: HashMap<_, _> = app.store.sources().await?.into_iter().map(|s| (s.id, s.name)).collect();
    let mut views = vec![];
    for r in app.store.recordings(LISTED).await? {
        let name = names.get(&r.source_id).cloned().unwrap_or_default();
        views.push(view(&app, r, name).await?);
    }
    Ok(Json(views))
}

/// One recording and its epochs.
#[utoipa::path(get, path = "/api/recordings/{id}", tag = "recordings",
    params(("id" = String, Path, description = "The recording.")),
    responses(
        (status = 200, body = RecordingDetail),
        (status = 404, body = ErrorBody, description = "No such recording."),
    ))]
pub(super) async fn one(
    State(app): State<App>,
    Named(text): Named,
) -> Result<Json<RecordingDetail>, ApiError> {
    let recording = app.store.recording(id("recording", &text)?).await?;
    let recording = recording.ok_or_else(|| ApiError::not_found("recording", &text))?;
    let source = app.store.source(recording.source_id).await?;
    let epochs = app.store.epochs(recording.id).await?;
    let recording = view(&app, recording, source.map_or_else(String::new, |s| s.name)).await?;
    Ok(Json(RecordingDetail { recording, epochs: epochs.into_iter().map(EpochView::from).collect() }))
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{EpochId, Id as _, MediaTime, PartId, Span, WallTime};

    use super::*;

    fn part(seq: i64, start: i64, end: i64) -> Part {
        let now = WallTime::from_millis(0);
        let span = Span::new(MediaTime::from_micros(start), MediaTime::from_micros(end)).unwrap();
        Part {
            id: PartId::new_at(now),
            recording_id: RecordingId::new_at(now),
            epoch_id: EpochId::new_at(now),
            seq,
            path: String::new(),
            bytes: 10,
            span,
            key_frames: vec![],
            wall_start: now,
            removed_at: None,
        }
    }

    /// Reading a live recording again and again gives what reading it once at the end gives.
    #[test]
    fn a_summary_grown_bit_by_bit_equals_one_made_at_once() {
        let times = [(0, 2), (2, 4), (9, 11), (11, 13), (20, 22)];
        let parts: Vec<Part> =
            (0i64..).zip(times).map(|(seq, (a, b))| part(seq, a * 1_000_000, b * 1_000_000)).collect();
        let gaps = gap_map(&parts, &[]);
        let share = coverage(&parts, &gaps);
        assert_eq!(gaps.len(), 2);
        for step in 1..=parts.len() {
            let mut grown = Summary::default();
            for chunk in parts.chunks(step) {
                grown.extend(chunk.to_vec(), &[]);
            }
            grown.extend(vec![], &[]);
            assert_eq!((grown.parts, grown.bytes, grown.next_seq()), (5, 50, 4), "step {step}");
            assert_eq!(grown.gaps, gaps, "step {step}");
            assert!((coverage(&grown.ends(), &grown.gaps) - share).abs() < 1e-9, "step {step}");
        }
        assert_eq!(Summary::default().next_seq(), -1);
        assert!((coverage(&Summary::default().ends(), &[]) - 1.0).abs() < 1e-9);
    }
}
