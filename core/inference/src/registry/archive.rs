//! Members of wheels (zip) and source archives (tar.gz, tar.xz), read as streams.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
};

use camino::Utf8Path;

use super::error::RegistryError;

/// What an xz stream may ask for to be unpacked.
const XZ_MEMORY_KB: u32 = 256 << 10;

/// Appends the member called `member` of `archive` to the file `onto`. `name` tells the form by its ending.
pub(crate) fn append_member(
    archive: &Utf8Path,
    name: &str,
    member: &str,
    onto: &Utf8Path,
) -> Result<(), RegistryError> {
    let mut out =
        OpenOptions::new().create(true).append(true).open(onto).map_err(|e| RegistryError::io(onto, e))?;
    read_member(archive, name, member, |entry| {
        copy(entry, &mut out, onto, &|why| RegistryError::Source(format!("{name}: {why}")))
    })
}

/// Gives the member called `member` of `archive` to `take`. `name` tells the form by its ending.
pub(crate) fn read_member<T>(
    archive: &Utf8Path,
    name: &str,
    member: &str,
    take: impl FnOnce(&mut dyn Read) -> Result<T, RegistryError>,
) -> Result<T, RegistryError> {
    let bad = |why: String| RegistryError::Source(format!("{name}: {why}"));
    let input = File::open(archive).map_err(|e| RegistryError::io(archive, e))?;
    let unpacked: Box<dyn Read> = if name.ends_with(".tar.gz") {
        Box::new(flate2::read::GzDecoder::new(io::BufReader::new(input)))
    } else if name.ends_with(".tar.xz") {
        Box::new(lzma_rust2::XzReader::new_mem_limit(io::BufReader::new(input), true, XZ_MEMORY_KB))
    } else {
        let mut zip = zip::ZipArchive::new(input).map_err(|e| bad(e.to_string()))?;
        let mut entry = zip.by_name(member).map_err(|e| bad(format!("{member}: {e}")))?;
        return take(&mut entry);
    };
    let mut tar = tar::Archive::new(unpacked);
    for entry in tar.entries().map_err(|e| bad(e.to_string()))? {
        let mut entry = entry.map_err(|e| bad(e.to_string()))?;
        if entry.path().is_ok_and(|p| p.to_str() == Some(member)) {
            return take(&mut entry);
        }
    }
    Err(bad(format!("has no member {member}")))
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
