//! TLS 1.3 to exactly one key.

use std::sync::{Arc, OnceLock};

use domain::Digest;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, PeerIncompatible, SignatureScheme};
use webpki::EndEntityCert;

/// The TLS key of a connection: whatever the first handshake shows, and from then on that one only.
///
/// That the key is the server's is proven afterwards, by the ledger key's signature, before anything of worth is sent.
#[derive(Debug)]
pub(crate) struct FirstKey {
    provider: Arc<CryptoProvider>,
    seen: OnceLock<Digest>,
}

impl FirstKey {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { provider: Arc::new(aws_lc_rs::default_provider()), seen: OnceLock::new() })
    }

    /// SHA-256 of the SubjectPublicKeyInfo that the first handshake showed.
    pub(crate) fn seen(&self) -> Option<Digest> {
        self.seen.get().copied()
    }

    /// A configuration for TLS 1.3 and HTTP/2 that asks this verifier. X25519MLKEM768 comes first: it is the first of
    /// the provider's groups under rustls' feature `prefer-post-quantum`.
    pub(crate) fn client_config(self: &Arc<Self>) -> Result<ClientConfig, Error> {
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Self>::clone(self))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

impl ServerCertVerifier for FirstKey {
    /// Neither name nor dates nor issuer count: the certificate only carries the key.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = EndEntityCert::try_from(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        let key = Digest::of(certificate.subject_public_key_info().as_ref());
        if *self.seen.get_or_init(|| key) == key {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
