//! CMAF bytes: one MP4 muxer per epoch that turns a group of pictures into one `moof` + `mdat`, and the
//! reading of such boxes.

use std::{
    io::{self, Write},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use ffmpeg_next::{self as ff, Dictionary, Rational, Rescale, codec::encoder, format::context::StreamIo};

use crate::{
    error::MediaError,
    streams::{MICROS, Params, StreamKind, Streams},
};

/// Files hold epoch time plus this much, so that decoding times of re-ordered frames stay above zero.
pub(crate) const LEAD_US: i64 = 1_000_000;

/// Takes what the muxer writes; nothing reaches a disk from in here.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) struct Muxer {
    context: ff::format::context::Output,
    sink: Sink,
    /// Output track number and the base of the packets handed in, per kind.
    video: Option<(usize, Rational)>,
    audio: Option<(usize, Rational)>,
}

impl Muxer {
    pub(crate) fn new(streams: &Streams) -> Result<Self, MediaError> {
        let doing = "prepare a recording file";
        let sink = Sink::default();
        let io = StreamIo::from_write(sink.clone()).map_err(MediaError::av(doing))?;
        let mut context =
            ff::format::output_to_stream(io, None, Some("mp4")).map_err(MediaError::av(doing))?;
        let mut add = |kind: StreamKind| -> Result<Option<(usize, Rational)>, MediaError> {
            let Some(stream) = streams.get(kind) else { return Ok(None) };
            let base = stream.part_base(kind);
            let mut params = stream.params.clone();
            params.clear_tag();
            let mut out =
                context.add_stream(encoder::find(ff::codec::Id::None)).map_err(MediaError::av(doing))?;
            out.set_parameters(params);
            out.set_time_base(base);
            Ok(Some((out.index(), base)))
        };
        let (video, audio) = (add(StreamKind::Video)?, add(StreamKind::Audio)?);
        let mut options = Dictionary::new();
        options
            .set("movflags", "frag_custom+empty_moov+delay_moov+default_base_moof+frag_discont+skip_trailer");
        options.set("use_editlist", "0");
        options.set("avoid_negative_ts", "disabled");
        context.write_header_with(options).map_err(MediaError::av(doing))?;
        Ok(Self { context, sink, video, audio })
    }

    /// Adds a packet whose times are in [`crate::streams::Stream::part_base`], lead included.
    pub(crate) fn add(&mut self, kind: StreamKind, mut packet: ff::Packet) -> Result<(), MediaError> {
        let track = match kind {
            StreamKind::Video => self.video,
            StreamKind::Audio => self.audio,
        };
        let Some((index, base)) = track else { return Ok(()) };
        // The muxer may have chosen another base when it wrote its header.
        let to = self.context.stream(index).map_or(base, |s| s.time_base());
        packet.rescale_ts(base, to);
        packet.set_stream(index);
        packet.set_position(-1);
        packet.write(&mut self.context).map_err(MediaError::av("mux a packet")).map(drop)
    }

    /// Closes the fragment; the bytes since the last call, split into header (first time only) and fragment.
    pub(crate) fn flush(&mut self) -> Result<(Vec<u8>, Vec<u8>), MediaError> {
        // With a delayed header the first flush writes the header alone, the second the fragment.
        for _ in 0..2 {
            // SAFETY: the context is open for writing; a null packet asks the muxer to flush; `pb` is the
            // stream this context was made with and lives as long as it.
            let rc = unsafe {
                let context = self.context.as_mut_ptr();
                let rc = ff::ffi::av_write_frame(context, std::ptr::null_mut());
                ff::ffi::avio_flush((*context).pb);
                rc
            };
            if rc < 0 {
                return Err(MediaError::av("close a fragment")(ff::Error::from(rc)));
            }
        }
        let bytes = std::mem::take(&mut *self.sink.0.lock().unwrap_or_else(PoisonError::into_inner));
        let fragment = boxes(&bytes).find(|b| &b.kind == b"moof").map_or(bytes.len(), |b| b.range.start);
        let mut header = bytes;
        let fragment = header.split_off(fragment);
        Ok((header, fragment))
    }
}

/// Epoch microseconds of a file timestamp.
pub(crate) fn epoch_us(ticks: i64, base: Rational) -> i64 {
    ticks.rescale(base, MICROS) - LEAD_US
}

/// When the frames of a part are shown, and how far they leave no hole.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Presentation time and duration, epoch microseconds.
    frames: Vec<(i64, i64)>,
    /// Every frame to be shown before this has come.
    known_to_us: i64,
}

impl Shown {
    pub(crate) fn of(packets: &[ff::Packet], base: Rational) -> Self {
        let mut shown = Self::default();
        for p in packets {
            if let (Some(pts), Some(dts)) = (p.pts(), p.dts()) {
                shown.add(epoch_us(pts, base), epoch_us(dts, base), p.duration().rescale(base, MICROS));
            }
        }
        shown
    }

    /// Frames come in decoding order: one that is still to come is shown after the last decoding time.
    pub(crate) fn add(&mut self, pts_us: i64, dts_us: i64, duration_us: i64) {
        self.frames.push((pts_us, duration_us));
        self.known_to_us = dts_us + duration_us;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn extend(&mut self, next: Self) {
        self.known_to_us = next.known_to_us;
        self.frames.extend(next.frames);
    }

    /// The end of the last frame that has no hole before it. A stream that breaks off among re-ordered frames
    /// leaves holes: a later frame came without those to be shown before it.
    pub(crate) fn whole_until(&self) -> i64 {
        let mut frames = self.frames.clone();
        frames.sort_unstable();
        let mut end: Option<i64> = None;
        for (pts_us, duration_us) in frames {
            let hole = end.is_some_and(|end| pts_us >= self.known_to_us && pts_us - end > duration_us / 2);
            if hole {
                break;
            }
            end = end.max(Some(pts_us + duration_us));
        }
        end.unwrap_or(0)
    }
}

/// A top-level box.
pub(crate) struct BoxAt {
    pub(crate) kind: [u8; 4],
    pub(crate) range: Range<usize>,
}

/// The whole top-level boxes of `bytes`, in order; stops at the first that is cut short or makes no sense.
pub(crate) fn boxes(bytes: &[u8]) -> impl Iterator<Item = BoxAt> {
    let mut at = 0usize;
    std::iter::from_fn(move || {
        let head = bytes.get(at..at.checked_add(8)?)?;
        let (size, kind) = head.split_at(4);
        let kind: [u8; 4] = kind.try_into().ok()?;
        let size = match u32::from_be_bytes(size.try_into().ok()?) {
            1 => usize::try_from(u64::from_be_bytes(bytes.get(at + 8..at + 16)?.try_into().ok()?)).ok()?,
            n if n >= 8 => usize::try_from(n).ok()?,
            _ => return None,
        };
        let end = at.checked_add(size)?;
        if size < 8 || end > bytes.len() {
            return None;
        }
        let range = at..end;
        at = end;
        Some(BoxAt { kind, range })
    })
}

/// The byte ranges of the whole `moof` + `mdat` pairs at the beginning of `bytes`.
pub(crate) fn whole_fragments(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = vec![];
    let mut open: Option<usize> = None;
    for b in boxes(bytes) {
        match (&b.kind, open.take()) {
            (b"moof", None) => open = Some(b.range.start),
            (b"mdat", Some(start)) => found.push(start..b.range.end),
            _ => break,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn make(kind: &[u8; 4], payload: usize) -> Vec<u8> {
        let mut b = u32::try_from(payload + 8).unwrap().to_be_bytes().to_vec();
        b.extend(kind);
        b.extend(std::iter::repeat_n(7, payload));
        b
    }

    proptest! {
        /// Cutting a run of fragments anywhere keeps exactly the whole ones before the cut.
        #[test]
        fn a_cut_keeps_whole_fragments_only(sizes in prop::collection::vec((0usize..40, 0usize..90), 0..8), cut in 0.0f64..=1.0) {
            let mut bytes = vec![];
            let mut ends = vec![];
            for (moof, mdat) in sizes {
                bytes.extend(make(b"moof", moof));
                bytes.extend(make(b"mdat", mdat));
                ends.push(bytes.len());
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let at = (bytes.len() as f64 * cut) as usize;
            let whole = whole_fragments(&bytes[..at]);
            let expected: Vec<usize> = ends.into_iter().filter(|e| *e <= at).collect();
            prop_assert_eq!(whole.iter().map(|r| r.end).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn zeros_and_strange_boxes_end_the_walk() {
        let mut bytes = [make(b"moof", 4), make(b"mdat", 4)].concat();
        let good = bytes.len();
        bytes.extend([0; 64]);
        assert_eq!(whole_fragments(&bytes), vec![0..good]);
        assert!(whole_fragments(&make(b"mdat", 3)).is_empty());
    }
}
