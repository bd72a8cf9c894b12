//! A show to send: speech of the fixtures, and a picture that flashes white exactly where a sentence begins.

use std::process::Command;

use camino::Utf8Path;

use crate::spoken::{fixture, script, times};

/// Sentences of the fixture that are said in the show: all that have a first word which is recognised as it is written.
const SAID: [usize; 8] = [0, 3, 5, 8, 12, 6, 10, 4];
/// Silence before each, in seconds: elsewhere nobody can say to 80 ms when a sentence begins.
const QUIET_S: f64 = 1.0;
/// Pictures a second. Sentences begin when one is shown.
const RATE: f64 = 50.0;
/// A sentence is cut out of the fixture with so much before and behind it, in seconds.
const AROUND_S: f64 = 0.04;
const VIDEO: u8 = 9;
const AUDIO: u8 = 8;

/// A sentence of the show.
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// When its speech starts and the picture flashes, in seconds of the show.
    pub at_s: f64,
    /// When it is over.
    pub end_s: f64,
    /// When it starts in the fixture.
    pub from_s: f64,
    /// Its first word, in small letters.
    pub word: String,
}

impl Cue {
    /// When it begins, in milliseconds of the show.
    pub fn ms(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within a minute")]
        let ms = (self.at_s * 1000.0).round() as u32;
        ms
    }
}

/// The sentences of the show, in order.
pub fn cues() -> Vec<Cue> {
    let script = script("en_live");
    let mut before_s = QUIET_S;
    let cues = SAID.map(|n| {
        let (from_s, until_s) = times(&script[n]);
        let at_s = ((before_s + QUIET_S) * RATE).ceil() / RATE;
        let end_s = at_s + until_s - from_s;
        before_s = end_s;
        let word = script[n]["text"].as_str().unwrap().split(' ').next().unwrap().to_lowercase();
        Cue { at_s, end_s, from_s, word }
    });
    cues.to_vec()
}

/// One tag of an FLV file.
#[derive(Debug, Clone)]
pub struct Tag {
    kind: u8,
    /// Decoding time in milliseconds of the show.
    pub ms: u32,
    /// A codec header or metadata, not media.
    pub header: bool,
    body: Vec<u8>,
}

impl Tag {
    pub fn is_sound(&self) -> bool {
        self.kind == AUDIO
    }

    pub fn is_picture(&self) -> bool {
        self.kind == VIDEO
    }

    fn bytes(&self, ms: u32) -> Vec<u8> {
        let size = u32::try_from(self.body.len()).unwrap();
        let ([_, s2, s1, s0], [t3, t2, t1, t0]) = (size.to_be_bytes(), ms.to_be_bytes());
        let head = [self.kind, s2, s1, s0, t2, t1, t0, t3, 0, 0, 0];
        [&head[..], &self.body, &(size + 11).to_be_bytes()].concat()
    }
}

/// Makes the show as FLV; its tags.
pub fn flv(dir: &Utf8Path) -> Vec<Tag> {
    let file = dir.join("show.flv");
    make(&file, &["-f", "flv"]);
    let bytes = std::fs::read(file).unwrap();
    let mut tags = vec![];
    let mut at = 13;
    while at + 15 <= bytes.len() {
        let b = &bytes[at..];
        let size = u32::from_be_bytes([0, b[1], b[2], b[3]]) as usize;
        let (kind, ms, body) =
            (b[0], u32::from_be_bytes([b[7], b[4], b[5], b[6]]), b[11..11 + size].to_vec());
        let header = !matches!(kind, AUDIO | VIDEO) || body[1] == 0;
        // The encoder's goodbye is left out.
        if !(kind == VIDEO && body[1] == 2) {
            tags.push(Tag { kind, ms, header, body });
        }
        at += 15 + size;
    }
    tags
}

/// A packet of a transport stream, with the time of the frame that it is a part of.
pub struct Packet {
    /// Presentation time in seconds of the show.
    pub at_s: f64,
    pub is_picture: bool,
    pub bytes: [u8; 188],
}

/// Makes the show as a transport stream that begins at `offset_s` on its clock.
pub fn ts(dir: &Utf8Path, offset_s: u32) -> Vec<Packet> {
    let file = dir.join("show.ts");
    make(
        &file,
        &["-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset", &offset_s.to_string(), "-f", "mpegts"],
    );
    let bytes = std::fs::read(file).unwrap();
    // By track, which ffmpeg numbers from 0x100: the pictures, then the sound.
    let mut at_s = [f64::MIN; 2];
    let packet = |bytes: &[u8; 188]| {
        let number = u16::from_be_bytes([bytes[1], bytes[2]]) & 0x1fff;
        let track = usize::from(number == 0x101);
        let head = bytes.windows(4).position(|w| w[..3] == [0, 0, 1] && w[3] >= 0xc0);
        if let Some(head) = head.filter(|_| bytes[1] & 0x40 != 0 && number >= 0x100) {
            let b = |i: usize| u64::from(bytes[head + 9 + i]);
            let ticks = (b(0) >> 1 & 7) << 30 | b(1) << 22 | b(2) >> 1 << 15 | b(3) << 7 | b(4) >> 1;
            #[expect(clippy::cast_precision_loss, reason = "33 bits")]
            let seconds = ticks as f64 / 90_000.0;
            at_s[track] = seconds - f64::from(offset_s);
        }
        Packet { at_s: at_s[track], is_picture: number == 0x100, bytes: *bytes }
    };
    bytes.as_chunks::<188>().0.iter().map(packet).collect()
}

/// What goes over a connection: the tags that `stamp` gives a time, behind a file header.
pub fn sent(tags: &[Tag], stamp: impl Fn(&Tag) -> Option<u32>) -> Vec<u8> {
    let head = [b'F', b'L', b'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];
    let kept = tags.iter().filter_map(|t| Some(t.bytes(stamp(t)?)));
    std::iter::once(head.to_vec()).chain(kept).flatten().collect()
}

fn make(file: &Utf8Path, form: &[&str]) {
    let cues = cues();
    let seconds = cues.last().unwrap().end_s + QUIET_S;
    let flashes = cues.iter().map(|c| format!("eq(n,{:.0})", c.at_s * RATE)).collect::<Vec<_>>().join("+");
    let picture = format!("color=black:size=96x64:rate={RATE}:duration={seconds}");
    let picture = format!("{picture},drawbox=c=white:t=fill:enable='{flashes}'");
    let cut = |(n, c): (usize, &Cue)| {
        let (from, length) = (c.from_s - AROUND_S, c.end_s - c.at_s + 2.0 * AROUND_S);
        let (fade_out, delay) = (length - AROUND_S, (c.at_s - AROUND_S) * 1000.0);
        format!(
            "[1:a]atrim=start={from}:duration={length},asetpts=PTS-STARTPTS,afade=d=0.03,\
             afade=t=out:st={fade_out}:d={AROUND_S},adelay={delay:.0}[s{n}];"
        )
    };
    let speech: String = cues.iter().enumerate().map(cut).collect();
    let all: String = (0..cues.len()).map(|n| format!("[s{n}]")).collect();
    let speech = format!("{speech}{all}amix=inputs={}:normalize=0,apad[speech]", cues.len());
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", &picture])
        .args(["-i", fixture("en_live.opus").as_str(), "-filter_complex", &speech])
        .args(["-map", "0:v", "-map", "[speech]", "-t", &seconds.to_string()])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "50", "-keyint_min", "50"])
        .args(["-sc_threshold", "0", "-pix_fmt", "yuv420p", "-threads", "1"])
        .args(["-c:a", "aac", "-b:a", "64k", "-ar", "44100"])
        .args(form)
        .arg(file.as_str())
        .status();
    assert!(made.is_ok_and(|s| s.success()), "the ffmpeg program makes the show");
}
