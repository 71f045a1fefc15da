//! Users and hosts that no statement tells apart, so that looking at one of them is looking at all.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cedar_policy::EntityUid;
use directory::{Directory, Host, User};
use domain::{AskedLogin, GroupName};

use crate::access::Hosts;
use crate::{Policy, slice};

/// A class of users, by its place.
pub(crate) type Class = usize;

/// The classes of a directory as a policy sees it.
pub(crate) struct Classes<'d> {
    /// The enabled users of each class.
    users: Vec<Vec<&'d User>>,
    by_name: HashMap<&'d str, Class>,
    in_group: HashMap<&'d GroupName, BTreeSet<Class>>,
    /// The hosts of each class.
    hosts: Vec<Vec<&'d Host>>,
}

impl<'d> Classes<'d> {
    pub(crate) fn new(policy: &Policy, directory: &'d Directory) -> Self {
        let mut named: HashSet<EntityUid> = policy.statements.iter().flat_map(|s| s.policy.entity_literals()).collect();
        named.extend(policy.approving.named());
        let mut users: BTreeMap<_, Vec<&User>> = BTreeMap::new();
        for user in directory.users().filter(|user| !directory.is_disabled(&user.name)) {
            let uids = policy.vocabulary.user(directory, user);
            let (uids, own) = (only(uids, &named), own_login(policy, user));
            users.entry((uids, user.kind.is_service(), user.source.as_ref(), own)).or_default().push(user);
        }
        let mut hosts: BTreeMap<_, Vec<&Host>> = BTreeMap::new();
        for host in directory.hosts() {
            let (uids, via) = (only(policy.vocabulary.host(host), &named), host.via.as_ref());
            hosts.entry((uids, host.realm.as_ref(), via)).or_default().push(host);
        }
        let users: Vec<Vec<&User>> = users.into_values().collect();
        let each = users.iter().enumerate().flat_map(|(class, users)| users.iter().map(move |user| (class, *user)));
        let by_name: HashMap<&str, Class> = each.map(|(class, user)| (user.name.as_str(), class)).collect();
        let classes = |group: &'d directory::Group| {
            (&group.name, group.members.iter().filter_map(|name| by_name.get(name.as_str()).copied()).collect())
        };
        let in_group = directory.groups().map(classes).collect();
        Self { users, by_name, in_group, hosts: hosts.into_values().collect() }
    }

    /// The users of a class; they are enabled, and never none.
    pub(crate) fn users(&self, class: Class) -> &[&'d User] {
        self.users.get(class).map_or(&[], Vec::as_slice)
    }

    /// Every class of users; none is empty.
    pub(crate) fn all_users(&self) -> impl Iterator<Item = &[&'d User]> {
        self.users.iter().map(Vec::as_slice)
    }

    /// Every class of hosts; none is empty.
    pub(crate) fn all_hosts(&self) -> impl Iterator<Item = &[&'d Host]> {
        self.hosts.iter().map(Vec::as_slice)
    }

    /// The classes whose users are in one of these groups.
    pub(crate) fn in_groups(&self, groups: &[GroupName]) -> BTreeSet<Class> {
        groups.iter().filter_map(|group| self.in_group.get(group)).flatten().copied().collect()
    }

    /// The classes that the scope of a statement is about.
    pub(crate) fn in_scope(&self, statement: &cedar_policy::Policy) -> BTreeSet<Class> {
        let Some(uid) = slice::principal(statement) else { return (0..self.users.len()).collect() };
        let id = uid.id().unescaped();
        match uid.type_name().basename() {
            "Group" => id.parse().map(|group| self.in_groups(&[group])).unwrap_or_default(),
            _ => self.by_name.get(id).copied().into_iter().collect(),
        }
    }

    /// A host of each class that the hosts of an entry have one of.
    pub(crate) fn hosts<'a>(&'a self, hosts: &'a [Hosts]) -> impl Iterator<Item = &'d Host> + 'a {
        let meant = |host: &Host| {
            hosts.iter().any(|hosts| match hosts {
                Hosts::All => true,
                Hosts::Host(name) => host.name == *name,
                Hosts::Labels(selector) => selector.matches(&host.labels),
            })
        };
        self.hosts.iter().filter_map(|class| class.first().copied()).filter(move |host| meant(host))
    }
}

/// Those that statements name, as text: all that a statement can tell apart.
fn only(uids: Vec<EntityUid>, named: &HashSet<EntityUid>) -> Vec<String> {
    uids.into_iter().filter(|uid| named.contains(uid)).map(|uid| uid.to_string()).collect()
}

/// The user's own login as far as somebody looks at which it is: rules that name it, and what hand-written Cedar may say.
fn own_login<'u>(policy: &Policy, user: &'u User) -> Option<&'u str> {
    let by_hand = policy.statements.len() > policy.compiled;
    user.login.as_ref().map(|login| {
        let looked_at = by_hand || policy.logins.contains(&AskedLogin::Named(login.clone()));
        if looked_at { login.as_str() } else { "" }
    })
}
