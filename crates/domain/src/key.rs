//! Public keys that Hallpass accepts, for signing statements and for connecting.

use std::fmt;
use std::str::FromStr;

use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg};

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
        let shown = || kind.chars().take(64).flat_map(char::escape_default).collect::<String>();
        if kind.ends_with("-cert-v01@openssh.com") {
            return Err(KeyError::Certificate(shown()));
        }
        if line.contains(['\n', '\r']) {
            return Err(KeyError::Malformed);
        }
        match ssh_key::PublicKey::from_openssh(line) {
            Ok(key) => Self::from_key_data(key.key_data().clone()),
            Err(_) if looks_like_a_key_line(line) && !KNOWN.contains(&kind) => Err(KeyError::Unsupported(shown())),
            Err(_) => Err(KeyError::Malformed),
        }
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
        let parsed: ssh_key::Fingerprint = given.parse().map_err(|_| KeyError::Malformed)?;
        if parsed.is_sha256() { Ok(Self(parsed)) } else { Err(KeyError::Malformed) }
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
        assert!(plain.fingerprint().to_string().starts_with("SHA256:"));
        assert_eq!(plain.fingerprint().to_string().parse::<Fingerprint>().unwrap(), plain.fingerprint());
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
