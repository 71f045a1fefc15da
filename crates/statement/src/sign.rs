//! Signing: with a key at hand, or through an ssh-agent.

use base64ct::{Base64, Encoding as _};
use domain::{KeyError, PublicKey};
use signature::Signer as _;
use ssh_key::private::KeypairData;
use ssh_key::public::KeyData;
use ssh_key::{PrivateKey, Signature};

use crate::codec::StatementError;
use crate::kind::{Kind, Statement};
use crate::rsa;
use crate::sshsig::{Parts, to_be_signed};
use crate::verify::{VerifyError, algorithm_for};

/// The ssh-agent flag for an RSA signature with SHA-512 (RFC 9987 section 3.6.1).
const AGENT_RSA_SHA2_512: u32 = 0x04;
/// Characters of a line of armor, as `ssh-keygen` writes it.
const ARMOR_LINE: usize = 70;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The server would refuse the text, so it is not signed.
    #[error("the text cannot be signed")]
    Text(#[source] StatementError),
    /// The key is not accepted.
    #[error("this key cannot sign")]
    Key(#[source] KeyError),
    /// The private key is encrypted.
    #[error("the private key is encrypted; load it into an ssh-agent, or decrypt it first")]
    Encrypted,
    /// The private key is in a FIDO token.
    #[error("the private key is in a FIDO token; load it into an ssh-agent with ssh-add")]
    Fido,
    /// The key could not sign.
    #[error("signing failed")]
    Failed(#[source] ssh_key::Error),
    /// What an agent answered is not by this key, or by an algorithm that is not accepted.
    #[error("the signature cannot be used")]
    Signature(#[source] VerifyError),
}

/// A text and its signature, as they are sent and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The text.
    pub text: String,
    /// The signature.
    pub signature: SshSig,
}

/// A signature in SSHSIG's binary form (PROTOCOL.sshsig), as it is sent and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSig(Vec<u8>);

impl SshSig {
    /// Puts together what an ssh-agent answered when it was asked to sign [`to_be_signed`] with this key and
    /// [`agent_flags`].
    ///
    /// # Errors
    /// [`SignError::Signature`] when the signature's algorithm does not belong to the key or is not accepted.
    pub fn assemble(kind: Kind, key: &PublicKey, signature: &Signature) -> Result<Self, SignError> {
        let algorithm = signature.algorithm();
        algorithm_for(key, algorithm.as_str()).map_err(SignError::Signature)?;
        // For FIDO keys the crate keeps flags and counter behind the signature, but does not write them so.
        let (value, fido) = match signature.as_bytes().split_last_chunk() {
            Some((value, trailer)) if key.is_fido() => (value, Some(trailer)),
            _ => (signature.as_bytes(), None),
        };
        let parts = Parts { key: key.clone(), algorithm: algorithm.as_str(), signature: value, fido };
        Ok(Self(parts.write(kind)))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A signature's bytes in the armor that `ssh-keygen -Y verify` reads.
pub fn armored(signature: &[u8]) -> String {
    let mut armor = String::from("-----BEGIN SSH SIGNATURE-----\n");
    for (place, letter) in Base64::encode_string(signature).chars().enumerate() {
        if place > 0 && place % ARMOR_LINE == 0 {
            armor.push('\n');
        }
        armor.push(letter);
    }
    armor.push_str("\n-----END SSH SIGNATURE-----\n");
    armor
}

/// The flags to ask an ssh-agent with: RSA keys would sign with SHA-1 otherwise.
pub const fn agent_flags(key: &PublicKey) -> u32 {
    match key.key_data() {
        KeyData::Rsa(_) => AGENT_RSA_SHA2_512,
        _ => 0,
    }
}

/// Signs a statement with a private key at hand.
///
/// # Errors
/// When the server would refuse text or key, or the key is encrypted or in a FIDO token.
pub fn sign_with<S: Statement>(statement: &S, key: &PrivateKey) -> Result<Signed, SignError> {
    let text = statement.encode();
    S::parse(&text).map_err(SignError::Text)?;
    let public = PublicKey::from_key_data(key.public_key().key_data().clone()).map_err(SignError::Key)?;
    let signature = sign_bytes(key, &to_be_signed(S::KIND, &text))?;
    Ok(Signed { signature: SshSig::assemble(S::KIND, &public, &signature)?, text })
}

/// Signs what is no statement, such as a login over SSH, with a private key at hand; with an RSA key by SHA-512.
///
/// # Errors
/// When the key is encrypted or in a FIDO token.
pub fn sign_bytes(key: &PrivateKey, message: &[u8]) -> Result<Signature, SignError> {
    if matches!(key.public_key().key_data(), KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_)) {
        return Err(SignError::Fido);
    }
    if key.is_encrypted() {
        return Err(SignError::Encrypted);
    }
    match key.key_data() {
        KeypairData::Rsa(pair) => rsa::sign(pair, message).map_err(SignError::Failed),
        _ => key.try_sign(message).map_err(|why| SignError::Failed(why.into())),
    }
}
