//! Deciding: an approver's signature over request and ruling counts towards the quorum, or ends the request.
//!
//! ```text
//! statement ──► its user ──► judged: right texts, bound key, a person, not the requester, asked ──► Ballot
//! Pending + Ballot ──► still pending | approved | denied ──► store: new state + entry, if nobody was faster
//! ```

use domain::Event;
use request::{Outcome, State, Wanted};
use statement::DecisionStatement;
use store::DecideTx;

use crate::arrive::{kept, signer_is};
use crate::read::View;
use crate::record::stored_as;
use crate::{Ca, Error};

impl Ca {
    /// Takes a decision.
    ///
    /// # Errors
    /// What a statement can be refused for, why a ballot does not count, and [`Error::Conflict`] when somebody else
    /// was faster.
    pub async fn decide(&self, text: &[u8], signature: &[u8]) -> Result<View, Error> {
        let (decision, now) = self.arrive::<DecisionStatement>(text, signature).await?;
        let bundle = self.bundle.load_full();
        let said = decision.statement();
        signer_is(bundle.directory(), decision.key(), &said.approver)?;

        let id = said.id;
        let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        let ballot = request::judge(&record.case(), record.ruling.obligations(), &decision, now, bundle.judging())?;
        // On arrival only: words that a later version would choose otherwise must not void what was signed.
        if said.allows != *record.ruling.in_words() {
            return Err(request::BallotRefused::OtherWords.into());
        }
        let pending = match record.state {
            State::Pending(ref pending) if pending.until() > now => pending.clone(),
            ref other => {
                let (state, hint) = (other.name_at(now), "there is nothing left to decide");
                return Err(Error::WrongState { id, state, hint });
            }
        };
        let before = record.tally(&bundle);
        let owner = ballot.voter().owner.clone();
        let earlier = record.stored.decisions.iter().find(|decision| decision.owner == owner);
        let instead_of = earlier.map(|decision| decision.entry);
        if earlier.is_some() && (before.counts(&owner) || !before.would_fill(ballot.vote())) {
            return Err(Error::DecidedBefore(said.approver.clone()));
        }
        let wanted = Wanted::of(record.request.statement(), record.ruling.obligations());
        let state = match pending.decide(&ballot, before, &wanted)? {
            Outcome::Waits(pending) => State::Pending(pending),
            Outcome::Approved(approved) => State::Approved(approved),
            Outcome::Denied(ended) | Outcome::TooLate(ended) => State::Ended(ended),
        };
        let notify = self.notify(Event::Decision, now, &state);
        let approver = said.approver.clone();
        let (version, verdict, state) = (record.version, ballot.verdict(), stored_as(&state));
        let (statement, in_force) = (kept(&decision), bundle.version());
        self.store
            .decide(DecideTx {
                now,
                statement,
                id,
                version,
                approver,
                owner,
                verdict,
                instead_of,
                state,
                in_force,
                notify,
            })
            .await?;
        self.view(id)
    }
}
