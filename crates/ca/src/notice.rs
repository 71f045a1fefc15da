//! Notices: whom to tell of what happens, and what they are told when it is sent.
//!
//! ```text
//! submit, decide, review, stop, lift ──► notify: who wants to know ──► store, with the change itself
//! remind: whose end is near, once; escalate: who stands in by now, once  ──► store
//! notices ──► tell: the request as it stands, verified again ──► (sent by others) ──► settle
//! ```
//!
//! The request is read when a notice is sent, not when it is written: who is told late is not told what has become
//! untrue. So nothing of what is told waits in the store, and a certificate is told to nobody.

mod acts;
mod told;

use std::collections::BTreeSet;

use domain::{Event, ReceiverName, RequestId, Span, UnixTime, UserName};
use request::{State, StateName};
use store::{
    Bounds, Due, KeepReceiversTx, Notice, Notify, PruneTx, RemindTx, SettleTx, Settled, StoreError, Subject, Waiting,
};

use crate::bundle::InForce;
use crate::read::{approvers, missing_in_words, undecided};
use crate::record::{Record, Review};
use crate::{Ca, Error};
use told::place_of_decision;
pub use told::{About, AboutRequest, AboutStop, Decided, Reviewed, Stands, Told};

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The receiver.
    pub receiver: ReceiverName,
    /// The events that it wants.
    pub on: BTreeSet<Event>,
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
        Notify { to: self.wants(event), remind, escalate: None }
    }

    /// The receivers that want an event. Break-glass is a request that came, too: who does not want it by its own name is told
    /// of it as of any other.
    pub(crate) fn wants(&self, event: Event) -> Vec<(ReceiverName, Event)> {
        let also = if event == Event::BreakGlass { Some(Event::Submit) } else { None };
        let wanted = |subscription: &Subscription| {
            let event = [Some(event), also].into_iter().flatten().find(|event| subscription.on.contains(event))?;
            Some((subscription.receiver.clone(), event))
        };
        self.subscriptions.iter().filter_map(wanted).collect()
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
            let to = if live { self.wants(Event::Expiry) } else { Vec::new() };
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
    /// [`Error::NoRequest`], [`Error::NoAct`], [`Error::Tampered`], or when the store cannot be read.
    pub fn tell(&self, notice: Notice) -> Result<Told, Error> {
        let (to, about) = match notice.subject {
            Subject::Request(id) => self.about_request(id, &notice)?,
            Subject::Act(entry) => self.about_act(entry)?,
        };
        Ok(Told { notice, server: self.identity.server.name.clone(), to, about })
    }

    fn about_request(&self, id: RequestId, notice: &Notice) -> Result<(BTreeSet<UserName>, About), Error> {
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
        let about = AboutRequest {
            id,
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
            break_glass: obligations.break_glass.clone(),
            reviewed: record.review.as_ref().and_then(reviewed),
            approvers,
        };
        Ok((concerned(&bundle, &record, notice, now), About::Request(Box::new(about))))
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

fn reviewed(review: &Review) -> Option<Reviewed> {
    match review {
        Review::Owed => None,
        Review::Done(act, time) => {
            let said = act.statement();
            Some(Reviewed { reviewer: said.user.clone(), time: *time, found: said.reason.clone() })
        }
    }
}

/// Whom a notice concerns: those who can still do something about it, and the requester of what was decided or ends. Those
/// of the next stage learn of the decision that completed theirs, and who stands in when they do; where others came to
/// stand in before, these are told with them. Of break-glass everybody in the group that reviews it, and the requester, whose
/// key it may not have been who used it.
fn concerned(bundle: &InForce, record: &Record, notice: &Notice, now: UnixTime) -> BTreeSet<UserName> {
    let directory = bundle.directory();
    let waits = record.state.name_at(now) == StateName::Pending;
    let asked = |waited| if waits { undecided(bundle, record, waited, now) } else { BTreeSet::new() };
    let asked_now = || asked(record.waited(now));
    let requester = record.request.statement().requester.clone();
    let group = record.ruling.obligations().break_glass.as_ref().and_then(|group| directory.group(group));
    let told = group.into_iter().flat_map(|group| &group.members).filter(|name| !directory.is_disabled(name)).cloned();
    match notice.event {
        Event::BreakGlass | Event::Review => told.chain([requester]).collect(),
        Event::Submit => asked_now(),
        Event::Decision if opened_a_stage(bundle, record, notice) => {
            asked_now().into_iter().chain([requester]).collect()
        }
        // Acts are about no request.
        Event::Stop | Event::Lift => BTreeSet::new(),
        Event::Decision => BTreeSet::from([requester]),
        Event::Escalation => {
            let from_the_first = asked(Span::ZERO);
            asked_now().into_iter().filter(|user| !from_the_first.contains(user)).collect()
        }
        Event::Expiry => asked_now().into_iter().chain([requester]).collect(),
    }
}
