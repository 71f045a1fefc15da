//! Public keys that Hallpass accepts, for signing statements and for connecting.

use std::fmt;
use std::str::FromStr;

use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg};

use crate::KeyStrength;

/// Fewest bits of an RSA key.
const RSA_BITS: usize = 3072;
/// Most bytes of a public key in OpenSSH's text form; an RSA key of 16,384 bits has 2.8 kB.
const LONGEST: usize = 8192;

/// Why a public key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a public key in OpenSSH's one-line form.
    #[error("this is not an OpenSSH public key; give the one line of a .pub file")]
    Malformed,
    /// A private key was given.
    #[error("this is a private key: never hand it out; give the line of the .pub file beside it")]
    Private,
    /// A certificate was given.
    #[error("this is a certificate (`{0}`); give the plain public key that it certifies")]
    Certificate(String),
    /// RSA below 3,072 bits.
    #[error("this RSA key has {0} bits; 3072 is the least. Make another: ssh-keygen -t ed25519")]
    WeakRsa(usize),
    /// An algorithm that Hallpass does not take, such as DSA.
    #[error(
        "keys of type `{0}` are not accepted; use ed25519, ecdsa, rsa (3072 bits and more), or a FIDO key \
         (ed25519-sk, ecdsa-sk)"
    )]
    Unsupported(String),
    /// Not the SHA-256 fingerprint of a key.
    #[error("this is not the SHA-256 fingerprint of a key; give SHA256:..., as `ssh-keygen -l -f FILE.pub` shows it")]
    Fingerprint,
}

/// A public key of an accepted kind: ed25519, ecdsa, rsa of 3,072 bits and more, or a FIDO kind. Compares without its
/// comment; in text OpenSSH's one line without comment or newline.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(KeyData);

impl PublicKey {
    /// Checks the kind and strength of a key.
    ///
    /// # Errors
    /// [`KeyError::WeakRsa`] and [`KeyError::Unsupported`].
    pub fn from_key_data(key: KeyData) -> Result<Self, KeyError> {
        match &key {
            KeyData::Ed25519(_) | KeyData::Ecdsa(_) | KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => {}
            KeyData::Rsa(rsa) => {
                let modulus = rsa.n.as_positive_bytes().unwrap_or_default();
                let bits = modulus.first().map_or(0, |top| modulus.len() * 8 - top.leading_zeros() as usize);
                if bits < RSA_BITS {
                    return Err(KeyError::WeakRsa(bits));
                }
            }
            other => return Err(KeyError::Unsupported(other.algorithm().as_str().to_owned())),
        }
        Ok(Self(key))
    }

    /// The ed25519 key of these bytes.
    pub const fn ed25519(bytes: [u8; 32]) -> Self {
        Self(KeyData::Ed25519(Ed25519PublicKey(bytes)))
    }

    /// Reads the wire form (RFC 4253 section 6.6): what agents list and signatures carry. One key has one wire form.
    ///
    /// # Errors
    /// As for text, and [`KeyError::Malformed`] for another spelling of a key or bytes after it.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() > LONGEST {
            return Err(KeyError::Malformed);
        }
        let length = bytes.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize);
        let kind = bytes.get(4..).and_then(|rest| rest.get(..length)).ok_or(KeyError::Malformed)?;
        let kind = str::from_utf8(kind).map_err(|_| KeyError::Malformed)?;
        check_kind(kind)?;
        let key = ssh_key::PublicKey::from_bytes(bytes).map_err(|_| KeyError::Malformed)?;
        let key = Self::from_key_data(key.into())?;
        if key.to_wire() == bytes { Ok(key) } else { Err(KeyError::Malformed) }
    }

    /// The wire form.
    pub fn to_wire(&self) -> Vec<u8> {
        // Encoding fails only above 4 GiB.
        ssh_key::PublicKey::new(self.0.clone(), "").to_bytes().unwrap_or_default()
    }

    /// The key as the `ssh-key` crate knows it.
    pub const fn key_data(&self) -> &KeyData {
        &self.0
    }

    /// SHA-256 of the key's wire form.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.0.fingerprint(HashAlg::Sha256))
    }

    /// Whether the private half is in a FIDO token.
    pub const fn is_fido(&self) -> bool {
        matches!(self.0, KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_))
    }

    /// What any signature by the key shows of it; that it verified its user only each signature can tell.
    pub fn strength(&self) -> Option<KeyStrength> {
        self.is_fido().then_some(KeyStrength::Sk)
    }

    /// The kind as people say it: `ed25519`, `ecdsa`, `rsa`, `ed25519-sk`, `ecdsa-sk`.
    pub fn kind(&self) -> &'static str {
        match self.0.algorithm() {
            Algorithm::Ed25519 => "ed25519",
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384 | EcdsaCurve::NistP521 } => "ecdsa",
            Algorithm::Rsa { .. } => "rsa",
            Algorithm::SkEd25519 => "ed25519-sk",
            Algorithm::SkEcdsaSha2NistP256 => "ecdsa-sk",
            _ => "unknown",
        }
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    /// Reads the one line of a `.pub` file; a comment and a final newline are dropped.
    fn from_str(given: &str) -> Result<Self, KeyError> {
        if given.len() > LONGEST {
            return Err(if given.contains("PRIVATE KEY") { KeyError::Private } else { KeyError::Malformed });
        }
        let line = given.trim_matches([' ', '\t', '\r', '\n']);
        if line.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        let kind = line.split([' ', '\t']).next().unwrap_or_default();
        if line.contains(['\n', '\r']) {
            return Err(KeyError::Malformed);
        }
        if looks_like_a_key_line(line) {
            check_kind(kind)?;
        }
        let key = ssh_key::PublicKey::from_openssh(line).map_err(|_| KeyError::Malformed)?;
        Self::from_key_data(key.into())
    }
}

/// Names what is wrong with a kind of key that is not taken.
fn check_kind(kind: &str) -> Result<(), KeyError> {
    let shown = || kind.chars().take(64).flat_map(char::escape_default).collect();
    if kind.ends_with("-cert-v01@openssh.com") {
        Err(KeyError::Certificate(shown()))
    } else if KNOWN.contains(&kind) {
        Ok(())
    } else {
        Err(KeyError::Unsupported(shown()))
    }
}

const KNOWN: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

fn looks_like_a_key_line(line: &str) -> bool {
    line.split([' ', '\t']).nth(1).is_some_and(|blob| blob.starts_with("AAAA"))
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = ssh_key::PublicKey::new(self.0.clone(), "").to_openssh().map_err(|_| fmt::Error)?;
        f.write_str(line.trim_end())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// A key's SHA-256 fingerprint, shown as OpenSSH shows it: `SHA256:...`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(ssh_key::Fingerprint);

impl FromStr for Fingerprint {
    type Err = KeyError;

    fn from_str(given: &str) -> Result<Self, KeyError> {
        let parsed: ssh_key::Fingerprint = given.parse().map_err(|_| KeyError::Fingerprint)?;
        if parsed.is_sha256() { Ok(Self(parsed)) } else { Err(KeyError::Fingerprint) }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn a_key_reads_with_and_without_its_comment() {
        let plain: PublicKey = ED25519.parse().unwrap();
        let commented: PublicKey = format!("{ED25519} alice@laptop\n").parse().unwrap();
        assert_eq!(plain, commented);
        assert_eq!(commented.to_string(), ED25519);
        assert_eq!(plain.kind(), "ed25519");
        let bytes = plain.key_data().ed25519().unwrap().0;
        assert_eq!(PublicKey::ed25519(bytes), plain);
        assert!(plain.fingerprint().to_string().starts_with("SHA256:"));
        assert_eq!(plain.fingerprint().to_string().parse::<Fingerprint>().unwrap(), plain.fingerprint());
        for none in ["SHA256:short", "MD5:00:11", ED25519, ""] {
            assert_eq!(none.parse::<Fingerprint>(), Err(KeyError::Fingerprint), "{none}");
        }
    }

    #[test]
    fn the_wire_form_reads_back_and_has_one_spelling() {
        let key: PublicKey = ED25519.parse().unwrap();
        let wire = key.to_wire();
        assert_eq!(PublicKey::from_wire(&wire), Ok(key));
        assert_eq!(PublicKey::from_wire(&[wire.as_slice(), &[0]].concat()), Err(KeyError::Malformed));
        for cut in 0..wire.len() {
            assert_eq!(PublicKey::from_wire(&wire[..cut]), Err(KeyError::Malformed), "cut at {cut}");
        }
        let certificate = b"\0\0\0\x20ssh-ed25519-cert-v01@openssh.com\0\0";
        assert!(matches!(PublicKey::from_wire(certificate), Err(KeyError::Certificate(_))));
        assert_eq!(PublicKey::from_wire(b"\0\0\0\x07ssh-dss"), Err(KeyError::Unsupported("ssh-dss".into())));
    }

    #[test]
    fn what_is_no_acceptable_key_is_refused_by_name() {
        let refused = |s: &str| s.parse::<PublicKey>().unwrap_err();
        assert_eq!(refused(""), KeyError::Malformed);
        assert_eq!(refused("ssh-ed25519 AAAA"), KeyError::Malformed);
        assert_eq!(refused(&format!("{ED25519}\n{ED25519}")), KeyError::Malformed);
        assert_eq!(refused("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl"), KeyError::Private);
        assert!(matches!(refused("ssh-ed25519-cert-v01@openssh.com AAAAIHNz"), KeyError::Certificate(_)));
        assert_eq!(refused("ssh-unheard-of AAAAB3Nz"), KeyError::Unsupported("ssh-unheard-of".into()));
        assert_eq!(refused(&"x".repeat(10_000)), KeyError::Malformed);
    }
}
