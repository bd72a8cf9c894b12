//! What a check decides, given the facts: no IO in here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use clipmill_domain::WallTime;
use serde::Serialize;

use crate::library::StoredFile;

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// A row names a file that is not there.
    Missing {
        /// Library path.
        path: String,
        /// Which row.
        row: String,
    },
    /// A file is not as long as its row says.
    WrongSize {
        /// Library path.
        path: String,
        /// Which row.
        row: String,
        /// Bytes by the row.
        expected: i64,
        /// Bytes on disk.
        found: i64,
    },
    /// A file's content is not what was recorded.
    WrongHash {
        /// Library path.
        path: String,
        /// SHA-256 by the row.
        expected: String,
        /// SHA-256 of the file.
        found: String,
    },
    /// A file that no row names.
    Orphan {
        /// Library path.
        path: String,
        /// Bytes on disk.
        bytes: i64,
    },
    /// A row shows a file that is not recorded as an artifact, so it cannot be served.
    Unrecorded {
        /// Library path.
        path: String,
        /// Which row.
        row: String,
    },
    /// Two rows claim one file.
    Shared {
        /// Library path.
        path: String,
        /// The rows.
        rows: Vec<String>,
    },
    /// Numbers that should run 0, 1, 2 … do not.
    Numbering {
        /// What is numbered, for example `parts of recording …`.
        what: String,
        /// The number that should have come.
        expected: i64,
        /// The number that came.
        found: i64,
    },
    /// A part that begins before the one numbered before it.
    OutOfOrder {
        /// The recording.
        recording: String,
        /// Number of the part.
        seq: i64,
    },
    /// A row whose parent is gone.
    Dangling {
        /// Which row, of what.
        row: String,
    },
    /// What a recording says was removed of it is not what its parts say.
    Miscounted {
        /// The recording.
        recording: String,
        /// Removed parts by its own count.
        counted: i64,
        /// Parts that are marked as removed.
        found: i64,
    },
    /// A post that is live without the target's reference.
    Unproven {
        /// The post.
        post: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path, row } => write!(f, "{path}: missing, but {row} names it"),
            Self::WrongSize { path, row, expected, found } => {
                write!(f, "{path}: {found} bytes, but {row} says {expected}")
            }
            Self::WrongHash { path, expected, found } => {
                write!(f, "{path}: changed since it was made (SHA-256 {found}, recorded {expected})")
            }
            Self::Orphan { path, bytes } => write!(f, "{path}: {bytes} bytes that no row names"),
            Self::Unrecorded { path, row } => write!(f, "{path}: {row} shows it, but it is no artifact"),
            Self::Shared { path, rows } => write!(f, "{path}: claimed by {}", rows.join(" and ")),
            Self::Numbering { what, expected, found } => {
                write!(f, "{what}: number {found} where {expected} should be")
            }
            Self::OutOfOrder { recording, seq } => {
                write!(f, "recording {recording}: part {seq} begins before the part before it")
            }
            Self::Dangling { row } => write!(f, "{row}: its parent is gone"),
            Self::Miscounted { recording, counted, found } => {
                write!(
                    f,
                    "recording {recording}: counts {counted} removed parts where {found} are marked, or their bytes or times differ"
                )
            }
            Self::Unproven { post } => write!(f, "post {post}: live without a reference"),
        }
    }
}

/// A row that names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Library path.
    pub path: String,
    /// The length the row promises, where it does.
    pub bytes: Option<i64>,
    /// The row, in words.
    pub row: String,
}

/// Everything [`compare`] judges.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The files.
    pub files: Vec<StoredFile>,
    /// The rows that own a file.
    pub claims: Vec<Claim>,
    /// The rows that show an artifact: path and row, in words.
    pub shown: Vec<(String, String)>,
    /// Paths of the artifacts.
    pub artifacts: BTreeSet<String>,
    /// Paths waiting to be deleted.
    pub garbage: BTreeSet<String>,
    /// Ids of the recordings being made now.
    pub live: BTreeSet<String>,
}

/// Compares files with rows; also how many files are too young to be judged.
pub fn compare(evidence: &Evidence, now: WallTime, in_flight_millis: i64) -> (Vec<Problem>, u64) {
    let mut problems = Vec::new();
    let files: BTreeMap<&str, &StoredFile> = evidence.files.iter().map(|f| (f.path.as_str(), f)).collect();
    let mut owners: BTreeMap<&str, Vec<&Claim>> = BTreeMap::new();
    for claim in &evidence.claims {
        owners.entry(&claim.path).or_default().push(claim);
        let (path, row) = (claim.path.clone(), claim.row.clone());
        match (files.get(claim.path.as_str()), claim.bytes) {
            (None, _) => problems.push(Problem::Missing { path, row }),
            (Some(file), Some(expected)) if file.bytes != expected => {
                problems.push(Problem::WrongSize { path, row, expected, found: file.bytes });
            }
            (Some(_), _) => {}
        }
    }
    for (path, claims) in &owners {
        if claims.len() > 1 {
            let rows = claims.iter().map(|c| c.row.clone()).collect();
            problems.push(Problem::Shared { path: (*path).to_owned(), rows });
        }
    }
    for (path, row) in &evidence.shown {
        if !evidence.artifacts.contains(path) {
            problems.push(Problem::Unrecorded { path: path.clone(), row: row.clone() });
        }
    }
    let mut in_flight = 0;
    for file in &evidence.files {
        if owners.contains_key(file.path.as_str()) || evidence.garbage.contains(&file.path) {
            continue;
        }
        let being_written = file.path.strip_prefix("recordings/").is_some_and(|rest| {
            file.path.ends_with(".part")
                && rest.split('/').next().is_some_and(|id| evidence.live.contains(id))
        });
        if being_written || now.millis_since(file.modified_at) < in_flight_millis {
            in_flight += 1;
        } else {
            problems.push(Problem::Orphan { path: file.path.clone(), bytes: file.bytes });
        }
    }
    (problems, in_flight)
}

/// The first number of each gap or repeat in `numbers`, which are sorted and should run 0, 1, 2 ….
pub fn numbering(what: &str, numbers: &[i64]) -> Vec<Problem> {
    let mut expected = 0;
    let mut problems = Vec::new();
    for &found in numbers {
        if found != expected {
            problems.push(Problem::Numbering { what: what.to_owned(), expected, found });
        }
        expected = found + 1;
    }
    problems
}
