//! SSHSIG blobs (PROTOCOL.sshsig): the bytes that a key signs, and the bytes that carry key and signature.

use domain::{KeyError, PublicKey};
use sha2::{Digest as _, Sha512};

use crate::codec::shown;
use crate::kind::Kind;

const MAGIC: &[u8; 6] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &str = "sha512";
/// Most bytes of a signature: RSA of 8,192 bits takes 2.2 kB.
pub(crate) const LONGEST: usize = 4096;

/// The bytes that a key signs for a text of this kind; also what an ssh-agent is asked to sign.
pub fn to_be_signed(kind: Kind, text: &str) -> Vec<u8> {
    let hash = Sha512::digest(text.as_bytes());
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(MAGIC);
    put(&mut bytes, kind.namespace().as_bytes());
    put(&mut bytes, b"");
    put(&mut bytes, HASH.as_bytes());
    put(&mut bytes, &hash);
    bytes
}

/// What is wrong with the bytes of an SSHSIG signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshSigError {
    /// Over 4 KiB.
    #[error("the signature has {0} bytes; 4096 are allowed")]
    TooLong(usize),
    /// Not SSHSIG; perhaps in its armor.
    #[error("the signature is not in SSHSIG's binary form (PROTOCOL.sshsig)")]
    Magic,
    /// A version of SSHSIG that does not exist yet.
    #[error("the signature is SSHSIG version {0}; only version 1 is known")]
    Version(u32),
    /// It ends in the middle.
    #[error("the signature ends in the middle of its {0}")]
    Short(&'static str),
    /// Bytes follow it, or one of its parts.
    #[error("{bytes} bytes follow the {after}")]
    Trailing {
        /// The part that should be the last.
        after: &'static str,
        /// How many there are.
        bytes: usize,
    },
    /// The signing key is not accepted; the source says why.
    #[error("the signing key is refused")]
    Key(#[source] KeyError),
    /// The signature was made for something else.
    #[error("the signature is for `{found}`, not for `{expected}`")]
    Namespace {
        /// The namespace of the kind that was wanted.
        expected: &'static str,
        /// The one that it names, shortened and escaped.
        found: String,
    },
    /// The reserved field is not covered by the signature, so that anybody could change it.
    #[error("the signature's reserved field is not empty")]
    Reserved,
    /// Another hash.
    #[error("the text was hashed with `{0}`; sign with sha512")]
    Hash(String),
}

/// The parts of an SSHSIG blob, with all but the signature itself checked.
pub(crate) struct Parts<'a> {
    pub(crate) key: PublicKey,
    pub(crate) algorithm: &'a str,
    pub(crate) signature: &'a [u8],
    /// Flags and counter of a FIDO signature (PROTOCOL.u2f).
    pub(crate) fido: Option<&'a [u8; 5]>,
}

impl<'a> Parts<'a> {
    pub(crate) fn read(bytes: &'a [u8], kind: Kind) -> Result<Self, SshSigError> {
        if bytes.len() > LONGEST {
            return Err(SshSigError::TooLong(bytes.len()));
        }
        let mut blob = Wire(bytes.strip_prefix(MAGIC).ok_or(SshSigError::Magic)?);
        match blob.number("version")? {
            VERSION => {}
            other => return Err(SshSigError::Version(other)),
        }
        let key = PublicKey::from_wire(blob.string("public key")?).map_err(SshSigError::Key)?;
        let namespace = blob.string("namespace")?;
        if namespace != kind.namespace().as_bytes() {
            return Err(SshSigError::Namespace { expected: kind.namespace(), found: shown_bytes(namespace) });
        }
        if !blob.string("reserved field")?.is_empty() {
            return Err(SshSigError::Reserved);
        }
        let hash = blob.string("hash algorithm")?;
        if hash != HASH.as_bytes() {
            return Err(SshSigError::Hash(shown_bytes(hash)));
        }
        let mut inner = Wire(blob.string("signature")?);
        blob.finish("signature")?;
        // An algorithm that is not UTF-8 is none that any key has.
        let algorithm = str::from_utf8(inner.string("signature algorithm")?).unwrap_or_default();
        let signature = inner.string("signature value")?;
        let fido = if key.is_fido() { Some(inner.array("FIDO flags and counter")?) } else { None };
        inner.finish("signature value")?;
        Ok(Self { key, algorithm, signature, fido })
    }

    pub(crate) fn write(&self, kind: Kind) -> Vec<u8> {
        let mut inner = Vec::with_capacity(self.algorithm.len() + self.signature.len() + 13);
        put(&mut inner, self.algorithm.as_bytes());
        put(&mut inner, self.signature);
        inner.extend_from_slice(self.fido.map_or(&[], |trailer| trailer.as_slice()));
        let key = self.key.to_wire();
        let mut bytes = Vec::with_capacity(key.len() + inner.len() + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        put(&mut bytes, &key);
        put(&mut bytes, kind.namespace().as_bytes());
        put(&mut bytes, b"");
        put(&mut bytes, HASH.as_bytes());
        put(&mut bytes, &inner);
        bytes
    }
}

/// Appends an RFC 4251 string.
fn put(bytes: &mut Vec<u8>, string: &[u8]) {
    // No part of a blob comes near 4 GiB: texts are hashed, and keys and signatures were read from small ones.
    let length = u32::try_from(string.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(string);
}

/// Reads RFC 4251 values without copying them.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    fn array<const N: usize>(&mut self, part: &'static str) -> Result<&'a [u8; N], SshSigError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(SshSigError::Short(part))?;
        self.0 = rest;
        Ok(array)
    }

    fn number(&mut self, part: &'static str) -> Result<u32, SshSigError> {
        self.array(part).map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn string(&mut self, part: &'static str) -> Result<&'a [u8], SshSigError> {
        let length = usize::try_from(self.number(part)?).map_err(|_| SshSigError::Short(part))?;
        let (string, rest) = self.0.split_at_checked(length).ok_or(SshSigError::Short(part))?;
        self.0 = rest;
        Ok(string)
    }

    const fn finish(&self, after: &'static str) -> Result<(), SshSigError> {
        match self.0.len() {
            0 => Ok(()),
            bytes => Err(SshSigError::Trailing { after, bytes }),
        }
    }
}

fn shown_bytes(bytes: &[u8]) -> String {
    shown(&String::from_utf8_lossy(bytes))
}
