//! The one thing looked for in a transport stream before it is demuxed: where a key frame begins.

const PACKET: usize = 188;

/// Whether a video key frame begins in these whole transport packets, as far as the encoder marks it.
pub fn holds_key_frame(bytes: &[u8]) -> bool {
    bytes.chunks_exact(PACKET).any(begins_key_frame)
}

fn begins_key_frame(packet: &[u8]) -> bool {
    let starts_unit = packet[0] == 0x47 && packet[1] & 0x40 != 0;
    // An adaptation field that says "random access", and a payload behind it.
    if !starts_unit || packet[3] & 0x30 != 0x30 || packet[4] == 0 || packet[5] & 0x40 == 0 {
        return false;
    }
    let payload = packet.get(5 + usize::from(packet[4])..).unwrap_or_default();
    matches!(payload, [0, 0, 1, 0xE0..=0xEF, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_key_frames_are_found_as_the_encoder_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ts");
        let made = std::process::Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-loglevel",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=96x64:rate=25:duration=3",
            ])
            .args([
                "-f",
                "lavfi",
                "-i",
                "sine=duration=3",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-g",
                "25",
            ])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac"])
            .arg(&path)
            .status()
            .expect("the ffmpeg program is installed");
        assert!(made.success());
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes.chunks_exact(PACKET).filter(|p| begins_key_frame(p)).count(), 3);
        assert!(holds_key_frame(&bytes) && !holds_key_frame(&bytes[..PACKET]) && !holds_key_frame(b"short"));
    }
}
