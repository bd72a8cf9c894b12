//! What the operator asks of a source.

use clipmill_domain::{schedule, source};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// When an enabled source records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordMode {
    /// Whenever there is media.
    #[default]
    Always,
    /// In the windows of its schedule.
    Scheduled,
    /// When it is asked to, see `/api/sources/{id}/record`.
    OnDemand,
}

/// Which characters Chinese is shown in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// Simplified.
    #[default]
    Simplified,
    /// Traditional, as written in Taiwan.
    TraditionalTw,
    /// Traditional, as written in Hong Kong.
    TraditionalHk,
}

/// A stretch of local time on some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days it begins on: `mon` to `sun`; none means every day.
    #[serde(default)]
    pub days: Vec<String>,
    /// When it begins, `HH:MM`.
    pub from: String,
    /// When it ends, `HH:MM`; not after `from` means on the next day.
    pub to: String,
}

/// Whose heads may learn from a source's examples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShareExamples {
    /// Those of its own brand only.
    #[default]
    Own,
    /// Everybody's.
    Pool,
}

/// What is asked of a source. What is left out is as it is by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The brand it sells for.
    pub brand: Option<String>,
    /// When it records.
    pub mode: RecordMode,
    /// IANA name of the windows' time zone; UTC if it is left out.
    pub zone: Option<String>,
    /// The windows of a scheduled source.
    pub windows: Vec<Window>,
    /// A recording ends after so many minutes. Where the source still records, another one begins at once.
    pub stop_after_minutes: Option<u32>,
    /// A recording ends at so many gigabytes (10^9 bytes), as with `stop_after_minutes`.
    pub stop_after_gigabytes: Option<u32>,
    /// A recording ends after so many minutes without media; left out: as the service is configured.
    pub quiet_minutes: Option<u32>,
    /// A recording ends with its window. Otherwise a live that runs then is recorded to its end.
    pub stop_at_window_end: bool,
    /// -100 to 100: whose recordings are worked on first when the machine is behind; higher goes first.
    pub priority: i32,
    /// The audio track recorded: `first`, a number from 1, or a language such as `zho`.
    pub audio: Option<String>,
    /// Each stretch of speech is heard in the language it sounds like, Chinese or English. Otherwise all is heard in the
    /// source's language.
    pub detect_language: bool,
    /// What Chinese is shown in: transcripts, captions, and the titles of clips made from now on.
    pub script: Script,
    /// Turns its address (a room page) into a stream's: `streamlink`, `yt-dlp`, or one from the configuration file.
    pub resolver: Option<String>,
    /// Days its recordings are kept; left out: as the service is configured.
    pub keep_days: Option<u32>,
    /// Whose heads may learn from what people say about its selling points.
    pub share_examples: ShareExamples,
}

impl TryFrom<Settings> for source::SourceSettings {
    type Error = String;
    fn try_from(s: Settings) -> Result<Self, String> {
        let text = |t: Option<String>| t.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let windows = s.windows.into_iter().map(|w| {
            let days = w.days.iter().map(|d| d.parse()).collect::<Result<_, _>>()?;
            Ok::<_, String>(schedule::Window { days, from: w.from, to: w.to })
        });
        let settings = Self {
            brand: text(s.brand),
            mode: match s.mode {
                RecordMode::Always => source::RecordMode::Always,
                RecordMode::Scheduled => source::RecordMode::Scheduled,
                RecordMode::OnDemand => source::RecordMode::OnDemand,
            },
            schedule: schedule::Schedule {
                zone: text(s.zone).unwrap_or_else(|| schedule::Schedule::default().zone),
                windows: windows.collect::<Result<_, _>>()?,
            },
            stop: source::AutoStop {
                after_minutes: s.stop_after_minutes,
                quiet_minutes: s.quiet_minutes,
                after_gigabytes: s.stop_after_gigabytes,
                at_window_end: s.stop_at_window_end,
            },
            priority: s.priority,
            audio: text(s.audio).map_or(Ok(source::AudioChoice::First), |t| t.parse())?,
            detect_language: s.detect_language,
            script: match s.script {
                Script::Simplified => source::Script::Simplified,
                Script::TraditionalTw => source::Script::TraditionalTw,
                Script::TraditionalHk => source::Script::TraditionalHk,
            },
            resolver: text(s.resolver),
            keep_days: s.keep_days,
            share_examples: match s.share_examples {
                ShareExamples::Own => source::ShareExamples::Own,
                ShareExamples::Pool => source::ShareExamples::Pool,
            },
        };
        settings.validate()?;
        Ok(settings)
    }
}

impl From<source::SourceSettings> for Settings {
    fn from(s: source::SourceSettings) -> Self {
        let day = |d: schedule::Day| format!("{d:?}").to_ascii_lowercase();
        let windows = s.schedule.windows.into_iter().map(|w| Window {
            days: w.days.into_iter().map(day).collect(),
            from: w.from,
            to: w.to,
        });
        Self {
            brand: s.brand,
            mode: match s.mode {
                source::RecordMode::Always => RecordMode::Always,
                source::RecordMode::Scheduled => RecordMode::Scheduled,
                source::RecordMode::OnDemand => RecordMode::OnDemand,
            },
            windows: windows.collect(),
            zone: Some(s.schedule.zone),
            stop_after_minutes: s.stop.after_minutes,
            stop_after_gigabytes: s.stop.after_gigabytes,
            quiet_minutes: s.stop.quiet_minutes,
            stop_at_window_end: s.stop.at_window_end,
            priority: s.priority,
            audio: Some(s.audio.to_string()),
            detect_language: s.detect_language,
            script: match s.script {
                source::Script::Simplified => Script::Simplified,
                source::Script::TraditionalTw => Script::TraditionalTw,
                source::Script::TraditionalHk => Script::TraditionalHk,
            },
            resolver: s.resolver,
            keep_days: s.keep_days,
            share_examples: match s.share_examples {
                source::ShareExamples::Own => ShareExamples::Own,
                source::ShareExamples::Pool => ShareExamples::Pool,
            },
        }
    }
}

/// A request header of a pull source.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestHeader {
    /// Its name, for example `Referer` or `Cookie`.
    pub name: String,
    /// Its value; kept sealed, never shown again.
    pub value: String,
}

impl std::fmt::Debug for RequestHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHeader").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What to change of a source; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeSource {
    /// Another name.
    pub name: Option<String>,
    /// Another language, for recordings to come.
    pub language: Option<super::Language>,
    /// Another category pack; empty for none.
    pub category: Option<String>,
    /// For a pull source, another URL. Its request headers stay if the host stays; else give them, too.
    pub url: Option<String>,
    /// For a pull source, other request headers, in place of all it had.
    pub headers: Option<Vec<RequestHeader>>,
    /// Other settings, in place of all it had.
    pub settings: Option<Settings>,
}

/// What an on-demand source is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordAction {
    /// Record from now on.
    Start,
    /// Stop; the recording ends.
    Stop,
}

/// Asks an on-demand source to record, or to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRequest {
    /// Which.
    pub action: RecordAction,
}

/// Something that went wrong with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceProblem {
    /// In words.
    pub what: String,
    /// When it was last seen.
    pub at: String,
    /// Whether media has flowed since.
    pub is_over: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were_given() {
        let given = serde_json::json!({
            "brand": "Lumi", "mode": "scheduled", "zone": "Asia/Shanghai",
            "windows": [{"days": ["sat", "sun"], "from": "19:30", "to": "01:00"}],
            "stop_after_minutes": 240, "stop_after_gigabytes": 50, "quiet_minutes": 10, "stop_at_window_end": true,
            "priority": 5, "audio": "zho", "detect_language": true, "script": "traditional_tw", "resolver": "streamlink", "keep_days": 30,
            "share_examples": "pool",
        });
        let settings: Settings = serde_json::from_value(given.clone()).unwrap();
        let stored = source::SourceSettings::try_from(settings).unwrap();
        assert_eq!(serde_json::to_value(Settings::from(stored)).unwrap(), given);
        assert_eq!(
            source::SourceSettings::try_from(Settings::default()).unwrap(),
            source::SourceSettings::default()
        );
    }

    #[test]
    fn what_cannot_be_met_is_refused() {
        let refused = |v: serde_json::Value| {
            source::SourceSettings::try_from(serde_json::from_value::<Settings>(v).unwrap()).unwrap_err()
        };
        assert!(refused(serde_json::json!({"mode": "scheduled"})).contains("window"));
        assert!(refused(serde_json::json!({"audio": "0"})).contains("from 1"));
        assert!(
            refused(serde_json::json!({"windows": [{"days": ["x"], "from": "1", "to": "2"}]}))
                .contains("day")
        );
    }

    #[test]
    fn a_headers_value_is_not_in_its_debug_text() {
        let header = RequestHeader { name: "Cookie".into(), value: "hunter2".into() };
        assert!(!format!("{header:?}").contains("hunter2"));
    }
}
