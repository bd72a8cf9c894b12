//! A configured stream of a brand.

use serde::{Deserialize, Serialize};

use crate::{SourceId, WallTime};

/// How the stream reaches us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// An encoder pushes RTMP to our listener with a stream key.
    Push,
    /// We open a URL.
    Pull,
}

/// The language spoken on the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Mandarin Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// The two-letter code, as models and configuration spell it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
}

impl std::str::FromStr for Language {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "zh" => Ok(Self::Zh),
            "en" => Ok(Self::En),
            other => Err(format!("language {other:?} is not known; use zh or en")),
        }
    }
}

/// A configured stream. Its secret (stream key or the URL with its tokens) is never part of this type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// The operator's name for it; unique.
    pub name: String,
    /// Push or pull.
    pub kind: SourceKind,
    /// For a pull source, the URL without credentials and query: fit to be shown and logged.
    pub url_shown: Option<String>,
    /// The language spoken.
    pub language: Language,
    /// Category pack (`apparel`, `beauty`, `3c`, `food`, `household`), if the brand set one.
    pub category: Option<String>,
    /// Whether it may record now.
    pub enabled: bool,
    /// When it was configured.
    pub created_at: WallTime,
}
