//! What can go wrong with media, said so that an operator knows what to do.

use std::{
    io,
    path::{Path, PathBuf},
};

use clipmill_domain::Span;

/// A failure of this room.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The bytes are not media that can be read.
    #[error(
        "{what} is not readable as media ({detail}): check that it is a whole audio or video file or stream"
    )]
    NotMedia {
        /// The file or host, never a secret.
        what: String,
        /// FFmpeg's words.
        detail: String,
    },
    /// The stream could not be opened.
    #[error("cannot open {what} ({detail}): check the address, that the stream is live, and the network")]
    Open {
        /// The host, never the whole URL.
        what: String,
        /// FFmpeg's words.
        detail: String,
    },
    /// Nothing came within the deadline.
    #[error("{what} sent nothing for {seconds:.1} s: the sender has stalled or is not live")]
    Stalled {
        /// The host.
        what: String,
        /// How long was waited.
        seconds: f64,
    },
    /// The connection broke while reading.
    #[error("the connection to {what} broke ({detail})")]
    Disconnected {
        /// The host.
        what: String,
        /// FFmpeg's words.
        detail: String,
    },
    /// The caller asked to stop.
    #[error("stopped on request")]
    Stopped,
    /// Readable, but in a form this program does not handle.
    #[error("{what} cannot be used: {detail}")]
    Unsupported {
        /// The file or host.
        what: String,
        /// What is wrong and what would be right.
        detail: String,
    },
    /// No video frame lies in the span.
    #[error("no video frame lies in {span}: choose a span inside the recording and outside its gaps")]
    NothingInSpan {
        /// The span asked for.
        span: Span,
    },
    /// The request itself is wrong.
    #[error("{0}")]
    BadRequest(String),
    /// A file could not be read or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// A verb: "write", "read", "rename".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// FFmpeg refused a step that should work.
    #[error("cannot {doing}: {detail}")]
    Av {
        /// A verb phrase.
        doing: String,
        /// FFmpeg's words.
        detail: String,
    },
}

impl MediaError {
    /// Whether the disk is full: the caller should stop admitting work rather than retry.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    pub(crate) fn av(doing: &str) -> impl FnOnce(ffmpeg_next::Error) -> Self {
        move |e| Self::Av { doing: doing.to_owned(), detail: e.to_string() }
    }

    /// An error of libav's about a file being written: full disks keep their name.
    pub(crate) fn writing(path: &Path) -> impl FnOnce(ffmpeg_next::Error) -> Self {
        move |e| match e {
            ffmpeg_next::Error::Other { errno } => Self::Io {
                doing: "write",
                path: path.to_owned(),
                source: io::Error::from_raw_os_error(errno),
            },
            e => Self::Av { doing: format!("write {}", path.display()), detail: e.to_string() },
        }
    }
}

/// A path as text for FFmpeg, refused when it cannot be said to C.
pub(crate) fn path_text(path: &Path) -> Result<&str, MediaError> {
    path.to_str().filter(|s| !s.contains('\0') && !s.is_empty()).ok_or_else(|| {
        MediaError::BadRequest(format!("the path {} must be UTF-8 without NUL", path.display()))
    })
}
