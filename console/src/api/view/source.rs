//! Sources and their products.

use std::collections::BTreeMap;

use clipmill_domain::{product, source};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RequestHeader, Settings, SourceProblem};

/// The language spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Mandarin Chinese.
    Zh,
    /// English.
    En,
}

impl From<source::Language> for Language {
    fn from(l: source::Language) -> Self {
        match l {
            source::Language::Zh => Self::Zh,
            source::Language::En => Self::En,
        }
    }
}

impl From<Language> for source::Language {
    fn from(l: Language) -> Self {
        match l {
            Language::Zh => Self::Zh,
            Language::En => Self::En,
        }
    }
}

/// How a stream reaches the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// An encoder pushes RTMP with a stream key.
    Push,
    /// The service opens a URL.
    Pull,
}

/// How an encoder may push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PushKind {
    /// RTMP.
    Rtmp,
    /// RTMP over TLS.
    Rtmps,
    /// SRT.
    Srt,
}

/// One address that an encoder may push to, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PushUrl {
    /// How.
    pub kind: PushKind,
    /// Where. RTMP and RTMPS: the server, to which the stream key belongs; SRT: with the stream id, to which the
    /// stream key belongs as the passphrase.
    pub url: String,
}

/// A configured stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// Its id.
    pub id: String,
    /// The operator's name for it.
    pub name: String,
    /// Push or pull.
    pub kind: SourceKind,
    /// For a pull source, its URL without credentials.
    pub url_shown: Option<String>,
    /// The language spoken.
    pub language: Language,
    /// Category pack.
    pub category: Option<String>,
    /// Whether it may record.
    pub enabled: bool,
    /// On demand: whether it is asked to record.
    pub requested: bool,
    /// What is asked of it.
    pub settings: Settings,
    /// What the recorder says it does: `idle`, `opening`, `recording` (packets come), `stalled` (connected, but
    /// nothing comes), `retrying`, `waiting` (for its window, or to be asked), `disk_full`, `failed`. Null when no
    /// recorder has reported lately.
    pub state: Option<String>,
    /// What last went wrong since the recorder was started.
    pub problem: Option<SourceProblem>,
    /// The recording that is live now.
    pub live_recording_id: Option<String>,
    /// For a push source, whether it has a stream key; without one nothing can be pushed.
    pub has_key: Option<bool>,
    /// For a pull source, the names of its request headers. Their values are never told.
    pub header_names: Vec<String>,
    /// For a push source, the RTMP server address to put into the encoder, without the key.
    pub push_url: Option<String>,
    /// For a push source, every address that an encoder may push to, without the key; RTMP first.
    #[serde(default)]
    pub push_urls: Vec<PushUrl>,
}

/// A product on sale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Stock-keeping unit; unique within the source.
    pub sku: String,
    /// The name the host uses.
    pub name: String,
    /// Other names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Category pack.
    #[serde(default)]
    pub category: Option<String>,
    /// Free attributes.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// List price.
    #[serde(default)]
    pub price: Option<f64>,
    /// The link number the host calls out.
    #[serde(default)]
    pub link: Option<u32>,
    /// Its place in the running order of the live.
    #[serde(default)]
    pub order: Option<u32>,
}

impl From<Product> for product::Product {
    fn from(p: Product) -> Self {
        let Product { sku, name, aliases, category, attributes, price, link, order } = p;
        Self { sku, name, aliases, category, attributes, price, link, order }
    }
}

/// A stream to configure.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    /// A name; unique, 1 to 80 characters.
    pub name: String,
    /// Push or pull.
    pub kind: SourceKind,
    /// For a pull source, the URL to open, with its credentials if it has any. They are kept sealed.
    #[serde(default)]
    pub url: Option<String>,
    /// The language spoken.
    pub language: Language,
    /// Category pack.
    #[serde(default)]
    pub category: Option<String>,
    /// For a pull source, request headers (cookies and referrer are headers). They are kept sealed.
    #[serde(default)]
    pub headers: Vec<RequestHeader>,
    /// What is asked of it.
    #[serde(default)]
    pub settings: Settings,
    /// What is on sale.
    #[serde(default)]
    pub products: Vec<Product>,
}

/// A stream just configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceCreated {
    /// The source.
    #[serde(flatten)]
    pub source: SourceView,
    /// For a push source: told once, never again.
    pub stream_key: Option<String>,
}

/// Whether a source may record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enabled {
    /// True to let it record.
    pub enabled: bool,
}

/// What is on air, as the brand's own product feed says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SayOnAir {
    /// SKU of a product of the source's list; null: nothing is on air.
    pub sku: Option<String>,
    /// Since when, in milliseconds since 1970; left out: now.
    #[serde(default)]
    pub at_ms: Option<i64>,
}

/// What is on air.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OnAirNow {
    /// The product's SKU; null: nothing.
    pub sku: Option<String>,
    /// Since when, RFC 3339.
    pub since: String,
}
