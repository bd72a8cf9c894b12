//! Remixes in, posts out: each at its time, exactly once.
//!
//! [`calendar`] (pure) gives slots; [`platform`] is the seam to a target, today a local folder; [`post`] walks each
//! post through the state machine of the domain, with the intent on disk before the one call that publishes.

pub mod calendar;
pub mod post;
pub mod platform;
