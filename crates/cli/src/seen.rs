//! The ledger's head as this client has seen it: signed by the ledger key, and never smaller than before.

use domain::Origin;
use ledger::{Checkpoint, CheckpointError, LedgerKey, SignedCheckpoint};
use statement::Seen;
use wire::Head;

/// Why the head that a server showed was refused. Each is a reason to speak with the server's operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeenError {
    /// Not signed by the pinned ledger key.
    #[error("the server showed a ledger checkpoint that its ledger key did not sign; ask its operator")]
    Unsigned(#[source] CheckpointError),
    /// The ledger lost entries.
    #[error(
        "the server's ledger has {now} entries, but had {before} before: entries were lost or taken back. Do not use \
         it; tell its operator, and keep your state directory as evidence"
    )]
    Smaller {
        /// What was seen before.
        before: u64,
        /// What is shown now.
        now: u64,
    },
    /// Two ledgers of one size.
    #[error(
        "the server shows another ledger of {0} entries than it did before: its history was changed. Do not use it; \
         tell its operator, and keep your state directory as evidence"
    )]
    Forked(u64),
}

/// The head as it goes into the next statement, once it proved to follow what was known.
///
/// # Errors
/// When the ledger key did not sign it, or it is smaller than what was known, or of the same size and different.
pub(crate) fn check(head: &Head, known: Option<&Seen>, origin: &Origin, key: &LedgerKey) -> Result<Seen, SeenError> {
    let checkpoint = Checkpoint { origin: origin.clone(), size: head.size, root: head.root };
    SignedCheckpoint { checkpoint, signature: head.signature }.verify(key).map_err(SeenError::Unsigned)?;
    match known {
        Some(known) if head.size < known.size => Err(SeenError::Smaller { before: known.size, now: head.size }),
        Some(known) if head.size == known.size && head.root != known.root => Err(SeenError::Forked(head.size)),
        _ => Ok(Seen { size: head.size, root: head.root, signature: head.signature }),
    }
}

#[cfg(test)]
mod tests {
    use domain::Digest;
    use ed25519_dalek::SigningKey;
    use ledger::CheckpointSigner;

    use super::*;

    fn signer() -> CheckpointSigner {
        CheckpointSigner::new("ca.example.com".parse().unwrap(), SigningKey::from_bytes(&[7; 32]))
    }

    fn head(size: u64, root: &[u8]) -> Head {
        let signed = signer().sign(size, Digest::of(root));
        Head { size, root: signed.checkpoint.root, signature: signed.signature }
    }

    fn check_after(known: Option<&Seen>, head: &Head) -> Result<Seen, SeenError> {
        check(head, known, signer().origin(), &signer().public_key())
    }

    #[test]
    fn a_ledger_may_only_grow() {
        let known = check_after(None, &head(5, b"a")).unwrap();
        assert!(check_after(Some(&known), &head(5, b"a")).is_ok());
        assert_eq!(check_after(Some(&known), &head(9, b"b")).unwrap().size, 9);
        assert!(matches!(check_after(Some(&known), &head(4, b"c")), Err(SeenError::Smaller { before: 5, now: 4 })));
        assert!(matches!(check_after(Some(&known), &head(5, b"b")), Err(SeenError::Forked(5))));
    }

    #[test]
    fn a_head_that_the_ledger_key_did_not_sign_is_refused() {
        let forged = Head { size: 6, ..head(5, b"a") };
        assert!(matches!(check_after(None, &forged), Err(SeenError::Unsigned(_))));
        let other = check(&head(5, b"a"), None, &"ca.example.org".parse().unwrap(), &signer().public_key());
        assert!(matches!(other, Err(SeenError::Unsigned(_))));
    }
}
