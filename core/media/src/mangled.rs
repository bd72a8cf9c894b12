//! Doors for bytes of any kind into everything here that parses bytes: used by `fuzz/` and by the tests below.
//!
//! Each asserts what must hold for every input.

use std::fs;

use ffmpeg_next::codec::Id;

use crate::{
    fragment::{boxes, whole_fragments},
    headers::{Headers, adts, config_of},
    salvage,
};

/// The walk over boxes: fragments follow each other from the very beginning, and none reaches beyond the bytes.
pub fn fragments(bytes: &[u8]) {
    let mut at = 0;
    for b in boxes(bytes) {
        assert_eq!(b.range.start, at);
        assert!(b.range.end > at && b.range.end <= bytes.len());
        at = b.range.end;
    }
    let mut at = 0;
    for f in whole_fragments(bytes) {
        assert_eq!(f.start, at);
        assert!(f.end > at && f.end <= bytes.len());
        at = f.end;
    }
}

/// Codec headers: the first byte chooses the codec, the second splits header and packet.
pub fn codec_headers(bytes: &[u8]) {
    let [choice, split, rest @ ..] = bytes else { return };
    let codec = if choice % 2 == 0 { Id::H264 } else { Id::HEVC };
    let (extradata, packet) = rest.split_at(usize::from(*split).min(rest.len()));
    let mut headers = Headers::of_video(codec, extradata);
    headers.changed_by(packet, true);
    assert!(!headers.changed_by(packet, false), "what was learned is no change");
    if let Some(config) = config_of(codec, extradata, packet) {
        let mut fresh = Headers::of_video(codec, &config);
        assert!(!fresh.is_empty());
        if extradata.first() != Some(&1) {
            assert!(!fresh.changed_by(packet, false), "the header made of a packet knows the packet's sets");
        }
    }
    let mut sound = Headers::of_video(Id::None, &[]);
    sound.audio_changed_by(packet);
    assert!(!sound.audio_changed_by(packet));
    if let Some((_, payload)) = adts(packet) {
        assert!(payload.len() + 7 <= packet.len());
    }
}

/// Salvage of a part that holds these bytes, under a header cut from their beginning (its length is in the first two
/// bytes): what is kept is a prefix, and salvaging it again changes nothing.
pub fn salvaging(dir: &std::path::Path, bytes: &[u8]) {
    let [a, b, rest @ ..] = bytes else { return };
    let (header, part) = rest.split_at(usize::from(u16::from_be_bytes([*a, *b])).min(rest.len()));
    let (init, open) = (dir.join("init.mp4"), dir.join("000001.part"));
    let written = fs::write(&init, header).and_then(|()| fs::write(&open, part));
    if written.is_err() {
        return;
    }
    if let Ok(Some(kept)) = salvage(&open, &init) {
        assert_eq!(kept.bytes + kept.lost_bytes, part.len() as u64);
        assert!(part.starts_with(&fs::read(&kept.path).unwrap_or_default()));
        let again = salvage(&kept.path, &init).ok().flatten();
        assert_eq!(again.map(|s| (s.bytes, s.lost_bytes)), Some((kept.bytes, 0)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes with start codes, box names and headers in them, so that something is found.
    fn tempting() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            prop::sample::select(vec![
                vec![0, 0, 1, 0x67, 100, 0, 31],
                vec![0, 0, 0, 1, 0x68, 0xee],
                vec![0, 0, 1, 0x42, 1, 1],
                vec![1, 100, 0, 31, 0xff, 0xe1, 0, 5, 0x67, 100, 0, 31, 9, 1, 0, 2, 0x68, 1],
                vec![0, 0, 0, 6, 0x67, 100, 0, 31, 7, 7],
                vec![0xff, 0xf1, 0x50, 0x80, 0, 0, 0],
                vec![0, 0, 0, 16, b'm', b'o', b'o', b'f', 0, 0, 0, 0, 0, 0, 0, 0],
                vec![0, 0, 0, 12, b'm', b'd', b'a', b't', 1, 2, 3, 4],
                vec![0, 0, 0, 1, b'm', b'o', b'o', b'f', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ]),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|p| p.concat())
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_parsers(bytes in tempting()) {
            fragments(&bytes);
            codec_headers(&bytes);
        }

        #[test]
        fn no_bytes_break_salvage(bytes in tempting(), header in 0u8..40) {
            let dir = tempfile::tempdir()?;
            salvaging(dir.path(), &[&[0, header][..], &bytes].concat());
        }
    }
}
