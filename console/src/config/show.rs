//! Printing a configuration and its reference page.

use std::fmt::Write as _;

use figment::{Figment, value::Value};

use super::{Config, DEFAULT_FILE, ENV_PREFIX, KEYS, Key, SECTIONS, origin_of};

/// One key as it stands after merging.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// `section.name`.
    pub key: String,
    /// TOML text, masked where it may be secret; `None` when unset.
    pub value: Option<String>,
    /// The file, the environment variable or `default`.
    pub origin: String,
}

pub(super) fn collect(figment: &Figment) -> Vec<Shown> {
    KEYS.iter()
        .map(|k| {
            let found = figment.find_value(&k.path()).ok();
            Shown {
                key: k.path(),
                value: found.as_ref().map(|v| render(v, masks(k))),
                origin: found.map_or_else(|| "default".to_owned(), |v| origin_of(figment, &v)),
            }
        })
        .collect()
}

fn masks(key: &Key) -> bool {
    key.is_secret()
        || ["telemetry.otlp_endpoint", "transcribe.endpoint", "classify.endpoint"]
            .contains(&key.path().as_str())
}

fn render(value: &Value, mask: bool) -> String {
    match value {
        Value::String(_, s) if mask => toml::Value::String(redact_url(s)).to_string(),
        Value::String(_, s) => toml::Value::String(s.clone()).to_string(),
        Value::Bool(_, b) => b.to_string(),
        Value::Array(_, items) => {
            format!("[{}]", items.iter().map(|v| render(v, mask)).collect::<Vec<_>>().join(", "))
        }
        other => other
            .to_i128()
            .map(|n| n.to_string())
            .or_else(|| other.to_u128().map(|n| n.to_string()))
            .or_else(|| other.to_f64().map(|n| n.to_string()))
            .unwrap_or_else(|| "(a table)".to_owned()),
    }
}

/// A URL fit to be shown: without password, and without any query value, since a query may hold one too.
/// Of text that is no URL with a host, what stands before an `@` is masked.
pub fn redact_url(text: &str) -> String {
    let Some(mut url) = url::Url::parse(text).ok().filter(url::Url::has_host) else {
        let shown = text.split('?').next().unwrap_or_default();
        return shown.rsplit_once('@').map_or_else(|| shown.to_owned(), |(_, tail)| format!("***@{tail}"));
    };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    if url.query().is_some() {
        let names: Vec<String> = url.query_pairs().map(|(name, _)| format!("{name}=***")).collect();
        url.set_query(None);
        return format!("{url}?{}", names.join("&"));
    }
    url.to_string()
}

/// The defaults as a TOML document.
pub(super) fn defaults_toml() -> String {
    let mut out = String::new();
    let mut section = "";
    // A section without any default must still exist for its structure to be read.
    for key in KEYS {
        if key.section != section {
            section = key.section;
            let _ = writeln!(out, "[{section}]");
        }
        if !key.default.is_empty() {
            let _ = writeln!(out, "{} = {}", key.name, key.default);
        }
    }
    out
}

impl Config {
    /// The configuration in effect as TOML, each value with a comment that says where it came from.
    /// Passwords are masked.
    pub fn show(&self) -> String {
        let mut out = String::from("# The configuration in effect. Passwords are masked.\n");
        let mut section = "";
        for (key, shown) in KEYS.iter().zip(&self.shown) {
            if key.section != section {
                section = key.section;
                let _ = write!(out, "\n[{section}]\n");
            }
            let _ = match (&shown.value, self.derived(&shown.key)) {
                (Some(value), _) => writeln!(out, "{} = {value}  # {}", key.name, shown.origin),
                (None, Some(value)) => {
                    let value = toml::Value::String(value).to_string();
                    writeln!(out, "{} = {value}  # default, follows data_dir", key.name)
                }
                (None, None) => writeln!(out, "# {} is unset", key.name),
            };
        }
        out
    }

    fn derived(&self, key: &str) -> Option<String> {
        match key {
            "database.url" => Some(format!("sqlite:{}", self.data_dir.join("clipmill.db"))),
            "models.dir" => Some(self.models_dir().into_string()),
            "publish.folder" => Some(self.publish_folder().into_string()),
            _ => None,
        }
    }
}

/// Whether a key of this type is text, and so takes an environment variable as it is.
pub(super) fn is_text(kind: &str) -> bool {
    ["String", "Path", "SocketAddr", "LogFormat", "Tier"].iter().any(|t| kind.contains(t))
        && !kind.starts_with("Vec")
}

fn kind_in_words(kind: &str) -> &'static str {
    match kind.replace(' ', "").trim_start_matches("Option<").trim_end_matches('>') {
        "SocketAddr" => "address:port",
        "Utf8PathBuf" => "path",
        "SecretString" => "URL (secret)",
        "f64" => "number",
        "u32" | "u64" => "whole number",
        "bool" => "`true` or `false`",
        "Vec<String" | "Vec<String>" => "list of text",
        "Vec<Vec<String" => "list of lists",
        _ => "text",
    }
}

/// The reference page of every key, made from the code.
pub fn reference_markdown() -> String {
    let mut out = format!(
        "# Configuration\n\n\
         <!-- Made from console/src/config/keys.rs; `UPDATE=1 cargo test -p clipmill reference` rewrites it. -->\n\n\
         One TOML file: the one named with `--config`, or `{DEFAULT_FILE}` in the working directory. Without a file \
         the defaults hold.\n\n\
         Every key can be set from the environment, which wins over the file: `{ENV_PREFIX}SECTION__KEY`, for example \
         `{ENV_PREFIX}SERVE__BIND=127.0.0.1:8700` or `{ENV_PREFIX}DATA_DIR=/var/lib/clipmill`.\n\n\
         An unknown key is an error. `clipmill config check` reads the configuration and reports; `clipmill config \
         show` prints every value in effect and where it came from.\n",
    );
    let mut section = None;
    for key in KEYS {
        if section != Some(key.section) {
            section = Some(key.section);
            let about =
                SECTIONS.iter().find(|(name, _)| *name == key.section).map_or("", |(_, about)| about.trim());
            let title = if key.section.is_empty() {
                "Top of the file".to_owned()
            } else {
                format!("[{}]", key.section)
            };
            let _ = write!(out, "\n## {title}\n\n");
            if !about.is_empty() {
                let _ = write!(out, "{about}\n\n");
            }
            out.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
        }
        let default = if key.default.is_empty() { "unset".to_owned() } else { format!("`{}`", key.default) };
        let doc = key.doc.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace('|', "\\|");
        let _ = writeln!(out, "| `{}` | {} | {default} | {doc} |", key.name, kind_in_words(key.kind));
    }
    out
}
