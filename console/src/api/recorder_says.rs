//! What the recorder last said of a source, read from its sign of life.

use clipmill_domain::{SourceId, WallTime};
use clipmill_store::processes::Process;
use serde_json::Value;

/// A recorder that has not reported for this long says nothing.
const FRESH_MILLIS: i64 = 20_000;

/// A source as the recorder sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// For example `recording`, `stalled`, `retrying`.
    pub(crate) state: String,
    /// Milliseconds without a packet, while connected.
    pub(crate) silent_ms: Option<u64>,
    /// What last went wrong, when, and whether that is over.
    pub(crate) problem: Option<(String, WallTime, bool)>,
}

/// What the newest recorder among `processes` says of `source`; `None` when none does.
pub(crate) fn of(processes: &[Process], source: SourceId, now: WallTime) -> Option<Said> {
    let is_fresh = |p: &&Process| p.role == "record" && now.millis_since(p.beat_at) <= FRESH_MILLIS;
    let status = &processes.iter().find(is_fresh)?.status;
    let s = status.get("sources")?.get(source.to_string())?;
    let last = s.get("last_problem").and_then(|p| {
        let what = p.get("what")?.as_str()?.to_owned();
        let at = WallTime::from_millis(p.get("at")?.as_i64()?);
        let is_over = s.get("last_error").is_none_or(Value::is_null);
        Some((what, at, is_over))
    });
    Some(Said {
        state: s.get("state")?.as_str()?.to_owned(),
        silent_ms: s.get("silent_ms").and_then(Value::as_u64),
        problem: last,
    })
}

#[cfg(test)]
mod tests {
    use clipmill_domain::Id as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_recorder_is_believed_as_long_as_it_reports() {
        let at = WallTime::from_millis;
        let id = SourceId::new_at(at(1));
        let process = |beat: i64, state: &str| Process {
            role: "record".into(),
            instance: state.into(),
            pid: 1,
            status: json!({"sources": {id.to_string(): {
                "state": state, "silent_ms": 7, "last_error": null,
                "last_problem": {"what": "it broke", "at": 5},
            }}}),
            started_at: at(beat),
            beat_at: at(beat),
        };
        let said = of(&[process(100, "recording"), process(50, "retrying")], id, at(200)).unwrap();
        assert_eq!((said.state.as_str(), said.silent_ms), ("recording", Some(7)));
        assert_eq!(said.problem, Some(("it broke".into(), at(5), true)));
        assert_eq!(of(&[process(100, "recording")], id, at(30_000)), None);
        assert_eq!(of(&[process(100, "recording")], SourceId::new_at(at(2)), at(200)), None);
    }
}
