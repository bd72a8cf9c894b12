//! Members of wheels (zip) and source archives (tar.gz), read as streams.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
};

use camino::Utf8Path;

use super::error::RegistryError;

/// Appends the member called `member` of `archive` to the file `onto`. `name` tells the form by its ending.
pub(crate) fn append_member(
    archive: &Utf8Path,
    name: &str,
    member: &str,
    onto: &Utf8Path,
) -> Result<(), RegistryError> {
    let bad = |why: String| RegistryError::Source(format!("{name}: {why}"));
    let input = File::open(archive).map_err(|e| RegistryError::io(archive, e))?;
    let mut out =
        OpenOptions::new().create(true).append(true).open(onto).map_err(|e| RegistryError::io(onto, e))?;
    if name.ends_with(".tar.gz") {
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(io::BufReader::new(input)));
        for entry in tar.entries().map_err(|e| bad(e.to_string()))? {
            let mut entry = entry.map_err(|e| bad(e.to_string()))?;
            if entry.path().is_ok_and(|p| p.to_str() == Some(member)) {
                return copy(&mut entry, &mut out, onto, &bad);
            }
        }
        Err(bad(format!("has no member {member}")))
    } else {
        let mut zip = zip::ZipArchive::new(input).map_err(|e| bad(e.to_string()))?;
        let mut entry = zip.by_name(member).map_err(|e| bad(format!("{member}: {e}")))?;
        copy(&mut entry, &mut out, onto, &bad)
    }
}

fn copy(
    from: &mut dyn Read,
    out: &mut File,
    onto: &Utf8Path,
    bad: &dyn Fn(String) -> RegistryError,
) -> Result<(), RegistryError> {
    let mut buffer = vec![0u8; 256 << 10];
    loop {
        let n = from.read(&mut buffer).map_err(|e| bad(e.to_string()))?;
        if n == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..n]).map_err(|e| RegistryError::io(onto, e))?;
    }
}
