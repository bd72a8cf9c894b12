//! The rows of what one source records: written in order, each after its file.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use camino::Utf8Path;
use clipmill_domain::{
    EpochId, Id, MediaTime, PartId, RecordingId, Span, WallTime,
    recording::{EndReason, Epoch, KeyFrame, Part, Recording, Tracks},
    source::Source,
};
use clipmill_media::SalvagedPart;
use clipmill_store::{Store, StoreError, audit::audit, recordings};

use super::plan::{self, Join, Tail};

/// Who is named in the audit log.
pub(crate) const ACTOR: &str = "record";

/// Why epochs ended whose rows could not be closed when they did, as on a full disk. Said by whoever goes on with
/// their recording; a recorder that is started anew finds them crashed.
static UNSAID: Mutex<BTreeMap<EpochId, EndReason>> = Mutex::new(BTreeMap::new());

fn unsaid() -> MutexGuard<'static, BTreeMap<EpochId, EndReason>> {
    UNSAID.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the next epoch's files go.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The recording it will belong to.
    pub(crate) recording: RecordingId,
    /// Existing folder on disk.
    pub(crate) dir: camino::Utf8PathBuf,
    /// File name of the epoch's header.
    pub(crate) init_name: String,
    /// Number of its first part.
    pub(crate) first_seq: i64,
}

/// A part's figures on the clock of its epoch, in microseconds from the first key frame.
#[derive(Debug, Clone)]
pub(crate) struct EpochPart {
    pub(crate) seq: i64,
    pub(crate) bytes: u64,
    pub(crate) start_us: i64,
    pub(crate) end_us: i64,
    pub(crate) key_frames: Vec<(i64, u64)>,
    pub(crate) wall_start: WallTime,
}

struct Open {
    id: EpochId,
    media_start: MediaTime,
}

/// The recording being written.
struct Target {
    id: RecordingId,
    /// `None` until its row is written.
    tail: Option<Tail>,
    next_part: i64,
    next_epoch: i64,
    epoch: Option<Open>,
}

/// Writes the rows of one source. One at a time per source.
pub(crate) struct Journal {
    store: Store,
    source: Source,
    quiet_end: Duration,
    from_start: bool,
    target: Option<Target>,
}

/// The library folder of a recording.
pub(crate) fn folder(recording: RecordingId) -> String {
    format!("recordings/{recording}")
}

pub(crate) fn init_name(epoch_seq: i64) -> String {
    format!("init-{epoch_seq}.mp4")
}

fn part_path(recording: RecordingId, seq: i64) -> String {
    format!("{}/{seq:06}.m4s", folder(recording))
}

/// How far a recording got.
pub(crate) async fn tail_of(store: &Store, rec: &Recording) -> Result<(Tail, i64), StoreError> {
    let last = store.last_part(rec.id).await?;
    let last_heard =
        last.as_ref().map_or(rec.started_at, |p| p.wall_start.plus_millis(p.span.micros() / 1000));
    let tail = Tail { started_at: rec.started_at, last_end: last.as_ref().map(|p| p.span.end()), last_heard };
    Ok((tail, last.map_or(0, |p| p.seq + 1)))
}

impl Journal {
    /// For `source`, which plays `from_start` at every opening or not.
    pub(crate) fn new(store: Store, source: Source, quiet_end: Duration, from_start: bool) -> Self {
        Self { store, source, quiet_end, from_start, target: None }
    }

    /// The recording that rows were written for.
    pub(crate) fn recording(&self) -> Option<RecordingId> {
        self.target.as_ref().filter(|t| t.tail.is_some()).map(|t| t.id)
    }

    /// Decides where the next epoch goes; ends what is over. No row of the epoch is written yet.
    pub(crate) async fn place(&mut self, now: WallTime) -> Result<Place, StoreError> {
        if self.target.as_ref().is_none_or(|t| t.tail.is_none()) {
            self.forget_unused();
            self.target = Some(self.find_target(now).await?);
        }
        let target = self.target.as_ref().ok_or_else(no_target)?;
        let dir = self.store.library().make_dir(&folder(target.id)).await?;
        let (recording, first_seq) = (target.id, target.next_part);
        Ok(Place { recording, dir, init_name: init_name(target.next_epoch), first_seq })
    }

    async fn find_target(&self, now: WallTime) -> Result<Target, StoreError> {
        if let Some(rec) = self.store.live_recording_of(self.source.id).await? {
            super::salvage::recording(&self.store, &rec).await?;
            let (tail, next_part) = tail_of(&self.store, &rec).await?;
            match plan::join(Some(&tail), now, self.quiet_end, self.from_start) {
                Join::Continue => {
                    let epochs = self.store.epochs(rec.id).await?;
                    for left_open in epochs.iter().filter(|e| e.end_reason.is_none()) {
                        let reason = unsaid().get(&left_open.id).copied().unwrap_or(EndReason::Crashed);
                        close_epoch(&self.store, left_open.id, reason).await?;
                        unsaid().remove(&left_open.id);
                    }
                    let next_epoch = epochs.last().map_or(0, |e| e.seq + 1);
                    return Ok(Target { id: rec.id, tail: Some(tail), next_part, next_epoch, epoch: None });
                }
                Join::EndThenNew(EndReason::Crashed) => {
                    // A file that is played again: what ended the half that is there.
                    let last = self.store.epochs(rec.id).await?.pop().and_then(|e| e.end_reason);
                    end(&self.store, rec.id, tail.last_heard, last.unwrap_or(EndReason::Crashed)).await?;
                }
                Join::EndThenNew(reason) => end(&self.store, rec.id, tail.last_heard, reason).await?,
                Join::New => {}
            }
        }
        Ok(Target { id: RecordingId::new_at(now), tail: None, next_part: 0, next_epoch: 0, epoch: None })
    }

    /// The header of the placed epoch is on disk and its first key frame arrived at `arrival`: writes the
    /// epoch's row, and the recording's when it is new. With `splice` the epoch goes on with what was recorded
    /// before, and that is its media time; without, the wall clock gives it. Returns where it lies.
    pub(crate) async fn begin(
        &mut self,
        tracks: &Tracks,
        arrival: WallTime,
        splice: Option<MediaTime>,
    ) -> Result<MediaTime, StoreError> {
        let target = self.target.as_mut().ok_or_else(no_target)?;
        let new = target.tail.is_none();
        let tail = target.tail.unwrap_or(Tail { started_at: arrival, last_end: None, last_heard: arrival });
        let media_start = splice.unwrap_or_else(|| plan::media_start(&tail, arrival));
        let epoch = Epoch {
            id: EpochId::new_at(arrival),
            recording_id: target.id,
            seq: target.next_epoch,
            init_path: format!("{}/{}", folder(target.id), init_name(target.next_epoch)),
            tracks: tracks.clone(),
            media_start,
            started_at: arrival,
            end_reason: None,
        };
        let mut tx = self.store.begin().await?;
        if new {
            let rec = Recording {
                id: target.id,
                source_id: self.source.id,
                language: self.source.language,
                started_at: arrival,
                ended_at: None,
                end_reason: None,
                hold: None,
            };
            recordings::insert_recording(&mut tx, &rec).await?;
            let name = Some(self.source.name.as_str());
            audit(&mut tx, arrival, ACTOR, "recording.started", &target.id.to_string(), name).await?;
        }
        recordings::insert_epoch(&mut tx, &epoch).await?;
        tx.commit().await?;
        let (recording, source) = (target.id, &self.source.name);
        if new {
            tracing::info!(%recording, source, "recording started");
        }
        let gap_ms = tail.last_end.map_or(0, |end| (media_start - end).max(0) / 1000);
        tracing::info!(
            %recording, epoch = epoch.seq, at = %media_start, gap_ms, spliced = splice.is_some(),
            video = tracks.video_codec, width = tracks.width, height = tracks.height,
            audio = tracks.audio_codec.as_deref().unwrap_or("none"), "epoch begins"
        );
        target.tail = Some(tail);
        target.next_epoch += 1;
        target.epoch = Some(Open { id: epoch.id, media_start });
        Ok(media_start)
    }

    /// A part of the open epoch is on disk under its final name: writes its row.
    pub(crate) async fn part(&mut self, part: &EpochPart) -> Result<(), StoreError> {
        let target = self.target.as_mut().ok_or_else(no_target)?;
        let open = target.epoch.as_ref().ok_or_else(no_target)?;
        let last_end = target.tail.as_ref().and_then(|t| t.last_end);
        let row = row(target.id, open.id, open.media_start, last_end, part)?;
        match insert(&self.store, &row).await {
            // A commit whose answer was lost: the row is there.
            Err(StoreError::Duplicate { what }) => {
                let there = self.store.last_part(target.id).await?;
                if there.is_none_or(|p| p.seq != row.seq || p.span != row.span || p.epoch_id != row.epoch_id)
                {
                    return Err(StoreError::Duplicate { what });
                }
            }
            done => done?,
        }
        target.next_part = row.seq + 1;
        if let Some(tail) = &mut target.tail {
            tail.last_end = Some(row.span.end());
            tail.last_heard = row.wall_start.plus_millis(row.span.micros() / 1000);
        }
        Ok(())
    }

    /// Closes the open epoch, if any, and the recording with it where the reason says so.
    pub(crate) async fn close(&mut self, reason: EndReason, now: WallTime) -> Result<(), StoreError> {
        let Some(target) = &mut self.target else { return Ok(()) };
        let ends = plan::recording_end(reason);
        if let Some(open) = &target.epoch {
            close_epoch(&self.store, open.id, reason).await.inspect_err(|_| {
                unsaid().insert(open.id, reason);
            })?;
            tracing::info!(recording = %target.id, epoch = target.next_epoch - 1, ?reason, "epoch ends");
            target.epoch = None;
        }
        match ends {
            Some(reason) => self.end(reason, now).await,
            None => Ok(()),
        }
    }

    /// Ends the recording, if rows of one were written.
    pub(crate) async fn end(&mut self, reason: EndReason, now: WallTime) -> Result<(), StoreError> {
        let Some(target) = &self.target else { return Ok(()) };
        if target.tail.is_some() {
            end(&self.store, target.id, now, reason).await?;
            self.target = None;
        }
        Ok(())
    }

    /// Brings back what a failed writer left of the open epoch.
    pub(crate) async fn salvage(&mut self) -> Result<(), StoreError> {
        let Some(target) = &mut self.target else { return Ok(()) };
        let Some(rec) = self.store.recording(target.id).await? else { return Ok(()) };
        super::salvage::recording(&self.store, &rec).await?;
        let (tail, next_part) = tail_of(&self.store, &rec).await?;
        target.tail = Some(tail);
        target.next_part = next_part;
        Ok(())
    }

    /// Takes away the folder of a recording that never began.
    fn forget_unused(&mut self) {
        if let Some(Target { id, tail: None, .. }) = &self.target
            && let Ok(dir) = self.store.library().local_path(&folder(*id))
        {
            // `remove_dir` refuses a folder that holds anything.
            drop(std::fs::remove_dir(dir));
            self.target = None;
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.forget_unused();
    }
}

fn no_target() -> StoreError {
    StoreError::Refused { why: "a part came before its epoch was begun".to_owned() }
}

/// Ends a recording, in the rows and in the log.
pub(crate) async fn end(
    store: &Store,
    id: RecordingId,
    at: WallTime,
    reason: EndReason,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    recordings::end_recording(&mut tx, id, at, reason).await?;
    audit(&mut tx, at, ACTOR, "recording.ended", &id.to_string(), Some(&format!("{reason:?}"))).await?;
    tx.commit().await?;
    tracing::info!(recording = %id, ?reason, "recording ended");
    Ok(())
}

async fn close_epoch(store: &Store, id: EpochId, reason: EndReason) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    recordings::close_epoch(&mut tx, id, reason).await?;
    tx.commit().await
}

async fn insert(store: &Store, part: &Part) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    recordings::insert_part(&mut tx, part).await?;
    tx.commit().await
}

/// The row of a part; its path is the one its number gives it. Its span begins where the part before it ended, at
/// the earliest: an epoch that goes on after a repeat begins with a key frame that the part before it holds too.
fn row(
    recording: RecordingId,
    epoch: EpochId,
    media_start: MediaTime,
    last_end: Option<MediaTime>,
    part: &EpochPart,
) -> Result<Part, StoreError> {
    let start = (media_start + part.start_us).max(last_end.unwrap_or(MediaTime::ZERO));
    let span = Span::new(start, (media_start + part.end_us).max(start + 1))
        .map_err(|e| StoreError::Refused { why: e.to_string() })?;
    let offset = |o: u64| i64::try_from(o).unwrap_or(i64::MAX);
    Ok(Part {
        id: PartId::new_at(part.wall_start),
        recording_id: recording,
        epoch_id: epoch,
        seq: part.seq,
        path: part_path(recording, part.seq),
        bytes: offset(part.bytes),
        span,
        key_frames: part
            .key_frames
            .iter()
            .map(|&(at, o)| KeyFrame { at: media_start + at, offset: offset(o) })
            .collect(),
        wall_start: part.wall_start,
        removed_at: None,
    })
}

/// Records a part that a crash left without a row.
pub(crate) async fn adopt(
    store: &Store,
    epoch: &Epoch,
    seq: i64,
    found: &SalvagedPart,
) -> Result<(), StoreError> {
    let part = EpochPart {
        seq,
        bytes: found.bytes,
        start_us: found.start_us,
        end_us: found.end_us,
        key_frames: found.key_frames.clone(),
        // By the media itself: the time of a file is the system clock's, which may have been set meanwhile.
        wall_start: epoch.started_at.plus_millis(found.start_us / 1000),
    };
    let last_end = store.last_part(epoch.recording_id).await?.map(|p| p.span.end());
    insert(store, &row(epoch.recording_id, epoch.id, epoch.media_start, last_end, &part)?).await
}

/// The number in the name of a part file, open (`000007.part`) or closed (`000007.m4s`).
pub(crate) fn seq_of(path: &Path) -> Option<i64> {
    let name = Utf8Path::from_path(path)?.file_name()?;
    let stem = name.strip_suffix(".m4s").or_else(|| name.strip_suffix(".part"))?;
    stem.parse().ok().filter(|n| *n >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_files_are_known_by_their_names() {
        assert_eq!(seq_of(Path::new("/a/000007.part")), Some(7));
        assert_eq!(seq_of(Path::new("/a/1234567.m4s")), Some(1_234_567));
        assert_eq!(seq_of(Path::new("/a/init-0.mp4")), None);
        assert_eq!(seq_of(Path::new("/a/-1.m4s")), None);
    }
}
