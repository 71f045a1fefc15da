//! A CA key in memory.

use cert::{CaSigner, SignError, Signature};
use domain::PublicKey;
use ed25519_dalek::{Signer as _, SigningKey};
use ssh_key::Algorithm;

/// What a key signs when it is loaded. It can be no certificate: one starts with the length of its kind's name.
const PROBE: &[u8] = b"hallpass signs this to see whether both halves of the key belong together";

/// The public half of a key.
pub fn public_half(key: &SigningKey) -> PublicKey {
    PublicKey::ed25519(key.verifying_key().to_bytes())
}

/// An ed25519 CA key held in this process, wiped on drop. It proves once that its signatures verify; after that they are
/// given out unverified, at the price of one signature each.
pub struct SoftSigner {
    key: SigningKey,
    public: PublicKey,
}

impl SoftSigner {
    /// Takes a key, and verifies one signature by it.
    ///
    /// # Errors
    /// When that signature is wrong.
    pub fn new(key: SigningKey) -> Result<Self, SignError> {
        let signer = Self { public: public_half(&key), key };
        cert::verify(&signer.public, PROBE, &signer.sign(PROBE)?)?;
        Ok(signer)
    }
}

impl CaSigner for SoftSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, to_be_signed: &[u8]) -> Result<Signature, SignError> {
        let signature = self.key.sign(to_be_signed).to_bytes();
        Signature::new(Algorithm::Ed25519, signature)
            .map_err(|cause| SignError::NoSignature { ca: self.public.fingerprint(), cause: Box::new(cause) })
    }
}
