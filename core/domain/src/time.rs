//! Two kinds of time that must never be mixed: time inside a recording, and time on the wall.

use std::{
    fmt,
    ops::{Add, Sub},
};

use serde::{Deserialize, Serialize};

/// Microseconds since the first key frame of a recording. Gaps count as the wall time they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(i64);

impl MediaTime {
    /// The first key frame of the recording.
    pub const ZERO: Self = Self(0);

    /// From microseconds.
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// From seconds, rounded to the nearest microsecond. Not-a-number becomes zero.
    pub fn from_seconds(s: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "float casts saturate")]
        Self((s * 1e6).round() as i64)
    }

    /// In microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// In seconds.
    pub fn as_seconds(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact for 285 years of microseconds")]
        let us = self.0 as f64;
        us / 1e6
    }
}

/// A length of media time, in microseconds; what subtracting two [`MediaTime`]s gives.
pub type MicrosDelta = i64;

impl Sub for MediaTime {
    type Output = MicrosDelta;
    fn sub(self, rhs: Self) -> MicrosDelta {
        self.0.saturating_sub(rhs.0)
    }
}

impl Add<MicrosDelta> for MediaTime {
    type Output = Self;
    fn add(self, rhs: MicrosDelta) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

impl fmt::Display for MediaTime {
    /// `h:mm:ss.mmm`, or `m:ss.mmm` below an hour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let ms = self.0.unsigned_abs() / 1000;
        let (h, m, s, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
        if h > 0 {
            write!(f, "{sign}{h}:{m:02}:{s:02}.{ms:03}")
        } else {
            write!(f, "{sign}{m}:{s:02}.{ms:03}")
        }
    }
}

/// A stretch of media time inside one recording: `start < end` by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "SpanWire")]
pub struct Span {
    start: MediaTime,
    end: MediaTime,
}

#[derive(Deserialize)]
struct SpanWire {
    start: MediaTime,
    end: MediaTime,
}

impl TryFrom<SpanWire> for Span {
    type Error = EmptySpan;
    fn try_from(w: SpanWire) -> Result<Self, EmptySpan> {
        Self::new(w.start, w.end)
    }
}

/// A span was asked for whose end is not after its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a span must end after it starts ({start} to {end})")]
pub struct EmptySpan {
    /// The start asked for.
    pub start: MediaTime,
    /// The end asked for.
    pub end: MediaTime,
}

impl Span {
    /// A span from `start` up to, not including, `end`.
    pub fn new(start: MediaTime, end: MediaTime) -> Result<Self, EmptySpan> {
        if start < end { Ok(Self { start, end }) } else { Err(EmptySpan { start, end }) }
    }

    /// Where it begins.
    pub const fn start(self) -> MediaTime {
        self.start
    }

    /// Where it ends.
    pub const fn end(self) -> MediaTime {
        self.end
    }

    /// Its length in microseconds; always above zero.
    pub fn micros(self) -> MicrosDelta {
        self.end - self.start
    }

    /// Whether the two share any instant.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether `at` lies inside.
    pub fn contains(self, at: MediaTime) -> bool {
        self.start <= at && at < self.end
    }

    /// The smallest span that holds both.
    pub fn hull(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// An instant on the wall, UTC, in whole milliseconds since 1970; how it is stored on every database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(i64);

impl WallTime {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to here; negative when the clock stepped back.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant moved by `ms` milliseconds.
    pub const fn plus_millis(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl fmt::Display for WallTime {
    /// RFC 3339, UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => t.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_time_reads_like_a_clock() {
        let show = |s: f64| MediaTime::from_seconds(s).to_string();
        assert_eq!(show(0.0), "0:00.000");
        assert_eq!(show(83.25), "1:23.250");
        assert_eq!(show(3_723.004), "1:02:03.004");
        assert_eq!(show(-1.5), "-0:01.500");
    }

    #[test]
    fn an_empty_span_cannot_be_made_nor_read() {
        let t = MediaTime::from_micros;
        assert!(Span::new(t(5), t(5)).is_err());
        assert!(serde_json::from_str::<Span>(r#"{"start":5,"end":4}"#).is_err());
        assert!(serde_json::from_str::<Span>(r#"{"start":4,"end":5}"#).is_ok());
    }
}
