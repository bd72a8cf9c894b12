//! The certificate of the RTMPS listener, read again when its files change.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use camino::{Utf8Path, Utf8PathBuf};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use thiserror::Error;

/// Why a certificate cannot be used, with what to do about it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file is missing, unreadable, or holds something else.
    #[error("{key} {path}: {why}; it must be a readable PEM file with {wanted}")]
    File {
        /// The configuration key that names the file.
        key: &'static str,
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        why: String,
        /// What belongs into it.
        wanted: &'static str,
    },
    /// The two do not belong together, or the certificate is none.
    #[error(
        "record.tls_cert_file {cert} and record.tls_key_file {key} cannot be used together: {why}; \
         name the certificate chain and the private key that it was issued for"
    )]
    Pair {
        /// The certificate file.
        cert: Utf8PathBuf,
        /// The key file.
        key: Utf8PathBuf,
        /// What the TLS library said.
        why: String,
    },
}

/// The PEM files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that vouch for it.
    pub cert: Utf8PathBuf,
    /// Its private key.
    pub key: Utf8PathBuf,
}

/// What tells a changed file: size and time of change of both.
type Stamp = Option<[(u64, SystemTime); 2]>;

/// A certificate in use.
pub struct Certificate {
    files: TlsFiles,
    state: Mutex<(Stamp, Arc<ServerConfig>)>,
}

impl Certificate {
    /// Reads and checks the files. Blocking.
    ///
    /// # Errors
    /// [`TlsError`]; an operator must act.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let stamp = stamp(&files);
        let config = read(&files)?;
        Ok(Self { files, state: Mutex::new((stamp, config)) })
    }

    /// What to serve a new connection with: the files as they are now, or as they last could be used. Blocking.
    pub fn current(&self) -> Arc<ServerConfig> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.files);
        if now != state.0 {
            state.0 = now;
            match read(&self.files) {
                Ok(config) => {
                    tracing::info!(file = %self.files.cert, "the certificate for RTMPS was read again");
                    state.1 = config;
                }
                Err(error) => {
                    tracing::warn!(%error, "the changed certificate is not used; the one before is")
                }
            }
        }
        Arc::clone(&state.1)
    }
}

fn stamp(files: &TlsFiles) -> Stamp {
    let of = |path: &Utf8Path| -> io::Result<_> {
        let meta = std::fs::metadata(path)?;
        Ok((meta.len(), meta.modified()?))
    };
    Some([of(&files.cert).ok()?, of(&files.key).ok()?])
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let bad_cert = |why: String| TlsError::File {
        key: "record.tls_cert_file",
        path: files.cert.clone(),
        why,
        wanted: "the certificate chain",
    };
    let text = std::fs::read(&files.cert).map_err(|e| bad_cert(e.to_string()))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|e| bad_cert(e.to_string()))?;
    if chain.is_empty() {
        return Err(bad_cert("there is no certificate in it".to_owned()));
    }
    let bad_key = |why: String| TlsError::File {
        key: "record.tls_key_file",
        path: files.key.clone(),
        why,
        wanted: "the private key, without a password",
    };
    let text = std::fs::read(&files.key).map_err(|e| bad_key(e.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|e| bad_key(e.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    config.map(Arc::new).map_err(|e| TlsError::Pair {
        cert: files.cert.clone(),
        key: files.key.clone(),
        why: e.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Utf8Path, name: &str) -> TlsFiles {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let files = TlsFiles { cert: dir.join(format!("{name}.crt")), key: dir.join(format!("{name}.key")) };
        std::fs::write(&files.cert, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn files_that_cannot_be_used_are_named_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let (a, b) = (write(dir, "a"), write(dir, "b"));
        let said = |files: TlsFiles| Certificate::load(files).err().unwrap().to_string();
        let gone = said(TlsFiles { cert: dir.join("gone"), ..a.clone() });
        assert!(gone.contains("record.tls_cert_file") && gone.contains("gone"), "{gone}");
        let swapped = said(TlsFiles { cert: a.key.clone(), key: a.cert.clone() });
        assert!(swapped.contains("no certificate in it"), "{swapped}");
        let none = said(TlsFiles { key: a.cert.clone(), ..a.clone() });
        assert!(none.contains("record.tls_key_file"), "{none}");
        let mixed = said(TlsFiles { key: b.key.clone(), ..a.clone() });
        assert!(mixed.contains("used together"), "{mixed}");
        for secret in [&gone, &swapped, &none, &mixed] {
            assert!(!secret.contains("PRIVATE KEY"), "{secret}");
        }
    }

    #[test]
    fn changed_files_are_read_again_and_broken_ones_are_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let files = write(dir, "a");
        let certificate = Certificate::load(files.clone()).unwrap();
        let first = certificate.current();
        assert!(Arc::ptr_eq(&first, &certificate.current()));
        std::fs::write(&files.key, "half a fi").unwrap();
        assert!(Arc::ptr_eq(&first, &certificate.current()));
        write(dir, "a");
        assert!(!Arc::ptr_eq(&first, &certificate.current()));
    }
}
