//! Vectors of texts that were read before, kept in a file: most of the time of a training is reading texts.

use std::{
    collections::HashMap,
    io::{BufReader, BufWriter, Read, Write},
    sync::Mutex,
};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};

use super::{ClassifyError, Encoder, Part};

/// Vectors that a file keeps at most.
const KEPT_MAX: usize = 40_000;

/// The first bytes of a text's SHA-256.
type Key = [u8; 16];

/// An encoder that asks its file first. The file is written by [`CachedEncoder::save`]; one that cannot be read, or of
/// another feature, counts as empty.
pub struct CachedEncoder<'a> {
    encoder: &'a dyn Encoder,
    path: Utf8PathBuf,
    /// Each vector, with whether it was asked for this time.
    known: Mutex<HashMap<Key, (Vec<f32>, bool)>>,
}

impl<'a> CachedEncoder<'a> {
    /// Over `encoder`, with a file in the folder `dir` that bears the feature's name.
    pub fn open(encoder: &'a dyn Encoder, dir: &Utf8Path) -> Self {
        let name = hex::encode(&Sha256::digest(encoder.feature_id())[..8]);
        let path = dir.join(format!("{name}.features"));
        let known = read(&path, &encoder.feature_id(), encoder.width()).unwrap_or_default();
        Self { encoder, path, known: Mutex::new(known) }
    }

    /// Writes the file, under another name first: what was asked for, and of the rest as many as there is room for.
    pub fn save(&self) -> Result<(), ClassifyError> {
        let known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let write = || {
            let dir = self.path.parent().unwrap_or(Utf8Path::new("."));
            std::fs::create_dir_all(dir)?;
            let mut temp = tempfile::NamedTempFile::new_in(dir)?;
            let mut out = BufWriter::with_capacity(1 << 20, temp.as_file_mut());
            out.write_all(&header(&self.encoder.feature_id()))?;
            let (asked, rest): (Vec<_>, Vec<_>) = known.iter().partition(|(_, (_, asked))| *asked);
            for (key, (vector, _)) in asked.into_iter().chain(rest).take(KEPT_MAX) {
                out.write_all(key)?;
                vector.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))?;
            }
            out.flush()?;
            drop(out);
            temp.persist(&self.path).map_err(|e| e.error)
        };
        write().map(drop).map_err(|source| ClassifyError::Write { path: self.path.clone(), source })
    }
}

impl Encoder for CachedEncoder<'_> {
    fn parts(&self) -> Vec<Part> {
        self.encoder.parts()
    }

    fn encode(&self, text: &str) -> Result<Vec<f32>, ClassifyError> {
        let key = key(text);
        let lock = || self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((vector, asked)) = lock().get_mut(&key) {
            *asked = true;
            return Ok(vector.clone());
        }
        let vector = self.encoder.encode(text)?;
        lock().insert(key, (vector.clone(), true));
        Ok(vector)
    }
}

fn key(text: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&Sha256::digest(text)[..16]);
    key
}

/// What a file begins with.
fn header(feature: &str) -> Vec<u8> {
    format!("clipmill-features/1 {feature}\n").into_bytes()
}

fn read(path: &Utf8Path, feature: &str, width: usize) -> Option<HashMap<Key, (Vec<f32>, bool)>> {
    let mut file = BufReader::with_capacity(1 << 20, std::fs::File::open(path).ok()?);
    let wanted = header(feature);
    let mut begins = vec![0; wanted.len()];
    file.read_exact(&mut begins).ok()?;
    if begins != wanted {
        return None;
    }
    let mut known = HashMap::new();
    let mut record = vec![0; 16 + 4 * width];
    while known.len() < KEPT_MAX && file.read_exact(&mut record).is_ok() {
        let (key, numbers) = record.split_first_chunk::<16>()?;
        let vector: Vec<f32> = numbers.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        if vector.iter().all(|x| x.is_finite()) {
            known.insert(*key, (vector, false));
        }
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting {
        asked: AtomicUsize,
    }

    impl Encoder for Counting {
        fn parts(&self) -> Vec<Part> {
            vec![Part { id: "count@0".to_owned(), width: 2, unit: true }]
        }

        fn encode(&self, text: &str) -> Result<Vec<f32>, ClassifyError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok(vec![text.len() as f32, 0.5])
        }
    }

    #[test]
    fn a_text_is_read_once_and_a_damaged_file_costs_only_time() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let counting = Counting::default();
        let first = CachedEncoder::open(&counting, dir);
        for text in ["棉", "cotton", "棉"] {
            assert_eq!(first.encode(text).unwrap(), [text.len() as f32, 0.5]);
        }
        first.save().unwrap();
        assert_eq!(counting.asked.load(Ordering::Relaxed), 2);
        let again = CachedEncoder::open(&counting, dir);
        assert_eq!(again.encode("cotton").unwrap(), [6.0, 0.5]);
        assert_eq!(counting.asked.load(Ordering::Relaxed), 2);

        let whole = std::fs::read(&first.path).unwrap();
        for cut in [0, 5, whole.len() - 3] {
            std::fs::write(&first.path, &whole[..cut]).unwrap();
            assert_eq!(CachedEncoder::open(&counting, dir).encode("cotton").unwrap(), [6.0, 0.5]);
        }
    }
}
