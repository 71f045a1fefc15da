//! Requests by heart: certificates are fetched under the same few grants again and again, and every commit makes SQLite's
//! readers read their pages anew.
//!
//! ```text
//! recall ── known? ─► as of its latest version
//!    └ no: turn 7 ─► read from the database ─► keep, if it is still turn 7
//! writer: commit ─► forget what changed, turn 8 ─► answer
//! ```
//!
//! So nobody who was told of a change is given what was before it: what was read before a change is kept no more after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::RequestId;

use crate::batch::RequestChanged;
use crate::reading::StoredRequest;
use crate::{Store, StoreError};

/// How many requests are kept, at most.
const KEPT: usize = 2048;
/// Longest texts of one that is kept, in bytes: a ruling may name thousands of hosts.
const LONGEST: usize = 16 * 1024;

/// How many changes there were.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn(u64);

/// The requests that were read last.
#[derive(Default)]
pub(crate) struct Known(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    turn: u64,
    /// Two maps, so that making room is dropping the older one.
    young: HashMap<RequestId, Arc<StoredRequest>>,
    old: HashMap<RequestId, Arc<StoredRequest>>,
}

impl Known {
    /// The request, or the turn to keep it in once it was read.
    pub(crate) fn recall(&self, id: RequestId) -> Result<Arc<StoredRequest>, Turn> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(young) = inner.young.get(&id) {
            return Ok(Arc::clone(young));
        }
        let old = inner.old.remove(&id).ok_or(Turn(inner.turn))?;
        inner.insert(Arc::clone(&old));
        Ok(old)
    }

    /// Keeps a request that was read in this turn; later it may be out of date.
    pub(crate) fn keep(&self, turn: Turn, request: &Arc<StoredRequest>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if Turn(inner.turn) == turn && length(request) <= LONGEST {
            inner.insert(Arc::clone(request));
        }
    }

    /// Forgets what was changed by a commit.
    pub(crate) fn forget(&self, changed: &[RequestChanged]) {
        if changed.is_empty() {
            return;
        }
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.turn = inner.turn.wrapping_add(1);
        for RequestChanged { id, .. } in changed {
            inner.young.remove(id);
            inner.old.remove(id);
        }
    }
}

impl Store {
    /// One request as [`Self::request`] gives it, by heart where it is known; then there may be more uses of it by now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn recall(&self, id: RequestId) -> Result<Option<Arc<StoredRequest>>, StoreError> {
        let turn = match self.known.recall(id) {
            Ok(known) => return Ok(Some(known)),
            Err(turn) => turn,
        };
        let read = self.request(id)?.map(Arc::new);
        read.iter().for_each(|request| self.known.keep(turn, request));
        Ok(read)
    }
}

impl Inner {
    fn insert(&mut self, request: Arc<StoredRequest>) {
        if self.young.len() >= KEPT / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(request.id, request);
    }
}

fn length(request: &StoredRequest) -> usize {
    let decisions: usize = request.decisions.iter().map(|decision| decision.statement.text.len()).sum();
    let rebinds: usize = request.rebinds.iter().map(|act| act.text.len()).sum();
    request.statement.text.len() + request.ruling.len() + decisions + rebinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::UnixTime;
    use ledger::SignedText;

    use crate::requests::RequestState;

    fn request(id: u64, version: u64) -> Arc<StoredRequest> {
        Arc::new(StoredRequest {
            id: RequestId::from_random(id),
            entry: 1,
            submitted: UnixTime::EPOCH,
            requester: "alice".parse().unwrap(),
            owner: "alice".parse().unwrap(),
            statement: SignedText { text: String::new(), signature: Vec::new() },
            ruling: String::new(),
            expires: UnixTime::EPOCH,
            state: RequestState::Pending,
            version,
            uses: 0,
            decisions: Vec::new(),
            rebinds: Vec::new(),
            review: None,
        })
    }

    fn turn(known: &Known, id: RequestId) -> Turn {
        known.recall(id).map(|_| ()).unwrap_err()
    }

    fn change(request: &StoredRequest) -> RequestChanged {
        RequestChanged { id: request.id, version: request.version + 1 }
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let (known, (one, other)) = (Known::default(), (request(1, 1), request(2, 1)));
        let before = turn(&known, one.id);
        known.keep(before, &other);
        known.forget(&[change(&one)]);
        known.keep(before, &one);
        assert!(known.recall(one.id).is_err(), "it was read before it changed");
        assert_eq!(known.recall(other.id).map(|known| known.version).ok(), Some(1));
        known.keep(turn(&known, one.id), &request(1, 2));
        assert_eq!(known.recall(one.id).map(|known| known.version).ok(), Some(2));
        known.forget(&[change(&one), change(&other)]);
        assert!(known.recall(one.id).is_err() && known.recall(other.id).is_err());
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_in_use() {
        let known = Known::default();
        let used = request(0, 1);
        known.keep(turn(&known, used.id), &used);
        for id in 1..5_000 {
            let other = request(id, 1);
            known.keep(turn(&known, other.id), &other);
            assert!(known.recall(used.id).is_ok());
        }
        let inner = known.0.into_inner().unwrap();
        assert!(inner.young.len() + inner.old.len() <= KEPT);
    }
}
