//! Users, keys, groups and rights that are in one bundle and not in the other, or otherwise there.

use std::collections::{BTreeMap, BTreeSet};

use directory::{Approves, Directory, Group, Kind, Right, User};
use domain::{GroupName, Login, Networks, UserName};

use super::describe::listed;
use super::{About, Both, Effect, FileChange, Read};

/// As many things of a kind that come or go are told one by one, each with what it is; of more the names are.
const ONE_BY_ONE: usize = 20;

pub(super) fn changes(both: Both<Read<'_>>) -> Vec<FileChange> {
    let directories = both.map(|read| read.directory);
    let mut changes = users(directories);
    changes.extend(keys(directories));
    changes.extend(groups(directories));
    changes.extend(rights(directories));
    changes
}

/// What comes or goes, with what each is.
pub(super) fn told(about: About, effect: Effect, what: (&str, &str), each: Vec<(String, String)>) -> Vec<FileChange> {
    let (one, many) = what;
    if each.len() > ONE_BY_ONE {
        let names: Vec<String> = each.into_iter().map(|(name, _)| name).collect();
        let words = format!("{} {about}s {many}: {}", names.len(), listed(&names), about = about.as_str());
        return vec![FileChange { effect, about, names, words }];
    }
    let change = |(name, is): (String, String)| {
        let is = if is.is_empty() { is } else { format!(": {is}") };
        FileChange { effect, about, words: format!("{} {name} {one}{is}", about.as_str()), names: vec![name] }
    };
    each.into_iter().map(change).collect()
}

/// One that is another than it was.
pub(super) fn other(about: About, effect: Effect, name: &str, said: &[String]) -> Option<FileChange> {
    let words = format!("{} {name}: {}", about.as_str(), said.join(", "));
    (!said.is_empty()).then(|| FileChange { effect, about, names: vec![name.to_owned()], words })
}

/// What a field was and is.
pub(super) fn became<T: ToString>(field: &str, old: Option<T>, new: Option<T>) -> Option<String> {
    match (old.map(|old| old.to_string()), new.map(|new| new.to_string())) {
        (old, new) if old == new => None,
        (Some(old), Some(new)) => Some(format!("{field} {old} becomes {new}")),
        (None, Some(new)) => Some(format!("{field} {new} is new")),
        (Some(old), None) => Some(format!("{field} {old} is gone")),
        (None, None) => None,
    }
}

fn users(directories: Both<&Directory>) -> Vec<FileChange> {
    let Both { old, new } = directories;
    let only_in = |one: &Directory, other: &Directory| -> Vec<(String, String)> {
        let only = one.users().filter(|user| other.user(&user.name).is_none());
        only.map(|user| (user.name.to_string(), described(user))).collect()
    };
    let mut changes = told(About::User, Effect::Loosens, ("is new", "are new"), only_in(new, old));
    changes.extend(told(About::User, Effect::Tightens, ("is gone", "are gone"), only_in(old, new)));
    for (was, is) in old.users().filter_map(|was| Some((was, new.user(&was.name)?))) {
        let disabled = |effect, word: &str| other(About::User, effect, is.name.as_str(), &[format!("is {word}")]);
        changes.extend(match (was.disabled, is.disabled) {
            (false, true) => disabled(Effect::Tightens, "disabled"),
            (true, false) => disabled(Effect::Loosens, "enabled again"),
            _ => None,
        });
        changes.extend(other(About::User, Effect::Otherwise, is.name.as_str(), &differs(was, is)));
    }
    changes
}

fn described(user: &User) -> String {
    // Named one by one, so that what a user gets in time is told, too; keys are told by themselves.
    let User { name: _, kind, owner, keys: _, login, email, source, disabled } = user;
    let owner = owner.as_ref().map(|owner| format!("owned by {owner}"));
    let login = login.as_ref().map(|login| format!("login {login}"));
    let email = email.as_ref().map(|email| format!("email {email}"));
    let disabled = disabled.then(|| "disabled".to_owned());
    let source = source.as_ref().map(|source| format!("only from {source}"));
    let parts =
        [Some(kind.as_str().to_owned()), owner, marked(*kind).map(str::to_owned), login, email, source, disabled];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What is worth a word of what a program may approve: people may, and programs may not unless they are marked.
const fn marked(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Service(Approves::ForItsOwner) => Some("approves"),
        Kind::Service(Approves::Nothing) | Kind::Person => None,
    }
}

fn differs(was: &User, is: &User) -> Vec<String> {
    let User { name: _, kind, owner, keys: _, login, email, source, disabled: _ } = was;
    let said = [
        became("kind", Some(kind.as_str()), Some(is.kind.as_str())),
        became("owner", owner.as_ref().map(UserName::as_str), is.owner.as_ref().map(UserName::as_str)),
        match (marked(*kind), marked(is.kind)) {
            (None, Some(_)) => Some("may approve".to_owned()),
            (Some(_), None) => Some("may approve no longer".to_owned()),
            _ => None,
        },
        became("source", source.as_ref().map(Networks::to_string), is.source.as_ref().map(Networks::to_string)),
        became("login", login.as_ref().map(Login::as_str), is.login.as_ref().map(Login::as_str)),
        became("email", email.as_ref(), is.email.as_ref()),
    ];
    said.into_iter().flatten().collect()
}

fn keys(directories: Both<&Directory>) -> Vec<FileChange> {
    let all = directories.map(|directory| {
        let each = directory.users().flat_map(|user| user.keys.iter().map(move |key| (&user.name, key)));
        each.collect::<BTreeSet<_>>()
    });
    let told = |effect, what, only: Vec<&(&UserName, &domain::PublicKey)>| {
        let each = only.iter().map(|(user, key)| (key.fingerprint().to_string(), format!("{} of {user}", key.kind())));
        told(About::Key, effect, what, each.collect())
    };
    let mut changes = told(Effect::Loosens, ("is new", "are new"), all.new.difference(&all.old).collect());
    changes.extend(told(Effect::Tightens, ("is gone", "are gone"), all.old.difference(&all.new).collect()));
    changes
}

/// Groups do nothing by themselves: what their members gain or lose is told as access and rights.
fn groups(directories: Both<&Directory>) -> Vec<FileChange> {
    let Both { old, new } = directories;
    let names: BTreeSet<&GroupName> = directories.iter().flat_map(|d| d.groups().map(|group| &group.name)).collect();
    let change = |name: &GroupName| {
        let (was, is) = (old.group(name), new.group(name));
        let members = |group: Option<&Group>| group.map(|group| group.members.clone()).unwrap_or_default();
        let (before, after) = (members(was), members(is));
        let names = |names: Vec<&UserName>, verb: &str| {
            (!names.is_empty()).then(|| format!("{} {verb}{}", listed(&names), if names.len() == 1 { "s" } else { "" }))
        };
        let said = [
            (was.is_none()).then(|| "is new".to_owned()),
            (is.is_none()).then(|| "is gone".to_owned()),
            names(after.difference(&before).collect(), "join"),
            names(before.difference(&after).collect(), "leave"),
            rights_of(was, is),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        other(About::Group, Effect::Otherwise, name.as_str(), &said)
    };
    names.into_iter().filter_map(change).collect()
}

fn rights_of(was: Option<&Group>, is: Option<&Group>) -> Option<String> {
    let rights = |group: Option<&Group>| {
        let rights: Vec<&str> = group.into_iter().flat_map(|group| &group.rights).copied().map(Right::as_str).collect();
        (!rights.is_empty()).then(|| rights.join(" and "))
    };
    became("the right", rights(was), rights(is))
}

fn rights(directories: Both<&Directory>) -> Vec<FileChange> {
    let users: BTreeSet<&UserName> = directories.iter().flat_map(|d| d.users().map(|user| &user.name)).collect();
    let mut changed: BTreeMap<(Effect, Right), Vec<&UserName>> = BTreeMap::new();
    for (user, right) in users.iter().flat_map(|user| Right::ALL.map(|right| (*user, right))) {
        let has = directories.map(|directory| directory.has_right(user, right));
        match (has.old, has.new) {
            (false, true) => changed.entry((Effect::Loosens, right)).or_default().push(user),
            (true, false) => changed.entry((Effect::Tightens, right)).or_default().push(user),
            _ => {}
        }
    }
    let change = |((effect, right), users): ((Effect, Right), Vec<&UserName>)| {
        let verb = if effect == Effect::Loosens { "gain" } else { "lose" };
        let s = if users.len() == 1 { "s" } else { "" };
        FileChange {
            effect,
            about: About::Right,
            names: users.iter().map(ToString::to_string).collect(),
            words: format!("{} {verb}{s} the right `{}`", listed(&users), right.as_str()),
        }
    };
    changed.into_iter().map(change).collect()
}
