//! Takes one open input to its end: packets in, parts and rows out. Blocking; runs on the source's own thread.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use clipmill_domain::{Clock, MediaTime, RecordingId, WallTime, recording::EndReason};
use clipmill_media::{
    Arrived, Gate, Input, MediaError, Packet, PartEvent, PartPlan, PartWriter, Repeats, StreamKind,
};
use clipmill_store::{Store, StoreError};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{
    journal::{EpochPart, Journal},
    plan,
};

/// How long a failing database is tried before the epoch is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What ends an input otherwise than by its own end.
#[derive(Debug, Error)]
pub(crate) enum TakeError {
    /// Reading or writing media failed.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// Rows could not be written.
    #[error("recording cannot go on: {0}")]
    Store(#[from] StoreError),
    /// Below the floor.
    #[error(
        "the disk is too full to record ({free_bytes} bytes free, {floor_bytes} needed); free some space"
    )]
    DiskFull {
        /// Free now.
        free_bytes: u64,
        /// The configured floor.
        floor_bytes: u64,
    },
}

impl TakeError {
    /// The reason to note with the epoch.
    pub(crate) fn reason(&self) -> EndReason {
        match self {
            Self::Media(e) if e.is_disk_full() => EndReason::DiskFull,
            Self::Media(MediaError::Stalled { .. }) => EndReason::Stalled,
            Self::Media(MediaError::Stopped) => EndReason::Stopped,
            Self::Store(e) if e.is_disk_full() => EndReason::DiskFull,
            Self::DiskFull { .. } => EndReason::DiskFull,
            _ => EndReason::Disconnected,
        }
    }
}

/// Where a recording goes on after a repeat, its sound may lag behind its pictures by so much: microseconds.
const SOUND_LAG_MICROS: i64 = 500_000;

/// What a source keeps from one connection to the next, to know what is sent again.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    of: Option<RecordingId>,
    repeats: Repeats,
}

/// What taking an input needs.
pub(crate) struct Taker<'a> {
    pub(crate) runtime: &'a Handle,
    pub(crate) store: &'a Store,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) journal: &'a mut Journal,
    /// The end of what earlier connections of the source recorded.
    pub(crate) remembered: &'a mut Remembered,
    /// Whether the sender may send again what it sent before.
    pub(crate) repeats: bool,
    pub(crate) part_us: i64,
    pub(crate) floor_bytes: u64,
    /// The recorder was dropped: leave everything as it is, at once.
    pub(crate) abandon: &'a CancellationToken,
    /// Called when the first row of an epoch is written.
    pub(crate) on_epoch: &'a dyn Fn(&Journal),
    /// Called for every packet, before it is taken.
    pub(crate) on_packet: &'a dyn Fn(&Packet),
    /// Asked at key frames: the recording is to end here, for this reason, and another one to begin.
    pub(crate) cut: &'a dyn Fn(Option<RecordingId>) -> Option<EndReason>,
}

/// The running epoch.
struct Run {
    writer: PartWriter,
    /// Sender's time of the first key frame.
    base_us: Option<i64>,
    /// When the first key frame arrived.
    arrival: WallTime,
    /// Key frames of parts not closed yet: time on the epoch's clock, arrival.
    arrivals: VecDeque<(i64, WallTime)>,
    /// Media time of the first key frame, where it goes on with what was recorded before.
    splice: Option<MediaTime>,
}

impl Taker<'_> {
    /// Reads to the end of the input, or to what breaks it. Whole parts are recorded; the last epoch is left
    /// open for the caller to close with the reason it knows. `first_key_at` says when the first key frame
    /// came in, where that is known better than by the moment it is read. Returns how many packets were read.
    pub(crate) fn take(
        &mut self,
        input: &mut Input,
        first_key_at: &dyn Fn() -> Option<WallTime>,
    ) -> (u64, Result<(), TakeError>) {
        let mut packets = 0;
        let mut run: Option<Run> = None;
        let mut before: Option<PartWriter> = None;
        let mut first = true;
        let mut gate = if self.repeats { Gate::new(self.recall()) } else { Gate::passing() };
        let mut ended = loop {
            if self.abandon.is_cancelled() {
                return (packets, Err(MediaError::Stopped.into()));
            }
            let packet = match input.read_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            };
            packets += 1;
            (self.on_packet)(&packet);
            let known = if first { first_key_at() } else { None };
            let age_ms = i64::try_from(packet.age().as_millis()).unwrap_or(0);
            let item = Arrived { packet, at: self.clock.now().plus_millis(-age_ms) };
            match self.feed(&mut gate, (&mut run, &mut before), item, known) {
                Ok(true) => first = false,
                Ok(false) => {}
                Err(error) => break Err(error),
            }
        };
        let unsent = gate.end();
        if !matches!(&ended, Err(TakeError::Store(_) | TakeError::DiskFull { .. })) {
            let rest = unsent
                .into_iter()
                .try_for_each(|i| self.feed(&mut gate, (&mut run, &mut before), i, None).map(drop));
            if rest.is_err() {
                ended = rest;
            }
        }
        if self.abandon.is_cancelled() {
            return (packets, Err(MediaError::Stopped.into()));
        }
        let broken = matches!(&ended, Err(TakeError::Media(MediaError::Io { .. } | MediaError::Av { .. })));
        let finished = match run.filter(|_| !broken) {
            Some(mut run) => self.finish(&mut gate, &mut run),
            None => Ok(()),
        };
        if broken || finished.is_err() {
            gate.forget();
        }
        *self.remembered = Remembered { of: self.journal.recording(), repeats: gate.into_repeats() };
        if (broken || finished.is_err())
            && let Err(error) = self.retry(async |journal| journal.salvage().await)
        {
            tracing::warn!(%error, "the open part stays for the next start to bring back");
        }
        (packets, ended.and(finished))
    }

    /// What was recorded before, if this connection goes on with the same recording.
    fn recall(&mut self) -> Repeats {
        let Remembered { of, repeats } = std::mem::take(self.remembered);
        if repeats.is_empty() {
            return Repeats::default();
        }
        let now = self.clock.now();
        match self.retry(async |journal| journal.place(now).await) {
            Ok(place) if Some(place.recording) == of => repeats,
            Ok(_) => Repeats::default(),
            Err(error) => {
                tracing::warn!(%error, "what is sent again cannot be told from what is new");
                Repeats::default()
            }
        }
    }

    /// Takes one packet, with the running epoch and the writer of the one before; whether an epoch was broken off by it.
    fn feed(
        &mut self,
        gate: &mut Gate,
        (run, before): (&mut Option<Run>, &mut Option<PartWriter>),
        item: Arrived,
        first_key_at: Option<WallTime>,
    ) -> Result<bool, TakeError> {
        let mut breaks = 0;
        let mut splice = None;
        let mut coming = VecDeque::from([item]);
        while let Some(item) = coming.pop_front() {
            let passed = gate.take(item);
            splice = passed.splice_us.map(MediaTime::from_micros).or(splice);
            let mut going = VecDeque::from(passed.packets);
            while let Some(item) = going.pop_front() {
                let current = match run {
                    Some(current) => current,
                    None => run.insert(self.open(&item, before.take(), splice.take())?),
                };
                let known = if breaks == 0 { first_key_at } else { None };
                if let Some(reason) = self.cut_before(current, &item.packet) {
                    self.finish(gate, current)?;
                    self.retry(async |journal| {
                        journal.close(reason, item.at).await?;
                        journal.end(reason, item.at).await
                    })?;
                    // The next recording owes nothing to this one, and takes up this packet.
                    (*run, *before) = (None, None);
                    gate.forget();
                    gate.next_epoch();
                    breaks += 1;
                    going.push_front(item);
                    going.into_iter().rev().for_each(|item| coming.push_front(item));
                    break;
                }
                let Some(reason) = self.push(gate, current, &item, known)? else { continue };
                let left_over = current.writer.left_over();
                self.finish(gate, current)?;
                self.retry(async |journal| journal.close(reason, item.at).await)?;
                *before = run.take().map(|r| r.writer);
                gate.next_epoch();
                breaks += 1;
                // A packet can break the epoch before it once; the new writer takes it.
                if breaks > 8 {
                    tracing::warn!("a packet that fits no epoch was left out");
                } else {
                    let at = item.at;
                    left_over.into_iter().rev().for_each(|packet| going.push_front(Arrived { packet, at }));
                    going.push_front(item);
                }
                // What comes now may be a repeat.
                going.into_iter().rev().for_each(|item| coming.push_front(item));
                break;
            }
        }
        Ok(breaks > 0)
    }

    /// Why the recording is to end before this packet, if that is asked for and the packet opens a group of pictures.
    fn cut_before(&self, run: &Run, packet: &Packet) -> Option<EndReason> {
        let opens = packet.is_key() && (packet.kind() == StreamKind::Video || run.writer.tracks().width == 0);
        if !opens || run.base_us.is_none() {
            return None;
        }
        (self.cut)(self.journal.recording())
    }

    /// Gives a packet to the writer; the reason for which it was not taken, if it was not.
    fn push(
        &mut self,
        gate: &mut Gate,
        run: &mut Run,
        item: &Arrived,
        first_key_at: Option<WallTime>,
    ) -> Result<Option<EndReason>, TakeError> {
        run.note_arrival(&item.packet, item.at, first_key_at);
        let events = run.writer.push(&item.packet)?;
        let reason = events.iter().find_map(|e| match e {
            PartEvent::Break(why) => Some(*why),
            _ => None,
        });
        if reason.is_none() {
            gate.recorded(&item.packet);
        }
        for event in events {
            self.record(gate, run, event)?;
        }
        Ok(reason)
    }

    fn open(
        &mut self,
        first: &Arrived,
        before: Option<PartWriter>,
        splice: Option<MediaTime>,
    ) -> Result<Run, TakeError> {
        let place = self.retry(async |journal| journal.place(first.at).await)?;
        let plan = PartPlan {
            dir: place.dir.into_std_path_buf(),
            init_name: place.init_name,
            first_seq: place.first_seq,
            part_us: self.part_us,
            sound_before_us: if splice.is_some() { SOUND_LAG_MICROS } else { 0 },
        };
        let streams = first.packet.streams();
        let writer = match before {
            Some(before) => before.follow(plan, streams)?,
            None => PartWriter::new(plan, streams)?,
        };
        Ok(Run { writer, base_us: None, arrival: first.at, arrivals: VecDeque::new(), splice })
    }

    fn finish(&mut self, gate: &mut Gate, run: &mut Run) -> Result<(), TakeError> {
        for event in run.writer.finish()? {
            self.record(gate, run, event)?;
        }
        Ok(())
    }

    fn record(&mut self, gate: &mut Gate, run: &mut Run, event: PartEvent) -> Result<(), TakeError> {
        match event {
            PartEvent::Init { .. } => {
                let (tracks, arrival, splice) = (&run.writer.tracks(), run.arrival, run.splice);
                let at = self.retry(async |journal| journal.begin(tracks, arrival, splice).await)?;
                gate.placed(at.as_micros());
                (self.on_epoch)(self.journal);
            }
            PartEvent::Part { seq, bytes, start_us, end_us, key_frames, .. } => {
                let wall_start = run.arrival_of(start_us);
                let part = EpochPart { seq, bytes, start_us, end_us, key_frames, wall_start };
                self.retry(async |journal| journal.part(&part).await)?;
                let free_bytes = self.store.library().free_bytes()?;
                if !plan::has_room(free_bytes, self.floor_bytes) {
                    return Err(TakeError::DiskFull { free_bytes, floor_bytes: self.floor_bytes });
                }
            }
            PartEvent::Break(_) => {}
        }
        Ok(())
    }

    /// Runs a database step, again and again for a while when it fails: meanwhile the source is held back, not
    /// lost.
    fn retry<T>(
        &mut self,
        step: impl AsyncFn(&mut Journal) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let mut failures = 0;
        loop {
            let error = match self.runtime.block_on(step(self.journal)) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            failures += 1;
            let passing = matches!(error, StoreError::Timeout { .. } | StoreError::Statement { .. });
            if !passing || begun.elapsed() >= PATIENCE || self.abandon.is_cancelled() {
                return Err(error);
            }
            tracing::warn!(%error, failures, "a row could not be written; trying again");
            let wait = plan::backoff(failures, 0.0).min(Duration::from_secs(4));
            self.runtime.block_on(async {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.abandon.cancelled() => {}
                }
            });
        }
    }
}

impl Run {
    fn note_arrival(&mut self, packet: &Packet, now: WallTime, first_key_at: Option<WallTime>) {
        let opens =
            packet.is_key() && (packet.kind() == StreamKind::Video || !packet.streams().has_pictures());
        let (true, Some(pts)) = (opens, packet.pts_us()) else { return };
        match self.base_us {
            Some(base) => self.arrivals.push_back((pts - base, now)),
            None => {
                self.base_us = Some(pts);
                // At the door, which is earlier than when it is read.
                self.arrival = first_key_at.map_or(now, |at| at.min(now));
                self.arrivals.push_back((0, self.arrival));
            }
        }
    }

    /// When the frame at `start_us` arrived.
    fn arrival_of(&mut self, start_us: i64) -> WallTime {
        let mut at = self.arrival;
        while let Some(&(key_us, arrived)) = self.arrivals.front() {
            if key_us > start_us {
                break;
            }
            at = arrived;
            self.arrivals.pop_front();
        }
        at
    }
}
