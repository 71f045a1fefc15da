//! What receivers are told of stops.

use std::collections::BTreeSet;
use std::sync::Arc;

use directory::{Directory, Right};
use domain::{RequestId, StopTarget, UserName};
use ledger::Payload;
use statement::{Act, ActStatement, Verified};

use super::told::{About, AboutStop, Stands};
use crate::{Ca, Error};

impl Ca {
    /// What the act of this entry tells, and whom it concerns.
    pub(super) fn about_act(&self, entry: u64) -> Result<(BTreeSet<UserName>, About), Error> {
        let act = self.act_of(entry)?;
        let said = act.statement();
        let (stop, target) = match &said.act {
            Act::Stop(target) => (entry, target.clone()),
            Act::Lift(stop) => match &self.act_of(*stop)?.statement().act {
                Act::Stop(target) => (*stop, target.clone()),
                _ => return Err(Error::NoAct(*stop)),
            },
            _ => return Err(Error::NoAct(entry)),
        };
        let bundle = self.bundle.load();
        let stands = match bundle.stop_of(&target, self.time.wall()?) {
            Some(standing) => standing.until.map_or(Stands::UntilLifted, Stands::Until),
            None if target.lasts() => Stands::Over,
            None => Stands::ForGood,
        };
        let mut to = trusted(bundle.directory());
        to.extend(self.stopped_people(bundle.stopped_too(), &target));
        let (user, reason) = (said.user.clone(), said.reason.clone());
        Ok((to, About::Stop(Box::new(AboutStop { target, stop, user, reason, stands }))))
    }

    /// An act, verified again.
    fn act_of(&self, entry: u64) -> Result<Arc<Verified<ActStatement>>, Error> {
        let found = self.store.entries(entry, 1)?.pop().filter(|found| found.index == entry);
        let Some(Payload::Act { statement }) = found.map(|found| found.payload) else {
            return Err(Error::NoAct(entry));
        };
        let act = self.memory.verify::<ActStatement>(statement.text.as_bytes(), &statement.signature);
        let act = act.map_err(|_| Error::NoAct(entry))?;
        let ours = act.statement().header.meant_for(&self.identity.server).is_ok();
        if ours { Ok(act) } else { Err(Error::NoAct(entry)) }
    }

    /// Whose access it was: of a request, a certificate, or a user.
    fn stopped_people(&self, directory: &Directory, target: &StopTarget) -> BTreeSet<UserName> {
        let requester = |id: RequestId| self.requester(id).into_iter().collect();
        match target {
            StopTarget::Request(id) => requester(*id),
            StopTarget::Serial(serial) => self.request_of(*serial).map(requester).unwrap_or_default(),
            StopTarget::User(user) => directory.accounts_of(user).into_iter().cloned().collect(),
            StopTarget::Host(_) | StopTarget::All => BTreeSet::new(),
        }
    }
}

/// Who may stop and lift.
fn trusted(directory: &Directory) -> BTreeSet<UserName> {
    let may = |user: &UserName| [Right::Admin, Right::Stop].into_iter().any(|right| directory.has_right(user, right));
    directory.users().map(|user| &user.name).filter(|name| may(name)).cloned().collect()
}
