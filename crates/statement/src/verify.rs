//! Checking signed texts: the only way to a [`Verified`] statement.

use domain::{Digest, KeyStrength, PublicKey};
use sha2::{Digest as _, Sha256};
use signature::Verifier as _;
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, Signature};

use crate::codec::{StatementError, shown};
use crate::kind::Statement;
use crate::rsa;
use crate::sshsig::{Parts, SshSigError, to_be_signed};

/// Why a signed text was refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The text is no statement of this kind.
    #[error("the signed text is refused")]
    Text(#[source] StatementError),
    /// The signature's bytes are refused.
    #[error("the signature is refused")]
    SshSig(#[source] SshSigError),
    /// A signature algorithm that does not belong to the key, or is too weak, as RSA with SHA-1 is.
    #[error("a signature by `{algorithm}` is not accepted from a key of kind {key}{hint}")]
    Algorithm {
        /// The kind of the key.
        key: &'static str,
        /// The algorithm that the signature names, shortened and escaped.
        algorithm: String,
        /// What to use instead.
        hint: &'static str,
    },
    /// An RSA key that is too large to check.
    #[error("RSA keys of more than 8192 bits cannot sign statements; use another key: ssh-keygen -t ed25519")]
    LargeRsa,
    /// The key's signatures fit more than one text: an Ed25519 key of small order, or an RSA key with an exponent that
    /// is even, 1 or huge.
    #[error("the signing key is weak in a way that no honest key is; make another: ssh-keygen -t ed25519")]
    WeakKey,
    /// A FIDO token signed without anybody touching it.
    #[error("the FIDO token signed without a touch; make a key that asks for one (without -O no-touch-required)")]
    NoPresence,
    /// The signature does not fit key and text.
    #[error("the signature was not made by this key over this text")]
    Mismatch,
}

/// What a FIDO token says of the moment of signing (PROTOCOL.u2f).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// Somebody touched it. Always so in a [`Verified`] statement.
    pub presence: bool,
    /// Somebody proved to it who they are, by PIN or finger.
    pub verification: bool,
}

impl Flags {
    const fn from_byte(flags: u8) -> Self {
        // sk-api.h: SSH_SK_USER_PRESENCE_REQD, SSH_SK_USER_VERIFICATION_REQD.
        Self { presence: flags & 0x01 != 0, verification: flags & 0x04 != 0 }
    }
}

/// A statement whose signature fits, with its text and signature as they arrived. Only [`verify`] makes one. It says
/// nothing of when it was made, of whom the key belongs to and of what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Verified<S> {
    statement: S,
    key: PublicKey,
    flags: Option<Flags>,
    digest: Digest,
    text: Box<str>,
    signature: Box<[u8]>,
}

impl<S> Verified<S> {
    /// The statement.
    pub const fn statement(&self) -> &S {
        &self.statement
    }

    /// The key that signed.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What the token says, when the key is a FIDO key.
    pub const fn flags(&self) -> Option<Flags> {
        self.flags
    }

    /// What the signature shows of its key: a FIDO key by its kind, and that it verified its user by the flags it signed.
    pub fn strength(&self) -> Option<KeyStrength> {
        let verified = self.flags.is_some_and(|flags| flags.verification);
        self.key.strength().map(|least| if verified { KeyStrength::SkVerified } else { least })
    }

    /// SHA-256 of the text.
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The text.
    pub const fn text(&self) -> &str {
        &self.text
    }

    /// The signature in SSHSIG's binary form.
    pub const fn signature_bytes(&self) -> &[u8] {
        &self.signature
    }
}

/// Checks a text and its SSHSIG signature. The result does not depend on when this is called, so that stored
/// statements can be checked again; what depends on it is [`Header::fresh`](crate::Header::fresh).
///
/// # Errors
/// When the text is not canonical or of another kind, or the signature is malformed, made for another kind, by a key
/// or algorithm that is not accepted, by a FIDO token that nobody touched, or does not fit.
pub fn verify<S: Statement>(text: &[u8], signature: &[u8]) -> Result<Verified<S>, VerifyError> {
    // What is cheap to refuse comes first; the curve comes last.
    if text.len() > S::LONGEST {
        return Err(VerifyError::Text(StatementError::TooLong { bytes: text.len(), most: S::LONGEST }));
    }
    let text = str::from_utf8(text).map_err(|_| VerifyError::Text(StatementError::NotUtf8))?;
    let parts = Parts::read(signature, S::KIND).map_err(VerifyError::SshSig)?;
    let statement = S::parse(text).map_err(VerifyError::Text)?;
    let flags = parts.fido.map(|[flags, ..]| Flags::from_byte(*flags));
    if flags.is_some_and(|flags| !flags.presence) {
        return Err(VerifyError::NoPresence);
    }
    check(&parts, &to_be_signed(S::KIND, text))?;
    let digest = Digest::of(text.as_bytes());
    Ok(Verified { statement, key: parts.key, flags, digest, text: text.into(), signature: signature.into() })
}

fn check(parts: &Parts<'_>, message: &[u8]) -> Result<(), VerifyError> {
    let algorithm = algorithm_for(&parts.key, parts.algorithm)?;
    match (parts.key.key_data(), &algorithm) {
        (KeyData::Ed25519(key), _) => check_ed25519(key, message, parts.signature),
        (KeyData::Rsa(key), Algorithm::Rsa { hash: Some(hash) }) => rsa::check(key, *hash, message, parts.signature),
        (KeyData::SkEd25519(key), _) => {
            let signed = fido_message(key.application(), parts.fido, message);
            check_ed25519(key.public_key(), &signed, parts.signature)
        }
        (other, _) => {
            let trailer = parts.fido.map_or(&[][..], |trailer| trailer);
            let signature = Signature::new(algorithm, [parts.signature, trailer].concat());
            let signature = signature.map_err(|_| VerifyError::Mismatch)?;
            other.verify(message, &signature).map_err(|_| VerifyError::Mismatch)
        }
    }
}

/// The algorithm that a signature names, if the key can have made it. RSA keys sign with SHA-2 only (RFC 8332).
pub(crate) fn algorithm_for(key: &PublicKey, named: &str) -> Result<Algorithm, VerifyError> {
    let refused = |hint| VerifyError::Algorithm { key: key.kind(), algorithm: shown(named), hint };
    match (key.key_data(), Algorithm::new(named)) {
        (KeyData::Rsa(_), Ok(algorithm @ Algorithm::Rsa { hash: Some(_) })) => Ok(algorithm),
        (KeyData::Rsa(_), _) => Err(refused("; use rsa-sha2-512")),
        (data, Ok(algorithm)) if algorithm == data.algorithm() => Ok(algorithm),
        _ => Err(refused("")),
    }
}

/// Checks as OpenSSH does (RFC 8032 without cofactor), and refuses keys of small order besides. That is what binds a
/// signature to one text: under such a key one signature fits many. dalek's `verify_strict` refuses small-order `R`
/// too, which binds nothing further and costs a decompression, a sixth of the whole check.
fn check_ed25519(key: &Ed25519PublicKey, message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.as_ref()).map_err(|_| VerifyError::Mismatch)?;
    if key.is_weak() {
        return Err(VerifyError::WeakKey);
    }
    let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| VerifyError::Mismatch)?;
    key.verify(message, &signature).map_err(|_| VerifyError::Mismatch)
}

/// What a FIDO token really signs (PROTOCOL.u2f): hashes of application and message around flags and counter.
fn fido_message(application: &str, trailer: Option<&[u8; 5]>, message: &[u8]) -> Vec<u8> {
    let mut signed = Vec::with_capacity(69);
    signed.extend_from_slice(&Sha256::digest(application.as_bytes()));
    signed.extend_from_slice(trailer.map_or(&[], |trailer| trailer));
    signed.extend_from_slice(&Sha256::digest(message));
    signed
}
