//! Quorums that the people there are cannot fill.

use std::collections::{BTreeSet, HashMap};

use directory::{Directory, User};
use domain::{GroupName, HostName, KeyStrength, Quorum, UserName};

use crate::Policy;
use crate::approvers::Matter;
use crate::people::{Asked, has_fido_key, unfillable};

/// The most names that a warning lists.
const SHOWN: usize = 5;

/// Who may approve for which group, looked up once.
pub(super) struct People<'d> {
    policy: &'d Policy,
    directory: &'d Directory,
    groups: HashMap<(GroupName, Option<KeyStrength>), BTreeSet<&'d UserName>>,
}

impl<'d> People<'d> {
    pub(super) fn of(policy: &'d Policy, directory: &'d Directory) -> Self {
        Self { policy, directory, groups: HashMap::new() }
    }

    /// What is wrong when some of the requesters can never have this approved on these hosts. They are alike to the
    /// conditions on approvers.
    pub(super) fn lacking(
        &mut self,
        (quorum, approver_key): (&Quorum, Option<KeyStrength>),
        hosts: &BTreeSet<HostName>,
        requesters: &[&User],
    ) -> Option<String> {
        let needed = usize::try_from(quorum.people()).unwrap_or(usize::MAX);
        let limited = quorum.groups().into_iter().any(|group| self.policy.approving.limits(group));
        for group in quorum.groups() {
            let people = || with_key(self.directory, group, approver_key);
            self.groups.entry((group.clone(), approver_key)).or_insert_with(people);
        }
        let of = |group: &GroupName| self.groups.get(&(group.clone(), approver_key));
        // Whoever stands in only adds to these.
        if !limited && quorum.shares().filter_map(|share| of(share.group)).all(|people| people.len() > needed) {
            return None;
        }
        let people = || quorum.groups().into_iter().filter_map(of);
        let unfilled = |user: &User| {
            let matter = Matter { requester: &user.name, hosts };
            let waited = quorum.longest_wait();
            unfillable(self.policy, self.directory, Asked { matter, quorum, approver_key, waited })
        };
        // Whoever is in none of the groups finds the same people there.
        let asks_there =
            |user: &User| self.directory.owner_of(&user.name).is_some_and(|o| people().any(|p| p.contains(o)));
        let (among, strangers): (Vec<&User>, Vec<&User>) = requesters.iter().partition(|user| asks_there(user));
        let for_strangers = strangers.first().map(|user| unfilled(user)).filter(|open| !open.is_empty());
        let mut without: Vec<&UserName> = Vec::new();
        let mut open = for_strangers.clone();
        if for_strangers.is_some() {
            without.extend(strangers.iter().map(|user| &user.name));
        }
        for user in among {
            let left = unfilled(user);
            if !left.is_empty() {
                without.push(&user.name);
                open.get_or_insert(left);
            }
        }
        // Where approvers are limited, these are not all who ask.
        let everybody = !limited && without.len() == requesters.len();
        open.map(|open| told(quorum, &open, &without, everybody))
    }
}

/// The persons of a group who have a key that an approval takes.
pub(super) fn with_key<'d>(
    directory: &'d Directory,
    group: &GroupName,
    key: Option<KeyStrength>,
) -> BTreeSet<&'d UserName> {
    let members = directory.group(group).into_iter().flat_map(|group| &group.members);
    let able = members.filter(|name| directory.decides(name) && (key.is_none() || has_fido_key(directory, name)));
    able.filter_map(|name| directory.owner_of(name)).collect()
}

fn told(quorum: &Quorum, open: &[GroupName], without: &[&UserName], everybody: bool) -> String {
    let open = crate::who::slots(open);
    if everybody {
        return format!("nobody can have this approved: of `{quorum}`, {open} is left open whoever asks");
    }
    format!("{} can never have this approved: of `{quorum}`, {open} is left open when they ask", names(without))
}

/// `alice, bob and 3 more`
pub(super) fn names(names: &[&UserName]) -> String {
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
