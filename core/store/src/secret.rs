//! Secrets at rest: stream keys as hashes, pull addresses sealed with a key that is not in the database.
//!
//! The key is the file `secret.key` in the data folder (32 random bytes in hex, readable by its owner alone, made
//! at first use). A dump of the database without that file tells nothing.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt};

use camino::{Utf8Path, Utf8PathBuf};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand::{TryRngCore, rngs::OsRng};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroize};
use sha2::{Digest, Sha256};

use crate::StoreError;

/// Marks the sealing scheme, so that a later one can be told apart.
const SCHEME: &str = "xchacha20poly1305:";

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Seals and opens secrets with the key file of a data folder.
#[derive(Debug, Clone)]
pub(crate) struct Vault {
    key_path: Utf8PathBuf,
}

impl Vault {
    pub(crate) fn in_folder(data_dir: &Utf8Path) -> Self {
        Self { key_path: data_dir.join("secret.key") }
    }

    /// `plain` as text that only the key file opens, bound to `owner`: moved to another row it does not open.
    pub(crate) fn seal(&self, owner: &str, plain: &SecretString) -> Result<String, StoreError> {
        let cipher = self.cipher(true)?;
        let mut nonce = [0u8; NONCE_BYTES];
        random(&mut nonce)?;
        let payload = Payload { msg: plain.expose_secret().as_bytes(), aad: owner.as_bytes() };
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Secret { why: "cannot seal a secret: it is too long".to_owned() })?;
        Ok(format!("{SCHEME}{}{}", hex::encode(nonce), hex::encode(sealed)))
    }

    /// What [`Vault::seal`] sealed.
    pub(crate) fn open(&self, owner: &str, sealed: &str) -> Result<SecretString, StoreError> {
        let unreadable = || StoreError::Secret {
            why: format!(
                "the sealed address of {owner} does not open with {}: restore that key file, or enter the address anew",
                self.key_path
            ),
        };
        let text = sealed.strip_prefix(SCHEME).ok_or_else(unreadable)?;
        let bytes = hex::decode(text).map_err(|_| unreadable())?;
        let (nonce, body) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or_else(unreadable)?;
        let plain = self
            .cipher(false)?
            .decrypt(&XNonce::from(*nonce), Payload { msg: body, aad: owner.as_bytes() })
            .map_err(|_| unreadable())?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| unreadable())
    }

    /// The cipher with the key of the file; when `make` is set a missing file is made.
    fn cipher(&self, make: bool) -> Result<XChaCha20Poly1305, StoreError> {
        let mut text = match fs::read_to_string(&self.key_path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && make => {
                self.make_key()?;
                fs::read_to_string(&self.key_path).map_err(|e| StoreError::file("read", &self.key_path, e))?
            }
            Err(e) => return Err(StoreError::file("read", &self.key_path, e)),
        };
        let mut key = [0u8; KEY_BYTES];
        let read = hex::decode_to_slice(text.trim(), &mut key);
        text.zeroize();
        read.map_err(|_| StoreError::Secret {
            why: format!("{} is not a key file: {KEY_BYTES} bytes in hex are expected", self.key_path),
        })?;
        let cipher = XChaCha20Poly1305::new(&key.into());
        key.zeroize();
        Ok(cipher)
    }

    /// Makes the key file, whole or not at all; the first of several processes wins.
    fn make_key(&self) -> Result<(), StoreError> {
        let mut key = [0u8; KEY_BYTES];
        random(&mut key)?;
        let mut text = hex::encode(key);
        key.zeroize();
        let temp = self.key_path.with_extension(format!("key.{}", uuid::Uuid::now_v7()));
        let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp).and_then(
            |mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            },
        );
        text.zeroize();
        let placed = written.and_then(|()| match fs::hard_link(&temp, &self.key_path) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        });
        let removed = fs::remove_file(&temp);
        placed.and(removed).map_err(|e| StoreError::file("make", &self.key_path, e))?;
        crate::library::sync_folder_of(&self.key_path)
    }
}

fn random(bytes: &mut [u8]) -> Result<(), StoreError> {
    OsRng.try_fill_bytes(bytes).map_err(|e| StoreError::Secret { why: format!("no random numbers: {e}") })
}

/// SHA-256 of a stream key, hex: what is stored of it.
pub(crate) fn stream_key_hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

/// `url` without credentials, query and fragment: fit to be shown and logged.
///
/// # Errors
/// [`StoreError::Refused`], without the address, when it is not one.
pub fn url_shown(url: &str) -> Result<String, StoreError> {
    let refused = || StoreError::Refused {
        why: "this is not a stream address; use for example rtmp://host/app/name or https://host/live.m3u8"
            .to_owned(),
    };
    let mut u = url::Url::parse(url).map_err(|_| refused())?;
    u.set_query(None);
    u.set_fragment(None);
    if !u.username().is_empty() || u.password().is_some() {
        u.set_username("").map_err(|()| refused())?;
        u.set_password(None).map_err(|()| refused())?;
    }
    Ok(u.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn vault() -> (tempfile::TempDir, Vault) {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::in_folder(Utf8Path::from_path(dir.path()).unwrap());
        (dir, vault)
    }

    #[test]
    fn a_sealed_secret_opens_for_its_owner_alone() {
        let (_dir, vault) = vault();
        let sealed = vault.seal("a", &"rtmp://u:p@h/x".into()).unwrap();
        assert!(!sealed.contains("rtmp"));
        assert_eq!(vault.open("a", &sealed).unwrap().expose_secret(), "rtmp://u:p@h/x");
        assert!(vault.open("b", &sealed).is_err());
        assert_ne!(sealed, vault.seal("a", &"rtmp://u:p@h/x".into()).unwrap(), "a nonce is never used twice");
        let mut flipped = sealed.into_bytes();
        let last = flipped.len() - 1;
        flipped[last] = if flipped[last] == b'0' { b'1' } else { b'0' };
        assert!(vault.open("a", &String::from_utf8(flipped).unwrap()).is_err());
    }

    #[test]
    fn the_key_file_is_private_and_another_one_does_not_open() {
        let (_dir, vault) = vault();
        let sealed = vault.seal("a", &"secret".into()).unwrap();
        let mode = fs::metadata(&vault.key_path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_file(&vault.key_path).unwrap();
        assert!(vault.open("a", &sealed).unwrap_err().to_string().contains("secret.key"));
        vault.seal("a", &"other".into()).unwrap();
        let error = vault.open("a", &sealed).unwrap_err().to_string();
        assert!(error.contains("restore that key file"), "{error}");
    }

    #[test]
    fn the_first_of_many_makes_the_key() {
        let (_dir, vault) = vault();
        let sealed: Vec<String> = std::thread::scope(|s| {
            let threads: Vec<_> = (0..8).map(|_| s.spawn(|| vault.seal("a", &"x".into()).unwrap())).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        for s in sealed {
            assert_eq!(vault.open("a", &s).unwrap().expose_secret(), "x");
        }
        assert_eq!(fs::read_dir(vault.key_path.parent().unwrap()).unwrap().count(), 1, "no temporary left");
    }

    #[test]
    fn what_is_shown_of_an_address_holds_no_secret() {
        for (given, shown) in [
            ("rtmp://bob:pw@host/app/name", "rtmp://host/app/name"),
            ("https://host/live.m3u8?token=pw#pw", "https://host/live.m3u8"),
            ("srt://host:9000?streamid=x&passphrase=pw", "srt://host:9000"),
        ] {
            assert_eq!(url_shown(given).unwrap(), shown);
        }
        assert!(!url_shown("pw").unwrap_err().to_string().contains("pw"));
    }
}
