//! What was kept, held against what was sent: frame by frame, by hashes that the ffmpeg program computes.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    ops::Range,
};

use camino::Utf8Path;
use clipmill_domain::{
    MediaTime,
    gap::{Gap, gap_map},
    recording::{EndReason, Epoch, Part, Recording},
};
use clipmill_store::{
    Store,
    check::{CheckOptions, check},
};

use super::{
    clips::{Clip, Unit, units},
    lab::now,
};

/// The files of an epoch hold its clock plus this, so that decoding times stay above zero: microseconds.
const LEAD_MICROS: i64 = 1_000_000;

/// Rounding of times on their way.
const ROUNDING_MICROS: i64 = 2_000;

/// A frame or block of sound that was sent: which clip (its place in the order of sending), which one of it.
pub type Place = (usize, usize);

/// One that was kept.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// `None`: nobody sent anything like it.
    pub place: Option<Place>,
    /// Presentation time in the epoch's file, microseconds.
    pub pts_us: i64,
    /// Presentation time on the recording's clock.
    pub at: MediaTime,
    /// Presentation time in its clip, microseconds.
    pub sent_us: i64,
}

/// What an epoch holds.
pub struct EpochFound {
    pub epoch: Epoch,
    pub video: Vec<Seen>,
    pub audio: Vec<Seen>,
}

/// What a recording holds.
pub struct Found {
    pub recording: Recording,
    pub epochs: Vec<EpochFound>,
    pub parts: Vec<Part>,
    pub gaps: Vec<Gap>,
    clips: Vec<Clip>,
}

impl EpochFound {
    /// Pictures before the span of an epoch's first part are there for decoders and are not shown: a group that goes
    /// on where the recording ended is kept with its key frame. How many were left out.
    fn leave_out_pictures(&mut self, first: &Part) -> usize {
        if let (Some(key), Some(picture)) = (first.key_frames.first(), self.video.iter().map(|s| s.at).min())
        {
            let off = (key.at - picture).abs();
            assert!(off <= ROUNDING_MICROS, "epoch {}: rows and file differ by {off} us", self.epoch.seq);
        }
        let all = self.video.len();
        self.video.retain(|s| s.at + ROUNDING_MICROS >= first.span.start());
        all - self.video.len()
    }

    /// Sound from before the span is heard from where the sound `before` ended, where the recording goes on without
    /// a gap: sound may lag behind the pictures when a connection breaks. Otherwise a block that reaches into the
    /// span is the first. How many blocks were left out.
    fn leave_out_sound(&mut self, first: &Part, before: Option<(&Self, &Part)>) -> usize {
        let all = self.audio.len();
        let start = first.span.start();
        let goes_on = before.filter(|(_, last)| last.span.end() == start);
        let heard_to = goes_on.and_then(|(b, _)| Some(b.audio.last()?.at + block_micros(&b.audio)));
        let block = block_micros(&self.audio);
        self.audio.retain(|s| match heard_to {
            Some(end) => s.at + block / 2 > end,
            None => s.at + block > start,
        });
        all - self.audio.len()
    }

    /// Pictures beyond the end of an epoch's last part are not shown, where the next epoch shows the same.
    fn leave_to(&mut self, next: &Self, end: MediaTime) {
        let there: BTreeSet<Place> = next.video.iter().filter_map(|s| s.place).collect();
        let again = |s: &Seen| s.place.is_some_and(|p| there.contains(&p));
        self.video.retain(|s| s.at + ROUNDING_MICROS < end || !again(s));
    }
}

/// What readers leave out, by the rows and the times in the files.
fn leave_out_what_is_not_shown(epochs: &mut [EpochFound], parts: &[Part]) {
    for n in 0..epochs.len() {
        let (earlier, rest) = epochs.split_at_mut(n);
        let Some(epoch) = rest.first_mut() else { return };
        let own = |e: &EpochFound| {
            let id = e.epoch.id;
            let mut of = parts.iter().filter(move |p| p.epoch_id == id);
            let first = of.next()?;
            Some((first, of.next_back().unwrap_or(first)))
        };
        let Some((first, _)) = own(epoch) else { continue };
        let before = earlier.iter().rev().find_map(|e| Some((e, own(e)?.1)));
        let pictures = epoch.leave_out_pictures(first);
        let sounds = epoch.leave_out_sound(first, before);
        eprintln!("epoch {}: {pictures} pictures and {sounds} blocks of sound not shown", epoch.epoch.seq);
        if let Some(before) = earlier.last_mut()
            && let Some((_, last)) = own(before)
        {
            before.leave_to(epoch, last.span.end());
        }
    }
}

/// How long a block of sound is.
fn block_micros(sounds: &[Seen]) -> i64 {
    sounds.windows(2).map(|w| w[1].at - w[0].at).filter(|d| *d > 0).min().unwrap_or(0)
}

impl Found {
    /// Decodes all epochs of a recording; also checks that rows and files agree.
    pub async fn of(store: &Store, scratch: &Utf8Path, rec: &Recording, clips: &[&Clip]) -> Self {
        let rows = store.epochs(rec.id).await.unwrap();
        let parts = store.parts(rec.id).await.unwrap();
        let pictures = index(clips, |c| &c.video);
        let sounds = index(clips, |c| &c.audio);
        let mut epochs = vec![];
        for epoch in &rows {
            let own: Vec<&Part> = parts.iter().filter(|p| p.epoch_id == epoch.id).collect();
            let (video, audio) =
                if own.is_empty() { Default::default() } else { decode(store, scratch, epoch, &own) };
            let seen = |units: Vec<Unit>, index: &HashMap<&str, (Place, i64)>| {
                units
                    .into_iter()
                    .map(|u| {
                        let known = index.get(u.hash.as_str());
                        Seen {
                            place: known.map(|k| k.0),
                            pts_us: u.pts_us,
                            at: epoch.media_start + (u.pts_us - LEAD_MICROS),
                            sent_us: known.map_or(0, |k| k.1),
                        }
                    })
                    .collect()
            };
            let (video, audio) = (seen(video, &pictures), seen(audio, &sounds));
            epochs.push(EpochFound { epoch: epoch.clone(), video, audio });
        }
        leave_out_what_is_not_shown(&mut epochs, &parts);
        rows_and_files_agree(store, rec).await;
        let gaps = gap_map(&parts, &rows);
        let clips = clips.iter().map(|&c| c.clone()).collect();
        Self { recording: rec.clone(), epochs, parts, gaps, clips }
    }

    /// Every frame and block of sound is one that was sent, once, in its order; on its time within 3 ms; and sound
    /// and picture are as far apart as they were sent, within a frame's time.
    pub fn assert_true(&self) -> &Self {
        self.assert_all(false)
    }

    /// As [`Found::assert_true`], but the last picture (in the order of sending) and the last block of sound of an epoch may be torn: a
    /// transport stream does not say how long they are, so what a break leaves of them looks like a whole one.
    pub fn assert_true_but_for_torn_ends(&self) -> &Self {
        self.assert_all(true)
    }

    fn assert_all(&self, torn: bool) -> &Self {
        // The last in the order of sending can be shown before up to three others.
        let ends = if torn { 4 } else { 0 };
        for (what, lists) in [("picture", self.lists(|e| &e.video)), ("sound", self.lists(|e| &e.audio))] {
            let mut last: Option<(usize, Place)> = None;
            for (number, list) in lists.iter().enumerate() {
                let mut strangers = 0;
                for (n, seen) in list.iter().enumerate() {
                    let Some(place) = seen.place else {
                        let at = seen.pts_us;
                        strangers += 1;
                        let end = strangers == 1 && n + ends >= list.len();
                        assert!(end, "{what} at {at} us of epoch {number} was never sent (altered)\n{self}");
                        continue;
                    };
                    if let Some((in_epoch, before)) = last {
                        // One block of sound may lie across a seam.
                        let seam = what == "sound" && in_epoch < number && place == before;
                        assert!(
                            place > before || seam,
                            "{what} {place:?} in epoch {number} comes after {before:?} of epoch {in_epoch}: \
                             doubled or out of order\n{self}"
                        );
                    }
                    last = Some((number, place));
                }
            }
        }
        for (number, epoch) in self.epochs.iter().enumerate() {
            for piece in runs(&epoch.video) {
                let shift = |s: &Seen| s.pts_us - s.sent_us;
                let zero = shift(&piece[0]);
                for seen in piece {
                    let off = shift(seen) - zero;
                    assert!(
                        off.abs() <= 3000,
                        "picture {:?} of epoch {number} is {off} us off\n{self}",
                        seen.place
                    );
                }
                let clip = piece[0].place.unwrap().0;
                let Some(sound) = epoch.audio.iter().find(|s| s.place.is_some_and(|p| p.0 == clip)) else {
                    continue;
                };
                let apart = shift(sound) - zero;
                assert!(
                    apart.abs() <= 45_000,
                    "sound is {apart} us from the pictures in epoch {number}\n{self}"
                );
            }
        }
        self
    }

    fn lists(&self, of: impl Fn(&EpochFound) -> &Vec<Seen>) -> Vec<&Vec<Seen>> {
        self.epochs.iter().map(of).collect()
    }

    /// The frames of a clip that were kept.
    pub fn kept(&self, clip: usize) -> BTreeSet<usize> {
        let all = self.epochs.iter().flat_map(|e| &e.video).filter_map(|s| s.place);
        all.filter(|p| p.0 == clip).map(|p| p.1).collect()
    }

    /// The frames of a clip, up to `end`, that were not kept, as ranges.
    pub fn missing(&self, clip: usize, end: usize) -> Vec<Range<usize>> {
        let kept = self.kept(clip);
        let lost: Vec<usize> = (0..end).filter(|f| !kept.contains(f)).collect();
        ranges(&lost)
    }

    /// The frames that are missing between the first and the last kept one of a clip. Not counted: up to two right
    /// before the last frame of an epoch. Frames are sent in another order than they are shown, so a break can
    /// fall between a frame and those shown before it.
    pub fn lost(&self, clip: usize) -> Vec<Range<usize>> {
        let ends: BTreeSet<usize> = self
            .epochs
            .iter()
            .filter_map(|e| e.video.iter().filter_map(|s| s.place).filter(|p| p.0 == clip).map(|p| p.1).max())
            .collect();
        let ragged = |f: &usize| (1..=3).any(|n| ends.contains(&(f + n)));
        let kept = self.kept(clip);
        let (Some(&first), Some(&last)) = (kept.first(), kept.last()) else { return vec![] };
        let lost: Vec<usize> = (first..last).filter(|f| !kept.contains(f) && !ragged(f)).collect();
        ranges(&lost)
    }

    /// The last frame of a clip that was kept.
    pub fn last(&self, clip: usize) -> Option<usize> {
        self.kept(clip).last().copied()
    }

    /// The first frame of a clip that was kept.
    pub fn first(&self, clip: usize) -> Option<usize> {
        self.kept(clip).first().copied()
    }

    /// Every frame that is missing between the first and the last kept one of a clip lies in `window`: frame
    /// numbers, the fault's first and the first after it that could be decoded.
    pub fn assert_lost_within(&self, clip: usize, window: Range<usize>) -> &Self {
        self.assert_lost_in(clip, &[window])
    }

    /// As [`Found::assert_lost_within`], with a window for each of several faults.
    pub fn assert_lost_in(&self, clip: usize, windows: &[Range<usize>]) -> &Self {
        for r in self.lost(clip) {
            let inside = windows.iter().any(|w| r.start >= w.start && r.end <= w.end);
            assert!(inside, "frames {r:?} are missing, the faults explain {windows:?}\n{self}");
        }
        self
    }

    /// Frames of a clip from its first kept one up to `end` are all there.
    pub fn assert_whole_to(&self, clip: usize, end: usize) -> &Self {
        assert!(self.last(clip).is_some_and(|l| l + 4 >= end), "it is kept up to {end}\n{self}");
        let lost: Vec<_> = self.lost(clip).into_iter().filter(|r| r.start < end).collect();
        assert!(lost.is_empty(), "frames {lost:?} are missing\n{self}");
        self
    }

    /// Blocks of sound of a clip that were kept.
    pub fn sounds(&self, clip: usize) -> BTreeSet<usize> {
        let all = self.epochs.iter().flat_map(|e| &e.audio).filter_map(|s| s.place);
        all.filter(|p| p.0 == clip).map(|p| p.1).collect()
    }

    /// Why the epochs ended.
    pub fn reasons(&self) -> Vec<Option<EndReason>> {
        self.epochs.iter().map(|e| e.epoch.end_reason).collect()
    }

    /// The length of all gaps, seconds.
    pub fn gap_seconds(&self) -> f64 {
        self.gaps.iter().map(|g| g.span.micros()).sum::<i64>() as f64 / 1e6
    }

    /// For one clip that went on in real time while its recording had gaps: the time of every frame on the
    /// recording's clock is its time in the clip, plus a constant, within `tolerance` seconds. So each gap is as
    /// long as the frames missing in it. Says by how much the worst epoch was off.
    pub fn assert_gaps_true(&self, clip: usize, tolerance: f64) -> f64 {
        let mut shifts = vec![];
        for e in &self.epochs {
            let first = e.video.iter().find(|s| s.place.is_some_and(|p| p.0 == clip));
            shifts
                .extend(first.map(|s| (e.epoch.media_start.as_micros() + s.pts_us - s.sent_us) as f64 / 1e6));
        }
        let low = shifts.iter().copied().fold(f64::INFINITY, f64::min);
        let high = shifts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!(
            high - low <= tolerance,
            "the gap map is {:.2} s off, epoch by epoch {shifts:.2?}\n{self}",
            high - low
        );
        let fps = f64::from(self.clips[clip].fps);
        let lost: f64 = self.lost(clip).iter().map(|r| r.len() as f64 / fps).filter(|s| *s >= 0.2).sum();
        let gaps = self.gap_seconds();
        assert!(
            (gaps - lost).abs() <= tolerance,
            "gaps of {gaps:.2} s, frames missing for {lost:.2} s\n{self}"
        );
        high - low
    }
}

/// Stretches of one clip.
fn runs(seen: &[Seen]) -> impl Iterator<Item = &[Seen]> {
    seen.chunk_by(|a, b| a.place.map(|p| p.0) == b.place.map(|p| p.0)).filter(|r| r[0].place.is_some())
}

pub fn ranges(sorted: &[usize]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = vec![];
    for &n in sorted {
        match out.last_mut() {
            Some(r) if r.end == n => r.end = n + 1,
            _ => out.push(n..n + 1),
        }
    }
    out
}

fn index<'a>(clips: &[&'a Clip], of: impl Fn(&'a Clip) -> &'a Vec<Unit>) -> HashMap<&'a str, (Place, i64)> {
    let mut map = HashMap::new();
    for (c, clip) in clips.iter().enumerate() {
        for (i, unit) in of(clip).iter().enumerate() {
            let before = map.insert(unit.hash.as_str(), ((c, i), unit.pts_us));
            assert!(before.is_none(), "{} shares a frame with another clip", clip.name);
        }
    }
    map
}

fn decode(store: &Store, scratch: &Utf8Path, epoch: &Epoch, parts: &[&Part]) -> (Vec<Unit>, Vec<Unit>) {
    let file = |path: &str| std::fs::read(store.library().local_path(path).unwrap()).unwrap();
    let mut bytes = file(&epoch.init_path);
    for part in parts {
        bytes.extend(file(&part.path));
    }
    let whole = scratch.join(format!("epoch-{}.mp4", epoch.seq));
    std::fs::write(&whole, bytes).unwrap();
    units(&whole)
}

async fn rows_and_files_agree(store: &Store, rec: &Recording) {
    let options = CheckOptions { in_flight_millis: 0, ..CheckOptions::at(now()) };
    let report = check(store, &options).await.unwrap();
    assert!(report.is_clean(), "rows and files differ: {:?}", report.problems);
    let dir = store.library().local_path(&format!("recordings/{}", rec.id)).unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(!name.to_string_lossy().ends_with(".part"), "{name:?} was left open");
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for e in &self.epochs {
            let Epoch { seq, media_start, end_reason, tracks, .. } = &e.epoch;
            write!(
                f,
                "  epoch {seq} at {media_start}, {}x{}, ended {end_reason:?}:",
                tracks.width, tracks.height
            )?;
            for (c, clip) in self.clips.iter().enumerate() {
                for (what, list) in [("frames", &e.video), ("sounds", &e.audio)] {
                    let mut own: Vec<usize> =
                        list.iter().filter_map(|s| s.place).filter(|p| p.0 == c).map(|p| p.1).collect();
                    own.sort_unstable();
                    if !own.is_empty() {
                        write!(f, " {} {what} {:?}", clip.name, ranges(&own))?;
                    }
                }
            }
            let altered = e.video.iter().chain(&e.audio).filter(|s| s.place.is_none()).count();
            writeln!(
                f,
                "{}",
                if altered > 0 { format!(" and {altered} never sent") } else { String::new() }
            )?;
        }
        for (c, clip) in self.clips.iter().enumerate() {
            let end = self.last(c).map_or(0, |l| l + 1);
            writeln!(f, "  {}: missing before its last kept frame: {:?}", clip.name, self.missing(c, end))?;
        }
        let gaps: Vec<String> = self.gaps.iter().map(|g| format!("{} ({:?})", g.span, g.reason)).collect();
        write!(f, "  gaps: {gaps:?}")
    }
}
