//! Ending: the requester cancels what waits, or gives back what was granted.

use request::{Ended, State};
use statement::{Act, ActStatement};
use store::{ActTx, Change};

use crate::arrive::{kept, signer_is};
use crate::read::View;
use crate::{Ca, Error};

impl Ca {
    /// Cancels a pending request, or gives a grant back.
    ///
    /// # Errors
    /// What a statement can be refused for, [`Error::NotYours`], [`Error::WrongState`], [`Error::Conflict`].
    pub async fn end(&self, text: &[u8], signature: &[u8]) -> Result<View, Error> {
        let (act, now) = self.arrive::<ActStatement>(text, signature).await?;
        let bundle = self.bundle.load_full();
        let said = act.statement();
        signer_is(bundle.directory(), act.key(), &said.user)?;
        let Some(id) = said.act.request() else {
            return Err(Error::Unsupported(
                "this call takes the acts `cancel` and `give-back`, each about one request",
            ));
        };
        let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        if record.request.statement().requester != said.user {
            return Err(Error::NotYours(id));
        }
        let version = record.version;
        // The states' own transitions say what is possible; the store only writes it down. Nothing leads out of a state
        // whose time is over, whether or not the background job has come by.
        let change = match (&said.act, record.state.clone()) {
            (Act::Cancel(_), State::Pending(pending)) if pending.until() > now => {
                let _: Ended = pending.cancel();
                Change::Cancel { id, version }
            }
            (Act::GiveBack(_), State::Approved(approved)) if approved.window().not_after() > now => {
                let _: Ended = approved.give_back();
                Change::GiveBack { id, version }
            }
            (act, state) => return Err(Error::WrongState { id, state: state.name_at(now), hint: hint(act) }),
        };
        self.store.act(ActTx { now, statement: kept(&act), change }).await?;
        self.view(id)
    }
}

const fn hint(act: &Act) -> &'static str {
    match act {
        Act::Cancel(_) => "only a pending request can be cancelled",
        Act::GiveBack(_) => "only an approved request can be given back",
        _ => "only `cancel` and `give-back` are about a request",
    }
}
