//! The artifact library: media files by relative path, whole or not there at all.
//!
//! ```text
//! <data folder>/library/recordings/<recording id>/…    init and part files
//!                      /clips/<clip id>/…              draft, thumbnail, exact cut
//!                      /remixes/<remix id>/…           captioned videos
//! <data folder>/tmp/…                                  files being written; on the same file system
//! ```
//!
//! A file is written under `tmp`, then [`Library::publish_file`]d, then a row names it. Deleting goes the other
//! way: [`mark_garbage`] in the transaction that drops the row, then [`crate::Store::sweep_garbage`].
//! Sizes, existence, listing and deletion go through `object_store`; publishing renames, which is what a local
//! disk does best.

mod artifact;

use std::{
    fs::{self, File},
    io::{self, Read},
    sync::Arc,
    time::{Duration, SystemTime},
};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use clipmill_domain::WallTime;
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, local::LocalFileSystem, path::Path};
use sha2::{Digest, Sha256};

pub use artifact::{Artifact, insert_artifact, mark_garbage};

use crate::StoreError;

/// No operation on the object store takes longer.
const OPERATION: Duration = Duration::from_secs(60);

/// A file as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Path inside the library.
    pub path: String,
    /// File length in bytes.
    pub bytes: i64,
    /// When it was last written.
    pub modified_at: WallTime,
}

/// The files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Library {
    files: Arc<dyn ObjectStore>,
    root: Utf8PathBuf,
    temp: Utf8PathBuf,
}

/// `path` as the library knows it: relative, of plain names.
fn checked(path: &str) -> Result<Path, StoreError> {
    let bad = || StoreError::BadPath { path: path.to_owned() };
    let plain = !path.is_empty()
        && !path.ends_with('/')
        && !path.contains("//")
        && !path.contains(['\\', '\0', '#', '%'])
        && Utf8Path::new(path).components().all(|c| matches!(c, Utf8Component::Normal(_)))
        && !path.split('/').any(|name| name == ".");
    if !plain {
        return Err(bad());
    }
    Path::parse(path).map_err(|_| bad())
}

/// Makes the last rename or creation in the folder of `path` survive a power cut.
pub(crate) fn sync_folder_of(path: &Utf8Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|f| !f.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| StoreError::file("sync", folder, e))
}

/// Creates `folder` and its parents, each synced into the folder above.
fn make_folder(folder: &Utf8Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|f| !f.as_str().is_empty()) {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => sync_folder_of(folder),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) => Err(StoreError::file("create the folder", folder, e)),
    }
}

/// SHA-256 of a file, lower-case hex. Blocks.
pub fn hash_file_blocking(path: &Utf8Path) -> Result<String, StoreError> {
    let failed = |e| StoreError::file("read", path, e);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 256 * 1024];
    loop {
        let n = file.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            return Ok(hex::encode(hasher.finalize()));
        }
        hasher.update(&buffer[..n]);
    }
}

/// Runs file work where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => Err(StoreError::Refused { why: format!("file work was cut short: {e}") }),
    }
}

/// Bytes that an ordinary user may still write on the file system of `folder`, which must exist.
pub fn free_bytes_at(folder: &Utf8Path) -> Result<u64, StoreError> {
    let s = rustix::fs::statvfs(folder.as_std_path())
        .map_err(|e| StoreError::file("ask the free space of", folder, e.into()))?;
    Ok(s.f_bavail.saturating_mul(s.f_frsize))
}

impl Library {
    /// The library of a data folder; creates what is missing.
    pub(crate) async fn open(data_dir: &Utf8Path) -> Result<Self, StoreError> {
        let (root, temp) = (data_dir.join("library"), data_dir.join("tmp"));
        let (make_root, make_temp) = (root.clone(), temp.clone());
        blocking(move || {
            make_folder(&make_root)?;
            make_folder(&make_temp)
        })
        .await?;
        let files = LocalFileSystem::new_with_prefix(&root)
            .map_err(|source| StoreError::Library { path: root.to_string(), source })?;
        // The store works with absolute paths: so that a later change of the working folder does not matter.
        let root = root.canonicalize_utf8().map_err(|e| StoreError::file("find", &root, e))?;
        let temp = temp.canonicalize_utf8().map_err(|e| StoreError::file("find", &temp, e))?;
        Ok(Self { files: Arc::new(files), root, temp })
    }

    /// Where a library path lies on the local disk.
    ///
    /// # Errors
    /// [`StoreError::BadPath`] for anything that could lead outside.
    pub fn local_path(&self, path: &str) -> Result<Utf8PathBuf, StoreError> {
        checked(path)?;
        Ok(self.root.join(path))
    }

    /// The folder that library paths are relative to.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The folder of files being written: same file system as the library, swept of old files.
    pub fn temp_dir(&self) -> &Utf8Path {
        &self.temp
    }

    /// A fresh path under the temporary folder that ends in `name` (a plain file name); nothing is created.
    pub fn temp_path(&self, name: &str) -> Utf8PathBuf {
        let name = name.replace(['/', '\\'], "_");
        self.temp.join(format!("{}-{name}", uuid::Uuid::now_v7()))
    }

    /// Creates a folder of the library, durably, and says where it lies; for a writer of many files.
    pub async fn make_dir(&self, path: &str) -> Result<Utf8PathBuf, StoreError> {
        let folder = self.local_path(path)?;
        let made = folder.clone();
        blocking(move || make_folder(&made)).await?;
        Ok(folder)
    }

    /// Moves a finished temporary file to `dest`, durably, and gives its length in bytes. At `dest` there is at
    /// any time no file or a whole one. A file already there is replaced (it is what a crashed attempt left):
    /// use a `dest` that no committed row names.
    pub async fn publish_file(&self, temp: &Utf8Path, dest: &str) -> Result<i64, StoreError> {
        let (this, temp, dest) = (self.clone(), temp.to_owned(), dest.to_owned());
        blocking(move || this.publish_file_blocking(&temp, &dest)).await
    }

    /// [`Library::publish_file`] for callers outside the runtime. Blocks.
    pub fn publish_file_blocking(&self, temp: &Utf8Path, dest: &str) -> Result<i64, StoreError> {
        let target = self.local_path(dest)?;
        let file = File::open(temp).map_err(|e| StoreError::file("open", temp, e))?;
        file.sync_all().map_err(|e| StoreError::file("sync", temp, e))?;
        let meta = file.metadata().map_err(|e| StoreError::file("read", temp, e))?;
        if !meta.is_file() {
            return Err(StoreError::BadPath { path: temp.to_string() });
        }
        if let Some(folder) = target.parent() {
            make_folder(folder)?;
        }
        fs::rename(temp, &target).map_err(|e| StoreError::file("rename to", &target, e))?;
        sync_folder_of(&target)?;
        Ok(i64::try_from(meta.len()).unwrap_or(i64::MAX))
    }

    /// Length in bytes, or `None` when there is no such file.
    pub async fn size(&self, path: &str) -> Result<Option<i64>, StoreError> {
        let key = checked(path)?;
        match self.in_time(path, self.files.head(&key)).await {
            Ok(meta) => Ok(Some(stored(meta).bytes)),
            Err(StoreError::Library { source: object_store::Error::NotFound { .. }, .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Whether there is such a file.
    pub async fn exists(&self, path: &str) -> Result<bool, StoreError> {
        Ok(self.size(path).await?.is_some())
    }

    /// SHA-256 of a library file, lower-case hex.
    pub async fn hash(&self, path: &str) -> Result<String, StoreError> {
        self.hash_file(&self.local_path(path)?).await
    }

    /// SHA-256 of any local file, lower-case hex.
    pub async fn hash_file(&self, path: &Utf8Path) -> Result<String, StoreError> {
        let path = path.to_owned();
        blocking(move || hash_file_blocking(&path)).await
    }

    /// Bytes free for us on the library's file system.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        free_bytes_at(&self.root)
    }

    /// Bytes that the library's file system holds in all, used or free.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        let s = rustix::fs::statvfs(self.root.as_std_path())
            .map_err(|e| StoreError::file("ask the size of", &self.root, e.into()))?;
        Ok(s.f_blocks.saturating_mul(s.f_frsize))
    }

    /// Every file, in path order.
    pub async fn list(&self) -> Result<Vec<StoredFile>, StoreError> {
        let listed: Vec<ObjectMeta> = self.in_time("", self.files.list(None).try_collect()).await?;
        let mut files: Vec<StoredFile> = listed.into_iter().map(stored).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Deletes a file; gone already is fine. Only for files that no row names: see [`mark_garbage`].
    pub(crate) async fn delete(&self, path: &str) -> Result<(), StoreError> {
        let key = checked(path)?;
        match self.in_time(path, self.files.delete(&key)).await {
            Ok(()) => {}
            Err(StoreError::Library { source: object_store::Error::NotFound { .. }, .. }) => {}
            Err(e) => return Err(e),
        }
        // The folder of the noun goes with its last file; `remove_dir` refuses a folder that holds anything.
        if let Some(folder) = self.local_path(path)?.parent().filter(|f| f.parent() != Some(&self.root)) {
            drop(fs::remove_dir(folder));
        }
        Ok(())
    }

    /// Deletes temporary files and folders untouched for `age`; how many went. For the start of a process: what
    /// a killed one left.
    pub async fn sweep_temp(&self, age: Duration) -> Result<u64, StoreError> {
        let temp = self.temp.clone();
        blocking(move || {
            let mut swept = 0;
            let failed = |e| StoreError::file("sweep", &temp, e);
            for entry in fs::read_dir(&temp).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let Ok(meta) = entry.metadata() else { continue };
                let old = meta
                    .modified()
                    .is_ok_and(|m| SystemTime::now().duration_since(m).is_ok_and(|since| since >= age));
                if old {
                    let gone = if meta.is_dir() {
                        fs::remove_dir_all(entry.path())
                    } else {
                        fs::remove_file(entry.path())
                    };
                    swept += u64::from(gone.is_ok());
                }
            }
            Ok(swept)
        })
        .await
    }

    async fn in_time<T>(
        &self,
        path: &str,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(OPERATION, work).await {
            Ok(done) => done.map_err(|source| StoreError::Library { path: path.to_owned(), source }),
            Err(_) => Err(StoreError::Timeout { statement: format!("library file {path}") }),
        }
    }
}

fn stored(meta: ObjectMeta) -> StoredFile {
    StoredFile {
        path: meta.location.to_string(),
        bytes: i64::try_from(meta.size).unwrap_or(i64::MAX),
        modified_at: WallTime::from_millis(meta.last_modified.timestamp_millis()),
    }
}
