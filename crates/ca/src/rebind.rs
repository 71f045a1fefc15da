//! Rebinding: the requester puts another connecting key in place of the one that a request names.
//!
//! ```text
//! act ──► its user ──► theirs, and alive? ──► the new key: strong enough, nobody else's ──► store: next version + entry
//! ```
//!
//! Nothing else changes: approvals are over what is opened, for whom and for how long. A fetch by the old key that is under
//! way finds another version, and is refused.

use request::{NotRebound, State};
use statement::{Act, ActStatement, Rebind};
use store::{ActTx, Change};

use crate::arrive::{kept, signer_is};
use crate::read::View;
use crate::{Ca, Error};

impl Ca {
    /// Puts another connecting key in place of that of a request.
    ///
    /// # Errors
    /// What a statement can be refused for, [`Error::NotYours`], [`Error::WrongState`], [`Error::Rebind`], and
    /// [`StoreError::Conflict`](store::StoreError::Conflict) when somebody else was faster.
    pub async fn rebind(&self, text: &[u8], signature: &[u8]) -> Result<View, Error> {
        let (act, now) = self.arrive::<ActStatement>(text, signature).await?;
        let bundle = self.bundle.load_full();
        let said = act.statement();
        signer_is(bundle.directory(), act.key(), &said.user)?;
        let Act::Rebind(Rebind { id, .. }) = &said.act else {
            return Err(Error::Unsupported("this call takes the act `rebind` alone"));
        };
        let id = *id;
        let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        if record.request.statement().requester != said.user {
            return Err(Error::NotYours(id));
        }
        let lives = match &record.state {
            State::Pending(pending) => pending.until() > now,
            State::Approved(approved) => approved.window().not_after() > now,
            State::Ended(_) => false,
        };
        if !lives {
            let hint = "its connecting key cannot be replaced any more; ask anew";
            return Err(Error::WrongState { id, state: record.state.name_at(now), hint });
        }
        let refused = |why: NotRebound| Error::Rebind { id, why };
        let obligations = record.ruling.obligations();
        request::may_rebind(&record.case(), &act, obligations, bundle.directory()).map_err(refused)?;
        let change = Change::Rebind { id, version: record.version };
        self.store.act(ActTx { now, statement: kept(&act), change }).await?;
        self.view(id)
    }
}
