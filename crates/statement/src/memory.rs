//! Remembering which signatures were checked, so that the stored statements under a live grant cost no curve at each fetch.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::kind::Statement;
use crate::verify::{Verified, VerifyError, check, read};

/// What was found to fit. A check is remembered only by the hash of everything it looked at: the signed message (which
/// holds namespace and text) and the whole SSHSIG blob (which holds key, algorithm and signature), never by an id. What
/// is not remembered is checked.
pub struct Memory {
    half: usize,
    known: Mutex<Generations>,
}

/// Two sets, so that forgetting is dropping the older one: bounded, and without bookkeeping for each look.
#[derive(Default)]
struct Generations {
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

impl Memory {
    /// A memory of at most this many checks.
    pub fn new(most: usize) -> Self {
        Self { half: most.div_ceil(2), known: Mutex::default() }
    }

    /// As [`verify`](crate::verify), but for asking the curve again of the very same bytes.
    ///
    /// # Errors
    /// As [`verify`](crate::verify).
    pub fn verify<S: Statement>(&self, text: &[u8], signature: &[u8]) -> Result<Verified<S>, VerifyError> {
        read(text, signature, |parts, message| {
            let hash = hash(message, signature);
            if self.knows(&hash) {
                return Ok(());
            }
            check(parts, message)?;
            self.learn(hash);
            Ok(())
        })
    }

    fn knows(&self, hash: &[u8; 32]) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.young.contains(hash) {
            return true;
        }
        let old = known.old.contains(hash);
        if old {
            // What is still in use moves to the young ones and outlives the old.
            self.insert(&mut known, *hash);
        }
        old
    }

    fn learn(&self, hash: [u8; 32]) {
        self.insert(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner), hash);
    }

    fn insert(&self, known: &mut Generations, hash: [u8; 32]) {
        if known.young.len() >= self.half {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(hash);
    }
}

/// The message is hashed by itself first, so that nothing can move from one part to the other.
fn hash(message: &[u8], signature: &[u8]) -> [u8; 32] {
    let mut all = Sha256::new();
    all.update(Sha256::digest(message));
    all.update(signature);
    all.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Act, ActStatement, Header, ServerId, sign_with};
    use domain::{Digest, Nonce, UnixTime};

    fn signed(nonce: u8) -> (String, Vec<u8>) {
        let key = ssh_key::PrivateKey::random(&mut rand::thread_rng(), ssh_key::Algorithm::Ed25519).unwrap();
        let header = Header {
            server: ServerId { name: "ca.example.com".parse().unwrap(), ledger_key: Digest::of(b"key") },
            nonce: Nonce::new([nonce; 16]),
            time: UnixTime::new(0).unwrap(),
            seen: None,
        };
        let act = ActStatement { header, user: "alice".parse().unwrap(), act: Act::Resume, reason: None };
        let signed = sign_with(&act, &key).unwrap();
        (signed.text, signed.signature.into_bytes())
    }

    #[test]
    fn a_remembered_check_covers_no_other_bytes() {
        let memory = Memory::new(8);
        let (text, signature) = signed(1);
        for _twice in 0..2 {
            assert!(memory.verify::<ActStatement>(text.as_bytes(), &signature).is_ok());
        }
        let (other, other_signature) = signed(2);
        assert!(memory.verify::<ActStatement>(other.as_bytes(), &signature).is_err());
        assert!(memory.verify::<ActStatement>(text.as_bytes(), &other_signature).is_err());
    }

    #[test]
    fn what_does_not_fit_is_never_remembered() {
        let memory = Memory::new(8);
        let ((text, _), (_, foreign)) = (signed(1), signed(2));
        for _twice in 0..2 {
            assert!(memory.verify::<ActStatement>(text.as_bytes(), &foreign).is_err());
        }
        assert!(memory.known.into_inner().unwrap().young.is_empty());
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_what_is_in_use() {
        let memory = Memory::new(4);
        let (text, signature) = signed(0);
        for nonce in 1..20 {
            assert!(memory.verify::<ActStatement>(text.as_bytes(), &signature).is_ok());
            let (more, its) = signed(nonce);
            assert!(memory.verify::<ActStatement>(more.as_bytes(), &its).is_ok());
        }
        let known = memory.known.into_inner().unwrap();
        assert!(known.young.len() + known.old.len() <= 4);
        let message = crate::to_be_signed(crate::Kind::Act, &text);
        let hash = hash(&message, &signature);
        assert!(known.young.contains(&hash) || known.old.contains(&hash));
    }
}
