//! The reader of CTranslate2's `model.bin`.
//!
//! Little endian: u32 format version, specification name, u32 revision, u32 count of variables; per variable its name, u8
//! rank, u32 a dimension, u8 element type, u32 bytes, the bytes, row-major; then u32 count of aliases. A string is its
//! u16 length, ending zero included, and its bytes.

use std::collections::BTreeMap;

use super::{super::error::RegistryError, bad};

const WHAT: &str = "model.bin (CTranslate2)";
const TYPE_F16: u8 = 4;

/// A variable's shape and bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variable<'a> {
    kind: u8,
    bytes: &'a [u8],
}

/// A tensor of half-precision floats, row-major.
#[derive(Debug, Clone)]
pub(super) struct Tensor<'a> {
    /// Outermost dimension first.
    pub dims: Vec<u32>,
    /// Two bytes an element, little endian.
    pub bytes: &'a [u8],
}

impl<'a> Tensor<'a> {
    /// Rows `from..to` of the outermost dimension.
    pub fn rows(&self, from: u32, to: u32) -> Tensor<'a> {
        let row: usize = self.dims[1..].iter().map(|d| *d as usize).product::<usize>() * 2;
        let mut dims = self.dims.clone();
        dims[0] = to - from;
        Tensor { dims, bytes: &self.bytes[from as usize * row..to as usize * row] }
    }
}

/// All variables of a model.
pub(super) struct Model<'a> {
    variables: BTreeMap<String, (Vec<u32>, Variable<'a>)>,
}

impl<'a> Model<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, RegistryError> {
        let mut at = Cursor { bytes };
        let version = at.u32()?;
        if !(4..=6).contains(&version) {
            return Err(bad(WHAT, format!("format version {version} is not one of 4 to 6")));
        }
        let spec = at.string()?;
        if spec != "WhisperSpec" {
            return Err(bad(WHAT, format!("it holds a {spec}, not a WhisperSpec")));
        }
        at.u32()?;
        let mut variables = BTreeMap::new();
        for _ in 0..at.u32()? {
            let name = at.string()?;
            let dims = (0..at.u8()?).map(|_| at.u32()).collect::<Result<Vec<_>, _>>()?;
            let kind = at.u8()?;
            let length = at.u32()? as usize;
            variables.insert(name, (dims, Variable { kind, bytes: at.take(length)? }));
        }
        Ok(Self { variables })
    }

    /// The half-precision tensor called `name`.
    pub fn tensor(&self, name: &str) -> Result<Tensor<'a>, RegistryError> {
        let (dims, variable) =
            self.variables.get(name).ok_or_else(|| bad(WHAT, format!("it has no {name}")))?;
        let bytes = dims.iter().try_fold(2u64, |all, d| all.checked_mul(u64::from(*d)));
        if variable.kind != TYPE_F16 || bytes != Some(variable.bytes.len() as u64) || dims.is_empty() {
            return Err(bad(WHAT, format!("{name} is not a tensor of half-precision floats")));
        }
        Ok(Tensor { dims: dims.clone(), bytes: variable.bytes })
    }

    /// The small integer called `name`, stored in one, two or four bytes.
    pub fn integer(&self, name: &str) -> Result<u32, RegistryError> {
        match self.variables.get(name).map(|(_, v)| v.bytes) {
            Some(&[a]) => Ok(u32::from(a)),
            Some(&[a, b]) => Ok(u32::from(u16::from_le_bytes([a, b]))),
            Some(&[a, b, c, d]) => Ok(u32::from_le_bytes([a, b, c, d])),
            _ => Err(bad(WHAT, format!("it has no number {name}"))),
        }
    }

    /// How many layers `side` (`encoder` or `decoder`) has.
    pub fn layers(&self, side: &str) -> u32 {
        (0..)
            .take_while(|i| self.variables.contains_key(&format!("{side}/layer_{i}/ffn/linear_0/weight")))
            .count() as u32
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], RegistryError> {
        let (taken, rest) = self.bytes.split_at_checked(n).ok_or_else(|| bad(WHAT, "it ends too early"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RegistryError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn u8(&mut self) -> Result<u8, RegistryError> {
        self.array().map(|[b]| b)
    }

    fn u32(&mut self) -> Result<u32, RegistryError> {
        self.array().map(u32::from_le_bytes)
    }

    fn string(&mut self) -> Result<String, RegistryError> {
        let length = usize::from(u16::from_le_bytes(self.array()?));
        let text = self.take(length)?;
        let text = text.strip_suffix(&[0]).unwrap_or(text);
        String::from_utf8(text.to_vec()).map_err(|_| bad(WHAT, "a name in it is not text"))
    }
}
