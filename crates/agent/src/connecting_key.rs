//! A connecting key: an Ed25519 key whose secret stays in one locked page of memory.

use domain::{PublicKey, Random};
use ed25519_dalek::{Signer as _, SigningKey};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, Signature};
use zeroize::{Zeroize as _, Zeroizing};

const SEED: usize = 32;

/// Why a key could not be kept safely.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The system refuses to lock another page.
    #[error(
        "no memory could be locked for the key, so it might be swapped to disk; raise the limit (`ulimit -l`) and try again"
    )]
    Lock(#[source] region::Error),
    /// The allocator gave no whole page.
    #[error("no whole page of memory was found for the key")]
    Page,
    /// The public half is not one that Hallpass takes.
    #[error("the new key is not acceptable")]
    Key(#[from] domain::KeyError),
}

/// A connecting key that was made here. The seed is in a locked page of its own and wiped on drop; while a signature is
/// made, the expanded key is on the stack, and wiped after it.
pub struct ConnectingKey {
    seed: LockedSeed,
    public_key: PublicKey,
}

impl ConnectingKey {
    /// A fresh key.
    ///
    /// # Errors
    /// When no memory can be locked.
    pub fn fresh(random: &dyn Random) -> Result<Self, LockError> {
        let mut seed = LockedSeed::new()?;
        random.fill(seed.bytes_mut()?);
        let public = signing_key(&seed)?.verifying_key();
        let public_key = PublicKey::from_key_data(KeyData::Ed25519(Ed25519PublicKey(public.to_bytes())))?;
        Ok(Self { seed, public_key })
    }

    /// The public half.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Signs the bytes.
    ///
    /// # Errors
    /// Never for a key that [`ConnectingKey::fresh`] made; the types cannot say so.
    pub fn sign(&self, data: &[u8]) -> Result<Signature, ssh_key::Error> {
        let key = signing_key(&self.seed).map_err(|_| ssh_key::Error::Crypto)?;
        Signature::new(Algorithm::Ed25519, key.sign(data).to_bytes())
    }

    /// Seed and public key, joined as SSH writes an Ed25519 private key.
    pub(crate) fn secret(&self) -> Result<Zeroizing<[u8; 64]>, LockError> {
        Ok(Zeroizing::new(signing_key(&self.seed)?.to_keypair_bytes()))
    }
}

fn signing_key(seed: &LockedSeed) -> Result<SigningKey, LockError> {
    Ok(SigningKey::from_bytes(seed.bytes()?))
}

/// 32 bytes in a page that holds nothing else, so that unlocking one key never unlocks another.
struct LockedSeed {
    // Dropped before the pages that it unlocks.
    _locked: region::LockGuard,
    pages: Box<[u8]>,
    at: usize,
}

impl LockedSeed {
    fn new() -> Result<Self, LockError> {
        let page = region::page::size();
        let pages = vec![0_u8; page * 2].into_boxed_slice();
        let at = pages.as_ptr().align_offset(page);
        let seed = pages.get(at..at + SEED).ok_or(LockError::Page)?;
        let locked = region::lock(seed.as_ptr(), SEED).map_err(LockError::Lock)?;
        Ok(Self { _locked: locked, pages, at })
    }

    fn bytes(&self) -> Result<&[u8; SEED], LockError> {
        self.pages.get(self.at..).and_then(<[u8]>::first_chunk).ok_or(LockError::Page)
    }

    fn bytes_mut(&mut self) -> Result<&mut [u8; SEED], LockError> {
        self.pages.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut).ok_or(LockError::Page)
    }
}

impl Drop for LockedSeed {
    fn drop(&mut self) {
        self.pages.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use signature::Verifier as _;

    use super::*;
    use crate::tests::Counting;

    #[test]
    fn a_key_signs_for_its_public_half() {
        let key = ConnectingKey::fresh(&Counting::new()).unwrap();
        let signature = key.sign(b"data").unwrap();
        assert!(key.public_key().key_data().verify(b"data", &signature).is_ok());
        assert!(key.public_key().key_data().verify(b"other", &signature).is_err());
    }

    #[test]
    fn two_keys_differ_and_are_in_pages_of_their_own() {
        let random = Counting::new();
        let (one, two) = (ConnectingKey::fresh(&random).unwrap(), ConnectingKey::fresh(&random).unwrap());
        assert_ne!(one.public_key(), two.public_key());
        let page = |key: &ConnectingKey| region::page::floor(key.seed.bytes().unwrap().as_ptr());
        assert_ne!(page(&one), page(&two));
    }

    #[test]
    fn the_seeds_page_is_locked() {
        let locked = || {
            let status = std::fs::read_to_string("/proc/self/smaps").unwrap();
            status.lines().filter_map(|l| l.strip_prefix("Locked:")).filter(|l| l.trim() != "0 kB").count()
        };
        let key = ConnectingKey::fresh(&Counting::new()).unwrap();
        assert!(locked() > 0);
        drop(key);
    }
}
