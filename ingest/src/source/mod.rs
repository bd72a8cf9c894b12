//! Where streams come from: encoders that push RTMP to us, and addresses that we pull.

pub mod feed;
pub mod pull;
pub mod rtmp;
