//! The label packs that the configuration names.

use std::io::Read as _;

use camino::Utf8Path;
use clipmill_domain::taxonomy::{PACK_BYTES_MAX, Taxonomy, TaxonomyError};

use super::Config;

impl Config {
    /// The built-in taxonomy with the packs of `classify.packs`. Reads their files, so not for asynchronous code.
    ///
    /// # Errors
    /// When a file cannot be read or is no usable pack: everything that is wrong with it.
    pub fn taxonomy(&self) -> Result<Taxonomy, TaxonomyError> {
        let more = self
            .classify
            .packs
            .iter()
            .map(|path| Ok((path.as_str(), read_pack_file(path)?)))
            .collect::<Result<Vec<_>, TaxonomyError>>()?;
        Taxonomy::built_in().with(&more)
    }
}

/// The text of a pack file, of which no more is read than a pack may have.
///
/// # Errors
/// What the system said.
pub(crate) fn read_pack_file(path: &Utf8Path) -> Result<String, TaxonomyError> {
    let read = || {
        let mut text = String::new();
        let most = u64::try_from(PACK_BYTES_MAX).unwrap_or(u64::MAX) + 1;
        std::fs::File::open(path)?.take(most).read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    read().map_err(|e| TaxonomyError {
        origin: path.to_string(),
        problems: vec![format!("it cannot be read: {e}; name an existing file")],
    })
}
