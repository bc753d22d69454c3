//! Whom this machine trusts, for the signal socket, for streams to relays and for whatever else a program asks a server.
//!
//! Brings no certificates of its own and never trusts one that the machine does not.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Where Android keeps them: since version 14, and before. The library that knows the places of other systems does not
/// know these.
const ON_ANDROID: [&str; 2] = ["/apex/com.android.conscrypt/cacerts", "/system/etc/security/cacerts"];

/// What this machine trusts; with `SSL_CERT_FILE` or `SSL_CERT_DIR`, what is there.
///
/// # Errors
/// When the cryptography cannot do what TLS asks for.
pub async fn trust() -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    // Reads files. What cannot be read or parsed is left out; a certificate that nobody vouches for is refused then.
    if let Ok(found) = tokio::task::spawn_blocking(found).await {
        roots.add_parsable_certificates(found);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

fn found() -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() && cfg!(target_os = "android") { in_first_of(&ON_ANDROID) } else { found }
}

/// What is in the first of these folders that has any.
fn in_first_of(folders: &[impl AsRef<Path>]) -> Vec<CertificateDer<'static>> {
    let read = |folder: &Path| rustls_native_certs::load_certs_from_paths(None, Some(folder)).certs;
    folders.iter().map(|folder| read(folder.as_ref())).find(|found| !found.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of nobody.
    const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBczCCARmgAwIBAgIUI5xapNWgVh2+pqhWHD+yzCCHzmAwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjcxMTQ4MjNaFw0zNjExMjQxMTQ4MjNa
MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARdZ9PD
r1z5/k1TYMWUM/EcJZIYqRTeze13I0qidoyIIO9Dn7ZBmdzLMH0O2/V+HiCDigIm
VwjWZKKdxr+hFilbo1MwUTAdBgNVHQ4EFgQUPr+hh+XNjKoyO+9qn3J/mEZ6UA8w
HwYDVR0jBBgwFoAUPr+hh+XNjKoyO+9qn3J/mEZ6UA8wDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiEAqVFUiF3eTTYwg2Q6Y+RAdardHqEPALEP7e8i
RxznqIUCIGcLYo0rzfVY09hXVCXxRD1oOGh/ayWC9b8boHRM1Yv0
-----END CERTIFICATE-----
";

    #[test]
    fn the_first_folder_that_has_certificates_is_the_one_that_counts() {
        let root = tempfile::tempdir().unwrap();
        let folders = ["missing", "empty", "full", "old"].map(|name| root.path().join(name));
        folders[1..].iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
        assert_eq!(in_first_of(&folders), []);
        // Named as Android names them.
        std::fs::write(folders[2].join("00673b5b.0"), CERTIFICATE).unwrap();
        std::fs::write(folders[3].join("00673b5b.0"), "no certificate").unwrap();
        let found = in_first_of(&folders);
        assert_eq!(found.len(), 1);
        assert_eq!(RootCertStore::empty().add_parsable_certificates(found), (1, 0));
    }
}
