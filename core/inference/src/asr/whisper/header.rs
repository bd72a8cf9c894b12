//! Whether a file is a Whisper model at all. whisper.cpp ends the process on some that are not, so it is asked before.

use std::{fs::File, io::Read as _, path::Path};

/// The first four bytes of a file in whisper.cpp's format.
const MAGIC: u32 = 0x6767_6d6c;
/// Which numbers of the header, from 0, tell what is looked at here.
const VOCABULARY: usize = 1;
const MELS: usize = 10;
const FILE_TYPE: usize = 11;
/// Tokens of every Whisper there is lie within these.
const TOKENS: std::ops::RangeInclusive<u32> = 50_000..=60_000;
/// File types of whisper.cpp end before this; thousands count the version of the quantised formats.
const FILE_TYPES: u32 = 32;

/// Whether the file begins as a Whisper model does.
///
/// # Errors
/// When it cannot be read.
pub(super) fn is_whisper(path: &Path) -> std::io::Result<bool> {
    let mut bytes = vec![];
    File::open(path)?.take(4 * (FILE_TYPE as u64 + 1)).read_to_end(&mut bytes)?;
    let numbers: Vec<u32> =
        bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number)).collect();
    let at = |index: usize| numbers.get(index).copied();
    Ok(at(0) == Some(MAGIC)
        && at(VOCABULARY).is_some_and(|n| TOKENS.contains(&n))
        && matches!(at(MELS), Some(80 | 128))
        && at(FILE_TYPE).is_some_and(|kind| kind % 1000 < FILE_TYPES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(numbers: &[u32]) -> bool {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.bin");
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        std::fs::write(&path, bytes).unwrap();
        is_whisper(&path).unwrap()
    }

    #[test]
    fn whispers_are_told_from_other_models() {
        let base = [MAGIC, 51_865, 1500, 512, 8, 6, 448, 512, 8, 6, 80, 1];
        assert!(judged(&base));
        // In eight bits, and the large one.
        assert!(judged(&[MAGIC, 51_866, 1500, 1280, 20, 32, 448, 1280, 20, 32, 128, 2007]));
        // As a voice detector of whisper.cpp begins.
        let voice = [MAGIC, 10, 0x656c_6973, 0x312d_6f72, 0x366b, 6, 2, 0, 512, 64, 4, 129, 128, 3];
        assert!(!judged(&voice));
        assert!(!judged(&base[..11]) && !judged(&[]) && !judged(&[1, 2, 3]));
        assert!(is_whisper(Path::new("/nowhere/model.bin")).is_err());
    }
}
