//! The writer of the file format of whisper.cpp's models: 32-bit little-endian numbers and named tensors.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use camino::{Utf8Path, Utf8PathBuf};
use half::f16;

use super::super::error::RegistryError;

/// "ggml", as every file begins.
pub(in super::super) const MAGIC: u32 = 0x6767_6d6c;

/// How a tensor's elements are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F32 = 0,
    F16 = 1,
}

/// Writes a model file.
pub(super) struct Writer {
    out: BufWriter<File>,
    path: Utf8PathBuf,
}

impl Writer {
    pub fn new(out: BufWriter<File>, path: &Utf8Path) -> Self {
        Self { out, path: path.to_owned() }
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), RegistryError> {
        self.out.write_all(bytes).map_err(|e| RegistryError::io(&self.path, e))
    }

    pub fn u32(&mut self, n: u32) -> Result<(), RegistryError> {
        self.bytes(&n.to_le_bytes())
    }

    /// Length and bytes.
    pub fn counted(&mut self, bytes: &[u8]) -> Result<(), RegistryError> {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX))?;
        self.bytes(bytes)
    }

    /// A tensor of shape `dims` (outermost first), its elements already in the form `element`.
    pub fn tensor(
        &mut self,
        name: &str,
        dims: &[u32],
        element: Element,
        data: &[u8],
    ) -> Result<(), RegistryError> {
        self.u32(u32::try_from(dims.len()).unwrap_or(u32::MAX))?;
        self.u32(u32::try_from(name.len()).unwrap_or(u32::MAX))?;
        self.u32(element as u32)?;
        // Innermost dimension first.
        dims.iter().rev().try_for_each(|d| self.u32(*d))?;
        self.bytes(name.as_bytes())?;
        self.bytes(data)
    }

    /// Flushes to the disk.
    pub fn finish(self) -> Result<(), RegistryError> {
        let path = self.path;
        let file = self.out.into_inner().map_err(|e| RegistryError::io(&path, e.into_error()))?;
        file.sync_all().map_err(|e| RegistryError::io(&path, e))
    }
}

/// Half precision to single, exactly.
pub(super) fn widen(halves: &[u8]) -> Vec<u8> {
    halves.chunks_exact(2).flat_map(|h| f16::from_le_bytes([h[0], h[1]]).to_f32().to_le_bytes()).collect()
}

/// Single precision to half, to the nearest, ties to even.
pub(super) fn narrow(singles: &[u8]) -> Vec<u8> {
    singles
        .chunks_exact(4)
        .flat_map(|s| f16::from_f32(f32::from_le_bytes([s[0], s[1], s[2], s[3]])).to_le_bytes())
        .collect()
}
