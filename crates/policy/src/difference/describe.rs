//! Sets of users and hosts by the shortest name that means exactly them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;

use directory::{Directory, Host};
use domain::{GroupName, HostName, Label, RealmName, UserName};

/// As many names are listed; of more the first few are.
const LISTED: usize = 4;
const FIRST: usize = 3;

/// What sets of users and hosts are called on one side.
pub(super) struct Names<'d> {
    directory: &'d Directory,
    everybody: Vec<&'d UserName>,
    groups: HashMap<Vec<&'d UserName>, &'d GroupName>,
    labels: HashMap<Vec<&'d HostName>, &'d Label>,
    realms: HashMap<Vec<&'d HostName>, &'d RealmName>,
}

impl<'d> Names<'d> {
    pub(super) fn of(directory: &'d Directory) -> Self {
        let enabled = |name: &&UserName| !directory.is_disabled(name);
        let members = |group: &'d directory::Group| (group.members.iter().filter(enabled).collect(), &group.name);
        // In their order: of two labels that mean the same hosts it is always the same one that names them.
        let mut labels: BTreeMap<&Label, Vec<&HostName>> = BTreeMap::new();
        for (host, label) in directory.hosts().flat_map(|host| host.labels.iter().map(move |label| (host, label))) {
            labels.entry(label).or_default().push(&host.name);
        }
        let realm = |name: &'d RealmName| (directory.realm_hosts(name).map(|host| &host.name).collect(), name);
        Self {
            directory,
            everybody: directory.users().map(|user| &user.name).filter(enabled).collect(),
            groups: directory.groups().map(members).collect(),
            labels: labels.into_iter().map(|(label, hosts)| (hosts, label)).collect(),
            realms: directory.realms().map(realm).collect(),
        }
    }

    /// `alice`, `everybody in eng (12)`, or names.
    pub(super) fn users(&self, users: &[UserName]) -> String {
        let these: Vec<&UserName> = users.iter().collect();
        if these.len() < 2 {
            return listed(&these);
        }
        match self.groups.get(&these) {
            _ if these == self.everybody => format!("everybody ({})", these.len()),
            Some(group) => format!("everybody in {group} ({})", these.len()),
            None => listed(&these),
        }
    }

    /// `web-1`, `12 hosts (env=prod)`, or names.
    pub(super) fn hosts(&self, hosts: &[HostName]) -> String {
        let these: Vec<&HostName> = hosts.iter().collect();
        if these.len() < 2 {
            return listed(&these);
        }
        let count = these.len();
        if let Some(realm) = self.realms.get(&these) {
            return format!("all {count} hosts of realm {realm}");
        }
        match (self.labels.get(&these), these.len() == self.directory.hosts().count()) {
            (Some(label), _) => format!("{count} hosts ({label})"),
            (None, true) => format!("all {count} hosts"),
            (None, false) => self.by_labels(&these).unwrap_or_else(|| listed(&these)),
        }
    }

    /// By all the labels that they have in common, when no other host has these.
    fn by_labels(&self, hosts: &[&HostName]) -> Option<String> {
        let found = |name: &&HostName| self.directory.host(name.as_str());
        let mut each = hosts.iter().map(found);
        let mut common: BTreeSet<Label> = each.next()??.labels.clone();
        for host in each {
            common.retain(|label| host.is_some_and(|host: &Host| host.labels.contains(label)));
        }
        let text = common.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let meant = text.parse().ok().map(|selector| self.directory.select(&selector).count())?;
        (meant == hosts.len()).then(|| format!("{meant} hosts ({text})"))
    }
}

/// `alice, bob and 3 more`
pub(super) fn listed<T: Display>(names: &[T]) -> String {
    let text = |names: &[T]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    if names.len() > LISTED {
        let first = text(names.get(..FIRST).unwrap_or_default());
        return format!("{} and {} more", first.join(", "), names.len() - FIRST);
    }
    match text(names).split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "nobody".to_owned(),
    }
}
