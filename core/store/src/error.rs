//! What can go wrong with rows and files, in words an operator can act on.

use camino::Utf8PathBuf;
use clipmill_domain::{JobId, RecordingId, Span, WallTime, post::BadTransition};

/// Any failure of the store. Never holds a secret: addresses are shown without password and query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database address cannot be understood.
    #[error("database address {url}: {why}")]
    BadUrl {
        /// The address, redacted.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database could not be opened.
    #[error("cannot open the database {url}: {hint}")]
    Open {
        /// The address, redacted.
        url: String,
        /// What is wrong and what to do.
        hint: String,
        /// What the driver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The tables could not be brought to this program's version.
    #[error("cannot bring the tables of {url} up to date: {source}")]
    Migrate {
        /// The address, redacted.
        url: String,
        /// What the migrator said.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("database: {statement}: {source}")]
    Statement {
        /// The beginning of the SQL text (it holds no values).
        statement: String,
        /// What the driver said.
        #[source]
        source: sqlx::Error,
    },
    /// A statement or a wait for a connection took too long.
    #[error("database: {statement}: no answer in time; is another transaction held open?")]
    Timeout {
        /// The beginning of the SQL text, or what was waited for.
        statement: String,
    },
    /// No space is left where the database or the library lies.
    #[error("{what}: the disk is full; free some space")]
    DiskFull {
        /// What was being written.
        what: String,
    },
    /// A row like it exists already (a unique constraint held).
    #[error("already there: {what}")]
    Duplicate {
        /// Which constraint.
        what: String,
    },
    /// No such row.
    #[error("no {what} {id}")]
    NotFound {
        /// The noun.
        what: &'static str,
        /// The id asked for.
        id: String,
    },
    /// Media was asked for that a retention rule took away. It does not come back.
    #[error(
        "recording {recording}: the media of {span} was removed on {removed_at} by a retention rule; \
         nothing can be cut from it any more"
    )]
    Removed {
        /// The recording.
        recording: RecordingId,
        /// The first part that is missing.
        span: Span,
        /// When it was removed.
        removed_at: WallTime,
    },
    /// This attempt no longer owns its job: another one took over. Throw the work away.
    #[error("job {job}: attempt {attempt} no longer owns it")]
    Fenced {
        /// The job.
        job: JobId,
        /// The attempt that came too late.
        attempt: i64,
    },
    /// The row changed between reading and writing. Try again from the start.
    #[error("{what} {id} was changed by another process; try again")]
    Conflict {
        /// The noun.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A rule forbids it.
    #[error("{why}")]
    Refused {
        /// Which rule, and what to do instead.
        why: String,
    },
    /// An event that the post's state does not allow.
    #[error("post {id}: {source}")]
    Transition {
        /// The post.
        id: String,
        /// State and event.
        #[source]
        source: BadTransition,
    },
    /// A stored value cannot be read back.
    #[error("stored {column} cannot be read: {why}; run `clipmill check`")]
    Corrupt {
        /// Column.
        column: &'static str,
        /// Why not.
        why: String,
    },
    /// A file operation failed.
    #[error("{action} {path}: {source}")]
    File {
        /// What was tried, for example `rename`.
        action: &'static str,
        /// On which file.
        path: Utf8PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The artifact library failed.
    #[error("library file {path}: {source}")]
    Library {
        /// Path inside the library.
        path: String,
        /// What the object store said.
        #[source]
        source: object_store::Error,
    },
    /// Not a path of the library.
    #[error("{path:?} is not a library path: use a relative path of plain names, like clips/<id>/draft.mp4")]
    BadPath {
        /// As given.
        path: String,
    },
    /// A secret cannot be sealed or opened.
    #[error("{why}")]
    Secret {
        /// Why, without the secret.
        why: String,
    },
}

impl StoreError {
    /// A failed file operation, told apart when the disk is full.
    pub(crate) fn file(action: &'static str, path: impl Into<Utf8PathBuf>, source: std::io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { what: format!("{action} {path}") }
            }
            _ => Self::File { action, path, source },
        }
    }

    /// A failed statement, told apart by what the caller can do about it.
    pub(crate) fn statement(sql: &str, source: sqlx::Error) -> Self {
        let statement = headline(sql);
        match &source {
            sqlx::Error::PoolTimedOut => Self::Timeout { statement },
            sqlx::Error::Database(db) if db.is_unique_violation() => {
                Self::Duplicate { what: db.message().to_owned() }
            }
            sqlx::Error::Database(db) => match db.code().as_deref() {
                // SQLite: full disk; PostgreSQL: disk_full.
                Some("13" | "53100") => Self::DiskFull { what: statement },
                // SQLite: busy (and its extended codes); PostgreSQL: query_canceled, lock_not_available.
                Some("5" | "261" | "517" | "773" | "57014" | "55P03") => Self::Timeout { statement },
                _ => Self::Statement { statement, source },
            },
            _ => Self::Statement { statement, source },
        }
    }

    /// Whether no space is left; the caller should stop writing rather than try again at once.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }
}

/// The first words of a statement: enough to find it, never a value (values are bound, not written).
fn headline(sql: &str) -> String {
    let words: Vec<&str> = sql.split_whitespace().take(7).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_other_file_errors() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap().write_all(b"x").unwrap_err();
        let error = StoreError::file("write", "clips/a", full);
        assert!(error.is_disk_full());
        assert_eq!(error.to_string(), "write clips/a: the disk is full; free some space");
        let missing = fs::File::open("/dev/no such file").unwrap_err();
        assert!(!StoreError::file("open", "x", missing).is_disk_full());
    }

    #[test]
    fn an_error_shows_the_statement_and_never_its_values() {
        let error =
            StoreError::statement("SELECT a FROM b\n   WHERE c = $1 AND d", sqlx::Error::WorkerCrashed);
        assert!(error.to_string().starts_with("database: SELECT a FROM b WHERE c =: "), "{error}");
    }
}
