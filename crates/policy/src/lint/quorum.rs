//! Quorums that the people there are cannot fill.

use std::collections::{BTreeSet, HashMap};

use directory::{Directory, User};
use domain::{GroupName, Quorum, UserName};

use crate::people::unfillable;

/// The most names that a warning lists.
const SHOWN: usize = 5;

/// Who is in which group, looked up once.
pub(super) struct People<'d> {
    directory: &'d Directory,
    groups: HashMap<GroupName, BTreeSet<&'d UserName>>,
}

impl<'d> People<'d> {
    pub(super) fn of(directory: &'d Directory) -> Self {
        Self { directory, groups: HashMap::new() }
    }

    /// What is wrong when some of the requesters can never have this approved.
    pub(super) fn lacking(&mut self, quorum: &Quorum, requesters: &[&User]) -> Option<String> {
        let needed = usize::try_from(quorum.people()).unwrap_or(usize::MAX);
        for (group, _) in quorum.counts() {
            let people = || self.directory.enabled_people_in(group);
            self.groups.entry(group.clone()).or_insert_with(people);
        }
        let people = || quorum.counts().filter_map(|(group, _)| self.groups.get(group));
        if people().all(|people| people.len() > needed) {
            return None;
        }
        // Whoever is in none of the groups finds the same people there.
        let asks_there =
            |user: &User| self.directory.owner_of(&user.name).is_some_and(|o| people().any(|p| p.contains(o)));
        let (among, strangers): (Vec<&User>, Vec<&User>) = requesters.iter().partition(|user| asks_there(user));
        let for_strangers = strangers.first().map(|user| unfillable(self.directory, quorum, &user.name));
        let for_strangers = for_strangers.filter(|open| !open.is_empty());
        let mut without: Vec<&UserName> = Vec::new();
        let mut open = for_strangers.clone();
        if for_strangers.is_some() {
            without.extend(strangers.iter().map(|user| &user.name));
        }
        for user in among {
            let left = unfillable(self.directory, quorum, &user.name);
            if !left.is_empty() {
                without.push(&user.name);
                open.get_or_insert(left);
            }
        }
        open.map(|open| told(quorum, &open, &without, without.len() == requesters.len()))
    }
}

fn told(quorum: &Quorum, open: &[GroupName], without: &[&UserName], everybody: bool) -> String {
    let open = crate::who::slots(open);
    if everybody {
        return format!("nobody can have this approved: of `{quorum}`, {open} is left open whoever asks");
    }
    format!("{} can never have this approved: of `{quorum}`, {open} is left open when they ask", names(without))
}

/// `alice, bob and 3 more`
fn names(names: &[&UserName]) -> String {
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
