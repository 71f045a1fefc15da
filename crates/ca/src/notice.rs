//! Notices: whom to tell of what happens to requests, and what they are told when it is sent.
//!
//! ```text
//! submit, decide ──► notify: who wants to know ──► store, with the change itself
//! remind: whose end is near, once; escalate: who stands in by now, once  ──► store
//! notices ──► tell: the request as it stands, verified again ──► (sent by others) ──► settle
//! ```
//!
//! The request is read when a notice is sent, not when it is written: who is told late is not told what has become
//! untrue. So nothing of what is told waits in the store, and a certificate is told to nobody.

use std::collections::BTreeSet;

use domain::{
    Access, Approval, Command, Event, Origin, Quorum, ReceiverName, RuleName, Span, Text, UnixTime, UserName,
};
use request::{State, StateName};
use store::{Bounds, Due, KeepReceiversTx, Notice, Notify, PruneTx, RemindTx, SettleTx, Settled, StoreError, Waiting};

use crate::bundle::InForce;
use crate::read::{approvers, missing_in_words, undecided};
use crate::record::Record;
use crate::{Ca, Error};

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The receiver.
    pub receiver: ReceiverName,
    /// The events that it wants.
    pub on: BTreeSet<Event>,
}

/// What a receiver is told: no signature, no key, nothing that opens anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What happened, to which request.
    pub notice: Notice,
    /// The server's name.
    pub server: Origin,
    /// Where the request stands now.
    pub state: StateName,
    /// Who asks.
    pub requester: UserName,
    /// The login, and the host or labels.
    pub access: Access,
    /// How long the window is.
    pub window: Span,
    /// The asked start; otherwise the window starts with the last approval.
    pub start: Option<UnixTime>,
    /// Why.
    pub reason: Text,
    /// A ticket elsewhere.
    pub ticket: Option<Text>,
    /// The one command that certificates run.
    pub command: Option<Command>,
    /// When it came.
    pub submitted: UnixTime,
    /// When it dies unanswered, while it waits.
    pub pending_until: Option<UnixTime>,
    /// The window, once approved.
    pub granted: Option<store::Window>,
    /// The rule that was taken.
    pub rule: RuleName,
    /// The approvals that it needs.
    pub quorum: Quorum,
    /// Who decided what, in this order.
    pub decisions: Vec<Decided>,
    /// What is missing of the stage of the quorum that is asked, in words; empty when all is complete or the request is
    /// over.
    pub missing: String,
    /// Who may decide now.
    pub approvers: BTreeSet<UserName>,
    /// Whom this concerns: those who are asked and have not decided, or the requester.
    pub to: BTreeSet<UserName>,
}

/// A decision as receivers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Who decided.
    pub approver: UserName,
    /// What they said.
    pub verdict: Approval,
    /// When.
    pub time: UnixTime,
    /// What they added.
    pub comment: Option<Text>,
}

impl Told {
    /// The decision that this is about, when it is about one.
    pub fn decision(&self) -> Option<&Decided> {
        let times: Vec<UnixTime> = self.decisions.iter().map(|decided| decided.time).collect();
        let place = place_of_decision(&self.notice, &times)?;
        self.decisions.get(place).filter(|_| self.notice.event == Event::Decision)
    }
}

/// Which of the decisions, taken at these times, a notice is about. Where some were taken back since, the time tells.
fn place_of_decision(notice: &Notice, times: &[UnixTime]) -> Option<usize> {
    let by_version = notice.version.checked_sub(2).and_then(|place| usize::try_from(place).ok());
    let then = |place: &usize| times.get(*place) == Some(&notice.happened);
    let by_time = || (0..times.len()).find(then);
    by_version.filter(then).or_else(by_time).or(by_version)
}

/// Whether the decision that a notice is about completed a stage before the last.
fn opened_a_stage(bundle: &InForce, record: &Record, notice: &Notice) -> bool {
    let times: Vec<UnixTime> = record.decisions.iter().map(|counted| counted.taken).collect();
    let opened = |place: usize| {
        let before = record.tally_of(bundle, place);
        let with = record.tally_of(bundle, place + 1);
        with.stages_complete() > before.stages_complete() && !with.is_complete()
    };
    place_of_decision(notice, &times).is_some_and(opened)
}

/// Most requests that one round reminds of; the next round takes the rest.
const AT_ONCE: u32 = 500;

impl Ca {
    /// Whom to tell of an event that leads to this state, and when its end is near.
    pub(crate) fn notify(&self, event: Event, now: UnixTime, state: &State) -> Notify {
        let remind = match state {
            State::Pending(pending) => Some(domain::wait_ends_soon(now, pending.until())),
            State::Approved(approved) => {
                let window = approved.window();
                domain::window_ends_soon(window.not_before(), window.not_after())
            }
            State::Ended(_) => None,
        };
        Notify { to: self.who_wants(event), remind, escalate: None }
    }

    /// The receivers that want an event.
    pub(crate) fn who_wants(&self, event: Event) -> Vec<ReceiverName> {
        let wanting = self.subscriptions.iter().filter(|subscription| subscription.on.contains(&event));
        wanting.map(|subscription| subscription.receiver.clone()).collect()
    }

    /// Writes down for every request whose end is near that receivers are to be told, once; how many there were. The
    /// background job calls this every few seconds.
    ///
    /// # Errors
    /// When the clock cannot be trusted or the store not be used.
    pub async fn remind(&self) -> Result<usize, Error> {
        let now = self.trusted_time().await?;
        let mut reminded = 0;
        for Due { id, version, .. } in self.store.ending(now, AT_ONCE)? {
            let live = self.store.request(id)?.is_some_and(|stored| stored.lives_at(now));
            let to = if live { self.who_wants(Event::Expiry) } else { Vec::new() };
            match self.store.remind(RemindTx { now, id, version, to }).await {
                Ok(()) => reminded += 1,
                // Somebody decided or ended it in between.
                Err(StoreError::Conflict(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(reminded)
    }

    /// What a receiver is to be told by now, at most `limit`, the longest due first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn notices(&self, receiver: &ReceiverName, now: UnixTime, limit: u32) -> Result<Vec<Notice>, Error> {
        Ok(self.store.notices(receiver, now, limit)?)
    }

    /// What a notice tells, as of now.
    ///
    /// # Errors
    /// [`Error::NoRequest`], [`Error::Tampered`], or when the store cannot be read.
    pub fn tell(&self, notice: Notice) -> Result<Told, Error> {
        let id = notice.request;
        let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        let now = self.time.wall()?;
        let state = record.state.name_at(now);
        let bundle = self.bundle.load();
        let asked = record.request.statement();
        let obligations = record.ruling.obligations();
        let waits = state == StateName::Pending;
        let tally = record.tally(&bundle);
        let approvers =
            if waits { approvers(&bundle, &record, &tally, record.waited(now), now) } else { BTreeSet::new() };
        let decisions = record.decisions.iter().map(|counted| {
            let said = counted.decision.statement();
            let (approver, verdict) = (said.approver.clone(), said.verdict);
            Decided { approver, verdict, time: counted.taken, comment: said.comment.clone() }
        });
        Ok(Told {
            to: concerned(&bundle, &record, &notice, now),
            notice,
            server: self.identity.server.name.clone(),
            state,
            requester: asked.requester.clone(),
            access: asked.access.clone(),
            window: asked.window,
            start: asked.start,
            reason: asked.reason.clone(),
            ticket: asked.ticket.clone(),
            command: asked.command.clone(),
            submitted: record.stored.submitted,
            pending_until: waits.then_some(record.stored.expires),
            granted: record.stored.state.window(),
            rule: obligations.rule.clone(),
            quorum: obligations.quorum.clone(),
            decisions: decisions.collect(),
            missing: if waits { missing_in_words(&tally) } else { String::new() },
            approvers,
        })
    }

    /// Writes down what came of a notice.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn settle(&self, notice: Notice, settled: Settled) -> Result<(), Error> {
        Ok(self.store.settle(SettleTx { notice, settled }).await?)
    }

    /// How much waits for a receiver.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn waiting(&self, bounds: &Bounds) -> Result<Waiting, Error> {
        Ok(self.store.waiting(bounds)?)
    }

    /// Drops what is out of bounds; how many notices there were.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn prune(&self, bounds: Bounds) -> Result<u64, Error> {
        Ok(self.store.prune(PruneTx(bounds)).await?)
    }

    /// Drops what waits for receivers that nobody subscribes any more; how many notices there were.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_receivers(&self) -> Result<u64, Error> {
        let kept = self.subscriptions.iter().map(|subscription| subscription.receiver.clone()).collect();
        Ok(self.store.keep_receivers(KeepReceiversTx(kept)).await?)
    }
}

/// Whom a notice concerns: those who can still do something about it, and the requester of what was decided or ends. Those
/// of the next stage learn of the decision that completed theirs, and who stands in when they do; where others came to
/// stand in before, these are told with them.
fn concerned(bundle: &InForce, record: &Record, notice: &Notice, now: UnixTime) -> BTreeSet<UserName> {
    let waits = record.state.name_at(now) == StateName::Pending;
    let asked = |waited| if waits { undecided(bundle, record, waited, now) } else { BTreeSet::new() };
    let asked_now = || asked(record.waited(now));
    let requester = record.request.statement().requester.clone();
    match notice.event {
        Event::Submit => asked_now(),
        Event::Decision if opened_a_stage(bundle, record, notice) => {
            asked_now().into_iter().chain([requester]).collect()
        }
        Event::Decision => BTreeSet::from([requester]),
        Event::Escalation => {
            let from_the_first = asked(Span::ZERO);
            asked_now().into_iter().filter(|user| !from_the_first.contains(user)).collect()
        }
        Event::Expiry => asked_now().into_iter().chain([requester]).collect(),
    }
}
