//! Reading: what a session may see of requests.
//!
//! One sees one's own requests, those one may decide, and everything with the `audit` right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use directory::{Directory, Host, Right};
use domain::{Obligations, RequestId, Span, Tally, UnixTime, UserName};
use policy::Asked;
use request::StateName;
use store::{Filter, StoredRequest, StoredReview, Used};

use crate::bundle::InForce;
use crate::record::{Record, Review};
use crate::session::Session;
use crate::{Ca, Error};

/// A request as it is shown: what was signed, and what follows from it today.
pub struct View {
    /// The request as stored, with every signed text.
    pub stored: Arc<StoredRequest>,
    /// Its state; a pending request past its hour shows as expired before the background job has come by.
    pub state: StateName,
    /// Who may approve it now.
    pub approvers: BTreeSet<UserName>,
    /// What is missing of the stage of the quorum that is asked, in words; empty when all is complete.
    pub missing: String,
    /// Where the hosts of the ruling are reached today.
    pub hosts: Vec<Host>,
    /// The certificates that came of it, when it is break-glass.
    pub used: Vec<Used>,
    /// Where the jump hosts in front of them are.
    pub jump_hosts: Vec<Host>,
}

/// Which requests are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// One's own.
    Mine,
    /// Pending ones that one may decide now, and break-glass that one may review while that is owed.
    Inbox,
    /// Break-glass whose review is owed, of all that one may read.
    Owed,
    /// All that one may read.
    All,
}

impl Ca {
    /// One request.
    ///
    /// # Errors
    /// [`Error::NoRequest`] also when it exists and the session may not see it.
    pub fn get(&self, session: &Session, id: RequestId) -> Result<View, Error> {
        self.readable(session, id).and_then(|record| self.viewed(record))
    }

    /// One request, if the session may read it.
    pub(crate) fn readable(&self, session: &Session, id: RequestId) -> Result<Record, Error> {
        let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        if self.may_read(session, &record) { Ok(record) } else { Err(Error::NoRequest(id)) }
    }

    /// Requests, newest first, at most `limit`; only those that can still be used or decided when `live`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self, session: &Session, which: Which, liveness: Liveness, limit: usize) -> Result<Vec<View>, Error> {
        let filter = match (which, liveness) {
            (Which::Mine, Liveness::Live) => Filter::Open(session.user().clone(), self.time.wall()?),
            (Which::Mine, Liveness::Any) => Filter::Of(session.user().clone()),
            (Which::Inbox, _) => Filter::Inbox,
            (Which::Owed, _) => Filter::Owed,
            (Which::All, _) => Filter::All,
        };
        let (mut views, mut before) = (Vec::new(), None);
        for _page in 0..SCANNED / PAGE {
            let page = self.store.requests(&filter, before, PAGE)?;
            let Some(last) = page.last() else { break };
            before = Some(last.entry);
            for stored in page {
                if views.len() == limit {
                    return Ok(views);
                }
                views.extend(self.listed(session, which, liveness, stored)?);
            }
        }
        Ok(views)
    }

    /// A request as one line of a list, if it belongs there. One that does not verify is an alarm, not an end of all
    /// lists.
    fn listed(
        &self,
        session: &Session,
        which: Which,
        liveness: Liveness,
        stored: StoredRequest,
    ) -> Result<Option<View>, Error> {
        let (requester, id) = (stored.requester.clone(), stored.id);
        let record = match self.verified(Arc::new(stored)) {
            Ok(record) => record,
            Err(error) => {
                tracing::error!(user = %requester, request = %id, %error, "a stored request is left out of a list");
                return Ok(None);
            }
        };
        if !self.selected(session, which, &record)? {
            return Ok(None);
        }
        let view = self.viewed(record)?;
        let owed = matches!(view.stored.review, Some(StoredReview::Owed { .. }));
        let live = matches!(view.state, StateName::Pending | StateName::Approved)
            || (owed && matches!(which, Which::Inbox | Which::Owed));
        Ok((live || liveness == Liveness::Any).then_some(view))
    }

    /// Whether a changed request belongs to what a session watches.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn watched(&self, session: &Session, which: Which, id: RequestId) -> Result<Option<View>, Error> {
        let Some(record) = self.record(id)? else { return Ok(None) };
        // An inbox also learns that a request left it: whoever might have decided it may read it.
        let selected = match which {
            Which::Inbox => self.may_decide(session.user(), &record) || self.may_review(session.user(), &record),
            other => self.selected(session, other, &record)?,
        };
        if selected { self.viewed(record).map(Some) } else { Ok(None) }
    }

    /// Every request that changes, as it does.
    pub fn changes(&self) -> tokio::sync::broadcast::Receiver<store::RequestChanged> {
        self.store.subscribe()
    }

    /// Who asked for a request, by the store's word: for a line of the log.
    pub fn requester(&self, id: RequestId) -> Option<UserName> {
        self.store.request(id).ok().flatten().map(|stored| stored.requester)
    }

    pub(crate) fn view(&self, id: RequestId) -> Result<View, Error> {
        self.record(id)?.ok_or(Error::NoRequest(id)).and_then(|record| self.viewed(record))
    }

    fn selected(&self, session: &Session, which: Which, record: &Record) -> Result<bool, Error> {
        Ok(match which {
            Which::Mine => record.request.statement().requester == *session.user(),
            Which::Inbox if self.waits_for_review_by(session.user(), record) => true,
            Which::Owed => matches!(record.review, Some(Review::Owed)) && self.may_read(session, record),
            Which::Inbox => {
                let waits = self.state_now(record)? == StateName::Pending;
                let bundle = self.bundle.load();
                let now = self.time.wall()?;
                waits && undecided(&bundle, record, record.waited(now), now).contains(session.user())
            }
            Which::All => self.may_read(session, record),
        })
    }

    fn may_read(&self, session: &Session, record: &Record) -> bool {
        record.request.statement().requester == *session.user()
            || self.may_decide(session.user(), record)
            || self.may_review(session.user(), record)
            || self.has_right(session, Right::Audit)
    }

    /// Whether they may at some time, be it to deny.
    fn may_decide(&self, user: &UserName, record: &Record) -> bool {
        policy::deciders(self.bundle.load().directory(), asked(record)).contains(user)
    }

    /// Whether they may review it, be that owed or not.
    fn may_review(&self, user: &UserName, record: &Record) -> bool {
        request::may_review(&record.case(), user, self.bundle.load().directory()).is_ok()
    }

    fn waits_for_review_by(&self, user: &UserName, record: &Record) -> bool {
        matches!(record.review, Some(Review::Owed)) && self.may_review(user, record)
    }

    fn state_now(&self, record: &Record) -> Result<StateName, Error> {
        Ok(record.state.name_at(self.time.wall()?))
    }

    fn viewed(&self, record: Record) -> Result<View, Error> {
        let bundle = self.bundle.load();
        let directory = bundle.directory();
        let state = self.state_now(&record)?;
        let (approvers, missing) = if state == StateName::Pending {
            let tally = record.tally(&bundle);
            let now = self.time.wall()?;
            (approvers(&bundle, &record, &tally, record.waited(now), now), missing_in_words(&tally))
        } else {
            (BTreeSet::new(), String::new())
        };
        let hosts = endpoints(directory, record.ruling.obligations());
        let used = match record.review {
            Some(_) => self.store.used(record.id)?,
            None => Vec::new(),
        };
        let jump_hosts = jump_hosts(directory, &hosts);
        Ok(View { stored: record.stored, state, approvers, missing, hosts, jump_hosts, used })
    }
}

/// Where the hosts of a ruling are reached today; of a live one, those that have the labels today.
fn endpoints(directory: &Directory, allowed: &Obligations) -> Vec<Host> {
    match &allowed.live {
        Some(labels) => directory.select(labels).filter(|host| host.realm.is_none()).cloned().collect(),
        None => allowed.hosts.iter().filter_map(|host| directory.host(host.as_str())).cloned().collect(),
    }
}

fn jump_hosts(directory: &Directory, hosts: &[Host]) -> Vec<Host> {
    let jumps = |host| directory.jump_hosts(host).into_iter().flatten().map(|(jump, _)| (&jump.name, jump));
    let each: BTreeMap<_, _> = hosts.iter().flat_map(jumps).collect();
    each.into_values().cloned().collect()
}

/// Whether requests that are over are wanted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// All of them.
    Any,
    /// Only those that can still be used or decided.
    Live,
}

/// Most requests that one listing looks at.
const SCANNED: u32 = 5_000;
/// How many are in memory at once.
const PAGE: u32 = 50;

/// Who is asked to approve a request that has waited for so long: enabled people in the groups whose slots of this stage an
/// approval could fill, and in those that stand in for them by then, whose conditions hold now; never the requester's own
/// accounts.
pub(crate) fn approvers(
    bundle: &InForce,
    record: &Record,
    tally: &Tally<'_>,
    waited: Span,
    now: UnixTime,
) -> BTreeSet<UserName> {
    let asks = tally.asks();
    let asked = Asked { quorum: &asks, waited, ..asked(record) };
    policy::approvers(bundle.policy(), bundle.directory(), asked, now)
}

/// The same without those whose approval counts already.
pub(crate) fn undecided(bundle: &InForce, record: &Record, waited: Span, now: UnixTime) -> BTreeSet<UserName> {
    let tally = record.tally(bundle);
    let counts = |user: &UserName| bundle.directory().owner_of(user).is_some_and(|owner| tally.counts(owner));
    approvers(bundle, record, &tally, waited, now).into_iter().filter(|user| !counts(user)).collect()
}

fn asked(record: &Record) -> Asked<'_> {
    Asked::new(&record.request.statement().requester, record.ruling.obligations())
}

/// `1 of security, 2 of sre`; nothing when all is there.
pub(crate) fn missing_in_words(tally: &Tally<'_>) -> String {
    if tally.is_complete() { String::new() } else { tally.missing().to_string() }
}
