//! Remembering what was checked, so that the stored statements under a live grant are neither parsed nor held against the
//! curve at each fetch.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::codec::{Canonical as _, StatementError};
use crate::kind::Statement;
use crate::ruling::RulingText;
use crate::verify::{Verified, VerifyError, verify};

/// What was read and found to fit. It is remembered only by the hash of everything that was looked at: the namespace, the
/// text, and the whole SSHSIG blob (which holds key, algorithm and signature), never by an id. What is not remembered is
/// read and checked.
pub struct Memory {
    half: usize,
    known: Mutex<Generations>,
}

/// Longest text that is remembered, in bytes: a ruling may name thousands of hosts, and room is counted in texts.
const LONGEST_KEPT: usize = 4096;

type Hash = [u8; 32];
type Kept = Arc<dyn Any + Send + Sync>;

/// Two maps, so that forgetting is dropping the older one: bounded, and without bookkeeping for each look.
#[derive(Default)]
struct Generations {
    young: HashMap<Hash, Kept>,
    old: HashMap<Hash, Kept>,
}

impl Memory {
    /// A memory of at most this many texts.
    pub fn new(most: usize) -> Self {
        Self { half: most.div_ceil(2), known: Mutex::default() }
    }

    /// As [`verify`](crate::verify()), but for reading and checking the very same bytes again.
    ///
    /// # Errors
    /// As [`verify`](crate::verify()).
    pub fn verify<S: Statement + Send + Sync + 'static>(
        &self,
        text: &[u8],
        signature: &[u8],
    ) -> Result<Arc<Verified<S>>, VerifyError> {
        let hash = hash(S::KIND.namespace(), text, signature);
        if let Some(known) = self.recall(&hash) {
            return Ok(known);
        }
        let verified = Arc::new(verify(text, signature)?);
        self.keep(hash, text.len(), Arc::clone(&verified) as Kept);
        Ok(verified)
    }

    /// As [`RulingText::parse`](crate::Canonical::parse), but for reading the very same text again.
    ///
    /// # Errors
    /// As [`RulingText::parse`](crate::Canonical::parse).
    pub fn ruling(&self, text: &str) -> Result<Arc<RulingText>, StatementError> {
        let hash = hash("", text.as_bytes(), b"");
        if let Some(known) = self.recall(&hash) {
            return Ok(known);
        }
        let ruling = Arc::new(RulingText::parse(text)?);
        self.keep(hash, text.len(), Arc::clone(&ruling) as Kept);
        Ok(ruling)
    }

    fn recall<T: Any + Send + Sync>(&self, hash: &Hash) -> Option<Arc<T>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(young) = known.young.get(hash) {
            return Arc::clone(young).downcast().ok();
        }
        // What is still in use moves to the young ones and outlives the old.
        let old = known.old.remove(hash)?;
        self.insert(&mut known, *hash, Arc::clone(&old));
        old.downcast().ok()
    }

    fn keep(&self, hash: Hash, length: usize, kept: Kept) {
        if length <= LONGEST_KEPT {
            self.insert(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner), hash, kept);
        }
    }

    fn insert(&self, known: &mut Generations, hash: Hash, kept: Kept) {
        if known.young.len() >= self.half {
            known.old = std::mem::take(&mut known.young);
        }
        known.young.insert(hash, kept);
    }
}

/// Each part is hashed by itself first, so that nothing can move from one to the other.
fn hash(namespace: &str, text: &[u8], signature: &[u8]) -> Hash {
    let mut all = Sha256::new();
    all.update(Sha256::digest(namespace));
    all.update(Sha256::digest(text));
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
        let hash = hash(crate::Kind::Act.namespace(), text.as_bytes(), &signature);
        assert!(known.young.contains_key(&hash) || known.old.contains_key(&hash));
    }
}
