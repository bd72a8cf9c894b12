//! Whether anything changed: cheap enough to ask every second.

use crate::{
    Store, StoreError,
    row::{Row, sql},
};

/// How many rows of a table there are, and how often they were written in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// Rows.
    pub rows: i64,
    /// Insertions and updates of those rows.
    pub revisions: i64,
}

/// Two equal marks: nothing changed between. New parts of a live recording do not count as a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeMark {
    /// Clips.
    pub clips: Mark,
    /// Remixes.
    pub remixes: Mark,
    /// Posts.
    pub posts: Mark,
    /// Recordings, with their epochs.
    pub recordings: Mark,
    /// Sources, with their products.
    pub sources: Mark,
}

impl ChangeMark {
    /// The names of what differs from `earlier`: `clips`, `remixes`, `posts`, `recordings`, `sources`.
    pub fn changed_since(&self, earlier: &Self) -> Vec<&'static str> {
        [
            ("clips", self.clips == earlier.clips),
            ("remixes", self.remixes == earlier.remixes),
            ("posts", self.posts == earlier.posts),
            ("recordings", self.recordings == earlier.recordings),
            ("sources", self.sources == earlier.sources),
        ]
        .into_iter()
        .filter_map(|(name, same)| (!same).then_some(name))
        .collect()
    }
}

fn mark(rows: &[Row], noun: &str) -> Result<Mark, StoreError> {
    for row in rows {
        if row.text("noun")? == noun {
            return Ok(Mark { rows: row.int("total")?, revisions: row.int("revisions")? });
        }
    }
    Ok(Mark::default())
}

impl Store {
    /// The present mark.
    pub async fn change_mark(&self) -> Result<ChangeMark, StoreError> {
        let rows = self
            .rows(sql(
                "SELECT 'clips' AS noun, COUNT(*) AS total, CAST(COALESCE(SUM(revision), 0) AS BIGINT) AS revisions
                     FROM clips
                 UNION ALL
                 SELECT 'remixes', COUNT(*), CAST(COALESCE(SUM(revision), 0) AS BIGINT) FROM remixes
                 UNION ALL
                 SELECT 'posts', COUNT(*), CAST(COALESCE(SUM(revision), 0) AS BIGINT) FROM posts
                 UNION ALL
                 SELECT 'recordings', COUNT(*), CAST(COALESCE(SUM(revision), 0) AS BIGINT) FROM recordings
                 UNION ALL
                 SELECT 'sources', COUNT(*), CAST(COALESCE(SUM(revision), 0) AS BIGINT) FROM sources",
            ))
            .await?;
        Ok(ChangeMark {
            clips: mark(&rows, "clips")?,
            remixes: mark(&rows, "remixes")?,
            posts: mark(&rows, "posts")?,
            recordings: mark(&rows, "recordings")?,
            sources: mark(&rows, "sources")?,
        })
    }
}
