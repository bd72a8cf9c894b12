//! Transcript revisions: a recording that is heard again, and which of its transcripts is shown.
//!
//! To ask for one reopens the recording for the follower that transcribes. The utterances of the new revision are
//! written beside the others as they are heard, and nobody reads them before [`finish`] shows them.

use clipmill_domain::{
    RecordingId, UtteranceId, WallTime,
    transcript::{Revision, Utterance},
};

use crate::{
    Store, StoreError, Tx,
    row::{Row, sql},
    utterances::{self, insert_in_revision},
};

/// What a revision holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Its number; 0 is the live's own.
    pub number: i64,
    /// How many utterances.
    pub utterances: i64,
    /// How many of them a person has edited.
    pub edited: i64,
    /// What recognised the latest of them that no person has edited, else the latest of all.
    pub made_by: Option<String>,
}

/// Who asks for a revision, and of what.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The model, by its name.
    pub model: &'a str,
    /// Who asks.
    pub by: &'a str,
    /// Now.
    pub at: WallTime,
    /// The name of the follower that transcribes.
    pub transcriber: &'a str,
    /// The names of the followers that read transcripts as they grow: they must be through with the recording.
    pub readers: &'a [&'a str],
}

fn read(row: &Row) -> Result<Revision, StoreError> {
    Ok(Revision {
        recording_id: row.id("recording_id")?,
        number: row.int("revision")?,
        model: row.text("model")?,
        asked_by: row.text("asked_by")?,
        asked_at: row.wall("asked_at")?,
        finished_at: row.wall_or_null("finished_at")?,
        failed: row.text_or_null("failed")?,
    })
}

fn no_recording(id: RecordingId) -> StoreError {
    StoreError::NotFound { what: "recording", id: id.to_string() }
}

/// Asks for a new revision of a recording's transcript. Answers its number.
///
/// # Errors
/// [`StoreError::Refused`] while the recording is live, or is still being transcribed or read, or another revision of it
/// is being made, and when a retention rule has taken some of it.
pub async fn ask(tx: &mut Tx<'_>, recording: RecordingId, asked: Asked<'_>) -> Result<i64, StoreError> {
    let refused = |why: String| Err(StoreError::Refused { why });
    // One at a time for each recording: who comes second waits here.
    let bump =
        sql("UPDATE recordings SET revision = revision + 1 WHERE id = $1 RETURNING ended_at, removed_parts");
    let row = tx.row(bump.bind(recording)).await?.ok_or_else(|| no_recording(recording))?;
    if row.wall_or_null("ended_at")?.is_none() {
        return refused(format!(
            "recording {recording} is live: its transcript can be made anew once it has ended"
        ));
    }
    if row.int("removed_parts")? > 0 {
        return refused(format!(
            "a retention rule has removed media of recording {recording}: it cannot be heard again as a whole"
        ));
    }
    let all = sql("SELECT * FROM transcript_revisions WHERE recording_id = $1 ORDER BY revision");
    let known: Vec<Revision> =
        tx.rows(all.bind(recording)).await?.iter().map(read).collect::<Result<_, _>>()?;
    if let Some(open) = known.iter().find(|r| r.finished_at.is_none()) {
        return refused(format!(
            "revision {} of this transcript, by {}, is being made: ask again when it is done",
            open.number, open.model
        ));
    }
    let done = sql("SELECT name FROM followers WHERE recording_id = $1 AND done = 1");
    let done = tx.rows(done.bind(recording)).await?;
    let done: Vec<String> = done.iter().map(|r| r.text("name")).collect::<Result<_, _>>()?;
    for name in std::iter::once(&asked.transcriber).chain(asked.readers) {
        if !done.iter().any(|d| d == name) {
            return refused(format!(
                "{name} is not through with recording {recording} yet: ask again when it is done"
            ));
        }
    }
    let number = known.last().map_or(1, |r| r.number + 1);
    tx.run(
        sql("INSERT INTO transcript_revisions (recording_id, revision, model, asked_by, asked_at)
             VALUES ($1, $2, $3, $4, $5)")
        .bind(recording)
        .bind(number)
        .bind(asked.model)
        .bind(asked.by)
        .bind(asked.at),
    )
    .await?;
    let reopen = sql("UPDATE followers SET done = 0 WHERE recording_id = $1 AND name = $2");
    tx.run(reopen.bind(recording).bind(asked.transcriber)).await?;
    Ok(number)
}

/// Keeps the shown transcript of a recording as it is until the end of the transaction: nobody else edits it or shows
/// another one. Answers its revision.
pub async fn lock(tx: &mut Tx<'_>, recording: RecordingId) -> Result<i64, StoreError> {
    let lock = sql("UPDATE recordings SET transcript_revision = transcript_revision
                    WHERE id = $1 RETURNING transcript_revision");
    tx.row(lock.bind(recording)).await?.ok_or_else(|| no_recording(recording))?.int("transcript_revision")
}

/// The revision that an utterance belongs to; `None` when there is no such utterance.
pub async fn revision_of(tx: &mut Tx<'_>, id: UtteranceId) -> Result<Option<i64>, StoreError> {
    let row = tx.row(sql("SELECT revision FROM utterances WHERE id = $1").bind(id)).await?;
    row.map(|r| r.int("revision")).transpose()
}

/// The utterances of a revision, in order, as this transaction sees them.
pub async fn utterances(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    number: i64,
) -> Result<Vec<Utterance>, StoreError> {
    let all = sql("SELECT * FROM utterances WHERE recording_id = $1 AND revision = $2 ORDER BY seq");
    tx.rows(all.bind(recording).bind(number)).await?.iter().map(utterances::read).collect()
}

/// Puts `utterances` in the place of all those of a revision from number `from_seq` on.
pub async fn replace_from(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    number: i64,
    from_seq: i64,
    utterances: &[Utterance],
) -> Result<(), StoreError> {
    let clear = sql("DELETE FROM utterances WHERE recording_id = $1 AND revision = $2 AND seq >= $3");
    tx.run(clear.bind(recording).bind(number).bind(from_seq)).await?;
    insert_in_revision(tx, number, utterances).await
}

/// A revision is complete: from now on it is the one that is shown.
pub async fn finish(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    number: i64,
    at: WallTime,
) -> Result<(), StoreError> {
    close(tx, recording, number, None, at).await?;
    show(tx, recording, number).await
}

/// A revision cannot be made: what there is of it goes, and the transcript stays as it was.
pub async fn fail(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    number: i64,
    why: &str,
    at: WallTime,
) -> Result<(), StoreError> {
    for clear in [
        sql("DELETE FROM utterances WHERE recording_id = $1 AND revision = $2"),
        sql("DELETE FROM dropped_texts WHERE recording_id = $1 AND revision = $2"),
    ] {
        tx.run(clear.bind(recording).bind(number)).await?;
    }
    close(tx, recording, number, Some(why), at).await
}

async fn close(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    number: i64,
    failed: Option<&str>,
    at: WallTime,
) -> Result<(), StoreError> {
    let closed = tx
        .run(
            sql("UPDATE transcript_revisions SET finished_at = $3, failed = $4
                 WHERE recording_id = $1 AND revision = $2 AND finished_at IS NULL")
            .bind(recording)
            .bind(number)
            .bind(at)
            .bind(failed),
        )
        .await?;
    if closed == 1 { Ok(()) } else { Err(no_revision(number)) }
}

fn no_revision(number: i64) -> StoreError {
    StoreError::NotFound { what: "transcript revision", id: number.to_string() }
}

async fn show(tx: &mut Tx<'_>, recording: RecordingId, number: i64) -> Result<(), StoreError> {
    let show = sql("UPDATE recordings SET transcript_revision = $2, revision = revision + 1 WHERE id = $1");
    tx.run(show.bind(recording).bind(number)).await?;
    Ok(())
}

/// Shows another revision of a recording's transcript; each keeps the edits that were made while it was shown.
///
/// # Errors
/// [`StoreError::NotFound`], and [`StoreError::Refused`] when it is not complete.
pub async fn choose(tx: &mut Tx<'_>, recording: RecordingId, number: i64) -> Result<(), StoreError> {
    lock(tx, recording).await?;
    if number != 0 {
        let one = sql("SELECT * FROM transcript_revisions WHERE recording_id = $1 AND revision = $2");
        let row = tx.row(one.bind(recording).bind(number)).await?.ok_or_else(|| no_revision(number))?;
        let revision = read(&row)?;
        if revision.finished_at.is_none() || revision.failed.is_some() {
            let state = if revision.failed.is_some() { "failed" } else { "is still being made" };
            return Err(StoreError::Refused {
                why: format!("revision {number} {state}: only a complete one can be used"),
            });
        }
    }
    show(tx, recording, number).await
}

impl Store {
    /// The revision of a recording's transcript that is shown.
    pub async fn shown_revision(&self, recording: RecordingId) -> Result<i64, StoreError> {
        let one = sql("SELECT transcript_revision FROM recordings WHERE id = $1");
        let row = self.row(one.bind(recording)).await?.ok_or_else(|| no_recording(recording))?;
        row.int("transcript_revision")
    }

    /// The revisions that were asked for, in order; the live's own is not among them.
    pub async fn revisions(&self, recording: RecordingId) -> Result<Vec<Revision>, StoreError> {
        let all = sql("SELECT * FROM transcript_revisions WHERE recording_id = $1 ORDER BY revision");
        self.rows(all.bind(recording)).await?.iter().map(read).collect()
    }

    /// The revision that is being made of a recording; there is at most one.
    pub async fn revision_in_making(&self, recording: RecordingId) -> Result<Option<Revision>, StoreError> {
        let open = sql("SELECT * FROM transcript_revisions WHERE recording_id = $1 AND finished_at IS NULL
                        ORDER BY revision LIMIT 1");
        self.row(open.bind(recording)).await?.as_ref().map(read).transpose()
    }

    /// What each revision that has utterances holds, in order; also one that is being made.
    pub async fn revision_contents(&self, recording: RecordingId) -> Result<Vec<Contents>, StoreError> {
        let counts = sql("SELECT u.revision, COUNT(*) AS total, COUNT(u.edited_at) AS edited,
                    (SELECT m.made_by FROM utterances m
                     WHERE m.recording_id = $1 AND m.revision = u.revision
                     ORDER BY CASE WHEN m.edited_at IS NULL THEN 0 ELSE 1 END, m.seq DESC LIMIT 1) AS made_by
             FROM utterances u WHERE u.recording_id = $1 GROUP BY u.revision ORDER BY u.revision");
        let rows = self.rows(counts.bind(recording)).await?;
        rows.iter()
            .map(|r| {
                Ok(Contents {
                    number: r.int("revision")?,
                    utterances: r.int("total")?,
                    edited: r.int("edited")?,
                    made_by: r.text_or_null("made_by")?,
                })
            })
            .collect()
    }
}
