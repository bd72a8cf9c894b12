//! What the tracks of an input are now: senders change their codec headers, with and without saying so.

use std::{sync::Arc, time::Instant};

use ffmpeg_next::{self as ff, Rescale, codec::packet::side_data};

use crate::{
    headers::{Headers, config_of},
    streams::{MICROS, Packet, Params, Stream, StreamKind, Streams},
};

/// Knows the tracks and the codec headers of a live input, packet by packet.
pub(crate) struct Learner {
    streams: Arc<Streams>,
    headers: Headers,
    clocks: [Clock; 2],
}

/// How long a picture without any time is shown: 40 ms, in microseconds.
const GUESSED_MICROS: i64 = 40_000;

/// For packets without a time: where the last one lay, in ticks of its track.
struct Clock {
    last: Option<i64>,
    step: i64,
    /// The container has no times at all.
    timeless: bool,
}

impl Clock {
    /// Gives a packet without any time the one after the last packet; whether it has one now.
    fn set(&mut self, packet: &mut ff::Packet) -> bool {
        if packet.pts().or(packet.dts()).is_none() {
            let step = if self.step > 0 { self.step } else { packet.duration().max(1) };
            let at = match self.last {
                Some(last) => last + step,
                None if self.timeless => 0,
                None => return false,
            };
            packet.set_pts(Some(at));
            packet.set_dts(Some(at));
        }
        let at = packet.dts().or(packet.pts());
        match (packet.duration(), at.zip(self.last)) {
            (n, _) if n > 0 => self.step = n,
            (_, Some((at, last))) if at > last => self.step = at - last,
            _ => {}
        }
        self.last = at;
        true
    }
}

impl Learner {
    /// `timeless` says that the container has no times at all.
    pub(crate) fn new(streams: Streams, timeless: bool) -> Self {
        let clock = |kind| {
            let base = streams.get(kind).map_or(MICROS, |s: &Stream| s.time_base);
            let step = if timeless { GUESSED_MICROS.rescale(MICROS, base) } else { 0 };
            Clock { last: None, step, timeless }
        };
        let clocks = [clock(StreamKind::Video), clock(StreamKind::Audio)];
        Self { headers: headers_of(&streams), streams: Arc::new(streams), clocks }
    }

    pub(crate) fn streams(&self) -> &Streams {
        &self.streams
    }

    /// A track that showed up after the opening is taken in if there was none of its kind.
    pub(crate) fn meet(&mut self, now: Streams) {
        let streams = Arc::make_mut(&mut self.streams);
        if streams.video.is_none() {
            streams.video = now.video;
            self.headers = headers_of(streams);
        }
        if streams.audio.is_none() {
            streams.audio = now.audio;
        }
    }

    /// Takes over what the packet says about its track. `None` when it has no time and none can be given to it.
    pub(crate) fn take(
        &mut self,
        kind: StreamKind,
        mut inner: ff::Packet,
        read_at: Instant,
    ) -> Option<Packet> {
        let stream = self.streams.get(kind)?;
        let time_base = stream.time_base;
        if kind == StreamKind::Audio && inner.duration() <= 0 {
            inner.set_duration(block_ticks(stream).unwrap_or(0));
        }
        if !self.clocks.get_mut(kind as usize)?.set(&mut inner) {
            return None;
        }
        let header = self.announced(kind, &inner).or_else(|| self.found_inside(kind, &inner));
        self.size_up(kind, &inner);
        Some(Packet { inner, kind, time_base, header, streams: Arc::clone(&self.streams), read_at })
    }

    /// A video track that came after the opening has no size before its first key frame.
    fn size_up(&mut self, kind: StreamKind, packet: &ff::Packet) {
        let unknown = |s: &Stream| s.params.size().0 == 0 || s.params.size().1 == 0;
        if kind == StreamKind::Video
            && packet.is_key()
            && self.streams.video.as_ref().is_some_and(unknown)
            && let Some(stream) = stream_mut(&mut self.streams, kind)
        {
            measure(stream, kind, packet);
        }
    }

    /// A codec header that the container handed over with the packet.
    fn announced(&mut self, kind: StreamKind, packet: &ff::Packet) -> Option<Vec<u8>> {
        let bytes = packet.side_data().find(|s| s.kind() == side_data::Type::NewExtraData)?.data().to_vec();
        if bytes.is_empty() {
            return None;
        }
        let stream = stream_mut(&mut self.streams, kind)?;
        if stream.params.extradata() != bytes {
            stream.params.set_extradata(&bytes);
            measure(stream, kind, packet);
            if kind == StreamKind::Video {
                self.headers = headers_of(&self.streams);
            }
        }
        Some(bytes)
    }

    /// A codec header inside the packet that is not the one known so far.
    fn found_inside(&mut self, kind: StreamKind, packet: &ff::Packet) -> Option<Vec<u8>> {
        let data = packet.data()?;
        if kind == StreamKind::Audio {
            if self.headers.audio_changed_by(data) {
                self.headers.forget_audio();
                self.headers.audio_changed_by(data);
                let stream = stream_mut(&mut self.streams, kind)?;
                stream.params.set_extradata(&[]);
                measure(stream, kind, packet);
            }
            return None;
        }
        if !packet.is_key() || !self.headers.changed_by(data, self.headers.is_empty()) {
            return None;
        }
        let stream = stream_mut(&mut self.streams, kind)?;
        let config = config_of(stream.params.id(), stream.params.extradata(), data);
        if let Some(config) = &config {
            stream.params.set_extradata(config);
        }
        measure(stream, kind, packet);
        self.headers.learn_video(data, headers_of(&self.streams));
        config
    }
}

/// How long a block of sound is, in ticks of its track. The demuxer does not know it yet when the first one comes.
fn block_ticks(stream: &Stream) -> Option<i64> {
    let samples = match (stream.params.frame_size(), stream.params.id()) {
        (0, ff::codec::Id::AAC) => 1024,
        (0, _) => return None,
        (samples, _) => samples,
    };
    let rate = i32::try_from(stream.params.sample_rate()).ok().filter(|r| *r > 0)?;
    Some(i64::from(samples).rescale(ff::Rational(1, rate), stream.time_base))
}

fn stream_mut(streams: &mut Arc<Streams>, kind: StreamKind) -> Option<&mut Stream> {
    let streams = Arc::make_mut(streams);
    match kind {
        StreamKind::Video => streams.video.as_mut(),
        StreamKind::Audio => streams.audio.as_mut(),
    }
}

fn headers_of(streams: &Streams) -> Headers {
    match &streams.video {
        Some(v) => Headers::of_video(v.params.id(), v.params.extradata()),
        None => Headers::of_video(ff::codec::Id::None, &[]),
    }
}

/// Learns size or rate of the track by decoding this packet; what cannot be decoded changes nothing.
fn measure(stream: &mut Stream, kind: StreamKind, packet: &ff::Packet) {
    let Ok(context) = ff::codec::Context::from_parameters(stream.params.clone()) else { return };
    match kind {
        StreamKind::Video => {
            let mut picture = ff::frame::Video::empty();
            let Ok(mut decoder) = context.decoder().video() else { return };
            let decoded = decoder.send_packet(packet).and_then(|()| decoder.send_eof());
            if decoded.and_then(|()| decoder.receive_frame(&mut picture)).is_ok() {
                stream.params.set_size(picture.width(), picture.height());
            }
        }
        StreamKind::Audio => {
            let mut sound = ff::frame::Audio::empty();
            let Ok(mut decoder) = context.decoder().audio() else { return };
            let decoded = decoder.send_packet(packet).and_then(|()| decoder.send_eof());
            if decoded.and_then(|()| decoder.receive_frame(&mut sound)).is_ok() && sound.rate() > 0 {
                stream.params.set_sound(sound.rate(), u32::from(sound.channels()));
            }
        }
    }
}
