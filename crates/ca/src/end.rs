//! Ending: the requester cancels what waits, or gives back what was granted; an approver takes an approval back.

use domain::{Approval, UserName};
use request::{Ended, Pending, State};
use statement::{Act, ActStatement};
use store::{ActTx, Change};

use crate::arrive::{kept, signer_is};
use crate::read::View;
use crate::record::Record;
use crate::{Ca, Error};

impl Ca {
    /// Cancels a pending request, gives a grant back, or withdraws an approval.
    ///
    /// # Errors
    /// What a statement can be refused for, [`Error::NotYours`], [`Error::NoApproval`], [`Error::WrongState`], and
    /// [`StoreError::Conflict`](store::StoreError::Conflict) when somebody else was faster.
    pub async fn end(&self, text: &[u8], signature: &[u8]) -> Result<View, Error> {
        let (act, now) = self.arrive::<ActStatement>(text, signature).await?;
        let bundle = self.bundle.load_full();
        let said = act.statement();
        signer_is(bundle.directory(), act.key(), &said.user)?;
        let (Act::Cancel(id) | Act::GiveBack(id) | Act::Withdraw(id)) = said.act else {
            return Err(Error::Unsupported(
                "this call takes the acts `cancel`, `give-back` and `withdraw`, each about one request",
            ));
        };
        let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        let version = record.version;
        let decision = match said.act {
            Act::Withdraw(_) => Some(approval_of(&record, &said.user)?),
            _ if record.request.statement().requester != said.user => return Err(Error::NotYours(id)),
            _ => None,
        };
        // The states' own transitions say what is possible; the store only writes it down. Nothing leads out of a state
        // whose time is over, whether or not the background job has come by.
        let change = match (&said.act, decision, record.state.clone()) {
            (Act::Withdraw(_), Some(decision), State::Pending(pending)) if pending.until() > now => {
                Change::Withdraw { id, version, decision }
            }
            (Act::Withdraw(_), Some(decision), State::Approved(approved)) if approved.window().not_after() > now => {
                let _: Pending = approved.withdraw(record.stored.expires);
                Change::Withdraw { id, version, decision }
            }
            (Act::Cancel(_), None, State::Pending(pending)) if pending.until() > now => {
                let _: Ended = pending.cancel();
                Change::Cancel { id, version }
            }
            (Act::GiveBack(_), None, State::Approved(approved)) if approved.window().not_after() > now => {
                let _: Ended = approved.give_back();
                Change::GiveBack { id, version }
            }
            (act, _, state) => return Err(Error::WrongState { id, state: state.name_at(now), hint: hint(act) }),
        };
        self.store.act(ActTx { now, statement: kept(&act), change }).await?;
        self.view(id)
    }
}

/// The entry of this user's approval.
fn approval_of(record: &Record, user: &UserName) -> Result<u64, Error> {
    let approvals = record.stored.decisions.iter().filter(|decision| decision.verdict == Approval::Approve);
    let own = approvals.filter(|decision| decision.approver == *user).map(|decision| decision.entry).next();
    own.ok_or_else(|| Error::NoApproval { user: user.clone(), id: record.id })
}

const fn hint(act: &Act) -> &'static str {
    match act {
        Act::Cancel(_) => "only a pending request can be cancelled",
        Act::GiveBack(_) => "only an approved request can be given back",
        Act::Withdraw(_) => "only of a request that is pending or approved an approval can be taken back",
        _ => "only `cancel`, `give-back` and `withdraw` are about a request",
    }
}
