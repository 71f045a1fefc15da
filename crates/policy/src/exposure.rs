//! Standing exposure: how many could get in where, without an approval and with one.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::EntityUid;
use directory::{Directory, Host, User};
use domain::{AskedLogin, HostName, Owes, Span, Target, UnixTime};

use crate::Policy;
use crate::classes::Classes;
use crate::rule::{Choice, open_paths};
use crate::target::Look;
use crate::who::asking;

/// How many requests are looked at in all, some seconds of time.
const MOST: usize = 200_000;

/// Who could get in everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposures {
    /// By hosts and login, where anybody could. Hosts that no statement tells apart come together.
    pub open: Vec<Exposure>,
    /// Whether all was looked at: of very large policies some is left out.
    pub complete: bool,
}

/// Who could get in as one login on some hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The hosts: the same is true of each.
    pub hosts: Vec<HostName>,
    /// The login; `self` is each user's own.
    pub login: AskedLogin,
    /// How many enabled users could, with nobody's approval.
    pub without_approval: usize,
    /// How many more could with somebody's.
    pub with_approval: usize,
    /// How many could without, as break-glass: counted among the others, where they need an approval otherwise.
    pub by_break_glass: usize,
}

/// Who could get in as the logins that rules of `access.toml` name, and as `self`, for a request of the shortest window
/// at this time. Whether a ticket is needed, and whether there is anybody to approve, is not looked at.
pub fn exposures(policy: &Policy, directory: &Directory, now: UnixTime) -> Exposures {
    let classes = Classes::new(policy, directory);
    let logins: BTreeSet<&AskedLogin> = policy.logins.iter().chain(Some(&AskedLogin::Own)).collect();
    let users: Vec<(&[&User], Vec<EntityUid>)> = classes
        .all_users()
        .filter_map(|users| Some((users, policy.vocabulary.user(directory, users.first()?))))
        .collect();
    let mut found = Exposures { open: Vec::new(), complete: true };
    let mut looked_at = 0;
    for hosts in classes.all_hosts() {
        let Some(host) = hosts.first() else { continue };
        let uids = policy.vocabulary.host(host);
        let mut counts: BTreeMap<&AskedLogin, Counts> = BTreeMap::new();
        for (users, _) in users.iter().filter(|(_, user)| any_rule(policy, user, &uids)) {
            for login in &logins {
                looked_at += 1;
                let Some(user) = users.first() else { continue };
                let counted = counts.entry(login).or_default();
                counted.add(opens(policy, directory, user, login, host, now), users.len());
            }
        }
        if looked_at > MOST {
            found.complete = false;
            return found;
        }
        let names: Vec<HostName> = hosts.iter().map(|host| host.name.clone()).collect();
        let open = counts.into_iter().filter(|(_, counts)| *counts != Counts::default());
        found.open.extend(open.map(|(login, counts)| Exposure {
            hosts: names.clone(),
            login: login.clone(),
            without_approval: counts.without_approval,
            with_approval: counts.with_approval,
            by_break_glass: counts.by_break_glass,
        }));
    }
    found
}

/// Whether a rule is for this user and host at all: most pairs of a large directory have none.
fn any_rule(policy: &Policy, user: &[EntityUid], host: &[EntityUid]) -> bool {
    let places = policy.slices.of(user, host);
    places.iter().filter_map(|place| policy.statements.get(*place)).any(|statement| statement.rule().is_some())
}

/// How many could get in as one login.
#[derive(Default, PartialEq, Eq)]
struct Counts {
    without_approval: usize,
    with_approval: usize,
    by_break_glass: usize,
}

impl Counts {
    fn add(&mut self, opens: Option<Opens>, users: usize) {
        match opens {
            Some(Opens::WithoutApproval) => self.without_approval += users,
            Some(Opens::WithApproval(Rather::Waits)) => self.with_approval += users,
            Some(Opens::WithApproval(Rather::BreaksGlass)) => {
                self.with_approval += users;
                self.by_break_glass += users;
            }
            None => {}
        }
    }
}

enum Opens {
    WithoutApproval,
    WithApproval(Rather),
}

/// What somebody could do who needs an approval.
enum Rather {
    Waits,
    BreaksGlass,
}

fn opens(
    policy: &Policy,
    directory: &Directory,
    user: &User,
    login: &AskedLogin,
    host: &Host,
    now: UnixTime,
) -> Option<Opens> {
    let ask = asking(user, login.clone(), Target::Host(host.name.clone()), Span::ZERO);
    let open = open_paths(policy, directory, &ask, Look::All, now).ok()?;
    // The fewest people come first.
    let first = open.paths.first()?;
    if first.path.quorum.is_auto() {
        return Some(Opens::WithoutApproval);
    }
    let permits = |choice: &Choice<'_>| choice.path.as_break_glass(Owes::Nothing).is_some();
    Some(Opens::WithApproval(if open.paths.iter().any(permits) { Rather::BreaksGlass } else { Rather::Waits }))
}
