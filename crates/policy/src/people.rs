//! Who may ask for what, and who may approve it.

use std::collections::{BTreeMap, BTreeSet};

use directory::{Directory, Host};
use domain::{AskedLogin, GroupName, Quorum, RuleName, Span, Target, UnixTime, UserName, Voter, missing};

use crate::rule::open_paths;
use crate::target::Look;
use crate::{Ask, Policy};

/// The users who may decide on a request with this quorum: enabled persons of its groups, but no account of the person
/// who asks.
pub fn approvers(directory: &Directory, quorum: &Quorum, requester: &UserName) -> BTreeSet<UserName> {
    // Nobody decides for a requester whom the directory does not know: whose accounts are theirs cannot be told.
    let Some(asks) = directory.owner_of(requester) else { return BTreeSet::new() };
    let members = quorum.counts().filter_map(|(group, _)| directory.group(group)).flat_map(|group| &group.members);
    let others = members.filter(|name| directory.is_enabled_person(name) && directory.owner_of(name) != Some(asks));
    others.cloned().collect()
}

/// The slots of a quorum that stay open when these of the [`approvers`] approve.
pub fn open_slots(directory: &Directory, quorum: &Quorum, approving: &BTreeSet<UserName>) -> Vec<GroupName> {
    let voter = |name: &UserName| {
        let owner = directory.owner_of(name)?.clone();
        Some(Voter { owner, groups: directory.groups_of(name).cloned().collect() })
    };
    missing(quorum, &approving.iter().filter_map(voter).collect::<Vec<_>>())
}

/// The slots of a quorum that nobody is left for when all who may approve do so: one person fills one slot, and the
/// person who asks fills none.
pub fn unfillable(directory: &Directory, quorum: &Quorum, requester: &UserName) -> Vec<GroupName> {
    let asks = directory.owner_of(requester);
    let slots = usize::try_from(quorum.people()).unwrap_or(usize::MAX);
    let mut voters: BTreeMap<&UserName, BTreeSet<GroupName>> = BTreeMap::new();
    for (group, _) in quorum.counts() {
        // Of a large group as many people as there are slots fill any that others leave: the rest changes nothing.
        let people = directory.enabled_people_in(group).into_iter().filter(|person| Some(*person) != asks);
        for person in people.take(slots) {
            voters.entry(person).or_default().insert(group.clone());
        }
    }
    let voters = voters.into_iter().map(|(owner, groups)| Voter { owner: owner.clone(), groups });
    missing(quorum, &voters.collect::<Vec<_>>())
}

/// A login that a user may ask for on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The login.
    pub login: AskedLogin,
    /// The rule that a request would take, if its window and ticket fit.
    pub rule: RuleName,
    /// The approvals it takes.
    pub quorum: Quorum,
    /// The longest window.
    pub max: Span,
    /// What a ticket must match; empty when it takes none.
    pub tickets: Vec<String>,
}

/// The logins that a user may ask for on a host. Tried are `self` and those that rules of `access.toml` name: what only
/// hand-written Cedar opens can be asked for, and is not listed.
pub fn candidates(
    policy: &Policy,
    directory: &Directory,
    user: &UserName,
    host: &Host,
    now: UnixTime,
) -> Vec<Candidate> {
    let tried = policy.logins.iter().chain(Some(&AskedLogin::Own).filter(|own| !policy.logins.contains(own)));
    tried.filter_map(|login| candidate(policy, directory, (user, login, host), now)).collect()
}

fn candidate(
    policy: &Policy,
    directory: &Directory,
    asked: (&UserName, &AskedLogin, &Host),
    now: UnixTime,
) -> Option<Candidate> {
    let (user, login, host) = asked;
    let ask = Ask {
        requester: user.clone(),
        login: login.clone(),
        target: Target::Host(host.name.clone()),
        window: Span::ZERO,
        command: None,
        ticket: None,
        rule: None,
        keys: None,
    };
    let open = open_paths(policy, directory, &ask, Look::All, now).ok()?;
    open.paths.into_iter().next().map(|choice| Candidate {
        login: login.clone(),
        rule: choice.rule.clone(),
        tickets: choice.path.tickets.iter().map(|ticket| ticket.pattern().to_owned()).collect(),
        quorum: choice.path.quorum,
        max: choice.path.max,
    })
}
