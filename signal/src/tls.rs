//! TLS settings from PEM files, with ring as the only cryptography.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or is not PEM of the expected kind.
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

/// Reads a certificate chain and its key.
pub fn load(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|reason| unusable(certificate, "certificate", reason))?;
    if chain.is_empty() {
        return Err(unusable(certificate, "certificate", pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|reason| unusable(key, "private key", reason))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(config)
}

fn unusable(file: &Path, what: &'static str, reason: pem::Error) -> TlsError {
    TlsError::File { file: file.display().to_string(), what, reason }
}
