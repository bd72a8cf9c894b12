//! What talk can be about, as the API shows it.

use clipmill_domain::taxonomy::{self as domain, Entry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The base labels and the packs of finer ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaxonomyView {
    /// Base and packs with their versions.
    pub version: String,
    /// The base labels, in their fixed order.
    pub base: Vec<LabelView>,
    /// Packs: built-in ones first.
    pub packs: Vec<PackView>,
}

/// The finer labels of a category, or of a brand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackView {
    /// Its key.
    pub key: String,
    /// Raised whenever a label changes.
    pub version: u32,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// Its labels.
    pub labels: Vec<LabelView>,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelView {
    /// Its id: a base label's key, or pack and key (`apparel.warmth`).
    pub id: String,
    /// The base label that a finer one lies under; null for a base label.
    pub under: Option<String>,
    /// Chinese name.
    pub zh: String,
    /// English name.
    pub en: String,
    /// What it means, in Chinese.
    pub definition_zh: String,
    /// What it means, in English.
    pub definition_en: String,
    /// What hosts say under it.
    pub examples: Vec<String>,
    /// What is close to it and is not it.
    pub counter_examples: Vec<String>,
}

impl LabelView {
    fn new(pack: Option<&str>, entry: &Entry) -> Self {
        Self {
            id: pack.map_or_else(|| entry.key.clone(), |pack| format!("{pack}.{}", entry.key)),
            under: entry.under.clone(),
            zh: entry.zh.clone(),
            en: entry.en.clone(),
            definition_zh: entry.define.zh.clone(),
            definition_en: entry.define.en.clone(),
            examples: entry.examples.all().map(str::to_owned).collect(),
            counter_examples: entry.not.all().map(str::to_owned).collect(),
        }
    }
}

impl From<&domain::Taxonomy> for TaxonomyView {
    fn from(taxonomy: &domain::Taxonomy) -> Self {
        let pack = |p: &domain::Pack| PackView {
            key: p.key.clone(),
            version: p.version,
            zh: p.zh.clone(),
            en: p.en.clone(),
            labels: p.labels.iter().map(|l| LabelView::new(Some(&p.key), l)).collect(),
        };
        Self {
            version: taxonomy.version(),
            base: taxonomy.base().iter().map(|l| LabelView::new(None, l)).collect(),
            packs: taxonomy.packs().iter().map(pack).collect(),
        }
    }
}
