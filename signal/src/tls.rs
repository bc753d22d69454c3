//! The server's certificate from PEM files, with ring as the only cryptography; a new one is taken without a restart.
//!
//! Never serves a pair that does not fit together: a bad new one leaves the old one in use.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{file} cannot be read ({reason})")]
    Unreadable {
        /// The file as given.
        file: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A file is not PEM of the expected kind.
    #[error("{file} has no usable {what} ({reason})")]
    File {
        /// The file as given.
        file: String,
        /// What should be in it.
        what: &'static str,
        /// What the reader says.
        reason: pem::Error,
    },
    /// Certificate and key do not fit together.
    #[error("certificate and key cannot be used together ({0})")]
    Pair(#[from] rustls::Error),
}

/// The certificate in use.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
    /// What the files held when they were last read, also when it was bad.
    seen: Mutex<Pem>,
}

/// The content of both files.
#[derive(PartialEq, Eq)]
struct Pem {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate chain and its key.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let pem = Pem::read(chain, key)?;
        let current = RwLock::new(Arc::new(pem.pair(chain, key)?));
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), current, seen: Mutex::new(pem) })
    }

    /// Whether the files hold another pair, which is used from now on. A bad one is told of once.
    pub fn look_again(&self) -> Result<bool, TlsError> {
        let pem = Pem::read(&self.chain, &self.key)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == pem {
            return Ok(false);
        }
        let pair = pem.pair(&self.chain, &self.key);
        *seen = pem;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair?);
        Ok(true)
    }

    /// The chain in use, its own certificate first.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.pair().cert.clone()
    }

    fn pair(&self) -> Arc<CertifiedKey> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.pair())
    }
}

impl Pem {
    fn read(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |file: &Path| {
            std::fs::read(file)
                .map_err(|reason| TlsError::Unreadable { file: file.display().to_string(), reason })
        };
        Ok(Self { chain: read(chain)?, key: read(key)? })
    }

    fn pair(&self, chain: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
        let certificates = CertificateDer::pem_slice_iter(&self.chain).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|reason| unusable(chain, "certificate", reason))?;
        if certificates.is_empty() {
            return Err(unusable(chain, "certificate", pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|reason| unusable(key, "private key", reason))?;
        let pair = CertifiedKey::from_der(certificates, key, &rustls::crypto::ring::default_provider())?;
        Ok(pair)
    }
}

impl std::fmt::Debug for Pem {
    /// One of the two is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pem(…)")
    }
}

/// Settings that serve whatever certificate is in use.
pub fn config(certificate: Arc<Certificate>) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn unusable(file: &Path, what: &'static str, reason: pem::Error) -> TlsError {
    TlsError::File { file: file.display().to_string(), what, reason }
}
