//! Whom this machine trusts, for the signal socket and for streams to relays alike.
//!
//! Brings no certificates of its own and never trusts one that the machine does not.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// What this machine trusts; with `SSL_CERT_FILE` or `SSL_CERT_DIR`, what is there.
///
/// # Errors
/// When the cryptography cannot do what TLS asks for.
pub(crate) async fn trust() -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    // Reads files. What cannot be read or parsed is left out; a certificate that nobody vouches for is refused then.
    if let Ok(found) = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await {
        roots.add_parsable_certificates(found.certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}
