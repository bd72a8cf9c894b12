//! What of old recordings is removed, in which order and why: a plan, made without touching anything.
//!
//! A recording is removed as a whole, except for the parts that its clips use: those stay, with a margin, so that a
//! clip can be cut again, extended and trimmed. Nothing of a recording is removed while it is live, held, not yet
//! heard to its end, or owes a clip. Three rules ask for removals, in this order:
//!
//! 1. **age**: the recording ended more than its days ago;
//! 2. **size**: all recordings together are larger than allowed: the oldest go first;
//! 3. **room**: the disk has less free space than wanted: the oldest go first.
//!
//! A recording with a clip that nobody has decided on waits for its decision, for a number of days. Only the last rule
//! takes such a recording, and those last of all: otherwise the disk would fill and a live would be lost.
//!
//! The [`Planner`] asks for the parts and clips of one recording at a time, and only of those that a rule may take.

use std::{collections::VecDeque, fmt};

use crate::{RecordingId, SourceId, Span, WallTime, post::PostState};

/// A day in milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// What the operator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Days a recording is kept after its end, where its source says nothing; unset: for ever.
    pub keep_days: Option<u32>,
    /// Days a recording with undecided clips is kept after its end, whatever age and size say.
    pub keep_unreviewed_days: u32,
    /// What all recordings together may take, in bytes.
    pub max_bytes: Option<i64>,
    /// Free bytes below which the oldest recordings give way.
    pub free_bytes: Option<i64>,
    /// Kept before and after each clip, in microseconds.
    pub clip_margin_us: i64,
}

/// The disk of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskFacts {
    /// Free bytes.
    pub free_bytes: i64,
    /// Bytes of removed parts whose files are still to be deleted.
    pub pending_bytes: i64,
}

/// What the plan must know of every recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingFacts {
    /// The recording.
    pub id: RecordingId,
    /// Its source.
    pub source_id: SourceId,
    /// When it ended; `None` while live.
    pub ended_at: Option<WallTime>,
    /// Whether it is under a legal hold.
    pub held: bool,
    /// Its source's own number of days.
    pub keep_days: Option<u32>,
    /// Whether every follower has gone through all of it.
    pub followed: bool,
    /// Whether a clip of it is still to be cut.
    pub uncut: bool,
    /// Parts not removed.
    pub parts: i64,
    /// Their bytes.
    pub bytes: i64,
}

/// A part that is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartFacts {
    /// Its number.
    pub seq: i64,
    /// The media time it covers.
    pub span: Span,
    /// Its bytes.
    pub bytes: i64,
}

/// Whether somebody decided what becomes of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// Not yet.
    Open,
    /// Yes.
    Decided,
}

/// The review state of a clip, from the states of its posts: it is decided when it has posts and each of them is live
/// or given up. This is the one place to extend when people approve or reject clips.
pub fn review(posts: &[PostState]) -> Review {
    let over = |s: &PostState| matches!(s, PostState::Live | PostState::Failed);
    if !posts.is_empty() && posts.iter().all(over) { Review::Decided } else { Review::Open }
}

/// A clip of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipFacts {
    /// From the start of what it plays to the end.
    pub span: Span,
    /// Whether it was decided on.
    pub review: Review,
}

/// The parts (in order of number) and clips of one recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Media {
    /// Parts not removed.
    pub parts: Vec<PartFacts>,
    /// Clips.
    pub clips: Vec<ClipFacts>,
}

/// Which rule asks for a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It ended more than so many days ago.
    Age {
        /// The days that applied.
        days: u32,
    },
    /// All recordings together are too large.
    Size,
    /// The disk has too little free space.
    Room,
}

impl Why {
    /// A stable word: `age`, `size`, `room`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Age { .. } => "age",
            Self::Size => "size",
            Self::Room => "room",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age { days: 1 } => f.write_str("ended more than 1 day ago"),
            Self::Age { days } => write!(f, "ended more than {days} days ago"),
            Self::Size => f.write_str("all recordings together are larger than allowed"),
            Self::Room => f.write_str("the disk has less free space than wanted"),
        }
    }
}

/// Why a recording stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is being made.
    Live,
    /// It is under a legal hold.
    Held,
    /// Not all of it was heard and classified.
    NotHeard,
    /// A clip of it is still to be cut.
    Uncut,
    /// Nobody has decided on a clip of it.
    Unreviewed {
        /// When it no longer waits.
        until: WallTime,
    },
    /// Its clips use all that is left of it.
    Clips,
    /// No rule asks for it.
    NotDue,
}

impl Kept {
    /// A stable word, for example `held`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Held => "held",
            Self::NotHeard => "not_heard",
            Self::Uncut => "uncut",
            Self::Unreviewed { .. } => "unreviewed",
            Self::Clips => "clips",
            Self::NotDue => "not_due",
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str("live"),
            Self::Held => f.write_str("under a legal hold"),
            Self::NotHeard => f.write_str("not yet transcribed and classified to its end"),
            Self::Uncut => f.write_str("a clip of it is still to be cut"),
            Self::Unreviewed { until } => write!(f, "has clips that nobody decided on; waits until {until}"),
            Self::Clips => f.write_str("clips use all that is left of it"),
            Self::NotDue => f.write_str("no rule asks for it"),
        }
    }
}

/// Numbers of parts, both ends included. Parts in between that were removed before are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first number.
    pub first: i64,
    /// The last number.
    pub last: i64,
}

/// What is to be removed of one recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The recording.
    pub recording_id: RecordingId,
    /// Its source.
    pub source_id: SourceId,
    /// When it ended.
    pub ended_at: Option<WallTime>,
    /// The rule.
    pub why: Why,
    /// Which parts, in order.
    pub runs: Vec<Run>,
    /// How many.
    pub parts: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Parts that stay because clips use them.
    pub parts_for_clips: i64,
    /// Their bytes.
    pub bytes_for_clips: i64,
}

/// A recording of which nothing is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptRecording {
    /// The recording.
    pub recording_id: RecordingId,
    /// Its source.
    pub source_id: SourceId,
    /// When it ended; `None` while live.
    pub ended_at: Option<WallTime>,
    /// Why it stays.
    pub why: Kept,
    /// Its bytes.
    pub bytes: i64,
}

/// Everything to be removed, in the order of execution, and what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What goes.
    pub removals: Vec<Removal>,
    /// The recordings that stay whole.
    pub kept: Vec<KeptRecording>,
    /// Bytes of all recordings before.
    pub bytes_before: i64,
    /// Bytes by which all recordings are still too large afterwards.
    pub size_short_bytes: i64,
    /// Free bytes that are still missing afterwards.
    pub room_short_bytes: i64,
}

impl Plan {
    /// Bytes that go.
    pub fn bytes(&self) -> i64 {
        self.removals.iter().map(|r| r.bytes).sum()
    }

    /// Parts that go.
    pub fn parts(&self) -> i64 {
        self.removals.iter().map(|r| r.parts).sum()
    }
}

/// Makes a [`Plan`]: ask [`Planner::next`], look that recording's media up, tell it by [`Planner::look`], until there
/// is no next one; then [`Planner::finish`].
#[derive(Debug)]
pub struct Planner {
    rules: Rules,
    now: WallTime,
    /// Older than their days, oldest first.
    aged: VecDeque<(RecordingFacts, u32)>,
    /// The other candidates, oldest first.
    others: VecDeque<RecordingFacts>,
    /// Could go, but wait for a decision.
    waiting: Vec<(RecordingFacts, Removal)>,
    size_need: i64,
    room_need: i64,
    plan: Plan,
}

impl Planner {
    /// Sorts the recordings into those that stay and those that may go.
    pub fn new(rules: Rules, mut recordings: Vec<RecordingFacts>, disk: DiskFacts, now: WallTime) -> Self {
        let bytes_before: i64 = recordings.iter().map(|r| r.bytes).sum();
        let free = disk.free_bytes.saturating_add(disk.pending_bytes);
        let mut planner = Self {
            size_need: rules.max_bytes.map_or(0, |max| (bytes_before - max).max(0)),
            room_need: rules.free_bytes.map_or(0, |wanted| wanted.saturating_sub(free).max(0)),
            plan: Plan { bytes_before, ..Plan::default() },
            rules,
            now,
            aged: VecDeque::new(),
            others: VecDeque::new(),
            waiting: vec![],
        };
        recordings.retain(|r| r.parts > 0);
        recordings.sort_by_key(|r| (r.ended_at.is_none(), r.ended_at, r.id));
        for r in recordings {
            let days = r.keep_days.or(planner.rules.keep_days);
            match (untouchable(&r), days) {
                (Some(why), _) => planner.keep(&r, why),
                (None, Some(days)) if age_ms(&r, now) >= i64::from(days) * DAY_MS => {
                    planner.aged.push_back((r, days));
                }
                (None, _) => planner.others.push_back(r),
            }
        }
        planner
    }

    /// The recording whose parts and clips are to be looked up next.
    pub fn next(&self) -> Option<RecordingId> {
        if let Some((r, _)) = self.aged.front() {
            return Some(r.id);
        }
        let needed = self.size_need > 0 || self.room_need > 0;
        self.others.front().filter(|_| needed).map(|r| r.id)
    }

    /// Decides on the recording that [`Planner::next`] named.
    pub fn look(&mut self, media: &Media) {
        let (r, why) = match self.aged.pop_front() {
            Some((r, days)) => (r, Why::Age { days }),
            None => match self.others.pop_front() {
                Some(r) => (r, if self.size_need > 0 { Why::Size } else { Why::Room }),
                None => return,
            },
        };
        let removal = removal_of(&r, why, media, self.rules.clip_margin_us);
        let undecided = media.clips.iter().any(|c| c.review == Review::Open);
        if removal.parts == 0 {
            self.keep(&r, Kept::Clips);
        } else if undecided && self.now < self.waits_until(&r) {
            self.waiting.push((r, removal));
        } else {
            self.remove(removal);
        }
    }

    /// The plan.
    pub fn finish(mut self) -> Plan {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|(r, _)| (r.ended_at, r.id));
        for (r, removal) in waiting {
            if self.room_need > 0 {
                self.remove(Removal { why: Why::Room, ..removal });
            } else {
                let until = self.waits_until(&r);
                self.keep(&r, Kept::Unreviewed { until });
            }
        }
        for (r, _) in std::mem::take(&mut self.aged) {
            self.keep(&r, Kept::NotDue);
        }
        for r in std::mem::take(&mut self.others) {
            self.keep(&r, Kept::NotDue);
        }
        self.plan.size_short_bytes = self.size_need.max(0);
        self.plan.room_short_bytes = self.room_need.max(0);
        self.plan
    }

    fn waits_until(&self, r: &RecordingFacts) -> WallTime {
        let days = i64::from(self.rules.keep_unreviewed_days);
        r.ended_at.unwrap_or(self.now).plus_millis(days * DAY_MS)
    }

    fn keep(&mut self, r: &RecordingFacts, why: Kept) {
        self.plan.kept.push(KeptRecording {
            recording_id: r.id,
            source_id: r.source_id,
            ended_at: r.ended_at,
            why,
            bytes: r.bytes,
        });
    }

    fn remove(&mut self, removal: Removal) {
        self.size_need -= removal.bytes;
        self.room_need -= removal.bytes;
        self.plan.removals.push(removal);
    }
}

fn untouchable(r: &RecordingFacts) -> Option<Kept> {
    match () {
        () if r.held => Some(Kept::Held),
        () if r.ended_at.is_none() => Some(Kept::Live),
        () if !r.followed => Some(Kept::NotHeard),
        () if r.uncut => Some(Kept::Uncut),
        () => None,
    }
}

/// Milliseconds since its end; below zero after the clock was set back.
fn age_ms(r: &RecordingFacts, now: WallTime) -> i64 {
    r.ended_at.map_or(0, |ended| now.millis_since(ended))
}

fn removal_of(r: &RecordingFacts, why: Why, media: &Media, margin_us: i64) -> Removal {
    let used = used_by(&media.clips, margin_us);
    let mut removal = Removal {
        recording_id: r.id,
        source_id: r.source_id,
        ended_at: r.ended_at,
        why,
        runs: vec![],
        parts: 0,
        bytes: 0,
        parts_for_clips: 0,
        bytes_for_clips: 0,
    };
    let mut open = false;
    for part in &media.parts {
        let nearest = used.partition_point(|(_, end)| *end <= part.span.start().as_micros());
        if used.get(nearest).is_some_and(|(start, _)| *start < part.span.end().as_micros()) {
            removal.parts_for_clips += 1;
            removal.bytes_for_clips += part.bytes;
            open = false;
            continue;
        }
        removal.parts += 1;
        removal.bytes += part.bytes;
        match removal.runs.last_mut().filter(|_| open) {
            Some(run) => run.last = part.seq,
            None => removal.runs.push(Run { first: part.seq, last: part.seq }),
        }
        open = true;
    }
    removal
}

/// The stretches that clips use, each widened by the margin, in microseconds; sorted and apart.
fn used_by(clips: &[ClipFacts], margin_us: i64) -> Vec<(i64, i64)> {
    let wide = |c: &ClipFacts| {
        let (start, end) = (c.span.start().as_micros(), c.span.end().as_micros());
        (start.saturating_sub(margin_us), end.saturating_add(margin_us))
    };
    let mut all: Vec<(i64, i64)> = clips.iter().map(wide).collect();
    all.sort_unstable();
    let mut apart: Vec<(i64, i64)> = vec![];
    for (start, end) in all {
        match apart.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => apart.push((start, end)),
        }
    }
    apart
}

#[cfg(test)]
mod tests;
