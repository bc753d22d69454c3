//! Who speaks QUIC: the certificate of a connection's DTLS on this side, and the one that the peer's description named on
//! the other.
//!
//! Both ends show one, and both check it. Nothing here trusts an authority, resumes a session or sends early data.

use std::fmt;
use std::sync::Arc;

use privydrop_common::sdp::Fingerprint;
use quinn_proto::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rtc::crypto::{SignatureScheme as StackScheme, default_provider};
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use rtc::shared::util::math_rand_alpha;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, SignatureScheme,
};
use sha2::{Digest, Sha256};

/// What both ends say that they speak.
const PROTOCOL: &[u8] = b"privydrop/1";
/// Letters of the name in a certificate, which means nothing: as many as the stack's own have.
const NAME: usize = 16;

/// A certificate and its key, for one connection.
#[derive(Clone)]
pub(in crate::transport) struct Identity {
    certificate: RTCCertificate,
    key: Arc<PrivatePkcs8KeyDer<'static>>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// This side cannot speak QUIC: no certificate could be made, or TLS takes none of its parts.
#[derive(Debug, thiserror::Error)]
#[error("no certificate for QUIC")]
pub(in crate::transport) struct Unfit;

impl Identity {
    /// A new certificate, as the stack would make one.
    pub(in crate::transport) fn new() -> Result<Self, Unfit> {
        let provider = default_provider().map_err(|_| Unfit)?;
        let (crypto, scheme) = (provider.crypto(), StackScheme::EcdsaP256Sha256);
        let key = crypto.generate_signing_key(scheme).map_err(|_| Unfit)?;
        let pkcs8 = key.to_pkcs8_der().map_err(|_| Unfit)?.ok_or(Unfit)?;
        let params = CertificateParams::new(vec![math_rand_alpha(NAME)]).map_err(|_| Unfit)?;
        let certificate =
            RTCCertificate::generate_from_signing_key(params, scheme, key).map_err(|_| Unfit)?;
        let key = Arc::new(PrivatePkcs8KeyDer::from(pkcs8.as_ref().to_vec()));
        Ok(Self { certificate, key })
    }

    /// For the stack's DTLS.
    pub(in crate::transport) fn certificate(&self) -> RTCCertificate {
        self.certificate.clone()
    }

    /// For the side that calls, if the other shows exactly this certificate.
    pub(super) fn calling(&self, peer: Fingerprint) -> Result<Arc<QuicClientConfig>, Unfit> {
        QuicClientConfig::try_from(self.client(peer)?).map(Arc::new).map_err(|_| Unfit)
    }

    /// For the side that is called, if the other shows exactly this certificate.
    pub(super) fn called(&self, peer: Fingerprint) -> Result<Arc<QuicServerConfig>, Unfit> {
        QuicServerConfig::try_from(self.server(peer)?).map(Arc::new).map_err(|_| Unfit)
    }

    fn client(&self, peer: Fingerprint) -> Result<rustls::ClientConfig, Unfit> {
        let (provider, peer) = named(peer);
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| Unfit)?
            .dangerous()
            .with_custom_certificate_verifier(peer)
            .with_client_auth_cert(self.chain(), self.key.clone_key().into())
            .map_err(|_| Unfit)?;
        tls.alpn_protocols = vec![PROTOCOL.to_vec()];
        tls.resumption = Resumption::disabled();
        tls.enable_sni = false;
        Ok(tls)
    }

    fn server(&self, peer: Fingerprint) -> Result<rustls::ServerConfig, Unfit> {
        let (provider, peer) = named(peer);
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| Unfit)?
            .with_client_cert_verifier(peer)
            .with_single_cert(self.chain(), self.key.clone_key().into())
            .map_err(|_| Unfit)?;
        tls.alpn_protocols = vec![PROTOCOL.to_vec()];
        tls.session_storage = Arc::new(NoServerSessionStorage {});
        tls.send_tls13_tickets = 0;
        Ok(tls)
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.certificate.dtls_certificate.certificate.clone()
    }
}

fn named(certificate: Fingerprint) -> (Arc<CryptoProvider>, Arc<Named>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    (Arc::clone(&provider), Arc::new(Named { certificate, provider }))
}

/// Takes the one certificate whose SHA-256 is this, from either side, if the peer has its key.
#[derive(Debug)]
struct Named {
    certificate: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl Named {
    fn check(&self, shown: &CertificateDer<'_>, further: &[CertificateDer<'_>]) -> Result<(), Error> {
        let hash: [u8; 32] = Sha256::digest(shown).into();
        if further.is_empty() && hash == self.certificate.0 {
            Ok(())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn has_key(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// QUIC has TLS 1.3 only (RFC 9001 §4.2).
fn too_old() -> Result<HandshakeSignatureValid, Error> {
    Err(PeerIncompatible::Tls12NotOffered.into())
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        further: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(shown, further).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        too_old()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_key(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Named {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        further: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(shown, further).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        too_old()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_key(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::client::ResolvesClientCert;
    use rustls::quic::{ClientConnection, Connection, ServerConnection, Version};
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use rustls::{ClientConfig, ServerConfig};

    use super::*;

    fn fingerprint(of: &Identity) -> Fingerprint {
        Fingerprint(Sha256::digest(&of.chain()[0]).into())
    }

    /// What the two sides make of each other.
    fn handshake(client: ClientConfig, server: ServerConfig) -> Result<(), Error> {
        let name = ServerName::try_from("peer.invalid").unwrap();
        let client = ClientConnection::new(Arc::new(client), Version::V1, name, Vec::new())?;
        let server = ServerConnection::new(Arc::new(server), Version::V1, Vec::new())?;
        let (mut client, mut server) = (Connection::from(client), Connection::from(server));
        while client.is_handshaking() || server.is_handshaking() {
            pass(&mut client, &mut server)?;
            pass(&mut server, &mut client)?;
        }
        assert_eq!((client.alpn_protocol(), server.alpn_protocol()), (Some(PROTOCOL), Some(PROTOCOL)));
        Ok(())
    }

    /// All that one side has to say, key by key.
    fn pass(from: &mut Connection, to: &mut Connection) -> Result<(), Error> {
        loop {
            let mut said = Vec::new();
            let further = from.write_hs(&mut said);
            to.read_hs(&said)?;
            if further.is_none() {
                return Ok(());
            }
        }
    }

    fn two() -> (Identity, Identity) {
        (Identity::new().unwrap(), Identity::new().unwrap())
    }

    #[test]
    fn two_sides_that_name_each_other_s_certificates_agree() {
        let (one, other) = two();
        let configs = (one.client(fingerprint(&other)).unwrap(), other.server(fingerprint(&one)).unwrap());
        assert_eq!(handshake(configs.0, configs.1), Ok(()));
    }

    #[test]
    fn neither_side_takes_another_certificate() {
        let (one, other) = two();
        let stranger = fingerprint(&Identity::new().unwrap());
        let refused = Err(CertificateError::ApplicationVerificationFailure.into());
        let server = other.server(fingerprint(&one)).unwrap();
        assert_eq!(handshake(one.client(stranger).unwrap(), server), refused);
        let client = one.client(fingerprint(&other)).unwrap();
        assert_eq!(handshake(client, other.server(stranger).unwrap()), refused);
    }

    /// Shows a certificate whose key it has not.
    fn stolen(shown: &Identity, own: &Identity) -> Arc<SingleCertAndKey> {
        let key = own.key.clone_key().into();
        let key = rustls::crypto::ring::default_provider().key_provider.load_private_key(key).unwrap();
        Arc::new(SingleCertAndKey::from(CertifiedKey::new(shown.chain(), key)))
    }

    #[test]
    fn a_certificate_without_its_key_is_of_no_use_to_either_side() {
        let (one, other) = two();
        let thief = Identity::new().unwrap();
        let mut server = thief.server(fingerprint(&one)).unwrap();
        server.cert_resolver = stolen(&other, &thief);
        let refused = Err(CertificateError::BadSignature.into());
        assert_eq!(handshake(one.client(fingerprint(&other)).unwrap(), server), refused);
        let mut client = thief.client(fingerprint(&other)).unwrap();
        client.client_auth_cert_resolver = stolen(&one, &thief);
        assert_eq!(handshake(client, other.server(fingerprint(&one)).unwrap()), refused);
    }

    #[derive(Debug)]
    struct ShowsNone;

    impl ResolvesClientCert for ShowsNone {
        fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
            None
        }

        fn has_certs(&self) -> bool {
            false
        }
    }

    #[test]
    fn who_calls_and_shows_no_certificate_or_speaks_something_else_is_refused() {
        let (one, other) = two();
        let server = || other.server(fingerprint(&one)).unwrap();
        let mut client = one.client(fingerprint(&other)).unwrap();
        client.client_auth_cert_resolver = Arc::new(ShowsNone);
        assert_eq!(handshake(client, server()), Err(Error::NoCertificatesPresented));
        for spoken in [vec![], vec![b"h3".to_vec()]] {
            let mut client = one.client(fingerprint(&other)).unwrap();
            client.alpn_protocols = spoken;
            assert_eq!(handshake(client, server()), Err(Error::NoApplicationProtocol));
        }
    }

    #[test]
    fn no_session_is_resumed_and_nothing_is_sent_early() {
        let (one, other) = two();
        let server = other.server(fingerprint(&one)).unwrap();
        assert_eq!((server.send_tls13_tickets, server.max_early_data_size), (0, 0));
        assert!(!one.client(fingerprint(&other)).unwrap().enable_early_data);
    }
}
