//! Addresses that we pull: anything FFmpeg opens, under deadlines.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use clipmill_domain::recording::EndReason;
use clipmill_media::{Input, InputFrom, MediaError, OpenOptions};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// How long connecting and finding the tracks may take.
const OPEN: Duration = Duration::from_secs(12);

/// FFmpeg's names of the containers that are taken. It also knows some that find "media" in any text file.
const CONTAINERS: &str = "mov,mp4,matroska,webm,flv,live_flv,mpegts,mpeg,hls,rtsp,sdp,rtp,avi,ogg,aac,mp3,ac3,wav,flac,h264,hevc,webvtt";

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
        let ends = |suffixes: &[&str]| suffixes.iter().any(|s| path.ends_with(s));
        match parsed.scheme() {
            "file" => Self::LocalFile,
            "http" | "https" if ends(&[".m3u8", ".m3u"]) => Self::Playlist,
            "http" | "https" if ends(&[".mp4", ".mov", ".m4v", ".mkv", ".webm"]) => Self::RemoteFile,
            _ => Self::Stream,
        }
    }

    /// Whether every opening plays from the beginning.
    pub fn from_start(self) -> bool {
        matches!(self, Self::LocalFile | Self::RemoteFile)
    }

    /// What the end of input means.
    pub fn at_end(self) -> EndReason {
        match self {
            Self::LocalFile | Self::RemoteFile | Self::Playlist => EndReason::Finished,
            Self::Stream => EndReason::Disconnected,
        }
    }

    /// Whether a failure to open it is final: what a local file holds does not change by waiting.
    pub fn failure_is_final(self) -> bool {
        self == Self::LocalFile
    }
}

/// Opens what `url` names. No packet for `stall` is an error of the reads that follow. Setting `stop` ends any
/// wait. Errors name the host or file, never the whole address.
pub fn open(
    url: &SecretString,
    kind: PullKind,
    stall: Duration,
    stop: Arc<AtomicBool>,
) -> Result<Input, MediaError> {
    let url = url.expose_secret();
    let format = Some(CONTAINERS.to_owned());
    let mut options =
        OpenOptions { open_deadline: OPEN, read_deadline: stall, format, ..OpenOptions::default() };
    let address = if kind == PullKind::LocalFile {
        let path = Url::parse(url).ok().and_then(|u| u.to_file_path().ok()).unwrap_or_else(|| url.into());
        check_file(&path)?;
        path.to_str()
            .map(str::to_owned)
            .ok_or_else(|| MediaError::BadRequest("the path is not UTF-8".into()))?
    } else {
        if url.starts_with("rtsp") {
            options.options.push(("rtsp_transport".into(), "tcp".into()));
        }
        url.to_owned()
    };
    Input::open(InputFrom::Url(address), &options, stop).map_err(|error| match error {
        // The file is there: what cannot be opened is what is in it.
        MediaError::Open { what, detail } if kind == PullKind::LocalFile => {
            MediaError::NotMedia { what, detail }
        }
        other => other,
    })
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
            ("rtmp://cdn.example/live/room", PullKind::Stream),
            ("srt://cdn.example:9000?mode=caller", PullKind::Stream),
        ] {
            assert_eq!(PullKind::of(url), kind, "{url}");
        }
    }

    #[test]
    fn a_missing_file_is_named_without_its_folder() {
        let url = SecretString::from("/secret-folder/show.mp4");
        let opened = open(&url, PullKind::LocalFile, OPEN, Arc::default());
        let error = opened.err().expect("there is no such file").to_string();
        assert!(error.contains("show.mp4") && !error.contains("secret-folder"), "{error}");
    }
}
