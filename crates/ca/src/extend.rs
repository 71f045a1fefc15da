//! Extending: a request that names a live grant of the same user, and what it rests on from then on.
//!
//! ```text
//! names a grant ──► theirs? open now? the same login, hosts, command, key? ──► policy rules, counting from its beginning
//!   ──► under `extend`: every grant before it, up to the first that stands by itself, stands as well
//! ```

use std::collections::BTreeSet;

use domain::{Extends, HostName, Obligations, RequestId, UnixTime};
use request::{Case, Held, MOST_EXTENDED, NoExtension, NotGranted, State, StateName};
use statement::RequestStatement;

use crate::bundle::InForce;
use crate::record::Record;
use crate::{Ca, Error};

/// Why a request extends nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtendRefused {
    /// There is nothing left of it.
    #[error(
        "request {id} is {state}, so there is nothing to extend; ask anew: hallpass request {access} --for DURATION -m REASON"
    )]
    NotLive {
        /// The request.
        id: RequestId,
        /// Its state.
        state: StateName,
        /// What it is for.
        access: String,
    },
    /// Its window comes later.
    #[error("the window of request {id} opens at {at}; it can be extended from then on")]
    NotYet {
        /// The request.
        id: RequestId,
        /// The first second inside.
        at: UnixTime,
    },
    /// The windows would not join.
    #[error("the window of request {id} ends at {end}, and its extension would begin later; begin then at the latest")]
    Gap {
        /// The request.
        id: RequestId,
        /// The first second after it.
        end: UnixTime,
    },
    /// Certificates would be for another key.
    #[error("request {id} is for the connecting key {want}, and the extension for {got}; ask for the same")]
    OtherKey {
        /// The request.
        id: RequestId,
        /// Fingerprint of its connecting key.
        want: String,
        /// Fingerprint of that in the extension.
        got: String,
    },
    /// It is for something else.
    #[error("this does not extend request {id}: {why}")]
    NoExtension {
        /// The request.
        id: RequestId,
        /// Why not.
        why: NoExtension,
    },
    /// What it would rest on does not stand.
    #[error("this would rest on the approvals of earlier requests, and {0}")]
    RestsOnNothing(NotGranted),
}

/// A request that an extension rests on, and what policy says of it today.
pub(crate) struct Before {
    record: Record,
    today: Obligations,
}

impl Before {
    pub(crate) fn held(&self) -> Held<'_> {
        self.record.held(&self.today)
    }
}

impl Ca {
    /// The grant that a request extends, if it extends one: open now, of the same user, and for the same.
    pub(crate) fn extended(&self, said: &RequestStatement, now: UnixTime) -> Result<Option<Record>, Error> {
        let Some(Extends { id, .. }) = said.extends else { return Ok(None) };
        let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        let before = record.request.statement();
        // What is there is nobody else's business.
        if before.requester != said.requester {
            return Err(Error::NoRequest(id));
        }
        let state = record.state.name_at(now);
        let window = match &record.state {
            State::Approved(approved) if state == StateName::Approved => approved.window(),
            _ => return Err(ExtendRefused::NotLive { id, state, access: before.access.to_string() }.into()),
        };
        if !window.contains(now) {
            return Err(ExtendRefused::NotYet { id, at: window.not_before() }.into());
        }
        if said.start.is_some_and(|start| start > window.not_after()) {
            return Err(ExtendRefused::Gap { id, end: window.not_after() }.into());
        }
        let why = |why| ExtendRefused::NoExtension { id, why };
        request::asks_the_same(said, (id, before), window).map_err(why)?;
        let (want, got) = (request::connecting_key(&record.case()).clone(), &said.connecting_key);
        if want != *got {
            let (want, got) = (want.fingerprint().to_string(), got.fingerprint().to_string());
            return Err(ExtendRefused::OtherKey { id, want, got }.into());
        }
        Ok(Some(record))
    }

    /// Refuses an extension that opens more than what it extends, or rests on what does not stand.
    pub(crate) fn holds(
        &self,
        case: &Case<'_>,
        extended: &Record,
        bundle: &InForce,
        now: UnixTime,
    ) -> Result<(), Error> {
        let why = |why| ExtendRefused::NoExtension { id: extended.id, why };
        request::opens_no_more(case.ruling, &extended.ruling).map_err(why)?;
        let today = case.ruling.obligations();
        let before = self.rests_on(case, today, bundle, &today.hosts, now)?;
        if !today.rests {
            return Ok(());
        }
        let held: Vec<Held<'_>> = before.iter().map(Before::held).collect();
        request::stands_on(case, &held, bundle.judging()).map_err(|refused| match refused {
            NotGranted::NoExtension { why, .. } => ExtendRefused::NoExtension { id: extended.id, why }.into(),
            NotGranted::RestsOnNothing { why, .. } => ExtendRefused::RestsOnNothing(*why).into(),
            other => Error::NotGranted(other),
        })
    }

    /// What a request rests on, the one that it names first; nothing where it stands by itself.
    pub(crate) fn rests_on(
        &self,
        case: &Case<'_>,
        today: &Obligations,
        bundle: &InForce,
        hosts: &BTreeSet<HostName>,
        now: UnixTime,
    ) -> Result<Vec<Before>, Error> {
        let rests = |case: &Case<'_>, today: &Obligations| {
            case.request.statement().extends.filter(|_| today.rests || case.ruling.obligations().rests)
        };
        let (mut before, mut next) = (Vec::new(), rests(case, today));
        // One that rests on more is refused for what is missing here.
        while let Some(Extends { id, .. }) = next.filter(|_| before.len() < MOST_EXTENDED) {
            let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
            let today = record.rule_again(bundle, hosts, now)?;
            next = rests(&record.case(), &today);
            before.push(Before { record, today });
        }
        Ok(before)
    }
}
