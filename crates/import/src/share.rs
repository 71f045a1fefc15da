//! Who can log in where, as groups and rules: the same people on the same logins share a rule.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AskedLogin, Extension, GroupName, HostName, Login, UserName};

use crate::draft::{Draft, Hosts, Rule};
use crate::todo::{At, Todo, some_of};

/// One user, as one login, on one host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Access {
    pub(crate) user: UserName,
    pub(crate) login: Login,
    pub(crate) host: HostName,
    pub(crate) allow: BTreeSet<Extension>,
}

type People = BTreeSet<UserName>;
type Allow = BTreeSet<Extension>;
type Places = BTreeSet<At>;
/// What makes logins share a rule, and what they then are.
type Same = (People, Allow, BTreeSet<HostName>);
type Logins = (BTreeSet<AskedLogin>, Places);

/// Adds groups and rules that say who can log in where.
pub(crate) fn share(draft: &mut Draft, accesses: BTreeMap<Access, Places>) {
    let mut people_at: BTreeMap<(AskedLogin, Allow, HostName), (People, Places)> = BTreeMap::new();
    for (access, places) in accesses {
        let login = own_or_named(draft, &access);
        let (people, seen) = people_at.entry((login, access.allow, access.host)).or_default();
        people.insert(access.user);
        seen.extend(places);
    }
    let mut hosts_of: BTreeMap<(People, Allow, AskedLogin), (BTreeSet<HostName>, Places)> = BTreeMap::new();
    for ((login, allow, host), (people, places)) in people_at {
        let (hosts, seen) = hosts_of.entry((people, allow, login)).or_default();
        hosts.insert(host);
        seen.extend(places);
    }
    let mut logins_of: BTreeMap<Same, Logins> = BTreeMap::new();
    for ((people, allow, login), (hosts, places)) in hosts_of {
        let (logins, seen) = logins_of.entry((people, allow, hosts)).or_default();
        logins.insert(login);
        seen.extend(places);
    }
    let mut groups = BTreeMap::new();
    for ((people, allow, hosts), (logins, places)) in logins_of {
        let Some(group) = group(draft, &mut groups, &people, &places) else { continue };
        rule(draft, group, Shared { allow, hosts, logins, places });
    }
}

/// Who logs in under the own name asks for `self`: so that all of these share one rule.
fn own_or_named(draft: &mut Draft, access: &Access) -> AskedLogin {
    // An account that is really called `self` cannot be named: nobody's `self` maps to it, so nothing is opened.
    let own = access.user.as_str() == access.login.as_str() && access.login.as_str() != "self";
    match draft.users.get_mut(&access.user).filter(|_| own) {
        Some(user) => {
            if user.login.is_none() {
                user.login = Some(access.login.clone());
                user.todos.push(Todo::new(format!(
                    "`login`, what `self` stands for, is guessed from the name `{}`",
                    access.login
                )));
            }
            AskedLogin::Own
        }
        None => AskedLogin::Named(access.login.clone()),
    }
}

fn group(
    draft: &mut Draft,
    groups: &mut BTreeMap<People, GroupName>,
    people: &People,
    places: &Places,
) -> Option<GroupName> {
    if let Some(group) = groups.get(people) {
        return Some(group.clone());
    }
    let mut each = people.iter();
    let like = match (each.next(), each.next()) {
        (Some(only), None) => format!("only-{}", crate::names::like(only.as_str()).unwrap_or_default()),
        _ => format!("people-{}", groups.keys().filter(|people| people.len() > 1).count() + 1),
    };
    // No foreign name: what it is like is taken, and no foreign group of that name is meant.
    let name: GroupName = draft.group_names.free(&like).parse().ok()?;
    let group = draft.groups.entry(name.clone()).or_default();
    group.members.clone_from(people);
    group.todos.push(Todo::new(format!("a better name; these people have the same logins: {}", some_of(places))));
    groups.insert(people.clone(), name.clone());
    Some(name)
}

struct Shared {
    allow: Allow,
    hosts: BTreeSet<HostName>,
    logins: BTreeSet<AskedLogin>,
    places: Places,
}

fn rule(draft: &mut Draft, group: GroupName, shared: Shared) {
    let Shared { allow, hosts, logins, places } = shared;
    let like = logins.first().map(ToString::to_string).unwrap_or_default();
    let (Some(name), Some(approve), Ok(max)) = (draft.rule_name(&like), draft.approvers(1), "1h".parse()) else {
        return;
    };
    let todos = vec![
        Todo::new(format!("who, hosts and logins are drafted from {}; are they still wanted?", some_of(&places))),
        Todo::new("approve, max and ttl are placeholders: nothing there says who approves, and for how long"),
    ];
    draft.rules.push(Rule {
        name,
        who: BTreeSet::from([group]),
        hosts: hosts.into_iter().map(Hosts::Named).collect(),
        logins,
        approve,
        max,
        allow,
        todos,
    });
}
