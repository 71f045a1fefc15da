//! Past logins under rules: which would apply, and who would have to approve.

use std::collections::{BTreeMap, BTreeSet};

use directory::Directory;
use domain::{AskedLogin, Fingerprint, Quorum, RuleName, Span, Target, UnixTime, UserName};
use policy::{Ask, Asked, Policy, Ruling, approvers, rule};

use crate::log::{Log, Login};

/// One login of the past, and what would come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The login.
    pub login: Login,
    /// How often there was one.
    pub times: u64,
    /// The user that the directory has for it.
    pub user: Option<UserName>,
    /// What would come of it.
    pub outcome: Outcome,
}

/// What would come of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A rule opens it.
    Ruled {
        /// The rule.
        rule: RuleName,
        /// What it asks.
        quorum: Quorum,
        /// Who could approve.
        approvers: BTreeSet<UserName>,
    },
    /// Nothing does, and why.
    Refused(String),
}

/// Rules on each login of a log as on a request that is made now, for the shortest window and without a ticket.
pub fn replay(log: &Log, directory: &Directory, policy: &Policy, now: UnixTime) -> Vec<Replayed> {
    let keys = keys(directory);
    let each = log.logins().map(|(login, times)| {
        let user = user(directory, &keys, login);
        let outcome = outcome(directory, policy, login, user.as_ref(), now);
        Replayed { login: login.clone(), times, user, outcome }
    });
    each.collect()
}

fn keys(directory: &Directory) -> BTreeMap<Fingerprint, &UserName> {
    let keys = directory.users().flat_map(|user| user.keys.iter().map(move |key| (key.fingerprint(), &user.name)));
    keys.collect()
}

/// Whose key it was; or whom the certificate names, as its key is nobody's.
fn user(directory: &Directory, keys: &BTreeMap<Fingerprint, &UserName>, login: &Login) -> Option<UserName> {
    let by_key = login.proof.key().and_then(|key| keys.get(&key).map(|name| (*name).clone()));
    by_key.or_else(|| login.proof.user().filter(|name| directory.user(name).is_some()))
}

fn outcome(directory: &Directory, policy: &Policy, login: &Login, user: Option<&UserName>, now: UnixTime) -> Outcome {
    let asked = || {
        let unknown = match login.proof.key() {
            Some(_) => "no user of directory.toml has this key, and no certificate names one; add the key",
            None => "only a key or a certificate says who it was",
        };
        let requester = user.ok_or(unknown)?.clone();
        let account: AskedLogin = login.login.parse().map_err(|_| "no rule can have this login")?;
        let host = directory.host(&login.host.to_ascii_lowercase());
        let host = host.ok_or("hosts.toml does not have this host; add it, or its name as an alias")?;
        let window = Span::from_seconds(1).map_err(|_| "no window is this short")?;
        let target = Target::Host(host.name.clone());
        Ok(Ask {
            requester,
            login: account,
            target,
            window,
            command: None,
            ticket: None,
            rule: None,
            break_glass: None,
            keys: None,
            extends: None,
        })
    };
    let ask = match asked() {
        Ok(ask) => ask,
        Err(why) => return Outcome::Refused(<str as ToOwned>::to_owned(why)),
    };
    match rule(policy, directory, &ask, now) {
        Ruling::Permitted(obligations) => {
            let asked = Asked::new(&ask.requester, &obligations);
            let approvers = approvers(policy, directory, asked, now);
            Outcome::Ruled { rule: obligations.rule, quorum: obligations.quorum, approvers }
        }
        Ruling::Refused(refusal) => Outcome::Refused(refusal.to_string()),
    }
}
