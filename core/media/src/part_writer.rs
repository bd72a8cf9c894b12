//! Packets become parts: files of whole groups of pictures, written as they arrive.
//!
//! A group is held back until its sound is complete, so that each part carries its own sound; then it is one
//! fragment, written with one system call. A part ends at the first key frame after its intended length. While
//! open it is `NNNNNN.part`; closed, synced and renamed it is `NNNNNN.m4s`.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use clipmill_domain::recording::{EndReason, Tracks};
use ffmpeg_next::{self as ff, Rescale, codec::Id};

use crate::{
    error::MediaError,
    fragment::{LEAD_US, Muxer, Shown},
    headers::{Headers, adts},
    sender_clock::{SenderClock, Step},
    streams::{MICROS, Packet, Params, StreamKind, Streams},
};

/// A group is written in pieces when it grows longer than this: 4 s, in microseconds.
const FRAGMENT_MICROS_MAX: i64 = 4_000_000;
/// Pictures may be this far ahead of their sound before a group is written without it: 1 s, in microseconds.
const SOUND_LATE_MICROS_MAX: i64 = 1_000_000;
/// Without video, sound is cut into fragments of this length: 1 s, in microseconds.
const SOUND_MICROS: i64 = 1_000_000;

/// Sound from before the first key frame that fits into the file's lead.
const SOUND_BEFORE_MICROS_MAX: i64 = LEAD_US / 2;
/// Sound held from before the first key frame: about a second of packets.
const EARLY_PACKETS_MAX: usize = 64;

/// Where the parts of one epoch go.
#[derive(Debug, Clone)]
pub struct PartPlan {
    /// An existing directory.
    pub dir: PathBuf,
    /// File name of the header, for example `init-0.mp4`.
    pub init_name: String,
    /// Number of the first part; each next is one more.
    pub first_seq: i64,
    /// Intended length of a part in microseconds; the next key frame ends it.
    pub part_us: i64,
    /// Sound is kept from this much before the first key frame, in microseconds: 0 for a beginning, up to half a
    /// second where a recording goes on whose sound may lag behind its pictures.
    pub sound_before_us: i64,
}

/// What the caller must note down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartEvent {
    /// The header every part of the epoch needs was written and synced.
    Init {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// A part is closed, synced and under its final name.
    Part {
        /// Its number.
        seq: i64,
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// First presentation time, microseconds of the epoch (its first key frame is 0).
        start_us: i64,
        /// End of its last frame, microseconds of the epoch.
        end_us: i64,
        /// Key frames: presentation time in microseconds of the epoch, byte offset of their fragment.
        key_frames: Vec<(i64, u64)>,
    },
    /// The packet was not taken: finish this writer and begin a new epoch with that packet.
    Break(EndReason),
}

/// Whether a packet belongs to the running epoch.
enum Fit {
    Taken,
    /// Not now; it may be kept for the next.
    Kept,
    Break(EndReason),
}

/// A group of pictures with its sound; times in [`crate::streams::Stream::part_base`], lead included.
#[derive(Default)]
struct Gop {
    /// Presentation time of the first frame, epoch microseconds.
    start_us: i64,
    /// Whether it begins with a key frame.
    key: bool,
    video: Vec<ff::Packet>,
    audio: Vec<ff::Packet>,
}

struct OpenPart {
    seq: i64,
    path: PathBuf,
    file: File,
    bytes: u64,
    start_us: i64,
    /// Where the next part begins, once its key frame has come.
    ended_by_us: Option<i64>,
    shown: Shown,
    key_frames: Vec<(i64, u64)>,
}

/// Writes one epoch. Dropped without [`PartWriter::finish`] it leaves a `.part` for [`crate::salvage()`].
pub struct PartWriter {
    plan: PartPlan,
    streams: Streams,
    /// Made when the first group is written: only then are all codec headers known.
    muxer: Option<Muxer>,
    headers: Headers,
    /// Sound that came before the first key frame; some of it may reach into the epoch.
    early: VecDeque<Packet>,
    /// Sender's time of epoch zero, microseconds; set by the first key frame.
    base_us: Option<i64>,
    /// Last decoding time taken: video, audio; in part ticks.
    last: [Option<i64>; 2],
    clock: SenderClock,
    /// The tracks that changed: the epoch ends at the next key frame, and until then takes no more of them.
    changed: [bool; 2],
    /// Sound that came meanwhile.
    left_over: VecDeque<Packet>,
    current: Option<Gop>,
    next: Option<Gop>,
    has_init: bool,
    part: Option<OpenPart>,
    seq: i64,
}

impl PartWriter {
    /// A writer for one epoch of an input with these tracks. Nothing is written before the first key frame.
    pub fn new(plan: PartPlan, streams: &Streams) -> Result<Self, MediaError> {
        crate::init();
        streams.check("the input")?;
        let headers = match &streams.video {
            Some(v) => Headers::of_video(v.params.id(), v.params.extradata()),
            None => Headers::of_video(Id::None, &[]),
        };
        let seq = plan.first_seq;
        let streams = streams.clone();
        Ok(Self {
            plan,
            streams,
            muxer: None,
            headers,
            early: VecDeque::new(),
            base_us: None,
            last: [None; 2],
            clock: SenderClock::default(),
            changed: [false; 2],
            left_over: VecDeque::new(),
            current: None,
            next: None,
            has_init: false,
            part: None,
            seq,
        })
    }

    /// The writer of the epoch that follows.
    pub fn follow(&self, plan: PartPlan, streams: &Streams) -> Result<Self, MediaError> {
        Ok(Self { clock: self.clock.next(), ..Self::new(plan, streams)? })
    }

    /// The tracks as they are written; certain once there is a [`PartEvent::Init`].
    pub fn tracks(&self) -> Tracks {
        self.streams.tracks()
    }

    /// Takes a packet. Files are written in here; a full disk shows as [`MediaError::Io`], after which the
    /// writer must be dropped and its `.part` salvaged.
    pub fn push(&mut self, packet: &Packet) -> Result<Vec<PartEvent>, MediaError> {
        let mut events = vec![];
        let (Some(pts_us), Some(dts_us)) = (packet.pts_us(), packet.dts_us()) else { return Ok(events) };
        match self.fits(packet, dts_us) {
            Fit::Taken => {}
            Fit::Kept => return Ok(events),
            Fit::Break(reason) => return Ok(vec![PartEvent::Break(reason)]),
        }
        let slip_us = self.clock.slip_us(packet.kind);
        let (pts_us, dts_us) = (pts_us + slip_us, dts_us + slip_us);
        let video = packet.kind == StreamKind::Video;
        let opens = if self.streams.video.is_some() { video && packet.is_key() } else { !video };
        match self.base_us {
            Some(base) => self.take(packet, pts_us, dts_us, base, &mut events)?,
            None if opens => {
                self.base_us = Some(pts_us);
                self.take(packet, pts_us, dts_us, pts_us, &mut events)?;
                for sound in std::mem::take(&mut self.early) {
                    if let (Some(pts), Some(dts)) = (sound.pts_us(), sound.dts_us()) {
                        self.take(&sound, pts, dts, pts_us, &mut events)?;
                    }
                }
            }
            None if !video => {
                if self.early.len() == EARLY_PACKETS_MAX {
                    self.early.pop_front();
                }
                self.early.push_back(packet.clone());
            }
            None => {}
        }
        Ok(events)
    }

    fn take(
        &mut self,
        packet: &Packet,
        pts_us: i64,
        dts_us: i64,
        base_us: i64,
        out: &mut Vec<PartEvent>,
    ) -> Result<(), MediaError> {
        let Some(ready) = self.rebased(packet, base_us) else { return Ok(()) };
        self.clock.took(packet.kind, dts_us);
        match packet.kind {
            StreamKind::Video => self.take_video(ready, pts_us - base_us, packet.is_key(), out),
            StreamKind::Audio => self.take_audio(ready, pts_us - base_us, out),
        }
    }

    /// Number of the next part to be opened: what the next epoch's writer starts from, after [`Self::finish`].
    pub fn next_seq(&self) -> i64 {
        self.seq
    }

    /// Writes what is held back and closes the open part.
    pub fn finish(&mut self) -> Result<Vec<PartEvent>, MediaError> {
        let mut events = vec![];
        self.complete(&mut events)?;
        if let Some(gop) = self.current.take() {
            self.write(gop, None, &mut events)?;
        }
        self.close(&mut events)?;
        Ok(events)
    }

    /// Sound that came after what ended the epoch and before the key frame that begins the next: for its writer,
    /// after that key frame.
    pub fn left_over(&mut self) -> Vec<Packet> {
        self.left_over.drain(..).collect()
    }

    /// Whether the packet belongs to this epoch. An epoch can only begin with a key frame, so it goes on up to the
    /// next one; what cannot go into it meanwhile is kept.
    fn fits(&mut self, packet: &Packet, dts_us: i64) -> Fit {
        if self.clock.astray(packet.kind, dts_us) {
            return Fit::Kept;
        }
        // Until sound was taken, the epoch's is whatever comes.
        if packet.kind == StreamKind::Audio && self.muxer.is_none() && self.last[1].is_none() {
            self.streams.audio.clone_from(&packet.streams().audio);
        }
        // And the size of the pictures is known with the first key frame at the latest.
        if packet.kind == StreamKind::Video && packet.is_key() && self.base_us.is_none() {
            self.settle_size(packet);
        }
        let opens = match packet.kind {
            StreamKind::Video => packet.is_key(),
            StreamKind::Audio => self.streams.video.is_none() && packet.streams().video.is_none(),
        };
        let now_changed = self.has_changed(packet);
        if let Some(changed) = self.changed.get_mut(packet.kind as usize) {
            *changed |= now_changed;
            if *changed && !opens {
                return self.keep(packet);
            }
        }
        if opens && self.changed.contains(&true) {
            return Fit::Break(EndReason::FormatChanged);
        }
        match self.clock.step(packet.kind, dts_us, opens) {
            Step::Steady => Fit::Taken,
            Step::Jumped => Fit::Break(EndReason::TimestampJump),
        }
    }

    fn settle_size(&mut self, packet: &Packet) {
        let (Some(mine), Some(now)) = (&mut self.streams.video, &packet.streams().video) else { return };
        let (width, height) = now.params.size();
        if mine.params.size() != (width, height) && mine.params.extradata() == now.params.extradata() {
            mine.params.set_size(width, height);
        }
    }

    fn keep(&mut self, packet: &Packet) -> Fit {
        if packet.kind == StreamKind::Audio {
            if self.left_over.len() == EARLY_PACKETS_MAX {
                self.left_over.pop_front();
            }
            self.left_over.push_back(packet.clone());
        }
        Fit::Kept
    }

    fn has_changed(&mut self, packet: &Packet) -> bool {
        let Some(stream) = self.streams.get(packet.kind) else { return true };
        if packet.header.as_ref().is_some_and(|h| h != stream.params.extradata()) {
            return true;
        }
        let data = packet.inner.data().unwrap_or_default();
        match packet.kind {
            StreamKind::Video => packet.is_key() && self.headers.changed_by(data, self.base_us.is_none()),
            StreamKind::Audio => self.headers.audio_changed_by(data),
        }
    }

    /// The packet on the epoch's clock, in part ticks; `None` for sound from well before it begins.
    fn rebased(&mut self, packet: &Packet, base_us: i64) -> Option<ff::Packet> {
        let base = self.streams.get(packet.kind)?.part_base(packet.kind);
        let zero = (base_us - self.clock.slip_us(packet.kind)).rescale(MICROS, packet.time_base);
        let place = |t: i64| (t - zero).rescale(packet.time_base, base) + LEAD_US.rescale(MICROS, base);
        let inner = &packet.inner;
        let (pts, mut dts) = (place(inner.pts().or(inner.dts())?), place(inner.dts().or(inner.pts())?));
        let duration = inner.duration().rescale(packet.time_base, base);
        // One packet from before the beginning stays: the decoder needs it to be warm at zero.
        let kept_from =
            (LEAD_US - self.plan.sound_before_us.clamp(0, SOUND_BEFORE_MICROS_MAX)).rescale(MICROS, base);
        if packet.kind == StreamKind::Audio && pts + 2 * duration <= kept_from {
            return None;
        }
        let slot = self.last.get_mut(packet.kind as usize)?;
        if let Some(last) = *slot {
            dts = dts.max(last + 1);
        }
        *slot = Some(dts);
        let mut ready = match adts(inner.data().unwrap_or_default())
            .filter(|_| packet.kind == StreamKind::Audio)
        {
            Some((config, payload)) => {
                // The container wants the header once, in its own.
                if let Some(audio) = self.streams.audio.as_mut().filter(|a| a.params.extradata().is_empty()) {
                    audio.params.set_extradata(&config);
                }
                ff::Packet::copy(payload)
            }
            None => inner.clone(),
        };
        ready.set_flags(inner.flags());
        ready.set_dts(Some(dts));
        ready.set_pts(Some(pts.max(dts)));
        ready.set_duration(duration);
        Some(ready)
    }

    fn take_video(
        &mut self,
        p: ff::Packet,
        at_us: i64,
        key: bool,
        out: &mut Vec<PartEvent>,
    ) -> Result<(), MediaError> {
        let sound_missing = match (&self.next, &self.streams.audio) {
            (Some(next), Some(_)) => at_us - next.start_us > SOUND_LATE_MICROS_MAX,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if sound_missing || (key && self.next.is_some()) {
            self.complete(out)?;
        }
        let grown = self.current.as_ref().is_some_and(|g| at_us - g.start_us > FRAGMENT_MICROS_MAX);
        let piece_ends = grown && self.next.is_none() && !key;
        if key || piece_ends {
            let fresh = Gop { start_us: at_us, key, ..Gop::default() };
            if self.current.is_none() {
                self.current = Some(fresh);
            } else {
                self.next = Some(fresh);
            }
        }
        if let Some(gop) = self.next.as_mut().or(self.current.as_mut()) {
            gop.video.push(p);
        }
        if self.streams.audio.is_none() && self.next.is_some() {
            self.complete(out)?;
        }
        Ok(())
    }

    fn take_audio(&mut self, p: ff::Packet, at_us: i64, out: &mut Vec<PartEvent>) -> Result<(), MediaError> {
        if self.streams.video.is_none() {
            let full = self.current.as_ref().is_some_and(|g| at_us - g.start_us >= SOUND_MICROS);
            if full || self.current.is_none() {
                let fresh = Gop { start_us: at_us, key: true, ..Gop::default() };
                if let Some(gop) = self.current.replace(fresh) {
                    self.write(gop, Some(at_us), out)?;
                }
            }
        } else if let Some(audio) = &self.streams.audio {
            // Sound that reaches into the next group goes there, so that a part has all of its beginning.
            let lasts_us = p.duration().rescale(audio.part_base(StreamKind::Audio), MICROS);
            if self.next.as_ref().is_some_and(|n| at_us + lasts_us > n.start_us) {
                self.complete(out)?;
            }
        }
        if let Some(gop) = self.current.as_mut() {
            gop.audio.push(p);
        }
        Ok(())
    }

    /// The current group has all its pictures and sound: write it and go on with the next.
    fn complete(&mut self, out: &mut Vec<PartEvent>) -> Result<(), MediaError> {
        let Some(next) = self.next.take() else { return Ok(()) };
        let first = next.video.first().and_then(ff::Packet::dts);
        let end_us = next.key.then_some(next.start_us);
        if let Some(mut gop) = self.current.replace(next) {
            settle_durations(&mut gop.video, first);
            self.write(gop, end_us, out)?;
        }
        Ok(())
    }

    fn write(&mut self, gop: Gop, end_us: Option<i64>, out: &mut Vec<PartEvent>) -> Result<(), MediaError> {
        let Gop { start_us, key, mut video, audio } = gop;
        if end_us.is_none() {
            settle_durations(&mut video, None);
        }
        let of = |kind, list: &[ff::Packet]| {
            let base = self.streams.get(kind)?.part_base(kind);
            Some(Shown::of(list, base)).filter(|s| !s.is_empty())
        };
        let shown =
            of(StreamKind::Video, &video).or_else(|| of(StreamKind::Audio, &audio)).unwrap_or_default();
        let muxer = match &mut self.muxer {
            Some(muxer) => muxer,
            empty => empty.insert(Muxer::new(&self.streams)?),
        };
        for p in video {
            muxer.add(StreamKind::Video, p)?;
        }
        for p in audio {
            muxer.add(StreamKind::Audio, p)?;
        }
        let (header, fragment) = muxer.flush()?;
        if !self.has_init {
            out.push(self.write_init(&header)?);
            self.has_init = true;
        }
        let part = match &mut self.part {
            Some(part) => part,
            empty => {
                let path = self.plan.dir.join(format!("{:06}.part", self.seq));
                let file = File::create(&path).map_err(MediaError::io("create", &path))?;
                let (shown, ended_by_us) = (Shown::default(), None);
                let fresh = OpenPart {
                    seq: self.seq,
                    path,
                    file,
                    bytes: 0,
                    start_us,
                    ended_by_us,
                    shown,
                    key_frames: vec![],
                };
                self.seq += 1;
                empty.insert(fresh)
            }
        };
        part.file.write_all(&fragment).map_err(MediaError::io("write", &part.path))?;
        if key {
            part.key_frames.push((start_us, part.bytes));
        }
        part.bytes += fragment.len() as u64;
        part.shown.extend(shown);
        part.ended_by_us = end_us;
        // At once, not with the group after it: whoever waits for this part has it a group earlier.
        if end_us.is_some_and(|at| at - part.start_us >= self.plan.part_us) {
            self.close(out)?;
        }
        Ok(())
    }

    fn write_init(&self, header: &[u8]) -> Result<PartEvent, MediaError> {
        let path = self.plan.dir.join(&self.plan.init_name);
        let mut file = File::create(&path).map_err(MediaError::io("create", &path))?;
        file.write_all(header).and_then(|()| file.sync_all()).map_err(MediaError::io("write", &path))?;
        sync_dir(&self.plan.dir)?;
        Ok(PartEvent::Init { path, bytes: header.len() as u64 })
    }

    fn close(&mut self, out: &mut Vec<PartEvent>) -> Result<(), MediaError> {
        let Some(part) = self.part.take() else { return Ok(()) };
        let path = seal(&part.file, &part.path)?;
        let OpenPart { seq, bytes, start_us, key_frames, .. } = part;
        let end_us = part.ended_by_us.unwrap_or_else(|| part.shown.whole_until()).max(start_us);
        out.push(PartEvent::Part { seq, path, bytes, start_us, end_us, key_frames });
        Ok(())
    }
}

/// Syncs an open part and gives it its final name, `.m4s`.
pub(crate) fn seal(file: &File, path: &Path) -> Result<PathBuf, MediaError> {
    file.sync_data().map_err(MediaError::io("sync", path))?;
    let done = path.with_extension("m4s");
    fs::rename(path, &done).map_err(MediaError::io("rename", path))?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))?;
    Ok(done)
}

fn sync_dir(dir: &Path) -> Result<(), MediaError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(MediaError::io("sync", dir))
}

/// Live containers often give video packets no duration: it is the distance to the next decoding time.
fn settle_durations(video: &mut [ff::Packet], next_dts: Option<i64>) {
    let starts: Vec<Option<i64>> = video.iter().map(ff::Packet::dts).skip(1).chain([next_dts]).collect();
    let mut step = 0;
    for (p, next) in video.iter_mut().zip(starts) {
        if let (Some(at), Some(next)) = (p.dts(), next) {
            step = (next - at).max(1);
            p.set_duration(step);
        } else if p.duration() <= 0 {
            p.set_duration(step);
        }
    }
}
