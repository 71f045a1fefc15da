//! Who may ask for what, and whose approval opens it: every path that submitting would find, from the same search.

use std::collections::BTreeSet;

use directory::{Directory, User};
use domain::{Access, AskedLogin, GroupName, Login, Obligations, Owes, SlotClosed, Span, Target, UnixTime, UserName};

use crate::approvers::slot;
use crate::commands::{Example, examples};
use crate::people::{Asked, approvers, has_fido_key, open_slots, unfillable};
use crate::rule::{Choice, Open, obligations, open_paths, quorum_exists, reviewer_exists};
use crate::target::Look;
use crate::{Ask, Policy, Refusal};

/// One rule that opens a request, with everything that is required beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Who asks.
    pub requester: UserName,
    /// What submitting would permit: the rule, the approvals it takes, the hosts that a certificate would open, and all
    /// else that it is bound to.
    pub given: Obligations,
    /// Who may give the approvals.
    pub approvers: BTreeSet<UserName>,
    /// What a ticket must match, all of them; empty when none is needed.
    pub tickets: Vec<String>,
    /// Why a request would not be approved all the same.
    pub hopeless: Option<Hopeless>,
    /// The patterns of commands that it opens for alone; empty when it opens without a command.
    pub commands: BTreeSet<String>,
}

/// Why a path is open and still leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hopeless {
    /// Submitting refuses it.
    #[error(transparent)]
    Refused(Refusal),
    /// Submitting takes it, and the people there are cannot fill every slot, as one person fills one.
    #[error("nobody is left for {}, as one person fills one slot", slots(.0))]
    Unfillable(Vec<GroupName>),
    /// Submitting takes it, and members of a group may approve it at another time only.
    #[error(transparent)]
    Closed(SlotClosed),
}

/// The groups whose slots stay open, such as `1 of security, 2 of sre`.
pub(crate) fn slots(open: &[GroupName]) -> String {
    let groups: BTreeSet<&GroupName> = open.iter().collect();
    let counted = |group: &GroupName| open.iter().filter(|other| *other == group).count();
    groups.into_iter().map(|group| format!("{} of {group}", counted(group))).collect::<Vec<_>>().join(", ")
}

/// The ways that are open to a request for as long as it asks, in the order in which submitting tries them: it takes the
/// first that its ticket fits and that is not refused.
///
/// # Errors
/// Why nothing is open.
pub fn ways(policy: &Policy, directory: &Directory, ask: &Ask, now: UnixTime) -> Result<Vec<Way>, Refusal> {
    let open = open_paths(policy, directory, ask, Look::All, now)?;
    let long_enough = open.paths.iter().filter(|choice| choice.path.max >= ask.window);
    Ok(long_enough.map(|choice| way(policy, directory, (&open, choice), ask, now)).collect())
}

fn way(
    policy: &Policy,
    directory: &Directory,
    (open, choice): (&Open<'_>, &Choice<'_>),
    ask: &Ask,
    now: UnixTime,
) -> Way {
    let given = obligations(open, choice, ask);
    let asked = Asked::new(&ask.requester, &given);
    let approvers = approvers(policy, directory, asked, now);
    let hopeless = hopeless(policy, directory, (asked, &given), &approvers, now);
    let tickets = choice.path.tickets.iter().map(|ticket| ticket.pattern().to_owned()).collect();
    Way { requester: ask.requester.clone(), approvers, hopeless, tickets, given, commands: BTreeSet::new() }
}

/// Why nobody could approve it all the same.
pub(crate) fn hopeless(
    policy: &Policy,
    directory: &Directory,
    (asked, given): (Asked<'_>, &Obligations),
    approvers: &BTreeSet<UserName>,
    now: UnixTime,
) -> Option<Hopeless> {
    if let Some(needed) = given.requester_key.filter(|_| !has_fido_key(directory, asked.matter.requester)) {
        return Some(Hopeless::Refused(Refusal::RequesterKey { rule: given.rule.clone(), needed }));
    }
    let enough = quorum_exists(policy, directory, asked);
    if let Err(refusal) = enough.and_then(|()| reviewer_exists(directory, asked.matter.requester, given)) {
        return Some(Hopeless::Refused(refusal));
    }
    let open = unfillable(policy, directory, asked);
    if !open.is_empty() {
        return Some(Hopeless::Unfillable(open));
    }
    // Of the slots that nobody fills now, the first that its group keeps closed.
    let open = open_slots(policy, directory, asked, approvers, now);
    open.iter().find_map(|group| slot(policy, directory, group, asked.matter, now).err()).map(Hopeless::Closed)
}

/// The ways that are open to a request without a command, and then those that are open to a command alone, by the patterns that
/// rules name.
fn all_ways(policy: &Policy, directory: &Directory, ask: &Ask, examples: &[Example], now: UnixTime) -> Vec<Way> {
    let open = |ask: &Ask| ways(policy, directory, ask, now).unwrap_or_default();
    let mut all = open(ask);
    let plain = all.len();
    for Example { pattern, command } in examples {
        for mut way in open(&Ask { command: Some(command.clone()), ..ask.clone() }) {
            way.given.command = None;
            let same = |other: &&mut Way| Way { commands: BTreeSet::new(), ..(**other).clone() } == way;
            match all.iter_mut().enumerate().find(|(_, other)| same(other)) {
                Some((place, _)) if place < plain => {}
                Some((_, known)) => drop(known.commands.insert(pattern.clone())),
                None => all.push(Way { commands: BTreeSet::from([pattern.clone()]), ..way }),
            }
        }
    }
    all
}

/// The ways of these requests, and those of the same as break-glass after each, as for somebody who owes no review.
fn ways_of(policy: &Policy, directory: &Directory, asks: impl Iterator<Item = Ask>, now: UnixTime) -> Vec<Way> {
    let examples = examples(policy.conditions.patterns.iter());
    let both = asks.flat_map(|ask| [ask.clone(), Ask { break_glass: Some(Owes::Nothing), ..ask }]);
    both.flat_map(|ask| all_ways(policy, directory, &ask, &examples, now)).collect()
}

/// Everybody who may ask for an access, with the ways that are open to them, be it for a command alone; those of break-glass
/// too.
///
/// # Errors
/// When nobody could ask, whoever it was: no such hosts, or hosts that no one request may have.
pub fn who_can(
    policy: &Policy,
    directory: &Directory,
    access: &Access,
    window: Span,
    now: UnixTime,
) -> Result<Vec<Way>, Refusal> {
    crate::target::hosts(directory, &access.target, Look::All)?;
    let asks = directory.users().map(|user| asking(user, access.login.clone(), access.target.clone(), window));
    Ok(ways_of(policy, directory, asks, now))
}

/// Everything that a user may ask for, be it for a command alone, and as break-glass too: on each host, the logins that rules
/// of `access.toml` name, and the user's own.
/// The plain hosts of a realm are one, as one certificate opens them all.
///
/// # Errors
/// When the user may ask for nothing whatever the rules say.
pub fn can(
    policy: &Policy,
    directory: &Directory,
    user: &UserName,
    window: Span,
    now: UnixTime,
) -> Result<Vec<Way>, Refusal> {
    let found = directory.user(user).ok_or_else(|| Refusal::UnknownUser(user.clone()))?;
    if directory.is_disabled(user) {
        return Err(Refusal::Disabled(user.clone()));
    }
    let mut realms = BTreeSet::new();
    let once = directory.hosts().filter(|host| host.realm.as_ref().is_none_or(|realm| realms.insert(realm)));
    let logins = logins(policy, found);
    let asks = once.flat_map(|host| {
        let target = Target::Host(host.name.clone());
        logins.iter().map(move |login| asking(found, AskedLogin::Named((*login).clone()), target.clone(), window))
    });
    Ok(ways_of(policy, directory, asks, now))
}

/// The accounts that a user could ask for; `self` is one of them by its own name.
fn logins<'a>(policy: &'a Policy, user: &'a User) -> BTreeSet<&'a Login> {
    let named = policy.logins.iter().filter_map(|login| match login {
        AskedLogin::Named(login) => Some(login),
        AskedLogin::Own => None,
    });
    named.chain(&user.login).collect()
}

/// A request for no command, ticket or rule.
pub(crate) fn asking(user: &User, login: AskedLogin, target: Target, window: Span) -> Ask {
    Ask {
        requester: user.name.clone(),
        login,
        target,
        window,
        command: None,
        ticket: None,
        rule: None,
        break_glass: None,
        keys: None,
        extends: None,
    }
}
