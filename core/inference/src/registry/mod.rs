//! Models by name: a manifest of accepted files, and the files themselves, verified before anything reads them.
//!
//! A name leads to a file in the models folder whose SHA-256 is one the manifest accepts, or to an error that says what
//! to run. Nothing here touches the network except [`Registry::fetch`].

mod archive;
mod convert;
mod download;
mod error;
mod fetch;
mod hash;
mod index;
mod lock;
mod manifest;
mod quantize;

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

pub use download::Patience;
pub use error::RegistryError;
pub use fetch::{FetchOptions, Progress};
pub use manifest::{ArchiveFile, Converter, Manifest, ModelEntry, Origin, PackageFile, Source};
pub use quantize::quantize;

/// The models folder, with the manifest that says what belongs in it.
#[derive(Debug, Clone)]
pub struct Registry {
    dir: Utf8PathBuf,
    manifest: Manifest,
}

/// A model file whose hash was checked just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// The model's name.
    pub name: String,
    /// Its file.
    pub path: Utf8PathBuf,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
}

impl ModelFile {
    /// Name and the hash's first ten digits, for provenance: `whisper-base@60ed5bc3dd`.
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.sha256.get(..10).unwrap_or(&self.sha256))
    }
}

/// What can be told about a model without reading its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelStatus {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub task: String,
    /// Its licence.
    pub licence: String,
    /// Where its file is or belongs.
    pub path: Utf8PathBuf,
    /// The length of the file its first source gives, in bytes.
    pub size: u64,
    /// Whether it is there.
    pub state: FileState,
}

/// Whether a model's file is there, by its length alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// No file.
    Missing,
    /// A file of a length that no source gives, in bytes.
    WrongSize(u64),
    /// A file of the right length; [`Registry::verify`] reads it.
    Present,
}

impl Registry {
    /// The registry over `dir` with the built-in manifest, extended by the manifest file `extra` where there is one.
    pub fn new(dir: impl Into<Utf8PathBuf>, extra: Option<&Utf8Path>) -> Result<Self, RegistryError> {
        let manifest = Manifest::built_in()?;
        let manifest = extra.map_or(Ok(manifest.clone()), |path| manifest.extended_by(path))?;
        Ok(Self::with_manifest(dir, manifest))
    }

    /// The registry over `dir` with a manifest of the caller's.
    pub fn with_manifest(dir: impl Into<Utf8PathBuf>, manifest: Manifest) -> Self {
        Self { dir: dir.into(), manifest }
    }

    /// The models folder.
    pub fn dir(&self) -> &Utf8Path {
        &self.dir
    }

    /// The manifest in force.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every model with its state, in the manifest's order. Reads no file's content.
    pub fn list(&self) -> Result<Vec<ModelStatus>, RegistryError> {
        self.manifest.models.iter().map(|m| self.status_of(m)).collect()
    }

    /// The state of one model. Reads no file's content.
    pub fn status(&self, name: &str) -> Result<ModelStatus, RegistryError> {
        self.status_of(self.manifest.model(name)?)
    }

    fn status_of(&self, model: &ModelEntry) -> Result<ModelStatus, RegistryError> {
        let path = self.dir.join(&model.file);
        let state = match fs::metadata(&path) {
            Ok(m) if model.sources.iter().any(|s| s.size == m.len()) => FileState::Present,
            Ok(m) => FileState::WrongSize(m.len()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => FileState::Missing,
            Err(e) => return Err(RegistryError::io(&path, e)),
        };
        Ok(ModelStatus {
            name: model.name.clone(),
            task: model.task.clone(),
            licence: model.licence.clone(),
            size: model.sources.first().map_or(0, |s| s.size),
            path,
            state,
        })
    }

    /// Reads the whole file of `name` and checks its hash: about a second a gigabyte. A missing file, a short one and one
    /// with a flipped bit are errors that say what to run.
    pub fn verify(&self, name: &str) -> Result<ModelFile, RegistryError> {
        let model = self.manifest.model(name)?;
        let status = self.status_of(model)?;
        let path = status.path;
        match status.state {
            FileState::Missing => return Err(RegistryError::Missing { name: name.to_owned(), path }),
            FileState::WrongSize(found) => {
                return Err(RegistryError::WrongSize {
                    what: path.to_string(),
                    expected: status.size,
                    found,
                });
            }
            FileState::Present => {}
        }
        let (found, _) = hash::sha256_file(&path)?;
        if model.accepted().contains(&found.as_str()) {
            Ok(ModelFile { name: name.to_owned(), path, sha256: found })
        } else {
            Err(RegistryError::WrongHash {
                what: path.to_string(),
                expected: model.accepted().join(" or "),
                found,
            })
        }
    }

    /// The verified path of `name`, to load it from. Hashes the file each time, so that a damaged one is never loaded.
    pub fn path(&self, name: &str) -> Result<Utf8PathBuf, RegistryError> {
        self.verify(name).map(|m| m.path)
    }

    /// Makes sure that `name` is here: verified if its file is there already, else fetched. Blocks; call it off any async
    /// thread. A damaged file is removed and fetched anew. Safe to call from several processes at once.
    pub fn fetch(
        &self,
        name: &str,
        options: &FetchOptions,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<ModelFile, RegistryError> {
        let model = self.manifest.model(name)?;
        let partial = self.dir.join(".partial");
        if self.status_of(model)?.state == FileState::Present {
            progress(&Progress::Checking);
            if let Ok(file) = self.verify(name) {
                progress(&Progress::Ready { path: file.path.clone() });
                return Ok(file);
            }
        }
        fs::create_dir_all(&partial).map_err(|e| RegistryError::io(&partial, e))?;
        let lock = partial.join(format!("{name}.lock"));
        let _held =
            lock::take(&lock, name, options.lock_wait, &options.stop, &mut || progress(&Progress::Waiting))?;
        // Whoever held the lock may have brought it.
        match self.verify(name) {
            Ok(file) => {
                progress(&Progress::Ready { path: file.path.clone() });
                return Ok(file);
            }
            Err(RegistryError::Missing { .. }) => {}
            Err(e @ (RegistryError::WrongHash { .. } | RegistryError::WrongSize { .. })) => {
                tracing::warn!(model = name, error = %e, "removing a damaged model file");
                let path = self.dir.join(&model.file);
                fs::remove_file(&path).map_err(|e| RegistryError::io(&path, e))?;
            }
            Err(e) => return Err(e),
        }
        fetch::fetch(model, &partial, &self.dir.join(&model.file), options, progress)?;
        let file = self.verify(name)?;
        progress(&Progress::Ready { path: file.path.clone() });
        Ok(file)
    }
}

#[cfg(test)]
mod tests;
