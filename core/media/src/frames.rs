//! Decoded pictures of a span, in presentation order, with their media time.

use std::collections::VecDeque;

use clipmill_domain::Span;
use ffmpeg_next::{self as ff, codec::threading, decoder, frame};

use crate::{
    error::MediaError,
    parts::{MediaPart, TrackPackets, load, touching},
    streams::StreamKind,
};

/// Times of one frame in two epochs may differ this much, by rounding: 2 ms, in microseconds.
pub(crate) const SAME_MICROS: i64 = 2_000;

struct Decoding {
    decoder: decoder::Video,
    /// Pictures before the part the decoder was opened with belong to the parts before it.
    from_us: i64,
    /// Its clock; the packets inside are used up front to back.
    track: TrackPackets,
    init: std::path::PathBuf,
    draining: bool,
}

/// Decodes the parts of a span, beginning at the last key frame before it.
pub(crate) struct Frames<'a> {
    waiting: VecDeque<&'a MediaPart>,
    packets: VecDeque<ff::Packet>,
    now: Option<Decoding>,
    /// The next part's packets, while the decoder of the epoch before is being drained.
    held: Option<(TrackPackets, &'a MediaPart)>,
    start_us: i64,
    /// Where the next epoch takes over.
    until_us: i64,
    begun: bool,
    /// Frames that decoded with errors.
    pub(crate) damaged: u64,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(parts: &'a [MediaPart], span: Span) -> Self {
        Self {
            waiting: touching(parts, span, 0).into(),
            packets: VecDeque::new(),
            now: None,
            held: None,
            start_us: span.start().as_micros(),
            until_us: i64::MAX,
            begun: false,
            damaged: 0,
        }
    }

    /// The next picture and its media time in microseconds; pictures before the span come too.
    pub(crate) fn next(&mut self) -> Result<Option<(i64, frame::Video)>, MediaError> {
        loop {
            if let Some(now) = &mut self.now {
                let mut picture = frame::Video::empty();
                match now.decoder.receive_frame(&mut picture) {
                    Ok(()) => {
                        let Some(pts) = picture.timestamp() else { continue };
                        let at = now.track.media_us(pts);
                        // What two epochs both hold is shown once.
                        if at < now.from_us - SAME_MICROS || at >= self.until_us.saturating_sub(SAME_MICROS) {
                            continue;
                        }
                        self.damaged += u64::from(picture.is_corrupt() || picture.has_decode_errors());
                        return Ok(Some((at, picture)));
                    }
                    Err(ff::Error::Eof) => self.now = None,
                    Err(ff::Error::Other { errno: ff::error::EAGAIN }) => {}
                    Err(_) => self.damaged += 1,
                }
            }
            if self.now.as_ref().is_some_and(|n| n.draining) {
                continue;
            }
            if let Some(now) = &mut self.now
                && let Some(packet) = self.packets.pop_front()
            {
                if now.decoder.send_packet(&packet).is_err() {
                    self.damaged += 1;
                }
                continue;
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }

    /// Moves on to the next part, or to draining; false when all is done.
    fn advance(&mut self) -> Result<bool, MediaError> {
        let next = match self.held.take() {
            Some(held) => Some(held),
            None => loop {
                let Some(part) = self.waiting.pop_front() else { break None };
                match load(part, StreamKind::Video)? {
                    Some(track) if !track.packets.is_empty() => break Some((track, part)),
                    _ => {}
                }
            },
        };
        match (&mut self.now, next) {
            (Some(now), Some((mut track, part)))
                if now.init == part.init_path && now.track.offset_us == part.offset_us =>
            {
                self.packets = std::mem::take(&mut track.packets).into();
                self.until_us = self.epoch_end(part);
            }
            (Some(now), next) => {
                now.decoder.send_eof().map_err(MediaError::av("finish decoding"))?;
                now.draining = true;
                self.held = next;
            }
            (None, Some((mut track, part))) => {
                let mut packets = std::mem::take(&mut track.packets);
                if !self.begun {
                    let from = last_key_before(&track, &packets, self.start_us);
                    packets.drain(..from);
                    self.begun = true;
                }
                let decoder = open_decoder(&track)?;
                self.packets = packets.into();
                self.until_us = self.epoch_end(part);
                let (from_us, init) = (part.span.start().as_micros(), part.init_path.clone());
                self.now = Some(Decoding { decoder, from_us, track, init, draining: false });
            }
            (None, None) => return Ok(false),
        }
        Ok(true)
    }

    /// Where the epoch of `part` ends, if the part after it belongs to another.
    fn epoch_end(&self, part: &MediaPart) -> i64 {
        let next = self.waiting.front();
        next.filter(|n| !same_epoch(n, part)).map_or(i64::MAX, |n| n.span.start().as_micros())
    }
}

/// Whether two parts share one header and one clock.
pub(crate) fn same_epoch(a: &MediaPart, b: &MediaPart) -> bool {
    a.init_path == b.init_path && a.offset_us == b.offset_us
}

/// Index of the last key packet at or before `at_us`; 0 when there is none.
pub(crate) fn last_key_before(track: &TrackPackets, packets: &[ff::Packet], at_us: i64) -> usize {
    let is_start = |p: &ff::Packet| p.is_key() && p.pts().is_some_and(|t| track.media_us(t) <= at_us);
    packets.iter().rposition(is_start).unwrap_or(0)
}

fn open_decoder(track: &TrackPackets) -> Result<decoder::Video, MediaError> {
    let open = || {
        let mut context = ff::codec::Context::from_parameters(track.params.clone())?;
        context.set_threading(threading::Config::count(1));
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(track.base);
        decoder.video()
    };
    open().map_err(MediaError::av("open the video decoder"))
}
