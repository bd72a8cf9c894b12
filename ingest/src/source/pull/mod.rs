//! Addresses that we pull: anything FFmpeg opens, under deadlines.

mod folder;
mod options;
pub mod playlist;
pub(crate) mod request;
pub mod resolver;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use clipmill_domain::{recording::EndReason, source::AudioChoice};
use clipmill_media::{Input, InputFrom, MediaError, OpenOptions};
use clipmill_store::sources::Header;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

pub use folder::{FolderFile, natural, scan};

/// How long connecting and finding the tracks may take.
const OPEN: Duration = Duration::from_secs(10);

/// FFmpeg's names of the containers that are taken. It also knows some that find "media" in any text file.
const CONTAINERS: &str = "mov,mp4,matroska,webm,flv,live_flv,mpegts,mpeg,hls,rtsp,sdp,rtp,avi,ogg,aac,mp3,ac3,wav,flac,h264,hevc,webvtt";

/// Endings of media files: what is played of a folder, and what on a web server is a finished file. A `.ts` or
/// `.flv` address may as well be a live.
const FILE_ENDINGS: [&str; 14] =
    ["mp4", "mov", "m4v", "mkv", "webm", "avi", "mpg", "mpeg", "mp3", "m4a", "aac", "wav", "flac", "ogg"];

/// Endings that mean a media file on this machine only.
const LOCAL_ENDINGS: [&str; 4] = ["flv", "ts", "mts", "m2ts"];

/// What kind of thing a pull source's URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullKind {
    /// A file on this machine.
    LocalFile,
    /// A finished media file elsewhere: its end is the end.
    RemoteFile,
    /// An HLS playlist: live as long as it has no end mark.
    Playlist,
    /// A stream that only ever breaks off.
    Stream,
}

impl PullKind {
    /// From the URL or path as configured.
    pub fn of(url: &str) -> Self {
        let Ok(parsed) = Url::parse(url) else { return Self::LocalFile };
        let path = parsed.path().to_ascii_lowercase();
        let ending = path.rsplit_once('.').map_or("", |(_, e)| e);
        match parsed.scheme() {
            "file" => Self::LocalFile,
            "http" | "https" if matches!(ending, "m3u8" | "m3u") => Self::Playlist,
            "http" | "https" if FILE_ENDINGS.contains(&ending) => Self::RemoteFile,
            _ => Self::Stream,
        }
    }

    /// Whether every opening plays from the beginning.
    pub fn from_start(self) -> bool {
        matches!(self, Self::LocalFile | Self::RemoteFile)
    }

    /// What the end of input means. `end_mark`: whether an HLS playlist carries one.
    pub fn at_end(self, end_mark: bool) -> EndReason {
        match self {
            Self::LocalFile | Self::RemoteFile => EndReason::Finished,
            Self::Playlist if end_mark => EndReason::Finished,
            Self::Playlist | Self::Stream => EndReason::Disconnected,
        }
    }

    /// Whether a failure to open it is final: what a local file holds does not change by waiting.
    pub fn failure_is_final(self) -> bool {
        self == Self::LocalFile
    }

    /// How long reads may be silent when streams in general may for `stall`. Packets of HLS come a segment at a
    /// time: a new one is due after up to one and a half times the playlist's `target` duration. A file on a web
    /// server is asked for again from where it broke, inside one read.
    pub fn silence(self, stall: Duration, target: Option<Duration>) -> Duration {
        match self {
            Self::Playlist => stall.max(target.map_or(stall, |t| t * 3 / 2 + Duration::from_secs(2))),
            Self::RemoteFile => stall.max(Duration::from_secs(60)),
            Self::LocalFile | Self::Stream => stall,
        }
    }
}

/// Where to pull from, with what belongs to the request. All of it may be secret.
#[derive(Debug, Clone)]
pub struct Address {
    /// URL or path.
    pub url: SecretString,
    /// Request headers, for http(s).
    pub headers: Vec<Header>,
}

impl Address {
    /// What kind of thing it names.
    pub fn kind(&self) -> PullKind {
        PullKind::of(self.url.expose_secret())
    }

    /// The path, if it is one of this machine.
    pub fn local_path(&self) -> Option<PathBuf> {
        let url = self.url.expose_secret();
        (self.kind() == PullKind::LocalFile)
            .then(|| Url::parse(url).ok().and_then(|u| u.to_file_path().ok()).unwrap_or_else(|| url.into()))
    }
}

/// How an address is opened.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What streams in general may be silent for.
    pub stall: Duration,
    /// No packet for so long is an error of the reads.
    pub silence: Duration,
    /// Where in a live playlist to begin, in segments from its end (below zero).
    pub begin: Option<i64>,
    /// The audio track to take.
    pub audio: AudioChoice,
}

/// Opens what `address` names. Setting `stop` ends any wait. Errors name the host or file, never the whole address.
pub fn open(address: &Address, terms: &Terms, stop: Arc<AtomicBool>) -> Result<Input, MediaError> {
    let Terms { stall, silence, begin, .. } = *terms;
    let local = address.local_path();
    let from = match &local {
        Some(path) => {
            check_file(path)?;
            path.to_str()
                .map(str::to_owned)
                .ok_or_else(|| MediaError::BadRequest("the path is not UTF-8".into()))?
        }
        None => address.url.expose_secret().to_owned(),
    };
    let options = OpenOptions {
        // A server that accepts and never answers is given up like one that goes silent.
        open_deadline: if local.is_some() { OPEN * 3 } else { OPEN.min(stall.max(OPEN / 2)) },
        read_deadline: silence,
        format: Some(CONTAINERS.to_owned()),
        audio_track: crate::source::audio_track(&terms.audio),
        options: if local.is_some() { vec![] } else { options::of(address, stall, begin) },
    };
    Input::open(InputFrom::Url(from), &options, stop).map_err(|error| match error {
        // The file is there: what cannot be opened is what is in it.
        MediaError::Open { what, detail } if local.is_some() => MediaError::NotMedia { what, detail },
        other => other,
    })
}

/// Whether the server said that this address is not, or no longer, to be had: 403, 404, 410 and their like.
pub fn is_refused(error: &MediaError) -> bool {
    matches!(error, MediaError::Open { detail, .. } | MediaError::NotMedia { detail, .. }
        if detail.contains("Server returned 4"))
}

/// Whether no server could be reached at all.
pub fn is_unreachable(error: &MediaError) -> bool {
    let words = ["Connection refused", "No route to host", "unreachable", "Connection timed out"];
    matches!(error, MediaError::Open { detail, .. } if words.iter().any(|w| detail.contains(w)))
}

fn check_file(path: &Path) -> Result<(), MediaError> {
    let what = path.file_name().map_or_else(|| "the file".to_owned(), |n| n.to_string_lossy().into_owned());
    let bad = |detail: String| Err(MediaError::NotMedia { what: what.clone(), detail });
    match std::fs::metadata(path) {
        Err(e) => bad(e.to_string()),
        Ok(m) if !m.is_file() => bad("it is not a file".into()),
        Ok(m) if m.len() == 0 => bad("it is empty".into()),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_apart() {
        for (url, kind) in [
            ("/media/show.mp4", PullKind::LocalFile),
            ("file:///media/show.mp4", PullKind::LocalFile),
            ("https://cdn.example/live.m3u8?sign=1", PullKind::Playlist),
            ("https://cdn.example/a/show.MP4?x=1", PullKind::RemoteFile),
            ("http://cdn.example/live/room.flv", PullKind::Stream),
            ("http://cdn.example/live/room.ts", PullKind::Stream),
            ("rtmp://cdn.example/live/room.mp4", PullKind::Stream),
            ("rtsp://cdn.example/cam", PullKind::Stream),
            ("srt://cdn.example:9000?mode=caller", PullKind::Stream),
        ] {
            assert_eq!(PullKind::of(url), kind, "{url}");
        }
    }

    #[test]
    fn only_a_declared_end_of_a_playlist_is_an_end() {
        assert_eq!(PullKind::Playlist.at_end(true), EndReason::Finished);
        assert_eq!(PullKind::Playlist.at_end(false), EndReason::Disconnected);
        assert_eq!(PullKind::Stream.at_end(true), EndReason::Disconnected);
        assert_eq!(PullKind::RemoteFile.at_end(false), EndReason::Finished);
    }

    #[test]
    fn long_segments_are_no_stall_and_short_ones_are_seen_in_time() {
        let s = Duration::from_secs;
        let silence = |target: u64| PullKind::Playlist.silence(s(8), Some(s(target)));
        assert_eq!([silence(2), silence(4)], [s(8), s(8)]);
        for target in [6, 8, 10] {
            assert!(silence(target) > s(target) * 3 / 2, "the next segment is not due before");
        }
        assert_eq!(PullKind::Playlist.silence(s(8), None), s(8));
        assert_eq!(PullKind::Stream.silence(s(8), Some(s(10))), s(8));
    }

    #[test]
    fn a_missing_file_is_named_without_its_folder() {
        let address = Address { url: SecretString::from("/secret-folder/show.mp4"), headers: vec![] };
        let terms = Terms { stall: OPEN, silence: OPEN, begin: None, audio: AudioChoice::First };
        let opened = open(&address, &terms, Arc::default());
        let error = opened.err().expect("there is no such file").to_string();
        assert!(error.contains("show.mp4") && !error.contains("secret-folder"), "{error}");
    }

    #[test]
    fn a_server_that_is_not_there_is_told_from_one_that_answers() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let address =
            |scheme: &str| Address { url: format!("{scheme}://{addr}/live/a").into(), headers: vec![] };
        let terms = Terms { stall: OPEN, silence: OPEN, begin: None, audio: AudioChoice::First };
        let failed =
            |scheme: &str| open(&address(scheme), &terms, Arc::default()).err().expect("it gives no media");
        // It hangs up.
        let server = std::thread::spawn(move || drop(listener.accept()));
        assert!(!is_unreachable(&failed("http")));
        server.join().unwrap();
        for scheme in ["http", "rtmp", "rtsp"] {
            let error = failed(scheme);
            assert!(is_unreachable(&error), "{error}");
        }
    }
}
