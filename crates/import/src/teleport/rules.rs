//! Rules of roles: who holds or may ask for each, and who approves.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AskedLogin, GroupName, Quorum, Span};

use super::role::{Conditions, Role};
use crate::draft::{Draft, Forbid, Hosts, Rule};
use crate::todo::{Todo, shown};

/// Adds groups, rules and prohibitions.
pub(super) fn draft(draft: &mut Draft, roles: &[Role]) {
    for role in roles {
        let unsaid = role.unsaid.iter().map(|words| Todo::new(format!("role `{}`: {words}", shown(&role.name))));
        draft.todos.extend(unsaid.collect::<Vec<_>>());
        for pattern in role.request.roles.iter().chain(&role.reviews).filter(|pattern| !is_readable(pattern)) {
            draft.todos.push(Todo::new(format!(
                "role `{}`: which roles `{}` means is not read",
                shown(&role.name),
                shown(pattern)
            )));
        }
        rules(draft, role, roles);
        forbids(draft, role);
    }
}

fn rules(draft: &mut Draft, role: &Role, roles: &[Role]) {
    let (hosts, logins) = (role.allow.hosts(), role.allow.logins());
    if role.allow.logins.is_empty() && role.allow.labels.is_empty() {
        return;
    }
    let mut notes = [hosts.notes, logins.notes].concat();
    if hosts.said.is_empty() || logins.said.is_empty() {
        let what = if hosts.said.is_empty() { "hosts" } else { "logins" };
        notes.insert(0, format!("no rule was drafted: no {what} that a rule can say ({})", role.at));
        let told = notes.iter().map(|note| Todo::new(format!("role `{}`: {note}", shown(&role.name))));
        return draft.todos.extend(told);
    }
    for path in paths(draft, role, roles) {
        let todos = path.notes.iter().chain(&notes).map(|note| Todo::new(note.as_str())).collect();
        let (Some(name), Some((max, max_note))) = (draft.rule_name(&role.name), path.max) else { continue };
        let mut rule = Rule {
            name,
            who: path.who,
            hosts: hosts.said.clone(),
            logins: logins.said.clone(),
            approve: path.approve,
            max,
            allow: role.extensions.clone(),
            todos,
        };
        rule.todos.extend(max_note.map(Todo::new));
        draft.rules.push(rule);
    }
}

/// One way to a role: who goes it, and who approves.
struct Path {
    who: BTreeSet<GroupName>,
    approve: Quorum,
    max: Option<(Span, Option<String>)>,
    notes: Vec<String>,
}

/// A way for those who may ask for the role, for each count of approvals; or one for those who hold it.
fn paths(draft: &mut Draft, role: &Role, roles: &[Role]) -> Vec<Path> {
    let mut asking: BTreeMap<(u32, Option<Span>), Vec<&Role>> = BTreeMap::new();
    for other in roles.iter().filter(|other| matches(&other.request.roles, &role.name)) {
        asking.entry((other.request.approve.unwrap_or(1), other.request.max)).or_default().push(other);
    }
    if asking.is_empty() {
        return standing(draft, role).into_iter().collect();
    }
    let ways = asking.into_iter().map(|((count, max), others)| {
        let who = others.iter().filter_map(|other| holders(draft, other)).collect();
        let names: Vec<String> = others.iter().map(|other| shown(&other.name)).collect();
        let (approve, reviewed) = reviewers(draft, role, roles, count)?;
        let from = format!(
            "role `{}` ({}), which `{}` may ask for; {reviewed}",
            shown(&role.name),
            role.at,
            names.join("`, `")
        );
        let held = "who holds the role without asking is in no rule: a rule of its own could say it".to_owned();
        let shorter = max.into_iter().chain(role.max).min();
        Some(Path { who, approve, max: longest(shorter), notes: vec![from, held] })
    });
    ways.flatten().collect()
}

fn standing(draft: &mut Draft, role: &Role) -> Option<Path> {
    let who = BTreeSet::from([holders(draft, role)?]);
    let words = format!(
        "role `{}` ({}): today nobody is asked. Say who approves; `auto` would be as before",
        shown(&role.name),
        role.at
    );
    Some(Path { who, approve: draft.approvers(1)?, max: longest(role.max), notes: vec![words] })
}

/// The longest window; an hour where the role does not say.
fn longest(max: Option<Span>) -> Option<(Span, Option<String>)> {
    match max {
        Some(max) => Some((max, None)),
        None => Some(("1h".parse().ok()?, Some("`max` is a guess: the role has no max_session_ttl".to_owned()))),
    }
}

/// The group of those who hold a role; Teleport's roles do not say who that is.
fn holders(draft: &mut Draft, role: &Role) -> Option<GroupName> {
    let group = draft.group(&role.name)?.name;
    let entry = draft.groups.get_mut(&group)?;
    if entry.todos.is_empty() {
        entry.todos.push(Todo::new(format!(
            "members: who holds the Teleport role `{}` ({})",
            shown(&role.name),
            role.at
        )));
    }
    Some(group)
}

/// As many of those who review requests for a role.
fn reviewers(draft: &mut Draft, role: &Role, roles: &[Role], count: u32) -> Option<(Quorum, String)> {
    let reviewing: Vec<&Role> = roles.iter().filter(|other| matches(&other.reviews, &role.name)).collect();
    let names: Vec<String> = reviewing.iter().map(|other| shown(&other.name)).collect();
    let group = match reviewing.as_slice() {
        [] => return Some((draft.approvers(count)?, "no role reviews it".to_owned())),
        [only] => holders(draft, only)?,
        _ => {
            // Any of them counts in Teleport, and a quorum counts per group: so they become one.
            let group = draft.group(&format!("reviewers-of-{}", role.name))?.name;
            let words = format!("members: who holds one of the Teleport roles `{}`", names.join("`, `"));
            let entry = draft.groups.get_mut(&group)?;
            if entry.todos.is_empty() {
                entry.todos.push(Todo::new(words));
            }
            group
        }
    };
    Some((format!("{count} of {group}").parse().ok()?, format!("`{}` reviews it", names.join("`, `"))))
}

/// In Teleport a deny of labels and one of logins each hold by themselves; in one `[[forbid]]` both would have to.
fn forbids(draft: &mut Draft, role: &Role) {
    let Conditions { logins, labels } = &role.deny;
    if logins.is_empty() && labels.is_empty() {
        return;
    }
    let (hosts, logins) = (role.deny.hosts(), role.deny.logins());
    let name = shown(&role.name);
    for note in hosts.notes.iter().chain(&logins.notes) {
        draft.todos.push(Todo::new(format!("role `{name}`: NOT forbidden as it was, look at its `deny`: {note}")));
    }
    if !hosts.said.is_empty() {
        forbid(draft, role, hosts.said, BTreeSet::new());
    }
    if !logins.said.is_empty() {
        forbid(draft, role, BTreeSet::new(), logins.said);
    }
}

fn forbid(draft: &mut Draft, role: &Role, hosts: BTreeSet<Hosts>, logins: BTreeSet<AskedLogin>) {
    let Some(who) = holders(draft, role) else { return };
    let words = format!(
        "`deny` of role `{}` ({}), for who holds it; add to `who` the groups that may ask for it",
        shown(&role.name),
        role.at
    );
    draft.forbids.push(Forbid { who, hosts, logins, todos: vec![Todo::new(words)] });
}

/// Whether one of these means the role: names, with `*` for anything.
fn matches(patterns: &[String], role: &str) -> bool {
    patterns.iter().any(|pattern| is_readable(pattern) && glob(pattern, role))
}

fn is_readable(pattern: &str) -> bool {
    !pattern.starts_with('^') && !pattern.contains("{{")
}

fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, expected) in [
            ("prod", "prod", true),
            ("prod", "prod-2", false),
            ("prod-*", "prod-db", true),
            ("*", "", true),
            ("*-db-*", "prod-db-1", true),
            ("a*b*a", "aba", true),
            ("a*a", "a", false),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, name), expected, "{pattern} {name}");
        }
    }
}
