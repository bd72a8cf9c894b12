//! Bringing the tables up to date: one folder of files that both databases understand.
//!
//! Our list of what ran is the table `clipmill_migrations`; the job engine, a guest in the same database, keeps
//! its own. Several processes start at once, so one at a time migrates: on SQLite inside one `BEGIN IMMEDIATE`
//! transaction, on PostgreSQL under sqlx's advisory lock.

use std::time::Duration;

use sqlx::{
    Connection, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use crate::{Db, StoreError};

/// Every file of `migrations/`, in order. A shipped file never changes.
const FILES: [(i64, &str, &str); 8] = [
    (1, "the road", include_str!("../migrations/0001_the_road.sql")),
    (2, "the works", include_str!("../migrations/0002_the_works.sql")),
    (3, "the recorder", include_str!("../migrations/0003_the_recorder.sql")),
    (4, "the transcript", include_str!("../migrations/0004_the_transcript.sql")),
    (5, "the transcript again", include_str!("../migrations/0005_the_transcript_again.sql")),
    (6, "what is said", include_str!("../migrations/0006_what_is_said.sql")),
    (7, "what people said of it", include_str!("../migrations/0007_what_people_said_of_it.sql")),
    (8, "on air", include_str!("../migrations/0008_on_air.sql")),
];

/// How long all migrations together may take.
const MIGRATE_SECONDS_MAX: u64 = 120;

/// Our own migrations.
pub(crate) fn ours() -> Migrator {
    let list = FILES
        .iter()
        .map(|&(version, name, text)| {
            Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(list);
    migrator.dangerous_set_table_name("clipmill_migrations");
    migrator
}

/// Runs what has not run yet. (`run_direct` rather than `run`: the compiler cannot see that the latter's future is
/// `Send`, and nobody who awaits it could then be spawned.)
pub(crate) async fn run(db: &Db, url_shown: &str, migrator: &Migrator) -> Result<(), StoreError> {
    let work = async {
        match db {
            Db::Sqlite(pools) => {
                let mut tx = pools.write.begin_with("BEGIN IMMEDIATE").await?;
                migrator.run_direct(None, &mut *tx, false).await?;
                tx.commit().await?;
            }
            Db::Postgres(pool) => {
                // A connection of its own, closed whatever happens: the advisory lock ends with it.
                let mut connection = pool.acquire().await?.detach();
                let ran = migrator.run_direct(None, &mut connection, false).await;
                connection.close().await?;
                ran?;
            }
        }
        Ok::<(), MigrateError>(())
    };
    let done = tokio::time::timeout(Duration::from_secs(MIGRATE_SECONDS_MAX), work).await;
    match done {
        Ok(Ok(())) => Ok(()),
        Ok(Err(MigrateError::VersionMissing(version))) => Err(StoreError::Refused {
            why: format!(
                "the tables of {url_shown} are newer than this program (migration {version}); run the newer program"
            ),
        }),
        Ok(Err(source)) => Err(StoreError::Migrate { url: url_shown.to_owned(), source }),
        Err(_) => Err(StoreError::Timeout { statement: "bring the tables up to date".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut on_disk: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap())
            .collect();
        let mut listed: Vec<String> = FILES.iter().map(|f| f.2.to_owned()).collect();
        on_disk.sort();
        listed.sort();
        assert_eq!(on_disk, listed);
    }
}
