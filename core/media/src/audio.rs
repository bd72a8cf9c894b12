//! Sound of parts as samples, each with its true media time.

use clipmill_domain::{MediaTime, Span};
use ffmpeg_next::{
    self as ff, ChannelLayout,
    codec::threading,
    decoder,
    format::sample::{Sample, Type},
    frame,
    software::resampling,
};

use crate::{
    error::MediaError,
    parts::{MediaPart, TrackPackets, load, touching},
    streams::{Params, StreamKind},
};

/// The rate speech recognition wants, in hertz.
pub(crate) const SPEECH_RATE: u32 = 16_000;
/// Sound may stray this far from its timestamps before it is placed anew: 40 ms, in microseconds.
const DRIFT_MICROS_MAX: i64 = 40_000;
/// Sound just outside a span is decoded too, so that the decoder is warm at its edges: 100 ms, in microseconds.
const MARGIN_MICROS: i64 = 100_000;

/// Sound sent twice lies this close to where it lay before: 2 ms, in microseconds.
const SAME_MICROS: i64 = 2_000;

/// A run of samples, 16 kHz mono, -1 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioChunk {
    /// Media time of the first sample, in microseconds.
    pub start_us: i64,
    /// The samples.
    pub samples: Vec<f32>,
}

/// Decodes 16 kHz mono for exactly `[from_us, to_us)`. What the parts do not hold is silence.
pub fn decode_audio(parts: &[MediaPart], from_us: i64, to_us: i64) -> Result<AudioChunk, MediaError> {
    let span = Span::new(MediaTime::from_micros(from_us), MediaTime::from_micros(to_us))
        .map_err(|e| MediaError::BadRequest(e.to_string()))?;
    let samples = span_samples(parts, span, SPEECH_RATE, 1)?;
    Ok(AudioChunk { start_us: from_us, samples })
}

/// Follows a growing recording: parts go in in order, 16 kHz mono comes out as it becomes certain.
///
/// Within an epoch the chunks touch; where sound is missing the next chunk's `start_us` jumps ahead. The
/// resampler's last milliseconds come with the next part, or with [`AudioFollower::finish`].
pub struct AudioFollower {
    runs: Runs,
}

impl Default for AudioFollower {
    fn default() -> Self {
        Self::new()
    }
}

impl AudioFollower {
    /// A follower at the beginning, or anywhere: it takes its time from the first part it is given.
    pub fn new() -> Self {
        Self { runs: Runs::new(SPEECH_RATE, 1) }
    }

    /// Decodes one more part. A part without sound gives nothing.
    pub fn push(&mut self, part: &MediaPart) -> Result<Vec<AudioChunk>, MediaError> {
        self.runs.push(part)?;
        Ok(self.runs.take())
    }

    /// What is still inside; afterwards the follower starts afresh.
    pub fn finish(&mut self) -> Result<Vec<AudioChunk>, MediaError> {
        self.runs.end_run()?;
        self.runs.decoding = None;
        Ok(self.runs.take())
    }
}

/// Interleaved samples for exactly the span: `round(seconds × rate)` frames of `channels`, silence in gaps.
pub(crate) fn span_samples(
    parts: &[MediaPart],
    span: Span,
    rate: u32,
    channels: u16,
) -> Result<Vec<f32>, MediaError> {
    crate::init();
    let width = usize::from(channels);
    let length = frames_in(span.micros(), rate);
    let mut out = vec![0.0; length * width];
    let mut runs = Runs::new(rate, channels);
    runs.window = Some((span.start().as_micros() - MARGIN_MICROS, span.end().as_micros() + MARGIN_MICROS));
    for part in touching(parts, span, MARGIN_MICROS) {
        runs.push(part)?;
    }
    runs.end_run()?;
    for piece in runs.take() {
        let shift = signed_frames(piece.start_us - span.start().as_micros(), rate);
        let skip = usize::try_from(-shift).unwrap_or(0);
        let at = usize::try_from(shift).unwrap_or(0);
        let from = piece.samples.get(skip * width..).unwrap_or_default();
        let to = out.get_mut((at * width).min(length * width)..).unwrap_or_default();
        let n = from.len().min(to.len());
        if let (Some(to), Some(from)) = (to.get_mut(..n), from.get(..n)) {
            to.copy_from_slice(from);
        }
    }
    Ok(out)
}

/// How many samples a length of time is, to the nearest.
pub(crate) fn frames_in(us: i64, rate: u32) -> usize {
    usize::try_from(signed_frames(us, rate)).unwrap_or(0)
}

fn signed_frames(us: i64, rate: u32) -> i64 {
    (us * i64::from(rate) + if us < 0 { -500_000 } else { 500_000 }) / 1_000_000
}

struct Decoding {
    decoder: decoder::Audio,
    /// The clock of the last part pushed.
    track: TrackPackets,
    init: std::path::PathBuf,
}

/// A stretch of sound without a break, on its way through the resampler.
struct Run {
    resampler: resampling::Context,
    /// Media time of its first sample.
    anchor_us: i64,
    rate_in: u32,
    taken: u64,
    given: u64,
    /// By its timestamp, when the last sound taken began, in media microseconds.
    last_us: i64,
}

impl Run {
    /// Whether sound of `samples` samples that begins at `at_us` goes on where the run ends. A timestamp may stray; but
    /// where a block is missing between two timestamps, what follows is not moved into its place.
    fn goes_on(&self, at_us: i64, samples: usize) -> bool {
        let off_us = at_us - (self.anchor_us + micros(self.taken, self.rate_in));
        let lasts_us = micros(samples as u64, self.rate_in);
        let missing = at_us - self.last_us >= lasts_us * 3 / 2 && off_us > lasts_us / 2;
        off_us.abs() <= DRIFT_MICROS_MAX && !missing
    }
}

/// Where the sound of a new decoder begins.
#[derive(Clone, Copy)]
enum Warming {
    /// Where the part begins, in media microseconds.
    Part(i64),
    /// Where the run before ended: an epoch that goes on with the one before it may begin with what that had.
    Run,
}

/// Decodes and resamples part after part; a break in the sound begins a new run.
pub(crate) struct Runs {
    rate: u32,
    channels: u16,
    /// Packets outside are skipped, in media microseconds.
    window: Option<(i64, i64)>,
    decoding: Option<Decoding>,
    run: Option<Run>,
    /// Set while a new decoder gets warm: what was heard already, or lies before the part it was opened with, is
    /// not heard.
    warming: Option<Warming>,
    done: Vec<AudioChunk>,
    /// Media time up to which samples were given out.
    given_to_us: i64,
}

impl Runs {
    pub(crate) fn new(rate: u32, channels: u16) -> Self {
        crate::init();
        Self {
            rate,
            channels,
            window: None,
            decoding: None,
            run: None,
            warming: None,
            done: vec![],
            given_to_us: i64::MIN,
        }
    }

    pub(crate) fn take(&mut self) -> Vec<AudioChunk> {
        std::mem::take(&mut self.done)
    }

    fn push(&mut self, part: &MediaPart) -> Result<(), MediaError> {
        let Some(mut track) = load(part, StreamKind::Audio)? else { return Ok(()) };
        let packets = std::mem::take(&mut track.packets);
        match &mut self.decoding {
            Some(d) if d.init == part.init_path && d.track.offset_us == part.offset_us => d.track = track,
            _ => {
                let start_us = part.span.start().as_micros();
                self.warming = Some(if self.run.is_some() { Warming::Run } else { Warming::Part(start_us) });
                let decoder = open_decoder(&track)?;
                self.decoding = Some(Decoding { decoder, track, init: part.init_path.clone() });
            }
        }
        for packet in packets {
            let Some(decoding) = &mut self.decoding else { break };
            let at = packet.pts().map(|t| decoding.track.media_us(t));
            if let (Some((from, to)), Some(at)) = (self.window, at)
                && (at < from || at > to)
            {
                continue;
            }
            if decoding.decoder.send_packet(&packet).is_err() {
                continue;
            }
            while let Some(decoding) = &mut self.decoding {
                let mut sound = frame::Audio::empty();
                if decoding.decoder.receive_frame(&mut sound).is_err() {
                    break;
                }
                let Some(at) = sound.timestamp().map(|t| decoding.track.media_us(t)) else { continue };
                self.place(at, sound)?;
            }
        }
        Ok(())
    }

    /// Takes decoded sound that starts at media time `at_us`.
    pub(crate) fn place(&mut self, at_us: i64, mut sound: frame::Audio) -> Result<(), MediaError> {
        if sound.samples() == 0 || sound.rate() == 0 {
            return Ok(());
        }
        if sound.channel_layout().is_empty() {
            sound.set_channel_layout(ChannelLayout::default(i32::from(sound.channels())));
        }
        if let Some(warming) = self.warming {
            let lasts_us = micros(sound.samples() as u64, sound.rate());
            let run_end = self.run.as_ref().map(|r| r.anchor_us + micros(r.taken, r.rate_in));
            let heard = match (warming, run_end) {
                (Warming::Run, Some(end)) => at_us + lasts_us / 2 <= end,
                (Warming::Run, None) => false,
                (Warming::Part(start), _) => at_us + lasts_us <= start,
            };
            if heard {
                return Ok(());
            }
            self.warming = None;
            // Only the very same sound may go on without a new beginning.
            if run_end.is_some_and(|end| (at_us - end).abs() > SAME_MICROS) {
                self.end_run()?;
            }
        }
        let fits = self.run.as_ref().is_some_and(|r| {
            let i = r.resampler.input();
            r.goes_on(at_us, sound.samples())
                && i.rate == sound.rate()
                && i.format == sound.format()
                && i.channel_layout == sound.channel_layout()
        });
        if !fits {
            self.end_run()?;
            let layout = ChannelLayout::default(i32::from(self.channels));
            let resampler = resampling::Context::get(
                sound.format(),
                sound.channel_layout(),
                sound.rate(),
                Sample::F32(Type::Packed),
                layout,
                self.rate,
            )
            .map_err(MediaError::av("set up the resampler"))?;
            let (rate_in, last_us) = (sound.rate(), at_us);
            self.run = Some(Run { resampler, anchor_us: at_us, rate_in, taken: 0, given: 0, last_us });
        }
        let Some(run) = &mut self.run else { return Ok(()) };
        run.last_us = at_us;
        run.taken += sound.samples() as u64;
        let room = sound.samples() * self.rate as usize / run.rate_in as usize + 4096;
        let mut out = fresh_frame(room, self.channels);
        run.resampler.run(&sound, &mut out).map_err(MediaError::av("resample"))?;
        self.give(&out);
        Ok(())
    }

    /// Empties the resampler; the next sound is placed by its timestamp.
    pub(crate) fn end_run(&mut self) -> Result<(), MediaError> {
        loop {
            let Some(run) = &mut self.run else { return Ok(()) };
            let mut out = fresh_frame(4096, self.channels);
            run.resampler.flush(&mut out).map_err(MediaError::av("resample"))?;
            if out.samples() == 0 {
                self.run = None;
                return Ok(());
            }
            self.give(&out);
        }
    }

    fn give(&mut self, out: &frame::Audio) {
        let Some(run) = &mut self.run else { return };
        let width = usize::from(self.channels);
        let mut samples = floats(out, width);
        let mut start_us = run.anchor_us + micros(run.given, self.rate);
        run.given += (samples.len() / width) as u64;
        // A run that begins before the one before it ended: time never goes back.
        let late = self.given_to_us.saturating_sub(start_us);
        if late > 0 && self.given_to_us != i64::MIN {
            let drop = frames_in(late, self.rate).min(samples.len() / width);
            samples.drain(..drop * width);
            start_us += micros(drop as u64, self.rate);
        }
        if samples.is_empty() {
            return;
        }
        let end_us = start_us + micros((samples.len() / width) as u64, self.rate);
        self.given_to_us = end_us;
        match self.done.last_mut() {
            Some(last)
                if (last.start_us + micros((last.samples.len() / width) as u64, self.rate) - start_us)
                    .abs()
                    <= 1 =>
            {
                last.samples.extend(samples);
            }
            _ => self.done.push(AudioChunk { start_us, samples }),
        }
    }
}

fn micros(samples: u64, rate: u32) -> i64 {
    i64::try_from(samples * 1_000_000 / u64::from(rate.max(1))).unwrap_or(i64::MAX)
}

pub(crate) fn fresh_frame(samples: usize, channels: u16) -> frame::Audio {
    frame::Audio::new(Sample::F32(Type::Packed), samples, ChannelLayout::default(i32::from(channels)))
}

/// The interleaved samples of a packed float frame.
pub(crate) fn floats(sound: &frame::Audio, width: usize) -> Vec<f32> {
    let bytes = sound.samples() * width * 4;
    let data = if bytes == 0 { &[] } else { sound.data(0).get(..bytes).unwrap_or_default() };
    data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn open_decoder(track: &TrackPackets) -> Result<decoder::Audio, MediaError> {
    if track.params.sample_rate() == 0 {
        return Err(MediaError::Unsupported {
            what: "the sound of a part".into(),
            detail: "its header says no sampling rate".into(),
        });
    }
    let open = || {
        let mut context = ff::codec::Context::from_parameters(track.params.clone())?;
        context.set_threading(threading::Config::count(1));
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(track.base);
        decoder.audio()
    };
    open().map_err(MediaError::av("open the audio decoder"))
}
