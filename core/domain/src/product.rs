//! What is on sale: the product list a brand enters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{SourceId, WallTime};

/// One product as a brand writes it, one JSON object a line of its product file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// The brand's stock-keeping unit; unique within a source.
    pub sku: String,
    /// The name the host uses.
    pub name: String,
    /// Other names the host may use.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Category pack it belongs to.
    #[serde(default)]
    pub category: Option<String>,
    /// Free attributes, as text pairs.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// List price in the currency of the live.
    #[serde(default)]
    pub price: Option<f64>,
    /// The link number the host calls out ("link five").
    #[serde(default)]
    pub link: Option<u32>,
    /// Its place in the running order of the live, where there is one: after "the next one", the product with the next
    /// higher place is likely.
    #[serde(default)]
    pub order: Option<u32>,
}

/// A word of the brand's own product feed: what is on air from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnAir {
    /// The source.
    pub source_id: SourceId,
    /// Since when.
    pub at: WallTime,
    /// The product's SKU; `None`: nothing is.
    pub sku: Option<String>,
    /// Who said so.
    pub said_by: String,
}
