//! The tracks of an input and the packets that come out of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clipmill_domain::recording::Tracks;
use ffmpeg_next::{
    self as ff, Rational, Rescale,
    codec::{Id, Parameters},
};

use crate::error::MediaError;

pub(crate) const MICROS: Rational = Rational(1, 1_000_000);

/// Picture or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// Picture.
    Video,
    /// Sound.
    Audio,
}

/// One track, detached from the input it was found in.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) index: usize,
    pub(crate) time_base: Rational,
    pub(crate) params: Parameters,
}

// SAFETY: behind a shared reference the parameters are only read, and copied by a call that only reads them.
unsafe impl Sync for Stream {}

impl Stream {
    /// The time base a part is written in.
    pub(crate) fn part_base(&self, kind: StreamKind) -> Rational {
        match kind {
            StreamKind::Video => Rational(1, 90_000),
            StreamKind::Audio => {
                Rational(1, i32::try_from(self.params.sample_rate()).unwrap_or(0).max(8_000))
            }
        }
    }
}

/// The first video and the chosen audio track of an input; what a [`crate::PartWriter`] needs to know.
#[derive(Clone)]
pub struct Streams {
    pub(crate) video: Option<Stream>,
    pub(crate) audio: Option<Stream>,
}

/// A packet of a live input.
#[derive(Clone)]
pub struct Packet {
    pub(crate) inner: ff::Packet,
    pub(crate) kind: StreamKind,
    pub(crate) time_base: Rational,
    /// The codec header that came with this packet, where one came.
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) read_at: Instant,
}

impl Packet {
    /// How long ago it came out of the connection: the first packets of an input may have been kept for seconds.
    pub fn age(&self) -> Duration {
        self.read_at.elapsed()
    }

    /// Picture or sound.
    pub fn kind(&self) -> StreamKind {
        self.kind
    }

    /// Whether decoding can start here. True of every audio packet.
    pub fn is_key(&self) -> bool {
        self.kind == StreamKind::Audio || self.inner.is_key()
    }

    /// Presentation time in microseconds of the sender's clock, where it sent one.
    pub fn pts_us(&self) -> Option<i64> {
        self.inner.pts().or(self.inner.dts()).map(|t| t.rescale(self.time_base, MICROS))
    }

    /// Decoding time in microseconds of the sender's clock, where it sent one.
    pub fn dts_us(&self) -> Option<i64> {
        self.inner.dts().or(self.inner.pts()).map(|t| t.rescale(self.time_base, MICROS))
    }

    /// The tracks as they are from this packet on: what a [`crate::PartWriter`] that begins with it needs.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Length of the payload in bytes.
    pub fn bytes(&self) -> usize {
        self.inner.size()
    }
}

impl Streams {
    /// The first video track, and the audio track with this index.
    pub(crate) fn of(context: &ff::format::context::Input, audio: Option<usize>) -> Self {
        let detached = |s: ff::Stream| Stream {
            index: s.index(),
            time_base: s.time_base(),
            params: s.parameters().clone(),
        };
        let video = context.streams().find(|s| {
            s.parameters().medium() == ff::media::Type::Video
                && !s.disposition().contains(ff::format::stream::Disposition::ATTACHED_PIC)
        });
        let audio = audio.and_then(|index| context.stream(index));
        Self { video: video.map(detached), audio: audio.map(detached) }
    }

    /// The codec facts, as the domain keeps them with an epoch.
    pub fn tracks(&self) -> Tracks {
        let name = |s: &Stream| s.params.id().name().to_owned();
        let (width, height) = self.video.as_ref().map_or((0, 0), |s| s.params.size());
        Tracks {
            video_codec: self.video.as_ref().map(name).unwrap_or_default(),
            width,
            height,
            audio_codec: self.audio.as_ref().map(name),
            sample_rate: self.audio.as_ref().map(|s| s.params.sample_rate()),
        }
    }

    /// Whether there is a video track.
    pub fn has_pictures(&self) -> bool {
        self.video.is_some()
    }

    /// Refuses tracks that the recording format cannot carry.
    pub(crate) fn check(&self, what: &str) -> Result<(), MediaError> {
        let refuse = |detail: String| Err(MediaError::Unsupported { what: what.to_owned(), detail });
        if self.video.is_none() && self.audio.is_none() {
            return refuse("it has neither video nor audio".into());
        }
        if let Some(v) = &self.video
            && !matches!(v.params.id(), Id::H264 | Id::HEVC | Id::AV1 | Id::VP9)
        {
            return refuse(format!("its video codec is {}; send H.264, HEVC or AV1", v.params.id().name()));
        }
        if let Some(a) = &self.audio
            && !matches!(a.params.id(), Id::AAC | Id::MP3 | Id::OPUS | Id::AC3)
        {
            return refuse(format!("its audio codec is {}; send AAC, MP3 or Opus", a.params.id().name()));
        }
        Ok(())
    }

    pub(crate) fn get(&self, kind: StreamKind) -> Option<&Stream> {
        match kind {
            StreamKind::Video => self.video.as_ref(),
            StreamKind::Audio => self.audio.as_ref(),
        }
    }
}

/// What `AVCodecParameters` holds that the safe wrapper does not show.
pub(crate) trait Params {
    fn size(&self) -> (u32, u32);
    fn sample_rate(&self) -> u32;
    fn channels(&self) -> u32;
    /// Samples in a block of sound; 0 if they vary or are not known.
    fn frame_size(&self) -> u32;
    /// The codec's number or name in its container.
    fn tag(&self) -> u32;
    fn extradata(&self) -> &[u8];
    fn set_extradata(&mut self, bytes: &[u8]);
    fn set_size(&mut self, width: u32, height: u32);
    fn set_sound(&mut self, rate: u32, channels: u32);
    /// Forgets the tag of the container it came from, so that the next one chooses its own.
    fn clear_tag(&mut self);
}

impl Params for Parameters {
    fn size(&self) -> (u32, u32) {
        // SAFETY: the parameters are allocated for as long as `self` lives; plain reads.
        let (w, h) = unsafe { ((*self.as_ptr()).width, (*self.as_ptr()).height) };
        (u32::try_from(w).unwrap_or(0), u32::try_from(h).unwrap_or(0))
    }

    fn sample_rate(&self) -> u32 {
        // SAFETY: as above.
        u32::try_from(unsafe { (*self.as_ptr()).sample_rate }).unwrap_or(0)
    }

    fn channels(&self) -> u32 {
        // SAFETY: as above.
        u32::try_from(unsafe { (*self.as_ptr()).ch_layout.nb_channels }).unwrap_or(0)
    }

    fn frame_size(&self) -> u32 {
        // SAFETY: as above.
        u32::try_from(unsafe { (*self.as_ptr()).frame_size }).unwrap_or(0)
    }

    fn tag(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (*self.as_ptr()).codec_tag }
    }

    fn extradata(&self) -> &[u8] {
        // SAFETY: libav keeps `extradata` valid for `extradata_size` bytes while the parameters live, and
        // nothing can change it while `self` is borrowed.
        unsafe {
            let p = self.as_ptr();
            let size = usize::try_from((*p).extradata_size).unwrap_or(0);
            if (*p).extradata.is_null() || size == 0 {
                &[]
            } else {
                std::slice::from_raw_parts((*p).extradata, size)
            }
        }
    }

    fn set_extradata(&mut self, bytes: &[u8]) {
        let Ok(size) = i32::try_from(bytes.len()) else { return };
        let padding = ff::ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
        // SAFETY: the new block is zeroed, as long as libav asks (size plus padding), and owned by the
        // parameters from here on; the old one is freed by libav's own allocator.
        unsafe {
            let fresh = ff::ffi::av_mallocz(bytes.len() + padding).cast::<u8>();
            if fresh.is_null() {
                return;
            }
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), fresh, bytes.len());
            let p = self.as_mut_ptr();
            ff::ffi::av_freep((&raw mut (*p).extradata).cast());
            (*p).extradata = fresh;
            (*p).extradata_size = size;
        }
    }

    fn set_size(&mut self, width: u32, height: u32) {
        // SAFETY: plain writes to owned parameters.
        unsafe {
            (*self.as_mut_ptr()).width = i32::try_from(width).unwrap_or(0);
            (*self.as_mut_ptr()).height = i32::try_from(height).unwrap_or(0);
        }
    }

    fn set_sound(&mut self, rate: u32, channels: u32) {
        let (Ok(rate), Ok(channels)) = (i32::try_from(rate), i32::try_from(channels)) else { return };
        // SAFETY: owned parameters; the layout is freed and set by libav's own calls.
        unsafe {
            let p = self.as_mut_ptr();
            (*p).sample_rate = rate;
            ff::ffi::av_channel_layout_uninit(&raw mut (*p).ch_layout);
            ff::ffi::av_channel_layout_default(&raw mut (*p).ch_layout, channels);
        }
    }

    fn clear_tag(&mut self) {
        // SAFETY: a plain write to owned parameters.
        unsafe { (*self.as_mut_ptr()).codec_tag = 0 }
    }
}
