//! The room as its callers use it, judged by the `ffmpeg` and `ffprobe` programs.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod studio;

mod bad_input;
mod changes;
mod clocks;
mod cuts;
mod files;
mod index;
mod late_pictures;
mod recording;
mod repeats;
mod rendering;
mod sound;
