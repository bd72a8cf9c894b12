//! Where rows and files live: SQLite in the data folder, or PostgreSQL, and the artifact library beside it.
//!
//! # One SQL text for two databases
//!
//! Every statement is written once and runs on both. That works because the schema keeps to what SQLite and
//! PostgreSQL share: `$1` placeholders, `TEXT` ids, `BIGINT` times, JSON in `TEXT`, `ON CONFLICT`,
//! `RETURNING`, partial indexes; no booleans, no clock functions (callers pass the time in), no generated ids.
//! The two drivers stay behind one macro ([`db`] has the only two `match`es on the driver), which expands the
//! same body for SQLite's and PostgreSQL's own connection type. sqlx's `Any` driver is not used: it loses types
//! and options of both. One test suite runs on both (module `testing`), so a statement that only one of them
//! understands fails there. [`migrate`] keeps one folder of migrations.
//!
//! # Rules
//!
//! - Reads are methods of [`Store`]; writes are functions of the noun's module and take a [`Tx`], so that what
//!   belongs together is committed together. Dropping a [`Tx`] rolls it back.
//! - On SQLite a [`Tx`] is `BEGIN IMMEDIATE` on the process's only write connection: writers queue, none fails
//!   half-way. Never hold one over slow work, and never ask for a second one while holding the first.
//!   On PostgreSQL a [`Tx`] is `READ COMMITTED`; whatever must not race is a conditional `UPDATE` or a unique
//!   constraint, never a read followed by a write.
//! - Every statement has a deadline: [`STATEMENT_SECONDS_MAX`].
//! - Files and rows: write a temporary file, [`Library::publish_file`] it (sync, rename, sync the folder), then
//!   insert the row. Delete through [`library::mark_garbage`]. [`check::check`] proves it.

pub mod audit;
pub mod changes;
pub mod check;
pub mod clips;
pub mod curves;
pub mod db;
mod error;
pub mod followers;
mod handover;
pub mod heads;
pub mod jobs;
pub mod labellings;
pub mod lexicon;
pub mod library;
pub mod migrate;
pub mod on_air;
mod open;
pub mod points;
pub mod posts;
pub mod processes;
pub mod recordings;
pub mod remixes;
pub mod retention;
pub mod revisions;
mod row;
pub mod scrub;
pub mod secret;
pub mod segments;
pub mod sources;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod utterances;

pub use db::{Db, STATEMENT_SECONDS_MAX, SqlitePools, Store, Tx};
pub use error::StoreError;
pub use library::{Artifact, Library};
