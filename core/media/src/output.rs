//! A video on its way to its file: pictures go in, the sound made beforehand is woven in between.

use std::{collections::VecDeque, fs, path::Path};

use clipmill_domain::Span;
use ffmpeg_next::{self as ff, Rescale, frame};

use crate::{
    audio::span_samples,
    encode::{Mp4, VIDEO_BASE, VideoEncoder, VideoSettings, aac_base, encode_aac},
    error::MediaError,
    loudness::{OUT_CHANNELS, OUT_RATE},
    parts::MediaPart,
    streams::MICROS,
};

/// Length of the fade at both ends of each span, in samples of 48 kHz: 10 ms.
const FADE_FRAMES: usize = 480;

pub(crate) struct Output {
    mp4: Mp4,
    encoder: VideoEncoder,
    video: usize,
    audio: usize,
    sound: VecDeque<ff::Packet>,
    end_at: i64,
    last_at: i64,
    pub(crate) frames: u64,
}

impl Output {
    /// Opens the encoder and the file; `samples` are the whole sound, `length_us` the whole playing time.
    pub(crate) fn open(
        path: &Path,
        settings: &VideoSettings,
        samples: &[f32],
        length_us: i64,
    ) -> Result<Self, MediaError> {
        let encoder = VideoEncoder::open(settings)?;
        let (params, sound) = encode_aac(samples)?;
        let mut mp4 = Mp4::create(path)?;
        let video = mp4.track(encoder.parameters(), VIDEO_BASE)?;
        let audio = mp4.track(params, aac_base())?;
        mp4.begin()?;
        let end_at = length_us.rescale(MICROS, VIDEO_BASE);
        Ok(Self { mp4, encoder, video, audio, sound: sound.into(), end_at, last_at: -1, frames: 0 })
    }

    /// Encodes a picture shown from `at_us` of playing time on.
    pub(crate) fn picture(&mut self, mut picture: frame::Video, at_us: i64) -> Result<(), MediaError> {
        let at = at_us.rescale(MICROS, VIDEO_BASE).max(self.last_at + 1);
        self.last_at = at;
        self.frames += 1;
        self.encoder.send(&mut picture, at)?;
        self.drain()
    }

    fn drain(&mut self) -> Result<(), MediaError> {
        while let Some(packet) = self.encoder.take(self.end_at) {
            let until = packet.dts().unwrap_or(0).rescale(VIDEO_BASE, aac_base());
            while let Some(sound) = self.sound.pop_front_if(|s| s.dts().unwrap_or(0) <= until) {
                self.mp4.add(sound, self.audio, aac_base())?;
            }
            self.mp4.add(packet, self.video, VIDEO_BASE)?;
        }
        Ok(())
    }

    /// Ends the file; the number of pictures.
    pub(crate) fn finish(mut self) -> Result<u64, MediaError> {
        self.encoder.end()?;
        self.drain()?;
        for sound in std::mem::take(&mut self.sound) {
            self.mp4.add(sound, self.audio, aac_base())?;
        }
        self.mp4.finish()?;
        Ok(self.frames)
    }
}

/// The sound of the spans one after the other, 48 kHz stereo, each faded in and out over 10 ms.
pub(crate) fn joined_sound(parts: &[MediaPart], spans: &[Span]) -> Result<Vec<f32>, MediaError> {
    let mut all = vec![];
    for span in spans {
        let mut samples = span_samples(parts, *span, OUT_RATE, OUT_CHANNELS)?;
        fade_ends(&mut samples, usize::from(OUT_CHANNELS));
        all.extend(samples);
    }
    Ok(all)
}

fn fade_ends(samples: &mut [f32], width: usize) {
    let frames = samples.len() / width;
    let fade = FADE_FRAMES.min(frames / 2);
    for i in 0..fade {
        #[expect(clippy::cast_precision_loss, reason = "at most 480")]
        let gain = i as f32 / fade as f32;
        for at in [i, frames - 1 - i] {
            for s in samples.iter_mut().skip(at * width).take(width) {
                *s *= gain;
            }
        }
    }
}

/// Runs `make`; a failed one leaves no half-written file behind.
pub(crate) fn or_remove<T>(
    out: &Path,
    make: impl FnOnce() -> Result<T, MediaError>,
) -> Result<T, MediaError> {
    let done = make();
    if done.is_err() && out.is_file() {
        let _ = fs::remove_file(out);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::fade_ends;

    #[test]
    fn fades_touch_ten_milliseconds_at_each_end_only() {
        let mut s = vec![1.0f32; 2 * 4800];
        fade_ends(&mut s, 2);
        assert!(s[0] == 0.0 && s[1] == 0.0 && s[2 * 4799] == 0.0);
        assert!((s[2 * 240] - 0.5).abs() < 1e-3);
        assert!(s[2 * 480..2 * 4320].iter().all(|v| (*v - 1.0).abs() < 1e-6));
    }
}
