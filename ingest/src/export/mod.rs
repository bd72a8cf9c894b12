//! A transcript, or a range of it, as files that other programs read: captions (SubRip, WebVTT) and plain text. Pure.

mod cue;
#[cfg(test)]
mod tests;
mod timing;

use std::fmt::Write as _;

use clipmill_domain::{MediaTime, Span, source::Language, transcript::Utterance};

use cue::speaker_name;
pub use cue::{Cue, cues};

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Captions {
    /// SubRip.
    Srt,
    /// WebVTT.
    Vtt,
}

/// Writes a caption file, a stretch of the transcript at a time: a recording of hours need not be in memory.
#[derive(Debug)]
pub struct CaptionWriter {
    captions: Captions,
    language: Language,
    within: Option<Span>,
    /// Taken from every time.
    zero: MediaTime,
    number: u64,
    speaker: Option<u32>,
}

impl CaptionWriter {
    /// With the language that speakers are named in. Only captions that share an instant with `within` are written,
    /// cut to it. Times count from `zero`; nothing before it may be written.
    pub const fn new(captions: Captions, language: Language, within: Option<Span>, zero: MediaTime) -> Self {
        Self { captions, language, within, zero, number: 0, speaker: None }
    }

    /// How the file begins.
    pub const fn header(&self) -> &'static str {
        match self.captions {
            Captions::Srt => "",
            Captions::Vtt => "WEBVTT\n\n",
        }
    }

    /// The captions of the next utterances.
    pub fn write(&mut self, utterances: &[Utterance]) -> String {
        let mut out = String::new();
        // WebVTT has a tag for the voice; in SubRip the name stands in the text.
        let named = (self.captions == Captions::Srt).then_some(self.language);
        for cue in cues(utterances, self.within, named, self.speaker) {
            self.number += 1;
            let times = |separator| {
                let (start, end) = self.millis(&cue);
                format!("{} --> {}", clock(start, separator), clock(end, separator))
            };
            let _ = match self.captions {
                Captions::Srt => {
                    // An arrow in the text would look like times.
                    let text = cue.lines.join("\n").replace("-->", "->");
                    writeln!(out, "{}\n{}\n{text}\n", self.number, times(','))
                }
                Captions::Vtt => {
                    let voice = |s| format!("<v {}>", speaker_name(s, self.language));
                    let voice = cue.speaker.map(voice).unwrap_or_default();
                    writeln!(
                        out,
                        "{}\n{}\n{voice}{}\n",
                        self.number,
                        times('.'),
                        escape(&cue.lines.join("\n"))
                    )
                }
            };
        }
        self.speaker = last_speaker(utterances).or(self.speaker);
        out
    }

    /// Both times in milliseconds from zero, the end after the start.
    fn millis(&self, cue: &Cue) -> (i64, i64) {
        let ms = |t: MediaTime| ((t - self.zero).max(0) + 500) / 1000;
        let start = ms(cue.start);
        (start, ms(cue.end).max(start + 1))
    }
}

/// Hours, minutes, seconds and milliseconds.
fn clock(ms: i64, separator: char) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}{separator}{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

/// The characters that mean something in WebVTT text, written so that they do not.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Who speaks last in `utterances`, as far as that is known.
pub fn last_speaker(utterances: &[Utterance]) -> Option<u32> {
    utterances.iter().rev().find_map(|u| u.speaker)
}

/// Plain text: a line for each utterance, the speaker's name before a turn. `after`: who spoke before.
pub fn plain_text(utterances: &[Utterance], language: Language, after: Option<u32>) -> String {
    let mut out = String::new();
    let mut last = after;
    for u in utterances {
        if let Some(speaker) = u.speaker.filter(|_| u.speaker != last) {
            let colon = if language == Language::Zh { "：" } else { ": " };
            out.push_str(&speaker_name(speaker, language));
            out.push_str(colon);
        }
        last = u.speaker.or(last);
        out.push_str(&u.text.split_whitespace().collect::<Vec<_>>().join(" "));
        out.push('\n');
    }
    out
}
