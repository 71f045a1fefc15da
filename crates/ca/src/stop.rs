//! Stopping: no more certificates for a request, a user, a host or at all, and what is valid is revoked (invariant 9).
//!
//! ```text
//! act ──► may this user ──► the gate alone: store: requests and sessions end, serials are revoked, one commit ──► in force
//! lift ──► the quorum for it ──► out of force
//! ```
//!
//! A stopped user counts as disabled, and a stopped host as removed, until that is lifted: so whatever else judges users and
//! hosts needs to know nothing of stops.

use std::collections::BTreeSet;

use cert::ToBeSigned;
use directory::{NotAmendable, Right};
use domain::{Event, GroupName, HostName, RequestId, Serial, Span, StopTarget, UnixTime, UserName};
use ledger::Payload;
use statement::{Act, ActStatement, Canonical as _, RulingText, Verified};
use store::{Filter, LiftTx, Lifting, Reach, SecondTx, Standing, StopDone, StopTx, StoreError};
use tokio::runtime::Handle;

use crate::arrive::{kept, signer_is};
use crate::bundle::InForce;
use crate::gate::Epoch;
use crate::{Ca, Error};

/// How long one person alone stops everything.
const ALONE: Span = match Span::from_seconds(3600) {
    Ok(span) => span,
    Err(_) => Span::ZERO,
};
/// How many requests are read at once.
const PAGE: u32 = 500;

/// Why nothing was stopped or lifted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopRefused {
    /// Nobody says why.
    #[error("a stop is told to others, so it says why: -m REASON")]
    NoReason,
    /// It is stopped.
    #[error("{target} is stopped already, by entry {entry}; to end that: hallpass stop lift {entry} -m REASON")]
    Stands {
        /// What.
        target: StopTarget,
        /// The entry of the stop.
        entry: u64,
    },
    /// No certificate has this serial.
    #[error("no certificate has the serial {0}; look at the line of sshd's log again")]
    NoCertificate(Serial),
    /// It is over.
    #[error("{0} is over, and nothing of it is valid any more; nothing was stopped")]
    Over(StopTarget),
    /// The host that is asked for.
    #[error("the host {0} is stopped; it can be asked for again when that is lifted")]
    Host(HostName),
    /// Without the right `admin` nobody brings about what only an administrator of the machine could end.
    #[error("then nobody would be left for {}; somebody with the right `admin` may stop it all the same", .0.join(", "))]
    LocksOut(Vec<String>),
    /// Who may do more cannot be stopped by who may do less.
    #[error("{0} has the right `admin`; only somebody with that right stops them")]
    Administrator(UserName),
    /// Nothing to lift.
    #[error("no stop of entry {0} is in force; see them with: hallpass stop list")]
    NoStop(u64),
    /// Not one of those who are asked.
    #[error("lifting a stop takes {quorum}, and {user} can fill none of these places")]
    NotAsked {
        /// Who.
        user: UserName,
        /// The quorum.
        quorum: String,
    },
    /// Everything is stopped.
    #[error("everything was stopped by {user} (entry {entry}): {reason}. It ends when it is lifted{}", or_at(*until))]
    All {
        /// Who.
        user: UserName,
        /// The entry.
        entry: u64,
        /// Why.
        reason: String,
        /// When by itself.
        until: Option<UnixTime>,
    },
    /// The certificate of an identical fetch was revoked since.
    #[error("the certificate of this fetch was revoked; sign a new fetch")]
    Revoked,
}

fn or_at(until: Option<UnixTime>) -> String {
    until.map_or_else(String::new, |until| format!(", or at {until} unless somebody else seconds it"))
}

/// What a stop did.
pub struct Stopping {
    /// What ended with it.
    pub done: StopDone,
    /// When it ends by itself.
    pub until: Option<UnixTime>,
    /// Whether an earlier stop was seconded instead.
    pub seconded: Option<u64>,
    /// The groups in which nobody is left to sign another bundle; empty while that is possible.
    pub locked_out: Vec<String>,
}

/// What lifting led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lifted {
    /// The stop is over.
    Over,
    /// Others of these groups must say so too.
    Waits(Vec<GroupName>),
}

impl Ca {
    /// Stops something. To be polled to its end: what is committed must come into force.
    ///
    /// # Errors
    /// What a statement can be refused for, [`StopRefused`], [`Error::NoRight`], and when it cannot be recorded.
    pub async fn stop(&self, text: &[u8], signature: &[u8]) -> Result<Stopping, Error> {
        let (act, now) = self.arrive::<ActStatement>(text, signature).await?;
        let said = act.statement();
        signer_is(self.bundle.load().directory(), act.key(), &said.user)?;
        let Act::Stop(target) = &said.act else {
            return Err(Error::Unsupported("this call takes the act `stop` alone"));
        };
        let reason = said.reason.clone().ok_or(StopRefused::NoReason)?;
        // Before it waits in line: everybody may stop what is their own, and this once.
        self.may_stop(&self.bundle.load_full(), &said.user, target)?;
        self.something_left(target, now)?;
        let _changing = self.changing.lock().await;
        let before = self.bundle.load_full();
        signer_is(before.directory(), act.key(), &said.user)?;
        self.may_stop(&before, &said.user, target)?;
        self.something_left(target, now)?;
        let owner = before.directory().owner_of(&said.user).unwrap_or(&said.user).clone();
        if let Some(stands) = before.stop_of(target, now) {
            if stands.until.is_none() || stands.owner == owner {
                return Err(StopRefused::Stands { target: target.clone(), entry: stands.entry }.into());
            }
            return self.second(&act, &before, stands.entry, now).await;
        }
        let until = if *target == StopTarget::All { now.after(ALONE) } else { None };
        let reach = self.reach(&before, target, now)?;
        let realm = before.realm_of(target);
        let mut stops = before.all_stops().to_vec();
        // In place of one whose time is over.
        stops.retain(|stop| stop.target != *target);
        let after = before.with_stops(stops, Some((target, realm.as_ref())));
        let locked_out = after.locked_out();
        if !locked_out.is_empty()
            && !before.directory().has_right(&said.user, Right::Admin)
            && locked_out != before.locked_out()
        {
            return Err(StopRefused::LocksOut(locked_out).into());
        }
        let stop = StopTx {
            now,
            statement: kept(&act),
            target: target.clone(),
            reach: reach.clone(),
            realm: realm.clone(),
            user: said.user.clone(),
            owner: owner.clone(),
            reason: reason.clone(),
            until,
            in_force: before.version(),
            notify: self.wants(Event::Stop),
        };
        let store = std::sync::Arc::clone(&self.store);
        let done = self.through_the_gate(reach, async move { store.stop(stop).await }).await?;
        let new = Standing {
            entry: done.entry,
            target: target.clone(),
            realm,
            user: said.user.clone(),
            owner,
            reason: reason.to_string(),
            since: now,
            until,
        };
        let new = if target.lasts() { Some(new) } else { None };
        self.bundle.store(after.since(done.entry, new).into());
        self.revoked_more();
        tracing::warn!(user = %said.user, %target, revoked = done.revoked.len(), "stopped");
        Ok(Stopping { done, until, seconded: None, locked_out })
    }

    /// Commits a stop while nothing leaves.
    pub(crate) async fn through_the_gate<T: Send + 'static>(
        &self,
        reach: Reach,
        commit: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, Error> {
        let (gate, store) = (std::sync::Arc::clone(&self.gate), std::sync::Arc::clone(&self.store));
        let runtime = Handle::current();
        let stopping =
            move || gate.stop(&reach, || runtime.block_on(commit).map(|done| (Epoch::new(store.epoch()), done)));
        Ok(tokio::task::spawn_blocking(stopping).await.map_err(|_| StoreError::Closed)??)
    }

    async fn second(
        &self,
        act: &Verified<ActStatement>,
        before: &InForce,
        stop: u64,
        now: UnixTime,
    ) -> Result<Stopping, Error> {
        let mut stops = before.all_stops().to_vec();
        stops.iter_mut().filter(|stands| stands.entry == stop).for_each(|stands| stands.until = None);
        let after = before.with_stops(stops, None);
        let (in_force, notify) = (before.version(), self.wants(Event::Stop));
        let tx = SecondTx { now, statement: kept(act), stop, in_force, notify };
        let entry = self.store.second(tx).await?;
        self.bundle.store(after.since(entry, None).into());
        let done = StopDone { entry, ..StopDone::default() };
        Ok(Stopping { done, until: None, seconded: Some(stop), locked_out: Vec::new() })
    }

    /// Lifts a stop, once enough people say so. To be polled to its end: what is committed must come into force.
    ///
    /// # Errors
    /// What a statement can be refused for, [`StopRefused`], [`Error::NoRight`], and when it cannot be recorded.
    pub async fn lift(&self, text: &[u8], signature: &[u8]) -> Result<Lifted, Error> {
        let (act, now) = self.arrive::<ActStatement>(text, signature).await?;
        let said = act.statement();
        signer_is(self.bundle.load().directory(), act.key(), &said.user)?;
        let Act::Lift(stop) = said.act else {
            return Err(Error::Unsupported("this call takes the act `lift` alone"));
        };
        if said.reason.is_none() {
            return Err(StopRefused::NoReason.into());
        }
        let _changing = self.changing.lock().await;
        let before = self.bundle.load_full();
        signer_is(before.directory(), act.key(), &said.user)?;
        let missing = self.lift_lacks(&before, &said.user, stop)?;
        if !before.stops(now).any(|stands| stands.entry == stop) {
            return Err(StopRefused::NoStop(stop).into());
        }
        let lifting = if missing.is_empty() { Lifting::Ends } else { Lifting::Waits };
        let mut stops = before.all_stops().to_vec();
        if lifting == Lifting::Ends {
            stops.retain(|stands| stands.entry != stop);
        }
        let after = before.with_stops(stops, None);
        let (in_force, notify) = (before.version(), self.wants(Event::Lift));
        let tx = LiftTx { now, statement: kept(&act), stop, lifting, in_force, notify };
        let entry = self.store.lift(tx).await?;
        self.bundle.store(after.since(entry, None).into());
        tracing::warn!(user = %said.user, stop, over = missing.is_empty(), "would lift a stop");
        Ok(if missing.is_empty() { Lifted::Over } else { Lifted::Waits(missing) })
    }

    /// Who is still missing for this stop to be lifted, with this user, by the bundle and the directory as they are now.
    /// Where the bundle names nobody for it, it takes the right `admin`.
    fn lift_lacks(&self, before: &InForce, user: &UserName, stop: u64) -> Result<Vec<GroupName>, Error> {
        let directory = before.directory();
        let Some(quorum) = before.policy().lifters() else {
            if directory.has_right(user, Right::Admin) {
                return Ok(Vec::new());
            }
            return Err(Error::NoRight { user: user.clone(), right: "admin" });
        };
        let unsigned = |by: &BTreeSet<UserName>| policy::unsigned(directory, quorum, by);
        let alone = BTreeSet::from([user.clone()]);
        if unsigned(&alone).len() == unsigned(&BTreeSet::new()).len() {
            return Err(StopRefused::NotAsked { user: user.clone(), quorum: quorum.to_string() }.into());
        }
        let mut by = alone;
        for signed in self.store.lifts(stop)? {
            // What no longer counts is passed over: others say so anew.
            let Ok(act) = self.memory.verify::<ActStatement>(signed.text.as_bytes(), &signed.signature) else {
                continue;
            };
            let said = act.statement();
            let ours = said.header.meant_for(&self.identity.server).is_ok() && said.act == Act::Lift(stop);
            if ours && signer_is(directory, act.key(), &said.user).is_ok() {
                by.insert(said.user.clone());
            }
        }
        Ok(unsigned(&by))
    }

    /// The stops in force.
    pub fn stops(&self) -> Result<Vec<Standing>, Error> {
        let now = self.time.wall()?;
        Ok(self.bundle.load().stops(now).cloned().collect())
    }

    /// The right `stop`, or more; and for their own requests, certificates and accounts everybody, and for a request also
    /// those who decided on it.
    fn may_stop(&self, before: &InForce, user: &UserName, target: &StopTarget) -> Result<(), Error> {
        let directory = before.directory();
        let owns = |of: &UserName| of == user || directory.owner_of(of) == Some(user);
        let trusted = [Right::Admin, Right::Stop].into_iter().any(|right| directory.has_right(user, right));
        let own = match target {
            StopTarget::Request(id) => self.has_part_in(*id, &owns),
            StopTarget::Serial(serial) => self.request_of(*serial).and_then(|id| self.has_part_in(id, &owns)),
            StopTarget::User(of) => Ok(owns(of)),
            StopTarget::Host(_) | StopTarget::All => Ok(false),
        };
        let own = match own {
            // What is there is nobody's business who may not stop it.
            Err(Error::NoRequest(_) | Error::Stop(StopRefused::NoCertificate(_))) if !trusted => false,
            own => own?,
        };
        if own || directory.has_right(user, Right::Admin) {
            return Ok(());
        }
        if !directory.has_right(user, Right::Stop) {
            return Err(Error::NoRight { user: user.clone(), right: "stop" });
        }
        match target {
            StopTarget::User(of) => {
                let admin = directory.accounts_of(of).into_iter().find(|user| directory.has_right(user, Right::Admin));
                admin.map_or(Ok(()), |user| Err(StopRefused::Administrator(user.clone()).into()))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a request or certificate of which nothing is left to stop, so that it is not stopped over and over.
    fn something_left(&self, target: &StopTarget, now: UnixTime) -> Result<(), Error> {
        let left = match target {
            StopTarget::Request(id) => {
                self.store.request(*id)?.ok_or(Error::NoRequest(*id))?;
                // What extends it may live on.
                self.store.any_live(*id, now)?
            }
            StopTarget::Serial(serial) => !self.store.any_revoked(&[*serial])? && self.valid(*serial, now)?,
            StopTarget::User(_) | StopTarget::Host(_) | StopTarget::All => true,
        };
        if left { Ok(()) } else { Err(StopRefused::Over(target.clone()).into()) }
    }

    /// Whether a certificate is valid, if it was ever signed.
    fn valid(&self, serial: Serial, now: UnixTime) -> Result<bool, Error> {
        match self.store.entries(serial.get(), 1)?.pop().map(|entry| entry.payload) {
            Some(Payload::Certificate { to_be_signed, .. }) => {
                let certificate =
                    ToBeSigned::from_bytes(to_be_signed).map_err(|e| Error::Certificate(e.to_string()))?;
                Ok(now < certificate.draft().valid_before)
            }
            _ => Err(StopRefused::NoCertificate(serial).into()),
        }
    }

    /// Whether one of those whom `owns` names asked for the request or decided on it.
    fn has_part_in(&self, id: RequestId, owns: &impl Fn(&UserName) -> bool) -> Result<bool, Error> {
        let record = self.record(id)?.ok_or(Error::NoRequest(id))?;
        let decided = record.decisions.iter().any(|counted| owns(&counted.decision.statement().approver));
        Ok(decided || owns(&record.request.statement().requester))
    }

    pub(crate) fn request_of(&self, serial: Serial) -> Result<RequestId, Error> {
        match self.store.entries(serial.get(), 1)?.pop().map(|entry| (entry.index, entry.payload)) {
            Some((index, Payload::Certificate { request, .. })) if index == serial.get() => Ok(request),
            _ => Err(StopRefused::NoCertificate(serial).into()),
        }
    }

    /// What a stop takes hold of.
    fn reach(&self, before: &InForce, target: &StopTarget, now: UnixTime) -> Result<Reach, Error> {
        let directory = before.stopped_too();
        Ok(match target {
            StopTarget::All => Reach::All,
            StopTarget::Request(id) => Reach::Request(*id),
            StopTarget::Serial(serial) => Reach::Serial(*serial),
            StopTarget::User(user) => {
                let accounts: BTreeSet<UserName> = directory.accounts_of(user).into_iter().cloned().collect();
                if accounts.is_empty() {
                    return Err(Error::NotAmendable(NotAmendable::NoUser(user.clone())));
                }
                Reach::Users(accounts)
            }
            StopTarget::Host(name) => {
                let host = directory.host(name.as_str()).filter(|host| host.name == *name);
                let host = host.ok_or_else(|| Error::NotAmendable(NotAmendable::NoHost(name.clone())))?;
                let realm = host.realm.as_ref();
                let realm = realm.map(|realm| self.signers.of(Some(realm)).map(|ca| ca.public_key().clone()));
                Reach::Host { name: name.clone(), realm: realm.transpose()?, requests: self.only_for(name, now)? }
            }
        })
    }

    /// The requests that are for this host and no other.
    fn only_for(&self, host: &HostName, now: UnixTime) -> Result<Vec<RequestId>, Error> {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = self.store.requests(&Filter::Live(now), before, PAGE)?;
            before = page.last().map(|stored| stored.entry);
            if before.is_none() {
                return Ok(found);
            }
            // What cannot be read gives no certificate.
            let only = |ruling: RulingText| ruling.obligations().hosts.iter().all(|named| named == host);
            let those = page.iter().filter(|stored| RulingText::parse(&stored.ruling).is_ok_and(only));
            found.extend(those.map(|stored| stored.id));
        }
    }
}
