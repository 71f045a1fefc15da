//! What must hold between users, groups and hosts; each breach is a mistake where it is written.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;
use std::hash::Hash;

use domain::{GroupName, HostName, MOST_JUMPS, PublicKey, UserName};
use toml::Spanned;

use crate::read::{ReadGroup, ReadHost, ReadPool, ReadUser};
use crate::{Group, Host, Notes, Pool, User};

/// Users by name and the user that each key is bound to.
pub(crate) fn users(notes: &Notes<'_>, read: Vec<ReadUser>) -> (BTreeMap<UserName, User>, Bindings) {
    let mut first = HashMap::new();
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
        email: user.email,
        source: user.source,
        disabled: user.disabled,
    }
}

/// An owner is a person without an owner: so there are no chains and no cycles, and who is behind a user is one look.
fn owner(notes: &Notes<'_>, user: &ReadUser, users: &BTreeMap<&UserName, &ReadUser>) {
    let Some(given) = &user.owner else {
        if user.kind.is_service() {
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
        Some(owner) if owner.kind.is_service() => {
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
    let mut bound: BTreeMap<&PublicKey, (&UserName, &Spanned<PublicKey>)> = BTreeMap::new();
    for (user, key) in users.iter().flat_map(|user| user.keys.iter().map(move |key| (user, key))) {
        match bound.get(key.get_ref()) {
            Some((other, first)) => {
                let line = notes.line(first.span().start);
                let message = format!("this key is already bound to `{other}`, in line {line}");
                notes.note_with_help(key.span(), message, "a key belongs to one user: remove one of the two");
            }
            None => {
                bound.insert(key.get_ref(), (user.name.get_ref(), key));
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
    let mut first = HashMap::new();
    let names: BTreeSet<&str> = read.iter().map(|group| group.name.get_ref().as_str()).collect();
    for group in &read {
        once(notes, &mut first, &group.name, "group");
        for member in group.members.iter().filter(|member| !users.contains_key(member.get_ref())) {
            let message = format!("the member `{}` is not a user of this file", member.get_ref());
            if names.contains(member.get_ref().as_str()) {
                let help =
                    "it is a group, and groups have no groups in them: name its members here, or both groups in rules";
                notes.note_with_help(member.span(), message, help);
            } else {
                notes.note(member.span(), message);
            }
        }
    }
    let finished = |group: ReadGroup| Group {
        name: group.name.into_inner(),
        members: group.members.into_iter().map(Spanned::into_inner).collect(),
        rights: group.rights,
    };
    read.into_iter().map(finished).map(|group| (group.name.clone(), group)).collect()
}

/// Hosts in the order of their names, and pools in that of the file.
pub(crate) fn hosts(notes: &Notes<'_>, read: Vec<ReadHost>, pools: Vec<ReadPool>) -> (Vec<Host>, Vec<Pool>) {
    let mut first = HashMap::with_capacity(read.len() * 2);
    let mut named = HashMap::with_capacity(read.len() * 2);
    for host in &read {
        for name in std::iter::once(&host.name).chain(&host.aliases) {
            once(notes, &mut first, name, "host or alias");
            named.insert(name.get_ref(), host);
        }
    }
    let mut first = HashMap::new();
    for pool in &pools {
        once(notes, &mut first, &pool.name, "pool");
    }
    let pools = pools.iter().map(|pool| finished_pool(notes, pool, &named)).collect();
    let jumps: Vec<Option<HostName>> = read.iter().map(|host| jump(notes, host, &named)).collect();
    let finished = |(host, via): (ReadHost, Option<HostName>)| Host {
        name: host.name.into_inner(),
        aliases: host.aliases.into_iter().map(Spanned::into_inner).collect(),
        address: host.address,
        port: host.port,
        labels: host.labels,
        via,
        realm: host.realm,
        jump_login: host.jump_login.map(Spanned::into_inner),
        egress: host.egress,
    };
    let mut hosts: Vec<Host> = read.into_iter().zip(jumps).map(finished).collect();
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    (hosts, pools)
}

fn finished_pool(notes: &Notes<'_>, pool: &ReadPool, named: &HashMap<&HostName, &ReadHost>) -> Pool {
    let via = pool.via.as_ref().and_then(|via| {
        let Some(host) = named.get(via.get_ref()) else {
            no_jump_host(notes, via);
            return None;
        };
        forwards(notes, via, host);
        Some(host.name.get_ref().clone())
    });
    Pool { name: pool.name.get_ref().clone(), labels: pool.labels.clone(), via, realm: pool.realm.clone() }
}

fn no_jump_host(notes: &Notes<'_>, via: &Spanned<HostName>) {
    let message = format!("the jump host `{}` is not a host of this file", via.get_ref());
    notes.note_with_help(via.span(), message, "add it as a [[host]], or correct the name");
}

/// Whoever may log in to a host behind a jump host forwards through that one, as a login that does nothing else.
fn forwards(notes: &Notes<'_>, via: &Spanned<HostName>, jump: &ReadHost) {
    if jump.jump_login.is_none() {
        let message = format!("the jump host `{}` has no login that only forwards", jump.name.get_ref());
        notes.note_with_help(via.span(), message, "name one in its [[host]], such as jump_login = \"jump\"");
    }
}

/// The jump host by its canonical name. Every chain of jump hosts ends, and at a host of this file.
fn jump(notes: &Notes<'_>, host: &ReadHost, named: &HashMap<&HostName, &ReadHost>) -> Option<HostName> {
    let via = host.via.as_ref()?;
    let Some(first) = named.get(via.get_ref()) else {
        no_jump_host(notes, via);
        return None;
    };
    let name = host.name.get_ref();
    if first.name.get_ref() == name {
        notes.note_with_help(via.span(), format!("`{name}` is its own jump host"), "leave `via` out, or name another");
        return None;
    }
    forwards(notes, via, first);
    let (mut passed, mut next) = (BTreeSet::new(), Some(*first));
    while let Some(jump) = next {
        if jump.name.get_ref() == name {
            notes.note(via.span(), format!("the jump hosts of `{name}` lead back to it"));
            break;
        }
        // A loop further on is told at the hosts that form it.
        let onward = || jump.via.as_ref().and_then(|via| named.get(via.get_ref()).copied());
        next = if passed.insert(jump.name.get_ref()) { onward() } else { None };
    }
    if passed.len() > MOST_JUMPS && next.is_none() {
        notes.note(via.span(), format!("`{name}` is behind {} jump hosts; {MOST_JUMPS} are the most", passed.len()));
    }
    Some(first.name.get_ref().clone())
}

/// Notes a name that was given before.
fn once<'r, N: Eq + Hash + Display>(
    notes: &Notes<'_>,
    first: &mut HashMap<&'r N, &'r Spanned<N>>,
    name: &'r Spanned<N>,
    what: &str,
) {
    match first.entry(name.get_ref()) {
        Entry::Occupied(first) => {
            let line = notes.line(first.get().span().start);
            notes.note(name.span(), format!("the {what} `{}` is already in line {line}", name.get_ref()));
        }
        Entry::Vacant(free) => {
            free.insert(name);
        }
    }
}
