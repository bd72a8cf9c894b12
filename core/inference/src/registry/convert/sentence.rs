//! The sentence encoder, as its Python package holds it, into one safetensors file.
//!
//! The weights are a NumPy archive whose embedding table is split into groups (piece `id` is row `id / GROUPS` of group
//! `id % GROUPS`); the vocabulary is a SentencePiece model, which is a protocol-buffers message.

use safetensors::{Dtype, tensor::TensorView};

use super::{
    super::error::RegistryError,
    bad,
    npz::{Array, Npz},
};

const WEIGHTS: &str = "weights.npz";
const VOCABULARY: &str = "sp.model";
const GROUPS: usize = 17;
const WIDTH: usize = 512;

/// Names there and here.
const RENAMED: [(&str, &str); 24] = [
    ("scale", "scale"),
    ("lo", "low"),
    ("w1_2", "branch2.1.weight"),
    ("b1_2", "branch2.1.bias"),
    ("w2_2", "branch2.2.weight"),
    ("b2_2", "branch2.2.bias"),
    ("w1_3", "branch3.1.weight"),
    ("b1_3", "branch3.1.bias"),
    ("w2_3", "branch3.2.weight"),
    ("b2_3", "branch3.2.bias"),
    ("w1_5", "branch5.1.weight"),
    ("b1_5", "branch5.1.bias"),
    ("w2_5", "branch5.2.weight"),
    ("b2_5", "branch5.2.bias"),
    ("ln_g", "norm.gain"),
    ("ln_b", "norm.shift"),
    ("cnn_W", "joined.weight"),
    ("cnn_b", "joined.bias"),
    ("d0", "dense0.weight"),
    ("d1", "dense1.weight"),
    ("d2", "dense2.weight"),
    ("d3", "dense3.weight"),
    ("p1", "pass1.weight"),
    ("p3", "pass3.weight"),
];

/// The branches' own parts of the first layer, which are one here.
const JOINED: [(&str, &str); 4] = [
    ("proj", "entry.weight"),
    ("proj_b", "entry.bias"),
    ("ln_g", "entry_norm.gain"),
    ("ln_b", "entry_norm.shift"),
];
const BRANCHES: [&str; 3] = ["2", "3", "5"];

/// The model file's bytes.
pub(super) fn convert(weights: &[u8], vocabulary: &[u8]) -> Result<Vec<u8>, RegistryError> {
    let mut npz = Npz::open(weights, WEIGHTS)?;
    let mut made: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = vec![];
    let table = table(&mut npz)?;
    made.push(("table".to_owned(), Dtype::U8, table.shape, table.data));
    for (theirs, ours) in RENAMED {
        let array = npz.floats(theirs)?;
        made.push((ours.to_owned(), Dtype::F32, array.shape, array.data));
    }
    for (theirs, ours) in JOINED {
        let parts = BRANCHES.map(|branch| npz.floats(&format!("{theirs}{branch}")));
        let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
        let array =
            side_by_side(&parts).ok_or_else(|| bad(WEIGHTS, format!("{theirs} do not fit together")))?;
        made.push((ours.to_owned(), Dtype::F32, array.shape, array.data));
    }
    let v = Vocabulary::read(vocabulary).ok_or_else(|| bad(VOCABULARY, "it is no such vocabulary"))?;
    made.push(("pieces".to_owned(), Dtype::U8, vec![v.text.len()], v.text));
    made.push(("piece_ends".to_owned(), Dtype::U32, vec![v.ends.len() / 4], v.ends));
    made.push(("piece_scores".to_owned(), Dtype::F32, vec![v.scores.len() / 4], v.scores));
    made.push(("charsmap".to_owned(), Dtype::U8, vec![v.characters.len()], v.characters));
    let views = made.iter().map(|(name, kind, shape, data)| {
        Ok((
            name,
            TensorView::new(*kind, shape.clone(), data).map_err(|e| bad(WEIGHTS, format!("{name}: {e}")))?,
        ))
    });
    let views = views.collect::<Result<Vec<_>, RegistryError>>()?;
    safetensors::serialize(views, None).map_err(|e| bad(WEIGHTS, e.to_string()))
}

/// The embedding table in the order of the pieces.
fn table(npz: &mut Npz<'_>) -> Result<Array, RegistryError> {
    let groups: Vec<Array> = (1..=GROUPS).map(|i| npz.bytes(&format!("q{i}"))).collect::<Result<_, _>>()?;
    let rows = groups.first().map_or(0, |g| g.data.len() / WIDTH);
    if groups.iter().any(|g| g.shape != [rows, WIDTH]) {
        return Err(bad(WEIGHTS, "the parts of the table are not alike"));
    }
    let mut data = Vec::with_capacity(GROUPS * rows * WIDTH);
    for row in 0..rows {
        for group in &groups {
            data.extend_from_slice(&group.data[row * WIDTH..][..WIDTH]);
        }
    }
    Ok(Array { shape: vec![GROUPS * rows, WIDTH], data })
}

/// Arrays joined along their last index.
fn side_by_side(parts: &[Array]) -> Option<Array> {
    let (columns, above) = parts.first()?.shape.split_last()?;
    let row = columns * 4;
    if row == 0 || parts.iter().any(|p| p.shape != parts[0].shape) {
        return None;
    }
    let rows = parts[0].data.len() / row;
    let data =
        (0..rows).flat_map(|r| parts.iter().flat_map(move |p| &p.data[r * row..][..row])).copied().collect();
    let shape = above.iter().copied().chain([columns * parts.len()]).collect();
    Some(Array { shape, data })
}

/// What is taken of a SentencePiece model.
struct Vocabulary {
    /// All pieces, joined.
    text: Vec<u8>,
    /// Where each ends in `text`: u32.
    ends: Vec<u8>,
    /// Log-likelihoods: f32.
    scores: Vec<u8>,
    /// The table of characters.
    characters: Vec<u8>,
}

impl Vocabulary {
    /// Field 1 of the message, repeated, is a piece (1: its text, 2: its score); of field 3, field 2 is the table.
    fn read(message: &[u8]) -> Option<Self> {
        let mut out = Self { text: vec![], ends: vec![], scores: vec![], characters: vec![] };
        for field in fields(message)? {
            match field {
                (1, piece) => {
                    let parts = fields(piece)?;
                    let part = |n: u64| parts.iter().find(|(field, _)| *field == n).map(|(_, bytes)| *bytes);
                    out.text.extend_from_slice(part(1)?);
                    out.ends.extend(u32::try_from(out.text.len()).ok()?.to_le_bytes());
                    out.scores.extend(part(2).map_or(Some([0; 4]), |score| score.try_into().ok())?);
                }
                (3, form) => {
                    out.characters = fields(form)?.into_iter().find(|(field, _)| *field == 2)?.1.to_vec();
                }
                _ => {}
            }
        }
        (!out.ends.is_empty() && !out.characters.is_empty()).then_some(out)
    }
}

/// The fields of a protocol-buffers message that hold bytes or four-byte numbers; the others are passed over.
fn fields(mut message: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut out = vec![];
    while !message.is_empty() {
        let tag = number(&mut message)?;
        let length = match tag & 7 {
            0 => {
                number(&mut message)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(number(&mut message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (bytes, rest) = message.split_at_checked(length)?;
        out.push((tag >> 3, bytes));
        message = rest;
    }
    Some(out)
}

/// A number in as many bytes as it needs, seven bits each.
fn number(message: &mut &[u8]) -> Option<u64> {
    let mut out = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        out |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(out);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(parts: &[(u8, &[u8])]) -> Vec<u8> {
        parts.iter().flat_map(|(n, data)| [&[n << 3 | 2, data.len() as u8][..], data].concat()).collect()
    }

    fn vocabulary() -> Vec<u8> {
        let score = [&[2 << 3 | 5][..], &(-2.5f32).to_le_bytes()].concat();
        let piece = |text: &str| [message(&[(1, text.as_bytes())]), score.clone(), vec![3 << 3, 1]].concat();
        message(&[(1, &piece("棉")), (1, &piece("be")), (3, &message(&[(1, b"nmt_nfkc"), (2, b"table")]))])
    }

    #[test]
    fn a_vocabulary_is_read() {
        let v = Vocabulary::read(&vocabulary()).unwrap();
        assert_eq!((&v.text[..], &v.characters[..]), ("棉be".as_bytes(), &b"table"[..]));
        assert_eq!(v.ends, [3, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(v.scores, [(-2.5f32).to_le_bytes(), (-2.5f32).to_le_bytes()].concat());
    }

    #[test]
    fn parts_lie_side_by_side() {
        let array = |n: u8| Array { shape: vec![2, 1], data: vec![n, n, n, n, n + 1, n + 1, n + 1, n + 1] };
        let both = side_by_side(&[array(1), array(5)]).unwrap();
        assert_eq!(both.shape, [2, 2]);
        assert_eq!(both.data, [1, 1, 1, 1, 5, 5, 5, 5, 2, 2, 2, 2, 6, 6, 6, 6]);
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_vocabulary_is_read_or_refused(bytes in crate::mangled::damaged(vocabulary())) {
            Vocabulary::read(&bytes);
        }
    }
}
