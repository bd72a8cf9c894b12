//! One picture of a recording as a JPEG.

use std::{fs, path::Path};

use clipmill_domain::{MediaTime, Span};
use ffmpeg_next::{self as ff, codec, color, encoder, format::Pixel, frame};

use crate::{
    error::MediaError,
    frames::Frames,
    parts::MediaPart,
    scale::{Size, pass, picture_graph},
};

/// Writes the picture shown at media time `at_us` (or the nearest there is in `parts`) to `out`, at most
/// `max_height` pixels high.
pub fn thumbnail(parts: &[MediaPart], at_us: i64, max_height: u32, out: &Path) -> Result<(), MediaError> {
    let nearest = parts.iter().min_by_key(|p| {
        let (from, to) = (p.span.start().as_micros(), p.span.end().as_micros());
        (from - at_us).max(at_us - to + 1).max(0)
    });
    let Some(part) = nearest else {
        return Err(MediaError::BadRequest("a thumbnail needs at least one part".into()));
    };
    let (from, to) = (part.span.start().as_micros(), part.span.end().as_micros());
    let at_us = at_us.clamp(from, to - 1);
    let at = MediaTime::from_micros(at_us);
    let span = Span::new(at, at + 1).map_err(|e| MediaError::BadRequest(e.to_string()))?;
    let mut frames = Frames::new(std::slice::from_ref(part), span);
    let mut shown = None;
    while let Some((time, picture)) = frames.next()? {
        if time > at_us && shown.is_some() {
            break;
        }
        shown = Some(picture);
    }
    let picture = shown.ok_or(MediaError::NothingInSpan { span })?;
    let jpeg = jpeg(&picture, max_height).map_err(MediaError::av("make a thumbnail"))?;
    fs::write(out, jpeg).map_err(MediaError::io("write", out))
}

fn jpeg(picture: &frame::Video, max_height: u32) -> Result<Vec<u8>, ff::Error> {
    let (width, height) = (picture.width().max(1), picture.height().max(1));
    let to = height.min(max_height.max(2));
    let Size { width: w, height: h } = Size::even(width * to / height, to);
    let mut graph = picture_graph((width, height), picture.format(), (1, 1), (1, 1))?;
    let spec = format!("scale=w={w}:h={h}:flags=bicubic:out_range=pc:out_color_matrix=bt601,format=yuvj420p");
    graph.output("in", 0)?.input("out", 0)?.parse(&spec)?;
    graph.validate()?;
    let mut small = pass(&mut graph, picture)?;

    let codec = encoder::find(codec::Id::MJPEG).ok_or(ff::Error::EncoderNotFound)?;
    let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
    video.set_width(w);
    video.set_height(h);
    video.set_format(Pixel::YUVJ420P);
    video.set_color_range(color::Range::JPEG);
    video.set_time_base((1, 25));
    video.set_flags(codec::Flags::QSCALE);
    video.set_quality(4 * ff::ffi::FF_QP2LAMBDA as usize);
    let mut encoder = video.open_as(codec)?;
    small.set_pts(Some(0));
    small.set_kind(ff::picture::Type::None);
    encoder.send_frame(&small)?;
    encoder.send_eof()?;
    let mut packet = ff::Packet::empty();
    encoder.receive_packet(&mut packet)?;
    Ok(packet.data().unwrap_or_default().to_vec())
}
