//! The sound of a file of any container and codec, at its presentation times.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ffmpeg_next::{self as ff, Dictionary, Rescale, codec::threading, decoder, frame};

use crate::{
    audio::{AudioChunk, Runs, SPEECH_RATE},
    audio_track::{AudioTrack, choose},
    error::{MediaError, path_text},
    streams::MICROS,
};

/// Opening a file, and reading each of its packets, may take this long.
const DEADLINE: Duration = Duration::from_secs(30);

/// Opens the first audio track of a local file. The chunks it gives are 16 kHz mono, in order, on the time that players
/// show: microseconds from where the container says that it begins. Where sound is missing, the next chunk's
/// `start_us` jumps ahead.
///
/// Errors: [`MediaError::Io`] for a file that is not there, [`MediaError::NotMedia`], [`MediaError::Unsupported`] for
/// one without sound.
pub fn read_sound(path: &Path) -> Result<SoundFile, MediaError> {
    crate::init();
    let text = path_text(path)?;
    std::fs::File::open(path).map_err(MediaError::io("read", path))?;
    let what = path.display().to_string();
    let born = Instant::now();
    let due_ms = Arc::new(AtomicU64::new(0));
    let watch = Arc::clone(&due_ms);
    let late = move || millis(born.elapsed()) > watch.load(Ordering::Relaxed);
    renew(&due_ms, born);
    let mut options = Dictionary::new();
    options.set("protocol_whitelist", "file");
    let context = ff::format::input_with_interrupt_and_dictionary(text, late, options)
        .map_err(|e| MediaError::NotMedia { what: what.clone(), detail: e.to_string() })?;
    let unusable = |detail: &str| MediaError::Unsupported { what: what.clone(), detail: detail.to_owned() };
    let stream = choose(&context, &AudioTrack::First, &what)
        .and_then(|index| context.stream(index))
        .ok_or_else(|| unusable("it has no sound: give a file with an audio track"))?;
    let open = || {
        let mut made = ff::codec::Context::from_parameters(stream.parameters())?;
        made.set_threading(threading::Config::count(1));
        let mut made = made.decoder();
        made.set_packet_time_base(stream.time_base());
        made.audio()
    };
    let decoder = open().map_err(|e| unusable(&format!("its sound cannot be decoded ({e})")))?;
    let index = stream.index();
    let base = stream.time_base();
    // SAFETY: a plain read of a context that is open.
    let start = unsafe { (*context.as_ptr()).start_time };
    let start_us = if start == ff::ffi::AV_NOPTS_VALUE { 0 } else { start };
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a file")]
    let length_s = (context.duration() > 0).then(|| context.duration() as f64 / 1e6);
    Ok(SoundFile {
        context,
        decoder,
        index,
        base,
        start_us,
        length_s,
        runs: Runs::new(SPEECH_RATE, 1),
        next_us: 0,
        born,
        due_ms,
        ready: Vec::new().into_iter(),
        over: false,
    })
}

/// Sound on its way out of a file; see [`read_sound`].
pub struct SoundFile {
    context: ff::format::context::Input,
    decoder: decoder::Audio,
    index: usize,
    base: ff::Rational,
    /// The container's first instant, in microseconds of its own clock.
    start_us: i64,
    length_s: Option<f64>,
    runs: Runs,
    /// Where a frame without a time goes.
    next_us: i64,
    born: Instant,
    due_ms: Arc<AtomicU64>,
    ready: std::vec::IntoIter<AudioChunk>,
    over: bool,
}

impl std::fmt::Debug for SoundFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoundFile").field("length_s", &self.length_s).finish_non_exhaustive()
    }
}

impl SoundFile {
    /// Length of the file in seconds as its container says, which may be wrong; `None` where it says nothing.
    pub fn length_s(&self) -> Option<f64> {
        self.length_s
    }

    /// Decodes one packet more; `false` at the end.
    fn advance(&mut self) -> Result<bool, MediaError> {
        loop {
            renew(&self.due_ms, self.born);
            let mut packet = ff::Packet::empty();
            match packet.read(&mut self.context) {
                Ok(()) if packet.stream() != self.index => {}
                Ok(()) => {
                    // A packet that does not decode is a gap in the sound.
                    if self.decoder.send_packet(&packet).is_ok() {
                        self.frames()?;
                    }
                    return Ok(true);
                }
                Err(e) => {
                    if e != ff::Error::Eof {
                        tracing::warn!(error = %e, "the rest of the sound is unreadable");
                    }
                    let _ = self.decoder.send_eof();
                    self.frames()?;
                    self.runs.end_run()?;
                    return Ok(false);
                }
            }
        }
    }

    fn frames(&mut self) -> Result<(), MediaError> {
        loop {
            let mut sound = frame::Audio::empty();
            if self.decoder.receive_frame(&mut sound).is_err() {
                return Ok(());
            }
            let stamped =
                sound.timestamp().map(|t| t.rescale(self.base, MICROS).saturating_sub(self.start_us));
            let at = stamped.unwrap_or(self.next_us);
            let lasts =
                i64::try_from(sound.samples()).unwrap_or(0) * 1_000_000 / i64::from(sound.rate().max(1));
            self.next_us = at.saturating_add(lasts);
            self.runs.place(at, sound)?;
        }
    }
}

impl Iterator for SoundFile {
    type Item = Result<AudioChunk, MediaError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(chunk) = self.ready.next() {
                return Some(Ok(chunk));
            }
            if self.over {
                return None;
            }
            match self.advance() {
                Ok(more) => {
                    self.over = !more;
                    self.ready = self.runs.take().into_iter();
                }
                Err(e) => {
                    self.over = true;
                    return Some(Err(e));
                }
            }
        }
    }
}

fn renew(due_ms: &AtomicU64, born: Instant) {
    due_ms.store(millis(born.elapsed() + DEADLINE), Ordering::Relaxed);
}

fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}
