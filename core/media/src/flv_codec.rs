//! Video codecs in FLV that this FFmpeg cannot read, said by name.

use ffmpeg_next::{self as ff, format::context::Input, media::Type};

use crate::{error::MediaError, streams::Params};

/// Packets looked at for a codec's name.
const PACKETS_MAX: usize = 200;
/// The codec number of FLV that some platforms took for HEVC.
const HEVC_NUMBER: u32 = 12;

/// The refusal for an FLV input with a video codec that FFmpeg does not know there; `None` for anything else.
/// Reads on in the input, under its deadline.
pub(crate) fn refused_codec(context: &mut Input, shown: &str) -> Option<MediaError> {
    if !context.format().name().contains("flv") {
        return None;
    }
    let video: Vec<(usize, u32)> = context
        .streams()
        .filter(|s| s.parameters().medium() == Type::Video)
        .map(|s| (s.index(), s.parameters().tag()))
        .collect();
    let mut detail = video.iter().any(|v| v.1 == HEVC_NUMBER).then(by_number);
    let mut packet = ff::Packet::empty();
    for _ in 0..PACKETS_MAX {
        if detail.is_some() || packet.read(context).is_err() {
            break;
        }
        if video.iter().any(|v| v.0 == packet.stream()) {
            detail = packet.data().and_then(enhanced);
        }
    }
    detail.map(|detail| MediaError::Unsupported { what: shown.to_owned(), detail })
}

fn by_number() -> String {
    format!(
        "its video is HEVC under FLV codec number {HEVC_NUMBER}, which no FFmpeg reads; \
         send H.264, or HEVC over SRT or MPEG-TS"
    )
}

/// Enhanced FLV names the codec in the first four bytes of the packet.
fn enhanced(data: &[u8]) -> Option<String> {
    let codec = match data.first_chunk::<4>()? {
        b"hvc1" => "HEVC",
        b"av01" => "AV1",
        b"vp09" => "VP9",
        _ => return None,
    };
    Some(format!(
        "its video is {codec} in enhanced FLV, which needs FFmpeg 6.1 or newer and this is {}; \
         send H.264, or HEVC over SRT or MPEG-TS",
        crate::doctor::ffmpeg_version()
    ))
}
