//! One picture of a recording as a JPEG.

use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use clipmill_domain::{MediaTime, Span};
use ffmpeg_next::{self as ff, codec, color, encoder, format::Pixel, frame};

use crate::{
    error::MediaError,
    frames::Frames,
    parts::{MediaPart, open_bytes},
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

/// The key frame whose fragment begins `offset` bytes into the part, as a JPEG at most `max_height` pixels high. Reads
/// and decodes nothing else: the offsets are those of [`clipmill_domain::recording::KeyFrame`].
pub fn key_picture(part: &MediaPart, offset: u64, max_height: u32) -> Result<Vec<u8>, MediaError> {
    let what = part.path.display().to_string();
    let mut bytes = fs::read(&part.init_path).map_err(MediaError::io("read", &part.init_path))?;
    bytes.extend(fragment_at(&part.path, offset)?);
    let mut input = open_bytes(bytes, &what)?;
    let not_there =
        || MediaError::NotMedia { what: what.clone(), detail: format!("no key frame at byte {offset}") };
    let video = input.streams().find(|s| s.parameters().medium() == ff::media::Type::Video);
    let (index, params) = video.map(|s| (s.index(), s.parameters().clone())).ok_or_else(not_there)?;
    let mut packet = ff::Packet::empty();
    loop {
        packet.read(&mut input).map_err(|_| not_there())?;
        if packet.stream() == index {
            break;
        }
    }
    if !packet.is_key() {
        return Err(not_there());
    }
    let decode = || {
        let mut context = codec::Context::from_parameters(params)?;
        context.set_threading(codec::threading::Config::count(1));
        let mut decoder = context.decoder().video()?;
        decoder.send_packet(&packet)?;
        decoder.send_eof()?;
        let mut picture = frame::Video::empty();
        decoder.receive_frame(&mut picture)?;
        jpeg(&picture, max_height)
    };
    decode().map_err(MediaError::av("make a picture of a key frame"))
}

/// The `moof` and `mdat` boxes at `offset`.
fn fragment_at(path: &Path, offset: u64) -> Result<Vec<u8>, MediaError> {
    let mut file = fs::File::open(path).map_err(MediaError::io("open", path))?;
    let whole = file.metadata().map_err(MediaError::io("read", path))?.len();
    file.seek(SeekFrom::Start(offset)).map_err(MediaError::io("read", path))?;
    let mut out = vec![];
    for _ in 0..2 {
        let mut head = [0; 8];
        file.read_exact(&mut head).map_err(MediaError::io("read", path))?;
        let [a, b, c, d, ..] = head;
        let rest = u64::from(u32::from_be_bytes([a, b, c, d])).saturating_sub(8).min(whole);
        out.extend(head);
        (&file).take(rest).read_to_end(&mut out).map_err(MediaError::io("read", path))?;
    }
    Ok(out)
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
