//! The messages of an RTMP publisher, on their way to FLV. The sources are taken in by path: the crate they belong to
//! brings the speech models' libraries, which nobody wants to build with coverage.
#![no_main]
#![allow(dead_code, reason = "the tap uses a part of what stands beside it")]

#[path = "../../ingest/src/source/rtmp/codec.rs"]
mod codec;
#[path = "../../ingest/src/source/rtmp/flv.rs"]
mod flv;
#[path = "../../ingest/src/source/rtmp/tap.rs"]
mod tap;

use bytes::Bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut tap = tap::Tap::new();
    let mut rest = bytes;
    // A message: kind, length, time, payload.
    while let [kind, length, at_ms, more @ ..] = rest {
        let (payload, after) = more.split_at(usize::from(*length).min(more.len()));
        let (payload, at_ms) = (Bytes::copy_from_slice(payload), u32::from(*at_ms) << (kind % 32));
        let steps = match kind % 3 {
            0 => tap.video(at_ms, &payload),
            1 => tap.audio(at_ms, &payload),
            _ => {
                tap.restart();
                Ok(vec![])
            }
        };
        for step in steps.unwrap_or_default() {
            if let tap::Step::Data { bytes, .. } = step {
                assert!(!bytes.is_empty());
            }
        }
        rest = after;
    }
});
