//! The audit log: who did what to which row, never changed.

use clipmill_domain::{Id, JobId, WallTime};

use crate::{Store, StoreError, Tx, row::sql};

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// When.
    pub at: WallTime,
    /// Who: a stage, a role, or the operator.
    pub actor: String,
    /// What was done, for example `post.accepted`.
    pub action: String,
    /// To which row: its id.
    pub subject: String,
    /// Anything more, in words, without secrets.
    pub detail: Option<String>,
}

/// Adds a line.
pub async fn audit(
    tx: &mut Tx<'_>,
    at: WallTime,
    actor: &str,
    action: &str,
    subject: &str,
    detail: Option<&str>,
) -> Result<(), StoreError> {
    tx.run(
        sql("INSERT INTO audit (id, seq, at, actor, action, subject, detail)
             VALUES ($1, (SELECT COUNT(*) FROM audit WHERE subject = $5), $2, $3, $4, $5, $6)")
        .bind(JobId::new_at(at))
        .bind(at)
        .bind(actor)
        .bind(action)
        .bind(subject)
        .bind(detail),
    )
    .await?;
    Ok(())
}

impl Store {
    /// The history of a row, oldest first; its latest 1000 lines at most.
    pub async fn audit_of(&self, subject: &str) -> Result<Vec<AuditLine>, StoreError> {
        let rows = self
            .rows(
                sql("SELECT * FROM audit WHERE subject = $1 ORDER BY seq DESC, at DESC, id DESC LIMIT 1000")
                    .bind(subject),
            )
            .await?;
        rows.iter()
            .rev()
            .map(|r| {
                Ok(AuditLine {
                    at: r.wall("at")?,
                    actor: r.text("actor")?,
                    action: r.text("action")?,
                    subject: r.text("subject")?,
                    detail: r.text_or_null("detail")?,
                })
            })
            .collect()
    }
}
