//! The directory: users, keys, groups and hosts, indexed for the questions that others ask.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{EmailAddress, GroupName, HostName, Label, Login, MOST_JUMPS, PublicKey, RealmName, Selector, UserName};

use crate::check::{self, Bindings};
use crate::read;
use crate::{Group, Host, Kind, Mistakes, Notes, Pool, Right, Source, User};

/// Where the binding of a key to a user comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingSource {
    /// The user's `keys` in `directory.toml`.
    Directory,
}

/// A key's user. The user may be disabled: whoever asks decides and says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'d> {
    /// The user that the key is bound to.
    pub user: &'d User,
    /// Where the binding comes from.
    pub source: BindingSource,
}

/// Users, keys, groups and hosts, free of contradictions.
#[derive(Debug, Clone)]
pub struct Directory {
    users: BTreeMap<UserName, User>,
    bindings: Bindings,
    groups: BTreeMap<GroupName, Group>,
    groups_of: HashMap<UserName, BTreeSet<GroupName>>,
    /// By canonical name; the indexes below are places in here.
    hosts: Vec<Host>,
    names: HashMap<HostName, usize>,
    labels: HashMap<Label, Vec<usize>>,
    realms: BTreeMap<RealmName, Vec<usize>>,
    pools: Vec<Pool>,
}

/// What a directory is indexed from.
pub(crate) struct Parts {
    pub(crate) users: BTreeMap<UserName, User>,
    pub(crate) bindings: Bindings,
    pub(crate) groups: BTreeMap<GroupName, Group>,
    /// By canonical name.
    pub(crate) hosts: Vec<Host>,
    pub(crate) pools: Vec<Pool>,
}

impl Directory {
    /// Reads `directory.toml` and `hosts.toml`.
    ///
    /// # Errors
    /// Every mistake in both, at once.
    pub fn parse(directory: &Source, hosts: &Source) -> Result<Self, Mistakes> {
        let (parsed, mistakes) = Self::parse_all(directory, hosts);
        mistakes.unless_any(parsed)
    }

    /// Reads `directory.toml` and `hosts.toml` and goes on past mistakes: what could be read, to look for mistakes in the
    /// files that speak of it, and every mistake. Only without any is it a directory to rule by.
    pub fn parse_all(directory: &Source, hosts: &Source) -> (Self, Mistakes) {
        let (in_directory, ((hosts, pools), in_hosts)) = std::thread::scope(|scope| {
            // Ten thousand hosts take as long to read as everything else at a start together.
            let hosts = scope.spawn(|| {
                let notes = Notes::new(hosts);
                let (hosts, pools) = read::hosts_and_pools(&notes);
                (check::hosts(&notes, hosts, pools), notes.into_mistakes())
            });
            let notes = Notes::new(directory);
            let (users, groups) = read::users_and_groups(&notes);
            let (users, bindings) = check::users(&notes, users);
            let groups = check::groups(&notes, groups, &users);
            let hosts = hosts.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            ((users, bindings, groups, notes.into_mistakes()), hosts)
        });
        let (users, bindings, groups, mut mistakes) = in_directory;
        mistakes.extend(in_hosts);
        (Self::index(Parts { users, bindings, groups, hosts, pools }), Mistakes(mistakes))
    }

    pub(crate) fn into_parts(self) -> Parts {
        let Self { users, bindings, groups, hosts, pools, .. } = self;
        Parts { users, bindings, groups, hosts, pools }
    }

    pub(crate) fn index(parts: Parts) -> Self {
        let Parts { users, bindings, groups, hosts, pools } = parts;
        let mut groups_of: HashMap<UserName, BTreeSet<GroupName>> = HashMap::new();
        for (group, member) in groups.values().flat_map(|group| group.members.iter().map(move |m| (group, m))) {
            groups_of.entry(member.clone()).or_default().insert(group.name.clone());
        }
        let mut names = HashMap::with_capacity(hosts.len() * 2);
        let mut labels: HashMap<Label, Vec<usize>> = HashMap::new();
        let mut realms: BTreeMap<RealmName, Vec<usize>> = BTreeMap::new();
        for (place, host) in hosts.iter().enumerate() {
            names.extend(std::iter::once(&host.name).chain(&host.aliases).map(|name| (name.clone(), place)));
            for label in &host.labels {
                labels.entry(label.clone()).or_default().push(place);
            }
            if let Some(realm) = &host.realm {
                realms.entry(realm.clone()).or_default().push(place);
            }
        }
        for realm in pools.iter().filter_map(|pool| pool.realm.as_ref()) {
            realms.entry(realm.clone()).or_default();
        }
        Self { users, bindings, groups, groups_of, hosts, names, labels, realms, pools }
    }

    /// A user by name.
    pub fn user(&self, name: &UserName) -> Option<&User> {
        self.users.get(name)
    }

    /// Every user, by name.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// The person behind a user: its owner, or itself.
    pub fn owner_of(&self, name: &UserName) -> Option<&UserName> {
        self.user(name).map(|user| user.owner.as_ref().unwrap_or(&user.name))
    }

    /// Whether the user, or the person behind it, is disabled. Who is not in the directory is disabled, too.
    pub fn is_disabled(&self, name: &UserName) -> bool {
        let disabled = |name: &UserName| self.user(name).is_none_or(|user| user.disabled);
        disabled(name) || self.owner_of(name).is_none_or(disabled)
    }

    /// Where mail for an enabled user goes: to its own address, or else to that of the person behind.
    pub fn address_of(&self, name: &UserName) -> Option<&EmailAddress> {
        let own = |name: &UserName| self.user(name).and_then(|user| user.email.as_ref());
        if self.is_disabled(name) { None } else { own(name).or_else(|| own(self.owner_of(name)?)) }
    }

    /// Whether decisions of the user count: an enabled person's, and those of an enabled program that is marked.
    pub fn decides(&self, name: &UserName) -> bool {
        self.user(name).is_some_and(|user| user.kind.decides()) && !self.is_disabled(name)
    }

    /// Whether the user is an enabled person, and no program.
    pub fn is_enabled_person(&self, name: &UserName) -> bool {
        self.user(name).is_some_and(|user| user.kind == Kind::Person) && !self.is_disabled(name)
    }

    /// The user that a key is bound to.
    pub fn binding(&self, key: &PublicKey) -> Option<Binding<'_>> {
        let user = self.bindings.get(key).and_then(|name| self.user(name))?;
        Some(Binding { user, source: BindingSource::Directory })
    }

    /// A group by name.
    pub fn group(&self, name: &GroupName) -> Option<&Group> {
        self.groups.get(name)
    }

    /// Every group, by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// Whether the user belongs to the group.
    pub fn member(&self, user: &UserName, group: &GroupName) -> bool {
        self.group(group).is_some_and(|group| group.members.contains(user))
    }

    /// The groups that the user belongs to, by name.
    pub fn groups_of(&self, user: &UserName) -> impl Iterator<Item = &GroupName> {
        self.groups_of.get(user).into_iter().flatten()
    }

    /// Whether a group gives the user this right; never to who is disabled.
    pub fn has_right(&self, user: &UserName, right: Right) -> bool {
        let gives = |group: &GroupName| self.group(group).is_some_and(|group| group.rights.contains(&right));
        !self.is_disabled(user) && self.groups_of(user).any(gives)
    }

    /// A host by its canonical name or an alias.
    pub fn host(&self, name_or_alias: &str) -> Option<&Host> {
        let name: HostName = name_or_alias.parse().ok()?;
        self.names.get(&name).and_then(|place| self.hosts.get(*place))
    }

    /// Every host, by canonical name.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter()
    }

    /// The pools that hosts may join, in the order of the file.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// The hosts that have all of these labels, by canonical name.
    pub fn select(&self, selector: &Selector) -> impl Iterator<Item = &Host> {
        let places = |label: &Label| self.labels.get(label).map_or(&[][..], Vec::as_slice);
        let fewest = selector.labels().map(places).min_by_key(|places| places.len()).unwrap_or_default();
        let all = selector.clone();
        self.at(fewest).filter(move |host| all.matches(&host.labels))
    }

    /// The realms of plain hosts and of pools of them, by name.
    pub fn realms(&self) -> impl Iterator<Item = &RealmName> {
        self.realms.keys()
    }

    /// The plain hosts of a realm, by canonical name.
    pub fn realm_hosts(&self, realm: &RealmName) -> impl Iterator<Item = &Host> {
        self.at(self.realms.get(realm).map_or(&[], Vec::as_slice))
    }

    /// The jump hosts in front of a host, the nearest first, each with the login there that only forwards.
    ///
    /// # Errors
    /// The name of one that is not there, or has no such login: the inventory has them all, and one can be removed since.
    pub fn jump_hosts<'d>(&'d self, host: &'d Host) -> Result<Vec<(&'d Host, &'d Login)>, &'d HostName> {
        let (mut jumps, mut behind) = (Vec::new(), host);
        while let Some(via) = &behind.via {
            let jump = self.host(via.as_str()).filter(|jump| jump.name == *via && jumps.len() < MOST_JUMPS);
            let there = jump.and_then(|jump| Some((jump, jump.jump_login.as_ref()?))).ok_or(via)?;
            jumps.push(there);
            behind = there.0;
        }
        Ok(jumps)
    }

    fn at<'d>(&'d self, places: &'d [usize]) -> impl Iterator<Item = &'d Host> {
        places.iter().filter_map(|place| self.hosts.get(*place))
    }
}
