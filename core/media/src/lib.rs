//! The only room that speaks to FFmpeg (and to libsrt, [`srt`]): from a live connection to parts on disk, and from parts to samples,
//! pictures, cuts and finished videos.
//!
//! Everything here is synchronous and blocking; callers give it threads. Every wait on the outside has a
//! deadline. Media time is the caller's ([`clipmill_domain::MediaTime`]); a [`MediaPart`] says where the file's
//! own clock, which starts at zero with each epoch, lies on it.
//!
//! The modules follow the data: [`open`] a stream, write it as [`part_writer`] parts, [`salvage()`] the part a
//! crash left behind, read parts back ([`parts`], `frames`, [`audio`]) or the sound of any file ([`sound_file`]), cut them ([`cut_draft()`], [`cut_exact()`]),
//! [`thumbnail()`] and [`render()`] them with [`captions`], [`probe()`] the result.

pub mod error;
pub mod log;

mod announced;
pub mod audio_track;
mod flv_codec;
pub mod fragment;
mod gate;
pub mod headers;
mod learn;
pub mod open;
pub mod part_writer;
pub mod repeats;
mod sender_clock;
pub mod salvage;
pub mod srt;
pub mod streams;

pub mod audio;
mod frames;
mod loudness;
pub mod parts;
pub mod sound_file;

pub mod captions;
pub mod cut_draft;
pub mod cut_exact;
mod encode;
mod output;
pub mod render;
mod scale;
pub mod thumbnail;

pub mod doctor;
pub mod probe;

#[cfg(any(test, fuzzing))]
pub mod mangled;

pub use audio::{AudioChunk, AudioFollower, decode_audio};
pub use audio_track::{AudioTrack, AudioTrackInfo};
pub use cut_draft::{CutReport, cut_draft};
pub use cut_exact::cut_exact;
pub use doctor::{DoctorLine, doctor};
pub use error::MediaError;
pub use gate::{Arrived, Gate, Passed};
pub use log::init;
pub use open::{Input, InputFrom, OpenOptions};
pub use part_writer::{PartEvent, PartPlan, PartWriter};
pub use parts::MediaPart;
pub use probe::{ProbeReport, probe};
pub use render::{RenderReport, RenderSpec, render};
pub use repeats::Repeats;
pub use salvage::{SalvagedPart, salvage};
pub use sound_file::{SoundFile, read_sound};
pub use streams::{Packet, StreamKind, Streams};
pub use thumbnail::{key_picture, thumbnail};
