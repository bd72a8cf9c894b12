//! From the messages of one publisher to FLV streams: each stream starts with its own header and decoder
//! configuration, and a change of configuration starts the next stream.

use bytes::{BufMut, Bytes, BytesMut};
use clipmill_domain::recording::EndReason;
use rml_rtmp::{
    rml_amf0::{self, Amf0Value},
    sessions::StreamMetadata,
};

use super::{
    codec::{self, Unsupported, VideoKind},
    flv::{self, TagKind},
};

/// What a message turns into, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The stream so far is over; the next bytes start another one.
    Split(EndReason),
    /// Bytes of the stream. `key` when they hold a key frame.
    Data {
        /// Whole tags, after a header where a stream begins.
        bytes: Bytes,
        /// Whether a key frame is inside.
        key: bool,
    },
}

/// The state between messages: what a new stream has to begin with.
#[derive(Debug, Default)]
pub struct Tap {
    metadata: Option<Bytes>,
    /// Audio and video, as the publisher announced them.
    announced: Option<(bool, bool)>,
    /// Audio and video, as the header of the running stream says; `None` before a header.
    header: Option<(bool, bool)>,
    avc: Option<Bytes>,
    aac: Option<Bytes>,
}

impl Tap {
    /// A tap that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next media message begin a new stream.
    pub fn restart(&mut self) {
        self.header = None;
    }

    /// Takes the publisher's description of its stream; it goes in front of the next stream.
    pub fn metadata(&mut self, metadata: &StreamMetadata) {
        let (audio, video) = (metadata.audio_codec_id.is_some(), metadata.video_codec_id.is_some());
        self.announced = (audio || video).then_some((audio, video));
        self.metadata = script(metadata);
    }

    /// Takes a video message at `at_ms`.
    pub fn video(&mut self, at_ms: u32, data: &Bytes) -> Result<Vec<Step>, Unsupported> {
        let mut steps = Vec::new();
        let kind = codec::video_kind(data)?;
        if kind == VideoKind::SequenceHeader {
            if self.avc.as_ref() == Some(data) {
                return Ok(steps);
            }
            let changed = self.avc.replace(data.clone()).is_some();
            self.configured(changed, TagKind::Video, at_ms, data, &mut steps);
        } else if !data.is_empty() {
            self.media(TagKind::Video, at_ms, data, kind == VideoKind::KeyFrame, &mut steps);
        }
        Ok(steps)
    }

    /// Takes an audio message at `at_ms`.
    pub fn audio(&mut self, at_ms: u32, data: &Bytes) -> Result<Vec<Step>, Unsupported> {
        let mut steps = Vec::new();
        if codec::audio_is_sequence_header(data)? {
            if self.aac.as_ref() == Some(data) {
                return Ok(steps);
            }
            let changed = self.aac.replace(data.clone()).is_some();
            self.configured(changed, TagKind::Audio, at_ms, data, &mut steps);
        } else if !data.is_empty() {
            self.media(TagKind::Audio, at_ms, data, false, &mut steps);
        }
        Ok(steps)
    }

    /// A new decoder configuration: into the running stream if it is its first one, else a new stream.
    fn configured(&mut self, changed: bool, kind: TagKind, at_ms: u32, data: &Bytes, steps: &mut Vec<Step>) {
        if self.header.is_none() {
            return;
        }
        if changed || !self.covers(kind) {
            self.split(steps);
        } else {
            steps.push(Step::Data { bytes: flv::tag(kind, at_ms, data), key: false });
        }
    }

    fn media(&mut self, kind: TagKind, at_ms: u32, data: &Bytes, key: bool, steps: &mut Vec<Step>) {
        if self.header.is_some() && !self.covers(kind) {
            self.split(steps);
        }
        let mut out = BytesMut::new();
        if self.header.is_none() {
            self.begin(kind, at_ms, &mut out);
        }
        flv::put_tag(&mut out, kind, at_ms, data);
        steps.push(Step::Data { bytes: out.freeze(), key });
    }

    fn covers(&self, kind: TagKind) -> bool {
        let (audio, video) = self.header.unwrap_or((true, true));
        match kind {
            TagKind::Audio => audio,
            TagKind::Video => video,
            TagKind::Script => true,
        }
    }

    fn split(&mut self, steps: &mut Vec<Step>) {
        steps.push(Step::Split(EndReason::FormatChanged));
        self.header = None;
    }

    fn begin(&mut self, first: TagKind, at_ms: u32, out: &mut BytesMut) {
        let (audio, video) = self.announced.unwrap_or((true, true));
        let audio = audio || self.aac.is_some() || first == TagKind::Audio;
        let video = video || self.avc.is_some() || first == TagKind::Video;
        self.header = Some((audio, video));
        flv::put_header(out, audio, video);
        for (kind, payload) in
            [(TagKind::Script, &self.metadata), (TagKind::Video, &self.avc), (TagKind::Audio, &self.aac)]
        {
            if let Some(payload) = payload {
                flv::put_tag(out, kind, at_ms, payload);
            }
        }
    }
}

/// The metadata as the payload of a script tag; `None` when there is nothing to say.
fn script(m: &StreamMetadata) -> Option<Bytes> {
    let number = |n: Option<u32>| n.map(|n| Amf0Value::Number(f64::from(n)));
    let fields = [
        ("width", number(m.video_width)),
        ("height", number(m.video_height)),
        ("framerate", m.video_frame_rate.map(|f| Amf0Value::Number(f64::from(f)))),
        ("videocodecid", number(m.video_codec_id)),
        ("audiocodecid", number(m.audio_codec_id)),
        ("audiosamplerate", number(m.audio_sample_rate)),
        ("stereo", m.audio_is_stereo.map(Amf0Value::Boolean)),
    ];
    let fields: std::collections::HashMap<String, Amf0Value> =
        fields.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect();
    if fields.is_empty() {
        return None;
    }
    let values = vec![Amf0Value::Utf8String("onMetaData".to_owned()), Amf0Value::Object(fields)];
    let mut out = BytesMut::new();
    out.put_slice(&rml_amf0::serialize(&values).ok()?);
    Some(out.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AVC_A: &[u8] = &[0x17, 0, 0, 0, 0, 1];
    const AVC_B: &[u8] = &[0x17, 0, 0, 0, 0, 2];
    const KEY: &[u8] = &[0x17, 1, 0, 0, 0, 9];
    const INTER: &[u8] = &[0x27, 1, 0, 0, 0, 9];
    const SOUND: &[u8] = &[0xAF, 1, 7];

    fn b(data: &'static [u8]) -> Bytes {
        Bytes::from_static(data)
    }

    fn data(steps: &[Step]) -> Vec<u8> {
        steps
            .iter()
            .flat_map(|s| match s {
                Step::Data { bytes, .. } => bytes.to_vec(),
                Step::Split(_) => vec![],
            })
            .collect()
    }

    #[test]
    fn a_stream_begins_with_header_and_configuration_even_when_they_came_earlier() {
        let mut tap = Tap::new();
        assert!(tap.video(0, &b(AVC_A)).unwrap().is_empty());
        let steps = tap.video(40, &b(KEY)).unwrap();
        assert!(matches!(&steps[..], [Step::Data { key: true, .. }]));
        let mut want = BytesMut::new();
        flv::put_header(&mut want, true, true);
        flv::put_tag(&mut want, TagKind::Video, 40, AVC_A);
        flv::put_tag(&mut want, TagKind::Video, 40, KEY);
        assert_eq!(data(&steps), want.as_ref());
    }

    #[test]
    fn a_changed_configuration_splits_and_a_repeated_one_does_not() {
        let mut tap = Tap::new();
        tap.video(0, &b(AVC_A)).unwrap();
        tap.video(40, &b(KEY)).unwrap();
        assert!(tap.video(80, &b(AVC_A)).unwrap().is_empty());
        assert_eq!(tap.video(120, &b(AVC_B)).unwrap(), [Step::Split(EndReason::FormatChanged)]);
        let next = data(&tap.video(160, &b(INTER)).unwrap());
        assert!(next.starts_with(b"FLV"));
        assert!(
            next.windows(AVC_B.len()).any(|w| w == AVC_B) && !next.windows(AVC_A.len()).any(|w| w == AVC_A)
        );
    }

    #[test]
    fn sound_that_was_not_announced_starts_a_new_stream() {
        let mut metadata = StreamMetadata::new();
        metadata.video_codec_id = Some(7);
        let mut tap = Tap::new();
        tap.metadata(&metadata);
        let first = data(&tap.video(0, &b(KEY)).unwrap());
        assert_eq!(first[4], 1, "video only");
        let steps = tap.audio(40, &b(SOUND)).unwrap();
        assert!(matches!(&steps[..], [Step::Split(EndReason::FormatChanged), Step::Data { .. }]));
        assert_eq!(data(&steps)[4], 5, "both");
    }

    /// Tags of an FLV file: kind, time stamp in milliseconds, payload.
    fn tags(file: &[u8]) -> Vec<(u8, u32, Bytes)> {
        let number = |b: &[u8]| b.iter().fold(0u32, |n, b| n << 8 | u32::from(*b));
        let (mut at, mut out) = (13, vec![]);
        while let Some(head) = file.get(at..at + 11) {
            let size = number(&head[1..4]) as usize;
            let ms = u32::from(head[7]) << 24 | number(&head[4..7]);
            out.push((head[0], ms, Bytes::copy_from_slice(&file[at + 11..at + 11 + size])));
            at += size + 15;
        }
        out
    }

    /// Packet times and sizes as ffprobe, which shares no code with this writer, reads them.
    fn probed(file: &std::path::Path) -> String {
        let out = std::process::Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "packet=codec_type,pts,dts,size,flags", "-of", "csv"])
            .arg(file)
            .output()
            .expect("the ffprobe program is installed");
        assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    #[test]
    fn ffprobe_reads_the_same_packets_from_what_the_tap_writes() {
        let dir = tempfile::tempdir().unwrap();
        let (sent, written) = (dir.path().join("sent.flv"), dir.path().join("written.flv"));
        let made = std::process::Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-loglevel",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=96x64:rate=25:duration=1",
            ])
            .args([
                "-f",
                "lavfi",
                "-i",
                "sine=duration=1",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-bf",
                "2",
            ])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac"])
            .arg(&sent)
            .status()
            .expect("the ffmpeg program is installed");
        assert!(made.success());
        let mut tap = Tap::new();
        let mut metadata = StreamMetadata::new();
        (metadata.video_codec_id, metadata.audio_codec_id) = (Some(7), Some(10));
        (metadata.video_width, metadata.video_frame_rate) = (Some(96), Some(25.0));
        tap.metadata(&metadata);
        let mut out = vec![];
        for (kind, ms, payload) in tags(&std::fs::read(&sent).unwrap()) {
            match kind {
                8 => out.extend(data(&tap.audio(ms, &payload).unwrap())),
                9 => out.extend(data(&tap.video(ms, &payload).unwrap())),
                _ => {}
            }
        }
        std::fs::write(&written, out).unwrap();
        assert_eq!(probed(&written), probed(&sent));
        assert!(probed(&sent).lines().count() > 60);
    }
}
