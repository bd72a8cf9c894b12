//! What a GGUF file says about itself, checked before anything is allocated from it.

use std::{
    fs::File,
    io::{BufReader, Cursor, Read, Seek},
};

use camino::Utf8Path;
use candle_core::quantized::gguf_file::{Content, Value};

use super::LlmError;

/// More than the header of any model: half a million words of its vocabulary take some ten megabytes.
const HEADER_BYTES_MAX: u64 = 64 << 20;

/// The dimensions of the decoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    /// Layers in the file.
    pub layers: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Width inside the feed-forward block.
    pub inner: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head; even.
    pub head_width: usize,
    /// How positions are told.
    pub rope: Rope,
    /// Added to the mean square in every norm.
    pub epsilon: f32,
}

/// How heads are turned by their position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rope {
    /// Base of the frequencies.
    pub base: f32,
    /// Neighbouring numbers are turned against each other; otherwise the first half of a head against the second.
    pub neighbours: bool,
}

/// An open model file with its header read.
pub(super) struct Gguf {
    pub file: BufReader<File>,
    pub content: Content,
}

/// Opens `path` and reads its header.
pub(super) fn open(path: &Utf8Path) -> Result<Gguf, LlmError> {
    let read = |source| LlmError::Read { path: path.to_owned(), source };
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(read)?);
    let mut start = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut start).map_err(read)?;
    if start != b"GGUF" {
        let start = String::from_utf8_lossy(&start).into_owned();
        return Err(LlmError::NotGguf { path: path.to_owned(), start });
    }
    file.rewind().map_err(read)?;
    let content = header(&mut file)
        .map_err(|e| LlmError::Broken { path: path.to_owned(), reason: format!("unreadable header: {e}") })?;
    Ok(Gguf { file, content })
}

/// Reads the header of the GGUF file at its beginning, and leaves `file` anywhere. What would make the library that
/// reads it divide by zero, multiply beyond the numbers or look where nothing is, is refused: the error says why.
pub(super) fn header(file: &mut impl Read) -> Result<Content, String> {
    let mut bytes = vec![];
    file.take(HEADER_BYTES_MAX).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if has_no_alignment(&bytes) {
        return Err("its alignment is zero".to_owned());
    }
    let content = Content::read(&mut Cursor::new(&bytes)).map_err(|e| e.to_string())?;
    for (name, tensor) in &content.tensor_infos {
        // Eight bytes is more than any element has.
        match tensor.shape.dims().iter().try_fold(8usize, |all, d| all.checked_mul(*d)) {
            None => return Err(format!("{name} is larger than any file")),
            // The library would take a slice of no bytes for numbers, from where no number can be.
            Some(0) => return Err(format!("{name} holds no number")),
            Some(_) => {}
        }
    }
    Ok(content)
}

/// Whether the header says that tensors lie at multiples of zero.
fn has_no_alignment(header: &[u8]) -> bool {
    const KEY: &[u8] = b"general.alignment";
    let mut rest = header;
    while let Some(at) = rest.windows(KEY.len()).position(|w| w == KEY) {
        rest = &rest[at + KEY.len()..];
        let Some((kind, value)) = rest.split_first_chunk::<4>() else { return false };
        let width = match u32::from_le_bytes(*kind) {
            0 | 1 => 1,
            2 | 3 => 2,
            _ => 4,
        };
        if value.get(..width).is_some_and(|v| v.iter().all(|b| *b == 0)) {
            return true;
        }
    }
    false
}

impl Shape {
    /// From the header of `path`. The architectures `qwen2`, `qwen3` and `llama` are run.
    pub(super) fn of(path: &Utf8Path, content: &Content) -> Result<Self, LlmError> {
        let broken = |reason: String| LlmError::Broken { path: path.to_owned(), reason };
        let unsupported = |reason: String| LlmError::Unsupported { path: path.to_owned(), reason };
        let value =
            |key: &str| content.metadata.get(key).ok_or_else(|| broken(format!("its header lacks {key:?}")));
        let kind = value("general.architecture")?.to_string().map_err(|e| broken(e.to_string()))?.clone();
        if !["qwen2", "qwen3", "llama"].contains(&kind.as_str()) {
            return Err(unsupported(format!(
                "its architecture is {kind:?} and only \"qwen2\", \"qwen3\" and \"llama\" are run"
            )));
        }
        let there = |key: &str| content.metadata.contains_key(&format!("{kind}.{key}"));
        let count = |key: &str| {
            let key = format!("{kind}.{key}");
            let n = value(&key)?.to_u32().map_err(|e| broken(format!("{key}: {e}")))?;
            Ok::<_, LlmError>(n as usize)
        };
        let real = |key: &str| {
            let key = format!("{kind}.{key}");
            value(&key)?.to_f32().map_err(|e| broken(format!("{key}: {e}")))
        };
        if there("expert_count") && count("expert_count")? > 0 {
            return Err(unsupported("it is a mixture of experts; use a dense model".to_owned()));
        }
        let scaling = content.metadata.get(&format!("{kind}.rope.scaling.type"));
        if scaling.is_some_and(|s| s.to_string().is_ok_and(|s| s != "none")) {
            return Err(unsupported(
                "its positions are scaled; use the file without a longer context".to_owned(),
            ));
        }
        let (width, heads) = (count("embedding_length")?, count("attention.head_count")?);
        let kv_heads =
            if there("attention.head_count_kv") { count("attention.head_count_kv")? } else { heads };
        let uneven =
            || unsupported(format!("width {width} with {heads}/{kv_heads} heads does not divide evenly"));
        if heads == 0 || kv_heads == 0 || heads % kv_heads != 0 {
            return Err(uneven());
        }
        let own_width = there("attention.key_length");
        if !own_width && width % heads != 0 {
            return Err(uneven());
        }
        let head_width = if own_width { count("attention.key_length")? } else { width / heads };
        if head_width == 0 || head_width % 2 != 0 || head_width > width.max(1024) {
            return Err(uneven());
        }
        for same in ["attention.value_length", "rope.dimension_count"] {
            if there(same) && count(same)? != head_width {
                return Err(unsupported(format!("{same} is not the width of a head ({head_width})")));
            }
        }
        let is_llama = kind == "llama";
        let base = if is_llama && !there("rope.freq_base") { 10_000.0 } else { real("rope.freq_base")? };
        Ok(Self {
            layers: count("block_count")?,
            width,
            inner: count("feed_forward_length")?,
            heads,
            kv_heads,
            head_width,
            rope: Rope { base, neighbours: is_llama },
            epsilon: real("attention.layer_norm_rms_epsilon")?,
        })
    }
}

/// The model's short name from its header, for example `qwen2.5-coder-0.5b`; the file's stem where it has none.
pub(super) fn name(path: &Utf8Path, content: &Content) -> String {
    let text = |key: &str| match content.metadata.get(key) {
        Some(Value::String(s)) => Some(s.to_lowercase().replace(' ', "-")),
        _ => None,
    };
    match (text("general.basename"), text("general.size_label")) {
        (Some(base), Some(size)) => format!("{base}-{size}"),
        _ => path.file_stem().unwrap_or("model").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with one tensor of single-precision numbers, in so many rows of three.
    fn one_tensor(rows: u64) -> Vec<u8> {
        let counts = [1u64, 0].map(u64::to_le_bytes).concat();
        let name = [&1u64.to_le_bytes()[..], b"t"].concat();
        let dimensions = [&2u32.to_le_bytes()[..], &3u64.to_le_bytes(), &rows.to_le_bytes()].concat();
        let kind_and_offset = [&0u32.to_le_bytes()[..], &0u64.to_le_bytes()].concat();
        [&b"GGUF\x03\0\0\0"[..], &counts, &name, &dimensions, &kind_and_offset].concat()
    }

    #[test]
    fn tensors_of_nothing_and_of_more_than_anything_are_refused() {
        assert_eq!(header(&mut &one_tensor(2)[..]).unwrap().tensor_infos["t"].shape.dims(), [2, 3]);
        assert_eq!(header(&mut &one_tensor(0)[..]).unwrap_err(), "t holds no number");
        assert_eq!(header(&mut &one_tensor(u64::MAX / 2)[..]).unwrap_err(), "t is larger than any file");
    }
}
