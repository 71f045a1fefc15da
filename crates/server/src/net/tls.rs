//! TLS 1.3 by a key that the ledger key vouches for.

use std::sync::Arc;

use domain::{Digest, Origin};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData as _};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Why a TLS key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsKeyError {
    /// Not a private key in PEM.
    #[error("the TLS key is not a private key in PEM (PKCS#8); make the server's directory anew or restore the key")]
    Malformed(#[source] rcgen::Error),
    /// No certificate could be made over it.
    #[error("no certificate could be made over the TLS key")]
    Certificate(#[source] rcgen::Error),
    /// rustls refuses it.
    #[error("the TLS key cannot be used for TLS")]
    Refused(#[source] rustls::Error),
}

/// The TLS key. It only carries connections: clients trust it because the ledger key signs its digest.
pub struct TlsKey(KeyPair);

impl TlsKey {
    /// A new key: ECDSA over P-256, which browsers take too.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, TlsKeyError> {
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map(Self).map_err(TlsKeyError::Certificate)
    }

    pub(crate) fn from_pem(pem: &str) -> Result<Self, TlsKeyError> {
        KeyPair::from_pem(pem).map(Self).map_err(TlsKeyError::Malformed)
    }

    pub(crate) fn to_pem(&self) -> zeroize::Zeroizing<String> {
        zeroize::Zeroizing::new(self.0.serialize_pem())
    }

    /// SHA-256 of the SubjectPublicKeyInfo: what login statements name.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0.subject_public_key_info())
    }

    /// X.509 around the key, as TLS wants it. Names and dates in it say nothing to clients of Hallpass.
    fn certificate(&self, name: &Origin) -> Result<CertificateDer<'static>, TlsKeyError> {
        let host = name.as_str().split('/').next().unwrap_or_default();
        let mut params = CertificateParams::new([host.to_owned()]).map_err(TlsKeyError::Certificate)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "hallpassd");
        let made = params.self_signed(&self.0).map_err(TlsKeyError::Certificate)?;
        Ok(made.der().clone())
    }
}

/// Lets the TLS library gather its randomness while others work: it measures the processor's jitter at first use, for
/// some 50 ms, and waits for it then.
pub(crate) fn gather_randomness() {
    std::thread::spawn(|| {
        // Whether this failed is seen by whoever needs the randomness.
        aws_lc_rs::default_provider().secure_random.fill(&mut [0; 1]).ok();
    });
}

/// TLS 1.3 alone, HTTP/2 alone. X25519MLKEM768 comes first: it is the first of the provider's groups under rustls'
/// feature `prefer-post-quantum`.
///
/// # Errors
/// When rustls refuses the key.
pub fn server_config(key: &TlsKey, name: &Origin) -> Result<Arc<ServerConfig>, TlsKeyError> {
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.0.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(TlsKeyError::Refused)?
        .with_no_client_auth()
        .with_single_cert(vec![key.certificate(name)?], private)
        .map_err(TlsKeyError::Refused)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // Early data could be replayed by whoever recorded it (RFC 8446 section 8): it stays off.
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::NamedGroup;

    #[test]
    fn the_key_reads_back_as_the_same_key() {
        let key = TlsKey::generate().unwrap();
        assert_eq!(TlsKey::from_pem(&key.to_pem()).unwrap().digest(), key.digest());
        assert_ne!(TlsKey::generate().unwrap().digest(), key.digest());
        assert!(matches!(TlsKey::from_pem("-----BEGIN"), Err(TlsKeyError::Malformed(_))));
    }

    #[test]
    fn post_quantum_key_exchange_is_preferred() {
        let config = server_config(&TlsKey::generate().unwrap(), &"ca.example.com/prod".parse().unwrap()).unwrap();
        let first = config.crypto_provider().kx_groups.first().map(|group| group.name());
        assert_eq!(first, Some(NamedGroup::X25519MLKEM768));
    }

    #[test]
    fn the_digest_is_that_of_the_certificates_public_key() {
        let key = TlsKey::generate().unwrap();
        let certificate = key.certificate(&"ca.example.com".parse().unwrap()).unwrap();
        let parsed = webpki::EndEntityCert::try_from(&certificate).unwrap();
        assert_eq!(Digest::of(parsed.subject_public_key_info().as_ref()), key.digest());
    }
}
