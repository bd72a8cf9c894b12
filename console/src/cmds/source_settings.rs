//! The options that say what is asked of a source.

use std::str::FromStr;

use clipmill_domain::{
    schedule::Window,
    source::{AudioChoice, RecordMode, Script, ShareExamples, SourceSettings},
};
use clipmill_ingest::source::pull::resolver::Resolvers;
use clipmill_store::sources::Header;

use super::Failure;
use crate::config::Config;

/// A value, or the word `none`.
#[derive(Debug, Clone)]
pub struct OrNone<T>(Option<T>);

impl<T: FromStr> FromStr for OrNone<T> {
    type Err = T::Err;
    fn from_str(s: &str) -> Result<Self, T::Err> {
        if s == "none" { Ok(Self(None)) } else { s.parse().map(|v| Self(Some(v))) }
    }
}

/// What is asked of a source. What is not given stays as it is.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SettingsArgs {
    /// The brand it sells for, or `none`.
    #[arg(long)]
    brand: Option<OrNone<String>>,
    /// When it records: always, scheduled or on-demand.
    #[arg(long)]
    mode: Option<RecordMode>,
    /// A window of the schedule, for example "19:30-23:00" or "sat,sun 10:00-02:00"; once for each.
    #[arg(long = "window", value_name = "WINDOW")]
    windows: Vec<Window>,
    /// Time zone of the windows, for example Asia/Shanghai.
    #[arg(long)]
    zone: Option<String>,
    /// Ends a recording after so many minutes, or `none`. Where it still records, another one begins at once.
    #[arg(long, value_name = "MINUTES")]
    stop_after: Option<OrNone<u32>>,
    /// Ends a recording at so many gigabytes, or `none`.
    #[arg(long, value_name = "GIGABYTES")]
    stop_at_size: Option<OrNone<u32>>,
    /// Ends a recording after so many minutes without media; `none`: as the service is configured.
    #[arg(long, value_name = "MINUTES")]
    quiet: Option<OrNone<u32>>,
    /// Whether a recording ends with its window; otherwise a live is recorded to its end.
    #[arg(long, value_name = "true|false")]
    stop_at_window_end: Option<bool>,
    /// -100 to 100: higher is worked on first when the machine is behind.
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// The audio track: first, a number from 1, or a language such as zho.
    #[arg(long)]
    audio: Option<AudioChoice>,
    /// Whether the language is found out as it is spoken, Chinese or English; --lang is taken to begin with.
    #[arg(long, value_name = "true|false")]
    detect_language: Option<bool>,
    /// What Chinese is shown in: simplified, traditional-tw or traditional-hk.
    #[arg(long)]
    script: Option<Script>,
    /// Turns a room page into a stream's address: streamlink, yt-dlp, one from the configuration, or `none`.
    #[arg(long)]
    resolver: Option<OrNone<String>>,
    /// Days its recordings are kept; `none`: as the service is configured.
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<OrNone<u32>>,
    /// Whose heads may learn from what people say about its selling points: own (its own brand only) or pool (shared).
    #[arg(long, value_name = "own|pool")]
    share_examples: Option<ShareExamples>,
}

impl SettingsArgs {
    /// `settings` with what was given.
    pub(super) fn apply(&self, mut s: SourceSettings, config: &Config) -> Result<SourceSettings, Failure> {
        fn set<T: Clone>(given: Option<&OrNone<T>>, to: &mut Option<T>) {
            if let Some(OrNone(value)) = given {
                to.clone_from(value);
            }
        }
        set(self.brand.as_ref(), &mut s.brand);
        set(self.stop_after.as_ref(), &mut s.stop.after_minutes);
        set(self.stop_at_size.as_ref(), &mut s.stop.after_gigabytes);
        set(self.quiet.as_ref(), &mut s.stop.quiet_minutes);
        set(self.resolver.as_ref(), &mut s.resolver);
        set(self.keep_days.as_ref(), &mut s.keep_days);
        s.mode = self.mode.unwrap_or(s.mode);
        if !self.windows.is_empty() {
            s.schedule.windows.clone_from(&self.windows);
        }
        if let Some(zone) = &self.zone {
            s.schedule.zone.clone_from(zone);
        }
        s.stop.at_window_end = self.stop_at_window_end.unwrap_or(s.stop.at_window_end);
        s.detect_language = self.detect_language.unwrap_or(s.detect_language);
        s.script = self.script.unwrap_or(s.script);
        s.priority = self.priority.unwrap_or(s.priority);
        s.share_examples = self.share_examples.unwrap_or(s.share_examples);
        if let Some(audio) = &self.audio {
            s.audio.clone_from(audio);
        }
        s.validate().map_err(Failure::new)?;
        if let Some(name) = &s.resolver {
            let all = Resolvers::with(&config.record.resolvers).map_err(Failure::configuration)?;
            if !all.names().contains(&name.as_str()) {
                let there = all.names().join(", ");
                return Err(Failure::new(format!("no resolver is called {name:?}; there are {there}")));
            }
        }
        Ok(s)
    }
}

/// Request headers, a line each: `Name: value`.
pub(super) fn headers(lines: &str) -> Result<Vec<Header>, Failure> {
    let read = |line: &str| {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| Failure::new("a request header is written as \"Name: value\", one on a line"))?;
        let header = Header { name: name.trim().to_owned(), value: value.trim().into() };
        header.check().map_err(Failure::new)?;
        Ok(header)
    };
    lines.lines().filter(|l| !l.trim().is_empty()).map(read).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: SettingsArgs,
    }

    fn apply(args: &[&str], to: SourceSettings) -> Result<SourceSettings, Failure> {
        let line = Line::try_parse_from([&["x"], args].concat()).unwrap();
        line.settings.apply(to, &Config::load_from(None, []).unwrap())
    }

    #[test]
    fn what_is_given_changes_and_the_rest_stays() {
        let args = ["--mode", "scheduled", "--window", "sat 19:30-01:00", "--zone", "Asia/Shanghai"];
        let s = apply(&args, SourceSettings { priority: 3, ..SourceSettings::default() }).unwrap();
        assert_eq!((s.mode, s.priority, s.schedule.windows.len()), (RecordMode::Scheduled, 3, 1));
        let s = apply(&["--priority", "-5", "--stop-after", "60", "--resolver", "yt-dlp"], s).unwrap();
        assert_eq!((s.mode, s.priority, s.stop.after_minutes), (RecordMode::Scheduled, -5, Some(60)));
        let s =
            apply(&["--stop-after", "none", "--resolver", "none", "--detect-language", "true"], s).unwrap();
        assert_eq!((s.stop.after_minutes, &s.resolver, s.detect_language), (None, &None, true));
        let s = apply(&["--script", "traditional-hk"], s).unwrap();
        assert_eq!((s.detect_language, s.script), (true, Script::TraditionalHk));
    }

    #[test]
    fn what_cannot_be_met_is_refused() {
        let refused = |args: &[&str]| apply(args, SourceSettings::default()).unwrap_err().message;
        assert!(refused(&["--mode", "scheduled"]).contains("window"));
        assert!(refused(&["--resolver", "sh"]).contains("streamlink"));
        assert!(Line::try_parse_from(["x", "--window", "noon"]).is_err());
    }

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let read = headers("Cookie: a=1; b=2\n\nReferer: https://h/\n").unwrap();
        assert_eq!(read.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), ["Cookie", "Referer"]);
        let bad = headers("hunter2").unwrap_err();
        assert!(!bad.message.contains("hunter2"));
    }
}
