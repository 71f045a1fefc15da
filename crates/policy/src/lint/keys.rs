//! Rules and requirements that take keys which nobody has, and conditions on approvers that matter to nobody.

use std::collections::BTreeSet;

use directory::Directory;
use domain::{GroupName, Quorum};

use super::warnings::Warnings;
use super::{asked, nobody_in, nowhere, reviews};
use crate::Policy;
use crate::access::{Entry, Says};
use crate::people::has_fido_key;
use crate::terms::Terms;

/// FIDO keys that are asked for of groups whose members have none.
pub(super) fn fido_keys(warnings: &mut Warnings<'_>, entry: &Entry, directory: &Directory) {
    let (Says::Rule(_, terms) | Says::Require(terms)) = &entry.says else { return };
    let Terms { requester_key, approver_key, break_glass_key, quorum, .. } = terms;
    let asking = requester_key.map(|_| entry.scope.who.iter().collect());
    let approving = approver_key.map(|_| quorum.iter().flat_map(Quorum::groups).collect());
    let breaking = break_glass_key.map(|_| entry.scope.who.iter().collect());
    let each = [
        ("requester_key", asking, "ask for this"),
        ("approver_key", approving, "approve this"),
        ("break_glass_key", breaking, "ask for this as break-glass"),
    ];
    for (field, groups, so) in each {
        let groups: Vec<&GroupName> = groups.unwrap_or_default();
        for group in groups.into_iter().filter(|group| !nobody_in(directory, group) && !any_fido(directory, group)) {
            let message = format!("nobody in `{group}` has a FIDO key, so nobody there can {so}");
            warnings.in_entry(entry, field, 0, message, "add FIDO keys to directory.toml, or leave this out");
        }
    }
}

fn any_fido(directory: &Directory, group: &GroupName) -> bool {
    let mut members = directory.group(group).into_iter().flat_map(|group| &group.members);
    members.any(|name| !directory.is_disabled(name) && has_fido_key(directory, name))
}

/// Conditions on approvers of groups that nobody asks, or that hold for nobody and nowhere.
pub(super) fn approvers(warnings: &mut Warnings<'_>, policy: &Policy, directory: &Directory) {
    let quorums = policy.statements.iter().flat_map(asked).flat_map(Quorum::groups);
    // While a review is owed, break-glass takes an approval by those who review.
    let reviewing = policy.statements.iter().filter_map(reviews);
    let in_quorums: BTreeSet<&GroupName> = quorums.chain(reviewing).collect();
    for approver in &policy.approvers {
        if !in_quorums.contains(&approver.group) {
            let message = format!("no quorum asks `{}`, so this limits nobody", approver.group);
            warnings.in_access(
                &approver.span,
                "group",
                0,
                message,
                "name the group in `approve` of a rule, or remove this",
            );
        }
        for (item, group) in approver.requesters.iter().enumerate().filter(|(_, group)| nobody_in(directory, group)) {
            let message = format!("nobody who is enabled is in the group `{group}`");
            warnings.in_access(&approver.span, "for", item, message, "add a member in directory.toml, or leave it out");
        }
        let hosts = approver.hosts.iter().enumerate();
        for (item, labels) in hosts.filter_map(|(item, hosts)| Some((item, nowhere(directory, hosts)?))) {
            let message = format!("no host has the labels `{labels}`");
            warnings.in_access(&approver.span, "hosts", item, message, "look at the labels in hosts.toml");
        }
    }
}
