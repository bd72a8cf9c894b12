//! Walks each post through the domain's state machine. The intent is on disk before the one call that publishes; an
//! answer that never came is a state of its own, and is settled by reading the target, never by a blind retry.

use std::time::Duration;

use async_trait::async_trait;
use clipmill_domain::{
    Clock, Id, PostId, RemixId, WallTime,
    post::{Post, PostEvent, PostState},
    provenance::StageVersion,
};
use clipmill_store::{Store, StoreError, Tx, posts};
use clipmill_worker::{JobCtx, QueueName, Stage, StageError, SystemClock};

use crate::{
    calendar::{Rhythm, next_slot},
    platform::{Outcome, Platform},
};

/// What a post will say, and the latest slot taken when it was planned.
#[derive(Debug)]
pub struct Planned {
    title: String,
    latest: Option<WallTime>,
}

/// Gives each finished remix a slot at the target.
pub struct PlanPosts {
    /// Name of the target.
    pub target: String,
    /// Its rhythm.
    pub rhythm: Rhythm,
}

#[async_trait]
impl Stage for PlanPosts {
    type Input = RemixId;
    type Output = Planned;

    fn name(&self) -> &'static str {
        "publish.plan"
    }

    fn queue(&self) -> QueueName {
        QueueName::Small
    }

    fn priority(&self) -> i32 {
        20
    }

    fn version(&self) -> StageVersion {
        StageVersion::new(format!("plan/1+{}", self.target))
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn find(&self, store: &Store, limit: u32) -> Result<Vec<RemixId>, StoreError> {
        let remixes = store.remixes_without_post(&self.target, limit).await?;
        Ok(remixes.into_iter().map(|r| r.id).collect())
    }

    async fn run(&self, cx: &JobCtx, id: RemixId) -> Result<Planned, StageError> {
        let remix = found(cx.store.remix(id).await?, "remix", id)?;
        let clip = found(cx.store.clip(remix.clip_id).await?, "clip", remix.clip_id)?;
        Ok(Planned { title: clip.title, latest: cx.store.last_slot(&self.target).await? })
    }

    async fn commit(
        &self,
        tx: &mut Tx<'_>,
        id: RemixId,
        plan: Planned,
        now: WallTime,
    ) -> Result<(), StageError> {
        let post = Post {
            id: PostId::new_at(now),
            remix_id: id,
            target: self.target.clone(),
            due_at: next_slot(now, plan.latest, self.rhythm),
            state: PostState::Planned,
            title: plan.title,
            reference: None,
            last_error: None,
            published_at: None,
        };
        posts::insert_post(tx, &post).await?;
        Ok(())
    }
}

/// Takes a due post through its one publishing call.
pub struct Upload<P> {
    /// Where it goes.
    pub platform: P,
}

impl<P: Platform> Upload<P> {
    /// Writes an event in a transaction of its own: on disk before anything else happens.
    async fn note(
        &self,
        store: &Store,
        id: PostId,
        event: &PostEvent,
        detail: Option<&str>,
    ) -> Result<PostState, StageError> {
        let mut tx = store.begin().await?;
        let state = posts::apply_post_event(&mut tx, id, event, SystemClock.now(), detail, None).await?;
        tx.commit().await?;
        Ok(state)
    }

    /// Settles what an earlier attempt left open; the reference if the target already has the post.
    async fn settle(&self, store: &Store, post: &Post) -> Result<Option<String>, StageError> {
        let mut state = post.state;
        if state == PostState::Publishing {
            state = self
                .note(store, post.id, &PostEvent::NoAnswer, Some("the worker stopped before the answer"))
                .await?;
        }
        if state != PostState::OutcomeUnknown {
            return Ok(None);
        }
        let found = self.platform.find(post).await.map_err(|why| StageError::retry(Interrupted(why)))?;
        if found.is_none() {
            self.note(store, post.id, &PostEvent::NotThere, None).await?;
        }
        Ok(found)
    }
}

/// Why an attempt ended without an answer that settles the post.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Interrupted(String);

/// How a post came to be live.
#[derive(Debug)]
pub struct Published {
    event: Option<PostEvent>,
    reference: String,
}

#[async_trait]
impl<P: Platform> Stage for Upload<P> {
    type Input = PostId;
    type Output = Published;

    fn name(&self) -> &'static str {
        "publish.upload"
    }

    fn queue(&self) -> QueueName {
        QueueName::Publish
    }

    fn priority(&self) -> i32 {
        80
    }

    fn version(&self) -> StageVersion {
        StageVersion::new("upload/1")
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(300)
    }

    async fn find(&self, store: &Store, limit: u32) -> Result<Vec<PostId>, StoreError> {
        let due = store.posts_due(SystemClock.now(), limit).await?;
        Ok(due.into_iter().filter(|p| p.target == self.platform.target()).map(|p| p.id).collect())
    }

    async fn run(&self, cx: &JobCtx, id: PostId) -> Result<Published, StageError> {
        let store = &cx.store;
        let post = found(store.post(id).await?, "post", id)?;
        match post.state {
            PostState::Live => {
                return Ok(Published { event: None, reference: post.reference.unwrap_or_default() });
            }
            PostState::Failed => return Err(StageError::give_up("the post was given up before")),
            PostState::Planned | PostState::Publishing | PostState::OutcomeUnknown => {}
        }
        if let Some(reference) = self.settle(store, &post).await? {
            return Ok(Published { event: Some(PostEvent::FoundThere), reference });
        }
        let remix = found(store.remix(post.remix_id).await?, "remix", post.remix_id)?;
        let video = store.library().local_path(&remix.path)?;
        self.note(store, id, &PostEvent::Begin, None).await?;
        match self.platform.publish(&post, &video).await {
            Outcome::Accepted { reference } => Ok(Published { event: Some(PostEvent::Accepted), reference }),
            Outcome::Refused { why } => {
                self.note(store, id, &PostEvent::Refused, Some(&why)).await?;
                Err(StageError::give_up(why))
            }
            Outcome::RefusedForNow { why } => {
                self.note(store, id, &PostEvent::RefusedForNow, Some(&why)).await?;
                Err(StageError::retry(Interrupted(why)))
            }
            Outcome::Unknown { why } => {
                self.note(store, id, &PostEvent::NoAnswer, Some(&why)).await?;
                Err(StageError::retry(Interrupted(why)))
            }
        }
    }

    async fn commit(
        &self,
        tx: &mut Tx<'_>,
        id: PostId,
        out: Published,
        now: WallTime,
    ) -> Result<(), StageError> {
        if let Some(event) = &out.event {
            posts::apply_post_event(tx, id, event, now, None, Some(&out.reference)).await?;
        }
        Ok(())
    }
}

/// The row, or the end of the job: a row never comes back.
fn found<T>(row: Option<T>, what: &str, id: impl Id) -> Result<T, StageError> {
    row.ok_or_else(|| StageError::give_up(format!("{what} {id} is gone")))
}
