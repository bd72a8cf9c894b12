//! Where streams come from: encoders that push RTMP, RTMPS or SRT to us, and addresses that we pull.

use clipmill_domain::source::AudioChoice;
use clipmill_media::AudioTrack;

pub mod door;
pub mod feed;
pub mod publishers;
pub mod pull;
pub mod rtmp;
pub mod srt;

/// The operator's choice of an audio track, as the media room takes it.
pub(crate) fn audio_track(choice: &AudioChoice) -> AudioTrack {
    match choice {
        AudioChoice::First => AudioTrack::First,
        AudioChoice::Number(n) => AudioTrack::Number(*n),
        AudioChoice::Language(tag) => AudioTrack::Language(tag.clone()),
    }
}
