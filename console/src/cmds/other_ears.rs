//! The models that hear finished recordings again.

use std::{fs, io, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use clipmill_inference::{
    asr::{Recognizer, Whisper, WhisperOptions},
    registry::Registry,
};
use clipmill_ingest::transcribe::EarsMaker;

use super::error_chain;

/// A model whose loading ended the process so often in a row is not loaded again: it may be too large for the machine, and
/// whatever is live waits meanwhile.
const DEATHS_MAX: u64 = 3;

/// Who hears finished recordings again: the live's own model, loaded already, or another of the registry. One such
/// recording is heard at a time. What is being loaded is noted in `folder`, where the next process finds it.
pub(super) fn other_ears(
    registry: Registry,
    own: String,
    ears: Arc<dyn Recognizer>,
    options: WhisperOptions,
    folder: Utf8PathBuf,
) -> EarsMaker {
    Arc::new(move |model| {
        if model == own {
            return Ok(Arc::clone(&ears));
        }
        let file = registry.verify(model).map_err(|e| error_chain(&e))?;
        let attempt = Attempt::begin(&folder, model)?;
        let loaded = Whisper::load(&file, WhisperOptions { states: 1, ..options });
        attempt.end();
        loaded.map(|ears| Arc::new(ears) as Arc<dyn Recognizer>).map_err(|e| error_chain(&e))
    })
}

/// A note on disk that a model is being loaded, which outlives a process that dies of it.
struct Attempt(Utf8PathBuf);

impl Attempt {
    /// # Errors
    /// When earlier attempts have ended the process too often; then the count begins anew.
    fn begin(folder: &Utf8Path, model: &str) -> Result<Self, String> {
        // Names of the registry have no separators; a note must not land elsewhere whatever they have.
        let plain = model.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.', "_");
        let note = Self(folder.join(format!("loading-{plain}")));
        let before = match fs::read_to_string(&note.0) {
            Ok(text) => text.trim().parse::<u64>().unwrap_or(0),
            Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
            Err(e) => return Err(format!("cannot read {}: {e}", note.0)),
        };
        if before >= DEATHS_MAX {
            note.end();
            return Err(format!(
                "the process ended {before} times while it loaded {model}: the model may be too large for this machine"
            ));
        }
        fs::write(&note.0, (before + 1).to_string()).map_err(|e| format!("cannot write {}: {e}", note.0))?;
        Ok(note)
    }

    fn end(self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(note = %self.0, %error, "cannot remove the note of a loaded model");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_ends_the_process_is_given_up_and_may_be_tried_later() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(dir.path()).unwrap();
        for _ in 0..2 {
            for _ in 0..DEATHS_MAX {
                // The process dies: nobody calls `end`.
                Attempt::begin(folder, "../large").unwrap();
            }
            let why = Attempt::begin(folder, "../large").err().unwrap();
            assert!(why.contains("3 times"), "{why}");
        }
        for _ in 0..9 {
            Attempt::begin(folder, "small").unwrap().end();
        }
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }
}
