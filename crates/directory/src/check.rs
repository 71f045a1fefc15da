//! What must hold between users, groups and hosts; each breach is a mistake where it is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;

use domain::{GroupName, HostName, PublicKey, UserName};
use toml::Spanned;

use crate::read::{ReadGroup, ReadHost, ReadUser};
use crate::{Group, Host, Kind, Notes, User};

/// Users by name and the user that each key is bound to.
pub(crate) fn users(notes: &Notes<'_>, read: Vec<ReadUser>) -> (BTreeMap<UserName, User>, Bindings) {
    let mut first = BTreeMap::new();
    for user in &read {
        once(notes, &mut first, &user.name, "user");
    }
    let by_name: BTreeMap<&UserName, &ReadUser> = read.iter().rev().map(|user| (user.name.get_ref(), user)).collect();
    for user in &read {
        owner(notes, user, &by_name);
    }
    let bindings = bindings(notes, &read);
    (read.into_iter().rev().map(|user| (user.name.get_ref().clone(), finished(user))).collect(), bindings)
}

pub(crate) type Bindings = BTreeMap<PublicKey, UserName>;

fn finished(user: ReadUser) -> User {
    User {
        name: user.name.into_inner(),
        kind: user.kind,
        owner: user.owner.map(Spanned::into_inner),
        keys: user.keys.into_iter().map(Spanned::into_inner).collect(),
        login: user.login,
        disabled: user.disabled,
    }
}

/// An owner is a person without an owner: so there are no chains and no cycles, and who is behind a user is one look.
fn owner(notes: &Notes<'_>, user: &ReadUser, users: &BTreeMap<&UserName, &ReadUser>) {
    let Some(given) = &user.owner else {
        if user.kind == Kind::Service {
            let message = format!("the service `{}` has no owner", user.name.get_ref());
            notes.note_with_help(user.name.span(), message, "name the person who answers for it: owner = \"...\"");
        }
        return;
    };
    let name = given.get_ref();
    match users.get(name) {
        None => notes.note(given.span(), format!("the owner `{name}` is not a user of this file")),
        Some(_) if name == user.name.get_ref() => {
            notes.note_with_help(given.span(), "a user cannot be its own owner", "leave `owner` out");
        }
        Some(owner) if owner.kind == Kind::Service => {
            notes.note(given.span(), format!("the owner `{name}` is a service; an owner is a person"));
        }
        Some(ReadUser { owner: Some(behind), .. }) => {
            let help = format!("name the person behind: owner = \"{}\"", behind.get_ref());
            notes.note_with_help(given.span(), format!("the owner `{name}` has an owner itself"), help);
        }
        Some(_) => {}
    }
}

/// A key belongs to one user: a signature by it names nobody else.
fn bindings(notes: &Notes<'_>, users: &[ReadUser]) -> Bindings {
    let mut bound: BTreeMap<&PublicKey, (&UserName, usize)> = BTreeMap::new();
    for (user, key) in users.iter().flat_map(|user| user.keys.iter().map(move |key| (user, key))) {
        match bound.get(key.get_ref()) {
            Some((other, line)) => {
                let message = format!("this key is already bound to `{other}`, in line {line}");
                notes.note_with_help(key.span(), message, "a key belongs to one user: remove one of the two");
            }
            None => {
                bound.insert(key.get_ref(), (user.name.get_ref(), notes.source().line(key.span().start)));
            }
        }
    }
    bound.into_iter().map(|(key, (user, _))| (key.clone(), user.clone())).collect()
}

/// Groups by name.
pub(crate) fn groups(
    notes: &Notes<'_>,
    read: Vec<ReadGroup>,
    users: &BTreeMap<UserName, User>,
) -> BTreeMap<GroupName, Group> {
    let mut first = BTreeMap::new();
    for group in &read {
        once(notes, &mut first, &group.name, "group");
        for member in group.members.iter().filter(|member| !users.contains_key(member.get_ref())) {
            notes.note(member.span(), format!("the member `{}` is not a user of this file", member.get_ref()));
        }
    }
    let finished = |group: ReadGroup| Group {
        name: group.name.into_inner(),
        members: group.members.into_iter().map(Spanned::into_inner).collect(),
        rights: group.rights,
    };
    read.into_iter().map(finished).map(|group| (group.name.clone(), group)).collect()
}

/// Hosts in the order of their names.
pub(crate) fn hosts(notes: &Notes<'_>, mut read: Vec<ReadHost>) -> Vec<Host> {
    let mut first = BTreeMap::new();
    for name in read.iter().flat_map(|host| std::iter::once(&host.name).chain(&host.aliases)) {
        once(notes, &mut first, name, "host or alias");
    }
    jumps(notes, &read);
    read.sort_by(|a, b| a.name.get_ref().cmp(b.name.get_ref()));
    let canonical = canonical_names(&read);
    let jump = |via: Option<Spanned<HostName>>| via.and_then(|via| canonical.get(via.get_ref()).cloned());
    let finished = |host: ReadHost| Host {
        name: host.name.into_inner(),
        aliases: host.aliases.into_iter().map(Spanned::into_inner).collect(),
        address: host.address,
        port: host.port,
        labels: host.labels,
        via: jump(host.via),
        realm: host.realm,
    };
    read.into_iter().map(finished).collect()
}

fn canonical_names(hosts: &[ReadHost]) -> HashMap<HostName, HostName> {
    let names = |host: &ReadHost| {
        let canonical = host.name.get_ref().clone();
        let all = std::iter::once(&host.name).chain(&host.aliases).map(|name| name.get_ref().clone());
        all.map(move |name| (name, canonical.clone())).collect::<Vec<_>>()
    };
    hosts.iter().flat_map(names).collect()
}

/// Every chain of jump hosts ends, and at a host of this file.
fn jumps(notes: &Notes<'_>, hosts: &[ReadHost]) {
    let mut by_name: HashMap<&HostName, &ReadHost> = HashMap::with_capacity(hosts.len());
    for host in hosts {
        by_name.extend(std::iter::once(&host.name).chain(&host.aliases).map(|name| (name.get_ref(), host)));
    }
    for host in hosts {
        let Some(via) = &host.via else { continue };
        if !by_name.contains_key(via.get_ref()) {
            let message = format!("the jump host `{}` is not a host of this file", via.get_ref());
            notes.note_with_help(via.span(), message, "add it as a [[host]], or correct the name");
        }
        let (mut passed, mut next) = (BTreeSet::new(), Some(via));
        while let Some(jump) = next.and_then(|via| by_name.get(via.get_ref())) {
            if jump.name.get_ref() == host.name.get_ref() {
                notes.note(via.span(), format!("the jump hosts of `{}` lead back to it", host.name.get_ref()));
                break;
            }
            // A loop further on is told at the hosts that form it.
            next = if passed.insert(jump.name.get_ref()) { jump.via.as_ref() } else { None };
        }
    }
}

/// Notes a name that was given before.
fn once<'r, N: Ord + Display>(notes: &Notes<'_>, first: &mut BTreeMap<&'r N, usize>, name: &'r Spanned<N>, what: &str) {
    if let Some(at) = first.get(name.get_ref()) {
        let message = format!("the {what} `{}` is already in line {}", name.get_ref(), notes.source().line(*at));
        notes.note(name.span(), message);
    } else {
        first.insert(name.get_ref(), name.span().start);
    }
}
