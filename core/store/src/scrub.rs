//! Small pictures along a recording, for finding a moment without playing up to it. A picture belongs to a part:
//! whoever takes the part's file away takes its picture away too ([`remove_scrub_picture`]).

use clipmill_domain::{MediaTime, RecordingId, WallTime};

use crate::{
    Store, StoreError, Tx,
    db::bounded,
    library::mark_garbage,
    row::{Row, sql},
};

/// The picture of one key frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrubPicture {
    /// The recording it belongs to.
    pub recording_id: RecordingId,
    /// Number of the part that holds the key frame.
    pub part_seq: i64,
    /// When the picture is shown.
    pub at: MediaTime,
    /// Library path of the JPEG.
    pub path: String,
    /// File length in bytes.
    pub bytes: i64,
}

impl ScrubPicture {
    /// Where the picture of a part lies in the library.
    pub fn path_of(recording: RecordingId, part_seq: i64) -> String {
        format!("recordings/{recording}/scrub/{part_seq:06}.jpg")
    }
}

fn read(row: &Row) -> Result<ScrubPicture, StoreError> {
    Ok(ScrubPicture {
        recording_id: row.id("recording_id")?,
        part_seq: row.int("part_seq")?,
        at: row.media("at_us")?,
        path: row.text("path")?,
        bytes: row.int("bytes")?,
    })
}

/// Records a picture whose file is in the library already.
pub async fn insert_scrub_picture(tx: &mut Tx<'_>, picture: &ScrubPicture) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO scrub_pictures (recording_id, part_seq, at_us, path, bytes)
             VALUES ($1, $2, $3, $4, $5)")
        .bind(picture.recording_id)
        .bind(picture.part_seq)
        .bind(picture.at)
        .bind(&picture.path)
        .bind(picture.bytes),
    )
    .await?;
    Ok(())
}

/// Gives up the picture of a part, if it has one: its row goes now, its file with the next sweep.
pub async fn remove_scrub_picture(
    tx: &mut Tx<'_>,
    recording: RecordingId,
    part_seq: i64,
    reason: &str,
    now: WallTime,
) -> Result<(), StoreError> {
    let row = tx
        .row(
            sql("DELETE FROM scrub_pictures WHERE recording_id = $1 AND part_seq = $2 RETURNING path")
                .bind(recording)
                .bind(part_seq),
        )
        .await?;
    match row {
        Some(row) => mark_garbage(tx, &row.text("path")?, reason, now).await,
        None => Ok(()),
    }
}

impl Store {
    /// Up to `limit` pictures of a recording whose part comes after number `after_seq` (-1 for the beginning), in
    /// order.
    pub async fn scrub_pictures_after(
        &self,
        recording: RecordingId,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<ScrubPicture>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM scrub_pictures WHERE recording_id = $1 AND part_seq > $2
                     ORDER BY part_seq LIMIT $3")
                .bind(recording)
                .bind(after_seq)
                .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The picture of a part: what may be served.
    pub async fn scrub_picture(
        &self,
        recording: RecordingId,
        part_seq: i64,
    ) -> Result<Option<ScrubPicture>, StoreError> {
        let row = self
            .row(
                sql("SELECT * FROM scrub_pictures WHERE recording_id = $1 AND part_seq = $2")
                    .bind(recording)
                    .bind(part_seq),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }
}
