//! The ledger after the run: its certificates against those received, and how many commits they shared.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use domain::{Digest, Origin};
use ledger::{CheckpointSigner, Payload};
use server::SystemRandom;
use store::Store;

use crate::failure::Failure;
use crate::side::Side;

/// How many entries are read at once.
const PAGE: u32 = 1_000;

/// A store whose server has ended.
pub(crate) struct Ledger(Store);

impl Ledger {
    /// Opens the store, which proves that no server has it any more.
    pub(crate) fn open(root: &Path, name: Origin) -> Result<Self, Failure> {
        let key = signer::load_ed25519(&root.join("keys/ledger"), None).map_err(bad)?;
        let checkpoints = CheckpointSigner::new(name, key);
        Store::open(&root.join("store"), checkpoints, Arc::new(SystemRandom)).map(Self).map_err(bad)
    }

    /// Every certificate's serial and the digest of what the CA signed.
    fn certificates(&self) -> Result<BTreeMap<u64, Digest>, Failure> {
        let (mut certificates, mut from) = (BTreeMap::new(), 0);
        loop {
            let page = self.0.entries(from, PAGE).map_err(bad)?;
            let Some(last) = page.last() else { return Ok(certificates) };
            from = last.index + 1;
            for entry in page {
                if let Payload::Certificate { to_be_signed, .. } = entry.payload {
                    certificates.insert(entry.index, Digest::of(&to_be_signed));
                }
            }
        }
    }

    /// What of the ledger and of what was received has no counterpart in the other.
    pub(crate) fn differences(&self, product: &Side) -> Result<Vec<String>, Failure> {
        let (logged, received) = (self.certificates()?, &product.received);
        let (missing, unknown) = (count_not_in(&logged, received), count_not_in(received, &logged));
        let mut differences = Vec::new();
        if missing > 0 {
            differences.push(format!("{missing} certificates are in the ledger and were not received"));
        }
        if unknown > 0 {
            differences.push(format!("{unknown} certificates were received and are not in the ledger"));
        }
        if logged.is_empty() {
            differences.push("the ledger has no certificates".to_owned());
        }
        Ok(differences)
    }

    /// How many commits put the entries from one serial to another into the ledger: each leaves a checkpoint.
    pub(crate) fn commits(&self, (low, high): (u64, u64)) -> Result<usize, Failure> {
        let mut commits = 0;
        for size in low..=high {
            commits += usize::from(self.0.checkpoint_at(size + 1).map_err(bad)?.is_some());
        }
        Ok(commits)
    }
}

fn count_not_in(these: &BTreeMap<u64, Digest>, those: &BTreeMap<u64, Digest>) -> usize {
    these.iter().filter(|(serial, digest)| those.get(serial) != Some(digest)).count()
}

fn bad<E: Into<Box<dyn Error + Send + Sync>>>(why: E) -> Failure {
    Failure::Ledger(why.into())
}
