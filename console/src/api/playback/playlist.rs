//! From the rows of a recording to the text of an HLS playlist (RFC 8216), which names the very parts that were
//! recorded. No IO in here, and nothing is done twice: a [`Playlist`] grows by the parts that are new.
//!
//! A stretch without media takes no playing time: a discontinuity stands in its place. (A player of `EXT-X-GAP`
//! would have to wait the gap out or jump it by itself; at a discontinuity every player simply goes on.) Where
//! playing time lies in media time is told by `EXT-X-PROGRAM-DATE-TIME`: wall time of media time zero, plus media
//! time.

use std::fmt::Write as _;

use clipmill_domain::{
    EpochId, MediaTime, WallTime,
    gap::GAP_MICROS_MIN,
    recording::{Epoch, Part},
};

/// Dates are told anew when they have drifted this far from the sum of the lengths: 20 ms, in microseconds.
const DRIFT_MICROS_MAX: i64 = 20_000;

/// A player that asks for news only is told this many target lengths again. The standard asks for six at least.
const TOLD_AGAIN: i64 = 12;

/// A part as the text lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    /// Where its lines begin.
    at: usize,
    /// Where it lies in media time.
    start: MediaTime,
    /// Whether its lines say so.
    dated: bool,
    /// Playing time before it, in microseconds.
    before_us: i64,
}

/// The playlist of one recording, as far as its parts are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Playlist {
    /// Wall time of media time zero.
    zero: WallTime,
    lines: String,
    marks: Vec<Mark>,
    first_seq: i64,
    last_seq: i64,
    removed: i64,
    epoch: Option<EpochId>,
    /// Where the next part begins if nothing is missing.
    expected: MediaTime,
    /// Where a reader takes it to begin, who counts on from the last date told.
    counted: MediaTime,
    playing_us: i64,
    longest_us: i64,
}

impl Playlist {
    /// Of a recording whose media time zero was at `zero`.
    pub(super) fn new(zero: WallTime) -> Self {
        Self {
            zero,
            lines: String::new(),
            marks: vec![],
            first_seq: 0,
            last_seq: -1,
            removed: 0,
            epoch: None,
            expected: MediaTime::ZERO,
            counted: MediaTime::ZERO,
            playing_us: 0,
            longest_us: 0,
        }
    }

    /// Number of the last part taken in; -1 for none.
    pub(super) fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// Parts seen whose files are gone.
    pub(super) fn removed(&self) -> i64 {
        self.removed
    }

    /// Whether there is nothing to play.
    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Takes in the next part, which belongs to `epoch`. Parts come in the order of their numbers.
    pub(super) fn push(&mut self, part: &Part, epoch: &Epoch) {
        self.last_seq = part.seq;
        // What was removed still counts: the longest length must not shrink.
        self.longest_us = self.longest_us.max(part.span.micros());
        if part.removed_at.is_some() {
            self.removed += 1;
            return;
        }
        if self.marks.is_empty() {
            self.first_seq = part.seq;
        }
        let start = part.span.start();
        let hole = start - self.expected;
        let other_epoch = self.epoch != Some(part.epoch_id);
        let dated = other_epoch || (start - self.counted).abs() > DRIFT_MICROS_MAX;
        let mark = Mark { at: self.lines.len(), start, dated, before_us: self.playing_us };
        if !self.marks.is_empty() && (other_epoch || hole.abs() >= GAP_MICROS_MIN) {
            self.lines.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if other_epoch {
            let _ = writeln!(self.lines, "#EXT-X-MAP:URI=\"init/{}.mp4\"", epoch.seq);
        }
        if dated {
            let _ = writeln!(self.lines, "#EXT-X-PROGRAM-DATE-TIME:{}", self.date(start));
        }
        let us = part.span.micros();
        self.counted = if dated { start } else { self.counted } + us;
        let _ =
            writeln!(self.lines, "#EXTINF:{}.{:06},\nparts/{}.m4s", us / 1_000_000, us % 1_000_000, part.seq);
        self.marks.push(mark);
        self.epoch = Some(part.epoch_id);
        self.expected = part.span.end();
        self.playing_us += us;
    }

    /// The length that no part exceeds when rounded, in whole seconds.
    fn target(&self) -> i64 {
        ((self.longest_us + 500_000) / 1_000_000).max(1)
    }

    fn date(&self, at: MediaTime) -> String {
        let millis = self.zero.as_millis() + (at.as_micros() + 500).div_euclid(1000);
        jiff::Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |t| format!("{t:.3}"))
    }

    /// The text. `over`: no more parts will come. `news_only`: the player knows what is older than a while, and
    /// asked to have it left out.
    pub(super) fn text(&self, over: bool, news_only: bool) -> String {
        let target = self.target();
        let skipped = if news_only && !over { self.skipped() } else { 0 };
        let from = self.marks.get(skipped).map_or(self.lines.len(), |m| m.at);
        let mut text = String::with_capacity(self.lines.len() - from + 400);
        let version = if skipped > 0 { 9 } else { 7 };
        let _ = write!(
            text,
            "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MEDIA-SEQUENCE:{}\n",
            self.first_seq
        );
        // A list of events only ever grows; one that has lost its beginning is none.
        if self.removed == 0 || over {
            text.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n");
        }
        if !over {
            let _ = writeln!(text, "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL={}.0", self.told_again_s());
        }
        if skipped > 0 {
            let _ = writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}");
        }
        if let Some(told) = self.marks.get(skipped).filter(|m| skipped > 0 && !m.dated) {
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", self.date(told.start));
        }
        text.push_str(&self.lines[from..]);
        if over {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        text
    }

    fn told_again_s(&self) -> i64 {
        self.target() * TOLD_AGAIN
    }

    /// How many parts lie before what must be told again; none where little would be gained.
    fn skipped(&self) -> usize {
        let boundary = self.playing_us - self.told_again_s() * 1_000_000;
        self.marks.partition_point(|m| m.before_us < boundary).saturating_sub(1)
    }
}
