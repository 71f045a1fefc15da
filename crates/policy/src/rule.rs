//! The ruling: every path that is open to a request, and the one it takes.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::EntityUid;
use directory::{Directory, Host, User};
use domain::{
    AskedLogin, GroupName, HostName, Jumps, Login, Obligations, Owes, RealmName, RuleName, Selector, Share, Span,
    StandIn, Target, UnixTime, UserName, in_both,
};

use crate::evaluate::{Matched, evaluate};
use crate::facts::{Asker, facts};
use crate::jumps::{self, Way};
use crate::people::{Asked, any_reviewer, people};
use crate::target::{self, Look};
use crate::terms::{Path, Terms};
use crate::why::Refused;
use crate::{Ask, Policy, Refusal, Ruling};

/// What policy says of a request.
pub fn rule(policy: &Policy, directory: &Directory, ask: &Ask, now: UnixTime) -> Ruling {
    let permit = |now| {
        let open = open_paths(policy, directory, ask, Look::All, now)?;
        choose(policy, directory, &open, ask, now)
    };
    let refused = Refused { policy, directory, ask, look: Look::All, rule: ask.rule.as_ref(), now };
    permit(now).map_or_else(|refusal| Ruling::Refused(refused.explained(refusal, permit)), Ruling::Permitted)
}

/// What policy says today of a request that was approved under `rule`, for these of its hosts: so a host that is gone
/// or forbidden by now takes no other with it. A window that is longer than today's longest is not refused but cut,
/// and who may approve was judged when they did: both are the grant's to look at.
pub fn rule_again(
    policy: &Policy,
    directory: &Directory,
    ask: &Ask,
    rule: &RuleName,
    hosts: &BTreeSet<HostName>,
    now: UnixTime,
) -> Ruling {
    let permit = |now| {
        let open = open_paths(policy, directory, ask, Look::At(hosts), now)?;
        let same = by_name(&open.paths, rule)?;
        ticket_fits(same, ask)?;
        Ok(obligations(&open, same, ask))
    };
    let refused = Refused { policy, directory, ask, look: Look::At(hosts), rule: Some(rule), now };
    permit(now).map_or_else(|refusal| Ruling::Refused(refused.explained(refusal, permit)), Ruling::Permitted)
}

/// What a request gets when it takes this path.
pub(crate) fn obligations(open: &Open<'_>, chosen: &Choice<'_>, ask: &Ask) -> Obligations {
    Obligations {
        rule: chosen.rule.clone(),
        quorum: chosen.path.quorum.clone(),
        hosts: open.hosts.iter().map(|host| host.name.clone()).collect(),
        live: live(open, chosen, ask),
        login: open.login.clone(),
        max: chosen.path.max,
        ttl: chosen.path.ttl,
        allow: chosen.path.allow.clone(),
        command: ask.command.clone(),
        realm: open.realm.cloned(),
        source: chosen.path.source.clone(),
        verify_required: chosen.path.verify_required,
        requester_key: chosen.path.requester_key,
        approver_key: chosen.path.approver_key,
        extends: ask.extends.map(|extending| extending.what),
        rests: ask.extends.is_some() && chosen.path.extend.is_some(),
        break_glass: chosen.review.clone(),
        jumps: jumps::as_ruled(&open.jumps, &chosen.path),
    }
}

/// The labels whose later hosts count too: where the rule says so, and of scoped hosts alone, as a certificate for a plain
/// one opens its whole realm.
fn live(open: &Open<'_>, chosen: &Choice<'_>, ask: &Ask) -> Option<Selector> {
    match &ask.target {
        Target::Labels(labels) if chosen.path.live_hosts && open.realm.is_none() => Some(labels.clone()),
        _ => None,
    }
}

/// Every path that rules open for a request, whatever window and ticket.
pub(crate) struct Open<'a> {
    pub(crate) login: &'a Login,
    pub(crate) hosts: Vec<&'a Host>,
    pub(crate) realm: Option<&'a RealmName>,
    pub(crate) jumps: Jumps,
    /// Never empty; the fewest people first, then by file order.
    pub(crate) paths: Vec<Choice<'a>>,
}

/// A rule that covers all hosts of the request, with all requirements added.
pub(crate) struct Choice<'a> {
    pub(crate) rule: &'a RuleName,
    pub(crate) path: Path,
    /// Who reviews it, where the request is break-glass.
    pub(crate) review: Option<GroupName>,
    order: usize,
}

pub(crate) fn open_paths<'a>(
    policy: &'a Policy,
    directory: &'a Directory,
    ask: &'a Ask,
    look: Look<'_>,
    now: UnixTime,
) -> Result<Open<'a>, Refusal> {
    let (user, login) = asker(directory, ask)?;
    let target::Hosts { all: hosts, realm } = target::hosts(directory, &ask.target, look)?;
    let asker = Asker::new(&policy.conditions, user, login, ask, now)?;
    let user_uids = policy.vocabulary.user(directory, user);
    let mut on_hosts = Vec::with_capacity(hosts.len());
    for host in &hosts {
        on_hosts.push(on_host(policy, &asker, &user_uids, (host, &policy.vocabulary.host(host)))?.1?);
    }
    let way = jumps::way(policy, directory, (user, &user_uids), (ask, login), &hosts, now)?;
    let paths = paths(&on_hosts, user, ask, &way)?;
    Ok(Open { login, hosts, realm, jumps: way.jumps, paths })
}

/// The places of the statements that are for this user and host, and what of them matches.
type OnHost<'p> = (Vec<usize>, Result<Matched<'p>, Refusal>);

/// What matches on one host; `user` and `host` are as the vocabulary gives them.
pub(crate) fn on_host<'p>(
    policy: &'p Policy,
    asker: &Asker<'_>,
    user: &[EntityUid],
    (host, uids): (&Host, &[EntityUid]),
) -> Result<OnHost<'p>, Refusal> {
    let (places, matched) = look_at(policy, asker, user, (host, uids))?;
    let matched = matched.and_then(|matched| {
        let none = || Refusal::NoRule { requester: asker.user.name.clone(), host: host.name.clone() };
        if matched.rules.is_empty() { Err(none()) } else { Ok(matched) }
    });
    Ok((places, matched))
}

/// The same, where no rule needs to match.
pub(crate) fn look_at<'p>(
    policy: &'p Policy,
    asker: &Asker<'_>,
    user: &[EntityUid],
    (host, uids): (&Host, &[EntityUid]),
) -> Result<OnHost<'p>, Refusal> {
    let facts = facts(&policy.vocabulary, asker, user, (host, uids))?;
    let places = policy.slices.of(user, uids);
    let matched = evaluate(policy, &places, &facts, &host.name);
    Ok((places, matched))
}

/// Who asks, and for which Unix account.
pub(crate) fn asker<'a>(directory: &'a Directory, ask: &'a Ask) -> Result<(&'a User, &'a Login), Refusal> {
    let user = directory.user(&ask.requester).ok_or_else(|| Refusal::UnknownUser(ask.requester.clone()))?;
    if directory.is_disabled(&user.name) {
        return Err(Refusal::Disabled(user.name.clone()));
    }
    let login = match &ask.login {
        AskedLogin::Named(login) => Some(login),
        AskedLogin::Own => user.login.as_ref(),
    };
    login.map(|login| (user, login)).ok_or_else(|| Refusal::NoOwnLogin(user.name.clone()))
}

/// The paths that a request can take: those of break-glass when it asks for that, and only those; an extension takes the
/// approvals that rules want of extensions.
pub(crate) fn paths<'p>(
    on_hosts: &[Matched<'p>],
    user: &User,
    ask: &Ask,
    way: &Way,
) -> Result<Vec<Choice<'p>>, Refusal> {
    let choices = common(on_hosts, user, way)?;
    let Some(owes) = ask.break_glass else { return Ok(asking_for(choices, ask)) };
    let ruled_out = choices.iter().any(|choice| choice.path.break_glass.is_some());
    let broken = as_break_glass(choices, owes);
    if broken.is_empty() { Err(Refusal::NoBreakGlass { ruled_out }) } else { Ok(broken) }
}

/// Those of the paths that permit break-glass, as that: by file order, as all take as many people.
pub(crate) fn as_break_glass(choices: Vec<Choice<'_>>, owes: Owes) -> Vec<Choice<'_>> {
    let broken = choices.into_iter().filter_map(|choice| {
        let (path, review) = choice.path.as_break_glass(owes)?;
        Some(Choice { path, review: Some(review), ..choice })
    });
    let mut broken: Vec<Choice<'_>> = broken.collect();
    broken.sort_by_key(|choice| choice.order);
    broken
}

/// The rules that match on every host, never none. What any host requires, or a jump host on the way, is added to each, as
/// one approval opens them all, and the networks that the user is pinned to.
fn common<'p>(on_hosts: &[Matched<'p>], user: &User, way: &Way) -> Result<Vec<Choice<'p>>, Refusal> {
    let Some((first, others)) = on_hosts.split_first() else { return Err(Refusal::NoCommonRule) };
    let mut rules: BTreeMap<&RuleName, (usize, &Path)> = first.rules.clone();
    rules.retain(|name, _| others.iter().all(|matched| matched.rules.contains_key(name)));
    let mut required: Vec<&Terms> = Vec::new();
    let of_hosts = on_hosts.iter().flat_map(|matched| matched.requirements.iter().copied());
    for terms in of_hosts.chain(&way.required) {
        if !required.contains(&terms) {
            required.push(terms);
        }
    }
    let mut nowhere = None;
    let mut choices = Vec::with_capacity(rules.len());
    for (rule, (order, path)) in rules {
        let whole = required.iter().try_fold(path.clone(), |path, terms| path.with(terms));
        let whole = whole.ok_or_else(|| Refusal::NoCommonSource(rule.clone()));
        let pinned = whole.and_then(|path| pinned(path, rule, user));
        match pinned.and_then(|path| jumps::pinnable(path, rule, &way.jumps)) {
            Ok(path) => choices.push(Choice { rule, path, review: None, order }),
            Err(refusal) => drop(nowhere.get_or_insert(refusal)),
        }
    }
    choices.sort_by_key(|choice| (choice.path.quorum.people(), choice.order));
    if choices.is_empty() { Err(nowhere.unwrap_or(Refusal::NoCommonRule)) } else { Ok(choices) }
}

fn asking_for<'p>(mut paths: Vec<Choice<'p>>, ask: &Ask) -> Vec<Choice<'p>> {
    if ask.extends.is_some() {
        for choice in &mut paths {
            choice.path.quorum = choice.path.extension().clone();
        }
    }
    paths
}

/// The path with certificates for the networks alone that the user is pinned to.
fn pinned(path: Path, rule: &RuleName, user: &User) -> Result<Path, Refusal> {
    let Some(pinned) = &user.source else { return Ok(path) };
    let elsewhere = || Refusal::PinnedElsewhere { rule: rule.clone(), user: user.name.clone(), pinned: pinned.clone() };
    let source = in_both(path.source.as_ref(), Some(pinned)).ok_or_else(elsewhere)?;
    Ok(Path { source, ..path })
}

/// What the rule that was named gives, or the first that this window, this ticket, these keys and the people there are can
/// satisfy.
pub(crate) fn choose(
    policy: &Policy,
    directory: &Directory,
    open: &Open<'_>,
    ask: &Ask,
    now: UnixTime,
) -> Result<Obligations, Refusal> {
    if let Some(named) = &ask.rule {
        return satisfied(policy, directory, (open, by_name(&open.paths, named)?), ask, now);
    }
    let mut first_refusal = None;
    for choice in &open.paths {
        match satisfied(policy, directory, (open, choice), ask, now) {
            Ok(given) => return Ok(given),
            Err(refusal) => first_refusal.get_or_insert(refusal),
        };
    }
    Err(first_refusal.unwrap_or(Refusal::NoCommonRule))
}

/// What a rule gives, if this window, this ticket, these keys and the people there are can satisfy it.
pub(crate) fn satisfied(
    policy: &Policy,
    directory: &Directory,
    (open, choice): (&Open<'_>, &Choice<'_>),
    ask: &Ask,
    now: UnixTime,
) -> Result<Obligations, Refusal> {
    window_fits(choice, ask, now)?;
    ticket_fits(choice, ask)?;
    keys_fit(choice, ask)?;
    let given = obligations(open, choice, ask);
    quorum_exists(policy, directory, Asked::new(&ask.requester, &given))?;
    reviewer_exists(directory, &ask.requester, &given)?;
    Ok(given)
}

fn by_name<'c, 'p>(paths: &'c [Choice<'p>], named: &RuleName) -> Result<&'c Choice<'p>, Refusal> {
    paths.iter().find(|choice| choice.rule == named).ok_or_else(|| Refusal::RuleNotApplicable {
        rule: named.clone(),
        matching: paths.iter().map(|choice| choice.rule.clone()).collect(),
    })
}

fn window_fits(choice: &Choice<'_>, ask: &Ask, now: UnixTime) -> Result<(), Refusal> {
    let (max, rule) = (choice.path.max, choice.rule.clone());
    if ask.window == Span::ZERO {
        return Err(Refusal::WindowEmpty);
    }
    if ask.window > max {
        return Err(Refusal::WindowTooLong { asked: ask.window, max, rule });
    }
    let Some(extending) = &ask.extends else { return Ok(()) };
    let left = max.less(extending.spent(now));
    if ask.window > left {
        return Err(Refusal::ExtensionTooLong { extends: extending.what, max, left, rule });
    }
    Ok(())
}

fn ticket_fits(choice: &Choice<'_>, ask: &Ask) -> Result<(), Refusal> {
    for ticket in &choice.path.tickets {
        let pattern = ticket.pattern().to_owned();
        match &ask.ticket {
            None => return Err(Refusal::TicketRequired { pattern }),
            Some(given) if !ticket.matches(given) => return Err(Refusal::TicketMismatch { pattern }),
            Some(_) => {}
        }
    }
    Ok(())
}

fn keys_fit(choice: &Choice<'_>, ask: &Ask) -> Result<(), Refusal> {
    let (Some(keys), path, rule) = (&ask.keys, &choice.path, choice.rule) else { return Ok(()) };
    if path.verify_required && keys.connecting.is_none() {
        return Err(Refusal::ConnectingKey(rule.clone()));
    }
    match path.requester_key.filter(|needed| keys.signed < Some(*needed)) {
        Some(needed) => Err(Refusal::RequesterKey { rule: rule.clone(), needed }),
        None => Ok(()),
    }
}

/// Somebody else could review it: break-glass that nobody could review would be access that nobody answers for, and whose
/// person owed a review for ever.
pub(crate) fn reviewer_exists(directory: &Directory, requester: &UserName, given: &Obligations) -> Result<(), Refusal> {
    match &given.break_glass {
        Some(group) if !any_reviewer(directory, requester, group) => {
            Err(Refusal::NobodyReviews { rule: given.rule.clone(), group: group.clone() })
        }
        _ => Ok(()),
    }
}

/// Each group has people enough besides the one who asks, who ever may approve this, in all stages and with whoever stands
/// in. That one person is not counted for two groups is seen when they decide.
pub(crate) fn quorum_exists(policy: &Policy, directory: &Directory, asked: Asked<'_>) -> Result<(), Refusal> {
    let mut asked_of: BTreeMap<&GroupName, (u32, BTreeSet<&GroupName>)> = BTreeMap::new();
    for Share { group, count, stand_in } in asked.quorum.shares() {
        let (needed, from) = asked_of.entry(group).or_default();
        *needed = needed.saturating_add(count);
        from.extend([Some(group), stand_in.map(StandIn::group)].into_iter().flatten());
    }
    for (group, (needed, from)) in asked_of {
        let enough = usize::try_from(needed).unwrap_or(usize::MAX);
        let there = from.into_iter().flat_map(|group| people(policy, directory, asked, group, enough));
        let available = there.collect::<BTreeSet<_>>().len();
        if available < enough {
            return Err(Refusal::TooFewApprovers { group: group.clone(), needed, available });
        }
    }
    Ok(())
}
