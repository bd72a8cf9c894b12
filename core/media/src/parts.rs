//! Reading parts back, on media time.

use std::{fs, io::Cursor, path::Path, ptr};

use clipmill_domain::Span;
use ffmpeg_next::{self as ff, Rational, codec::Parameters, format::context::StreamIo};

use crate::{error::MediaError, fragment::epoch_us, streams::StreamKind};

pub use clipmill_domain::recording::MediaPart;

/// The packets of one track of one part.
pub(crate) struct TrackPackets {
    pub(crate) params: Parameters,
    pub(crate) base: Rational,
    /// Media microseconds of epoch zero.
    pub(crate) offset_us: i64,
    pub(crate) packets: Vec<ff::Packet>,
}

impl TrackPackets {
    /// Media time of a timestamp of this track.
    pub(crate) fn media_us(&self, ticks: i64) -> i64 {
        epoch_us(ticks, self.base) + self.offset_us
    }
}

/// The packets of a track, in decoding order; `None` when the part has no such track.
pub(crate) fn load(part: &MediaPart, kind: StreamKind) -> Result<Option<TrackPackets>, MediaError> {
    let [video, audio] = load_both(part)?;
    Ok(match kind {
        StreamKind::Video => video,
        StreamKind::Audio => audio,
    })
}

/// The packets of video and audio.
pub(crate) fn load_both(part: &MediaPart) -> Result<[Option<TrackPackets>; 2], MediaError> {
    let mut bytes = fs::read(&part.init_path).map_err(MediaError::io("read", &part.init_path))?;
    bytes.extend(fs::read(&part.path).map_err(MediaError::io("read", &part.path))?);
    let mut context = open_bytes(bytes, &part.path.display().to_string())?;
    let track = |medium| {
        context.streams().find(|s| s.parameters().medium() == medium).map(|s| {
            let (params, base) = (s.parameters().clone(), s.time_base());
            (s.index(), TrackPackets { params, base, offset_us: part.offset_us, packets: vec![] })
        })
    };
    let mut video = track(ff::media::Type::Video);
    let mut audio = track(ff::media::Type::Audio);
    loop {
        let mut packet = ff::Packet::empty();
        match packet.read(&mut context) {
            Ok(()) => {}
            Err(ff::Error::Eof) => break,
            Err(e) => {
                tracing::warn!(part = %part.path.display(), error = %e, "the rest of a part is unreadable");
                break;
            }
        }
        for slot in [&mut video, &mut audio].into_iter().flatten() {
            if slot.0 == packet.stream() {
                slot.1.packets.push(packet);
                break;
            }
        }
    }
    Ok([video, audio].map(|found| {
        let (_, mut track) = found?;
        fill_durations(&mut track.packets);
        Some(track)
    }))
}

/// The demuxer leaves some durations out at fragment borders: they are the distance to the next packet.
fn fill_durations(packets: &mut [ff::Packet]) {
    let starts: Vec<Option<i64>> = packets.iter().map(ff::Packet::dts).skip(1).chain([None]).collect();
    let mut usual = 0;
    for (p, next) in packets.iter_mut().zip(starts) {
        let step = p.dts().zip(next).map_or(usual, |(at, next)| next - at);
        if p.duration() <= 0 {
            p.set_duration(step.max(0));
        }
        usual = p.duration();
    }
}

/// The parts that touch `span` widened by `margin_us` on both sides, in time order.
pub(crate) fn touching(parts: &[MediaPart], span: Span, margin_us: i64) -> Vec<&MediaPart> {
    let (from, to) = (span.start() + -margin_us, span.end() + margin_us);
    let mut found: Vec<&MediaPart> =
        parts.iter().filter(|p| p.span.start() < to && from < p.span.end()).collect();
    found.sort_by_key(|p| p.span.start());
    found
}

/// Opens header and fragments held in memory, without FFmpeg's probing: the header says all.
pub(crate) fn open_bytes(bytes: Vec<u8>, what: &str) -> Result<ff::format::context::Input, MediaError> {
    crate::init();
    let mut io = StreamIo::from_read_seek(Cursor::new(bytes)).map_err(MediaError::av("make a reader"))?;
    // SAFETY: `pb` outlives the context, because both go into the wrapper that frees the context first; on
    // failure libav frees the context, leaves the caller's `pb` alone, and `io` is dropped after.
    unsafe {
        let mut context = ff::ffi::avformat_alloc_context();
        if context.is_null() {
            return Err(MediaError::av("open a part")(ff::Error::Other { errno: ff::error::ENOMEM }));
        }
        (*context).pb = io.as_mut_ptr();
        (*context).flags |= ff::ffi::AVFMT_FLAG_CUSTOM_IO;
        let name = c"part.mp4";
        let rc = ff::ffi::avformat_open_input(&raw mut context, name.as_ptr(), ptr::null(), ptr::null_mut());
        if rc != 0 {
            let detail = ff::Error::from(rc).to_string();
            return Err(MediaError::NotMedia { what: what.to_owned(), detail });
        }
        Ok(ff::format::context::Input::wrap_with_custom_io(context, io))
    }
}

/// Refuses an empty request before any file is opened.
pub(crate) fn check_spans(spans: &[Span], out: &Path) -> Result<(), MediaError> {
    if spans.is_empty() {
        return Err(MediaError::BadRequest(format!("{}: no span to cut was given", out.display())));
    }
    let total: i64 = spans.iter().map(|s| s.micros()).sum();
    if total > 1_200_000_000 {
        return Err(MediaError::BadRequest(format!("{}: a cut may last 20 minutes at most", out.display())));
    }
    Ok(())
}
