//! One TOML file with documented keys, environment overrides, and errors that say what to do.
//!
//! A later source wins: defaults, then the file, then the environment. The environment variable of a key is
//! `CLIPMILL__SECTION__KEY`, for example `CLIPMILL__SERVE__BIND=127.0.0.1:8700`.

mod check;
mod keys;
mod packs;
mod show;

use std::{collections::BTreeSet, path::Path};

use camino::{Utf8Path, Utf8PathBuf};
use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};
use secrecy::{ExposeSecret, SecretString};

pub use check::MIN_TOKEN_CHARS;
pub use keys::{
    Classify, Config, Cut, Database, Key, LogFormat, Models, Publish, Record, Render, Retention, Serve,
    Telemetry, Transcribe,
};
pub(crate) use packs::read_pack_file;
pub use show::{redact_url, reference_markdown};

use keys::{KEYS, SECTIONS};

/// File looked for in the working directory when none is named.
pub const DEFAULT_FILE: &str = "clipmill.toml";

/// What every environment override begins with.
pub const ENV_PREFIX: &str = "CLIPMILL__";

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named does not exist or cannot be read.
    #[error("cannot read the configuration file {path}: {source}; name an existing file or leave it out")]
    Unreadable {
        /// As given.
        path: Utf8PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path} is not valid TOML: {message}")]
    Syntax {
        /// The file.
        path: String,
        /// Line, column and what was expected.
        message: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key `{key}`; {hint}")]
    UnknownKey {
        /// The key as written, with its section.
        key: String,
        /// The file or environment variable it stands in.
        origin: String,
        /// The nearest known key, in words.
        hint: String,
    },
    /// Values that cannot be used; every one that was found.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    BadValues(Vec<BadValue>),
    /// A file with a secret cannot be used.
    #[error("{key} = {path}: {problem}")]
    SecretFile {
        /// The key that names it.
        key: &'static str,
        /// As configured.
        path: Utf8PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// One value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value} ({origin}): {problem}")]
pub struct BadValue {
    /// The key, with its section.
    pub key: String,
    /// The value as read; masked where it may be secret.
    pub value: String,
    /// Where it was read.
    pub origin: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl Config {
    /// Reads `path` (or `clipmill.toml` in the working directory, if there is one), then the environment.
    ///
    /// # Errors
    /// When the file named cannot be read or is not TOML, a key is unknown, or a value cannot be used.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let env =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        let default = Path::new(DEFAULT_FILE);
        Self::load_from(path.or_else(|| default.is_file().then_some(default)), env)
    }

    /// As [`Config::load`], with the environment given as name-value pairs. Pairs whose name does not begin
    /// with [`ENV_PREFIX`] are passed over; a later pair wins over an earlier one.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_from(
        path: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Defaults);
        if let Some(path) = path {
            std::fs::File::open(path).map_err(|source| ConfigError::Unreadable {
                path: Utf8PathBuf::from(path.to_string_lossy().as_ref()),
                source,
            })?;
            figment = figment.merge(Toml::file_exact(path));
        }
        for (name, value) in env {
            let key = name.strip_prefix(ENV_PREFIX).map(|k| k.to_lowercase().replace("__", "."));
            if let Some(key) = key {
                figment = figment.merge(Variable { name, key, value });
            }
        }
        let all = figment.find_value("").map_err(|e| ConfigError::Syntax {
            path: path.map(|p| p.display().to_string()).unwrap_or_default(),
            message: e.to_string(),
        })?;
        refuse_unknown(&figment, &all)?;
        let mut config: Self = figment.extract().map_err(|e| {
            let key = e.path.join(".");
            let problem = format!("{}; see docs/ref/config.md", e.kind);
            ConfigError::BadValues(vec![bad(&show::collect(&figment), &key, problem)])
        })?;
        config.shown = show::collect(&figment);
        config.check()?;
        Ok(config)
    }

    /// The database to open, with its password if it has one.
    pub fn database_url(&self) -> SecretString {
        let embedded = || SecretString::from(format!("sqlite:{}", self.data_dir.join("clipmill.db")));
        self.database.url.clone().unwrap_or_else(embedded)
    }

    /// Folder of model files.
    pub fn models_dir(&self) -> Utf8PathBuf {
        self.models.dir.clone().unwrap_or_else(|| self.data_dir.join("models"))
    }

    /// Folder that the local-folder target publishes into.
    pub fn publish_folder(&self) -> Utf8PathBuf {
        self.publish.folder.clone().unwrap_or_else(|| self.data_dir.join("published"))
    }

    /// The token that the API asks for; `None` when it asks for none.
    ///
    /// # Errors
    /// When the token file cannot be read or its token is too short.
    pub fn auth_token(&self) -> Result<Option<SecretString>, ConfigError> {
        self.serve.auth_token_file.as_deref().map(read_token).transpose()
    }

    /// The key of the transcription service; `None` when it is given none.
    ///
    /// # Errors
    /// When the file cannot be read, or its first line is empty or cannot be sent.
    pub fn transcription_key(&self) -> Result<Option<SecretString>, ConfigError> {
        read_service_key("transcribe.api_key_file", self.transcribe.api_key_file.as_deref())
    }

    /// The key of the language model service; `None` when it is given none.
    ///
    /// # Errors
    /// When the file cannot be read, or its first line is empty or cannot be sent.
    pub fn language_model_key(&self) -> Result<Option<SecretString>, ConfigError> {
        read_service_key("classify.api_key_file", self.classify.api_key_file.as_deref())
    }
}

fn read_service_key(
    name: &'static str,
    path: Option<&Utf8Path>,
) -> Result<Option<SecretString>, ConfigError> {
    let Some(path) = path else { return Ok(None) };
    let fail = |problem: String| ConfigError::SecretFile { key: name, path: path.to_owned(), problem };
    let text = std::fs::read_to_string(path).map(SecretString::from);
    let text = text.map_err(|e| fail(format!("cannot be read: {e}; write the service's key into it")))?;
    let key = text.expose_secret().lines().next().unwrap_or_default().trim();
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(fail("its first line must be the service's key, without spaces".to_owned()));
    }
    Ok(Some(SecretString::from(key)))
}

fn read_token(path: &Utf8Path) -> Result<SecretString, ConfigError> {
    let fail = |problem: String| ConfigError::SecretFile {
        key: "serve.auth_token_file",
        path: path.to_owned(),
        problem,
    };
    let text = std::fs::read_to_string(path).map(SecretString::from).map_err(|e| {
        fail(format!("cannot be read: {e}; make one with `head -c 24 /dev/urandom | base64 > {path}`"))
    })?;
    let token = text.expose_secret().lines().next().unwrap_or_default().trim();
    if token.chars().count() < MIN_TOKEN_CHARS {
        return Err(fail(format!(
            "its first line is shorter than {MIN_TOKEN_CHARS} characters; \
             make one with `head -c 24 /dev/urandom | base64 > {path}`"
        )));
    }
    Ok(SecretString::from(token))
}

/// Every known key.
pub fn known_keys() -> &'static [Key] {
    KEYS
}

fn bad(shown: &[show::Shown], key: &str, problem: String) -> BadValue {
    let found = shown.iter().find(|s| s.key == key);
    BadValue {
        key: key.to_owned(),
        value: found.and_then(|s| s.value.clone()).unwrap_or_else(|| "(unset)".to_owned()),
        origin: found.map_or_else(|| "default".to_owned(), |s| s.origin.clone()),
        problem,
    }
}

/// Where a value of the merged configuration was read.
fn origin_of(figment: &Figment, value: &Value) -> String {
    figment.get_metadata(value.tag()).map_or_else(
        || "default".to_owned(),
        |m| {
            m.source
                .as_ref()
                .and_then(|s| s.file_path())
                .map_or_else(|| m.name.to_string(), |p| p.display().to_string())
        },
    )
}

fn refuse_unknown(figment: &Figment, all: &Value) -> Result<(), ConfigError> {
    let sections: BTreeSet<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
    let known = |path: &str| KEYS.iter().any(|k| k.path() == path);
    let unknown = |key: String, value: &Value| {
        Err(ConfigError::UnknownKey { hint: nearest(&key), origin: origin_of(figment, value), key })
    };
    for (name, value) in all.as_dict().into_iter().flatten() {
        match value.as_dict() {
            Some(keys) if sections.contains(name.as_str()) => {
                for (key, value) in keys {
                    let path = format!("{name}.{key}");
                    if !known(&path) {
                        return unknown(path, value);
                    }
                }
            }
            None if known(name) => {}
            _ => return unknown(name.clone(), value),
        }
    }
    Ok(())
}

/// What the writer of an unknown key most likely meant.
fn nearest(wrong: &str) -> String {
    if SECTIONS.iter().any(|(name, _)| *name == wrong) {
        return format!("`{wrong}` is a section: write [{wrong}] and its keys below it");
    }
    let leaf = wrong.rsplit('.').next().unwrap_or(wrong);
    let candidates = KEYS.iter().map(|k| (k.path(), k.name)).map(|(path, name)| {
        // The same key name in another section is nearer than another name in the same section.
        let score = strsim::jaro_winkler(wrong, &path).max(strsim::jaro_winkler(leaf, name) * 0.99);
        (score, format!("`{path}`"))
    });
    let sections =
        SECTIONS.iter().map(|(name, _)| (strsim::jaro_winkler(wrong, name), format!("section [{name}]")));
    candidates
        .chain(sections.filter(|_| !wrong.contains('.')))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, name)| format!("did you mean {name}?"))
}

/// The defaults of [`keys`], as the lowest layer.
struct Defaults;

impl Provider for Defaults {
    fn metadata(&self) -> Metadata {
        Metadata::named("default")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Toml::string(&show::defaults_toml()).data()
    }
}

/// One environment variable, as a layer of its own so that an error can name it.
struct Variable {
    name: String,
    key: String,
    value: String,
}

impl Provider for Variable {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("environment variable {}", self.name))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        // Text keys take the value as it is; the others read it as TOML would.
        let text = KEYS.iter().any(|k| k.path() == self.key && show::is_text(k.kind));
        let value = if text {
            Value::from(self.value.clone())
        } else {
            self.value.parse().unwrap_or_else(|_| Value::from(self.value.clone()))
        };
        let dict = figment::util::nest(&self.key, value).into_dict().unwrap_or_default();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

#[cfg(test)]
mod tests;
