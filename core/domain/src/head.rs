//! The library of trained heads, and which of them is in use.

use crate::{HeadId, SourceId, WallTime, source::Source};

/// A trained head in the library.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadRow {
    /// Its id.
    pub id: HeadId,
    /// For the brand of this source; `None`: for all.
    pub source_id: Option<SourceId>,
    /// Library path of its file.
    pub path: String,
    /// SHA-256 of its file, lower-case hex.
    pub sha256: String,
    /// What it is and how it came about, as it says itself.
    pub facts: serde_json::Value,
    /// Figures of cross-validation.
    pub held_out: Option<serde_json::Value>,
    /// Figures on the set on which it was judged last.
    pub frozen: Option<serde_json::Value>,
    /// Who trained it.
    pub made_by: String,
    /// When.
    pub made_at: WallTime,
}

impl HeadRow {
    /// The first eight hex digits of its file's SHA-256: as a selling point's `made_by` names it.
    pub fn short_hash(&self) -> &str {
        self.sha256.get(..8).unwrap_or(&self.sha256)
    }
}

/// A head was taken into use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// For this source and its brand; `None`: for all.
    pub scope: Option<SourceId>,
    /// 1, 2, 3 … within the scope.
    pub seq: i64,
    /// Which head.
    pub head_id: HeadId,
    /// Whether it was taken although it did not win.
    pub forced: bool,
    /// The figures that decided, or why it was forced.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: WallTime,
    /// When it was rolled back; `None`: it was not.
    pub undone_at: Option<WallTime>,
}

/// The head in use for a source: its own, else that of another source of its brand, else that for all; `None`: the one
/// that is configured. `promotions` are those that were not rolled back.
pub fn in_use(source: SourceId, sources: &[Source], promotions: &[Promotion]) -> Option<HeadId> {
    let latest = |fits: &dyn Fn(Option<SourceId>) -> bool| {
        let of = promotions.iter().filter(|p| p.undone_at.is_none() && fits(p.scope));
        of.max_by_key(|p| (p.at, p.seq)).map(|p| p.head_id)
    };
    let brand_of = |id: SourceId| sources.iter().find(|s| s.id == id).and_then(Source::brand);
    let brand = brand_of(source);
    latest(&|scope| scope == Some(source))
        .or_else(|| latest(&|scope| brand.is_some() && scope.and_then(brand_of) == brand))
        .or_else(|| latest(&|scope| scope.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Id as _,
        source::{Language, SourceKind, SourceSettings},
    };

    fn at(ms: i64) -> WallTime {
        WallTime::from_millis(ms)
    }

    fn source(brand: Option<&str>) -> Source {
        Source {
            id: SourceId::new_at(at(1)),
            name: String::new(),
            kind: SourceKind::Push,
            url_shown: None,
            language: Language::Zh,
            category: None,
            enabled: true,
            requested: false,
            settings: SourceSettings { brand: brand.map(str::to_owned), ..SourceSettings::default() },
            created_at: at(1),
        }
    }

    fn promoted(scope: Option<SourceId>, seq: i64, undone: bool) -> Promotion {
        Promotion {
            scope,
            seq,
            head_id: HeadId::new_at(at(seq)),
            forced: false,
            reason: String::new(),
            by: "operator".to_owned(),
            at: at(seq),
            undone_at: undone.then(|| at(99)),
        }
    }

    #[test]
    fn a_sources_own_head_goes_before_its_brands_and_that_before_the_one_for_all() {
        let sources = [source(Some("A")), source(Some("A")), source(Some("B")), source(None), source(None)];
        let [own, brand, other, none, nobody] = [0, 1, 2, 3, 4].map(|i: usize| sources[i].id);
        let all = promoted(None, 1, false);
        let of_own = promoted(Some(own), 2, false);
        let of_nobody = promoted(Some(nobody), 3, false);
        let list = [all.clone(), of_own.clone(), of_nobody];
        let found = |id, list: &[Promotion]| in_use(id, &sources, list);
        assert_eq!(found(own, &list), Some(of_own.head_id));
        assert_eq!(found(brand, &list), Some(of_own.head_id), "the brand shares it");
        assert_eq!(found(other, &list), Some(all.head_id));
        assert_eq!(found(none, &list), Some(all.head_id), "no brand is not a brand");
        assert_eq!(found(own, &[]), None);
        // Rolled back: the one before it.
        let newer = promoted(Some(own), 4, true);
        assert_eq!(found(own, &[of_own.clone(), newer]), Some(of_own.head_id));
    }
}
