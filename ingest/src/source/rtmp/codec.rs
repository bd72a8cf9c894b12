//! What the first bytes of an audio or video message say, and what cannot be recorded.

use thiserror::Error;

/// A message in a form that the recorder cannot take, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unsupported {
    /// HEVC, AV1 or VP9 video.
    #[error(
        "the stream carries {codec} video, which cannot be recorded from RTMP; set the encoder to H.264 (AVC), or send \
         HEVC over SRT"
    )]
    Video {
        /// The codec by its common name.
        codec: String,
    },
    /// A sound codec other than AAC or MP3.
    #[error("the stream carries {codec} sound, which this build cannot record; set the encoder to AAC")]
    Audio {
        /// The codec by its common name.
        codec: String,
    },
}

/// What a video message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoKind {
    /// The decoder's configuration (SPS and PPS), not a picture.
    SequenceHeader,
    /// A picture from which decoding may start.
    KeyFrame,
    /// Any other picture, or an end-of-sequence mark.
    Other,
}

/// Reads the head of a video message. An empty message is `Other`.
pub fn video_kind(data: &[u8]) -> Result<VideoKind, Unsupported> {
    let Some(&first) = data.first() else { return Ok(VideoKind::Other) };
    if first & 0x80 != 0 {
        let codec = match data.get(1..5) {
            Some(b"hvc1") => "HEVC (H.265, enhanced RTMP)".to_owned(),
            Some(b"av01") => "AV1 (enhanced RTMP)".to_owned(),
            Some(b"vp09") => "VP9 (enhanced RTMP)".to_owned(),
            Some(b"avc1") => "H.264 in the enhanced RTMP form".to_owned(),
            _ => "an unknown codec in the enhanced RTMP form".to_owned(),
        };
        return Err(Unsupported::Video { codec });
    }
    match first & 0x0F {
        7 => Ok(match (data.get(1), first >> 4) {
            (Some(0), _) => VideoKind::SequenceHeader,
            (Some(1), 1) => VideoKind::KeyFrame,
            _ => VideoKind::Other,
        }),
        12 => Err(Unsupported::Video { codec: "HEVC (H.265, codec id 12)".to_owned() }),
        13 => Err(Unsupported::Video { codec: "AV1 (codec id 13)".to_owned() }),
        2 => Err(Unsupported::Video { codec: "Sorenson H.263".to_owned() }),
        4 | 5 => Err(Unsupported::Video { codec: "VP6".to_owned() }),
        id => Err(Unsupported::Video { codec: format!("unknown (codec id {id})") }),
    }
}

/// Reads the head of an audio message: whether it is the decoder's configuration. An empty message is not.
pub fn audio_is_sequence_header(data: &[u8]) -> Result<bool, Unsupported> {
    let Some(&first) = data.first() else { return Ok(false) };
    match first >> 4 {
        10 => Ok(data.get(1) == Some(&0)),
        2 | 14 => Ok(false),
        9 => Err(Unsupported::Audio { codec: "enhanced RTMP (multichannel, Opus or FLAC)".to_owned() }),
        11 => Err(Unsupported::Audio { codec: "Speex".to_owned() }),
        id => Err(Unsupported::Audio { codec: format!("unknown (sound format {id})") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hevc_is_named_in_both_of_its_forms_and_the_message_says_what_to_do() {
        for data in [&[0x1C, 0, 0, 0, 0][..], b"\x90hvc1"] {
            let refused = video_kind(data).unwrap_err().to_string();
            assert!(refused.contains("HEVC") && refused.contains("H.264"), "{refused}");
        }
    }

    #[test]
    fn h264_messages_are_told_apart() {
        assert_eq!(video_kind(&[0x17, 0, 0, 0, 0]), Ok(VideoKind::SequenceHeader));
        assert_eq!(video_kind(&[0x17, 1, 0, 0, 0]), Ok(VideoKind::KeyFrame));
        assert_eq!(video_kind(&[0x27, 1, 0, 0, 0]), Ok(VideoKind::Other));
        assert_eq!(video_kind(&[0x17, 2, 0, 0, 0]), Ok(VideoKind::Other));
        assert_eq!(video_kind(&[]), Ok(VideoKind::Other));
        assert_eq!(audio_is_sequence_header(&[0xAF, 0]), Ok(true));
        assert_eq!(audio_is_sequence_header(&[0xAF, 1]), Ok(false));
        assert!(audio_is_sequence_header(&[0xB2, 1]).is_err());
    }
}
