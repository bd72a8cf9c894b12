//! Arrays out of a NumPy archive.

use std::io::{Cursor, Read};

use super::{super::error::RegistryError, bad};

/// More than any array that is read here; a few packed bytes can claim to be gigabytes.
const BYTES_MAX: u64 = 16 << 20;

/// An open archive.
pub(super) struct Npz<'a> {
    what: &'static str,
    zip: zip::ZipArchive<Cursor<&'a [u8]>>,
}

/// One array: its numbers as they stand there, little-endian, the last index running fastest.
pub(super) struct Array {
    pub shape: Vec<usize>,
    pub data: Vec<u8>,
}

impl<'a> Npz<'a> {
    /// Opens the archive; `what` names it in errors.
    pub(super) fn open(archive: &'a [u8], what: &'static str) -> Result<Self, RegistryError> {
        let zip = zip::ZipArchive::new(Cursor::new(archive)).map_err(|e| bad(what, e.to_string()))?;
        Ok(Self { what, zip })
    }

    /// The array called `name`, of 32-bit floats.
    pub(super) fn floats(&mut self, name: &str) -> Result<Array, RegistryError> {
        self.read(name, "'<f4'", 4)
    }

    /// The array called `name`, of bytes.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Array, RegistryError> {
        self.read(name, "'|u1'", 1)
    }

    fn read(&mut self, name: &str, kind: &str, size: usize) -> Result<Array, RegistryError> {
        let what = self.what;
        let mut member =
            self.zip.by_name(&format!("{name}.npy")).map_err(|e| bad(what, format!("{name}: {e}")))?;
        let mut bytes = vec![];
        member.by_ref().take(BYTES_MAX).read_to_end(&mut bytes).map_err(|e| bad(what, e.to_string()))?;
        parse(&bytes, kind, size)
            .ok_or_else(|| bad(what, format!("{name} is not a plain array of the kind {kind}")))
    }
}

/// Format 1: magic, version, u16 length of a dictionary written as text, the dictionary, the data.
fn parse(bytes: &[u8], kind: &str, size: usize) -> Option<Array> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, data) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let header: String = std::str::from_utf8(header).ok()?.chars().filter(|c| !c.is_whitespace()).collect();
    if !header.contains(&format!("'descr':{kind}")) || !header.contains("'fortran_order':False") {
        return None;
    }
    let shape = header.split("'shape':(").nth(1)?.split(')').next()?;
    let shape: Vec<usize> =
        shape.split(',').filter(|n| !n.is_empty()).map(|n| n.parse().ok()).collect::<Option<_>>()?;
    let length = shape.iter().try_fold(size, |all, n| all.checked_mul(*n))?;
    (data.len() == length).then(|| Array { shape, data: data.to_vec() })
}
