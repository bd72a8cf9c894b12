//! A remix on its way to an audience: the state machine that keeps a post exactly-once.

use serde::{Deserialize, Serialize};

use crate::{PostId, RemixId, WallTime};

/// Where a post stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostState {
    /// Has a slot, waits for it.
    Planned,
    /// The intent to publish is on disk; the publishing call may or may not have happened.
    Publishing,
    /// The call was made and its answer was lost: read before any retry.
    OutcomeUnknown,
    /// The target has it.
    Live,
    /// Given up, with a reason.
    Failed,
}

/// What happened to a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostEvent {
    /// Its slot is due and a worker takes it: written before the call.
    Begin,
    /// The target answered with its reference.
    Accepted,
    /// The target refused for good.
    Refused,
    /// The target refused for now.
    RefusedForNow,
    /// No answer came, or the worker died between the intent and the answer.
    NoAnswer,
    /// Reading the target showed the post.
    FoundThere,
    /// Reading the target showed that it is not there.
    NotThere,
}

/// An event that makes no sense in a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a post that is {state:?} cannot meet {event:?}")]
pub struct BadTransition {
    /// Where it stood.
    pub state: PostState,
    /// What was said to have happened.
    pub event: PostEvent,
}

/// The state after `event`. Every change of a post goes through here.
pub fn step(state: PostState, event: &PostEvent) -> Result<PostState, BadTransition> {
    use {PostEvent as E, PostState as S};
    Ok(match (state, event) {
        (S::Planned, E::Begin) => S::Publishing,
        (S::Publishing, E::Accepted) | (S::OutcomeUnknown, E::FoundThere) => S::Live,
        (S::Publishing, E::Refused) => S::Failed,
        (S::Publishing, E::NoAnswer) => S::OutcomeUnknown,
        (S::Publishing, E::RefusedForNow) | (S::OutcomeUnknown, E::NotThere) => S::Planned,
        (state, event) => return Err(BadTransition { state, event: event.clone() }),
    })
}

/// A remix bound to a target and a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Its id: also the token by which the target recognises a repeat.
    pub id: PostId,
    /// What is posted.
    pub remix_id: RemixId,
    /// Name of the target (an account, or a local folder).
    pub target: String,
    /// When it is due: its slot.
    pub due_at: WallTime,
    /// Where it stands.
    pub state: PostState,
    /// Title shown with it.
    pub title: String,
    /// What the target calls it, once live.
    pub reference: Option<String>,
    /// The last failure, in plain words.
    pub last_error: Option<String>,
    /// When it went live.
    pub published_at: Option<WallTime>,
}

#[cfg(test)]
mod tests {
    use super::{PostEvent as E, PostState as S, *};

    const EVENTS: [E; 7] =
        [E::Begin, E::Accepted, E::Refused, E::RefusedForNow, E::NoAnswer, E::FoundThere, E::NotThere];
    const STATES: [S; 5] = [S::Planned, S::Publishing, S::OutcomeUnknown, S::Live, S::Failed];

    /// The publishing call is made only in `Publishing`, so a second call needs a way back to `Planned`,
    /// and that way must hold proof that the first call did not take.
    #[test]
    fn the_only_ways_back_to_planned_prove_that_nothing_was_published() {
        for s in STATES {
            for e in EVENTS {
                if step(s, &e) == Ok(S::Planned) {
                    assert!(matches!(
                        (s, &e),
                        (S::Publishing, E::RefusedForNow) | (S::OutcomeUnknown, E::NotThere)
                    ));
                }
            }
        }
    }

    #[test]
    fn live_and_failed_are_final() {
        for e in EVENTS {
            assert!(step(S::Live, &e).is_err());
            assert!(step(S::Failed, &e).is_err());
        }
    }
}
