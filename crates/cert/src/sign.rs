//! Signing: the seam behind which a CA key lives, and the checks on what comes back.

use std::error::Error;

use domain::{Fingerprint, PublicKey};
use signature::Verifier as _;
use ssh_key::{Algorithm, Signature};

use crate::certificate::{Certificate, CertificateError};
use crate::draft::ToBeSigned;

/// A CA key: in memory, in an ssh-agent, later in a token or shared among several machines.
///
/// Signing may block; who calls it from async code uses a blocking thread for keys that are not in memory.
///
/// **Who checks the signature itself?** Not [`sign`]: verifying takes longer than signing, and sshd refuses a wrong
/// signature anyway, so a check per certificate would halve the speed and protect nobody. A key in this process proves
/// once, when it is loaded, that private and public half belong together. A key outside this process answers with
/// input from outside: its implementation must check each signature with [`verify`] before returning it.
pub trait CaSigner: Send + Sync {
    /// The public half, as `TrustedUserCAKeys` has it.
    fn public_key(&self) -> &PublicKey;

    /// Signs the bytes. An RSA key signs by `rsa-sha2-256` or `rsa-sha2-512`.
    ///
    /// # Errors
    /// [`SignError::NoSignature`] when the key cannot be reached or declines.
    fn sign(&self, to_be_signed: &[u8]) -> Result<Signature, SignError>;
}

/// Why a certificate was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key's place did not answer, or declined.
    #[error("the CA key {ca} made no signature; check that the place where it lives can be reached, then fetch again")]
    NoSignature {
        /// Which CA.
        ca: Fingerprint,
        /// What happened there.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The bytes were made for another CA.
    #[error("the certificate was drafted for the CA {0}, but another one was to sign it")]
    OtherCa(Fingerprint),
    /// sshd refuses, for example, SHA-1 signatures of RSA keys.
    #[error("the CA key {ca} signed by {algorithm}, which does not belong to its kind")]
    Algorithm {
        /// Which CA.
        ca: Fingerprint,
        /// The signature's algorithm.
        algorithm: Algorithm,
    },
    /// The signature does not fit the key and the bytes.
    #[error("the signature of the CA key {ca} is wrong; nothing was issued")]
    Wrong {
        /// Which CA.
        ca: Fingerprint,
        /// What the verification said.
        #[source]
        cause: signature::Error,
    },
    /// What was signed does not read back.
    #[error("the signed certificate does not read back and is not issued; please report this")]
    ReadBack(#[from] CertificateError),
}

/// Signs, reads the certificate back with `ssh-key`'s parser, and compares every field with what was drafted.
///
/// # Errors
/// When the key makes no signature of its kind, or the certificate reads back otherwise than drafted.
pub fn sign(to_be_signed: &ToBeSigned, ca: &dyn CaSigner) -> Result<Certificate, SignError> {
    let drafted = to_be_signed.ca_key();
    if drafted != ca.public_key() {
        return Err(SignError::OtherCa(drafted.fingerprint()));
    }
    let signature = ca.sign(to_be_signed.bytes())?;
    check_algorithm(drafted, &signature)?;
    Ok(Certificate::assemble(to_be_signed, signature)?)
}

/// Checks a signature that comes from outside this process.
///
/// # Errors
/// When it is of another algorithm than the key's, or wrong.
pub fn verify(ca_key: &PublicKey, to_be_signed: &[u8], signature: &Signature) -> Result<(), SignError> {
    check_algorithm(ca_key, signature)?;
    ca_key
        .key_data()
        .verify(to_be_signed, signature)
        .map_err(|cause| SignError::Wrong { ca: ca_key.fingerprint(), cause })
}

fn check_algorithm(ca_key: &PublicKey, signature: &Signature) -> Result<(), SignError> {
    let belongs = match (ca_key.key_data().algorithm(), signature.algorithm()) {
        (Algorithm::Rsa { .. }, Algorithm::Rsa { hash }) => hash.is_some(),
        (key, signed) => key == signed,
    };
    if belongs {
        Ok(())
    } else {
        Err(SignError::Algorithm { ca: ca_key.fingerprint(), algorithm: signature.algorithm() })
    }
}
