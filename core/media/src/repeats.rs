//! Has this been sent before? Some servers begin a new connection with up to half a minute that was already sent.
//!
//! Pure: fingerprints in, verdicts out. [`crate::Gate`] holds the packets meanwhile.

use std::collections::VecDeque;

/// So much of a recording's end is remembered: 30 s, in microseconds.
const MEMORY_MICROS: i64 = 30_000_000;
/// And at most so many packets,
const MEMORY_PACKETS: usize = 4096;
/// and bytes of payload: as much may have to be held back.
const MEMORY_BYTES: usize = 48 << 20;
/// The same packet sent again may stray this far on the sender's clock, by rounding: 2 ms, in microseconds.
const STRAY_MICROS: i64 = 2_000;

/// What a packet is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// Whether decoding can start with it.
    pub key: bool,
    /// Length of the payload.
    pub bytes: usize,
    /// Of the payload.
    pub hash: u64,
    /// Presentation time, microseconds of the sender's clock.
    pub pts_us: i64,
    /// Decoding time, microseconds of the sender's clock.
    pub dts_us: i64,
}

impl Print {
    fn same_payload(&self, other: &Self) -> bool {
        (self.key, self.bytes, self.hash) == (other.key, other.bytes, other.hash)
    }

    /// Whether this is `other` sent again on a clock that is `shift_us` ahead.
    fn repeats(&self, other: &Self, shift_us: i64) -> bool {
        let near = |a: i64, b: i64| (a - b - shift_us).abs() <= STRAY_MICROS;
        self.same_payload(other) && near(self.pts_us, other.pts_us) && near(self.dts_us, other.dts_us)
    }
}

/// What is known after a packet at the beginning of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All like before, so far.
    Hold,
    /// No repeat: every packet is new.
    New,
    /// The packets before this one were a repeat, and this one goes on where the recording ended.
    Repeat(Splice),
}

/// Where the recording goes on after a repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Splice {
    /// The packet to begin with, counted from the key frame the repeat began with.
    pub(crate) keep_from: usize,
    /// Media time of that packet, microseconds.
    pub(crate) media_start_us: i64,
}

/// A place in the memory that the new packets may be repeating.
#[derive(Debug, Clone, Copy)]
struct Trail {
    first: usize,
    next: usize,
    shift_us: i64,
}

/// The end of a recording, as fingerprints. Kept by a source from one connection to the next.
#[derive(Debug, Default)]
pub struct Repeats {
    /// On one clock, also over splices.
    seen: VecDeque<Print>,
    bytes: usize,
    /// Media time of zero on that clock; `None` until the epoch has a place in the recording.
    zero_us: Option<i64>,
    /// How far the running epoch's clock is ahead of the memory's.
    shift_us: i64,
    /// Whether the running epoch goes on with the memory.
    goes_on: bool,
    trails: Vec<Trail>,
    /// Packets followed since the key frame.
    followed: usize,
    /// That key frame occurs once in the memory.
    unique: bool,
}

impl Repeats {
    /// Whether there is nothing to compare with.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty() || self.zero_us.is_none()
    }

    /// Forgets everything: what was remembered may not be on disk.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// An epoch is about to begin.
    pub(crate) fn next_epoch(&mut self) {
        self.trails.clear();
        self.followed = 0;
        self.goes_on = false;
        if self.is_empty() {
            self.forget();
        }
    }

    /// Compares the next packet of an epoch that began with a key frame.
    pub(crate) fn follow(&mut self, print: &Print) -> Verdict {
        if self.followed == 0 {
            self.trails = self.beginnings(print);
            self.unique = self.trails.len() == 1;
        } else {
            for trail in self.trails.iter().filter(|t| t.next == self.seen.len()) {
                if let Some(splice) = self.proven(trail, print) {
                    self.splice(*trail, splice, print);
                    return Verdict::Repeat(splice);
                }
            }
            let seen = &self.seen;
            self.trails.retain_mut(|t| {
                let same = seen.get(t.next).is_some_and(|s| print.repeats(s, t.shift_us));
                t.next += 1;
                same
            });
        }
        self.followed += 1;
        if self.trails.is_empty() { Verdict::New } else { Verdict::Hold }
    }

    /// At the end of the input: whether the packets followed so far are known to be in the recording already.
    pub(crate) fn all_repeated(&self) -> bool {
        let at_end = |t: &&Trail| self.unique && t.next == self.seen.len();
        self.trails.iter().any(|t| same_clock(t) || at_end(&t))
    }

    /// The packet was taken into the running epoch.
    pub(crate) fn recorded(&mut self, print: &Print) {
        if !self.goes_on {
            if !print.key {
                return;
            }
            self.forget();
            self.goes_on = true;
        }
        let (pts_us, dts_us) = (print.pts_us - self.shift_us, print.dts_us - self.shift_us);
        self.seen.push_back(Print { pts_us, dts_us, ..*print });
        self.bytes += print.bytes;
        while let Some(oldest) = self.seen.front() {
            let old = dts_us - oldest.dts_us > MEMORY_MICROS;
            if !old && self.seen.len() <= MEMORY_PACKETS && self.bytes <= MEMORY_BYTES {
                break;
            }
            self.bytes -= oldest.bytes;
            self.seen.pop_front();
        }
    }

    /// The running epoch, whose first key frame was shown at `base_us` of the sender's clock, lies at
    /// `media_start_us` of the recording.
    pub(crate) fn placed(&mut self, base_us: i64, media_start_us: i64) {
        self.zero_us = Some(media_start_us - (base_us - self.shift_us));
    }

    fn beginnings(&self, print: &Print) -> Vec<Trail> {
        if !print.key || self.zero_us.is_none() {
            return vec![];
        }
        let like = self.seen.iter().enumerate().filter(|(_, s)| s.same_payload(print));
        like.map(|(i, s)| Trail { first: i, next: i + 1, shift_us: print.pts_us - s.pts_us }).collect()
    }

    /// The trail came to the end of the memory: is it a repeat? A still picture looks like itself at any time. So
    /// either the clock must be the same, or the key frame must be one of a kind.
    fn proven(&self, trail: &Trail, print: &Print) -> Option<Splice> {
        let last = self.seen.back()?;
        if !(self.unique || same_clock(trail)) || print.dts_us <= last.dts_us + trail.shift_us - STRAY_MICROS
        {
            return None;
        }
        let zero_us = self.zero_us?;
        if print.key {
            let media_start_us = print.pts_us - trail.shift_us + zero_us;
            return Some(Splice { keep_from: self.followed, media_start_us });
        }
        // The rest of this group cannot be shown without its key frame.
        let (at, key) = self.seen.iter().enumerate().rfind(|(_, s)| s.key)?;
        Some(Splice { keep_from: at.checked_sub(trail.first)?, media_start_us: key.pts_us + zero_us })
    }

    fn splice(&mut self, trail: Trail, splice: Splice, print: &Print) {
        self.shift_us = trail.shift_us;
        self.goes_on = true;
        self.trails.clear();
        if !print.key {
            // What is kept will be recorded again.
            self.seen.truncate(trail.first + splice.keep_from);
            self.bytes = self.seen.iter().map(|s| s.bytes).sum();
        }
    }
}

fn same_clock(trail: &Trail) -> bool {
    trail.shift_us.abs() <= STRAY_MICROS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A stream of groups of `gop` packets, 40 ms apart; `same` makes every group look alike.
    fn live(from: i64, packets: i64, gop: i64, same: bool) -> Vec<Print> {
        (from..from + packets)
            .map(|i| Print {
                key: i % gop == 0,
                bytes: 100,
                hash: u64::try_from(if same { i % gop } else { i }).unwrap(),
                pts_us: i * 40_000,
                dts_us: i * 40_000,
            })
            .collect()
    }

    fn remembering(prints: &[Print], media_start_us: i64) -> Repeats {
        let mut r = Repeats::default();
        prints.iter().for_each(|p| r.recorded(p));
        r.placed(prints.iter().find(|p| p.key).unwrap().pts_us, media_start_us);
        r.next_epoch();
        r
    }

    /// The verdict that ends the holding, and how many packets it took.
    fn verdict(r: &mut Repeats, prints: &[Print]) -> Option<(usize, Verdict)> {
        prints.iter().enumerate().map(|(i, p)| (i, r.follow(p))).find(|(_, v)| *v != Verdict::Hold)
    }

    fn shifted(prints: &[Print], by_us: i64) -> Vec<Print> {
        prints.iter().map(|p| Print { pts_us: p.pts_us + by_us, dts_us: p.dts_us + by_us, ..*p }).collect()
    }

    proptest! {
        /// Wherever the connection drops and however far back the server begins, on the same clock or another, the
        /// recording goes on with the group in which it ended, at the media time that group has.
        #[test]
        fn a_repeat_is_spliced_at_the_group_in_which_the_recording_ended(
            gop in 2i64..60, cut in 3i64..700, back in 0i64..12, start in 0i64..9_000_000, clock in prop_oneof![Just(0i64), -9_000_000i64..9_000_000],
        ) {
            let before = live(0, cut, gop, false);
            let mut r = remembering(&before, start);
            let last_key = (cut - 1) / gop;
            let first = (last_key - back).max((cut - 700).max(0) / gop);
            let again = shifted(&live(first * gop, cut - first * gop + 50, gop, false), clock);
            let (at, got) = verdict(&mut r, &again).unwrap();
            prop_assert_eq!(at as i64, cut - first * gop);
            let key = if cut % gop == 0 { cut } else { last_key * gop };
            prop_assert_eq!(got, Verdict::Repeat(Splice {
                keep_from: usize::try_from(key - first * gop).unwrap(),
                media_start_us: start + key * 40_000,
            }));
            // The same again after the splice: the memory goes on.
            for p in &again[usize::try_from(key - first * gop).unwrap()..] {
                r.recorded(p);
            }
            r.placed(0, 0);
            r.placed(key * 40_000 + clock, start + key * 40_000);
            r.next_epoch();
            let more = shifted(&live((cut + 49) / gop * gop, 99, gop, false), -clock);
            let (_, got) = verdict(&mut r, &more).unwrap();
            prop_assert!(matches!(got, Verdict::Repeat(_)));
        }

        /// Whatever comes, a verdict falls before more is held than is remembered.
        #[test]
        fn holding_is_bounded(hashes in prop::collection::vec((any::<bool>(), 0u64..2), 1..300)) {
            let prints: Vec<Print> = hashes.iter().enumerate().map(|(i, (key, hash))| {
                let at = i as i64 * 40_000;
                Print { key: *key || i == 0, bytes: 10, hash: *hash, pts_us: at, dts_us: at }
            }).collect();
            let half = prints.len() / 2;
            let mut r = remembering(&prints[..=half], 0);
            let n = r.seen.len();
            let mut more = shifted(&prints[half..], 77);
            more[0].key = true;
            if let Some((at, _)) = verdict(&mut r, &more) {
                prop_assert!(at <= n);
            } else {
                prop_assert!(more.len() <= n);
            }
        }
    }

    #[test]
    fn new_pictures_are_no_repeat_at_once() {
        let mut r = remembering(&live(0, 100, 25, false), 0);
        assert_eq!(verdict(&mut r, &live(1000, 5, 25, false)), Some((0, Verdict::New)));
    }

    #[test]
    fn a_still_picture_on_another_clock_is_no_repeat() {
        let mut r = remembering(&live(0, 110, 25, true), 0);
        let again = shifted(&live(0, 300, 25, true), 7_000_000);
        assert!(matches!(verdict(&mut r, &again), Some((_, Verdict::New))));
        // On the same clock it is one.
        let mut r = remembering(&live(0, 110, 25, true), 0);
        assert!(matches!(verdict(&mut r, &live(50, 100, 25, true)), Some((60, Verdict::Repeat(_)))));
    }

    #[test]
    fn what_differs_before_the_end_is_all_new() {
        let mut r = remembering(&live(0, 110, 25, false), 0);
        let mut again = live(75, 60, 25, false);
        again[30].hash ^= 1;
        assert_eq!(verdict(&mut r, &again), Some((30, Verdict::New)));
    }

    #[test]
    fn a_connection_that_drops_inside_the_repeat_adds_nothing() {
        let mut r = remembering(&live(0, 110, 25, false), 0);
        assert_eq!(verdict(&mut r, &live(50, 20, 25, false)), None);
        assert!(r.all_repeated());
        r.next_epoch();
        assert_eq!(verdict(&mut r, &shifted(&live(50, 20, 25, false), 5_000_000)), None);
        assert!(!r.all_repeated(), "on another clock, a half is no proof");
        r.next_epoch();
        assert!(matches!(verdict(&mut r, &live(50, 70, 25, false)), Some((60, Verdict::Repeat(_)))));
    }

    #[test]
    fn no_more_than_half_a_minute_is_remembered() {
        let r = remembering(&live(0, 5_000, 25, false), 0);
        assert_eq!(r.seen.len(), 751);
        let mut r = Repeats::default();
        for p in live(0, 100, 25, false) {
            r.recorded(&Print { bytes: 1 << 20, ..p });
        }
        assert_eq!(r.seen.len(), 48);
    }
}
