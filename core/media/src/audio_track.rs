//! Which of several audio tracks is recorded.

use std::fmt;

use ffmpeg_next::{format::context::Input, format::stream::Disposition, media::Type};

use crate::streams::Params;

/// The audio track to record of an input that has several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AudioTrack {
    /// The first there is.
    #[default]
    First,
    /// The n-th audio track, counted from 1.
    Number(u32),
    /// The first in this language, by the container's code (`eng`, `zho`; case does not matter).
    Language(String),
}

impl fmt::Display for AudioTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => write!(f, "the first audio track"),
            Self::Number(n) => write!(f, "audio track {n}"),
            Self::Language(code) => write!(f, "an audio track in \"{code}\""),
        }
    }
}

/// An audio track of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioTrackInfo {
    /// Counted from 1, as [`AudioTrack::Number`] counts.
    pub number: u32,
    /// Codec by libavcodec's name.
    pub codec: String,
    /// Language code of the container, where it says one.
    pub language: Option<String>,
    /// Channels.
    pub channels: u32,
}

impl fmt::Display for AudioTrackInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let language = self.language.as_deref().unwrap_or("no language");
        write!(f, "{}: {}, {language}, {} channels", self.number, self.codec, self.channels)
    }
}

fn with_index(context: &Input) -> Vec<(usize, AudioTrackInfo)> {
    let sound = context.streams().filter(|s| {
        s.parameters().medium() == Type::Audio && !s.disposition().contains(Disposition::ATTACHED_PIC)
    });
    sound
        .zip(1..)
        .map(|(s, number)| {
            let params = s.parameters();
            let language = s.metadata().get("language").filter(|l| *l != "und").map(str::to_owned);
            let codec = params.id().name().to_owned();
            (s.index(), AudioTrackInfo { number, codec, language, channels: params.channels() })
        })
        .collect()
}

pub(crate) fn audio_tracks(context: &Input) -> Vec<AudioTrackInfo> {
    with_index(context).into_iter().map(|(_, info)| info).collect()
}

/// The stream of the audio track asked for, or of the first; `None` without sound.
pub(crate) fn choose(context: &Input, wanted: &AudioTrack, shown: &str) -> Option<usize> {
    let tracks = with_index(context);
    let found = tracks.iter().find(|(_, t)| match wanted {
        AudioTrack::First => true,
        AudioTrack::Number(n) => t.number == *n,
        AudioTrack::Language(code) => t.language.as_ref().is_some_and(|l| l.eq_ignore_ascii_case(code)),
    });
    if found.is_none() && !tracks.is_empty() {
        let there: Vec<String> = tracks.iter().map(|(_, t)| t.to_string()).collect();
        let there = there.join("; ");
        tracing::warn!(input = shown, wanted = %wanted, there, "no such audio track; the first is recorded");
    }
    found.or(tracks.first()).map(|(index, _)| *index)
}
