//! Posts. Every change of state goes through [`clipmill_domain::post::step`] and leaves a line in the audit log.

use clipmill_domain::{
    PostId, RemixId, WallTime,
    post::{self, Post, PostEvent, PostState},
};

use crate::{
    Store, StoreError, Tx, audit,
    db::bounded,
    row::{Row, sql, word},
};

fn read(row: &Row) -> Result<Post, StoreError> {
    Ok(Post {
        id: row.id("id")?,
        remix_id: row.id("remix_id")?,
        target: row.text("target")?,
        due_at: row.wall("due_at")?,
        state: row.word("state")?,
        title: row.text("title")?,
        reference: row.text_or_null("reference")?,
        last_error: row.text_or_null("last_error")?,
        published_at: row.wall_or_null("published_at")?,
    })
}

/// Plans a post.
///
/// # Errors
/// [`StoreError::Duplicate`] when the remix has a post for the target: one is enough.
pub async fn insert_post(tx: &mut Tx<'_>, p: &Post) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO posts (id, remix_id, target, due_at, state, title, reference, last_error, published_at,
                revision)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(p.id)
        .bind(p.remix_id)
        .bind(&p.target)
        .bind(p.due_at)
        .bind(word("state", &p.state)?)
        .bind(&p.title)
        .bind(&p.reference)
        .bind(&p.last_error)
        .bind(p.published_at)
        .bind(1i64),
    )
    .await?;
    Ok(())
}

/// Applies what happened to a post, with `detail` in plain words (kept as the last error of a failure) and the
/// target's `reference`, where known. The new state.
///
/// # Errors
/// [`StoreError::Transition`] when the state does not allow the event; [`StoreError::Conflict`] when another
/// process was faster: read again.
pub async fn apply_post_event(
    tx: &mut Tx<'_>,
    id: PostId,
    event: &PostEvent,
    now: WallTime,
    detail: Option<&str>,
    reference: Option<&str>,
) -> Result<PostState, StoreError> {
    let row = tx.row(sql("SELECT state FROM posts WHERE id = $1").bind(id)).await?;
    let Some(row) = row else { return Err(StoreError::NotFound { what: "post", id: id.to_string() }) };
    let before: PostState = row.word("state")?;
    let after =
        post::step(before, event).map_err(|source| StoreError::Transition { id: id.to_string(), source })?;
    let failure = match event {
        PostEvent::Refused | PostEvent::RefusedForNow | PostEvent::NoAnswer => {
            Some(detail.unwrap_or("no reason was given"))
        }
        _ => None,
    };
    let settled = after == PostState::Live;
    let changed = tx
        .run(
            sql("UPDATE posts SET state = $3, reference = COALESCE($4, reference),
                    last_error = CASE WHEN $6 = 1 THEN NULL ELSE COALESCE($5, last_error) END,
                    published_at = CASE WHEN $6 = 1 THEN $7 ELSE published_at END, revision = revision + 1
                 WHERE id = $1 AND state = $2")
            .bind(id)
            .bind(word("state", &before)?)
            .bind(word("state", &after)?)
            .bind(reference)
            .bind(failure)
            .bind(settled)
            .bind(now),
        )
        .await?;
    if changed != 1 {
        return Err(StoreError::Conflict { what: "post", id: id.to_string() });
    }
    let words = match (detail, reference) {
        (Some(d), Some(r)) => Some(format!("{d} ({r})")),
        (d, r) => d.or(r).map(str::to_owned),
    };
    let action = format!("post.{}", word("event", event)?);
    audit::audit(tx, now, "publish", &action, &id.to_string(), words.as_deref()).await?;
    Ok(after)
}

/// Moves a planned post to another slot. `false` when it is not planned (any more).
pub async fn reschedule_post(tx: &mut Tx<'_>, id: PostId, due_at: WallTime) -> Result<bool, StoreError> {
    let changed = tx
        .run(
            sql("UPDATE posts SET due_at = $2, revision = revision + 1 WHERE id = $1 AND state = $3")
                .bind(id)
                .bind(due_at)
                .bind(word("state", &PostState::Planned)?),
        )
        .await?;
    Ok(changed == 1)
}

impl Store {
    /// One post.
    pub async fn post(&self, id: PostId) -> Result<Option<Post>, StoreError> {
        self.row(sql("SELECT * FROM posts WHERE id = $1").bind(id)).await?.as_ref().map(read).transpose()
    }

    /// Planned posts whose slot has come, longest due first.
    pub async fn posts_due(&self, now: WallTime, limit: u32) -> Result<Vec<Post>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM posts WHERE state = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $3")
                    .bind(word("state", &PostState::Planned)?)
                    .bind(now)
                    .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Posts in a state, longest due first.
    pub async fn posts_in_state(&self, state: PostState, limit: u32) -> Result<Vec<Post>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM posts WHERE state = $1 ORDER BY due_at, id LIMIT $2")
                    .bind(word("state", &state)?)
                    .bind(bounded(limit)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The posts of a remix, one for each target.
    pub async fn posts_of(&self, remix: RemixId) -> Result<Vec<Post>, StoreError> {
        let rows =
            self.rows(sql("SELECT * FROM posts WHERE remix_id = $1 ORDER BY due_at, id").bind(remix)).await?;
        rows.iter().map(read).collect()
    }

    /// Posts, latest slot first.
    pub async fn posts(&self, limit: u32) -> Result<Vec<Post>, StoreError> {
        let rows = self
            .rows(sql("SELECT * FROM posts ORDER BY due_at DESC, id DESC LIMIT $1").bind(bounded(limit)))
            .await?;
        rows.iter().map(read).collect()
    }

    /// The latest slot given out for a target, in whatever state that post is.
    pub async fn last_slot(&self, target: &str) -> Result<Option<WallTime>, StoreError> {
        let row =
            self.row(sql("SELECT MAX(due_at) AS latest FROM posts WHERE target = $1").bind(target)).await?;
        row.map_or(Ok(None), |r| r.wall_or_null("latest"))
    }

    /// How many posts are in a state.
    pub async fn post_count(&self, state: PostState) -> Result<i64, StoreError> {
        let row = self
            .row(sql("SELECT COUNT(*) AS count FROM posts WHERE state = $1").bind(word("state", &state)?))
            .await?;
        row.map_or(Ok(0), |r| r.int("count"))
    }
}
