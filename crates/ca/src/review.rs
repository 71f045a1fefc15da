//! Reviewing: somebody of the group that was told says what a break-glass was for.
//!
//! ```text
//! act ──► its user ──► judged: of this request, says what was found, not the requester, of the group ──► store: entry, owed no more
//! ```

use domain::{Event, Owes, UserName};
use statement::{Act, ActStatement};
use store::ReviewTx;

use crate::arrive::{kept, signer_is};
use crate::bundle::InForce;
use crate::read::View;
use crate::{Ca, Error};

impl Ca {
    /// Takes a review.
    ///
    /// # Errors
    /// What a statement can be refused for, [`request::ReviewRefused`], and
    /// [`StoreError::NothingOwed`](store::StoreError::NothingOwed) when there is none to make.
    pub async fn review(&self, text: &[u8], signature: &[u8]) -> Result<View, Error> {
        let (act, now) = self.arrive::<ActStatement>(text, signature).await?;
        let bundle = self.bundle.load_full();
        let said = act.statement();
        signer_is(bundle.directory(), act.key(), &said.user)?;
        let Act::Review(id) = said.act else {
            return Err(Error::Unsupported("this call takes the act `review` alone"));
        };
        let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        request::review(&record.case(), &act, bundle.directory())?;
        let (statement, in_force, notify) = (kept(&act), bundle.version(), self.wants(Event::Review));
        self.store.review(ReviewTx { now, statement, id, in_force, notify }).await?;
        self.view(id)
    }

    /// What the person behind a requester owes.
    pub(crate) fn owes(&self, bundle: &InForce, requester: &UserName) -> Result<Owes, Error> {
        let owner = bundle.directory().owner_of(requester).unwrap_or(requester);
        Ok(self.store.owes(owner)?)
    }

    /// How many reviews are owed, by everybody.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn reviews_owed(&self) -> Result<u64, Error> {
        Ok(self.store.reviews_owed()?)
    }
}
