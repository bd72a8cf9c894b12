//! One recording being heard: parts in, sentences out. Blocking.

use clipmill_domain::{RecordingId, recording::Part, sound::PartCurves};
use clipmill_inference::asr::AsrError;
use clipmill_media::{AudioChunk, AudioFollower, MediaError, MediaPart};

use super::{
    curves::CurveRows,
    listen::{Listener, Output, position},
};

/// Hearing one recording; can be made anew from its listener's state at any time.
pub(crate) struct Hearing {
    sound: AudioFollower,
    pub(crate) listener: Listener,
    /// `None` where the sound was measured before.
    pub(crate) curves: Option<CurveRows>,
    /// Number of the last part taken in.
    pub(crate) fed: i64,
}

impl Hearing {
    /// The parts from number `fed` + 1 on must be fed. The sound of `measured`, a recording, becomes curves.
    pub(crate) fn resume(measured: Option<RecordingId>, listener: Listener, fed: i64) -> Self {
        Self { sound: AudioFollower::new(), listener, curves: measured.map(CurveRows::new), fed }
    }

    /// Curves that are complete and not stored.
    pub(crate) fn new_curves(&self) -> &[PartCurves] {
        self.curves.as_ref().map_or(&[], CurveRows::rows)
    }

    /// Takes the next part. One that cannot be decoded is passed over: it is a gap in the sound.
    pub(crate) fn part(&mut self, part: &Part, media: &MediaPart, out: &mut Output) -> Result<(), HearError> {
        if let Some(curves) = &mut self.curves {
            curves.part(part);
        }
        match self.sound.push(media) {
            Ok(chunks) => self.sound(chunks, out)?,
            Err(error @ MediaError::Io { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(recording = %part.recording_id, part = part.seq, %error, "a part cannot be heard");
                self.sound = AudioFollower::new();
            }
        }
        self.fed = part.seq;
        Ok(())
    }

    /// The recording is over: what is still open is closed.
    pub(crate) fn finish(&mut self, out: &mut Output) -> Result<(), HearError> {
        let rest = self.sound.finish()?;
        self.sound(rest, out)?;
        if let Some(curves) = &mut self.curves {
            curves.finish();
        }
        Ok(self.listener.finish(out)?)
    }

    fn sound(&mut self, chunks: Vec<AudioChunk>, out: &mut Output) -> Result<(), AsrError> {
        for AudioChunk { start_us, samples } in chunks {
            if let Some(curves) = &mut self.curves {
                curves.sound(position(start_us), &samples);
            }
            self.listener.sound(position(start_us), samples, out)?;
        }
        Ok(())
    }
}

/// Why a recording could not be heard on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HearError {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Asr(#[from] AsrError),
}
