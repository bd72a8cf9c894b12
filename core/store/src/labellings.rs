//! Labellings: a recording whose talk is labelled again, and which of its labellings is shown.
//!
//! To ask for one reopens the recording for the follower that labels again. Its segments and selling points are written
//! in one transaction with showing them.

use clipmill_domain::{
    RecordingId, WallTime,
    review::Labelling,
    selling_point::{Segment, SellingPoint},
};

use crate::{
    Store, StoreError, Tx,
    row::{Row, sql},
    segments,
};

/// What a labelling holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Its number; 0 is the live's own.
    pub number: i64,
    /// How many segments.
    pub segments: i64,
    /// How many selling points, without those that people rejected.
    pub points: i64,
    /// How many selling points people have judged.
    pub judged: i64,
}

/// Who asks for a labelling, and of what.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The head, by its id; `None`: the one in use.
    pub head: Option<&'a str>,
    /// Whether clips are made where no clip covers the talk.
    pub cut: bool,
    /// Who asks.
    pub by: &'a str,
    /// Now.
    pub at: WallTime,
    /// The name of the follower that labels again.
    pub labeller: &'a str,
    /// The names of the followers that must be through with the recording: the transcriber, and what labels lives.
    pub through: &'a [&'a str],
}

/// What a labelling came to.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// The revision of the transcript that it is about.
    pub transcript_revision: i64,
    /// What labelled.
    pub classifier: &'a str,
    /// What people had said, carried over.
    pub carried: i64,
    /// What people had said and what is not.
    pub dropped: i64,
    /// Now.
    pub at: WallTime,
}

fn read(row: &Row) -> Result<Labelling, StoreError> {
    Ok(Labelling {
        recording_id: row.id("recording_id")?,
        number: row.int("labelling")?,
        head: row.text_or_null("head")?,
        cut: row.yes("cut")?,
        transcript_revision: row.int_or_null("transcript_revision")?,
        classifier: row.text_or_null("classifier")?,
        carried: row.int("carried")?,
        dropped: row.int("dropped")?,
        asked_by: row.text("asked_by")?,
        asked_at: row.wall("asked_at")?,
        finished_at: row.wall_or_null("finished_at")?,
        failed: row.text_or_null("failed")?,
    })
}

fn no_recording(id: RecordingId) -> StoreError {
    StoreError::NotFound { what: "recording", id: id.to_string() }
}

fn no_labelling(number: i64) -> StoreError {
    StoreError::NotFound { what: "labelling", id: number.to_string() }
}

/// Asks for a recording's talk to be labelled again. Answers the number of the new labelling.
///
/// # Errors
/// [`StoreError::Refused`] while the recording is live, is still being transcribed (or heard again) or labelled, or
/// another labelling of it is being made.
pub async fn ask(tx: &mut Tx<'_>, recording: RecordingId, asked: Asked<'_>) -> Result<i64, StoreError> {
    let refused = |why: String| Err(StoreError::Refused { why });
    // One at a time for each recording: who comes second waits here.
    let bump = sql("UPDATE recordings SET revision = revision + 1 WHERE id = $1 RETURNING ended_at");
    let row = tx.row(bump.bind(recording)).await?.ok_or_else(|| no_recording(recording))?;
    if row.wall_or_null("ended_at")?.is_none() {
        return refused(format!(
            "recording {recording} is live: its talk can be labelled again once it has ended"
        ));
    }
    let all = sql("SELECT * FROM labellings WHERE recording_id = $1 ORDER BY labelling");
    let known: Vec<Labelling> =
        tx.rows(all.bind(recording)).await?.iter().map(read).collect::<Result<_, _>>()?;
    if let Some(open) = known.iter().find(|l| l.finished_at.is_none()) {
        return refused(format!("labelling {} is being made: ask again when it is done", open.number));
    }
    let done = sql("SELECT name FROM followers WHERE recording_id = $1 AND done = 1");
    let done = tx.rows(done.bind(recording)).await?;
    let done: Vec<String> = done.iter().map(|r| r.text("name")).collect::<Result<_, _>>()?;
    for name in asked.through {
        if !done.iter().any(|d| d == name) {
            return refused(format!(
                "{name} is not through with recording {recording} yet: ask again when it is done"
            ));
        }
    }
    let number = known.last().map_or(1, |l| l.number + 1);
    tx.run(
        sql("INSERT INTO labellings (recording_id, labelling, head, cut, carried, dropped, asked_by, asked_at)
             VALUES ($1, $2, $3, $4, 0, 0, $5, $6)")
        .bind(recording)
        .bind(number)
        .bind(asked.head)
        .bind(asked.cut)
        .bind(asked.by)
        .bind(asked.at),
    )
    .await?;
    let reopen = sql("UPDATE followers SET done = 0 WHERE recording_id = $1 AND name = $2");
    tx.run(reopen.bind(recording).bind(asked.labeller)).await?;
    Ok(number)
}

/// Keeps the shown labelling of a recording as it is until the end of the transaction. Answers its number.
pub async fn lock(tx: &mut Tx<'_>, recording: RecordingId) -> Result<i64, StoreError> {
    let lock = sql("UPDATE recordings SET labelling = labelling WHERE id = $1 RETURNING labelling");
    tx.row(lock.bind(recording)).await?.ok_or_else(|| no_recording(recording))?.int("labelling")
}

/// Adds a segment, and the selling point that it is, to a labelling; `to_cut`: whether a clip is to be made of it. The
/// segment's number is what the labelling counts from 0; it is stored behind those of all earlier labellings.
pub async fn insert(
    tx: &mut Tx<'_>,
    number: i64,
    base: i64,
    segment: &Segment,
    point: Option<(&SellingPoint, bool)>,
) -> Result<(), StoreError> {
    segments::insert_segment(tx, &Segment { seq: base + segment.seq, ..segment.clone() }).await?;
    let mine = sql("UPDATE segments SET labelling = $2 WHERE id = $1");
    tx.run(mine.bind(segment.id).bind(number)).await?;
    if let Some((point, to_cut)) = point {
        segments::insert_selling_point(tx, point).await?;
        let mine = sql("UPDATE selling_points SET labelling = $2, to_cut = $3 WHERE id = $1");
        tx.run(mine.bind(point.id).bind(number).bind(to_cut)).await?;
    }
    Ok(())
}

/// The number that the first segment of a new labelling is stored under.
pub async fn next_seq(tx: &mut Tx<'_>, recording: RecordingId) -> Result<i64, StoreError> {
    let next = sql("SELECT COALESCE(MAX(seq), -1) + 1 AS next FROM segments WHERE recording_id = $1");
    tx.row(next.bind(recording)).await?.map_or(Ok(0), |r| r.int("next"))
}

/// A labelling is complete: from now on it is the one that is shown.
pub async fn finish(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    number: i64,
    f: Finished<'_>,
) -> Result<(), StoreError> {
    let closed = tx
        .run(
            sql("UPDATE labellings SET finished_at = $3, transcript_revision = $4, classifier = $5, carried = $6,
                     dropped = $7
                 WHERE recording_id = $1 AND labelling = $2 AND finished_at IS NULL")
            .bind(recording)
            .bind(number)
            .bind(f.at)
            .bind(f.transcript_revision)
            .bind(f.classifier)
            .bind(f.carried)
            .bind(f.dropped),
        )
        .await?;
    if closed == 1 { show(tx, recording, number).await } else { Err(no_labelling(number)) }
}

/// A labelling cannot be made; what is shown stays as it was.
pub async fn fail(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    number: i64,
    why: &str,
    at: WallTime,
) -> Result<(), StoreError> {
    let close = sql("UPDATE labellings SET finished_at = $3, failed = $4
                     WHERE recording_id = $1 AND labelling = $2 AND finished_at IS NULL");
    match tx.run(close.bind(recording).bind(number).bind(at).bind(why)).await? {
        1 => Ok(()),
        _ => Err(no_labelling(number)),
    }
}

async fn show(tx: &mut Tx<'_>, recording: RecordingId, number: i64) -> Result<(), StoreError> {
    let show = sql("UPDATE recordings SET labelling = $2, revision = revision + 1 WHERE id = $1");
    tx.run(show.bind(recording).bind(number)).await?;
    Ok(())
}

/// Shows another labelling of a recording; each keeps what people said while it was shown.
///
/// # Errors
/// [`StoreError::NotFound`], and [`StoreError::Refused`] when it is not complete.
pub async fn choose(tx: &mut Tx<'_>, recording: RecordingId, number: i64) -> Result<(), StoreError> {
    lock(tx, recording).await?;
    if number != 0 {
        let one = sql("SELECT * FROM labellings WHERE recording_id = $1 AND labelling = $2");
        let row = tx.row(one.bind(recording).bind(number)).await?.ok_or_else(|| no_labelling(number))?;
        let labelling = read(&row)?;
        if labelling.finished_at.is_none() || labelling.failed.is_some() {
            let state = if labelling.failed.is_some() { "failed" } else { "is still being made" };
            return Err(StoreError::Refused {
                why: format!("labelling {number} {state}: only a complete one can be used"),
            });
        }
    }
    show(tx, recording, number).await
}

impl Store {
    /// The labelling of a recording that is shown.
    pub async fn shown_labelling(&self, recording: RecordingId) -> Result<i64, StoreError> {
        let one = sql("SELECT labelling FROM recordings WHERE id = $1");
        self.row(one.bind(recording)).await?.ok_or_else(|| no_recording(recording))?.int("labelling")
    }

    /// The labellings that were asked for, in order; the live's own is not among them.
    pub async fn labellings(&self, recording: RecordingId) -> Result<Vec<Labelling>, StoreError> {
        let all = sql("SELECT * FROM labellings WHERE recording_id = $1 ORDER BY labelling");
        self.rows(all.bind(recording)).await?.iter().map(read).collect()
    }

    /// The labelling that is being made of a recording; there is at most one.
    pub async fn labelling_in_making(&self, recording: RecordingId) -> Result<Option<Labelling>, StoreError> {
        let open = sql("SELECT * FROM labellings WHERE recording_id = $1 AND finished_at IS NULL
                        ORDER BY labelling LIMIT 1");
        self.row(open.bind(recording)).await?.as_ref().map(read).transpose()
    }

    /// What each labelling that has segments holds, in order.
    pub async fn labelling_contents(&self, recording: RecordingId) -> Result<Vec<Contents>, StoreError> {
        let counts = sql("SELECT s.labelling, COUNT(*) AS segments,
                    SUM(CASE WHEN p.id IS NOT NULL AND p.verdict <> 'rejected' THEN 1 ELSE 0 END) AS points,
                    SUM(CASE WHEN p.id IS NOT NULL AND p.verdict <> 'open' THEN 1 ELSE 0 END) AS judged
             FROM segments s LEFT JOIN selling_points p ON p.segment_id = s.id
             WHERE s.recording_id = $1 GROUP BY s.labelling ORDER BY s.labelling");
        let rows = self.rows(counts.bind(recording)).await?;
        rows.iter()
            .map(|r| {
                Ok(Contents {
                    number: r.int("labelling")?,
                    segments: r.int("segments")?,
                    points: r.int("points")?,
                    judged: r.int("judged")?,
                })
            })
            .collect()
    }
}
