//! Which accesses may be open at all, by the scopes of rules: most users and hosts have nothing to do with each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::EntityUid;
use directory::{Host, User};
use domain::{AskedLogin, GroupName, HostName, Label, Login, Selector, UserName};

use super::classes::{Hosts, Users};
use super::looks::Looks;
use super::{Both, Read};
use crate::access::{self, Says};
use crate::cedar::{Meaning, Statement};
use crate::slice;

/// The logins that a rule is for.
#[derive(Debug, Default)]
pub(super) struct Logins {
    pub(super) named: BTreeSet<Login>,
    /// Each user's own.
    pub(super) own: bool,
    /// Those that nobody names.
    pub(super) others: bool,
}

/// By the places of classes of users and of hosts.
pub(super) type Candidates = BTreeMap<(usize, usize), Logins>;

/// Every login that either side names, wherever.
pub(super) fn named_logins(both: Both<Read<'_>>) -> BTreeSet<Login> {
    let mut named = BTreeSet::new();
    for read in both.iter() {
        let entries = read.policy.entries.iter().flat_map(|entry| &entry.scope.logins);
        named.extend(entries.filter_map(|login| match login {
            AskedLogin::Named(login) => Some(login.clone()),
            AskedLogin::Own => None,
        }));
        let texts = by_hand(*read).flat_map(|statement| Looks::of(&statement.policy).texts);
        named.extend(texts.filter_map(|text| text.parse().ok()));
    }
    named
}

pub(super) fn by_hand<'a>(read: Read<'a>) -> impl Iterator<Item = &'a Statement> {
    read.policy.statements.iter().skip(read.policy.compiled)
}

/// What rules of either side are for; at most about so many pairs.
pub(super) fn candidates(
    both: Both<Read<'_>>,
    (users, hosts): (&[Users<'_>], &[Hosts<'_>]),
    named: &BTreeSet<Login>,
    most: usize,
) -> Candidates {
    let mut found = Candidates::new();
    let users = Both { old: users.iter().map(|u| u.one.old).collect(), new: users.iter().map(|u| u.one.new).collect() };
    let hosts = Both { old: hosts.iter().map(|h| h.one.old).collect(), new: hosts.iter().map(|h| h.one.new).collect() };
    both.zip(users)
        .zip(hosts)
        .map(|((read, users), hosts)| Index::new(read, users, hosts).add_to(&mut found, named, most));
    found
}

/// The classes of one side by what scopes name.
struct Index<'a> {
    read: Read<'a>,
    users: Vec<Option<&'a User>>,
    hosts: Vec<Option<&'a Host>>,
    in_group: HashMap<&'a GroupName, Vec<usize>>,
    user: HashMap<&'a UserName, usize>,
    with_label: HashMap<&'a Label, Vec<usize>>,
    host: HashMap<&'a HostName, usize>,
}

impl<'a> Index<'a> {
    fn new(read: Read<'a>, users: Vec<Option<&'a User>>, hosts: Vec<Option<&'a Host>>) -> Self {
        let mut index = Self {
            read,
            users: Vec::new(),
            hosts: Vec::new(),
            in_group: HashMap::new(),
            user: HashMap::new(),
            with_label: HashMap::new(),
            host: HashMap::new(),
        };
        for (place, user) in users.iter().enumerate().filter_map(|(place, user)| Some((place, (*user)?))) {
            index.user.insert(&user.name, place);
            for group in read.directory.groups_of(&user.name) {
                index.in_group.entry(group).or_default().push(place);
            }
        }
        for (place, host) in hosts.iter().enumerate().filter_map(|(place, host)| Some((place, (*host)?))) {
            index.host.insert(&host.name, place);
            for label in &host.labels {
                index.with_label.entry(label).or_default().push(place);
            }
        }
        Self { users, hosts, ..index }
    }

    fn add_to(&self, found: &mut Candidates, named: &BTreeSet<Login>, most: usize) {
        let rules = self.read.policy.entries.iter().filter(|entry| matches!(entry.says, Says::Rule(..)));
        for entry in rules {
            let users: BTreeSet<usize> = entry.scope.who.iter().flat_map(|group| self.members(group)).collect();
            let hosts: BTreeSet<usize> = entry.scope.hosts.iter().flat_map(|hosts| self.meant(hosts)).collect();
            add(found, (&users, &hosts), most, |logins| {
                for login in &entry.scope.logins {
                    match login {
                        AskedLogin::Named(login) => drop(logins.named.insert(login.clone())),
                        AskedLogin::Own => logins.own = true,
                    }
                }
            });
        }
        for statement in by_hand(self.read).filter(|statement| matches!(statement.meaning, Meaning::Rule(..))) {
            let users =
                slice::principal(&statement.policy).map_or_else(|| there(&self.users), |uid| self.principal(&uid));
            let hosts =
                slice::resource(&statement.policy).map_or_else(|| there(&self.hosts), |uid| self.resource(&uid));
            add(found, (&users, &hosts), most, |logins| {
                logins.named.extend(named.iter().cloned());
                (logins.own, logins.others) = (true, true);
            });
        }
    }

    fn members(&self, group: &GroupName) -> Vec<usize> {
        self.in_group.get(group).cloned().unwrap_or_default()
    }

    fn meant(&self, hosts: &access::Hosts) -> Vec<usize> {
        match hosts {
            access::Hosts::All => there(&self.hosts).into_iter().collect(),
            access::Hosts::Host(name) => self.host.get(name).copied().into_iter().collect(),
            access::Hosts::Labels(selector) => self.labelled(selector),
        }
    }

    fn labelled(&self, selector: &Selector) -> Vec<usize> {
        let with = |label: &Label| self.with_label.get(label).map_or(&[][..], Vec::as_slice);
        let fewest = selector.labels().map(with).min_by_key(|places| places.len()).unwrap_or_default();
        let all =
            |place: &&usize| self.hosts.get(**place).copied().flatten().is_some_and(|h| selector.matches(&h.labels));
        fewest.iter().filter(all).copied().collect()
    }

    fn principal(&self, uid: &EntityUid) -> BTreeSet<usize> {
        let id = uid.id().unescaped();
        match uid.type_name().basename() {
            "Group" => id.parse().map(|group| self.members(&group)).unwrap_or_default().into_iter().collect(),
            _ => id.parse().ok().and_then(|name: UserName| self.user.get(&name).copied()).into_iter().collect(),
        }
    }

    fn resource(&self, uid: &EntityUid) -> BTreeSet<usize> {
        let id = uid.id().unescaped();
        match uid.type_name().basename() {
            "Label" => id.parse().map(|labels| self.labelled(&labels)).unwrap_or_default().into_iter().collect(),
            _ => id.parse().ok().and_then(|name: HostName| self.host.get(&name).copied()).into_iter().collect(),
        }
    }
}

fn there<T>(classes: &[Option<T>]) -> BTreeSet<usize> {
    classes.iter().enumerate().filter(|(_, class)| class.is_some()).map(|(place, _)| place).collect()
}

fn add(
    found: &mut Candidates,
    (users, hosts): (&BTreeSet<usize>, &BTreeSet<usize>),
    most: usize,
    mut fill: impl FnMut(&mut Logins),
) {
    for pair in users.iter().flat_map(|user| hosts.iter().map(move |host| (*user, *host))) {
        if found.len() > most {
            return;
        }
        fill(found.entry(pair).or_default());
    }
}
