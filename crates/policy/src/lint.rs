//! What is no mistake and is still not meant: rules that no request takes, names that match nothing, quorums of more
//! people than there are.

mod escalation;
mod glass;
mod keys;
mod path;
mod places;
mod quorum;
mod reach;
mod warnings;

use std::collections::BTreeSet;

use cedar_policy::EntityUid;
use directory::{Directory, Mistake};
use domain::{GroupName, Quorum, UnixTime};

use crate::access::{Entry, Hosts, Says};
use crate::cedar::{Meaning, Statement};
use crate::slice;
use crate::{Files, Policy};
use warnings::Warnings;

/// Warnings about files that are free of mistakes, in the order of files and lines. Hand-written Cedar is looked at by
/// its scopes; what its conditions say is known to Cedar alone.
pub fn lint(files: &Files, policy: &Policy, directory: &Directory, now: UnixTime) -> Vec<Mistake> {
    let mut warnings = Warnings::about(files);
    people_and_groups(&mut warnings, policy, directory);
    for entry in &policy.entries {
        empty_scope(&mut warnings, entry, directory);
        keys::fido_keys(&mut warnings, entry, directory);
        escalation::stand_ins(&mut warnings, entry, directory);
        glass::reviewable(&mut warnings, entry, directory);
    }
    keys::approvers(&mut warnings, policy, directory);
    let by_hand = policy.statements.iter().skip(policy.compiled);
    for statement in by_hand {
        empty_statement(&mut warnings, statement, directory);
        escalation::stand_ins_by_hand(&mut warnings, statement, directory);
    }
    reach::rules(&mut warnings, policy, directory, now);
    warnings.in_order()
}

/// Users who cannot sign anything, and groups that nothing speaks of.
fn people_and_groups(warnings: &mut Warnings<'_>, policy: &Policy, directory: &Directory) {
    for user in directory.users().filter(|user| user.keys.is_empty() && !directory.is_disabled(&user.name)) {
        let message = format!("`{}` has no key, and so can neither ask nor decide", user.name);
        warnings.in_directory(("user", user.name.as_str()), message, "add a public key to `keys`, or disable the user");
    }
    let used = groups_used(policy);
    for group in directory.groups().filter(|group| group.rights.is_empty() && !used.contains(&group.name)) {
        let message = format!("nothing uses the group `{}`: no rule speaks of it, and it gives no right", group.name);
        warnings.in_directory(("group", group.name.as_str()), message, "name it in access.toml, or remove it");
    }
}

fn groups_used(policy: &Policy) -> BTreeSet<GroupName> {
    let mut used = BTreeSet::new();
    for statement in &policy.statements {
        let named = statement.policy.entity_literals();
        let groups = named.iter().filter(|uid| uid.type_name().basename() == "Group");
        used.extend(groups.filter_map(|uid| uid.id().unescaped().parse::<GroupName>().ok()));
        used.extend(asked(statement).flat_map(Quorum::groups).cloned());
        used.extend(reviews(statement).cloned());
    }
    used.extend(policy.approvers.iter().flat_map(|approver| approver.requesters.iter().cloned()));
    used
}

/// The quorums that a statement asks, of requests and of extensions.
fn asked(statement: &Statement) -> impl Iterator<Item = &Quorum> {
    let (quorum, extend) = match &statement.meaning {
        Meaning::Rule(_, path) => (Some(&path.quorum), path.extend.as_ref()),
        Meaning::Requirement(terms) => (terms.quorum.as_ref(), terms.extend.as_ref()),
        Meaning::Prohibition(_) => (None, None),
    };
    quorum.into_iter().chain(extend)
}

/// The group that reviews what a rule permits as break-glass.
fn reviews(statement: &Statement) -> Option<&GroupName> {
    match &statement.meaning {
        Meaning::Rule(_, path) => path.break_glass.as_ref().map(|terms| &terms.review),
        Meaning::Requirement(_) | Meaning::Prohibition(_) => None,
    }
}

/// Groups without anybody, and labels that no host has.
fn empty_scope(warnings: &mut Warnings<'_>, entry: &Entry, directory: &Directory) {
    let (who, hosts) = (&entry.scope.who, &entry.scope.hosts);
    let empty: Vec<_> = who.iter().enumerate().filter(|(_, group)| nobody_in(directory, group)).collect();
    let so = consequence(&entry.says, empty.len() == who.len());
    for (item, group) in empty {
        let message = format!("nobody who is enabled is in the group `{group}`{so}");
        warnings.in_entry(entry, "who", item, message, "add a member in directory.toml, or leave the group out");
    }
    let nowhere: Vec<_> =
        hosts.iter().enumerate().filter_map(|(item, h)| Some((item, nowhere(directory, h)?))).collect();
    let so = consequence(&entry.says, nowhere.len() == hosts.len());
    for (item, labels) in nowhere {
        let message = format!("no host has the labels `{labels}`{so}");
        warnings.in_entry(entry, "hosts", item, message, "look at the labels in hosts.toml");
    }
}

fn nobody_in(directory: &Directory, group: &GroupName) -> bool {
    directory.group(group).is_none_or(|group| group.members.iter().all(|name| directory.is_disabled(name)))
}

/// The labels, when no host has them all.
fn nowhere(directory: &Directory, hosts: &Hosts) -> Option<String> {
    match hosts {
        Hosts::Labels(selector) => directory.select(selector).next().is_none().then(|| selector.to_string()),
        Hosts::All | Hosts::Host(_) => None,
    }
}

/// What follows when everything that a list names is empty.
const fn consequence(says: &Says, all: bool) -> &'static str {
    match (all, says) {
        (false, _) => "",
        (true, Says::Rule(..)) => ", so no request takes this rule",
        (true, Says::Require(_)) => ", so this requires nothing",
        (true, Says::Forbid) => ", so this forbids nothing",
    }
}

/// The same for the scope of a hand-written statement.
fn empty_statement(warnings: &mut Warnings<'_>, statement: &Statement, directory: &Directory) {
    let named =
        |uid: EntityUid, kind: &str| (uid.type_name().basename() == kind).then(|| uid.id().unescaped().to_owned());
    let group = slice::principal(&statement.policy).and_then(|uid| named(uid, "Group"));
    if let Some(group) = group.filter(|name| name.parse().is_ok_and(|group| nobody_in(directory, &group))) {
        warnings.in_cedar(statement, format!("nobody who is enabled is in the group `{group}`: this matches nothing"));
    }
    let label = slice::resource(&statement.policy).and_then(|uid| named(uid, "Label"));
    let unknown = |label: &String| !label.parse().is_ok_and(|label| directory.select(&label).next().is_some());
    if let Some(label) = label.filter(unknown) {
        warnings.in_cedar(statement, format!("no host has the label `{label}`: this matches nothing"));
    }
}
