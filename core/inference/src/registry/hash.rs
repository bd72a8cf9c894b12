//! SHA-256 of files, in bounded memory.

use std::{fs::File, io::Read};

use camino::Utf8Path;
use sha2::{Digest, Sha256};

use super::error::RegistryError;

/// The SHA-256 of the file at `path`, lower-case hex, and its length in bytes.
pub(crate) fn sha256_file(path: &Utf8Path) -> Result<(String, u64), RegistryError> {
    let io = |e| RegistryError::io(path, e);
    let mut file = File::open(path).map_err(io)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    let mut length = 0u64;
    loop {
        let n = file.read(&mut buffer).map_err(io)?;
        if n == 0 {
            return Ok((hex::encode(hasher.finalize()), length));
        }
        hasher.update(&buffer[..n]);
        length += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_vector() {
        let dir = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::from_path_buf(dir.path().join("x")).unwrap();
        std::fs::write(&path, "abc").unwrap();
        let (hash, length) = sha256_file(&path).unwrap();
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(length, 3);
    }
}
