//! A checkpoint as PyTorch wrote them before version 1.6 (five pickles, then the numbers) into safetensors.

use std::collections::HashMap;

use candle_core::pickle::{Object, Stack};
use safetensors::{Dtype, tensor::TensorView};

use super::{super::error::RegistryError, bad};

const WHAT: &str = "pretrained.pt";
/// The first pickle: a number that stands for this format.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// A tensor that the checkpoint names: where its numbers are and what shape they have.
struct Named {
    name: String,
    storage: String,
    /// Where its numbers begin in the storage, which others may share.
    offset: usize,
    shape: Vec<usize>,
}

/// The tensors of the dictionary `model_state` as a safetensors file.
pub(super) fn convert(checkpoint: &[u8]) -> Result<Vec<u8>, RegistryError> {
    let mut rest = checkpoint.strip_prefix(MAGIC).ok_or_else(|| bad(WHAT, "it is no such checkpoint"))?;
    let _version = unpickle(&mut rest)?;
    let _machine = unpickle(&mut rest)?;
    let named = tensors(unpickle(&mut rest)?)?;
    let storages = storages(unpickle(&mut rest)?, rest)?;
    let mut views = vec![];
    for Named { name, storage, offset, shape } in named {
        let length = shape.iter().try_fold(4usize, |all, n| all.checked_mul(*n));
        let range = offset.checked_mul(4).and_then(|from| Some(from..from.checked_add(length?)?));
        let numbers = storages.get(&storage).and_then(|s| s.get(range?));
        let numbers = numbers.ok_or_else(|| bad(WHAT, format!("{name} has no numbers")))?;
        let view =
            TensorView::new(Dtype::F32, shape, numbers).map_err(|e| bad(WHAT, format!("{name}: {e}")))?;
        views.push((name, view));
    }
    safetensors::serialize(views, None).map_err(|e| bad(WHAT, e.to_string()))
}

fn unpickle(rest: &mut &[u8]) -> Result<Object, RegistryError> {
    super::pickle::check(rest).map_err(|why| bad(WHAT, why))?;
    let mut stack = Stack::empty();
    stack.read_loop(rest).and_then(|()| stack.finalize()).map_err(|e| bad(WHAT, e.to_string()))
}

fn unlike(_: Object) -> RegistryError {
    bad(WHAT, "it is built in another way")
}

fn tensors(checkpoint: Object) -> Result<Vec<Named>, RegistryError> {
    let entries = checkpoint.dict().map_err(unlike)?;
    let model = entries.into_iter().find(|(key, _)| *key == Object::Unicode("model_state".to_owned()));
    let (_, model) = model.ok_or_else(|| bad(WHAT, "it holds no model"))?;
    let mut all = vec![];
    for (name, value) in model.dict().map_err(unlike)? {
        // A dictionary of versions follows the tensors.
        let Ok((_, arguments)) = value.reduce() else { continue };
        let mut arguments = arguments.tuple().map_err(unlike)?.into_iter();
        let mut next = || arguments.next().ok_or_else(|| bad(WHAT, "a tensor is cut short"));
        let storage = next()?.persistent_load().map_err(unlike)?.tuple().map_err(unlike)?;
        let offset = next()?.try_into().map_err(unlike)?;
        let shape: Vec<usize> = next()?.try_into().map_err(unlike)?;
        let strides: Vec<usize> = next()?.try_into().map_err(unlike)?;
        let storage = storage.into_iter().nth(2).ok_or_else(|| bad(WHAT, "a tensor is cut short"))?;
        if !row_by_row(&shape, &strides) {
            return Err(bad(WHAT, "a tensor is not stored row by row"));
        }
        let (name, storage) = (name.unicode().map_err(unlike)?, storage.unicode().map_err(unlike)?);
        all.push(Named { name, storage, offset, shape });
    }
    Ok(all)
}

fn row_by_row(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1usize;
    shape.len() == strides.len()
        && shape.iter().zip(strides).rev().all(|(n, stride)| {
            let fits = *stride == expected;
            expected = expected.saturating_mul(*n);
            fits
        })
}

/// The numbers by the key of their storage: the keys in order, then for each a count and 32-bit floats.
fn storages(keys: Object, mut rest: &[u8]) -> Result<HashMap<String, &[u8]>, RegistryError> {
    let Object::List(keys) = keys else { return Err(unlike(keys)) };
    let mut all = HashMap::new();
    for key in keys {
        let short = || bad(WHAT, "it is cut short");
        let (count, after) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let bytes = usize::try_from(u64::from_le_bytes(*count)).ok().and_then(|n| n.checked_mul(4));
        let (numbers, after) = after.split_at_checked(bytes.ok_or_else(short)?).ok_or_else(short)?;
        all.insert(key.unicode().map_err(unlike)?, numbers);
        rest = after;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text of a pickle.
    fn text(s: &str) -> Vec<u8> {
        [b"X", &(s.len() as u32).to_le_bytes()[..], s.as_bytes()].concat()
    }

    /// A checkpoint with one matrix of two rows by three.
    fn small() -> Vec<u8> {
        let storage = [b"(".to_vec(), text("storage"), b"ctorch\nFloatStorage\n".to_vec(), text("0")];
        let storage = [storage.concat(), text("cpu"), b"K\x06tQ".to_vec()].concat();
        let arguments = [b"(".to_vec(), storage, b"K\0K\x02K\x03\x86K\x03K\x01\x86\x89}t".to_vec()].concat();
        let matrix = [b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec(), arguments, b"R".to_vec()].concat();
        let model = [b"\x80\x02}".to_vec(), text("model_state"), b"}".to_vec(), text("linear"), matrix];
        let keys = [b"\x80\x02]".to_vec(), text("0"), b"a.".to_vec()].concat();
        let numbers: Vec<u8> = (0u8..6).flat_map(|n| f32::from(n).to_le_bytes()).collect();
        let (version, machine) = (b"\x80\x02M\xe9\x03.".to_vec(), b"\x80\x02}.".to_vec());
        let count = 6u64.to_le_bytes().to_vec();
        [MAGIC.to_vec(), version, machine, model.concat(), b"ss.".to_vec(), keys, count, numbers].concat()
    }

    #[test]
    fn a_small_checkpoint_is_converted() {
        let made = convert(&small()).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&made).unwrap();
        let matrix = tensors.tensor("linear").unwrap();
        assert_eq!(
            (matrix.shape(), matrix.data()[20..].to_vec()),
            (&[2, 3][..], 5f32.to_le_bytes().to_vec())
        );
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_checkpoint_is_converted_or_refused(model in crate::mangled::damaged(small())) {
            if let Err(e) = convert(&model) {
                proptest::prop_assert!(e.to_string().contains(WHAT), "{e}");
            }
        }
    }
}
