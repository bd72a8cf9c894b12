//! Finished lives on this machine: a folder's files are played one after another, each a recording of its own.
//!
//! Which files are done is kept in the data folder, a line each, so that a restart repeats none. A file dropped into
//! the folder is played once it has stopped growing. One file at a time is played on the whole machine, and slowly
//! while a live is recorded.

use std::{
    collections::HashSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_domain::{SourceId, source::Source};
use clipmill_store::{StoreError, audit::audit};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    desk::{Desk, Halt},
    journal::ACTOR,
    pulls::{self, Came, Tried},
    status::SourceState,
};
use crate::source::pull;

/// How often a folder is looked at. A file must look the same twice.
const LOOK: Duration = Duration::from_secs(1);

/// Waits for the turn to play a file; `None` when told to stop meanwhile.
pub(crate) async fn turn(desk: &Desk, halt: &Halt) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        () = halt.token.cancelled() => None,
        turn = Arc::clone(&desk.one_file).acquire_owned() => turn.ok(),
    }
}

/// Plays the files of `folder` until told to stop: those there are, and those that come.
pub(crate) async fn play(desk: &Arc<Desk>, source: &Source, folder: PathBuf, halt: &Halt) -> Tried {
    let shown = folder.file_name().map_or_else(|| "the folder".into(), |n| n.to_string_lossy().into_owned());
    let mut done = match Done::load(&desk.data_dir, source.id) {
        Ok(done) => done,
        Err(error) => return Tried::failed(format!("what was played of {shown} cannot be read: {error}")),
    };
    let mut before: HashSet<String> = HashSet::new();
    loop {
        if halt.token.is_cancelled() {
            return Tried::without_media(Came::Halted);
        }
        let at = folder.clone();
        let files = match tokio::task::spawn_blocking(move || pull::scan(&at)).await {
            Ok(Ok(files)) => files,
            Ok(Err(error)) => return Tried::failed(format!("the folder {shown} cannot be read: {error}")),
            Err(error) => return Tried::failed(format!("the folder {shown} cannot be read: {error}")),
        };
        let next = files.iter().find(|f| !done.has(&f.mark) && before.contains(&f.mark)).cloned();
        before = files.into_iter().map(|f| f.mark).collect();
        let Some(file) = next else {
            desk.board.set(source.id, &source.name, SourceState::Idle, None, desk.wall());
            tokio::select! {
                () = halt.token.cancelled() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            continue;
        };
        let Some(_turn) = turn(desk, halt).await else { continue };
        let Some(address) = pulls::file(&file.path) else {
            return Tried::failed(format!("{shown} is not an absolute path"));
        };
        if let Err(full) = desk.room() {
            return Tried::without_media(Came::NoRoom(full.to_string()));
        }
        desk.board.set(source.id, &source.name, SourceState::Opening, None, desk.wall());
        tracing::info!(source = source.name, file = file.name, "a file of the folder is played");
        let tried = pulls::play(desk, source, address, None, halt).await;
        let (action, detail) = match &tried.came {
            Came::Finished => ("file.finished", file.name.clone()),
            Came::Failed { error, is_final: true } => {
                let said = format!("{error}; the rest of {} is skipped", file.name);
                desk.problem(source, &said).await;
                ("file.skipped", said)
            }
            _ => return tried,
        };
        if let Err(error) = done.add(&file.mark) {
            let said = format!("that {} was played cannot be written down: {error}", file.name);
            return Tried::failed(said);
        }
        note(desk, source, action, &detail).await;
    }
}

async fn note(desk: &Desk, source: &Source, action: &str, detail: &str) {
    let noted: Result<(), StoreError> = async {
        let mut tx = desk.store.begin().await?;
        audit(&mut tx, desk.now(), ACTOR, action, &source.id.to_string(), Some(detail)).await?;
        tx.commit().await
    }
    .await;
    if let Err(error) = noted {
        tracing::warn!(source = source.name, %error, "the end of a file could not be noted");
    }
}

/// The files of a folder that were played.
struct Done {
    path: Utf8PathBuf,
    marks: HashSet<String>,
}

impl Done {
    fn load(data_dir: &Utf8Path, source: SourceId) -> io::Result<Self> {
        let dir = data_dir.join("played");
        fs::create_dir_all(&dir)?;
        let path = dir.join(format!("{source}.lines"));
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(e),
        };
        // A line that a crash cut short is not one.
        let marks = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        Ok(Self { path, marks })
    }

    fn has(&self, mark: &str) -> bool {
        self.marks.contains(mark)
    }

    fn add(&mut self, mark: &str) -> io::Result<()> {
        append(self.path.as_std_path(), mark)?;
        self.marks.insert(mark.to_owned());
        Ok(())
    }
}

fn append(path: &Path, mark: &str) -> io::Result<()> {
    let mut file = fs::File::options().create(true).append(true).open(path)?;
    // Begins a line of its own even after one that was cut short.
    writeln!(file, "\n{}", serde_json::to_string(mark)?)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use clipmill_domain::{Id, WallTime};

    use super::*;

    #[test]
    fn what_was_played_is_remembered_across_a_crash_in_the_middle_of_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let id = SourceId::new_at(WallTime::from_millis(1));
        let mut done = Done::load(dir, id).unwrap();
        done.add("a \"quoted\"\nname.mp4 5 6").unwrap();
        let mut file = fs::File::options().append(true).open(done.path.as_std_path()).unwrap();
        file.write_all(b"\"half a li").unwrap();
        let mut done = Done::load(dir, id).unwrap();
        assert!(done.has("a \"quoted\"\nname.mp4 5 6") && !done.has("half a li"));
        done.add("b 1 2").unwrap();
        let done = Done::load(dir, id).unwrap();
        assert!(done.has("b 1 2") && done.has("a \"quoted\"\nname.mp4 5 6"));
    }
}
