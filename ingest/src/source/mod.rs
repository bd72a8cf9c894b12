//! Where streams come from: encoders that push RTMP, RTMPS or SRT to us, and addresses that we pull.

pub mod door;
pub mod feed;
pub mod publishers;
pub mod pull;
pub mod rtmp;
pub mod srt;
