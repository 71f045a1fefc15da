//! Groups that stand in for others and add nobody.

use std::collections::BTreeSet;

use directory::Directory;
use domain::{GroupName, KeyStrength, Quorum, StandIn, UserName};

use super::quorum::with_key;
use super::warnings::Warnings;
use crate::access::{Entry, Says};
use crate::cedar::{Meaning, Statement};

/// The stand-ins of an entry.
pub(super) fn stand_ins(warnings: &mut Warnings<'_>, entry: &Entry, directory: &Directory) {
    let (Says::Rule(_, terms) | Says::Require(terms)) = &entry.says else { return };
    let Some(quorum) = &terms.quorum else { return };
    for message in useless(quorum, terms.approver_key, directory) {
        let help = "add people to the group in directory.toml, or let another group stand in";
        warnings.in_first_field(entry, ["escalate", "approve"], message, help);
    }
}

/// Those of a hand-written statement.
pub(super) fn stand_ins_by_hand(warnings: &mut Warnings<'_>, statement: &Statement, directory: &Directory) {
    let (quorum, key) = match &statement.meaning {
        Meaning::Rule(_, path) => (Some(&path.quorum), path.approver_key),
        Meaning::Requirement(terms) => (terms.quorum.as_ref(), terms.approver_key),
        Meaning::Prohibition(_) => (None, None),
    };
    let messages = quorum.map(|quorum| useless(quorum, key, directory)).unwrap_or_default();
    messages.into_iter().for_each(|message| warnings.in_cedar(statement, message));
}

/// Why stand-ins add nobody, where they do not.
fn useless(quorum: &Quorum, key: Option<KeyStrength>, directory: &Directory) -> Vec<String> {
    let groups: BTreeSet<&GroupName> = quorum.shares().filter_map(|share| share.stand_in.map(StandIn::group)).collect();
    let people = |group: &GroupName| -> BTreeSet<&UserName> { with_key(directory, group, key) };
    let why = |group: &GroupName| {
        let theirs = people(group);
        if theirs.is_empty() {
            return Some(format!("nobody in `{group}` can approve this, so nobody stands in"));
        }
        let for_whom: BTreeSet<&GroupName> = quorum
            .shares()
            .filter(|share| share.stand_in.is_some_and(|stand_in| stand_in.group() == group))
            .map(|share| share.group)
            .collect();
        let all = for_whom.iter().all(|asked| theirs.is_subset(&people(asked)));
        let asked = for_whom.iter().map(|asked| format!("`{asked}`")).collect::<Vec<_>>().join(" and ");
        all.then(|| format!("everybody in `{group}` is in {asked} already, so this adds nobody"))
    };
    groups.into_iter().filter_map(why).collect()
}
