//! Finished files: H.264 and AAC into an MP4 that plays from its first byte.

use std::path::{Path, PathBuf};

use ffmpeg_next::{
    self as ff, ChannelLayout, Dictionary, Rational, Rescale, codec,
    codec::Parameters,
    color, encoder,
    format::{Pixel, sample},
    frame,
};

use crate::{
    error::{MediaError, path_text},
    loudness::{OUT_CHANNELS, OUT_RATE},
    scale::Size,
    streams::Params,
};

/// The time base of encoded video.
pub(crate) const VIDEO_BASE: Rational = Rational(1, 90_000);

/// How the pictures are coded.
#[derive(Debug, Clone)]
pub(crate) struct VideoSettings {
    pub(crate) size: Size,
    /// Nominal rate, for the rate control and the key-frame distance (2 s).
    pub(crate) fps: Rational,
    pub(crate) preset: String,
    pub(crate) crf: u8,
    /// Colour tags: matrix, primaries, transfer.
    pub(crate) colour: (color::Space, color::Primaries, color::TransferCharacteristic),
    pub(crate) range: color::Range,
}

impl VideoSettings {
    pub(crate) const BT709: (color::Space, color::Primaries, color::TransferCharacteristic) =
        (color::Space::BT709, color::Primaries::BT709, color::TransferCharacteristic::BT709);
}

/// An MP4 being written.
pub(crate) struct Mp4 {
    context: ff::format::context::Output,
    path: PathBuf,
}

impl Mp4 {
    pub(crate) fn create(path: &Path) -> Result<Self, MediaError> {
        crate::init();
        let text = path_text(path)?;
        let context = ff::format::output_as(text, "mp4").map_err(MediaError::writing(path))?;
        Ok(Self { context, path: path.to_owned() })
    }

    /// Adds a track; its number.
    pub(crate) fn track(&mut self, params: Parameters, base: Rational) -> Result<usize, MediaError> {
        let mut params = params;
        params.clear_tag();
        let none = encoder::find(codec::Id::None);
        let mut stream = self.context.add_stream(none).map_err(MediaError::av("add a track"))?;
        stream.set_parameters(params);
        stream.set_time_base(base);
        Ok(stream.index())
    }

    pub(crate) fn begin(&mut self) -> Result<(), MediaError> {
        let mut options = Dictionary::new();
        options.set("movflags", "+faststart");
        self.context.write_header_with(options).map_err(MediaError::writing(&self.path)).map(drop)
    }

    /// Adds a packet whose times are in `base`.
    pub(crate) fn add(
        &mut self,
        mut packet: ff::Packet,
        track: usize,
        base: Rational,
    ) -> Result<(), MediaError> {
        let Some(to) = self.context.stream(track).map(|s| s.time_base()) else { return Ok(()) };
        packet.set_stream(track);
        packet.rescale_ts(base, to);
        packet.set_position(-1);
        packet.write_interleaved(&mut self.context).map_err(MediaError::writing(&self.path))
    }

    pub(crate) fn finish(mut self) -> Result<(), MediaError> {
        self.context.write_trailer().map_err(MediaError::writing(&self.path))?;
        // SAFETY: `pb` is the open file of this context; a write that failed late is kept in its `error`.
        let rc = unsafe {
            let pb = (*self.context.as_mut_ptr()).pb;
            if pb.is_null() {
                0
            } else {
                ff::ffi::avio_flush(pb);
                (*pb).error
            }
        };
        if rc < 0 { Err(MediaError::writing(&self.path)(ff::Error::from(rc))) } else { Ok(()) }
    }
}

/// An open H.264 encoder; takes pictures stamped in [`VIDEO_BASE`].
pub(crate) struct VideoEncoder {
    encoder: encoder::video::Encoder,
    /// Nominal length of a frame, in [`VIDEO_BASE`].
    step: i64,
    /// Time of the last picture sent.
    last: i64,
    ended: bool,
}

impl VideoEncoder {
    pub(crate) fn open(s: &VideoSettings) -> Result<Self, MediaError> {
        let doing = "open the H.264 encoder (is libx264 in this FFmpeg?)";
        let codec = encoder::find_by_name("libx264")
            .ok_or(ff::Error::EncoderNotFound)
            .map_err(MediaError::av(doing))?;
        let mut video =
            codec::Context::new_with_codec(codec).encoder().video().map_err(MediaError::av(doing))?;
        video.set_width(s.size.width);
        video.set_height(s.size.height);
        video.set_format(Pixel::YUV420P);
        video.set_time_base(VIDEO_BASE);
        video.set_frame_rate(Some(s.fps));
        video.set_aspect_ratio((1, 1));
        let gop = (2 * s.fps.numerator() / s.fps.denominator().max(1)).max(1);
        video.set_gop(u32::try_from(gop).unwrap_or(60));
        video.set_flags(codec::Flags::GLOBAL_HEADER);
        video.set_colorspace(s.colour.0);
        video.set_color_range(s.range);
        // SAFETY: plain writes to an owned context that is not open yet.
        unsafe {
            (*video.as_mut_ptr()).color_primaries = s.colour.1.into();
            (*video.as_mut_ptr()).color_trc = s.colour.2.into();
        }
        let mut options = Dictionary::new();
        options.set("preset", &s.preset);
        options.set("crf", &s.crf.to_string());
        options.set("threads", "1");
        let encoder = video.open_as_with(codec, options).map_err(MediaError::av(doing))?;
        let step = 1.rescale(s.fps.invert(), VIDEO_BASE).max(1);
        Ok(Self { encoder, step, last: 0, ended: false })
    }

    pub(crate) fn parameters(&self) -> Parameters {
        Parameters::from(&*self.encoder)
    }

    pub(crate) fn send(&mut self, picture: &mut frame::Video, at: i64) -> Result<(), MediaError> {
        self.last = at;
        picture.set_pts(Some(at));
        picture.set_kind(ff::picture::Type::None);
        self.encoder.send_frame(picture).map_err(MediaError::av("encode a picture"))
    }

    pub(crate) fn end(&mut self) -> Result<(), MediaError> {
        self.ended = true;
        self.encoder.send_eof().map_err(MediaError::av("finish the video"))
    }

    /// The next coded picture; `end_at` is where the whole video ends.
    pub(crate) fn take(&mut self, end_at: i64) -> Option<ff::Packet> {
        let mut packet = ff::Packet::empty();
        self.encoder.receive_packet(&mut packet).ok()?;
        let at = packet.pts().unwrap_or(0);
        let is_last = self.ended && at == self.last;
        packet.set_duration(if is_last { (end_at - at).max(1) } else { self.step });
        Some(packet)
    }
}

/// Interleaved stereo at the output rate as AAC packets, times in samples.
pub(crate) fn encode_aac(samples: &[f32]) -> Result<(Parameters, Vec<ff::Packet>), MediaError> {
    let doing = "encode the sound";
    let codec =
        encoder::find(codec::Id::AAC).ok_or(ff::Error::EncoderNotFound).map_err(MediaError::av(doing))?;
    let mut audio = codec::Context::new_with_codec(codec).encoder().audio().map_err(MediaError::av(doing))?;
    let layout = ChannelLayout::default(i32::from(OUT_CHANNELS));
    let planar = sample::Sample::F32(sample::Type::Planar);
    let rate = i32::try_from(OUT_RATE).unwrap_or(48_000);
    audio.set_rate(rate);
    audio.set_format(planar);
    audio.set_channel_layout(layout);
    audio.set_bit_rate(128_000);
    audio.set_time_base((1, rate));
    audio.set_flags(codec::Flags::GLOBAL_HEADER);
    let mut encoder = audio.open_as(codec).map_err(MediaError::av(doing))?;
    let width = usize::from(OUT_CHANNELS);
    let mut packets = vec![];
    let take = |encoder: &mut encoder::audio::Encoder, packets: &mut Vec<ff::Packet>| {
        let mut packet = ff::Packet::empty();
        while encoder.receive_packet(&mut packet).is_ok() {
            packets.push(std::mem::replace(&mut packet, ff::Packet::empty()));
        }
    };
    let mut at = 0i64;
    for block in samples.chunks(1024 * width) {
        let n = block.len() / width;
        let mut sound = frame::Audio::new(planar, n, layout);
        sound.set_rate(OUT_RATE);
        sound.set_pts(Some(at));
        at += i64::try_from(n).unwrap_or(0);
        for channel in 0..width {
            let plane = sound.plane_mut::<f32>(channel);
            for (to, from) in plane.iter_mut().zip(block.iter().skip(channel).step_by(width)) {
                *to = *from;
            }
        }
        encoder.send_frame(&sound).map_err(MediaError::av(doing))?;
        take(&mut encoder, &mut packets);
    }
    encoder.send_eof().map_err(MediaError::av(doing))?;
    take(&mut encoder, &mut packets);
    Ok((Parameters::from(&*encoder), packets))
}

/// The base of [`encode_aac`]'s times.
pub(crate) fn aac_base() -> Rational {
    Rational(1, i32::try_from(OUT_RATE).unwrap_or(48_000))
}
