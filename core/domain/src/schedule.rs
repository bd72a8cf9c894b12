//! When a source may record: windows of local time.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::WallTime;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A stretch of local time on some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days it begins on; none means every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// When it begins, `HH:MM`.
    pub from: String,
    /// When it ends, `HH:MM`; not after `from` means on the next day.
    pub to: String,
}

/// Windows in one time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// IANA name of the zone, for example `Asia/Shanghai`.
    #[serde(default = "utc")]
    pub zone: String,
    /// The windows; they may overlap.
    #[serde(default)]
    pub windows: Vec<Window>,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Default for Schedule {
    fn default() -> Self {
        Self { zone: utc(), windows: vec![] }
    }
}

impl Schedule {
    /// # Errors
    /// What to correct, in words.
    pub fn validate(&self) -> Result<(), String> {
        self.zone()?;
        self.windows.iter().try_for_each(|w| w.times().map(drop))
    }

    /// Whether any window is open at `now`. A schedule that does not [`Self::validate`] is never open.
    pub fn is_open(&self, now: WallTime) -> bool {
        let (Ok(zone), Ok(at)) = (self.zone(), Timestamp::from_millisecond(now.as_millis())) else {
            return false;
        };
        let today = at.to_zoned(zone.clone()).date();
        // A window of yesterday may reach into today.
        [today.checked_sub(1.day()).ok(), Some(today)].into_iter().flatten().any(|date| {
            self.windows.iter().any(|w| w.on(date, &zone).is_some_and(|(from, to)| (from..to).contains(&at)))
        })
    }

    fn zone(&self) -> Result<TimeZone, String> {
        TimeZone::get(&self.zone).map_err(|_| {
            format!("time zone {:?} is not known; use an IANA name, for example Asia/Shanghai", self.zone)
        })
    }
}

impl std::str::FromStr for Day {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        const DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
        let lower = s.to_ascii_lowercase();
        let found = NAMES.iter().zip(DAYS).find(|(name, _)| **name == lower).map(|(_, day)| day);
        found.ok_or_else(|| format!("{s:?} is not a day; use {}", NAMES.join(", ")))
    }
}

impl std::str::FromStr for Window {
    type Err = String;
    /// `19:30-23:00` for every day, or `mon,tue 19:30-23:00`.
    fn from_str(s: &str) -> Result<Self, String> {
        let (days, times) = s.trim().rsplit_once(' ').unwrap_or(("", s.trim()));
        let (from, to) = times
            .split_once('-')
            .ok_or_else(|| format!("{s:?} is not a window; write it as \"mon,tue 19:30-23:00\""))?;
        let days = days.split(',').map(str::trim).filter(|d| !d.is_empty()).map(str::parse);
        let window = Self { days: days.collect::<Result<_, _>>()?, from: from.to_owned(), to: to.to_owned() };
        window.times().map(|_| window)
    }
}

impl Window {
    fn times(&self) -> Result<(Time, Time), String> {
        let read = |text: &str| {
            text.split_once(':')
                .filter(|(h, m)| h.len() == 2 && m.len() == 2)
                .and_then(|(h, m)| Time::new(h.parse().ok()?, m.parse().ok()?, 0, 0).ok())
                .ok_or_else(|| format!("{text:?} is not a time of day; write it as 09:30"))
        };
        Ok((read(&self.from)?, read(&self.to)?))
    }

    /// The instants between which the window of `date` is open, if it has one.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let day = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun]
            .get(usize::try_from(date.weekday().to_monday_zero_offset()).ok()?)
            .copied()?;
        if !self.days.is_empty() && !self.days.contains(&day) {
            return None;
        }
        let (from, to) = self.times().ok()?;
        let end = if to > from { date } else { date.checked_add(1.day()).ok()? };
        let instant = |d: Date, t: Time| d.to_datetime(t).to_zoned(zone.clone()).ok().map(|z| z.timestamp());
        Some((instant(date, from)?, instant(end, to)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> WallTime {
        WallTime::from_millis(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn schedule(days: &[Day], from: &str, to: &str) -> Schedule {
        let window = Window { days: days.to_vec(), from: from.into(), to: to.into() };
        Schedule { zone: "Asia/Shanghai".into(), windows: vec![window] }
    }

    #[test]
    fn a_window_is_open_in_its_own_zone() {
        let s = schedule(&[], "19:30", "23:00");
        assert!(!s.is_open(at("2026-11-21T11:29:59Z")));
        assert!(s.is_open(at("2026-11-21T11:30:00Z")));
        assert!(s.is_open(at("2026-11-21T14:59:59Z")));
        assert!(!s.is_open(at("2026-11-21T15:00:00Z")));
    }

    #[test]
    fn a_window_past_midnight_belongs_to_the_day_it_begins_on() {
        // 2026-11-21 is a Saturday.
        let s = schedule(&[Day::Sat], "22:00", "02:00");
        assert!(s.is_open(at("2026-11-21T14:00:00Z")));
        assert!(s.is_open(at("2026-11-21T17:59:00Z")));
        assert!(!s.is_open(at("2026-11-21T18:00:00Z")));
        assert!(!s.is_open(at("2026-11-20T17:00:00Z")));
    }

    #[test]
    fn a_summer_time_night_is_as_long_as_it_is() {
        // Berlin, 2026-03-29: the hour from 02:00 to 03:00 does not exist.
        let s = Schedule { zone: "Europe/Berlin".into(), ..schedule(&[], "01:00", "04:00") };
        assert!(s.is_open(at("2026-03-29T00:00:00Z")));
        assert!(s.is_open(at("2026-03-29T01:59:00Z")));
        assert!(!s.is_open(at("2026-03-29T02:00:00Z")));
    }

    #[test]
    fn a_window_is_read_from_text() {
        let window: Window = "Mon,tue 19:30-23:00".parse().unwrap();
        let by_hand = Window { days: vec![Day::Mon, Day::Tue], from: "19:30".into(), to: "23:00".into() };
        assert_eq!(window, by_hand);
        assert!("19:30-23:00".parse::<Window>().unwrap().days.is_empty());
        for bad in ["", "mon", "noday 19:30-23:00", "19:30", "9-10"] {
            assert!(bad.parse::<Window>().is_err(), "{bad}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_cure() {
        let zone = Schedule { zone: "Shanghai".into(), ..Schedule::default() };
        assert!(zone.validate().unwrap_err().contains("Asia/Shanghai"));
        for (from, to) in [("9:30", "10:00"), ("24:00", "10:00"), ("09:60", "10:00"), ("", "x")] {
            assert!(schedule(&[], from, to).validate().unwrap_err().contains("09:30"));
            assert!(!schedule(&[], from, to).is_open(at("2026-11-21T01:45:00Z")));
        }
        assert!(schedule(&[Day::Mon], "09:30", "09:30").validate().is_ok());
    }
}
