//! The transcript: utterances kept, and texts dropped with the reason. Reads are of the revision that is shown.

use clipmill_domain::{
    Id, MediaTime, RecordingId, SourceId, Span, UtteranceId, WallTime,
    source::Language,
    transcript::{Utterance, Word},
};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    row::{Row, json, sql},
};

/// The revision of the live's own transcript.
const OF_THE_LIVE: i64 = 0;

/// What the recogniser said and a guard threw away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedText {
    /// Where it was heard.
    pub span: Span,
    /// What was recognised.
    pub text: String,
    /// Which guard dropped it, in words.
    pub reason: String,
}

pub(crate) fn read(row: &Row) -> Result<Utterance, StoreError> {
    Ok(Utterance {
        id: row.id("id")?,
        recording_id: row.id("recording_id")?,
        seq: row.int("seq")?,
        span: row.span()?,
        text: row.text("text")?,
        words: row.json("words")?,
        made_by: row.text("made_by")?,
        language: row.word_or_null("language")?,
        speaker: row.int_or_null("speaker")?.and_then(|s| u32::try_from(s).ok()),
        edited_at: row.wall_or_null("edited_at")?,
    })
}

/// Adds utterances to the live's own transcript.
///
/// # Errors
/// [`StoreError::Duplicate`] when a number of the recording is taken: nothing is said twice.
pub async fn insert_utterances(tx: &mut Tx<'_>, utterances: &[Utterance]) -> Result<(), StoreError> {
    insert_in_revision(tx, OF_THE_LIVE, utterances).await
}

/// Adds utterances to a revision of their recording's transcript.
///
/// # Errors
/// [`StoreError::Duplicate`] when a number of the revision is taken.
pub async fn insert_in_revision(
    tx: &mut Tx<'_>,
    revision: i64,
    utterances: &[Utterance],
) -> Result<(), StoreError> {
    for u in utterances {
        tx.run(
            sql("INSERT INTO utterances (id, recording_id, revision, seq, start_us, end_us, text, words, made_by,
                                         language, speaker, edited_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
            .bind(u.id)
            .bind(u.recording_id)
            .bind(revision)
            .bind(u.seq)
            .bind(u.span.start())
            .bind(u.span.end())
            .bind(&u.text)
            .bind(json("words", &u.words)?)
            .bind(&u.made_by)
            .bind(u.language.map(Language::code))
            .bind(u.speaker.map(i64::from))
            .bind(u.edited_at),
        )
        .await?;
    }
    Ok(())
}

/// Notes a text that a guard dropped from a revision, and why.
pub async fn insert_dropped(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    revision: i64,
    span: Span,
    text: &str,
    reason: &str,
) -> Result<(), StoreError> {
    // The id only has to be unique; the order is that of the media time.
    let id = UtteranceId::new_at(WallTime::from_millis(span.start().as_micros() / 1000));
    tx.run(
        sql("INSERT INTO dropped_texts (id, recording_id, revision, start_us, end_us, text, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(id)
        .bind(recording)
        .bind(revision)
        .bind(span.start())
        .bind(span.end())
        .bind(text)
        .bind(reason),
    )
    .await?;
    Ok(())
}

/// Writes an utterance's text and words anew; `edited_at` where a person did it.
///
/// Without it only what no person has edited is changed: the answer says whether it was.
pub async fn rewrite_utterance(
    tx: &mut Tx<'_>,
    id: UtteranceId,
    text: &str,
    words: &[Word],
    edited_at: Option<WallTime>,
) -> Result<bool, StoreError> {
    let query = match edited_at {
        Some(_) => {
            sql("UPDATE utterances SET text = $2, words = $3, edited_at = $4 WHERE id = $1 RETURNING id")
        }
        None => sql(
            "UPDATE utterances SET text = $2, words = $3 WHERE id = $1 AND edited_at IS NULL RETURNING id",
        ),
    };
    let query = query.bind(id).bind(text).bind(json("words", &words)?);
    let query = if edited_at.is_some() { query.bind(edited_at) } else { query };
    Ok(tx.row(query).await?.is_some())
}

impl Store {
    /// One utterance.
    pub async fn utterance(&self, id: UtteranceId) -> Result<Option<Utterance>, StoreError> {
        let row = self.row(sql("SELECT * FROM utterances WHERE id = $1").bind(id)).await?;
        row.as_ref().map(read).transpose()
    }

    /// Up to `limit` utterances that no person has edited and whose text has `part` in it (Latin letters in any case),
    /// after the utterance `after`, in the order of their ids; of one source's recordings, or of all.
    pub async fn utterances_with(
        &self,
        part: &str,
        source: Option<SourceId>,
        after: Option<UtteranceId>,
        limit: u32,
    ) -> Result<Vec<Utterance>, StoreError> {
        let mut pattern = String::from("%");
        for c in part.to_lowercase().chars() {
            if matches!(c, '%' | '_' | '~') {
                pattern.push('~');
            }
            pattern.push(c);
        }
        pattern.push('%');
        let rows = self
            .rows(
                sql("SELECT u.* FROM utterances u JOIN recordings r ON r.id = u.recording_id
                     WHERE LOWER(u.text) LIKE $1 ESCAPE '~' AND u.revision = r.transcript_revision
                       AND u.edited_at IS NULL AND ($2 = '' OR r.source_id = $2) AND u.id > $3
                     ORDER BY u.id LIMIT $4")
                .bind(pattern)
                .bind(source.map(|s| s.to_string()).unwrap_or_default())
                .bind(after.map(|id| id.to_string()).unwrap_or_default())
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The transcript of a recording, in order.
    pub async fn utterances(&self, recording: RecordingId) -> Result<Vec<Utterance>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM utterances WHERE recording_id = $1
                       AND revision = (SELECT transcript_revision FROM recordings WHERE id = $1)
                     ORDER BY seq")
                .bind(recording),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Up to `limit` utterances after number `after_seq` (-1 for the beginning), in order.
    pub async fn utterances_after(
        &self,
        recording: RecordingId,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<Utterance>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM utterances WHERE recording_id = $1
                       AND revision = (SELECT transcript_revision FROM recordings WHERE id = $1) AND seq > $2
                     ORDER BY seq LIMIT $3")
                .bind(recording)
                .bind(after_seq)
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The utterances that share any instant with `span`, in order.
    pub async fn utterances_in(
        &self,
        recording: RecordingId,
        span: Span,
    ) -> Result<Vec<Utterance>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM utterances WHERE recording_id = $1
                       AND revision = (SELECT transcript_revision FROM recordings WHERE id = $1)
                       AND end_us > $2 AND start_us < $3
                     ORDER BY seq")
                .bind(recording)
                .bind(span.start())
                .bind(span.end()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The utterance with the highest number.
    pub async fn last_utterance(&self, recording: RecordingId) -> Result<Option<Utterance>, StoreError> {
        let row = self
            .row(
                sql("SELECT * FROM utterances WHERE recording_id = $1
                       AND revision = (SELECT transcript_revision FROM recordings WHERE id = $1)
                     ORDER BY seq DESC LIMIT 1")
                .bind(recording),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// What was dropped from a recording's transcript, by media time.
    pub async fn dropped_texts(&self, recording: RecordingId) -> Result<Vec<DroppedText>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM dropped_texts WHERE recording_id = $1
                       AND revision = (SELECT transcript_revision FROM recordings WHERE id = $1)
                     ORDER BY start_us, id")
                .bind(recording),
            )
            .await?;
        rows.iter()
            .map(|r| Ok(DroppedText { span: r.span()?, text: r.text("text")?, reason: r.text("reason")? }))
            .collect()
    }

    /// How far the transcript of a recording reaches; `None` without one.
    pub async fn transcript_end(&self, recording: RecordingId) -> Result<Option<MediaTime>, StoreError> {
        Ok(self.last_utterance(recording).await?.map(|u| u.span.end()))
    }
}
