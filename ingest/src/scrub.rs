//! The follower that makes small pictures for scrubbing: parts in, a JPEG for a key frame about every ten seconds
//! out.
//!
//! It decodes one key frame a picture and nothing else, and rests four times as long as it worked, so that it
//! never takes more than a fifth of one core from anyone; a four-hour recording is caught up with in a few minutes
//! all the same.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use clipmill_domain::{
    MediaTime,
    recording::{Epoch, MediaPart, Part, Recording},
};
use clipmill_media::MediaError;
use clipmill_store::{
    Store, StoreError,
    followers::{self, FollowerPos},
    scrub::{ScrubPicture, insert_scrub_picture},
};
use clipmill_worker::{FollowCtx, Follower, Progress, StageError};
use serde::{Deserialize, Serialize};

/// Under which the follower's positions are kept.
pub const NAME: &str = "ingest.scrub";

/// Media time between two pictures: 10 s, in microseconds.
const EVERY_MICROS: i64 = 10_000_000;

/// Longest side of a picture, in pixels.
const SIDE_MAX: u32 = 160;

/// Rows read by one step.
const PARTS_PER_STEP: u32 = 64;

/// Pictures made by one step: few, so that other recordings get their turn.
const PICTURES_PER_STEP: usize = 4;

/// How long it rests, in lengths of its work.
const REST: u32 = 4;

/// What it carries along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// When the last picture is shown.
    last: Option<MediaTime>,
}

/// The follower.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scrubber;

/// Which parts get a picture, and of which moment: at most `limit`, each at a key frame that comes
/// [`EVERY_MICROS`] or more after the one before.
fn choose(parts: &[Part], mut last: Option<MediaTime>, limit: usize) -> Vec<(usize, MediaTime)> {
    let mut chosen = vec![];
    for (i, part) in parts.iter().enumerate() {
        if chosen.len() == limit {
            break;
        }
        let due = |at: MediaTime| last.is_none_or(|last| at - last >= EVERY_MICROS);
        let key = part.key_frames.iter().map(|k| k.at).find(|at| due(*at));
        if let Some(at) = key.filter(|_| part.removed_at.is_none()) {
            chosen.push((i, at));
            last = Some(at);
        }
    }
    chosen
}

/// One picture of one key frame, of which nothing else of the part is read. Blocks.
fn picture(part: &MediaPart, offset: u64, size: (u32, u32), out: &Path) -> Result<(), MediaError> {
    let (width, height) = (size.0.max(1), size.1.max(1));
    let high = (SIDE_MAX * height / width).clamp(2, SIDE_MAX);
    let jpeg = clipmill_media::key_picture(part, offset, high)?;
    std::fs::write(out, jpeg).map_err(|source| MediaError::Io {
        doing: "write",
        path: out.to_owned(),
        source,
    })
}

/// Makes and publishes the picture of a part; none where the file cannot be read.
async fn make(
    store: &Store,
    part: &Part,
    epoch: &Epoch,
    at: MediaTime,
) -> Result<Option<ScrubPicture>, StoreError> {
    let library = store.library();
    let local = |path: &str| library.local_path(path).map(camino::Utf8PathBuf::into_std_path_buf);
    let file = MediaPart {
        path: local(&part.path)?,
        init_path: local(&epoch.init_path)?,
        offset_us: epoch.media_start.as_micros(),
        span: part.span,
    };
    let temp = library.temp_path("scrub.jpg");
    let (out, size) = (temp.clone(), (epoch.tracks.width, epoch.tracks.height));
    let key = part.key_frames.iter().find(|k| k.at == at);
    let offset = key.map_or(0, |k| k.offset.max(0).unsigned_abs());
    let made = tokio::task::spawn_blocking(move || picture(&file, offset, size, out.as_std_path())).await;
    let why = match made {
        Ok(Ok(())) => {
            let path = ScrubPicture::path_of(part.recording_id, part.seq);
            let bytes = library.publish_file(&temp, &path).await?;
            let recording_id = part.recording_id;
            return Ok(Some(ScrubPicture { recording_id, part_seq: part.seq, at, path, bytes }));
        }
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::warn!(recording = %part.recording_id, part = part.seq, error = why, "no scrub picture of this part");
    Ok(None)
}

#[async_trait]
impl Follower for Scrubber {
    fn name(&self) -> &'static str {
        NAME
    }

    fn step_deadline(&self) -> Duration {
        Duration::from_secs(120)
    }

    async fn step(&self, cx: &FollowCtx, rec: &Recording) -> Result<Progress, StageError> {
        let pos = cx.store.follower(rec.id, NAME).await?;
        let mut state: State = match &pos.state {
            serde_json::Value::Null => State::default(),
            kept => serde_json::from_value(kept.clone()).map_err(StageError::give_up)?,
        };
        let parts = cx.store.parts_after(rec.id, pos.position, PARTS_PER_STEP).await?;
        let Some(last) = parts.last() else {
            return Ok(if rec.ended_at.is_some() { Progress::Done } else { Progress::Idle });
        };
        let chosen = choose(&parts, state.last, PICTURES_PER_STEP);
        let all_seen = chosen.len() < PICTURES_PER_STEP;
        let batch_full = parts.len() == PARTS_PER_STEP as usize;
        if chosen.is_empty() && !batch_full && rec.ended_at.is_none() {
            // Not yet ten seconds on: read these few rows again, rather than write one each time.
            return Ok(Progress::Idle);
        }
        let epochs = cx.store.epochs(rec.id).await?;
        let mut position = if all_seen { last.seq } else { pos.position };
        let mut pictures = vec![];
        for (i, at) in chosen {
            if cx.stop.is_cancelled() {
                return Err(StageError::retry("it was told to stop"));
            }
            let begun = Instant::now();
            let part = &parts[i];
            let epoch = epochs.iter().find(|e| e.id == part.epoch_id);
            if let Some(epoch) = epoch.filter(|e| e.tracks.width > 0) {
                pictures.extend(make(&cx.store, part, epoch, at).await?);
            }
            state.last = Some(at);
            position = position.max(part.seq);
            tokio::select! {
                () = tokio::time::sleep(begun.elapsed() * REST) => {}
                () = cx.stop.cancelled() => {}
            }
        }
        let state = serde_json::to_value(state).map_err(StageError::give_up)?;
        let mut tx = cx.store.begin().await?;
        for picture in &pictures {
            insert_scrub_picture(&mut tx, picture).await?;
        }
        followers::set_follower(&mut tx, rec.id, NAME, &FollowerPos { position, state }).await?;
        tx.commit().await?;
        Ok(Progress::Advanced)
    }
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{RecordingId, WallTime, recording::KeyFrame};
    use clipmill_store::testing;
    use proptest::prelude::*;

    use super::*;

    fn part(seq: i64, keys: &[i64]) -> Part {
        let recording: RecordingId = clipmill_domain::Id::new_at(WallTime::from_millis(0));
        let key = |at: &i64| KeyFrame { at: MediaTime::from_micros(*at), offset: 0 };
        let span = testing::seconds(0.0, 1.0);
        Part {
            key_frames: keys.iter().map(key).collect(),
            ..testing::part(&testing::epoch(recording, 0), seq, span)
        }
    }

    #[test]
    fn a_removed_part_has_no_picture() {
        let mut parts = [part(0, &[0]), part(1, &[2_000_000])];
        parts[0].removed_at = Some(WallTime::from_millis(1));
        assert_eq!(choose(&parts, None, 9), [(1, MediaTime::from_micros(2_000_000))]);
    }

    proptest! {
        /// Pictures are ten seconds apart or more, and no stretch without one is longer than it must be; taking
        /// them a few at a time chooses the same.
        #[test]
        fn pictures_are_evenly_apart(steps in prop::collection::vec(400_000i64..14_000_000, 1..60), limit in 1usize..5) {
            let mut at = 0;
            let mut parts = vec![];
            for (seq, step) in (0i64..).zip(&steps) {
                parts.push(part(seq, &[at]));
                at += step;
            }
            let all = choose(&parts, None, usize::MAX);
            prop_assert_eq!(all[0], (0, MediaTime::ZERO));
            for pair in all.windows(2) {
                let apart = pair[1].1 - pair[0].1;
                prop_assert!(apart >= EVERY_MICROS);
                prop_assert!(apart < EVERY_MICROS + 14_000_000);
            }
            let (mut piecewise, mut from, mut last) = (vec![], 0, None);
            loop {
                let some = choose(&parts[from..], last, limit);
                let Some((i, at)) = some.last().copied() else { break };
                piecewise.extend(some.iter().map(|(i, at)| (i + from, *at)));
                (from, last) = (from + i + 1, Some(at));
            }
            prop_assert_eq!(piecewise, all);
        }
    }
}
