//! Whether the server that these settings are of runs already: asks whoever listens at its ports.
//!
//! Asks this machine only, and believes nobody but who answers as this server does; by TLS, nobody but who has its
//! certificate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config::Config;
use crate::server::reachable;
use crate::tls::Certificate;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most of an answer that is read, in bytes.
const MOST: u64 = 256 * 1024;

/// Why whoever has a port is not taken for this server.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwell {
    /// There is nobody, or somebody who ends the connection.
    #[error("nobody answers there ({0})")]
    Nobody(#[from] std::io::Error),
    /// Nothing came back in time.
    #[error("whoever listens there says nothing for {} s", PATIENCE.as_secs())]
    Silent,
    /// It is something else.
    #[error("what answers there is not this server")]
    Other,
}

/// Asks `/healthz` at the main port.
pub(super) async fn ask_health(config: &Config) -> Result<(), Unwell> {
    let answer = ask(config.listen, "/healthz", own_certificate(config)).await?;
    let is_well = answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nok\n");
    if is_well { Ok(()) } else { Err(Unwell::Other) }
}

/// Asks for metrics at the port that is for them alone, which never has TLS.
pub(super) async fn ask_metrics(address: SocketAddr) -> Result<(), Unwell> {
    let answer = ask(address, "/metrics", None).await?;
    let is_ours = answer.starts_with("HTTP/1.1 200 ") && answer.contains("privydrop_sockets");
    if is_ours { Ok(()) } else { Err(Unwell::Other) }
}

/// The certificate that the server shows, if it speaks TLS and has one that can be read.
fn own_certificate(config: &Config) -> Option<CertificateDer<'static>> {
    let (chain, key) = (config.tls_cert.as_ref()?, config.tls_key.as_ref()?);
    Certificate::load(chain, key).ok()?.chain().into_iter().next()
}

async fn ask(
    address: SocketAddr,
    path: &str,
    shows: Option<CertificateDer<'static>>,
) -> Result<String, Unwell> {
    let address = reachable(address);
    let answered = timeout(PATIENCE, async {
        let stream = TcpStream::connect(address).await?;
        match shows {
            None => fetch(stream, path).await,
            Some(certificate) => {
                let name = ServerName::from(address.ip());
                fetch(pinned(certificate)?.connect(name, stream).await?, path).await
            }
        }
    });
    Ok(answered.await.map_err(|_| Unwell::Silent)??)
}

async fn fetch(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    match stream.take(MOST).read_to_end(&mut answer).await {
        // Some end a connection without the goodbye of TLS.
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

/// Speaks TLS with whoever shows this very certificate, and proves to have its key.
fn pinned(certificate: CertificateDer<'static>) -> std::io::Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let pinned = Pinned { certificate, provider: provider.clone() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pinned))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Its name is that of the site, not of this machine, and its authority need not be known here.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match *shown == self.certificate {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
