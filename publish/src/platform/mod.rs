//! The seam to where posts go.

mod folder;

use async_trait::async_trait;
use camino::Utf8Path;
use clipmill_domain::post::Post;

pub use folder::LocalFolder;

/// What came of the one call that publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The target has it, under this reference.
    Accepted {
        /// What the target calls it.
        reference: String,
    },
    /// The target will never take it.
    Refused {
        /// Why, in plain words.
        why: String,
    },
    /// The target cannot take it now, and certainly has not.
    RefusedForNow {
        /// Why, in plain words.
        why: String,
    },
    /// It may or may not have it.
    Unknown {
        /// What happened, in plain words.
        why: String,
    },
}

/// A place that takes posts.
#[async_trait]
pub trait Platform: Send + Sync + 'static {
    /// The name under which posts are bound to it.
    fn target(&self) -> &str;

    /// The one call that publishes. Called at most once per intent; ends within its own deadline.
    async fn publish(&self, post: &Post, video: &Utf8Path) -> Outcome;

    /// Reads the target: the reference of the post if it is there, `None` if it is certainly not.
    /// An error, in plain words, when the target cannot be read now.
    async fn find(&self, post: &Post) -> Result<Option<String>, String>;
}
