//! Checkpoints: a size and a root, signed by the ledger key (C2SP `tlog-checkpoint` and `signed-note`).

use std::fmt;

use base64ct::{Base64, Encoding as _};
use domain::{Digest, Origin};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// Bytes that are no Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these 32 bytes are not an Ed25519 public key; check where the ledger key was copied from")]
pub struct LedgerKeyError;

/// The public half of the ledger key: the server's identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LedgerKey(VerifyingKey);

impl LedgerKey {
    /// A key from its 32 bytes.
    ///
    /// # Errors
    /// When they are no point of the curve, or one of small order, whose signatures would prove nothing.
    pub fn new(bytes: [u8; 32]) -> Result<Self, LedgerKeyError> {
        VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak()).map(Self).ok_or(LedgerKeyError)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// SHA-256 of the 32 bytes: what clients and hosts pin.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.as_bytes())
    }

    pub(crate) const fn verifying_key(&self) -> &VerifyingKey {
        &self.0
    }

    /// The key's id in signed notes: the first four bytes of SHA-256 over name, newline, type 1 (Ed25519) and key.
    fn note_id(&self, name: &str) -> [u8; 4] {
        let hash = Sha256::new().chain_update(name).chain_update([b'\n', 1]).chain_update(self.as_bytes()).finalize();
        std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
    }
}

impl fmt::Debug for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LedgerKey({})", self.fingerprint())
    }
}

/// The state of a ledger: how many entries, and the root of their tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The server's name.
    pub origin: Origin,
    /// How many entries.
    pub size: u64,
    /// The root of their tree.
    pub root: Digest,
}

impl Checkpoint {
    /// The text that is signed: origin, size, root in base64, a line each.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, Base64::encode_string(self.root.as_bytes()))
    }
}

/// Why a checkpoint was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a checkpoint's text.
    #[error("this is not a signed checkpoint; it has three lines, an empty one and signatures")]
    Malformed,
    /// No signature by this ledger key.
    #[error("the checkpoint is not signed by the ledger key of this server")]
    OtherKey,
    /// The signature does not hold.
    #[error("the signature of the checkpoint does not fit it: it was changed or forged")]
    Signature,
}

/// A checkpoint with the ledger key's signature over its [`Checkpoint::body`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The Ed25519 signature; `seen:` carries the same.
    pub signature: [u8; 64],
}

impl SignedCheckpoint {
    /// Checks the signature.
    ///
    /// # Errors
    /// [`CheckpointError::Signature`].
    pub fn verify(&self, key: &LedgerKey) -> Result<(), CheckpointError> {
        let body = self.checkpoint.body();
        let signature = Signature::from_bytes(&self.signature);
        key.0.verify_strict(body.as_bytes(), &signature).map_err(|_| CheckpointError::Signature)
    }

    /// The signed note: the body, an empty line and the signature line.
    pub fn note(&self, key: &LedgerKey) -> String {
        let name = &self.checkpoint.origin;
        let signature = [key.note_id(name.as_str()).as_slice(), &self.signature].concat();
        format!("{}\n\u{2014} {name} {}\n", self.checkpoint.body(), Base64::encode_string(&signature))
    }

    /// Reads a signed note and checks its signature by this key; lines of other keys, such as cosignatures of
    /// witnesses, are passed over, as signed-note demands.
    ///
    /// # Errors
    /// When the text is no checkpoint, or not signed by this key.
    pub fn from_note(note: &str, key: &LedgerKey) -> Result<Self, CheckpointError> {
        let (body, signatures) = note.split_once("\n\n").ok_or(CheckpointError::Malformed)?;
        let checkpoint = read_body(body)?;
        let name = checkpoint.origin.as_str();
        for line in signatures.strip_suffix('\n').ok_or(CheckpointError::Malformed)?.split('\n') {
            let rest = line.strip_prefix("\u{2014} ").ok_or(CheckpointError::Malformed)?;
            let (signer, encoded) = rest.split_once(' ').ok_or(CheckpointError::Malformed)?;
            let bytes = Base64::decode_vec(encoded).map_err(|_| CheckpointError::Malformed)?;
            let (id, signature) = bytes.split_first_chunk::<4>().ok_or(CheckpointError::Malformed)?;
            if signer == name && *id == key.note_id(name) {
                let signature = signature.try_into().map_err(|_| CheckpointError::Malformed)?;
                let signed = Self { checkpoint, signature };
                return signed.verify(key).map(|()| signed);
            }
        }
        Err(CheckpointError::OtherKey)
    }
}

/// Three lines; tlog-checkpoint allows more, but this server never writes them.
fn read_body(body: &str) -> Result<Checkpoint, CheckpointError> {
    let mut lines = body.split('\n');
    let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
        return Err(CheckpointError::Malformed);
    };
    let root: [u8; 32] =
        Base64::decode_vec(root).ok().and_then(|r| r.try_into().ok()).ok_or(CheckpointError::Malformed)?;
    let checkpoint = Checkpoint {
        origin: origin.parse().map_err(|_| CheckpointError::Malformed)?,
        size: size.parse().map_err(|_| CheckpointError::Malformed)?,
        root: Digest::new(root),
    };
    // One spelling: no `+1`, no `01`.
    if checkpoint.size.to_string() == size { Ok(checkpoint) } else { Err(CheckpointError::Malformed) }
}

/// Signs checkpoints of one ledger. Holds the private ledger key (zeroized on drop), so it has no `Debug`.
pub struct CheckpointSigner {
    origin: Origin,
    key: SigningKey,
}

impl CheckpointSigner {
    /// A signer for the ledger of this server.
    pub const fn new(origin: Origin, key: SigningKey) -> Self {
        Self { origin, key }
    }

    /// The server's name.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The public half.
    pub fn public_key(&self) -> LedgerKey {
        LedgerKey(self.key.verifying_key())
    }

    /// Signs a size and its root.
    pub fn sign(&self, size: u64, root: Digest) -> SignedCheckpoint {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
        let signature = self.key.sign(checkpoint.body().as_bytes()).to_bytes();
        SignedCheckpoint { checkpoint, signature }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn signer() -> CheckpointSigner {
        CheckpointSigner::new("ca.example.com/prod".parse().unwrap(), SigningKey::from_bytes(&[7; 32]))
    }

    pub(crate) fn key() -> LedgerKey {
        signer().public_key()
    }

    /// The key and note of the documentation of Go's golang.org/x/mod/sumdb/note.
    #[test]
    fn key_ids_and_signatures_are_those_of_go_notes() {
        let vkey = Base64::decode_vec("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
        let key = LedgerKey::new(vkey[1..].try_into().unwrap()).unwrap();
        assert_eq!(key.note_id("PeterNeumann"), [0xc7, 0x4f, 0x20, 0xa3]);
        let signature = Base64::decode_vec(
            "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=",
        )
        .unwrap();
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signature = Signature::from_slice(&signature[4..]).unwrap();
        assert!(key.0.verify_strict(text.as_bytes(), &signature).is_ok());
    }

    #[test]
    fn a_note_reads_back_and_proves_itself() {
        let signed = signer().sign(4711, Digest::of(b"root"));
        assert_eq!(
            signed.checkpoint.body(),
            "ca.example.com/prod\n4711\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
        );
        let note = signed.note(&key());
        assert!(note.contains("\n\n\u{2014} ca.example.com/prod "), "{note}");
        assert_eq!(SignedCheckpoint::from_note(&note, &key()), Ok(signed));
    }

    #[test]
    fn signatures_of_witnesses_are_passed_over() {
        let signed = signer().sign(1, Digest::of(b"root"));
        let (body, own) = signed.note(&key()).split_once("\n\n").map(|(b, o)| (b.to_owned(), o.to_owned())).unwrap();
        let witness = format!("\u{2014} witness.example {}\n", Base64::encode_string(&[9; 76]));
        for note in [format!("{body}\n\n{witness}{own}"), format!("{body}\n\n{own}{witness}")] {
            assert_eq!(SignedCheckpoint::from_note(&note, &key()), Ok(signed.clone()));
        }
        let others = format!("{body}\n\n{witness}");
        assert_eq!(SignedCheckpoint::from_note(&others, &key()), Err(CheckpointError::OtherKey));
    }

    #[test]
    fn what_was_changed_after_signing_is_refused() {
        let note = signer().sign(4711, Digest::of(b"root")).note(&key());
        let refused = |changed: String| SignedCheckpoint::from_note(&changed, &key()).unwrap_err();
        assert_eq!(refused(note.replace("\n4711\n", "\n4712\n")), CheckpointError::Signature);
        assert_eq!(refused(note.replace("\n4711\n", "\n04711\n")), CheckpointError::Malformed);
        assert_eq!(refused(note.replace("\n4711\n", "\n4711\nmore\n")), CheckpointError::Malformed);
        assert_eq!(refused(note.trim_end().to_owned()), CheckpointError::Malformed);
        assert_eq!(refused(String::new()), CheckpointError::Malformed);
        let other = CheckpointSigner::new(signer().origin().clone(), SigningKey::from_bytes(&[8; 32]));
        let theirs = other.sign(4711, Digest::of(b"root")).note(&other.public_key());
        assert_eq!(refused(theirs), CheckpointError::OtherKey);
    }

    #[test]
    fn a_point_of_small_order_is_no_ledger_key() {
        assert_eq!(LedgerKey::new([0; 32]), Err(LedgerKeyError));
        assert_eq!(LedgerKey::new(*key().as_bytes()), Ok(key()));
    }
}
