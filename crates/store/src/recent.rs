//! The latest checkpoints, by heart: clients have seen one of them nearly always, and a busy server makes thousands a
//! second.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use domain::Digest;
use ledger::Checkpoint;

/// How many are kept: some seconds of the busiest server, in 160 KiB.
const KEPT: usize = 4096;

/// Sizes and roots of the latest checkpoints that were signed and committed; the oldest first.
pub(crate) struct Recent(RwLock<VecDeque<(u64, Digest)>>);

impl Recent {
    pub(crate) fn starting_with(checkpoint: &Checkpoint) -> Self {
        Self(RwLock::new(VecDeque::from([(checkpoint.size, checkpoint.root)])))
    }

    /// Keeps a checkpoint that was committed; without a new entry it is the one before again.
    pub(crate) fn keep(&self, checkpoint: &Checkpoint) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.back().is_some_and(|(size, _)| *size >= checkpoint.size) {
            return;
        }
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((checkpoint.size, checkpoint.root));
    }

    /// Whether this is one of them. That it is none says nothing: it may be older.
    pub(crate) fn has(&self, size: u64, root: &Digest) -> bool {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = kept.binary_search_by_key(&size, |(size, _)| *size).ok().and_then(|at| kept.get(at));
        found.is_some_and(|(_, known)| known == root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint { origin: "ca.example.com".parse().unwrap(), size, root: Digest::of(&size.to_be_bytes()) }
    }

    #[test]
    fn the_latest_are_known_with_their_roots_and_the_oldest_are_forgotten() {
        let recent = Recent::starting_with(&checkpoint(1));
        let last = u64::try_from(KEPT).unwrap() + 1;
        (2..=last).for_each(|size| recent.keep(&checkpoint(size)));
        recent.keep(&checkpoint(last));
        let has = |size| recent.has(size, &checkpoint(size).root);
        assert!(!has(1) && has(2) && has(last) && !has(last + 1));
        assert!(!recent.has(2, &checkpoint(3).root), "the right size with another root");
        assert_eq!(recent.0.into_inner().unwrap().len(), KEPT);
    }
}
