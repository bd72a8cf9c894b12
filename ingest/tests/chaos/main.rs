//! Real peers on loopback, and what goes wrong with them: after each fault the recording is held, frame by frame,
//! against what was sent. Lost is what lies inside the fault and cannot be decoded up to the next key frame;
//! nothing is doubled, altered or out of order; the recording is one; its gap map is true; rows and files agree.
//!
//! The peers are nginx with its RTMP module, the ffmpeg program, srt-live-transmit, and two servers of our own that
//! misbehave on demand (`rig/flv_server.rs`, `rig/wire.rs`). `scripts/setup --test` installs the programs.

mod clock;
mod disk;
mod hls;
mod http_flv;
mod http_flv_media;
mod kill;
mod network;
mod pull_rtmp;
mod push;
mod rig;
mod rtsp;
mod srt;
