//! A signed certificate, as it travels and as clients read it.

use domain::{KeyError, PublicKey, Serial, UnixTime};
use ssh_key::Signature;
use ssh_key::certificate::CertType;

use crate::decode::{Field, Mismatch};
use crate::draft::{Principal, ToBeSigned};

/// Most bytes of a certificate's text: two RSA keys of 16,384 bits, a signature and 1 KiB of command fit.
const LONGEST: usize = 16 * 1024;

/// Why a certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a certificate in OpenSSH's one-line form.
    #[error("this is not an OpenSSH certificate; give the one line of a -cert.pub file")]
    Malformed,
    /// It certifies a host.
    #[error("this is a host certificate; give a user certificate")]
    Host,
    /// 0, or beyond what a ledger index can be.
    #[error("the certificate's serial {0} is not one that Hallpass gives")]
    Serial(u64),
    /// Beyond the year 9999.
    #[error("the certificate's {0} is after the year 9999, so Hallpass did not make it")]
    Time(Field),
    /// The connecting key or the CA's key is of a kind that Hallpass does not take.
    #[error("the certificate's {0} is not acceptable")]
    Key(Field, #[source] KeyError),
    /// It says something else than was drafted.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// An OpenSSH user certificate. Reading one proves its form only, not that any CA signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    inner: ssh_key::Certificate,
    text: String,
    public_key: PublicKey,
    ca_key: PublicKey,
    serial: Serial,
    valid_after: UnixTime,
    valid_before: UnixTime,
}

impl Certificate {
    /// Reads the one line of a `-cert.pub` file; the comment is dropped. Options and extensions that Hallpass does not
    /// know are taken as they are, so that an old client can carry what a newer server made.
    ///
    /// # Errors
    /// When it is no user certificate, or one that Hallpass cannot have made.
    pub fn from_openssh(line: &str) -> Result<Self, CertificateError> {
        if line.len() > LONGEST {
            return Err(CertificateError::Malformed);
        }
        let mut words = line.split_ascii_whitespace();
        let (Some(kind), Some(base64)) = (words.next(), words.next()) else {
            return Err(CertificateError::Malformed);
        };
        let without_comment = format!("{kind} {base64}");
        let inner = ssh_key::Certificate::from_openssh(&without_comment).map_err(|_| CertificateError::Malformed)?;
        Self::from_parsed(inner)
    }

    /// Joins what was signed and its signature, and reads the whole back with another parser than made it.
    pub(crate) fn assemble(to_be_signed: &ToBeSigned, signature: Signature) -> Result<Self, CertificateError> {
        let signature: Vec<u8> = signature.try_into().map_err(|_| CertificateError::Malformed)?;
        let length = u32::try_from(signature.len()).map_err(|_| CertificateError::Malformed)?;
        let bytes = [to_be_signed.bytes(), &length.to_be_bytes(), &signature].concat();
        let inner = ssh_key::Certificate::from_bytes(&bytes).map_err(|_| CertificateError::Malformed)?;
        // The text is made from what was read: it must be what was signed.
        if inner.to_bytes().ok() != Some(bytes) {
            return Err(CertificateError::Malformed);
        }
        let certificate = Self::from_parsed(inner)?;
        certificate.compare(to_be_signed)?;
        Ok(certificate)
    }

    fn from_parsed(inner: ssh_key::Certificate) -> Result<Self, CertificateError> {
        if inner.cert_type() != CertType::User {
            return Err(CertificateError::Host);
        }
        let time = |seconds, field| UnixTime::new(seconds).map_err(|_| CertificateError::Time(field));
        let key = |key: &ssh_key::public::KeyData, field| {
            PublicKey::from_key_data(key.clone()).map_err(|source| CertificateError::Key(field, source))
        };
        Ok(Self {
            text: inner.to_openssh().map_err(|_| CertificateError::Malformed)?,
            public_key: key(inner.public_key(), Field::ConnectingKey)?,
            ca_key: key(inner.signature_key(), Field::CaKey)?,
            serial: Serial::new(inner.serial()).ok_or(CertificateError::Serial(inner.serial()))?,
            valid_after: time(inner.valid_after(), Field::ValidAfter)?,
            valid_before: time(inner.valid_before(), Field::ValidBefore)?,
            inner,
        })
    }

    fn compare(&self, to_be_signed: &ToBeSigned) -> Result<(), Mismatch> {
        let draft = to_be_signed.draft();
        let drafted = draft.critical_options();
        let critical = drafted.iter().map(|(name, value)| (*name, value.as_str()));
        let extensions = draft.extensions.iter().map(|extension| (extension.openssh_name(), ""));
        let as_drafted = [
            (Field::Nonce, self.inner.nonce() == draft.nonce),
            (Field::ConnectingKey, self.public_key == draft.connecting_key),
            (Field::Serial, self.serial == to_be_signed.serial()),
            (Field::KeyId, self.key_id() == draft.key_id.to_string()),
            (Field::Principals, self.principals() == [draft.principal.to_string()]),
            (Field::ValidAfter, self.valid_after == draft.valid_after),
            (Field::ValidBefore, self.valid_before == draft.valid_before),
            (Field::CriticalOptions, same_options(self.critical_options(), critical)),
            (Field::Extensions, same_options(self.extensions(), extensions)),
            (Field::CaKey, self.ca_key == *to_be_signed.ca_key()),
        ];
        match as_drafted.into_iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(Mismatch::Differs(field)),
            None => Ok(()),
        }
    }

    /// OpenSSH's one line, without comment or newline: put a newline behind it in a file.
    pub fn to_openssh(&self) -> &str {
        &self.text
    }

    /// Whether it opens what the principal names at this time, as sshd reckons: the first second counts, the last does
    /// not (`sshkey_cert_check_authority`). A plain principal says nothing of the realm: that is told by the CA key.
    #[must_use]
    pub fn covers(&self, principal: &Principal, now: UnixTime) -> bool {
        self.valid_after <= now && now < self.valid_before && self.principals() == [principal.to_string()]
    }

    /// The serial, which is the index of the ledger entry.
    pub const fn serial(&self) -> Serial {
        self.serial
    }

    /// The key id: a hint that nobody should trust by itself.
    pub fn key_id(&self) -> &str {
        self.inner.key_id()
    }

    /// The principals.
    pub fn principals(&self) -> &[String] {
        self.inner.valid_principals()
    }

    /// Valid from this second on.
    pub const fn valid_after(&self) -> UnixTime {
        self.valid_after
    }

    /// No longer valid from this second on.
    pub const fn valid_before(&self) -> UnixTime {
        self.valid_before
    }

    /// The critical options and their values.
    pub fn critical_options(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.inner.critical_options().iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The extensions and their values, which are empty for those of OpenSSH.
    pub fn extensions(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.inner.extensions().iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The key that it certifies.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The CA that it names.
    pub const fn ca_key(&self) -> &PublicKey {
        &self.ca_key
    }

    /// The certificate as the `ssh-key` crate knows it.
    pub const fn as_ssh_key(&self) -> &ssh_key::Certificate {
        &self.inner
    }
}

/// Whether both name the same options with the same values, in whatever order.
fn same_options<'a>(
    read: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
    drafted: impl Iterator<Item = (&'a str, &'a str)>,
) -> bool {
    let mut drafted: Vec<_> = drafted.collect();
    drafted.sort_unstable();
    read.eq(drafted)
}
