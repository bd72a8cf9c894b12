//! The exact cut: encoded anew, so that it holds precisely the frames and samples of its spans.

use std::path::Path;

use clipmill_domain::Span;
use ffmpeg_next::{Rational, color, frame};

use crate::{
    cut_draft::CutReport,
    encode::VideoSettings,
    error::MediaError,
    frames::Frames,
    output::{Output, joined_sound, or_remove},
    parts::{MediaPart, check_spans},
    scale::{Scaler, Size},
};

/// Encodes the spans, one after the other, into an MP4 at `out` (x264 veryfast crf 20, one thread; AAC 48 kHz
/// stereo, silence where there is none).
///
/// The video holds exactly the frames whose media time lies in `[start, end)` of a span, at their true distances;
/// the sound is cut to the sample and fades over 10 ms at both ends of each span. The size is that of the first
/// frame. Errors: [`MediaError::NothingInSpan`] when a span has no frame.
pub fn cut_exact(parts: &[MediaPart], spans: &[Span], out: &Path) -> Result<CutReport, MediaError> {
    check_spans(spans, out)?;
    let length_us = spans.iter().map(|s| s.micros()).sum();
    or_remove(out, || {
        let mut cut = Cut {
            out,
            sound: joined_sound(parts, spans)?,
            length_us,
            held: None,
            output: None,
            first_us: None,
        };
        let mut base_us = 0;
        let mut damaged = 0;
        for span in spans {
            let (start, end) = (span.start().as_micros(), span.end().as_micros());
            let mut frames = Frames::new(parts, *span);
            let mut any = false;
            while let Some((at, picture)) = frames.next()? {
                if at >= end {
                    break;
                }
                if at < start {
                    continue;
                }
                cut.first_us.get_or_insert(at);
                // The first frame of a span is shown from the span's very start.
                let shown = if any { base_us + at - start } else { base_us };
                any = true;
                cut.take(picture, shown)?;
            }
            if !any {
                return Err(MediaError::NothingInSpan { span: *span });
            }
            damaged += frames.damaged;
            base_us += span.micros();
        }
        let start_us = cut.first_us.unwrap_or(0);
        let frames = cut.finish()?;
        let reencoded = Some("an exact cut is always encoded".to_owned());
        Ok(CutReport { frames, duration_us: length_us, start_us, reencoded, damaged_frames: damaged })
    })
}

/// Holds the first picture until the second tells the frame rate, then encodes.
struct Cut<'a> {
    out: &'a Path,
    sound: Vec<f32>,
    length_us: i64,
    held: Option<(frame::Video, i64)>,
    output: Option<(Output, Scaler)>,
    first_us: Option<i64>,
}

impl Cut<'_> {
    fn take(&mut self, picture: frame::Video, at_us: i64) -> Result<(), MediaError> {
        if self.output.is_none() {
            let Some((first, first_at)) = self.held.take() else {
                self.held = Some((picture, at_us));
                return Ok(());
            };
            self.open(first, first_at, at_us - first_at)?;
        }
        if let Some((output, scaler)) = &mut self.output {
            output.picture(scaler.run(picture)?, at_us)?;
        }
        Ok(())
    }

    fn open(&mut self, first: frame::Video, at_us: i64, step_us: i64) -> Result<(), MediaError> {
        let size = Size::even(first.width(), first.height());
        let fps = (1_000_000 + step_us / 2) / step_us.max(8_000);
        let settings = VideoSettings {
            size,
            fps: Rational(i32::try_from(fps.clamp(1, 120)).unwrap_or(25), 1),
            preset: "veryfast".into(),
            crf: 20,
            colour: (first.color_space(), first.color_primaries(), first.color_transfer_characteristic()),
            range: match first.color_range() {
                color::Range::Unspecified => color::Range::MPEG,
                range => range,
            },
        };
        let mut output = Output::open(self.out, &settings, &self.sound, self.length_us)?;
        self.sound = vec![];
        let mut scaler = Scaler::new(size, false);
        output.picture(scaler.run(first)?, at_us)?;
        self.output = Some((output, scaler));
        Ok(())
    }

    fn finish(mut self) -> Result<u64, MediaError> {
        if let Some((only, at)) = self.held.take() {
            self.open(only, at, 40_000)?;
        }
        match self.output {
            Some((output, _)) => output.finish(),
            None => Ok(0),
        }
    }
}
