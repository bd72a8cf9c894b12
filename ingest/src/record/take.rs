//! Takes one open input to its end: packets in, parts and rows out. Blocking; runs on the source's own thread.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use clipmill_domain::{
    Clock, RecordingId, WallTime,
    recording::{EndReason, Tracks},
};
use clipmill_media::{Input, MediaError, Packet, PartEvent, PartPlan, PartWriter, StreamKind};
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

/// What taking an input needs.
pub(crate) struct Taker<'a> {
    pub(crate) runtime: &'a Handle,
    pub(crate) store: &'a Store,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) journal: &'a mut Journal,
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
    tracks: Tracks,
    /// Sender's time of the first key frame.
    base_us: Option<i64>,
    /// When the first key frame arrived.
    arrival: WallTime,
    /// Key frames of parts not closed yet: time on the epoch's clock, arrival.
    arrivals: VecDeque<(i64, WallTime)>,
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
        let mut first = true;
        let ended = loop {
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
            match self.feed(input, &mut run, &packet, known) {
                Ok(true) => first = false,
                Ok(false) => {}
                Err(error) => break Err(error),
            }
        };
        if self.abandon.is_cancelled() {
            return (packets, Err(MediaError::Stopped.into()));
        }
        let broken = matches!(&ended, Err(TakeError::Media(MediaError::Io { .. } | MediaError::Av { .. })));
        let finished = match run.filter(|_| !broken) {
            Some(mut run) => self.finish(&mut run),
            None => Ok(()),
        };
        if (broken || finished.is_err())
            && let Err(error) = self.retry(async |journal| journal.salvage().await)
        {
            tracing::warn!(%error, "the open part stays for the next start to bring back");
        }
        (packets, ended.and(finished))
    }

    /// Takes one packet; whether an epoch was broken off by it.
    fn feed(
        &mut self,
        input: &Input,
        run: &mut Option<Run>,
        packet: &Packet,
        first_key_at: Option<WallTime>,
    ) -> Result<bool, TakeError> {
        let mut broke = self.cut_here(run, packet)?;
        // A packet can break the epoch before it once; the new writer takes it.
        for _ in 0..2 {
            let now = self.clock.now();
            let current = match run {
                Some(current) => current,
                None => run.insert(self.open(input, now)?),
            };
            current.note_arrival(packet, now, if broke { None } else { first_key_at });
            let mut reason = None;
            for event in current.writer.push(packet)? {
                match event {
                    PartEvent::Break(why) => reason = Some(why),
                    event => self.record(current, event)?,
                }
            }
            let Some(reason) = reason else { return Ok(broke) };
            self.finish(current)?;
            self.retry(async |journal| journal.close(reason, now).await)?;
            *run = None;
            broke = true;
        }
        Ok(broke)
    }

    /// Ends the recording before this packet, if that is asked for and it opens a group of pictures.
    fn cut_here(&mut self, run: &mut Option<Run>, packet: &Packet) -> Result<bool, TakeError> {
        let Some(current) = run else { return Ok(false) };
        if !packet.is_key() || (packet.kind() != StreamKind::Video && current.tracks.width > 0) {
            return Ok(false);
        }
        let Some(reason) = (self.cut)(self.journal.recording()) else { return Ok(false) };
        self.finish(current)?;
        let now = self.clock.now();
        self.retry(async |journal| {
            journal.close(reason, now).await?;
            journal.end(reason, now).await
        })?;
        *run = None;
        Ok(true)
    }

    fn open(&mut self, input: &Input, now: WallTime) -> Result<Run, TakeError> {
        let place = self.retry(async |journal| journal.place(now).await)?;
        let plan = PartPlan {
            dir: place.dir.into_std_path_buf(),
            init_name: place.init_name,
            first_seq: place.first_seq,
            part_us: self.part_us,
        };
        let writer = PartWriter::new(plan, input.streams())?;
        let tracks = input.tracks();
        Ok(Run { writer, tracks, base_us: None, arrival: now, arrivals: VecDeque::new() })
    }

    fn finish(&mut self, run: &mut Run) -> Result<(), TakeError> {
        for event in run.writer.finish()? {
            self.record(run, event)?;
        }
        Ok(())
    }

    fn record(&mut self, run: &mut Run, event: PartEvent) -> Result<(), TakeError> {
        match event {
            PartEvent::Init { .. } => {
                let (tracks, arrival) = (&run.tracks, run.arrival);
                self.retry(async |journal| journal.begin(tracks, arrival).await)?;
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
        let opens = packet.is_key() && (packet.kind() == StreamKind::Video || self.tracks.width == 0);
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
