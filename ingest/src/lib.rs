//! From streams to transcripts: sources are recorded, recordings are heard.
//!
//! - [`source`]: encoders that push RTMP, addresses that are pulled.
//! - [`record`]: the recorder, from packets to parts, epochs and gaps.
//! - [`scrub`]: the follower from parts to small pictures for scrubbing.
//! - [`transcribe`]: the follower from parts to utterances.
//! - [`export`]: transcripts as caption files and plain text.
//! - [`eval`]: how good transcripts are, measured on files with a known script.
//! - [`keep`]: old recordings go, by the operator's rules.

pub mod source;
pub mod record;
pub mod scrub;
pub mod transcribe;
pub mod export;
pub mod eval;
pub mod keep;
