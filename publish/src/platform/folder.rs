//! A local folder as a target: for hand-off, for trying out, and where another program picks files up.

use std::io::{self, Write};

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::post::Post;
use serde_json::json;

use super::{Outcome, Platform};

/// Puts each post into a folder as `<post id>.mp4`, with `<post id>.json` beside it saying what it is.
///
/// The rename of the video is the commit point: before it nothing is visible under the final name. The name holds
/// the post's id, so a repeat meets the file that is there and never makes a second one.
#[derive(Debug, Clone)]
pub struct LocalFolder {
    target: String,
    folder: Utf8PathBuf,
}

impl LocalFolder {
    /// The target `folder:<name>` at `folder`, which is made when missing.
    pub fn new(name: &str, folder: &Utf8Path) -> Self {
        Self { target: format!("folder:{name}"), folder: folder.to_owned() }
    }

    fn video_path(&self, post: &Post) -> Utf8PathBuf {
        self.folder.join(format!("{}.mp4", post.id))
    }

    fn put(&self, post: &Post, video: &Utf8Path) -> io::Result<Utf8PathBuf> {
        std::fs::create_dir_all(&self.folder)?;
        let dest = self.video_path(post);
        if dest.exists() {
            return Ok(dest);
        }
        let card = json!({
            "post": post.id, "title": post.title, "due_at": post.due_at.to_string(), "video": dest.file_name(),
        });
        self.place(&dest.with_extension("json"), |f| writeln!(f, "{card:#}"))?;
        self.place(&dest, |f| io::copy(&mut std::fs::File::open(video)?, f).map(drop))?;
        Ok(dest)
    }

    /// Writes under a temporary name, makes it durable, renames.
    fn place(
        &self,
        dest: &Utf8Path,
        fill: impl FnOnce(&mut std::fs::File) -> io::Result<()>,
    ) -> io::Result<()> {
        let temp = Utf8PathBuf::from(format!("{dest}.part"));
        let written = (|| {
            let mut file = std::fs::File::create(&temp)?;
            fill(&mut file)?;
            file.sync_all()?;
            std::fs::rename(&temp, dest)?;
            std::fs::File::open(&self.folder)?.sync_all()
        })();
        if written.is_err() {
            let _ = std::fs::remove_file(&temp);
        }
        written
    }
}

#[async_trait]
impl Platform for LocalFolder {
    fn target(&self) -> &str {
        &self.target
    }

    async fn publish(&self, post: &Post, video: &Utf8Path) -> Outcome {
        let (this, post, video) = (self.clone(), post.clone(), video.to_owned());
        let put = tokio::task::spawn_blocking(move || {
            this.put(&post, &video).map_err(|e| format!("cannot write to the folder {}: {e}", this.folder))
        });
        match put.await {
            Ok(Ok(path)) => Outcome::Accepted { reference: path.into_string() },
            Ok(Err(why)) => Outcome::RefusedForNow { why },
            Err(e) => Outcome::Unknown { why: format!("the copy was interrupted: {e}") },
        }
    }

    async fn find(&self, post: &Post) -> Result<Option<String>, String> {
        let path = self.video_path(post);
        match path.try_exists() {
            Ok(there) => Ok(there.then(|| path.into_string())),
            Err(e) => Err(format!("cannot read the folder {}: {e}", self.folder)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{Id, PostId, RemixId, WallTime, post::PostState};

    use super::*;

    fn post() -> Post {
        let now = WallTime::from_millis(0);
        Post {
            id: PostId::new_at(now),
            remix_id: RemixId::new_at(now),
            target: "folder:out".into(),
            due_at: now,
            state: PostState::Publishing,
            title: "标题".into(),
            reference: None,
            last_error: None,
            published_at: None,
        }
    }

    #[tokio::test]
    async fn a_post_arrives_whole_once_and_can_be_found() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let video = dir.join("v.mp4");
        std::fs::write(&video, b"video bytes").unwrap();
        let target = LocalFolder::new("out", &dir.join("out"));
        let post = post();
        assert_eq!(target.find(&post).await, Ok(None));
        for _ in 0..2 {
            let Outcome::Accepted { reference } = target.publish(&post, &video).await else {
                panic!("refused")
            };
            assert_eq!(std::fs::read(&reference).unwrap(), b"video bytes");
        }
        assert!(target.find(&post).await.unwrap().is_some());
        assert_eq!(std::fs::read_dir(dir.join("out")).unwrap().count(), 2, "one video and its card");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_refuses_for_now_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let file = dir.join("not-a-folder");
        std::fs::write(&file, b"x").unwrap();
        let outcome = LocalFolder::new("out", &file).publish(&post(), &file).await;
        assert!(matches!(outcome, Outcome::RefusedForNow { .. }), "{outcome:?}");
    }
}
