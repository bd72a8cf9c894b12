//! Weights in the one form that the processor's quick kernels take, made once and kept on disk.
//!
//! Those kernels want Q8_0, Q4_K or Q6_K with the input width a multiple of 256 and the output width one of 16.
//! A model 896 wide has none of that in most of its matrices, so each such matrix is dequantised, its rows are
//! extended with zeros to the next multiple of 256 and requantised to Q8_0, which costs seconds. The result lies
//! beside the model as a GGUF file that names the model it came from (size, time stamp and SHA-256) and carries
//! the SHA-256 of its own weights: whatever does not fit is made again.

use std::{
    collections::BTreeMap,
    fs::{File, Permissions},
    io::BufWriter,
    time::UNIX_EPOCH,
};

use camino::{Utf8Path, Utf8PathBuf};
use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QTensor, gguf_file},
};
use gguf_file::Value;
use sha2::{Digest, Sha256};

use super::{
    LlmError,
    shape::{Gguf, header},
};

/// Layout of the cache file; raised when it changes.
const FORMAT: u32 = 1;

/// The multiple that an input width must be of.
const COLUMNS: usize = 256;

/// The multiple that an output width must be of.
const ROWS: usize = 16;

/// Identifies the content of a model file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970, 0 where unknown.
    pub modified: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// Padded weights by their name in the model file.
pub(super) type Padded = BTreeMap<String, QTensor>;

/// Where the padded weights of `model` for `layers` layers are kept.
pub(super) fn cache_path(model: &Utf8Path, layers: usize) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{model}.padded-q8_0-l{layers}.gguf"))
}

/// Whether a matrix is quick as it is.
pub(super) fn is_quick(kind: GgmlDType, rows: usize, columns: usize) -> bool {
    matches!(kind, GgmlDType::Q8_0 | GgmlDType::Q4K | GgmlDType::Q6K)
        && columns.is_multiple_of(COLUMNS)
        && rows.is_multiple_of(ROWS)
}

/// The input width that `columns` is padded to.
pub(super) fn padded_columns(columns: usize) -> usize {
    columns.next_multiple_of(COLUMNS)
}

/// The padded weights called `names` of the model at `path`, from the cache beside it or made and (with `keep`)
/// cached. A cache that cannot be written costs the time again at the next start, and a warning, no more.
pub(super) fn load_or_make(
    path: &Utf8Path,
    gguf: &mut Gguf,
    names: &[String],
    layers: usize,
    keep: bool,
) -> Result<(Stamp, Padded), LlmError> {
    let read = |source| LlmError::Read { path: path.to_owned(), source };
    let meta = gguf.file.get_ref().metadata().map_err(read)?;
    let modified = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let modified = modified.and_then(|d| u64::try_from(d.as_nanos()).ok()).unwrap_or(0);
    let mut stamp = Stamp { bytes: meta.len(), modified, sha256: String::new() };

    let cache = cache_path(path, layers);
    let hash = || hash_file(path).map_err(read);
    match if keep { load(&cache, gguf, names) } else { Err("not asked for".to_owned()) } {
        Ok((made_from, padded)) if made_from.bytes == stamp.bytes => {
            let touched = made_from.modified != stamp.modified || stamp.modified == 0;
            stamp.sha256 = if touched { hash()? } else { made_from.sha256.clone() };
            if stamp.sha256 == made_from.sha256 {
                return Ok((stamp, padded));
            }
            tracing::info!(%cache, "the model has changed, its padded weights are made again");
        }
        Ok(_) => tracing::info!(%cache, "the model has changed, its padded weights are made again"),
        Err(reason) => tracing::info!(%cache, reason, "padded weights are made, once"),
    }
    if stamp.sha256.is_empty() {
        stamp.sha256 = hash()?;
    }
    let padded = make(path, gguf, names)?;
    if keep && let Err(e) = save(&cache, &stamp, meta.permissions(), &padded) {
        tracing::warn!(%cache, error = %e, "padded weights cannot be kept, they will be made again at each start");
    }
    Ok((stamp, padded))
}

/// Reads a cache file; the error says why it does not serve.
fn load(cache: &Utf8Path, gguf: &Gguf, names: &[String]) -> Result<(Stamp, Padded), String> {
    let mut file = std::io::BufReader::with_capacity(1 << 20, File::open(cache).map_err(|e| e.to_string())?);
    let content = header(&mut file)?;
    let text = |key: &str| match content.metadata.get(key) {
        Some(Value::String(s)) => Ok(s.clone()),
        _ => Err(format!("it lacks {key}")),
    };
    let number = |key: &str| match content.metadata.get(key) {
        Some(Value::U64(n)) => Ok(*n),
        _ => Err(format!("it lacks {key}")),
    };
    if number("clipmill.format")? != u64::from(FORMAT) {
        return Err("it has another layout".to_owned());
    }
    let made_from = Stamp {
        bytes: number("clipmill.model_bytes")?,
        modified: number("clipmill.model_modified")?,
        sha256: text("clipmill.model_sha256")?,
    };
    let mut padded = Padded::new();
    for name in names {
        let found = content.tensor_infos.get(name).ok_or_else(|| format!("it lacks {name}"))?;
        let wanted = gguf.content.tensor_infos.get(name).ok_or_else(|| format!("the model lacks {name}"))?;
        let (rows, columns) = wanted.shape.dims2().map_err(|e| e.to_string())?;
        if found.ggml_dtype != GgmlDType::Q8_0 || found.shape.dims() != [rows, padded_columns(columns)] {
            return Err(format!("{name} has another form"));
        }
        let tensor = content.tensor(&mut file, name, &Device::Cpu).map_err(|e| e.to_string())?;
        padded.insert(name.clone(), tensor);
    }
    if text("clipmill.weights_sha256")? != hash_weights(&padded).map_err(|e| e.to_string())? {
        return Err("its weights do not match their hash".to_owned());
    }
    Ok((made_from, padded))
}

/// Makes the padded weights from the model.
fn make(path: &Utf8Path, gguf: &mut Gguf, names: &[String]) -> Result<Padded, LlmError> {
    names
        .iter()
        .map(|name| {
            let weights = tensor(path, gguf, name)?.dequantize(&Device::Cpu)?;
            let (rows, columns) = weights.dims2()?;
            let wide = padded_columns(columns);
            let mut out = vec![0.0f32; rows * wide];
            for (out, row) in
                out.chunks_exact_mut(wide).zip(weights.flatten_all()?.to_vec1()?.chunks_exact(columns))
            {
                out[..columns].copy_from_slice(row);
            }
            let out = Tensor::from_vec(out, (rows, wide), &Device::Cpu)?;
            Ok((name.clone(), QTensor::quantize(&out, GgmlDType::Q8_0)?))
        })
        .collect()
}

/// Reads one tensor of the model at `path` as it is.
pub(super) fn tensor(path: &Utf8Path, gguf: &mut Gguf, name: &str) -> Result<QTensor, LlmError> {
    gguf.content
        .tensor(&mut gguf.file, name, &Device::Cpu)
        .map_err(|e| LlmError::Broken { path: path.to_owned(), reason: format!("{name}: {e}") })
}

/// Writes the cache under another name first, so that a file of this name is always whole. Whoever may read the
/// model may read it.
fn save(
    cache: &Utf8Path,
    stamp: &Stamp,
    permissions: Permissions,
    padded: &Padded,
) -> candle_core::Result<()> {
    let dir = cache.parent().unwrap_or(Utf8Path::new("."));
    let mut temp = tempfile::NamedTempFile::new_in(dir)?;
    let metadata = [
        ("clipmill.format", Value::U64(u64::from(FORMAT))),
        ("clipmill.model_bytes", Value::U64(stamp.bytes)),
        ("clipmill.model_modified", Value::U64(stamp.modified)),
        ("clipmill.model_sha256", Value::String(stamp.sha256.clone())),
        ("clipmill.weights_sha256", Value::String(hash_weights(padded)?)),
    ];
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(k, v)| (*k, v)).collect();
    let tensors: Vec<(&str, &QTensor)> = padded.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let mut out = BufWriter::with_capacity(1 << 20, temp.as_file_mut());
    gguf_file::write(&mut out, &metadata, &tensors)?;
    out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    temp.as_file().set_permissions(permissions)?;
    temp.persist(cache).map_err(|e| e.error)?;
    Ok(())
}

/// SHA-256 over names and weights, in name order.
fn hash_weights(padded: &Padded) -> candle_core::Result<String> {
    let mut hash = Sha256::new();
    for (name, tensor) in padded {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(tensor.data()?);
    }
    Ok(hex::encode(hash.finalize()))
}

/// SHA-256 of a whole file, lower-case hex.
fn hash_file(path: &Utf8Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&block[..n]);
    }
}
