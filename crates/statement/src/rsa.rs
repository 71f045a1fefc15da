//! RSA by the `rsa` crate itself: ssh-key 0.6.7 reads the first prime of a private key twice, so that it can sign with
//! none, and checks no signature by a key above 4,096 bits.

use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Verifier as _};
use rsa::{BigUint, RsaPrivateKey};
use sha2::{Sha256, Sha512};
use ssh_key::private::RsaKeypair;
use ssh_key::public::RsaPublicKey;
use ssh_key::{Algorithm, Error, HashAlg};

use crate::verify::VerifyError;

/// Most bits of a key whose signatures are checked, so that a check takes no more than a millisecond or so.
const MOST_BITS: usize = 8192;

/// Checks a signature, RSASSA-PKCS1-v1_5 as in RFC 8332.
pub(crate) fn check(key: &RsaPublicKey, hash: HashAlg, message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
    let number = |number| BigUint::try_from(number).map_err(|_| VerifyError::WeakKey);
    let (modulus, exponent) = (number(&key.n)?, number(&key.e)?);
    if modulus.bits() > MOST_BITS {
        return Err(VerifyError::LargeRsa);
    }
    let key = rsa::RsaPublicKey::new_with_max_size(modulus, exponent, MOST_BITS).map_err(|_| VerifyError::WeakKey)?;
    let signature = Signature::try_from(signature).map_err(|_| VerifyError::Mismatch)?;
    let checked = match hash {
        HashAlg::Sha512 => VerifyingKey::<Sha512>::new(key).verify(message, &signature),
        HashAlg::Sha256 => VerifyingKey::<Sha256>::new(key).verify(message, &signature),
        _ => return Err(VerifyError::Mismatch),
    };
    checked.map_err(|_| VerifyError::Mismatch)
}

/// Signs with SHA-512.
pub(crate) fn sign(key: &RsaKeypair, message: &[u8]) -> Result<ssh_key::Signature, Error> {
    let (public, private) = (&key.public, &key.private);
    let primes = vec![BigUint::try_from(&private.p)?, BigUint::try_from(&private.q)?];
    let (modulus, exponent) = (BigUint::try_from(&public.n)?, BigUint::try_from(&public.e)?);
    let key = RsaPrivateKey::from_components(modulus, exponent, BigUint::try_from(&private.d)?, primes)?;
    // The randomness only blinds the arithmetic against timing; the signature does not depend on it.
    let signature = SigningKey::<Sha512>::new(key).try_sign_with_rng(&mut ssh_key::rand_core::OsRng, message)?;
    ssh_key::Signature::new(Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, signature.to_vec())
}
