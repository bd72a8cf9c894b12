//! Opening a database, with errors that say what is wrong and never show a password.

use std::{io, str::FromStr, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use sqlx::{
    Connection, PgConnection, SqliteConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{Db, SqlitePools, StoreError};

/// How long to wait for a free connection, for another process's lock, and for a server's answer.
const WAIT: Duration = Duration::from_secs(10);

/// Connections to PostgreSQL per process.
const POSTGRES_CONNECTIONS_MAX: u32 = 8;

/// Reading connections to SQLite per process.
const SQLITE_READERS_MAX: u32 = 4;

/// `url` without password and query.
pub(crate) fn redact(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    match url::Url::parse(url) {
        Ok(mut u) => {
            if u.password().is_some() && u.set_password(Some("***")).is_err() {
                return "(an address that cannot be shown)".to_owned();
            }
            u.set_query(None);
            u.set_fragment(None);
            u.into()
        }
        Err(_) => match url.split_once("://") {
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                format!("{scheme}://… (not readable as an address)")
            }
            _ => "(not readable as an address)".to_owned(),
        },
    }
}

/// Opens either kind.
pub(crate) async fn open(url: &str) -> Result<Db, StoreError> {
    if let Some(rest) = url.strip_prefix("sqlite:") {
        sqlite(url, rest).await
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        postgres(url).await
    } else {
        Err(StoreError::BadUrl {
            url: redact(url),
            why: "use sqlite:<path of a file> or postgres://user:password@host/database".to_owned(),
        })
    }
}

async fn sqlite(url: &str, rest: &str) -> Result<Db, StoreError> {
    let bad = |why: &str| StoreError::BadUrl { url: redact(url), why: why.to_owned() };
    let path = Utf8PathBuf::from(rest.strip_prefix("//").unwrap_or(rest));
    if path.as_str().is_empty() || path.as_str().contains(":memory:") || path.as_str().contains('?') {
        return Err(bad(
            "name a file, for example sqlite:/var/lib/clipmill/clipmill.db; no options after it",
        ));
    }
    if path.is_dir() {
        return Err(bad("this is a folder; name a file in it"));
    }
    if let Some(folder) = path.parent().filter(|f| !f.as_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| cannot_make_folder(url, folder, e))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .busy_timeout(WAIT)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(WAIT)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|connection, _| Box::pin(keep(connection)))
    };
    // Turning a new file to WAL takes a lock that SQLite does not wait for; another process may just be at it.
    let deadline = tokio::time::Instant::now() + WAIT;
    let write = loop {
        match pool(1).connect_with(options.clone()).await {
            Ok(write) => break write,
            Err(e) if is_busy(&e) && tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(e) => {
                let hint = sqlite_hint(&path, &e);
                return Err(StoreError::Open { url: redact(url), hint, source: e.into() });
            }
        }
    };
    let read = pool(SQLITE_READERS_MAX).connect_lazy_with(options.clone().pragma("query_only", "1"));
    let queue = pool(2).connect_lazy_with(options);
    Ok(Db::Sqlite(SqlitePools { write, read, queue }))
}

/// Whether a connection given back may be used again. SQLite itself undoes a transaction when the disk is full; the
/// driver does not notice, fails to undo it again, and from then on refuses to begin another one.
async fn keep(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    connection.ping().await?; // the undoing of a dropped transaction is done once this answers
    Ok(!connection.is_in_transaction())
}

fn cannot_make_folder(url: &str, folder: &Utf8Path, e: io::Error) -> StoreError {
    let hint = match e.kind() {
        io::ErrorKind::PermissionDenied => format!("no permission to create the folder {folder}"),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            format!("{folder} cannot be a folder: a file is in the way")
        }
        io::ErrorKind::StorageFull => format!("the disk of {folder} is full; free some space"),
        _ => format!("cannot create the folder {folder}: {e}"),
    };
    StoreError::Open { url: redact(url), hint, source: e.into() }
}

/// SQLite's primary result code.
fn sqlite_code(e: &sqlx::Error) -> Option<i32> {
    let code: i32 = e.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

fn is_busy(e: &sqlx::Error) -> bool {
    matches!(sqlite_code(e), Some(5 | 6))
}

fn sqlite_hint(path: &Utf8Path, e: &sqlx::Error) -> String {
    match sqlite_code(e) {
        Some(26) => format!("{path} is not a SQLite database; move it away or name another file"),
        Some(11) => format!("{path} is damaged; put a backup in its place"),
        Some(13) => format!("the disk of {path} is full; free some space"),
        Some(3 | 8 | 14 | 23) => {
            format!("no permission to read and write {path} and its folder; check their owner")
        }
        Some(5 | 6) => format!("{path} is locked by another program"),
        _ => format!("{path}: {e}"),
    }
}

async fn postgres(url: &str) -> Result<Db, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|e| StoreError::BadUrl { url: redact(url), why: e.to_string() })?
        .application_name("clipmill")
        .options([
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "60s"),
        ]);
    // The pool takes a refused connection for a server that is starting up and hides why it waits: ask once first.
    let first = tokio::time::timeout(WAIT, PgConnection::connect_with(&options)).await;
    let failed = match first {
        Ok(Ok(connection)) => {
            drop(connection.close().await);
            None
        }
        Ok(Err(e)) => Some(e),
        Err(_) => Some(sqlx::Error::PoolTimedOut),
    };
    if let Some(e) = failed {
        let hint = postgres_hint(&options, &e);
        return Err(StoreError::Open { url: redact(url), hint, source: e.into() });
    }
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS_MAX)
        .acquire_timeout(WAIT)
        .connect_lazy_with(options);
    Ok(Db::Postgres(pool))
}

fn postgres_hint(options: &PgConnectOptions, e: &sqlx::Error) -> String {
    let place = match options.get_socket() {
        Some(folder) => format!("the socket in {}", folder.display()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    match e {
        sqlx::Error::PoolTimedOut => format!("no answer from {place} within {} s", WAIT.as_secs()),
        sqlx::Error::Io(io) => match io.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
                format!("nothing listens at {place}; is PostgreSQL running?")
            }
            _ => format!("cannot reach {place}: {io}"),
        },
        sqlx::Error::Database(db) => match db.code().as_deref() {
            Some("28P01" | "28000") => "user or password is wrong".to_owned(),
            Some("3D000") => {
                format!("{}; create it with `createdb`", db.message())
            }
            _ => db.message().to_owned(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn no_address_shows_its_password() {
        for (given, shown) in [
            ("postgres://bob:hunter2@db.example/clips?sslkey=hunter2", "postgres://bob:***@db.example/clips"),
            ("postgres://bob@db.example/clips", "postgres://bob@db.example/clips"),
            ("postgres://bob:hun ter2@[oops/clips", "postgres://… (not readable as an address)"),
            ("hunter2", "(not readable as an address)"),
            ("sqlite:/srv/clipmill.db", "sqlite:/srv/clipmill.db"),
        ] {
            assert_eq!(redact(given), shown);
        }
    }
}
