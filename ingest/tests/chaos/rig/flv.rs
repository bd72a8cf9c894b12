//! FLV tags read from a file that the ffmpeg program wrote, and put together to a programme.

use std::{fs, process::Command};

use bytes::Bytes;

use super::clips::Clip;

const AUDIO: u8 = 8;
const VIDEO: u8 = 9;

/// One tag, with the place of its frame in the clip.
#[derive(Debug, Clone)]
pub struct Tag {
    pub kind: u8,
    /// Decoding time in the clip, or in the programme once it is in one; milliseconds.
    pub at_ms: u64,
    pub body: Bytes,
    /// A picture that can be decoded by itself.
    pub key: bool,
    /// A codec header or metadata, not media.
    pub header: bool,
    /// Which frame of which clip it is, in the order shown; of pictures only.
    pub frame: Option<(&'static str, usize)>,
}

impl Tag {
    pub fn is_audio(&self) -> bool {
        self.kind == AUDIO
    }

    /// The bytes on the wire, with this timestamp.
    pub fn bytes(&self, stamp: u32) -> Vec<u8> {
        let size = u32::try_from(self.body.len()).unwrap();
        let [_, s2, s1, s0] = size.to_be_bytes();
        let [t3, t2, t1, t0] = stamp.to_be_bytes();
        let mut out = vec![self.kind, s2, s1, s0, t2, t1, t0, t3, 0, 0, 0];
        out.extend_from_slice(&self.body);
        out.extend_from_slice(&(size + 11).to_be_bytes());
        out
    }
}

/// The file header of a stream with sound and pictures, or with pictures only.
pub fn file_header(sound: bool) -> Vec<u8> {
    vec![b'F', b'L', b'V', 1, if sound { 5 } else { 1 }, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// What a server plays: tags in the order of their times, which begin at 0.
#[derive(Debug, Clone)]
pub struct Programme {
    pub tags: Vec<Tag>,
}

impl Programme {
    /// One clip.
    pub fn of(clip: &Clip) -> Self {
        Self::chain(&[(clip, u64::from(clip.seconds) * 1000)])
    }

    /// The first so many milliseconds of each clip, one after the other. Whole seconds: a group of pictures each.
    pub fn chain(pieces: &[(&Clip, u64)]) -> Self {
        let mut tags = vec![];
        let mut begins = 0;
        for (clip, length_ms) in pieces {
            // Metadata and headers come first, at 0; a piece ends in front of a key frame.
            let all = read(clip);
            let end = all
                .iter()
                .position(|t| t.key && !t.header && t.at_ms + 20 >= *length_ms)
                .unwrap_or(all.len());
            tags.extend(all[..end].iter().cloned().map(|t| Tag { at_ms: begins + t.at_ms, ..t }));
            begins += length_ms;
        }
        Self { tags }
    }

    /// The headers in force at a tag: the last of each kind before it.
    pub fn headers_at(&self, index: usize) -> Vec<Tag> {
        let mut found: Vec<Tag> = vec![];
        for tag in self.tags[..index].iter().filter(|t| t.header) {
            found.retain(|f| f.kind != tag.kind);
            found.push(tag.clone());
        }
        found
    }

    /// Index of the last key frame due at `ms` or before.
    pub fn key_before(&self, ms: u64) -> Option<usize> {
        self.tags.iter().rposition(|t| t.key && !t.header && t.at_ms <= ms)
    }

    /// Index of the first key frame due at `ms` or later.
    pub fn key_after(&self, ms: u64) -> Option<usize> {
        self.tags.iter().position(|t| t.key && !t.header && t.at_ms >= ms)
    }
}

fn read(clip: &Clip) -> Vec<Tag> {
    let file = tempfile::Builder::new().suffix(".flv").tempfile().unwrap();
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-i", clip.path.as_str()])
        .args(["-c", "copy", "-flvflags", "no_duration_filesize"])
        .arg(file.path())
        .status();
    assert!(made.is_ok_and(|s| s.success()));
    let bytes = Bytes::from(fs::read(file.path()).unwrap());
    let mut tags = vec![];
    let mut at = 13;
    while at + 15 <= bytes.len() {
        let number = |i: usize| usize::from(bytes[at + i]);
        let size = number(1) << 16 | number(2) << 8 | number(3);
        let stamp = number(7) << 24 | number(4) << 16 | number(5) << 8 | number(6);
        let body = bytes.slice(at + 11..at + 11 + size);
        let kind = bytes[at];
        let header = match kind {
            AUDIO | VIDEO => body[1] == 0,
            _ => true,
        };
        // The encoder's goodbye is not part of the programme.
        let goodbye = kind == VIDEO && body[1] == 2;
        let key = kind == VIDEO && body[0] >> 4 == 1;
        if !goodbye {
            tags.push(Tag { kind, at_ms: u64::try_from(stamp).unwrap(), body, key, header, frame: None });
        }
        at += 15 + size;
    }
    name_frames(&mut tags, clip);
    tags
}

/// Numbers the pictures in the order in which they are shown.
fn name_frames(tags: &mut [Tag], clip: &Clip) {
    let mut shown: Vec<(u64, usize)> = vec![];
    for (i, tag) in tags.iter().enumerate().filter(|(_, t)| t.kind == VIDEO && !t.header) {
        let delay = u64::from(tag.body[2]) << 16 | u64::from(tag.body[3]) << 8 | u64::from(tag.body[4]);
        shown.push((tag.at_ms + delay, i));
    }
    shown.sort_unstable();
    assert_eq!(shown.len(), clip.video.len());
    for (frame, (_, i)) in shown.into_iter().enumerate() {
        tags[i].frame = Some((clip.name, frame));
    }
}
