//! From a clip to a printable plan of the finished video. Pure.

pub mod caption;

use clipmill_domain::{
    clip::Clip,
    remix::{Caption, RemixPlan},
    transcript::Utterance,
};
use clipmill_media::captions::line_em_max;

/// The look of the finished video.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Name and version; part of what makes a remix new work when it changes.
    pub name: String,
    /// Output width in pixels; even.
    pub width: u32,
    /// Output height in pixels; even.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Integrated loudness in LUFS.
    pub loudness_lufs: f32,
}

impl Default for Template {
    fn default() -> Self {
        Self { name: "plain/1".into(), width: 720, height: 1280, fps: 30, loudness_lufs: -14.0 }
    }
}

/// Plans the video of `clip`, with captions from the `utterances` it plays.
pub fn plan_remix(clip: &Clip, utterances: &[Utterance], template: &Template) -> RemixPlan {
    RemixPlan {
        recording_id: clip.recording_id,
        edl: clip.edl.clone(),
        width: template.width,
        height: template.height,
        fps: template.fps,
        captions: captions(clip, utterances, template),
        loudness_lufs: template.loudness_lufs,
        template: template.name.clone(),
    }
}

/// Captions in playing time: the spans of the clip follow one another without a hole.
fn captions(clip: &Clip, utterances: &[Utterance], template: &Template) -> Vec<Caption> {
    let line_ems = line_em_max(template.width, template.height);
    let mut played_us = 0;
    let mut all = vec![];
    for span in &clip.edl.spans {
        for u in utterances.iter().filter(|u| u.span.overlaps(*span)) {
            let shift = played_us - span.start().as_micros();
            let bounds = (played_us, played_us + span.micros());
            all.extend(caption::of_utterance(u, line_ems).into_iter().filter_map(|c| {
                let start_us = (c.start_us + shift).max(bounds.0);
                let end_us = (c.end_us + shift).min(bounds.1);
                (start_us < end_us).then_some(Caption { start_us, end_us, ..c })
            }));
        }
        played_us += span.micros();
    }
    for i in 1..all.len() {
        let next = all[i].start_us;
        all[i - 1].end_us = all[i - 1].end_us.min(next);
    }
    all.retain(|c| c.start_us < c.end_us);
    all
}

#[cfg(test)]
mod tests;
