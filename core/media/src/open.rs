//! A live connection or byte stream, demuxed, with a deadline on every wait.

use std::{
    collections::VecDeque,
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clipmill_domain::recording::Tracks;
use ffmpeg_next::{self as ff, Dictionary, format::context::StreamIo};

use crate::{
    announced::{METADATA_OPTION, awaits_pictures, has_pictures},
    audio_track::{AudioTrack, AudioTrackInfo, audio_tracks, choose},
    error::MediaError,
    flv_codec::refused_codec,
    learn::Learner,
    streams::{Packet, StreamKind, Streams},
};

/// Packets kept while pictures are waited for; as many as come in half a minute of sound.
const HELD_PACKETS_MAX: usize = 2048;

/// How long promised pictures are waited for at most.
const PICTURES_WAIT: Duration = Duration::from_secs(10);

/// How long to wait, and what to tell FFmpeg.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// For connecting and finding the tracks together. Pictures that are promised are waited for up to here.
    pub open_deadline: Duration,
    /// For each packet after that.
    pub read_deadline: Duration,
    /// Accept this container only (FFmpeg's name, for example `flv`); `None` accepts any.
    pub format: Option<String>,
    /// FFmpeg options by name; they win over this room's defaults.
    pub options: Vec<(String, String)>,
    /// Which of several audio tracks is taken.
    pub audio_track: AudioTrack,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            open_deadline: Duration::from_secs(10),
            read_deadline: Duration::from_secs(8),
            format: None,
            options: vec![],
            audio_track: AudioTrack::First,
        }
    }
}

/// Where the bytes come from.
pub enum InputFrom {
    /// An address or a file path. A secret: never logged, errors name the host only.
    Url(String),
    /// Bytes pushed to us.
    Reader {
        /// Read on the thread that reads the input. While nothing comes it must answer `Interrupted` at least every
        /// half second: that is when deadlines and `stop` are looked at.
        reader: Box<dyn Read + Send>,
        /// The container, by file extension: `flv`, `ts`, `mp4`.
        format: &'static str,
    },
}

/// The instant by which libav must be back, shared with its interrupt callback.
#[derive(Clone)]
struct Deadline {
    born: Instant,
    due_ms: Arc<AtomicU64>,
    missed: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Deadline {
    fn new(stop: Arc<AtomicBool>) -> Self {
        let due_ms = Arc::new(AtomicU64::new(u64::MAX));
        Self { born: Instant::now(), due_ms, missed: Arc::default(), stop }
    }

    fn renew(&self, wait: Duration) {
        let due = (self.born.elapsed() + wait).as_millis();
        self.due_ms.store(u64::try_from(due).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn over(&self) -> bool {
        if self.stop.load(Ordering::Relaxed) {
            return true;
        }
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        let late = now > self.due_ms.load(Ordering::Relaxed);
        if late {
            self.missed.store(true, Ordering::Relaxed);
        }
        late
    }
}

/// An open input. Dropping it closes the connection.
pub struct Input {
    context: ff::format::context::Input,
    deadline: Deadline,
    read_deadline: Duration,
    shown: String,
    audio_track: AudioTrack,
    learner: Learner,
    tracks_seen: usize,
    corrupt: u64,
    /// The container gives every packet's length, so a damaged one is one that broke off.
    says_lengths: bool,
    /// Read while pictures were waited for.
    held: VecDeque<(ff::Packet, Instant)>,
}

impl Input {
    /// Connects, finds the tracks and refuses what cannot be recorded.
    ///
    /// Ends within `open_deadline` (and one `read_deadline`, where promised pictures do not come), or soon after
    /// `stop` is set. Errors: [`MediaError::Stalled`],
    /// [`MediaError::Stopped`], [`MediaError::Open`], [`MediaError::NotMedia`], [`MediaError::Unsupported`].
    pub fn open(from: InputFrom, options: &OpenOptions, stop: Arc<AtomicBool>) -> Result<Self, MediaError> {
        crate::init();
        let deadline = Deadline::new(stop);
        deadline.renew(options.open_deadline);
        let watch = deadline.clone();
        let interrupt = move || watch.over();
        let (shown, opened) = match from {
            InputFrom::Url(url) => {
                let shown = host_of(&url);
                if url.is_empty() || url.contains('\0') {
                    return Err(MediaError::BadRequest("the address is empty or holds a NUL".into()));
                }
                let dict = dictionary(options, Some(&url));
                (shown, ff::format::input_with_interrupt_and_dictionary(&url, interrupt, dict))
            }
            InputFrom::Reader { reader, format } => {
                let shown = format!("the pushed {format} stream");
                let io = StreamIo::from_read(reader).map_err(MediaError::av("make a reader"))?;
                let name = format!("pushed.{format}");
                let dict = dictionary(options, None);
                let opened =
                    ff::format::input_from_stream_with_interrupt(io, Some(&name), Some(dict), interrupt);
                (shown, opened)
            }
        };
        let mut context = opened.map_err(|e| explain(e, &deadline, deadline.born.elapsed(), &shown, true))?;
        let opened_ms = deadline.born.elapsed().as_millis();
        let held = wait_for_pictures(&mut context, &deadline, options);
        let pictures_ms = deadline.born.elapsed().as_millis() - opened_ms;
        tracing::debug!(input = shown, opened_ms, pictures_ms, "opened");
        let audio = choose(&context, &options.audio_track, &shown);
        let streams = Streams::of(&context, audio);
        if let Err(error) = streams.check(&shown) {
            return Err(refused_codec(&mut context, &shown).unwrap_or(error));
        }
        let tracks_seen = context.nb_streams() as usize;
        let read_deadline = options.read_deadline;
        let audio_track = options.audio_track.clone();
        let timeless = context.streams().all(|s| s.start_time() == ff::ffi::AV_NOPTS_VALUE);
        let learner = Learner::new(streams, timeless);
        let says_lengths = matches!(context.format().name(), "flv" | "live_flv");
        Ok(Self {
            context,
            deadline,
            read_deadline,
            shown,
            audio_track,
            learner,
            tracks_seen,
            corrupt: 0,
            says_lengths,
            held,
        })
    }

    /// The codec facts as they are now.
    pub fn tracks(&self) -> Tracks {
        self.streams().tracks()
    }

    /// Every audio track there is.
    pub fn audio_tracks(&self) -> Vec<AudioTrackInfo> {
        audio_tracks(&self.context)
    }

    /// The tracks as they are now: after a change of format, what the next [`crate::PartWriter`] needs.
    pub fn streams(&self) -> &Streams {
        self.learner.streams()
    }

    /// The host, or "the pushed flv stream"; free of secrets.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Packets that the container itself declared damaged, so far. They are passed on all the same, but for one that
    /// broke off in the middle in a container that tells.
    pub fn corrupt_packets(&self) -> u64 {
        self.corrupt
    }

    /// The next packet of the chosen tracks; `None` at the end of the stream.
    ///
    /// Ends within `read_deadline`. Errors: [`MediaError::Stalled`], [`MediaError::Stopped`],
    /// [`MediaError::Disconnected`].
    pub fn read_packet(&mut self) -> Result<Option<Packet>, MediaError> {
        self.deadline.renew(self.read_deadline);
        loop {
            let (inner, read_at) = match self.held.pop_front() {
                Some(held) => held,
                None => match self.read()? {
                    Some(inner) => (inner, Instant::now()),
                    None => return Ok(None),
                },
            };
            if self.context.nb_streams() as usize > self.tracks_seen {
                self.tracks_seen = self.context.nb_streams() as usize;
                let audio = choose(&self.context, &self.audio_track, &self.shown);
                self.learner.meet(Streams::of(&self.context, audio));
            }
            let kind = match inner.stream() {
                i if self.streams().video.as_ref().is_some_and(|s| s.index == i) => StreamKind::Video,
                i if self.streams().audio.as_ref().is_some_and(|s| s.index == i) => StreamKind::Audio,
                _ if self.deadline.over() => {
                    let over = ff::Error::Exit;
                    return Err(explain(over, &self.deadline, self.read_deadline, &self.shown, false));
                }
                _ => continue,
            };
            if inner.is_corrupt() {
                self.corrupt += 1;
                if self.says_lengths {
                    continue;
                }
            }
            if let Some(packet) = self.learner.take(kind, inner, read_at) {
                return Ok(Some(packet));
            }
        }
    }

    /// The next packet of any track; `None` at the end.
    fn read(&mut self) -> Result<Option<ff::Packet>, MediaError> {
        loop {
            let mut inner = ff::Packet::empty();
            let Err(error) = inner.read(&mut self.context) else { return Ok(Some(inner)) };
            let passing =
                matches!(error, ff::Error::InvalidData | ff::Error::Other { errno: ff::error::EAGAIN });
            match error {
                // A playlist that is interrupted ends like one that is over.
                ff::Error::Eof if !self.deadline.over() => return Ok(None),
                _ if passing && !self.deadline.over() => {}
                e => return Err(explain(e, &self.deadline, self.read_deadline, &self.shown, false)),
            }
        }
    }
}

/// Reads on until the pictures come that the input promises; not beyond the open deadline. A recording that began
/// with sound alone would have to begin again with them. What was read is given back; an error shows again at the
/// next read.
fn wait_for_pictures(
    context: &mut ff::format::context::Input,
    deadline: &Deadline,
    options: &OpenOptions,
) -> VecDeque<(ff::Packet, Instant)> {
    let mut held = VecDeque::new();
    if !awaits_pictures(context) {
        return held;
    }
    tracing::debug!("there is sound, and pictures are promised: waiting for them");
    let wait = options.open_deadline.min(PICTURES_WAIT);
    while !has_pictures(context) && deadline.born.elapsed() < wait && held.len() < HELD_PACKETS_MAX {
        // Not cut short in the middle of a packet: the stream goes on after it.
        deadline.renew(options.read_deadline);
        let mut packet = ff::Packet::empty();
        match packet.read(context) {
            Ok(()) => held.push_back((packet, Instant::now())),
            Err(ff::Error::Other { errno: ff::error::EAGAIN }) if !deadline.over() => {}
            Err(_) => break,
        }
    }
    held
}

/// Scheme and host of an address, or the file name of a path: what may be shown.
fn host_of(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}")
        }
        None => url.rsplit('/').next().unwrap_or("the file").to_owned(),
    }
}

fn dictionary(options: &OpenOptions, url: Option<&str>) -> Dictionary<'static> {
    let mut dict = Dictionary::new();
    dict.set("analyzeduration", "1500000");
    dict.set("probesize", "2000000");
    // Not held up to learn the frame rate, for which libavformat reads up to 40 pictures: nothing here asks for it.
    dict.set("fpsprobesize", "0");
    dict.set(METADATA_OPTION, "1");
    if let Some(format) = &options.format {
        dict.set("format_whitelist", format);
    }
    if let Some(url) = url {
        // A playlist from the net must not be able to read local files, nor a local file reach the net.
        let remote = url.contains("://") && !url.starts_with("file://");
        let allowed = "http,https,tcp,tls,rtmp,rtmps,rtmpt,rtmpts,rtsp,rtp,udp,srt,hls,crypto,data";
        dict.set("protocol_whitelist", if remote { allowed } else { "file,crypto,data" });
        if remote {
            dict.set("rw_timeout", &options.read_deadline.as_micros().to_string());
        }
    }
    for (name, value) in &options.options {
        dict.set(name, value);
    }
    dict
}

/// Puts libav's error into the operator's words.
fn explain(e: ff::Error, deadline: &Deadline, waited: Duration, shown: &str, opening: bool) -> MediaError {
    let what = shown.to_owned();
    if deadline.stop.load(Ordering::Relaxed) {
        return MediaError::Stopped;
    }
    let timed_out = matches!(e, ff::Error::Other { errno: ff::error::ETIMEDOUT });
    if deadline.missed.load(Ordering::Relaxed) || timed_out {
        return MediaError::Stalled { what, seconds: waited.as_secs_f64() };
    }
    let detail = e.to_string();
    match e {
        ff::Error::InvalidData | ff::Error::Eof | ff::Error::DemuxerNotFound if opening => {
            MediaError::NotMedia { what, detail }
        }
        _ if opening => MediaError::Open { what, detail },
        _ => MediaError::Disconnected { what, detail },
    }
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn only_the_host_of_an_address_is_shown() {
        assert_eq!(
            host_of("rtmp://user:pw@live.example:1935/app/secret?token=1"),
            "rtmp://live.example:1935"
        );
        assert_eq!(host_of("https://a.example?key=1"), "https://a.example");
        assert_eq!(host_of("/srv/lives/show.mp4"), "show.mp4");
    }
}
