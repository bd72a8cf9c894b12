//! Rows against files: proves the protocol of the library and the numbering of what grows.
//!
//! The files are listed first, the rows are read next, then every suspect is looked at once more: so a service
//! at work meanwhile raises no false alarm. [`compare()`] decides and does no IO.

mod compare;

use std::collections::BTreeMap;

use clipmill_domain::WallTime;
use serde::Serialize;

pub use compare::{Claim, Evidence, Problem, compare, numbering};

use crate::{Store, StoreError, row::sql};

/// How to check.
#[derive(Debug, Clone, Copy)]
pub struct CheckOptions {
    /// Also read every artifact and compare its hash.
    pub deep: bool,
    /// Files without a row that are younger than this are taken for work in flight.
    pub in_flight_millis: i64,
    /// Now.
    pub now: WallTime,
}

impl CheckOptions {
    /// Not deep; files younger than a minute are in flight.
    pub fn at(now: WallTime) -> Self {
        Self { deep: false, in_flight_millis: 60_000, now }
    }
}

/// What a check looked at, and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Everything wrong; empty is clean.
    pub problems: Vec<Problem>,
    /// Files in the library.
    pub files: u64,
    /// Their bytes.
    pub bytes: i64,
    /// Rows that name a file.
    pub rows: u64,
    /// Files too young to be judged.
    pub in_flight: u64,
    /// Files waiting to be deleted.
    pub garbage: u64,
    /// Artifacts whose content was read and compared.
    pub hashed: u64,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Checks the whole store.
pub async fn check(store: &Store, options: &CheckOptions) -> Result<CheckReport, StoreError> {
    let mut evidence = Evidence { files: store.library().list().await?, ..Evidence::default() };
    let hashes = rows_with_files(store, &mut evidence).await?;
    let (found, in_flight) = compare(&evidence, options.now, options.in_flight_millis);
    let mut report = CheckReport {
        files: evidence.files.len() as u64,
        bytes: evidence.files.iter().map(|f| f.bytes).sum(),
        rows: evidence.claims.len() as u64,
        in_flight,
        garbage: evidence.garbage.len() as u64,
        ..CheckReport::default()
    };
    for problem in found {
        if still_so(store, &problem).await? {
            report.problems.push(problem);
        }
    }
    report.problems.extend(numbers(store).await?);
    report.problems.extend(dangling(store).await?);
    report.problems.extend(counts(store).await?);
    if options.deep {
        for (path, expected) in hashes {
            if !store.library().exists(&path).await? {
                continue;
            }
            report.hashed += 1;
            let found = store.library().hash(&path).await?;
            if found != expected {
                report.problems.push(Problem::WrongHash { path, expected, found });
            }
        }
    }
    report.problems.sort();
    Ok(report)
}

/// Deletes what crashed attempts published and never committed: files of clips and remixes, older than
/// `age_millis`, that no row names. Never touches recordings. How many went. The age must exceed the time between
/// publishing a file and committing its row; a minute is plenty.
pub async fn sweep_leftovers(store: &Store, age_millis: i64, now: WallTime) -> Result<u64, StoreError> {
    let files = store.library().list().await?;
    let mut evidence = Evidence { files, ..Evidence::default() };
    rows_with_files(store, &mut evidence).await?;
    let (problems, _) = compare(&evidence, now, age_millis);
    let mut swept = 0;
    for problem in problems {
        let Problem::Orphan { path, .. } = problem else { continue };
        if path.starts_with("clips/") || path.starts_with("remixes/") {
            tracing::info!(path, "sweeping a file that a crashed attempt left");
            store.library().delete(&path).await?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// Reads every row that names a file; the artifacts' hashes by path.
async fn rows_with_files(
    store: &Store,
    evidence: &mut Evidence,
) -> Result<Vec<(String, String)>, StoreError> {
    let mut hashes = Vec::new();
    for r in store.rows(sql("SELECT path, bytes, sha256, kind, owner FROM artifacts ORDER BY path")).await? {
        let path = r.text("path")?;
        let row = format!("{} of {}", r.text("kind")?, r.text("owner")?);
        evidence.artifacts.insert(path.clone());
        evidence.claims.push(Claim { path: path.clone(), bytes: Some(r.int("bytes")?), row });
        hashes.push((path, r.text("sha256")?));
    }
    // A removed part owns no file: what is left of it waits in the garbage.
    let parts =
        sql("SELECT path, bytes, seq, recording_id FROM parts WHERE removed_at IS NULL ORDER BY path");
    for r in store.rows(parts).await? {
        let row = format!("part {} of recording {}", r.int("seq")?, r.text("recording_id")?);
        evidence.claims.push(Claim { path: r.text("path")?, bytes: Some(r.int("bytes")?), row });
    }
    let pictures = sql("SELECT path, bytes, part_seq, recording_id FROM scrub_pictures ORDER BY path");
    for r in store.rows(pictures).await? {
        let row = format!("picture of part {} of recording {}", r.int("part_seq")?, r.text("recording_id")?);
        evidence.claims.push(Claim { path: r.text("path")?, bytes: Some(r.int("bytes")?), row });
    }
    for r in store.rows(sql("SELECT init_path, seq, recording_id FROM epochs ORDER BY init_path")).await? {
        let row = format!("epoch {} of recording {}", r.int("seq")?, r.text("recording_id")?);
        evidence.claims.push(Claim { path: r.text("init_path")?, bytes: None, row });
    }
    let shown = sql("SELECT 'clip' AS noun, id, draft_path AS path FROM clips
                     UNION ALL SELECT 'clip', id, thumbnail_path FROM clips
                     UNION ALL SELECT 'clip', id, exact_path FROM clips WHERE exact_path IS NOT NULL
                     UNION ALL SELECT 'remix', id, path FROM remixes");
    for r in store.rows(shown).await? {
        evidence.shown.push((r.text("path")?, format!("{} {}", r.text("noun")?, r.text("id")?)));
    }
    for r in store.rows(sql("SELECT path FROM garbage")).await? {
        evidence.garbage.insert(r.text("path")?);
    }
    for r in store.rows(sql("SELECT id FROM recordings WHERE ended_at IS NULL")).await? {
        evidence.live.insert(r.text("id")?);
    }
    Ok(hashes)
}

/// Looks at a suspect file once more.
async fn still_so(store: &Store, problem: &Problem) -> Result<bool, StoreError> {
    Ok(match problem {
        Problem::Missing { path, .. } => !store.library().exists(path).await?,
        Problem::WrongSize { path, expected, .. } => store.library().size(path).await? != Some(*expected),
        Problem::Orphan { path, .. } => {
            let named = sql("SELECT path FROM artifacts WHERE path = $1
                             UNION ALL SELECT path FROM parts WHERE path = $1 AND removed_at IS NULL
                             UNION ALL SELECT path FROM scrub_pictures WHERE path = $1
                             UNION ALL SELECT path FROM garbage WHERE path = $1
                             UNION ALL SELECT init_path FROM epochs WHERE init_path = $1")
            .bind(path);
            store.library().exists(path).await? && store.row(named).await?.is_none()
        }
        Problem::Unrecorded { path, .. } => store.artifact(path).await?.is_none(),
        _ => true,
    })
}

/// Numbering of epochs, parts and utterances, and the order of parts.
async fn numbers(store: &Store) -> Result<Vec<Problem>, StoreError> {
    let mut problems = Vec::new();
    let lists = [
        (
            "epochs",
            sql(
                "SELECT recording_id, seq, media_start_us AS start_us FROM epochs ORDER BY recording_id, seq",
            ),
        ),
        ("parts", sql("SELECT recording_id, seq, start_us FROM parts ORDER BY recording_id, seq")),
        (
            "utterances",
            sql("SELECT CASE revision WHEN 0 THEN recording_id
                        ELSE recording_id || ', transcript revision ' || revision END AS recording_id,
                        seq, start_us
                 FROM utterances ORDER BY recording_id, revision, seq"),
        ),
    ];
    for (noun, query) in lists {
        let mut by_recording: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        for r in store.rows(query).await? {
            let at = (r.int("seq")?, r.int("start_us")?);
            by_recording.entry(r.text("recording_id")?).or_default().push(at);
        }
        for (recording, list) in by_recording {
            let seqs: Vec<i64> = list.iter().map(|l| l.0).collect();
            problems.extend(numbering(&format!("{noun} of recording {recording}"), &seqs));
            if noun == "parts" {
                let back = list.windows(2).filter(|w| w[1].1 < w[0].1);
                problems
                    .extend(back.map(|w| Problem::OutOfOrder { recording: recording.clone(), seq: w[1].0 }));
            }
        }
    }
    Ok(problems)
}

/// What was removed of each recording, as counted when it went, against its rows.
async fn counts(store: &Store) -> Result<Vec<Problem>, StoreError> {
    // One statement is one moment, so a removal under way is seen whole or not at all.
    let query = sql("SELECT r.id, r.removed_parts, COALESCE(p.parts, 0) AS parts
         FROM recordings r
         LEFT JOIN (SELECT recording_id, COUNT(*) AS parts, CAST(SUM(bytes) AS BIGINT) AS bytes,
                           CAST(SUM(end_us - start_us) AS BIGINT) AS micros
                    FROM parts WHERE removed_at IS NOT NULL GROUP BY recording_id) p ON p.recording_id = r.id
         WHERE r.removed_parts <> COALESCE(p.parts, 0) OR r.removed_bytes <> COALESCE(p.bytes, 0)
            OR r.removed_us <> COALESCE(p.micros, 0)
         ORDER BY r.id");
    let mut problems = Vec::new();
    for r in store.rows(query).await? {
        let (recording, counted, found) = (r.text("id")?, r.int("removed_parts")?, r.int("parts")?);
        problems.push(Problem::Miscounted { recording, counted, found });
    }
    Ok(problems)
}

/// Rows without parents (foreign keys forbid them, but a restored or edited database may hold some).
async fn dangling(store: &Store) -> Result<Vec<Problem>, StoreError> {
    let query = sql(
        "SELECT 'part' AS noun, x.id FROM parts x LEFT JOIN epochs p ON p.id = x.epoch_id WHERE p.id IS NULL
         UNION ALL
         SELECT 'epoch', x.id FROM epochs x LEFT JOIN recordings p ON p.id = x.recording_id WHERE p.id IS NULL
         UNION ALL
         SELECT 'utterance', x.id FROM utterances x LEFT JOIN recordings p ON p.id = x.recording_id
             WHERE p.id IS NULL
         UNION ALL
         SELECT DISTINCT 'sound of recording', x.recording_id FROM sound_curves x
             LEFT JOIN recordings p ON p.id = x.recording_id WHERE p.id IS NULL
         UNION ALL
         SELECT 'segment', x.id FROM segments x LEFT JOIN recordings p ON p.id = x.recording_id WHERE p.id IS NULL
         UNION ALL
         SELECT 'selling point', x.id FROM selling_points x LEFT JOIN segments p ON p.id = x.segment_id
             WHERE p.id IS NULL
         UNION ALL
         SELECT 'clip', x.id FROM clips x LEFT JOIN selling_points p ON p.id = x.selling_point_id
             WHERE p.id IS NULL
         UNION ALL
         SELECT 'remix', x.id FROM remixes x LEFT JOIN clips p ON p.id = x.clip_id WHERE p.id IS NULL
         UNION ALL
         SELECT 'post', x.id FROM posts x LEFT JOIN remixes p ON p.id = x.remix_id WHERE p.id IS NULL",
    );
    let mut problems = Vec::new();
    for r in store.rows(query).await? {
        problems.push(Problem::Dangling { row: format!("{} {}", r.text("noun")?, r.text("id")?) });
    }
    for r in store.rows(sql("SELECT id FROM posts WHERE state = 'live' AND reference IS NULL")).await? {
        problems.push(Problem::Unproven { post: r.text("id")? });
    }
    Ok(problems)
}
