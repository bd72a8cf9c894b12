//! The nouns of clipmill and the pure rules about them.
//!
//! No clock, no file, no network is touched in here: callers pass the time in. Everything else in the
//! workspace may depend on this crate; it depends on none of the others.

pub mod clock;
pub mod id;
pub mod time;

pub mod attribute;
pub mod clip;
pub mod gap;
pub mod head;
pub mod lexicon;
pub mod post;
pub mod product;
pub mod provenance;
pub mod quantity;
pub mod recording;
pub mod remix;
pub mod cost;
pub mod retention;
pub mod review;
pub mod schedule;
pub mod selling_point;
pub mod sound;
pub mod source;
pub mod taxonomy;
pub mod transcript;
pub mod wording;

pub use clock::Clock;
pub use id::*;
pub use time::{MediaTime, MicrosDelta, Span, WallTime};
