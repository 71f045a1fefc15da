//! Break-glass that nobody else could review.

use std::collections::BTreeSet;

use directory::Directory;
use domain::{GroupName, UserName};

use super::quorum::names;
use super::warnings::Warnings;
use crate::access::{Entry, Says};

/// Whether somebody else is left to review, for everybody whom a rule is for: submitting refuses it otherwise.
pub(super) fn reviewable(warnings: &mut Warnings<'_>, entry: &Entry, directory: &Directory) {
    let Says::Rule(_, terms) = &entry.says else { return };
    let Some(group) = terms.break_glass.as_ref().map(|terms| &terms.review) else { return };
    let help = "add people to the group, or name another that reviews";
    let people = people(directory, group);
    let others = |user: &&UserName| {
        let asks = directory.owner_of(user);
        people.iter().any(|person| Some(*person) != asks)
    };
    if people.is_empty() {
        let message = format!("nobody in `{group}` could review break-glass, so nobody can ask for it");
        return warnings.in_entry(entry, "break_glass", 0, message, help);
    }
    let asking = entry.scope.who.iter().filter_map(|group| directory.group(group)).flat_map(|group| &group.members);
    let without: BTreeSet<&UserName> =
        asking.filter(|user| !directory.is_disabled(user)).filter(|user| !others(user)).collect();
    if !without.is_empty() {
        let who = names(&without.into_iter().collect::<Vec<_>>());
        let message = format!("{who} can never ask for break-glass here: nobody else in `{group}` could review it");
        warnings.in_entry(entry, "break_glass", 0, message, help);
    }
}

/// The persons of a group whose decisions count.
fn people<'d>(directory: &'d Directory, group: &GroupName) -> BTreeSet<&'d UserName> {
    let members = directory.group(group).into_iter().flat_map(|group| &group.members);
    members.filter(|name| directory.decides(name)).filter_map(|name| directory.owner_of(name)).collect()
}
