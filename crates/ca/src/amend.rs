//! Amending what is in force, by one signature and at once: a user, a key or a host goes, or a host joins its pool.
//!
//! ```text
//! act ──► right ──► changes something? ──► store: sessions and requests end + act, one commit ──► in force
//! ```
//!
//! What takes away waits for nobody; what adds comes from the bundle, and a pool is part of it. An amendment stands until a
//! bundle has caught up with it: one that still has what was taken away does not bring it back.

use std::collections::BTreeSet;
use std::sync::Arc;

use directory::Right;
use domain::{Amendment, UserName};
use statement::{Act, ActStatement};
use store::{AmendTx, Amended, EndedWith, Lasting, Reach};

use crate::arrive::{kept, signer_is};
use crate::bundle::InForce;
use crate::{Ca, Error};

/// What an amendment did.
pub struct Amending {
    /// What ended with it.
    pub ended: EndedWith,
    /// The groups in which nobody is left to sign another bundle; empty while that is possible.
    pub locked_out: Vec<String>,
}

impl Ca {
    /// Amends what is in force. To be polled to its end: what is committed must come into force.
    ///
    /// # Errors
    /// What a statement can be refused for, [`Error::NoRight`], [`Error::NotAmendable`] when it would change nothing or
    /// is for a bundle to say, and when it cannot be recorded.
    pub async fn amend(&self, text: &[u8], signature: &[u8]) -> Result<Amending, Error> {
        let (act, now) = self.arrive::<ActStatement>(text, signature).await?;
        let said = act.statement();
        signer_is(self.bundle.load().directory(), act.key(), &said.user)?;
        let Act::Amend(amendment) = &said.act else {
            return Err(Error::Unsupported("this call takes the acts that disable, remove, or add a host to a pool"));
        };
        let _changing = self.changing.lock().await;
        let before = self.bundle.load_full();
        // It may have waited in line for a while.
        signer_is(before.directory(), act.key(), &said.user)?;
        may_amend(&before, &said.user, amendment)?;
        before.stopped_too().amendable(amendment).map_err(Error::NotAmendable)?;
        if let Some(removed) = before.amendments().find(|earlier| brings_back(earlier, amendment)) {
            return Err(Error::TakenAway(removed.target()));
        }

        let ends = ends(&before, amendment);
        let undoes = undone(before.amended(), amendment);
        // Where it takes all of an earlier one back, and the bundle by itself has nothing of it, there is nothing left to say.
        let in_bundle = before.bundle().directory().amendable(amendment).is_ok();
        let lasting = if undoes.is_empty() || in_bundle { Lasting::Stands } else { Lasting::Done };
        let amend = AmendTx {
            now,
            statement: kept(&act),
            amendment: amendment.clone(),
            lasting,
            undoes: undoes.clone(),
            in_force: before.version(),
            ends: ends.clone(),
        };
        let store = Arc::clone(&self.store);
        let ended = if ends.is_empty() {
            store.amend(amend).await?
        } else {
            // Who is disabled is stopped: nothing of theirs leaves once this returns.
            self.through_the_gate(Reach::Users(ends), async move { store.amend(amend).await }).await?
        };
        let mut amendments: Vec<Amended> =
            before.amended().iter().filter(|amended| !undoes.contains(&amended.entry)).cloned().collect();
        if lasting == Lasting::Stands {
            amendments.push(Amended { entry: ended.entry, amendment: amendment.clone() });
        }
        let stops = before.all_stops().to_vec();
        let after = InForce::new(Arc::clone(before.bundle()), amendments, stops, before.entry(), ended.entry);
        let locked_out = after.locked_out();
        self.bundle.store(Arc::new(after));
        self.revoked_more();
        Ok(Amending { ended, locked_out })
    }
}

/// Administrators amend anything; who has the right `hosts` brings hosts into pools, and takes those away again.
fn may_amend(before: &InForce, user: &UserName, amendment: &Amendment) -> Result<(), Error> {
    let has = |right| before.directory().has_right(user, right);
    let of_a_pool = match amendment {
        Amendment::AddHost { .. } => true,
        Amendment::RemoveHost(name) => before.bundle().directory().host(name.as_str()).is_none(),
        Amendment::DisableUser(_) | Amendment::RemoveKey { .. } => false,
    };
    if has(Right::Admin) || of_a_pool && has(Right::Hosts) {
        return Ok(());
    }
    let right = if of_a_pool { "hosts" } else { "admin" };
    Err(Error::NoRight { user: user.clone(), right })
}

/// What an act took away, only a bundle brings back.
fn brings_back(earlier: &Amendment, amendment: &Amendment) -> bool {
    matches!((earlier, amendment), (Amendment::RemoveHost(gone), Amendment::AddHost { name, .. }) if gone == name)
}

/// The users whose sessions and requests end.
fn ends(before: &InForce, amendment: &Amendment) -> BTreeSet<UserName> {
    match amendment {
        Amendment::DisableUser(user) => before.directory().accounts_of(user).into_iter().cloned().collect(),
        _ => BTreeSet::new(),
    }
}

/// The earlier amendments that this one takes back.
fn undone(amendments: &[Amended], amendment: &Amendment) -> Vec<u64> {
    let Amendment::RemoveHost(gone) = amendment else { return Vec::new() };
    let added = |amended: &&Amended| matches!(&amended.amendment, Amendment::AddHost { name, .. } if name == gone);
    amendments.iter().filter(added).map(|amended| amended.entry).collect()
}
