//! A request as the store kept it, with every signature checked again.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{HostName, Obligations, Owes, RequestId, Span, Tally, UnixTime, Vote};
use ledger::SignedText;
use policy::Ruling;
use request::{Approved, Case, Counted, Ended, Held, Pending, State, Window};
use statement::{Act, ActStatement, DecisionStatement, RequestStatement, RulingText, Statement, Verified};
use store::{RequestState, StoredDecision, StoredRequest, StoredReview};

use crate::bundle::InForce;
use crate::submit::ask;
use crate::{Ca, Error};

/// A request, its ruling, its decisions and its state, parsed and verified.
pub(crate) struct Record {
    pub(crate) id: RequestId,
    pub(crate) version: u64,
    pub(crate) state: State,
    pub(crate) request: Arc<Verified<RequestStatement>>,
    pub(crate) ruling: Arc<RulingText>,
    pub(crate) decisions: Vec<Counted>,
    pub(crate) rebinds: Vec<Arc<Verified<ActStatement>>>,
    /// Of break-glass that was granted.
    pub(crate) review: Option<Review>,
    pub(crate) stored: Arc<StoredRequest>,
}

/// Where the review of a break-glass stands.
pub(crate) enum Review {
    /// It is owed.
    Owed,
    /// Somebody made it, and when.
    Done(Arc<Verified<ActStatement>>, UnixTime),
}

impl Ca {
    /// Reads a request; `None` when there is none.
    pub(crate) fn record(&self, id: RequestId) -> Result<Option<Record>, Error> {
        self.store.request(id)?.map(|stored| self.verified(Arc::new(stored))).transpose()
    }

    /// The same, from what the store knows by heart, where it does: the uses of it may be fewer than there are.
    pub(crate) fn recalled(&self, id: RequestId) -> Result<Option<Record>, Error> {
        self.store.recall(id)?.map(|stored| self.verified(stored)).transpose()
    }

    /// Checks what the store gave back: it is trusted to remember, not to be believed.
    pub(crate) fn verified(&self, stored: Arc<StoredRequest>) -> Result<Record, Error> {
        let id = stored.id;
        let tampered = |what: String| Error::Tampered { id, what };
        let request = self
            .memory
            .verify::<RequestStatement>(stored.statement.text.as_bytes(), &stored.statement.signature)
            .map_err(|e| tampered(format!("a statement that does not verify ({e})")))?;
        self.ours(&request).map_err(tampered)?;
        let ruling = self.memory.ruling(&stored.ruling);
        let ruling = ruling.map_err(|e| tampered(format!("a ruling that does not parse ({e})")))?;
        let count = |d: &StoredDecision| {
            let decision = self.memory.verify::<DecisionStatement>(d.statement.text.as_bytes(), &d.statement.signature);
            let decision = decision.map_err(|e| tampered(format!("a decision that does not verify ({e})")))?;
            self.ours(&decision).map_err(tampered)?;
            Ok(Counted { decision, taken: d.time })
        };
        let decisions = stored.decisions.iter().map(count).collect::<Result<_, Error>>()?;
        let rebound = |act: &SignedText| {
            let act = self.memory.verify::<ActStatement>(act.text.as_bytes(), &act.signature);
            let act = act.map_err(|e| tampered(format!("an act that does not verify ({e})")))?;
            self.ours(&act).map_err(tampered).map(|()| act)
        };
        let rebinds = stored.rebinds.iter().map(rebound).collect::<Result<Vec<_>, Error>>()?;
        if !request::in_order(id, request.statement().header.time, &rebinds) {
            return Err(tampered(
                "acts about its connecting key that are not its own, or not in their order".to_owned(),
            ));
        }
        let review = stored.review.as_ref().map(|review| self.reviewed(id, review)).transpose().map_err(tampered)?;
        let state = state_of(&stored).ok_or_else(|| tampered("a window without length".to_owned()))?;
        Ok(Record { id, version: stored.version, state, request, ruling, decisions, rebinds, review, stored })
    }

    /// A review as it was signed.
    fn reviewed(&self, id: RequestId, stored: &StoredReview) -> Result<Review, String> {
        let (statement, time) = match stored {
            StoredReview::Owed { .. } => return Ok(Review::Owed),
            StoredReview::Done { statement, time, .. } => (statement, *time),
        };
        let act = self.memory.verify::<ActStatement>(statement.text.as_bytes(), &statement.signature);
        let act = act.map_err(|e| format!("a review that does not verify ({e})"))?;
        self.ours(&act)?;
        if act.statement().act == Act::Review(id) {
            Ok(Review::Done(act, time))
        } else {
            Err("a review of something else".to_owned())
        }
    }

    /// What was signed for another server counts there, and nowhere else.
    fn ours<S: Statement>(&self, verified: &Verified<S>) -> Result<(), String> {
        let meant = verified.statement().header().meant_for(&self.identity.server);
        meant.map_err(|other| format!("a statement for another server, {}", other.0.name))
    }
}

/// The state of a request by the store's word; `None` for a window without length.
pub(crate) fn state_of(stored: &StoredRequest) -> Option<State> {
    Some(match stored.state {
        RequestState::Pending => State::Pending(Pending::restored(stored.expires)),
        RequestState::Approved(store::Window { not_before, not_after }) => {
            State::Approved(Approved::restored(Window::new(not_before, not_after)?))
        }
        RequestState::Denied => State::Ended(Ended::Denied),
        RequestState::Cancelled => State::Ended(Ended::Cancelled),
        RequestState::GivenBack => State::Ended(Ended::GivenBack),
        RequestState::Expired => State::Ended(Ended::Expired),
        RequestState::Stopped => State::Ended(Ended::Stopped),
    })
}

/// A state as the store writes it down.
pub(crate) const fn stored_as(state: &State) -> RequestState {
    match state {
        State::Pending(_) => RequestState::Pending,
        State::Approved(approved) => {
            let window = approved.window();
            RequestState::Approved(store::Window { not_before: window.not_before(), not_after: window.not_after() })
        }
        State::Ended(Ended::Denied) => RequestState::Denied,
        State::Ended(Ended::Cancelled) => RequestState::Cancelled,
        State::Ended(Ended::GivenBack) => RequestState::GivenBack,
        State::Ended(Ended::Expired) => RequestState::Expired,
        State::Ended(Ended::Stopped) => RequestState::Stopped,
    }
}

impl Record {
    /// The request as it was signed and ruled on.
    pub(crate) fn case(&self) -> Case<'_> {
        Case { id: self.id, request: &self.request, ruling: &self.ruling, rebinds: &self.rebinds }
    }

    /// The same as it stands, with what policy says of it today.
    pub(crate) fn held<'a>(&'a self, today: &'a Obligations) -> Held<'a> {
        Held { case: self.case(), state: &self.state, decisions: &self.decisions, today }
    }

    /// How far the approvals that count today get.
    pub(crate) fn tally(&self, bundle: &InForce) -> Tally<'_> {
        self.tally_of(bundle, self.decisions.len())
    }

    /// How far the first of the decisions got, in the order in which they were taken.
    pub(crate) fn tally_of(&self, bundle: &InForce, first: usize) -> Tally<'_> {
        let (case, obligations) = (self.case(), self.ruling.obligations());
        let judged = |counted: &Counted| {
            request::judge(&case, obligations, &counted.decision, counted.taken, bundle.judging()).ok()
        };
        let ballots = self.decisions.iter().take(first).filter_map(judged);
        let votes: Vec<Vote> = ballots.map(|ballot| ballot.vote().clone()).collect();
        Tally::of(&obligations.quorum, self.request.statement().header.time, &votes)
    }

    /// How long it has waited, by the time that the requester signed.
    pub(crate) fn waited(&self, now: UnixTime) -> Span {
        now.since(self.request.statement().header.time)
    }

    /// What policy says today of the rule that was approved, for the hosts that are fetched.
    pub(crate) fn rule_again(
        &self,
        bundle: &InForce,
        hosts: &BTreeSet<HostName>,
        now: UnixTime,
    ) -> Result<Obligations, Error> {
        let rule = &self.ruling.obligations().rule;
        // What a break-glass takes of approvals is in the ruling that was made then: reviews since change nothing of it.
        let ask = ask(&self.request, Owes::Nothing);
        match policy::rule_again(bundle.policy(), bundle.directory(), &ask, rule, hosts, now) {
            Ruling::Permitted(obligations) => Ok(obligations),
            Ruling::Refused(refusal) => Err(Error::Refused(refusal)),
        }
    }
}
