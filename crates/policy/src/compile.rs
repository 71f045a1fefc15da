//! What `access.toml` becomes: Cedar text, a statement for each group and each host or label of an entry, so that a
//! statement's scope alone says whether it can apply.

use directory::Notes;
use domain::{AskedLogin, GroupName};

use crate::access::{Entry, Hosts, Says, Scope};

/// The Cedar statements of an entry.
pub(crate) fn statements(notes: &Notes<'_>, entry: &Entry) -> Vec<String> {
    let head = head(&notes.place(entry.span.start), entry);
    let whos = alternatives(&entry.scope.who);
    let wheres = alternatives(&entry.scope.hosts);
    let each = whos.iter().flat_map(|who| wheres.iter().map(|hosts| statement(&head, *who, *hosts, &entry.scope)));
    each.collect()
}

/// Each item by itself, or nothing once: no constraint.
fn alternatives<T>(items: &[T]) -> Vec<Option<&T>> {
    if items.is_empty() { vec![None] } else { items.iter().map(Some).collect() }
}

/// The annotations and the effect. Requirements and prohibitions have no names: their place in the file is shown.
fn head(place: &str, entry: &Entry) -> String {
    match &entry.says {
        Says::Rule(name, terms) => format!("@rule(\"{}\")\n{}permit", name.get_ref(), terms.annotations()),
        Says::Require(terms) => format!("@require({place:?})\n{}permit", terms.annotations()),
        Says::Forbid => format!("@forbid({place:?})\nforbid"),
    }
}

fn statement(head: &str, who: Option<&GroupName>, hosts: Option<&Hosts>, scope: &Scope) -> String {
    let principal = who.map_or_else(|| "principal".to_owned(), |group| format!("principal in Group::\"{group}\""));
    let mut conditions = Vec::new();
    let resource = match hosts {
        None | Some(Hosts::All) => "resource".to_owned(),
        Some(Hosts::Host(name)) => format!("resource == Host::\"{name}\""),
        Some(Hosts::Labels(selector)) => {
            let mut labels = selector.labels().map(|label| format!("resource in Label::\"{label}\""));
            let first = labels.next().unwrap_or_else(|| "resource".to_owned());
            conditions.extend(labels);
            first
        }
    };
    if !scope.logins.is_empty() {
        conditions.push(any(scope.logins.iter().map(login)));
    }
    let contains = |set: &str, text: &str| format!("context.{set}.contains(\"{text}\")");
    if !scope.when.is_empty() {
        conditions.push(any(scope.when.iter().map(|schedule| contains("when", schedule.as_str()))));
    }
    if !scope.commands.is_empty() {
        conditions.push(any(scope.commands.iter().map(|pattern| contains("commands", pattern.as_str()))));
    }
    let when: String = conditions.iter().map(|condition| format!("\nwhen {{ {condition} }}")).collect();
    format!("{head} ({principal}, action == Action::\"login\", {resource}){when};\n")
}

fn any(conditions: impl Iterator<Item = String>) -> String {
    conditions.collect::<Vec<_>>().join(" || ")
}

fn login(login: &AskedLogin) -> String {
    match login {
        AskedLogin::Own => "principal has login && context.login == principal.login".to_owned(),
        AskedLogin::Named(name) => format!("context.login == \"{name}\""),
    }
}
