//! What a finished file is.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use ffmpeg_next::{self as ff, Dictionary, media};
use serde::{Deserialize, Serialize};

use crate::{
    error::{MediaError, path_text},
    streams::Params,
};

/// Facts read from a file's headers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// The container, in FFmpeg's words.
    pub format: String,
    /// Length as the container says, in seconds; 0 when it does not say. A file cut short may lie.
    pub duration_s: f64,
    /// File length.
    pub bytes: u64,
    /// The first video track.
    pub video: Option<VideoFacts>,
    /// The first audio track.
    pub audio: Option<AudioFacts>,
}

/// Facts of a video track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VideoFacts {
    /// Codec by FFmpeg's name.
    pub codec: String,
    /// Coded width in pixels, before any rotation.
    pub width: u32,
    /// Coded height in pixels, before any rotation.
    pub height: u32,
    /// Average frames per second; 0 when unknown.
    pub fps: f64,
    /// Frames as the container says; 0 when it does not say.
    pub frames: i64,
}

/// Facts of an audio track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioFacts {
    /// Codec by FFmpeg's name.
    pub codec: String,
    /// Sampling rate in hertz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
}

/// Reads the headers of a local file. Ends within 15 s whatever the file is.
pub fn probe(path: &Path) -> Result<ProbeReport, MediaError> {
    crate::init();
    let text = path_text(path)?;
    let bytes = std::fs::metadata(path).map_err(MediaError::io("read", path))?.len();
    let due = Instant::now() + Duration::from_secs(15);
    let mut options = Dictionary::new();
    options.set("protocol_whitelist", "file");
    let context =
        ff::format::input_with_interrupt_and_dictionary(text, move || Instant::now() > due, options)
            .map_err(|e| MediaError::NotMedia { what: path.display().to_string(), detail: e.to_string() })?;
    let stream = |medium| context.streams().find(|s| s.parameters().medium() == medium);
    let video = stream(media::Type::Video).map(|s| {
        let params = s.parameters();
        let (width, height) = params.size();
        let rate = s.avg_frame_rate();
        let fps = if rate.denominator() > 0 { f64::from(rate) } else { 0.0 };
        VideoFacts { codec: params.id().name().into(), width, height, fps, frames: s.frames() }
    });
    let audio = stream(media::Type::Audio).map(|s| {
        let params = s.parameters();
        let (sample_rate, channels) = (params.sample_rate(), params.channels());
        AudioFacts { codec: params.id().name().into(), sample_rate, channels }
    });
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a file")]
    let duration_s = (context.duration().max(0) as f64) / 1e6;
    Ok(ProbeReport { format: context.format().name().to_owned(), duration_s, bytes, video, audio })
}
