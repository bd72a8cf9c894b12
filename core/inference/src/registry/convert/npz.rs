//! One two-dimensional float array out of a NumPy archive.

use std::io::{Cursor, Read};

use super::{super::error::RegistryError, bad};

const WHAT: &str = "mel_filters.npz";
/// More than any table of mel filters; a few packed bytes can claim to be gigabytes.
const BYTES_MAX: u64 = 16 << 20;

/// The array called `name` as (rows, columns, little-endian floats row by row).
pub(super) fn read_f32(archive: &[u8], name: &str) -> Result<(u32, u32, Vec<u8>), RegistryError> {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive)).map_err(|e| bad(WHAT, e.to_string()))?;
    let mut member = zip.by_name(&format!("{name}.npy")).map_err(|e| bad(WHAT, format!("{name}: {e}")))?;
    let mut bytes = vec![];
    member.by_ref().take(BYTES_MAX).read_to_end(&mut bytes).map_err(|e| bad(WHAT, e.to_string()))?;
    parse(&bytes).ok_or_else(|| bad(WHAT, format!("{name} is not a plain table of 32-bit floats")))
}

/// Format 1: magic, version, u16 length of a dictionary written as text, the dictionary, the data.
fn parse(bytes: &[u8]) -> Option<(u32, u32, Vec<u8>)> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, data) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let header: String = std::str::from_utf8(header).ok()?.chars().filter(|c| !c.is_whitespace()).collect();
    if !header.contains("'descr':'<f4'") || !header.contains("'fortran_order':False") {
        return None;
    }
    let shape = header.split("'shape':(").nth(1)?.split(')').next()?;
    let (rows, columns) = shape.split_once(',')?;
    let (rows, columns): (u32, u32) = (rows.parse().ok()?, columns.parse().ok()?);
    (data.len() as u64 == u64::from(rows) * u64::from(columns) * 4).then(|| (rows, columns, data.to_vec()))
}
