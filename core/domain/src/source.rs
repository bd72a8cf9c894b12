//! A configured stream of a brand.

use serde::{Deserialize, Serialize};

use crate::{SourceId, WallTime, schedule::Schedule};

/// How the stream reaches us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// An encoder pushes to our RTMP or SRT listener with a stream key.
    Push,
    /// We open a URL.
    Pull,
}

/// The language spoken on the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Mandarin Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// The two-letter code, as models and configuration spell it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
}

impl std::str::FromStr for Language {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "zh" => Ok(Self::Zh),
            "en" => Ok(Self::En),
            other => Err(format!("language {other:?} is not known; use zh or en")),
        }
    }
}

/// Which characters Chinese is shown in. Rows hold Simplified ones, whatever is shown: words are matched on those.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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

impl std::str::FromStr for Script {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "simplified" => Ok(Self::Simplified),
            "traditional-tw" | "traditional_tw" => Ok(Self::TraditionalTw),
            "traditional-hk" | "traditional_hk" => Ok(Self::TraditionalHk),
            other => Err(format!(
                "script {other:?} is not known; use simplified, traditional-tw or traditional-hk"
            )),
        }
    }
}

/// When an enabled source records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordMode {
    /// Whenever there is media.
    #[default]
    Always,
    /// In the windows of its schedule.
    Scheduled,
    /// When the operator asks for it.
    OnDemand,
}

impl std::str::FromStr for RecordMode {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "always" => Ok(Self::Always),
            "scheduled" => Ok(Self::Scheduled),
            "on-demand" | "on_demand" => Ok(Self::OnDemand),
            other => Err(format!("mode {other:?} is not known; use always, scheduled or on-demand")),
        }
    }
}

/// Which of several audio tracks is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioChoice {
    /// The first.
    #[default]
    First,
    /// The nth, counted from 1.
    Number(u32),
    /// The first that is marked with this language, for example `zho`.
    Language(String),
}

impl std::str::FromStr for AudioChoice {
    type Err = String;
    /// `first`, a number from 1, or a language code of two or three letters.
    fn from_str(s: &str) -> Result<Self, String> {
        match (s, s.parse::<u32>()) {
            ("first", _) => Ok(Self::First),
            (_, Ok(n)) if n > 0 => Ok(Self::Number(n)),
            (code, Err(_))
                if (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase()) =>
            {
                Ok(Self::Language(code.to_owned()))
            }
            _ => Err(format!(
                "audio track {s:?} is not one; use first, a number from 1, or a language such as zho"
            )),
        }
    }
}

impl std::fmt::Display for AudioChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::First => f.write_str("first"),
            Self::Number(n) => n.fmt(f),
            Self::Language(code) => f.write_str(code),
        }
    }
}

/// Whose heads may learn from a source's examples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareExamples {
    /// Those of its own brand only.
    #[default]
    Own,
    /// Everybody's: they are in the shared pool.
    Pool,
}

impl std::str::FromStr for ShareExamples {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "own" => Ok(Self::Own),
            "pool" => Ok(Self::Pool),
            other => Err(format!("{other:?} is not known; use own (its own brand only) or pool (shared)")),
        }
    }
}

/// What ends a recording besides its own end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoStop {
    /// After so many minutes.
    pub after_minutes: Option<u32>,
    /// After so many minutes without media; unset: the service's own setting.
    pub quiet_minutes: Option<u32>,
    /// At so many gigabytes (10^9 bytes).
    pub after_gigabytes: Option<u32>,
    /// At the end of its schedule window. Otherwise a live that is running then is recorded to its end.
    pub at_window_end: bool,
}

/// What the operator asks of a source, besides what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceSettings {
    /// The brand it sells for.
    pub brand: Option<String>,
    /// When it records.
    pub mode: RecordMode,
    /// The windows, for [`RecordMode::Scheduled`].
    pub schedule: Schedule,
    /// What ends a recording.
    pub stop: AutoStop,
    /// -100 to 100: whose recordings are worked on first when the machine is behind; higher goes first.
    pub priority: i32,
    /// Which audio track is recorded.
    pub audio: AudioChoice,
    /// Whether each stretch of speech is heard in the language it sounds like; otherwise all in the source's own.
    pub detect_language: bool,
    /// What Chinese is shown in: transcripts, captions, titles.
    pub script: Script,
    /// Name of the resolver that turns its address (a room page) into a stream's; none: the address is the stream.
    pub resolver: Option<String>,
    /// Days its recordings are kept; unset: the service's own setting.
    pub keep_days: Option<u32>,
    /// Whose heads may learn from what people say about its selling points.
    pub share_examples: ShareExamples,
}

impl SourceSettings {
    /// # Errors
    /// What to correct, in words.
    pub fn validate(&self) -> Result<(), String> {
        self.schedule.validate()?;
        if self.mode == RecordMode::Scheduled && self.schedule.windows.is_empty() {
            return Err("a source that records by schedule needs at least one window".to_owned());
        }
        if !(-100..=100).contains(&self.priority) {
            return Err(format!("priority {} is out of range; use -100 to 100", self.priority));
        }
        if self.audio == AudioChoice::Number(0) {
            return Err("audio tracks are counted from 1".to_owned());
        }
        let zero =
            [self.stop.after_minutes, self.stop.quiet_minutes, self.stop.after_gigabytes, self.keep_days];
        if zero.contains(&Some(0)) {
            return Err("a limit of 0 would stop everything; leave it out instead".to_owned());
        }
        Ok(())
    }

    /// Whether the source is to record at `now`, given that the operator has `requested` it or not, and that it
    /// is `recording` already or not.
    pub fn wants(&self, requested: bool, recording: bool, now: WallTime) -> bool {
        match self.mode {
            RecordMode::Always => true,
            RecordMode::OnDemand => requested,
            RecordMode::Scheduled => self.schedule.is_open(now) || (recording && !self.stop.at_window_end),
        }
    }
}

/// A configured stream. Its secret (stream key or the URL with its tokens) is never part of this type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// The operator's name for it; unique.
    pub name: String,
    /// Push or pull.
    pub kind: SourceKind,
    /// For a pull source, the URL without credentials and query: fit to be shown and logged.
    pub url_shown: Option<String>,
    /// The language spoken.
    pub language: Language,
    /// Category pack (`apparel`, `beauty`, `3c`, `food`, `household`), if the brand set one.
    pub category: Option<String>,
    /// Whether it may record at all.
    pub enabled: bool,
    /// On demand: whether the operator asked to record.
    pub requested: bool,
    /// What the operator asks of it.
    pub settings: SourceSettings,
    /// When it was configured.
    pub created_at: WallTime,
}

impl Source {
    /// The brand it sells for; none where none is entered.
    pub fn brand(&self) -> Option<&str> {
        self.settings.brand.as_deref().map(str::trim).filter(|b| !b.is_empty())
    }

    /// Whether a head for `for_source` may learn from this source's examples; for all (`None`) only from those of the
    /// shared pool.
    pub fn may_teach(&self, for_source: Option<&Self>) -> bool {
        let same =
            for_source.is_some_and(|s| s.id == self.id || (s.brand().is_some() && s.brand() == self.brand()));
        same || self.settings.share_examples == ShareExamples::Pool
    }

    /// Whether it plays finished lives from this machine's disk.
    pub fn is_backfill(&self) -> bool {
        let from_disk = |url: &String| url.starts_with("file:") || url.starts_with('/');
        self.kind == SourceKind::Pull && self.url_shown.as_ref().is_some_and(from_disk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Window;

    #[test]
    fn settings_that_say_nothing_record_always() {
        let s: SourceSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(s, SourceSettings::default());
        assert!(s.wants(false, false, WallTime::from_millis(0)) && s.validate().is_ok());
        assert!(serde_json::from_str::<SourceSettings>(r#"{"mod":"always"}"#).is_err());
    }

    #[test]
    fn a_live_running_at_the_end_of_its_window_goes_on_unless_told_otherwise() {
        let window = Window { days: vec![], from: "10:00".into(), to: "11:00".into() };
        let schedule = Schedule { zone: "UTC".into(), windows: vec![window] };
        let mut s = SourceSettings { mode: RecordMode::Scheduled, schedule, ..SourceSettings::default() };
        let (inside, after) = (WallTime::from_millis(10 * 3_600_000), WallTime::from_millis(11 * 3_600_000));
        assert!(s.wants(false, false, inside) && !s.wants(false, false, after));
        assert!(s.wants(false, true, after));
        s.stop.at_window_end = true;
        assert!(!s.wants(false, true, after));
        s.mode = RecordMode::OnDemand;
        assert!(s.wants(true, false, after) && !s.wants(false, true, inside));
    }

    #[test]
    fn an_audio_track_reads_as_it_is_written() {
        for text in ["first", "1", "12", "zh", "zho"] {
            assert_eq!(text.parse::<AudioChoice>().unwrap().to_string(), text);
        }
        for bad in ["0", "", "-1", "Zho", "chinese"] {
            assert!(bad.parse::<AudioChoice>().unwrap_err().contains("from 1"), "{bad}");
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let bad = |change: fn(&mut SourceSettings)| {
            let mut s = SourceSettings::default();
            change(&mut s);
            s.validate().unwrap_err()
        };
        assert!(bad(|s| s.mode = RecordMode::Scheduled).contains("window"));
        assert!(bad(|s| s.priority = 101).contains("-100 to 100"));
        assert!(bad(|s| s.audio = AudioChoice::Number(0)).contains("from 1"));
        assert!(bad(|s| s.keep_days = Some(0)).contains("leave it out"));
    }
}
