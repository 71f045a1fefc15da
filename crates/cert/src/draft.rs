//! What a certificate is to say, and the bytes of it that the CA signs.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use domain::{
    Command, Extension, Login, NameError, Networks, Pair, PairError, PublicKey, RequestId, Serial, UnixTime, UserName,
};

use crate::decode::{self, Mismatch, recheck};
use crate::encode;

/// Why no bytes were made for signing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertError {
    /// sshd would never accept it.
    #[error("a certificate that is valid from {after} until {before} is never valid; its end must be after its start")]
    NeverValid {
        /// Valid from.
        after: UnixTime,
        /// Valid until.
        before: UnixTime,
    },
    /// A certificate ends with the window of its grant, or before.
    #[error("a certificate that is valid until {before} outlives its deadline, {deadline}")]
    OutlivesDeadline {
        /// Valid until.
        before: UnixTime,
        /// When sessions under the grant must end.
        deadline: UnixTime,
    },
    /// sshd asks for verification where the key is a FIDO key, and nowhere else.
    #[error("a key of kind {0} cannot verify its user at each login; certify a FIDO key")]
    CannotVerify(&'static str),
    /// A FIDO token would ask for a touch at every certificate.
    #[error("a FIDO key ({0}) cannot be a CA key; use ed25519, ecdsa or rsa")]
    FidoCa(&'static str),
    /// More than a length in SSH's encoding can say (RFC 4251, section 5).
    #[error("the {0} is too long for a certificate")]
    TooLong(decode::Field),
    /// Our encoder and our decoder disagree: nothing may be signed.
    #[error("the certificate was encoded wrongly and is not signed; please report this")]
    Recheck(#[from] Mismatch),
}

/// Everything a certificate says, but for its serial and its CA. Never more than one principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The key that the certificate certifies.
    pub connecting_key: PublicKey,
    /// What it opens.
    pub principal: Principal,
    /// What sshd logs.
    pub key_id: KeyId,
    /// Valid from this second on.
    pub valid_after: UnixTime,
    /// No longer valid from this second on.
    pub valid_before: UnixTime,
    /// The one command that it runs.
    pub force_command: Option<Command>,
    /// The networks that it may be used from; from anywhere if absent.
    pub source: Option<Networks>,
    /// Whether the FIDO key that it certifies must verify its user at each login. sshd looks at it with FIDO keys only.
    pub verify_required: bool,
    /// What sessions may do besides; everything else is absent.
    pub extensions: BTreeSet<Extension>,
    /// Random bytes, so that nobody can foresee what the CA hashes.
    pub nonce: [u8; 32],
}

impl Draft {
    /// The bytes that the CA with this key signs, re-decoded and compared with the draft field by field.
    ///
    /// # Errors
    /// When the draft contradicts itself, or the bytes do not read back as the draft.
    pub fn with_serial(self, serial: Serial, ca_key: &PublicKey) -> Result<ToBeSigned, CertError> {
        self.check()?;
        if ca_key.is_fido() {
            return Err(CertError::FidoCa(ca_key.kind()));
        }
        let bytes = encode::to_be_signed(&self, serial, ca_key)?;
        recheck(&bytes, &self, serial, ca_key)?;
        Ok(ToBeSigned { bytes, draft: self, serial, ca_key: ca_key.clone() })
    }

    /// The critical options and their values; a flag's is empty.
    pub(crate) fn critical_options(&self) -> Vec<(&'static str, String)> {
        let command = self.force_command.iter().map(|command| ("force-command", command.as_str().to_owned()));
        let source = self.source.iter().map(|networks| ("source-address", networks.openssh_value()));
        let verify = self.verify_required.then(|| ("verify-required", String::new()));
        command.chain(source).chain(verify).collect()
    }

    fn check(&self) -> Result<(), CertError> {
        let (after, before, deadline) = (self.valid_after, self.valid_before, self.key_id.deadline);
        if before <= after {
            return Err(CertError::NeverValid { after, before });
        }
        if before > deadline {
            return Err(CertError::OutlivesDeadline { before, deadline });
        }
        if self.verify_required && !self.connecting_key.is_fido() {
            return Err(CertError::CannotVerify(self.connecting_key.kind()));
        }
        Ok(())
    }
}

/// The bytes that a CA signs, proven to say what their draft says: they are only made by [`Draft::with_serial`], or read
/// back from the ledger by [`ToBeSigned::from_bytes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToBeSigned {
    bytes: Vec<u8>,
    draft: Draft,
    serial: Serial,
    ca_key: PublicKey,
}

impl ToBeSigned {
    /// Reads bytes that were made before, so that a repeated fetch gets the certificate of the same entry.
    ///
    /// # Errors
    /// When they are not bytes that [`Draft::with_serial`] makes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, CertError> {
        let decode::Decoded { draft, serial, ca_key } = decode::decode(&bytes)?;
        draft.check()?;
        Ok(Self { bytes, draft, serial, ca_key })
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What they say.
    pub const fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The serial, which is the index of the ledger entry.
    pub const fn serial(&self) -> Serial {
        self.serial
    }

    /// The CA that is to sign.
    pub const fn ca_key(&self) -> &PublicKey {
        &self.ca_key
    }
}

/// Why a principal was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    /// Not `login@host`.
    #[error(transparent)]
    Scoped(#[from] PairError),
    /// Not a login.
    #[error(transparent)]
    Plain(#[from] NameError),
}

/// What a certificate opens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// `login@host`: one login on one host.
    Scoped(Pair),
    /// `login`: that login on every plain host of the realm whose CA signs.
    Plain(Login),
}

impl FromStr for Principal {
    type Err = PrincipalError;

    fn from_str(given: &str) -> Result<Self, PrincipalError> {
        if given.contains('@') { Ok(Self::Scoped(given.parse()?)) } else { Ok(Self::Plain(given.parse()?)) }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scoped(pair) => pair.fmt(f),
            Self::Plain(login) => login.fmt(f),
        }
    }
}

/// The text is not `hallpass:REQUEST:USER:DEADLINE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a key id such as hallpass:7K3F9-QXMWT:alice:1772373720")]
pub struct KeyIdError;

/// A certificate's key id, `hallpass:<request>:<user>:<deadline in unix seconds>`: a hint for who reads sshd's log, which
/// nobody trusts without the CA key, the serial and the host beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyId {
    /// The request.
    pub request: RequestId,
    /// Who asked.
    pub user: UserName,
    /// When sessions under the grant must end: the end of its window.
    pub deadline: UnixTime,
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    /// Takes the one canonical spelling.
    fn from_str(given: &str) -> Result<Self, KeyIdError> {
        let mut parts = given.split(':');
        let mut next = || parts.next().ok_or(KeyIdError);
        if next()? != "hallpass" {
            return Err(KeyIdError);
        }
        let request = next()?.parse().map_err(|_| KeyIdError)?;
        let user = next()?.parse().map_err(|_| KeyIdError)?;
        let seconds = next()?.parse().map_err(|_| KeyIdError)?;
        let deadline = UnixTime::new(seconds).map_err(|_| KeyIdError)?;
        let parsed = Self { request, user, deadline };
        if parsed.to_string() == given { Ok(parsed) } else { Err(KeyIdError) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hallpass:{}:{}:{}", self.request, self.user, self.deadline.seconds())
    }
}
