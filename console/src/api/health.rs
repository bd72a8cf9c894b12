//! Whether all is well, in words an operator can act on.

use axum::{Json, extract::State};
use clipmill_domain::WallTime;
use clipmill_store::processes::Process;

use super::{
    App,
    error::ApiError,
    keeping, now,
    view::{DiskView, ErrorBody, Health, HealthStatus, ProcessView, TranscribingView, wall},
};

/// A process that has not reported for this long is shown as dead; it stays listed for a minute.
const ALIVE_MILLIS: i64 = 20_000;

/// Fewer days until the disk is full are a problem.
const DAYS_LEFT_MIN: f64 = 2.0;

/// A live that is heard later than this is a problem.
const BEHIND_SECONDS_MAX: f64 = 60.0;

/// The roles that a whole service needs besides the one that answers here.
const NEEDED: [&str; 2] = ["record", "work"];

/// Processes, disk, and what is wrong.
#[utoipa::path(get, path = "/api/health", tag = "service", responses(
    (status = 200, body = Health),
    (status = "default", body = ErrorBody, description = "What went wrong."),
))]
pub(super) async fn health(State(app): State<App>) -> Result<Json<Health>, ApiError> {
    let now = now();
    let processes = app.store.processes(now).await?;
    let disk = keeping::disk(&app).await?;
    let dead_jobs: i64 = app
        .store
        .job_counts()
        .await?
        .iter()
        .filter(|c| c.state == clipmill_store::jobs::JobState::Dead)
        .map(|c| c.count)
        .sum();
    let makes_room = app.config.retention.make_room_gigabytes.is_some();
    let mut problems = problems(&processes, now, disk.free_bytes, disk.floor_bytes, dead_jobs);
    problems.extend(soon_full(&disk, makes_room));
    problems.extend(given_up(&processes, now));
    let transcribing = transcribing(&app, &processes, now).await?;
    problems.extend(transcribing.iter().filter_map(far_behind));
    Ok(Json(Health {
        status: if problems.is_empty() { HealthStatus::Ok } else { HealthStatus::Degraded },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        processes: processes.into_iter().map(|p| view(p, now)).collect(),
        disk_free_bytes: disk.free_bytes,
        disk,
        transcribing,
        problems,
    }))
}

/// What the newest living worker says of what it hears, by source name.
async fn transcribing(
    app: &App,
    processes: &[Process],
    now: WallTime,
) -> Result<Vec<TranscribingView>, ApiError> {
    let worker = processes.iter().find(|p| p.role == "work" && alive(p, now));
    let said = worker.and_then(|p| p.status.get("transcribing")?.as_object());
    let mut all = vec![];
    for (id, pace) in said.into_iter().flatten() {
        let Ok(recording) = id.parse() else { continue };
        let Some(recording) = app.store.recording(recording).await? else { continue };
        let source = app.store.source(recording.source_id).await?;
        all.push(TranscribingView {
            recording_id: id.clone(),
            source_name: source.map(|s| s.name).unwrap_or_default(),
            behind_seconds: pace.get("behind_seconds").and_then(serde_json::Value::as_f64).unwrap_or(0.0),
            rung: pace.get("rung").and_then(|r| r.as_str()).unwrap_or("full").to_owned(),
        });
    }
    all.sort_by(|a, b| a.source_name.cmp(&b.source_name));
    Ok(all)
}

fn far_behind(t: &TranscribingView) -> Option<String> {
    (t.behind_seconds > BEHIND_SECONDS_MAX && t.rung != "import").then(|| {
        format!(
            "{:?} is transcribed {:.0} s late: this machine cannot hear so many lives at once; record fewer, give it \
             more cores, or use a smaller model (transcribe.model)",
            t.source_name, t.behind_seconds
        )
    })
}

fn alive(p: &Process, now: WallTime) -> bool {
    now.millis_since(p.beat_at) <= ALIVE_MILLIS
}

fn view(p: Process, now: WallTime) -> ProcessView {
    ProcessView {
        alive: alive(&p, now),
        role: p.role,
        pid: p.pid,
        last_beat: wall(p.beat_at),
        detail: p.status,
    }
}

fn problems(processes: &[Process], now: WallTime, free: u64, floor: u64, dead_jobs: i64) -> Vec<String> {
    let mut found = vec![];
    for role in NEEDED {
        let mut of_role = processes.iter().filter(|p| p.role == role).peekable();
        if of_role.peek().is_none() {
            found.push(format!("no {role} process is running: start `clipmill run`"));
        } else if !of_role.any(|p| alive(p, now)) {
            found.push(format!(
                "the {role} process has not reported for {} s; is it hung?",
                ALIVE_MILLIS / 1000
            ));
        }
    }
    if free < floor {
        found.push(format!(
            "the disk has {} MiB free, less than record.free_space_floor_bytes ({} MiB): recording stops; free some \
             space",
            free >> 20,
            floor >> 20
        ));
    }
    if dead_jobs > 0 {
        let jobs = if dead_jobs == 1 { "1 job was" } else { &format!("{dead_jobs} jobs were") };
        found.push(format!("{jobs} given up after repeated failures; the log of the work process says why"));
    }
    found
}

/// Sources that the recorder has given up until an operator acts. One that is merely off the air is no problem.
fn given_up(processes: &[Process], now: WallTime) -> Vec<String> {
    let Some(recorder) = processes.iter().find(|p| p.role == "record" && alive(p, now)) else {
        return vec![];
    };
    let sources = recorder.status.get("sources").and_then(serde_json::Value::as_object);
    let text = |s: &serde_json::Value, key: &str| s.get(key).and_then(|v| v.as_str()).map(str::to_owned);
    let failed = |s: &serde_json::Value| {
        let failed = text(s, "state")? == "failed";
        let why = text(s, "last_error").unwrap_or_else(|| "given up".to_owned());
        failed.then(|| format!("source {:?}: {why}", text(s, "name").unwrap_or_default()))
    };
    sources.into_iter().flatten().filter_map(|(_, s)| failed(s)).collect()
}

/// Said while there is still time, unless old recordings give way by themselves.
fn soon_full(disk: &DiskView, makes_room: bool) -> Option<String> {
    let days = disk.days_left.filter(|days| *days < DAYS_LEFT_MIN && !makes_room)?;
    (disk.free_bytes >= disk.floor_bytes).then(|| {
        format!(
            "at the rate of the last days recording stops in {days} days, for want of disk space: free some, or set \
             retention.keep_days, retention.max_gigabytes or retention.make_room_gigabytes"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(role: &str, beat_ms: i64) -> Process {
        let at = WallTime::from_millis(beat_ms);
        Process {
            role: role.to_owned(),
            instance: role.to_owned(),
            pid: 1,
            status: serde_json::Value::Null,
            started_at: at,
            beat_at: at,
        }
    }

    #[test]
    fn a_disk_that_is_soon_full_is_told_while_it_is_not() {
        let disk = |free_bytes, days_left| DiskView {
            total_bytes: 100,
            free_bytes,
            floor_bytes: 10,
            recordings_bytes: 0,
            by_source: vec![],
            bytes_per_day: 1,
            days_left,
        };
        assert!(soon_full(&disk(20, Some(1.5)), false).unwrap().contains("in 1.5 days"));
        assert_eq!(soon_full(&disk(20, Some(1.5)), true), None, "the oldest recordings give way");
        assert_eq!(soon_full(&disk(9, Some(0.0)), false), None, "that is another problem");
        assert_eq!((soon_full(&disk(20, None), false), soon_full(&disk(20, Some(2.0)), false)), (None, None));
    }

    #[test]
    fn a_live_heard_late_is_a_problem_and_an_import_is_none() {
        let heard = |behind_seconds, rung: &str| TranscribingView {
            recording_id: String::new(),
            source_name: "one".into(),
            behind_seconds,
            rung: rung.into(),
        };
        assert!(far_behind(&heard(61.0, "bulk")).unwrap().contains("\"one\" is transcribed 61 s late"));
        assert_eq!(far_behind(&heard(59.0, "bulk")), None);
        assert_eq!(far_behind(&heard(6000.0, "import")), None);
    }

    #[test]
    fn a_source_that_was_given_up_is_a_problem_and_one_off_the_air_is_none() {
        let now = WallTime::from_millis(100_000);
        let mut recorder = process("record", 99_000);
        let source =
            |name: &str, state: &str| serde_json::json!({"name": name, "state": state, "last_error": "no"});
        recorder.status =
            serde_json::json!({"sources": {"a": source("one", "failed"), "b": source("two", "retrying")}});
        assert_eq!(given_up(&[recorder.clone()], now), ["source \"one\": no"]);
        assert_eq!(given_up(&[recorder], WallTime::from_millis(130_000)), [""; 0]);
        assert_eq!(given_up(&[process("record", 99_000)], now), [""; 0]);
    }

    #[test]
    fn each_problem_is_named_once_and_a_sound_service_has_none() {
        let now = WallTime::from_millis(100_000);
        let sound = [process("record", 99_000), process("work", 81_000), process("work", 60_000)];
        assert_eq!(problems(&sound, now, 10, 10, 0), [""; 0]);
        let all = problems(&[process("work", 79_000)], now, 9, 10, 2);
        assert_eq!(all.len(), 4, "{all:?}");
        assert!(all[0].contains("no record") && all[1].contains("work process has not reported"), "{all:?}");
        assert!(all[3].contains("2 jobs were given up"), "{all:?}");
    }
}
