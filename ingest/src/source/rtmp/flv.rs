//! FLV bytes: the container that RTMP messages already are the payload of.

use bytes::{BufMut, Bytes, BytesMut};

/// What a tag carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TagKind {
    /// Sound.
    Audio = 8,
    /// Picture.
    Video = 9,
    /// Metadata, as AMF0.
    Script = 18,
}

/// The largest payload whose length fits a tag: 16 MiB less one byte.
pub const TAG_PAYLOAD_BYTES_MAX: usize = 0xFF_FFFF;

/// Appends the file header with the first back-pointer: 13 bytes.
pub fn put_header(out: &mut BytesMut, audio: bool, video: bool) {
    out.put_slice(b"FLV\x01");
    out.put_u8(u8::from(audio) << 2 | u8::from(video));
    out.put_u32(9);
    out.put_u32(0);
}

/// Appends one tag: 15 bytes and the payload, at most [`TAG_PAYLOAD_BYTES_MAX`] of it (a longer one cannot
/// come out of RTMP, whose messages have the same limit). `at_ms` is the RTMP time stamp in milliseconds.
pub fn put_tag(out: &mut BytesMut, kind: TagKind, at_ms: u32, payload: &[u8]) {
    let payload = &payload[..payload.len().min(TAG_PAYLOAD_BYTES_MAX)];
    let [high, rest @ ..] = at_ms.to_be_bytes();
    out.reserve(payload.len() + 15);
    out.put_u8(kind as u8);
    out.put_uint(payload.len() as u64, 3);
    out.put_slice(&rest);
    out.put_u8(high);
    out.put_uint(0, 3);
    out.put_slice(payload);
    out.put_uint(payload.len() as u64 + 11, 4);
}

/// One tag on its own.
pub fn tag(kind: TagKind, at_ms: u32, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    put_tag(&mut out, kind, at_ms, payload);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_laid_out_as_the_format_says() {
        let bytes = tag(TagKind::Audio, 0x0102_0304, &[0xAF, 0x01]);
        assert_eq!(bytes.as_ref(), [8, 0, 0, 2, 0x02, 0x03, 0x04, 0x01, 0, 0, 0, 0xAF, 0x01, 0, 0, 0, 13]);
        let mut header = BytesMut::new();
        put_header(&mut header, true, true);
        assert_eq!(header.as_ref(), b"FLV\x01\x05\0\0\0\x09\0\0\0\0");
    }
}
