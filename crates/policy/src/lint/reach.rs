//! Rules that no request takes, and rules that others undercut: found by asking, one request for each class of users,
//! hosts and logins that a rule is about.

use std::collections::{BTreeMap, BTreeSet};

use directory::{Directory, Host, User};
use domain::{AskedLogin, HostName, KeyStrength, Quorum, RuleName, Span, Target, UnixTime};

use super::path::{always, always_applies, gives_as_much, others_always_apply};
use super::quorum::People;
use super::warnings::Warnings;
use crate::access::{Entry, Says};
use crate::cedar::Meaning;
use crate::classes::{Class, Classes};
use crate::commands::Pattern;
use crate::rule::{Choice, open_paths};
use crate::schedule::opens;
use crate::target::Look;
use crate::terms::Terms;
use crate::who::asking;
use crate::{Ask, Policy, Refusal};

/// How many requests are looked at in all, some seconds of time; each rule gets its part. What a rule has more of stays
/// unseen, and no warning says "never" then.
const MOST: usize = 100_000;
/// How many of them a rule gets at least.
const LEAST: usize = 20;

/// Warns about each rule of `access.toml`.
pub(super) fn rules(warnings: &mut Warnings<'_>, policy: &Policy, directory: &Directory, now: UnixTime) {
    let rules = || policy.entries.iter().filter(|entry| matches!(entry.says, Says::Rule(..)));
    let most = (MOST / rules().count().max(1)).max(LEAST);
    let look = Looking { policy, directory, classes: Classes::new(policy, directory), most, now };
    let mut people = People::of(policy, directory);
    for entry in rules() {
        let Says::Rule(name, terms) = &entry.says else { continue };
        let seen = look.at(entry, name.get_ref());
        taken(warnings, entry, name.get_ref(), &seen, &look);
        approvable(warnings, entry, terms, &seen, (&look, &mut people));
    }
}

struct Looking<'a> {
    policy: &'a Policy,
    directory: &'a Directory,
    classes: Classes<'a>,
    most: usize,
    now: UnixTime,
}

/// A request that shows something, in words: `alice as root on web-1`.
type Witness = String;

/// What requests found of one rule.
#[derive(Default)]
struct Seen {
    /// Whether every class was looked at, so that what was not seen is not there.
    all: bool,
    /// Whether any request could take the rule.
    open: bool,
    /// What refused the first that could not.
    refused: Option<(Witness, Refusal)>,
    /// The rules that every request takes rather; `None` before the first.
    rather: Option<BTreeSet<RuleName>>,
    /// The rules that ask fewer people and give as much, each with a request that shows it.
    undercut: BTreeMap<RuleName, (Witness, Quorum)>,
    /// What the rule comes to with what is required, with the hosts that show it and whom it is asked of.
    quorums: BTreeMap<Needs, (BTreeSet<HostName>, BTreeSet<Class>)>,
}

/// The approvals that something takes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Needs {
    quorum: Quorum,
    key: Option<KeyStrength>,
    /// The host, where conditions on approvers could look at it.
    on: Option<HostName>,
}

impl Looking<'_> {
    fn at(&self, entry: &Entry, name: &RuleName) -> Seen {
        let classes = self.classes.in_groups(&entry.scope.who);
        let hosts: Vec<&Host> = self.classes.hosts(&entry.scope.hosts).collect();
        let pairs = classes.iter().flat_map(|class| hosts.iter().map(move |host| (*class, *host)));
        let each = pairs.flat_map(|(class, host)| entry.scope.logins.iter().map(move |login| (class, host, login)));
        let mut seen = Seen::default();
        let mut looked_at = 0;
        for (class, host, login) in each {
            looked_at += 1;
            if looked_at > self.most {
                return seen;
            }
            let Some(user) = self.classes.users(class).first() else { continue };
            self.ask(&mut seen, (entry, name), (class, user, host, login));
        }
        seen.all = looked_at > 0;
        seen
    }

    fn ask(
        &self,
        seen: &mut Seen,
        (entry, name): (&Entry, &RuleName),
        (class, user, host, login): (Class, &User, &Host, &AskedLogin),
    ) {
        // As the rule takes it: for one of its commands, and while it is open.
        let command = entry.scope.commands.first().and_then(Pattern::example);
        let now = opens(&entry.scope.when, self.now);
        let ask = Ask { command, ..asking(user, login.clone(), Target::Host(host.name.clone()), Span::ZERO) };
        let witness = || format!("{} as {login} on {}", user.name, host.name);
        let open = match open_paths(self.policy, self.directory, &ask, Look::All, now) {
            Ok(open) => open,
            Err(refusal) => {
                seen.refused.get_or_insert_with(|| (witness(), refusal));
                return;
            }
        };
        let Some(place) = open.paths.iter().position(|choice| choice.rule == name) else { return };
        let (Some(own), Some(before)) = (open.paths.get(place), open.paths.get(..place)) else { return };
        seen.open = true;
        let as_much =
            |choice: &&Choice<'_>| gives_as_much(&choice.path, &own.path) && always_applies(self.policy, choice.rule);
        let better: Vec<&Choice<'_>> = before.iter().filter(as_much).collect();
        for choice in better.iter().filter(|choice| choice.path.quorum.people() < own.path.quorum.people()) {
            seen.undercut.entry(choice.rule.clone()).or_insert_with(|| (witness(), choice.path.quorum.clone()));
        }
        let better: BTreeSet<RuleName> = better.into_iter().map(|choice| choice.rule.clone()).collect();
        seen.rather = Some(seen.rather.take().map_or_else(|| better.clone(), |rather| &rather & &better));
        let limited = own.path.quorum.groups().into_iter().any(|group| self.policy.approving.limits(group));
        let (quorum, key) = (own.path.quorum.clone(), own.path.approver_key);
        let asked_of = seen.quorums.entry(Needs { quorum, key, on: limited.then(|| host.name.clone()) });
        let hosts = || open.hosts.iter().map(|host| host.name.clone()).collect();
        asked_of.or_insert_with(|| (hosts(), BTreeSet::new())).1.insert(class);
    }

    /// The classes that a rule is for, by the scopes of its statements.
    fn whom(&self, rule: &RuleName) -> BTreeSet<Class> {
        let of_rule = |meaning: &Meaning| matches!(meaning, Meaning::Rule(name, _) if name == rule);
        let statements = self.policy.statements.iter().filter(|statement| of_rule(&statement.meaning));
        statements.flat_map(|statement| self.classes.in_scope(&statement.policy)).collect()
    }
}

/// Whether a request ever takes the rule, and whether another opens the same with fewer people.
fn taken(warnings: &mut Warnings<'_>, entry: &Entry, name: &RuleName, seen: &Seen, look: &Looking<'_>) {
    let certain = seen.all && always(&entry.scope) && others_always_apply(look.policy);
    if certain && !seen.open {
        let why = match &seen.refused {
            Some((witness, refusal)) => format!("{witness}: {refusal}"),
            None => "a certificate would open hosts that it does not cover".to_owned(),
        };
        let help = "remove the rule, or what stands in its way";
        return warnings.in_entry(entry, "name", 0, format!("no request can take the rule `{name}`: {why}"), help);
    }
    let rather = if certain { seen.rather.as_ref().and_then(|rather| rather.first()) } else { None };
    if let Some(rather) = rather {
        let fewer = if seen.undercut.contains_key(rather) { "asks fewer people" } else { "comes first" };
        let message = format!("no request takes the rule `{name}` by itself: `{rather}` {fewer} and gives as much");
        warnings.in_entry(entry, "name", 0, message, "remove one of the two, or narrow the other");
    }
    let mine = look.classes.in_groups(&entry.scope.who);
    for (other, (witness, quorum)) in seen.undercut.iter().filter(|(other, _)| Some(*other) != rather) {
        // A rule that is for fewer people may well ask less of them: that is what it is for.
        if mine.is_subset(&look.whom(other)) {
            let message = format!("`{other}` undercuts this: {witness} takes `{quorum}`, and gets as much");
            let help = format!("narrow `{other}`, or ask less here");
            warnings.in_entry(entry, "approve", 0, message, &help);
        }
    }
}

/// Whether there are people to approve, with what is required beside the rule.
fn approvable(
    warnings: &mut Warnings<'_>,
    entry: &Entry,
    terms: &Terms,
    seen: &Seen,
    (look, people): (&Looking<'_>, &mut People<'_>),
) {
    let help = "add people or keys to the groups, or ask for less";
    let users =
        |of: &BTreeSet<Class>| of.iter().flat_map(|class| look.classes.users(*class)).copied().collect::<Vec<&User>>();
    let own = (&terms.quorum.clone().unwrap_or_default(), terms.approver_key);
    let limited = own.0.groups().into_iter().any(|group| look.policy.approving.limits(group));
    let of_all = users(&look.classes.in_groups(&entry.scope.who));
    // Conditions on approvers look at hosts: what they leave open is seen with each.
    let lacking = if limited { None } else { people.lacking(own, &BTreeSet::new(), &of_all) };
    if let Some(message) = lacking {
        return warnings.in_entry(entry, "approve", 0, message, help);
    }
    for (needs, (hosts, of)) in &seen.quorums {
        let with = (&needs.quorum, needs.key);
        let (Some(host), false) = (hosts.first(), with == own && needs.on.is_none()) else { continue };
        let alike: Vec<Vec<&User>> = match needs.on {
            None => vec![users(of)],
            Some(_) => of.iter().map(|class| look.classes.users(*class).to_vec()).collect(),
        };
        if let Some(message) = alike.iter().find_map(|users| people.lacking(with, hosts, users)) {
            let message = format!("with what is required on `{host}`, {message}");
            warnings.in_entry(entry, "approve", 0, message, help);
        }
    }
}
