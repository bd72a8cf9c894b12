//! libime's dictionary and n-grams into the file of Chinese words.

use std::io::{BufReader, BufWriter, Write as _};

use camino::Utf8Path;

use super::{
    super::{archive, error::RegistryError},
    bad,
};
use crate::likely;

const DICTIONARY: &str = "dict_sc.txt";
const NGRAMS: &str = "lm_sc.arpa";

/// Makes the file `to` of the archives `dictionary` and `ngrams`, of which one member each is read, as a stream.
pub(super) fn convert(dictionary: &Utf8Path, ngrams: &Utf8Path, to: &Utf8Path) -> Result<(), RegistryError> {
    let name = |path: &Utf8Path| path.file_name().unwrap_or_default().to_owned();
    let tables = archive::read_member(dictionary, &name(dictionary), DICTIONARY, |dictionary| {
        archive::read_member(ngrams, &name(ngrams), NGRAMS, |ngrams| {
            likely::gather(BufReader::new(dictionary), BufReader::with_capacity(1 << 20, ngrams))
                .map_err(|e| bad("libime's data", e.to_string()))
        })
    })?;
    let written = std::fs::File::create(to).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        likely::write(&tables, &mut out)?;
        out.flush()
    });
    written.map_err(|e| RegistryError::io(to, e))
}
