//! The two databases behind one face: pools, transactions, and the one macro that runs a statement on either.

use std::{future::Future, sync::Arc, time::Duration};

use camino::Utf8Path;
use sqlx::{
    PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction, migrate::Migrator,
};

use crate::{
    Library, StoreError, migrate, open,
    row::{Query, Row, Value},
    secret::Vault,
};

/// No statement runs, and nobody waits for one, longer than this many seconds.
pub const STATEMENT_SECONDS_MAX: u64 = 30;

/// The open database. Only the job engine, which keeps tables of its own, looks inside.
#[derive(Debug, Clone)]
pub enum Db {
    /// The embedded database: one file.
    Sqlite(SqlitePools),
    /// A PostgreSQL database.
    Postgres(PgPool),
}

/// The connections of one process to its SQLite file.
#[derive(Debug, Clone)]
pub struct SqlitePools {
    /// One connection; every [`Tx`] uses it.
    pub write: SqlitePool,
    /// Connections that cannot write.
    pub read: SqlitePool,
    /// For the job engine, so that it never waits behind a [`Tx`]. Opened at first use. Create its tables with
    /// [`Store::migrate_guest`], not with the engine's own setup, which switches syncing off for the whole file.
    pub queue: SqlitePool,
}

struct Inner {
    db: Db,
    library: Library,
    vault: Vault,
    url_shown: String,
}

/// The rows and files of one clipmill. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.inner.url_shown)
    }
}

/// A connection of either driver, borrowed for one statement.
enum Link<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// Expands `$body` once for each driver, with `$conn` that driver's connection, `$bound` the statement with its
/// values bound, and `$row` what makes a [`Row`] of its rows.
macro_rules! on_driver {
    ($link:expr, $query:expr, |$conn:ident, $bound:ident, $row:ident| $body:expr) => {
        match $link {
            Link::Sqlite($conn) => on_driver!(@one $query, $bound, $row, Row::Sqlite, $body),
            Link::Postgres($conn) => on_driver!(@one $query, $bound, $row, Row::Postgres, $body),
        }
    };
    (@one $query:expr, $bound:ident, $row:ident, $make:path, $body:expr) => {{
        let Query { sql, values } = $query;
        let mut $bound = sqlx::query(sql);
        for value in values {
            $bound = match value {
                Value::Text(text) => $bound.bind(text),
                Value::Int(int) => $bound.bind(int),
                Value::Real(real) => $bound.bind(real),
            };
        }
        let $row = $make;
        $body
    }};
}

impl Link<'_> {
    async fn rows(self, query: Query) -> Result<Vec<Row>, sqlx::Error> {
        on_driver!(self, query, |conn, bound, row| {
            Ok(bound.fetch_all(conn).await?.into_iter().map(row).collect())
        })
    }

    async fn affected(self, query: Query) -> Result<u64, sqlx::Error> {
        on_driver!(self, query, |conn, bound, row| {
            let _ = row;
            Ok(bound.execute(conn).await?.rows_affected())
        })
    }
}

/// `work` under the deadline of a statement.
async fn in_time<T>(sql: &str, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(Duration::from_secs(STATEMENT_SECONDS_MAX), work).await {
        Ok(done) => done.map_err(|e| StoreError::statement(sql, e)),
        Err(_) => Err(StoreError::statement(sql, sqlx::Error::PoolTimedOut)),
    }
}

impl Store {
    /// Opens `sqlite:<path>` or `postgres://…`, creates what is missing (folder, file, tables) and the library
    /// under `data_dir`. Several processes may do so at once.
    ///
    /// # Errors
    /// Names the address without its password, and what to do.
    pub async fn open(url: &str, data_dir: &Utf8Path) -> Result<Self, StoreError> {
        let library = Library::open(data_dir).await?;
        let vault = Vault::in_folder(data_dir);
        let db = open::open(url).await?;
        let url_shown = open::redact(url);
        migrate::run(&db, &url_shown, &migrate::ours()).await?;
        Ok(Self { inner: Arc::new(Inner { db, library, vault, url_shown }) })
    }

    /// Begins a write transaction; drop it to roll back. On SQLite, waits for the other writers.
    ///
    /// # Errors
    /// [`StoreError::Timeout`] when another transaction is held for 10 s or more.
    pub async fn begin(&self) -> Result<Tx<'_>, StoreError> {
        let link = in_time("begin a transaction", async {
            Ok(match &self.inner.db {
                Db::Sqlite(pools) => TxLink::Sqlite(pools.write.begin_with("BEGIN IMMEDIATE").await?),
                Db::Postgres(pool) => TxLink::Postgres(pool.begin().await?),
            })
        })
        .await?;
        Ok(Tx { link, store: self })
    }

    /// The artifact files.
    pub fn library(&self) -> &Library {
        &self.inner.library
    }

    /// The pools, for the job engine only.
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// The address of the database, fit to be shown.
    pub fn url_shown(&self) -> &str {
        &self.inner.url_shown
    }

    /// Runs the migrations of a guest (the job engine) that keeps its own tables here, one process at a time.
    /// The guest keeps its own list of what ran; ours is the table `clipmill_migrations`.
    pub async fn migrate_guest(&self, migrator: &Migrator) -> Result<(), StoreError> {
        migrate::run(&self.inner.db, &self.inner.url_shown, migrator).await
    }

    /// Closes every connection, waiting for those in use; for an orderly end of the process.
    pub async fn close(&self) {
        match &self.inner.db {
            Db::Sqlite(pools) => {
                pools.read.close().await;
                pools.queue.close().await;
                pools.write.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    pub(crate) async fn rows(&self, query: Query) -> Result<Vec<Row>, StoreError> {
        let sql = query.sql;
        in_time(sql, async {
            match &self.inner.db {
                Db::Sqlite(pools) => Link::Sqlite(&mut *pools.read.acquire().await?).rows(query).await,
                Db::Postgres(pool) => Link::Postgres(&mut *pool.acquire().await?).rows(query).await,
            }
        })
        .await
    }

    pub(crate) async fn row(&self, query: Query) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(query).await?.into_iter().next())
    }
}

enum TxLink<'a> {
    Sqlite(Transaction<'a, Sqlite>),
    Postgres(Transaction<'a, Postgres>),
}

/// A write transaction. Dropping it without [`Tx::commit`] undoes everything.
pub struct Tx<'a> {
    link: TxLink<'a>,
    store: &'a Store,
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tx({})", self.store.inner.url_shown)
    }
}

impl Tx<'_> {
    /// Makes everything written last.
    pub async fn commit(self) -> Result<(), StoreError> {
        in_time("commit", async {
            match self.link {
                TxLink::Sqlite(tx) => tx.commit().await,
                TxLink::Postgres(tx) => tx.commit().await,
            }
        })
        .await
    }

    fn link(&mut self) -> Link<'_> {
        match &mut self.link {
            TxLink::Sqlite(tx) => Link::Sqlite(&mut *tx),
            TxLink::Postgres(tx) => Link::Postgres(&mut *tx),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        self.store
    }

    pub(crate) async fn rows(&mut self, query: Query) -> Result<Vec<Row>, StoreError> {
        let sql = query.sql;
        in_time(sql, self.link().rows(query)).await
    }

    pub(crate) async fn row(&mut self, query: Query) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// How many rows it changed.
    pub(crate) async fn run(&mut self, query: Query) -> Result<u64, StoreError> {
        let sql = query.sql;
        in_time(sql, self.link().affected(query)).await
    }
}

/// A row limit as bound: at least 1, at most 1000.
pub(crate) fn bounded(limit: u32) -> i64 {
    i64::from(limit.clamp(1, 1000))
}
