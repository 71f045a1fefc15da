//! Who may ask for what, and who may approve it.

use std::collections::{BTreeMap, BTreeSet};

use directory::{Directory, Host};
use domain::{
    AskedLogin, BreakGlassTerms, GroupName, KeyStrength, Obligations, Owes, PublicKey, Quorum, RuleName, Span, Target,
    UnixTime, UserName, Voter, missing,
};

use crate::approvers::{Matter, Moment, open};
use crate::rule::{as_break_glass, open_paths};
use crate::target::Look;
use crate::{Ask, Policy};

/// What approvers are asked about, and how.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who asks, and for which hosts.
    pub matter: Matter<'a>,
    /// The approvals it takes.
    pub quorum: &'a Quorum,
    /// What they must be signed with.
    pub approver_key: Option<KeyStrength>,
    /// How long it has waited: who stands in by then may approve too.
    pub waited: Span,
}

impl<'a> Asked<'a> {
    /// What a requester would get, once everybody stands in who ever may.
    pub fn new(requester: &'a UserName, given: &'a Obligations) -> Self {
        let (matter, quorum) = (Matter { requester, hosts: &given.hosts }, &given.quorum);
        Self { matter, quorum, approver_key: given.approver_key, waited: quorum.longest_wait() }
    }

    /// The groups of the quorum whose members may approve this, in whichever stage.
    fn groups(&self, policy: &Policy, directory: &Directory, moment: Moment) -> BTreeSet<&'a GroupName> {
        let groups = self.quorum.groups_after(self.waited).into_iter();
        groups.filter(|group| open(policy, directory, group, self.matter, moment)).collect()
    }

    /// Whether a user has a key that can sign an approval of this. What a FIDO key verifies only a signature shows.
    fn has_key(&self, directory: &Directory, name: &UserName) -> bool {
        self.approver_key.is_none() || has_fido_key(directory, name)
    }
}

/// Whether a FIDO key is bound to the user.
pub(crate) fn has_fido_key(directory: &Directory, name: &UserName) -> bool {
    directory.user(name).is_some_and(|user| user.keys.iter().any(PublicKey::is_fido))
}

/// The users who may decide on a request with this quorum at some time, be it to deny: those of its groups whose decisions
/// count, whichever stage asks them and whether or not they stand in yet, but no account of the person who asks.
pub fn deciders(directory: &Directory, asked: Asked<'_>) -> BTreeSet<UserName> {
    members(directory, asked.matter.requester, asked.quorum.groups().into_iter()).cloned().collect()
}

/// Those of the [`deciders`] who may approve at this time: a group of theirs may, and they have a key that it takes.
pub fn approvers(policy: &Policy, directory: &Directory, asked: Asked<'_>, at: UnixTime) -> BTreeSet<UserName> {
    let groups = asked.groups(policy, directory, Moment::At(at));
    let people = members(directory, asked.matter.requester, groups.into_iter());
    people.filter(|name| asked.has_key(directory, name)).cloned().collect()
}

/// The users who may review a break-glass of this requester: those of the group whose decisions count, but no account of the
/// person who asked. At any hour: conditions on approvers are about approving.
pub fn reviewers(directory: &Directory, requester: &UserName, group: &GroupName) -> BTreeSet<UserName> {
    members(directory, requester, std::iter::once(group)).cloned().collect()
}

/// Whether there is any of the [`reviewers`].
pub(crate) fn any_reviewer(directory: &Directory, requester: &UserName, group: &GroupName) -> bool {
    members(directory, requester, std::iter::once(group)).next().is_some()
}

fn members<'d>(
    directory: &'d Directory,
    requester: &UserName,
    groups: impl Iterator<Item = &'d GroupName>,
) -> impl Iterator<Item = &'d UserName> {
    let asks = directory.owner_of(requester);
    let members = groups.filter_map(|group| directory.group(group)).flat_map(|group| &group.members);
    // Nobody decides for a requester whom the directory does not know: whose accounts are theirs cannot be told.
    members.filter(move |name| asks.is_some() && directory.decides(name) && directory.owner_of(name) != asks)
}

/// One stage, and whom it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The approvals that it takes.
    pub quorum: Quorum,
    /// Who may give them from the first.
    pub approvers: BTreeSet<UserName>,
    /// Who may too, once the request has waited for so long.
    pub later: BTreeMap<Span, BTreeSet<UserName>>,
}

/// Whom each stage asks, at this time.
pub fn stages(policy: &Policy, directory: &Directory, asked: Asked<'_>, at: UnixTime) -> Vec<Stage> {
    let stage = |place: usize| {
        let quorum = asked.quorum.stage(place);
        let after = |waited| approvers(policy, directory, Asked { quorum: &quorum, waited, ..asked }, at);
        let first = after(Span::ZERO);
        let (mut known, mut later) = (first.clone(), BTreeMap::new());
        for wait in quorum.waits() {
            let by_then = after(wait);
            later.insert(wait, by_then.difference(&known).cloned().collect());
            known = by_then;
        }
        Stage { approvers: first, later, quorum }
    };
    (0..asked.quorum.stages()).map(stage).collect()
}

/// The slots of a quorum that stay open when these of the [`approvers`] approve at this time.
pub fn open_slots(
    policy: &Policy,
    directory: &Directory,
    asked: Asked<'_>,
    approving: &BTreeSet<UserName>,
    at: UnixTime,
) -> Vec<GroupName> {
    let groups = asked.groups(policy, directory, Moment::At(at));
    let voter = |name: &UserName| {
        let owner = directory.owner_of(name)?.clone();
        let groups = groups.iter().filter(|group| directory.member(name, group)).map(|group| (*group).clone());
        Some(Voter { owner, groups: groups.collect() })
    };
    missing(asked.quorum, &approving.iter().filter_map(voter).collect::<Vec<_>>(), asked.waited)
}

/// The slots of a quorum that nobody is left for when all approve who ever may: one person fills one slot, and the person
/// who asks fills none. Who stands in counts, however long that takes.
pub fn unfillable(policy: &Policy, directory: &Directory, asked: Asked<'_>) -> Vec<GroupName> {
    let slots = usize::try_from(asked.quorum.people()).unwrap_or(usize::MAX);
    let mut voters: BTreeMap<&UserName, BTreeSet<GroupName>> = BTreeMap::new();
    for group in asked.quorum.groups() {
        // Of a large group as many people as there are slots fill any that others leave: the rest changes nothing.
        for person in people(policy, directory, asked, group, slots) {
            voters.entry(person).or_default().insert(group.clone());
        }
    }
    let voters = voters.into_iter().map(|(owner, groups)| Voter { owner: owner.clone(), groups });
    missing(asked.quorum, &voters.collect::<Vec<_>>(), asked.quorum.longest_wait())
}

/// The persons of a group who may ever approve this: each once, through however many accounts; no more than `most` of them,
/// as a group may be everybody.
pub(crate) fn people<'d>(
    policy: &Policy,
    directory: &'d Directory,
    asked: Asked<'_>,
    group: &GroupName,
    most: usize,
) -> BTreeSet<&'d UserName> {
    if !open(policy, directory, group, asked.matter, Moment::Ever) {
        return BTreeSet::new();
    }
    let asks = directory.owner_of(asked.matter.requester);
    let members = directory.group(group).into_iter().flat_map(|group| &group.members);
    let able = members.filter(|name| directory.decides(name) && asked.has_key(directory, name));
    let mut people = BTreeSet::new();
    for person in able.filter_map(|name| directory.owner_of(name)).filter(|person| Some(*person) != asks) {
        if people.len() >= most {
            break;
        }
        people.insert(person);
    }
    people
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
    /// The break-glass that a request could take rather, with the rule that permits it.
    pub break_glass: Option<(RuleName, BreakGlassTerms)>,
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
        break_glass: None,
        keys: None,
        extends: None,
    };
    let open = open_paths(policy, directory, &ask, Look::All, now).ok()?;
    let first = open.paths.first()?;
    let (rule, quorum, max) = (first.rule.clone(), first.path.quorum.clone(), first.path.max);
    let tickets = first.path.tickets.iter().map(|ticket| ticket.pattern().to_owned()).collect();
    let mut broken = as_break_glass(open.paths, Owes::Nothing).into_iter().filter_map(|choice| {
        let review = choice.review.filter(|group| any_reviewer(directory, user, group))?;
        Some((choice.rule.clone(), BreakGlassTerms { max: choice.path.max, review }))
    });
    Some(Candidate { login: login.clone(), rule, quorum, max, tickets, break_glass: broken.next() })
}
