//! The finished vertical video: scaled to fill, captioned, levelled, at a steady frame rate.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use clipmill_domain::{Span, remix::Caption};
use ffmpeg_next::{self as ff, Rational, color, filter, format::Pixel, frame};

use crate::{
    captions::ass_document,
    encode::VideoSettings,
    error::{MediaError, path_text},
    frames::Frames,
    log::missing_glyphs,
    loudness::level,
    output::{Output, joined_sound, or_remove},
    parts::{MediaPart, check_spans},
    scale::{Scaler, Size, pass, picture_graph},
};

/// A picture counts as shown this much before its time: rounding in live timestamps. 2 ms, in microseconds.
const EARLY_MICROS: i64 = 2_000;

/// Everything a render needs.
#[derive(Debug, Clone)]
pub struct RenderSpec {
    /// The parts that touch the spans.
    pub parts: Vec<MediaPart>,
    /// What to play, in order.
    pub spans: Vec<Span>,
    /// Output width in pixels; even.
    pub width: u32,
    /// Output height in pixels; even.
    pub height: u32,
    /// Frames per second, 1 to 120.
    pub fps: u32,
    /// Captions in playing time, already broken into lines.
    pub captions: Vec<Caption>,
    /// A directory with fonts; `None` uses those of the system.
    pub fonts_dir: Option<PathBuf>,
    /// Integrated loudness to reach, in LUFS.
    pub loudness_lufs: f32,
    /// x264's preset, for example `veryfast`.
    pub preset: String,
}

/// What was rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderReport {
    /// Pictures in the file.
    pub frames: u64,
    /// Playing time in microseconds.
    pub duration_us: i64,
    /// Integrated loudness before coding, in LUFS; -70 for silence.
    pub lufs: f64,
    /// True peak before coding, in dBTP.
    pub true_peak: f64,
    /// Source pictures that decoded with errors.
    pub damaged_frames: u64,
    /// Characters no font had, as counted process-wide while this ran.
    pub missing_glyphs: u64,
}

/// Renders to an MP4 at `out` (H.264 crf 21 on one thread, AAC 48 kHz stereo, BT.709). `progress` gets 0 to 1 about
/// once a second of video; `stop` ends the work early with [`MediaError::Stopped`] and no file.
pub fn render(
    spec: &RenderSpec,
    out: &Path,
    progress: &dyn Fn(f64),
    stop: &AtomicBool,
) -> Result<RenderReport, MediaError> {
    check_spans(&spec.spans, out)?;
    let even = spec.width.is_multiple_of(2) && spec.height.is_multiple_of(2);
    if !even || spec.width < 16 || spec.height < 16 || !(1..=120).contains(&spec.fps) {
        return Err(MediaError::BadRequest(format!(
            "a render needs an even size of at least 16x16 and 1 to 120 frames per second, not {}x{} at {}",
            spec.width, spec.height, spec.fps
        )));
    }
    let script = out.with_extension("ass");
    let done = or_remove(out, || make(spec, out, &script, progress, stop));
    if script.is_file() {
        let _ = fs::remove_file(&script);
    }
    done
}

fn make(
    spec: &RenderSpec,
    out: &Path,
    script: &Path,
    progress: &dyn Fn(f64),
    stop: &AtomicBool,
) -> Result<RenderReport, MediaError> {
    crate::init();
    let duration_us: i64 = spec.spans.iter().map(|s| s.micros()).sum();
    let (sound, loudness) = level(joined_sound(&spec.parts, &spec.spans)?, f64::from(spec.loudness_lufs))?;
    let size = Size { width: spec.width, height: spec.height };
    let fps = i32::try_from(spec.fps).unwrap_or(30);
    let settings = VideoSettings {
        size,
        fps: Rational(fps, 1),
        preset: spec.preset.clone(),
        crf: 21,
        colour: VideoSettings::BT709,
        range: color::Range::MPEG,
    };
    let glyphs_before = missing_glyphs();
    let captions = match spec.captions.is_empty() {
        true => None,
        false => {
            let text = ass_document(&spec.captions, spec.width, spec.height);
            fs::write(script, text).map_err(MediaError::io("write", script))?;
            Some(caption_graph(spec, script, fps)?)
        }
    };
    let mut film = Film {
        output: Output::open(out, &settings, &sound, duration_us)?,
        captions,
        scaler: Scaler::new(size, true),
        fps: i64::from(fps),
        total: frame_count(duration_us, i64::from(fps)),
        next: 0,
        progress,
        stop,
    };
    drop(sound);
    let mut base_us = 0;
    let mut damaged_frames = 0;
    for span in &spec.spans {
        damaged_frames += film.play(&spec.parts, *span, base_us)?;
        base_us += span.micros();
    }
    let frames = film.output.finish()?;
    progress(1.0);
    Ok(RenderReport {
        frames,
        duration_us,
        lufs: loudness.lufs,
        true_peak: loudness.true_peak,
        damaged_frames,
        missing_glyphs: missing_glyphs() - glyphs_before,
    })
}

fn frame_count(us: i64, fps: i64) -> i64 {
    ((us * fps + 500_000) / 1_000_000).max(1)
}

/// A source picture, and what it became once that was needed.
enum Held {
    Raw(frame::Video),
    Scaled(frame::Video),
}

struct Film<'a> {
    output: Output,
    captions: Option<filter::Graph>,
    scaler: Scaler,
    fps: i64,
    total: i64,
    /// Number of the next picture of the output.
    next: i64,
    progress: &'a dyn Fn(f64),
    stop: &'a AtomicBool,
}

impl Film<'_> {
    /// Plays one span from `base_us` of playing time on; the number of damaged pictures.
    fn play(&mut self, parts: &[MediaPart], span: Span, base_us: i64) -> Result<u64, MediaError> {
        let (start, end) = (span.start().as_micros(), span.end().as_micros());
        let end_us = base_us + span.micros();
        let mut frames = Frames::new(parts, span);
        let mut held: Option<Held> = None;
        while let Some((at, picture)) = frames.next()? {
            self.check_stop()?;
            if at >= end {
                break;
            }
            if at < start {
                continue;
            }
            if let Some(before) = &mut held {
                self.show_until(before, base_us + at - start - EARLY_MICROS)?;
            }
            held = Some(Held::Raw(picture));
        }
        match &mut held {
            Some(last) => self.show_until(last, end_us)?,
            None => return Err(MediaError::NothingInSpan { span }),
        }
        Ok(frames.damaged)
    }

    /// Puts out pictures as long as their time lies before `until_us` of playing time.
    fn show_until(&mut self, held: &mut Held, until_us: i64) -> Result<(), MediaError> {
        while self.next < self.total && self.next * 1_000_000 / self.fps < until_us {
            self.check_stop()?;
            let at_us = self.next * 1_000_000 / self.fps;
            let picture = self.picture(held)?;
            self.output.picture(picture, at_us)?;
            self.next += 1;
            if self.next % self.fps == 0 {
                #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
                (self.progress)(self.next as f64 / self.total as f64);
            }
        }
        Ok(())
    }

    fn picture(&mut self, held: &mut Held) -> Result<frame::Video, MediaError> {
        if let Held::Raw(raw) = held {
            let mut raw = std::mem::replace(raw, frame::Video::empty());
            guess_colour(&mut raw);
            *held = Held::Scaled(self.scaler.run(raw)?);
        }
        let (Held::Scaled(ready) | Held::Raw(ready)) = held;
        let mut copy = ready.clone();
        match &mut self.captions {
            Some(graph) => {
                copy.set_pts(Some(self.next));
                pass(graph, &copy).map_err(MediaError::av("draw the captions"))
            }
            None => Ok(copy),
        }
    }

    fn check_stop(&self) -> Result<(), MediaError> {
        if self.stop.load(Ordering::Relaxed) { Err(MediaError::Stopped) } else { Ok(()) }
    }
}

/// Untagged pictures: HD is BT.709, smaller ones BT.601, as cameras and encoders mean it.
fn guess_colour(picture: &mut frame::Video) {
    if picture.color_space() == color::Space::Unspecified {
        let hd = picture.width().max(picture.height()) >= 1280;
        picture.set_color_space(if hd { color::Space::BT709 } else { color::Space::SMPTE170M });
    }
}

fn caption_graph(spec: &RenderSpec, script: &Path, fps: i32) -> Result<filter::Graph, MediaError> {
    let mut args = format!("filename={}", quoted(path_text(script)?));
    if let Some(dir) = &spec.fonts_dir {
        args.push_str(&format!(":fontsdir={}", quoted(path_text(dir)?)));
    }
    let build = || -> Result<filter::Graph, ff::Error> {
        let mut graph = picture_graph((spec.width, spec.height), Pixel::YUV420P, (1, 1), (1, fps))?;
        let ass = filter::find("ass").ok_or(ff::Error::FilterNotFound)?;
        let mut drawn = graph.add(&ass, "captions", &args)?;
        graph.get("in").ok_or(ff::Error::Bug)?.link(0, &mut drawn, 0);
        drawn.link(0, &mut graph.get("out").ok_or(ff::Error::Bug)?, 0);
        graph.validate()?;
        Ok(graph)
    };
    build().map_err(MediaError::av("prepare the captions (is libass in this FFmpeg?)"))
}

/// A value inside a filter's options: no character of it means anything.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '\'' | ':' | ',' | '[' | ']' | ';' | '=') || c.is_whitespace() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
