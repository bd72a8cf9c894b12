//! How long recordings are kept: legal holds, the retention plan, and what recordings cost.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Json, extract::State};
use clipmill_domain::{
    RecordingId, SourceId, WallTime,
    cost::{RecordingSums, SourceCost, by_source, bytes_per_day, days_left},
    recording::Hold,
    retention::{Kept, Plan},
};
use clipmill_store::{Store, StoreError, audit, recordings::set_hold};
use clipmill_worker::SystemClock;
use tokio::sync::Mutex;

use super::{
    App,
    error::ApiError,
    extract::{Body, Named, id},
    now,
    view::{
        CostView, DiskView, ErrorBody, HoldState, HoldView, KeptSum, KeptView, NewHold, RemovalView,
        RetentionPlan, SourceBytes, SourceCostView, wall,
    },
};
use crate::{cmds::keeper, config::Config};

/// Who the audit log names for changes made here.
const ACTOR: &str = "console";

/// Longest reason for a hold, in characters.
const WHY_CHARS_MAX: usize = 500;

/// Lines of each list in an answer.
const LISTED: usize = 1000;

/// Sources named beside the disk.
const SOURCES_LISTED: usize = 100;

/// Sums are read again after this long.
const SUMS_LAST: Duration = Duration::from_secs(30);

/// The sums of all recordings, kept for a while: pages ask for them every few seconds.
#[derive(Debug, Default)]
pub(super) struct Sums(Mutex<Option<(Instant, Arc<Vec<RecordingSums>>)>>);

impl Sums {
    async fn read(&self, store: &Store) -> Result<Arc<Vec<RecordingSums>>, StoreError> {
        let mut kept = self.0.lock().await;
        if let Some((_, sums)) = kept.as_ref().filter(|(at, _)| at.elapsed() < SUMS_LAST) {
            return Ok(Arc::clone(sums));
        }
        let sums = Arc::new(store.recording_sums().await?);
        *kept = Some((Instant::now(), Arc::clone(&sums)));
        Ok(sums)
    }
}

async fn names(store: &Store) -> Result<HashMap<SourceId, String>, StoreError> {
    Ok(store.sources().await?.into_iter().map(|s| (s.id, s.name)).collect())
}

/// Puts a recording under a legal hold, or says why that cannot be.
pub(crate) async fn hold(
    store: &Store,
    recording: RecordingId,
    by: &str,
    why: &str,
    now: WallTime,
) -> Result<Hold, StoreError> {
    let why = why.trim();
    if why.is_empty() || why.chars().count() > WHY_CHARS_MAX || why.contains(char::is_control) {
        let why = format!("say why the recording is held, in 1 to {WHY_CHARS_MAX} characters of one line");
        return Err(StoreError::Refused { why });
    }
    let hold = Hold { at: now, by: by.to_owned(), why: why.to_owned() };
    let mut tx = store.begin().await?;
    set_hold(&mut tx, recording, Some(&hold)).await?;
    audit::audit(&mut tx, now, by, "recording.hold", &recording.to_string(), Some(why)).await?;
    tx.commit().await?;
    Ok(hold)
}

/// Takes a legal hold off.
pub(crate) async fn release(
    store: &Store,
    recording: RecordingId,
    by: &str,
    why: &str,
    now: WallTime,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    set_hold(&mut tx, recording, None).await?;
    audit::audit(&mut tx, now, by, "recording.release", &recording.to_string(), Some(why.trim())).await?;
    tx.commit().await
}

/// Puts a recording under a legal hold: nothing of it is removed until it is released.
#[utoipa::path(post, path = "/api/recordings/{id}/hold", tag = "recordings",
    params(("id" = String, Path, description = "The recording.")), request_body = NewHold,
    responses(
        (status = 200, body = HoldState),
        (status = 404, body = ErrorBody, description = "No such recording."),
        (status = 409, body = ErrorBody, description = "The reason is missing or too long."),
    ))]
pub(super) async fn hold_recording(
    State(app): State<App>,
    Named(text): Named,
    Body(asked): Body<NewHold>,
) -> Result<Json<HoldState>, ApiError> {
    let recording = id("recording", &text)?;
    let hold = hold(&app.store, recording, ACTOR, &asked.why, now()).await?;
    let hold = HoldView { at: wall(hold.at), by: hold.by, why: hold.why };
    Ok(Json(HoldState { recording_id: recording.to_string(), hold: Some(hold) }))
}

/// Takes the legal hold off a recording; the retention rules apply to it again.
#[utoipa::path(post, path = "/api/recordings/{id}/release", tag = "recordings",
    params(("id" = String, Path, description = "The recording.")),
    responses(
        (status = 200, body = HoldState),
        (status = 404, body = ErrorBody, description = "No such recording."),
    ))]
pub(super) async fn release_recording(
    State(app): State<App>,
    Named(text): Named,
) -> Result<Json<HoldState>, ApiError> {
    let recording = id("recording", &text)?;
    release(&app.store, recording, ACTOR, "", now()).await?;
    Ok(Json(HoldState { recording_id: recording.to_string(), hold: None }))
}

/// What the retention rules would remove now, and what stays and why.
#[utoipa::path(get, path = "/api/retention/plan", tag = "recordings", responses(
    (status = 200, body = RetentionPlan),
    (status = "default", body = ErrorBody, description = "What went wrong."),
))]
pub(super) async fn plan(State(app): State<App>) -> Result<Json<RetentionPlan>, ApiError> {
    let plan = keeper(&app.config).plan(&app.store, &SystemClock).await?;
    Ok(Json(plan_view(&app.store, &plan, now()).await?))
}

/// A plan in the shape of the API.
pub(crate) async fn plan_view(
    store: &Store,
    plan: &Plan,
    now: WallTime,
) -> Result<RetentionPlan, StoreError> {
    let names = names(store).await?;
    let name = |id: SourceId| names.get(&id).cloned().unwrap_or_default();
    let mut kept: BTreeMap<&str, KeptSum> = BTreeMap::new();
    for k in &plan.kept {
        let reason = k.why.key();
        let sum =
            kept.entry(reason).or_insert(KeptSum { reason: reason.to_owned(), recordings: 0, bytes: 0 });
        sum.recordings += 1;
        sum.bytes += k.bytes;
    }
    let removals = plan.removals.iter().take(LISTED).map(|r| RemovalView {
        recording_id: r.recording_id.to_string(),
        source_name: name(r.source_id),
        ended_at: r.ended_at.map(wall),
        rule: r.why.key().to_owned(),
        why: r.why.to_string(),
        parts: r.parts,
        bytes: r.bytes,
        parts_for_clips: r.parts_for_clips,
        bytes_for_clips: r.bytes_for_clips,
    });
    let named = plan.kept.iter().filter(|k| !matches!(k.why, Kept::NotDue | Kept::Live));
    let kept_recordings = named.take(LISTED).map(|k| KeptView {
        recording_id: k.recording_id.to_string(),
        source_name: name(k.source_id),
        ended_at: k.ended_at.map(wall),
        reason: k.why.key().to_owned(),
        why: k.why.to_string(),
        bytes: k.bytes,
    });
    Ok(RetentionPlan {
        made_at: wall(now),
        removals: removals.collect(),
        kept_recordings: kept_recordings.collect(),
        kept: kept.into_values().collect(),
        recordings_removed: plan.removals.len() as u64,
        parts_removed: plan.parts(),
        bytes_removed: plan.bytes(),
        bytes_before: plan.bytes_before,
        size_short_bytes: plan.size_short_bytes,
        room_short_bytes: plan.room_short_bytes,
    })
}

/// What each source's recordings cost, and how long the disk lasts. Up to half a minute old.
#[utoipa::path(get, path = "/api/sources/cost", tag = "sources", responses(
    (status = 200, body = CostView),
    (status = "default", body = ErrorBody, description = "What went wrong."),
))]
pub(super) async fn cost(State(app): State<App>) -> Result<Json<CostView>, ApiError> {
    let sums = app.sums.read(&app.store).await?;
    Ok(Json(cost_view(&app.config, &app.store, &sums, now()).await?))
}

/// The disk, for the health page. Up to half a minute old, but for the free bytes.
pub(super) async fn disk(app: &App) -> Result<DiskView, StoreError> {
    let sums = app.sums.read(&app.store).await?;
    disk_view(&app.config, &app.store, &sums, &by_source(&sums), &names(&app.store).await?, now())
}

fn disk_view(
    config: &Config,
    store: &Store,
    sums: &[RecordingSums],
    costs: &[SourceCost],
    names: &HashMap<SourceId, String>,
    now: WallTime,
) -> Result<DiskView, StoreError> {
    let free_bytes = store.library().free_bytes()?;
    let floor_bytes = config.record.free_space_floor_bytes;
    let bytes_per_day = bytes_per_day(sums, now);
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let days = days_left(signed(free_bytes), signed(floor_bytes), bytes_per_day);
    let by_source = costs.iter().filter(|c| c.kept.bytes > 0).take(SOURCES_LISTED).map(|c| SourceBytes {
        source_id: c.source_id.to_string(),
        source_name: names.get(&c.source_id).cloned().unwrap_or_default(),
        bytes: c.kept.bytes,
    });
    Ok(DiskView {
        total_bytes: store.library().disk_bytes()?,
        free_bytes,
        floor_bytes,
        recordings_bytes: costs.iter().map(|c| c.kept.bytes).sum(),
        by_source: by_source.collect(),
        bytes_per_day,
        days_left: days.map(|d| rounded(d, 10.0)),
    })
}

/// The costs in the shape of the API.
pub(crate) async fn cost_view(
    config: &Config,
    store: &Store,
    sums: &[RecordingSums],
    now: WallTime,
) -> Result<CostView, StoreError> {
    let (names, pictures) = (names(store).await?, store.picture_bytes().await?);
    let costs = by_source(sums);
    let disk = disk_view(config, store, sums, &costs, &names, now)?;
    let sources = costs.iter().map(|c| {
        #[expect(clippy::cast_precision_loss, reason = "figures for display")]
        let (recorded_us, gap_us, bytes, total) =
            (c.recorded.micros as f64, c.gap_us as f64, c.kept.bytes as f64, disk.total_bytes.max(1) as f64);
        SourceCostView {
            source_id: c.source_id.to_string(),
            source_name: names.get(&c.source_id).cloned().unwrap_or_default(),
            recordings: c.recordings,
            hours: rounded(recorded_us / 3.6e9, 1000.0),
            bytes: c.kept.bytes,
            picture_bytes: pictures.get(&c.source_id).copied().unwrap_or(0),
            removed_bytes: c.recorded.bytes - c.kept.bytes,
            held_bytes: c.held_bytes,
            gigabytes_per_hour: c.bytes_per_hour().map(|b| rounded(b / 1e9, 1000.0)),
            gap_minutes: rounded(gap_us / 6e7, 10.0),
            disk_share: rounded(bytes / total, 1e6),
        }
    });
    Ok(CostView { sources: sources.collect(), disk })
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
